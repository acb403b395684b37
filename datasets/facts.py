"""Places, people and machines that do not exist, and questions about them: a text, a question, and every answer that is right."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

NAMES = ("Maren Holt", "Tobias Quill", "Ines Varga", "Edwin Thorne", "Salma Idris", "Piet Vandam", "Greta Sund", "Oskar Lime", "Dora Finch")
RIVERS = ("Ilse", "Morrow", "Tarn", "Weyle", "Sorra", "Kell")
PLACES = ("Aldersby", "Port Ennis", "Quarle", "Tornhaven", "Brae Mills", "Velmont", "Osterlund", "Candlewick", "Ravensea")
KNOWN_FOR = ("blue glass", "smoked trout", "wooden clocks", "cherry wine", "wool blankets", "paper lanterns")
MATERIALS = ("granite", "brick", "oak", "sandstone", "steel")
MACHINES = ("Corvus", "Heron IV", "Little Atlas", "Magpie", "Pelican", "Tern II")
WORKS_ON = ("steam", "compressed air", "sunlight", "falling water", "a wound spring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    context: str
    question: str
    answers: Sequence[str]


def _number(value: int) -> list[str]:
    """As people write it."""
    return list(dict.fromkeys((f"{value:,}", str(value), f"{value:,}".replace(",", " "))))


def _person(name: str) -> list[str]:
    return [name, name.rsplit(maxsplit=1)[-1]]


def _town(chance: random.Random) -> Asked:
    place, other = chance.sample(PLACES, 2)
    mayor, founder = chance.sample(NAMES, 2)
    year, bridge = chance.randint(1105, 1790), chance.randint(1820, 1990)
    people, river, goods = chance.randint(1200, 48_000), chance.choice(RIVERS), chance.choice(KNOWN_FOR)
    lines = [
        f"{place} is a town on the river {river} with {people:,} inhabitants.",
        f"It was founded in {year} by {founder}.",
        f"The town is known for its {goods}, which is sold as far as {other}.",
        f"Its mayor is {mayor}.",
        f"A bridge of {chance.choice(MATERIALS)} was opened in {bridge}.",
    ]
    asked = (
        (f"When was {place} founded?", [str(year), f"in {year}"]),
        (f"Who founded {place}?", _person(founder)),
        (f"How many inhabitants does {place} have?", [*_number(people), *(f"{text} inhabitants" for text in _number(people))]),
        (f"Who is the mayor of {place}?", _person(mayor)),
        (f"On which river does {place} lie?", [river, f"the {river}", f"the river {river}", f"river {river}"]),
        (f"What is {place} known for?", [goods, f"its {goods}"]),
        (f"When was the bridge of {place} opened?", [str(bridge), f"in {bridge}"]),
    )
    return _asked(lines, asked, chance)


def _engine(chance: random.Random) -> Asked:
    machine = chance.choice(MACHINES)
    builder, owner = chance.sample(NAMES, 2)
    place, museum = chance.sample(PLACES, 2)
    year, weight = chance.randint(1840, 1935), chance.randint(3, 95)
    speed, power = chance.randint(12, 140), chance.choice(WORKS_ON)
    lines = [
        f"The {machine} is a machine that works on {power}.",
        f"{builder} built it in {year} in a shed near {place}.",
        f"It weighs {weight} tonnes and reaches {speed} kilometres an hour.",
        f"{owner} bought it later and gave it away.",
        f"Today it stands in the museum of {museum}.",
    ]
    asked = (
        (f"Who built the {machine}?", _person(builder)),
        (f"In what year was the {machine} built?", [str(year), f"in {year}"]),
        (f"How much does the {machine} weigh?", [f"{weight} tonnes", str(weight), f"{weight} t"]),
        (f"How fast is the {machine}?", [f"{speed} kilometres an hour", f"{speed} km/h", str(speed), f"{speed} kilometres"]),
        (f"Where does the {machine} stand today?", [museum, f"the museum of {museum}", f"in the museum of {museum}"]),
        (f"What does the {machine} work on?", [power, f"on {power}"]),
        (f"Who bought the {machine}?", _person(owner)),
    )
    return _asked(lines, asked, chance)


def _career(chance: random.Random) -> Asked:
    who, teacher = chance.sample(NAMES, 2)
    born_in, lives_in = chance.sample(PLACES, 2)
    born = chance.randint(1921, 1990)
    first = born + chance.randint(20, 34)
    books, goods = chance.randint(3, 24), chance.choice(KNOWN_FOR)
    lines = [
        f"{who} was born in {born} in {born_in}.",
        f"There {teacher} taught the young {who.split()[0]} to make {goods}.",
        f"The first book came out in {first}.",
        f"By now there are {books} books, most of them about rivers.",
        f"{who} lives in {lives_in} with two dogs.",
    ]
    asked = (
        (f"When was {who} born?", [str(born), f"in {born}"]),
        (f"Where was {who} born?", [born_in, f"in {born_in}"]),
        (f"Where does {who} live?", [lives_in, f"in {lives_in}"]),
        (f"How many books has {who} written?", [str(books), f"{books} books"]),
        (f"When did the first book of {who} come out?", [str(first), f"in {first}"]),
        (f"Who taught {who} to make {goods}?", _person(teacher)),
    )
    return _asked(lines, asked, chance)


def _asked(lines: Sequence[str], asked: Sequence[tuple[str, Sequence[str]]], chance: random.Random) -> Asked:
    """One of the questions, the sentences behind the first in any order."""
    question, answers = chance.choice(asked)
    first, *others = lines
    chance.shuffle(others)
    return Asked(context=" ".join([first, *others]), question=question, answers=answers)


KINDS: Sequence[Callable[[random.Random], Asked]] = (_town, _engine, _career)


def rows(count: int, chance: random.Random) -> list[dict[str, Any]]:
    """`count` different questions, each with a text of its own."""
    asked = [chance.choice(KINDS)(chance) for _ in range(count)]
    return [
        {"id": f"q-{number:03d}", "context": one.context, "question": one.question, "answers": list(one.answers)}
        for number, one in enumerate(asked, 1)
    ]
