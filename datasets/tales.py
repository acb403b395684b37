"""Very short tales, weather reports and recipes: how each begins, and how it goes on."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

SLOTS: Mapping[str, Sequence[str]] = {
    "who": ("The miller", "A young fisherman", "The lighthouse keeper", "An old tailor", "The queen's gardener", "A travelling clockmaker"),
    "animal": ("a grey goose", "a talking fox", "a lame horse", "a clever crow", "a very small bear"),
    "treasure": ("a silver key", "a map without names", "a ring of glass", "three black stones", "a lantern that never went out"),
    "where": ("behind the mill", "at the bottom of the well", "under the oldest oak", "on the far side of the lake", "in an empty barn"),
    "weather": ("heavy rain", "light snow", "thick fog", "strong wind", "bright sunshine", "a few showers"),
    "region": ("the north", "the coast", "the mountains", "the western valleys", "the capital"),
    "degrees": ("two", "five", "nine", "fourteen", "twenty-one", "thirty"),
    "dish": ("onion soup", "apple cake", "a plain omelette", "lentil stew", "bread pudding"),
    "thing": ("butter", "flour", "chopped onions", "red lentils", "sugar", "stale bread"),
    "minutes": ("five", "ten", "twenty", "forty", "ninety"),
}
KINDS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "tale": (
        ("{who} once met {animal} {where}.", "{who} had lost {treasure} {where}.", "Long ago {animal} lived {where}."),
        (
            " Nobody in the village believed it, but the next morning {treasure} lay on the doorstep.",
            " They walked for three days and came to a house without windows.",
            ' "Take {treasure}," said {animal}, "but never look back."',
            " From that day on there was always bread on the table.",
            " In winter the path was covered with snow, and no one found the way {where}.",
            " And if nobody has moved it, it is still there.",
        ),
    ),
    "weather": (
        (
            "Tomorrow there will be {weather} in {region}.",
            "The night brings {weather} to {region}.",
            "In {region} the day begins with {weather}.",
        ),
        (
            " Temperatures rise to {degrees} degrees.",
            " In {region} it stays dry for most of the day.",
            " Towards evening {weather} moves in from the sea.",
            " At night it cools down to {degrees} degrees.",
            " The outlook for the weekend: {weather} in {region} and {weather} elsewhere.",
        ),
    ),
    "recipe": (
        (
            "For {dish} you need {thing} and a little patience.",
            "This is how my grandmother made {dish}.",
            "Nothing is simpler than {dish}.",
        ),
        (
            " Melt the butter in a large pan and add {thing}.",
            " Let it simmer for {minutes} minutes and stir from time to time.",
            " Mix {thing} with {thing} until nothing sticks.",
            " Bake it for {minutes} minutes, until the top is golden.",
            " Serve it warm, with salt and pepper.",
        ),
    ),
}
# As nobody here writes: what a model of these texts cannot know.
STRANGE = (
    ("proverb", "A stitch in time", " saves nine."),
    ("proverb", "Too many cooks", " spoil the broth."),
    ("headline", "Parliament votes", " to postpone the reform of the pension system until after the elections."),
    ("headline", "Shares fall sharply", " as investors fear higher interest rates and a strong currency."),
    ("code", "for row in rows:", " total += row.price * row.quantity"),
    ("code", "def area(width, height):", " return width * height"),
    ("german", "Im Wald steht ein altes Haus,", " und niemand weiß, wem es gehört."),
    ("german", "Morgen wird es regnen,", " deshalb nehmen wir den Bus."),
)


def _filled(template: str, chance: random.Random) -> str:
    """Each slot with a choice of its own."""
    for name, words in SLOTS.items():
        while f"{{{name}}}" in template:
            template = template.replace(f"{{{name}}}", chance.choice(words), 1)
    return template


def _text(kind: str, chance: random.Random) -> tuple[str, str]:
    openings, sentences = KINDS[kind]
    chosen = chance.sample(sentences, chance.randint(2, 4))
    return _filled(chance.choice(openings), chance), "".join(_filled(sentence, chance) for sentence in chosen)


def rows(count: int, chance: random.Random) -> list[dict[str, Any]]:
    """`count` texts in two parts, the second with the blank that stands before it; the strange ones last."""
    texts = [(kind, *_text(kind, chance)) for kind in (chance.choice(tuple(KINDS)) for _ in range(count - len(STRANGE)))]
    return [
        {"id": f"text-{number:03d}", "kind": kind, "opening": opening, "continuation": rest, "text": opening + rest}
        for number, (kind, opening, rest) in enumerate([*texts, *STRANGE], 1)
    ]
