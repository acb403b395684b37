"""Orders as people speak them, and as a form in JSON has them."""

import json
import random
from typing import Any

NUMBERS = {
    1: ("one", "a", "1"),
    2: ("two", "2", "a pair of"),
    3: ("three", "3"),
    4: ("four", "4"),
    6: ("six", "6", "half a dozen"),
    12: ("12", "a dozen"),
}
SIZES = ("small", "medium", "large")
ITEMS = {
    "pizza": "pizzas",
    "coffee": "coffees",
    "salad": "salads",
    "sandwich": "sandwiches",
    "lemonade": "lemonades",
    "burrito": "burritos",
}
EXTRAS = ("extra cheese", "no onions", "oat milk", "no ice", "extra sauce", "gluten free")
NAMES = ("Ann", "Bob", "Chiara", "Deniz", "Eve", "Farid", "Grete", "Hugo", "Ivy", "Jonas")
PLACES = ("take away", "eat in", "delivery")
TEMPLATES = (
    "I'd like {count} {size} {item}{extra}, {place} please. The name is {name}.",
    "{count} {size} {item} for {name}{extra}, {place}.",
    "Hi, {name} here. Can I get {count} {size} {item}{extra}? {place}, thanks.",
    "Could you put down {count} {size} {item}{extra} for {name}? It's {place}.",
    "{place}: {count} {item}, {size}{extra}. My name is {name}.",
)


def order(chance: random.Random) -> tuple[str, str]:
    """What is said, and the form as JSON on one line, its keys in one order."""
    number = chance.choice(tuple(NUMBERS))
    item, size, name, place = chance.choice(tuple(ITEMS)), chance.choice(SIZES), chance.choice(NAMES), chance.choice(PLACES)
    extra = chance.choice((None, None, *EXTRAS))
    said = chance.choice(TEMPLATES).format(
        count=chance.choice(NUMBERS[number]),
        size=size,
        item=item if number == 1 else ITEMS[item],
        extra=f" with {extra}" if extra else "",
        name=name,
        place=place,
    )
    form = {"item": item, "size": size, "count": number, "extra": extra, "place": place, "name": name}
    return said[0].upper() + said[1:], json.dumps(form)


def rows(count: int, chance: random.Random) -> list[dict[str, Any]]:
    """`count` different orders."""
    found: dict[str, str] = {}
    while len(found) < count:
        said, form = order(chance)
        found[said] = form
    return [{"id": f"order-{number:03d}", "order": said, "expected": form} for number, (said, form) in enumerate(found.items(), 1)]
