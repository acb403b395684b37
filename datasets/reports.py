"""Short reports with a summary each: facts by chance, told once at length and once in a sentence or two."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`body` stands in the order of the report; sentences of `asides` are strewn in behind the first."""

    kind: str
    body: Sequence[str]
    asides: Sequence[str]
    summary: str


TEAMS = ("Harwick Rovers", "Eastmoor United", "Port Callan", "Redvale Town", "Saint Orly", "Northbrook Athletic", "Millhaven City")
PLAYERS = ("Okafor", "Lindqvist", "Marsh", "Delgado", "Petrov", "Ashby", "Tanaka", "Brandt", "Quinn", "Moreau")
SERVICES = ("payment service", "login service", "search index", "mail gateway", "photo store", "booking system", "reporting database")
CAUSES = (
    ("an expired certificate", "a certificate had run out overnight", "renewed the certificate"),
    ("a full disk", "a log file had filled the disk", "deleted old log files"),
    ("a faulty release", "the release of that morning leaked memory", "rolled the release back"),
    ("a cut cable", "a digger had cut a cable outside the data centre", "moved the traffic to the second site"),
    ("a wrong setting", "a timeout had been set to zero", "restored the old setting"),
)
TOWNS = ("Harwick", "Eastmoor", "Callan", "Redvale", "Orly Bridge", "Northbrook", "Millhaven")
PLANS = (
    ("a new library", "the old corn exchange", "read and study"),
    ("a swimming pool", "the site of the former brewery", "learn to swim"),
    ("a cycle path", "the disused railway line", "ride to school"),
    ("a youth centre", "the empty post office", "meet in the evening"),
    ("a bus station", "the car park behind the market hall", "change buses without getting wet"),
)
SIDE_REMARKS = {
    "match": (
        "Some {fans} spectators had come in spite of the rain.",
        "The pitch was heavy after a wet week.",
        "Both sides had lost their last game.",
        "The referee showed {cards} yellow cards.",
        "Next week both teams have a free day.",
    ),
    "outage": (
        "The status page was updated every twenty minutes.",
        "No data was lost.",
        "About {fans} customers wrote to support.",
        "Other services were not affected.",
        "A full report will follow within a week.",
    ),
    "council": (
        "The meeting lasted {cards} hours.",
        "Around {fans} citizens followed the debate from the gallery.",
        "A petition had been handed in beforehand.",
        "Two members were ill and could not vote.",
        "The next meeting is in a month.",
    ),
}


def _match(chance: random.Random) -> Told:
    winner, loser = chance.sample(TEAMS, 2)
    scorer, other, keeper = chance.sample(PLAYERS, 3)
    goals = chance.randint(2, 4)
    against = chance.randint(0, goals - 1)
    minute = chance.randint(70, 90)
    reply = f"{other} had given {loser} hope with a shot from the edge of the area. " if against else ""
    return Told(
        kind="match",
        body=(
            f"It was a nervous start at the home of {winner}, with few chances in the first half hour.",
            f"{keeper} in the goal of {loser} saved twice before the break.",
            f"{reply}{scorer} scored the decisive goal in minute {minute}.",
            f"In the end {winner} beat {loser} by {goals} goals to {against}.",
            f'"We had to be patient," said {scorer} after the final whistle.',
        ),
        asides=SIDE_REMARKS["match"],
        summary=f"{winner} beat {loser} {goals}-{against}; {scorer} scored the decisive goal in minute {minute}.",
    )


def _outage(chance: random.Random) -> Told:
    service = chance.choice(SERVICES)
    cause, happened, cure = chance.choice(CAUSES)
    hour, minutes = chance.randint(0, 22), chance.choice((25, 40, 55, 70, 90, 130))
    over = hour * 60 + minutes + 10
    return Told(
        kind="outage",
        body=(
            f"The {service} stopped answering at {hour:02d}:10 and was unavailable for {minutes} minutes.",
            "Customers saw error pages or waited in vain.",
            f"Engineers found that {happened}.",
            f"They {cure}, and by {over // 60:02d}:{over % 60:02d} everything worked again.",
            f"Monitoring had not been set up to warn of {cause}; it now is.",
        ),
        asides=SIDE_REMARKS["outage"],
        summary=f"The {service} was down for {minutes} minutes because of {cause}. Engineers {cure}, and monitoring now warns of it.",
    )


def _council(chance: random.Random) -> Told:
    town = chance.choice(TOWNS)
    plan, place, use = chance.choice(PLANS)
    cost, year = chance.choice((1.2, 2.5, 3.8, 4.6, 7.5)), chance.randint(2027, 2031)
    votes = chance.randint(12, 20)
    against = chance.randint(2, 9)
    return Told(
        kind="council",
        body=(
            f"After a long debate the council of {town} voted on Tuesday evening.",
            f"With {votes} votes to {against} it decided to build {plan} on {place}.",
            f"The work is to cost {cost} million and to be finished in {year}.",
            f"Supporters say that young and old will at last be able to {use}.",
            "Opponents called the plan too expensive and warned of years of noise.",
        ),
        asides=SIDE_REMARKS["council"],
        summary=f"The council of {town} decided to build {plan} on {place} for {cost} million by {year}, against {against} votes.",
    )


KINDS: Sequence[Callable[[random.Random], Told]] = (_match, _outage, _council)


def report(chance: random.Random) -> tuple[Told, str]:
    """A report as facts and as text: a few asides between its sentences, at times one before the first."""
    told = chance.choice(KINDS)(chance)
    lines = list(told.body)
    for aside in chance.sample(told.asides, chance.randint(1, 3)):
        lines.insert(chance.randint(0, len(lines)), aside.format(fans=chance.randint(2, 90) * 10, cards=chance.randint(2, 6)))
    return told, " ".join(lines)


def rows(count: int, chance: random.Random) -> list[dict[str, Any]]:
    """`count` different reports."""
    found: dict[str, Told] = {}
    while len(found) < count:
        told, text = report(chance)
        found[text] = told
    return [
        {"id": f"report-{number:03d}", "kind": told.kind, "article": text, "summary": told.summary}
        for number, (text, told) in enumerate(found.items(), 1)
    ]
