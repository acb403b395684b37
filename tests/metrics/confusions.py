"""Count tables from rows, as short as a test can say them."""

from collections.abc import Iterable, Mapping

from evalsvc.metrics import ConfusionTally
from evalsvc.records import Outcome, Score

Counts = Mapping[tuple[str | None, str], int]


def score(target: str | None, came_back: str, labels: Iterable[str]) -> Score:
    """`came_back` is a label or the name of an outcome without one."""
    if came_back not in labels:
        return Score(id="1", repeat=0, target=target, prediction=None, outcome=Outcome(came_back), rule=None)
    outcome = Outcome.SCORED if target is None else Outcome.CORRECT if target == came_back else Outcome.WRONG
    return Score(id="1", repeat=0, target=target, prediction=came_back, outcome=outcome, rule="exact")


def tally_of(labels: tuple[str, ...], counts: Counts) -> ConfusionTally:
    tally = ConfusionTally.empty(labels)
    for (target, came_back), rows in counts.items():
        tally.update(score(target, came_back, labels), rows)
    return tally
