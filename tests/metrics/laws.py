"""One example of every tally with items for it, so that each law is tested over all of them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any

from evalsvc.metrics import ConfusionTally, LatencySketch, OutcomeTally, ServedTally, UsageTally
from evalsvc.metrics.means import MeanTally
from evalsvc.records import WITHOUT_LABEL, Outcome, Record, Reply, RowError, Score, Usage

LABELS = ("ham", "spam", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    empty: Callable[[], Any]
    from_state: Callable[[Mapping[str, Any]], Any]
    item: Callable[[Random], Any]

    def of(self, items: list[Any]) -> Any:
        tally = self.empty()
        for item in items:
            tally.update(item)
        return tally


def score(random: Random) -> Score:
    target, prediction = random.choice((*LABELS, None)), random.choice((*LABELS, None))
    if prediction is None:
        outcome = random.choice(WITHOUT_LABEL)
    elif target is None:
        outcome = Outcome.SCORED
    else:
        outcome = Outcome.CORRECT if target == prediction else Outcome.WRONG
    return Score(id="1", repeat=0, target=target, prediction=prediction, outcome=outcome, rule=None, cut=random.random() < 0.2)


def record(random: Random) -> Record:
    failed = random.random() < 0.3
    usage = Usage(input=random.randrange(99), output=random.randrange(9), cached=1, reasoning=2) if random.random() < 0.8 else None
    return Record(
        id="1",
        repeat=0,
        row_hash=b"",
        key="",
        target=None,
        messages=None,
        reply=None if failed else Reply(output="x", finish_reason="stop", usage=usage, latency_s=0.1),
        error=RowError(kind=random.choice(("timeout", "content_filter")), http=None, code=None, message="") if failed else None,
        attempts=random.randrange(1, 5),
        waited_s=0.0,
        at="",
    )


EXAMPLES: Mapping[str, Example] = {
    "confusion": Example(empty=lambda: ConfusionTally.empty(LABELS), from_state=ConfusionTally.from_state, item=score),
    "outcomes": Example(empty=OutcomeTally.empty, from_state=OutcomeTally.from_state, item=score),
    "usage": Example(empty=UsageTally.empty, from_state=UsageTally.from_state, item=record),
    "served": Example(
        empty=ServedTally.empty, from_state=ServedTally.from_state, item=lambda random: random.choice(("a-2024", "a-2025", None))
    ),
    "mean": Example(empty=MeanTally.empty, from_state=MeanTally.from_state, item=lambda random: random.gauss(0, 10)),
    "latency": Example(empty=LatencySketch.empty, from_state=LatencySketch.from_state, item=lambda random: random.lognormvariate(0, 2)),
}
