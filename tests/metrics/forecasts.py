"""Scores with class probabilities, drawn at random."""

from collections.abc import Mapping, Sequence
from random import Random

from evalsvc.records import Outcome, Score
from evalsvc.scoring.probabilities import LABEL_MASS, MASS_UNITS

THREE = ("ham", "spam", "other")


def forecast(
    target: str | None, probs: Mapping[str, float] | None, *, id_: str = "1", shared: bool = False, answered: bool = True
) -> Score:
    """A row with `probs`; without any, one that is answered or not. `shared`: answered, and its labels share a token."""
    prediction = next(iter(probs or {"ham": 1.0})) if probs is not None or shared or answered else None
    outcome = Outcome.UNPARSED if prediction is None else Outcome.SCORED if target is None else Outcome.CORRECT
    top = max((probs or {"": 0.0}).values())
    quality = (1, MASS_UNITS, 0, 0, int(top > 0.999), int(shared))
    stats = {LABEL_MASS: quality} if probs is not None or shared else None
    return Score(id=id_, repeat=0, target=target, prediction=prediction, outcome=outcome, rule=None, stats=stats, probs=probs)


def drawn(random: Random, labels: Sequence[str] = THREE, *, digits: int | None = None, without: float = 0.0) -> Score:
    """`digits` makes ties; `without` is the share of rows without an answer."""
    target = random.choice(labels)
    if random.random() < without:
        return forecast(target, None, answered=False)
    weights = {label: random.gauss(1.0 if label == target else 0.0, 1.0) for label in labels}
    odds = {label: 2.718281828**weight if digits is None else round(2.718281828**weight, digits) + 0.1 for label, weight in weights.items()}
    total = sum(odds.values())
    return forecast(target, {label: value / total for label, value in odds.items()})
