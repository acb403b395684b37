"""Two sides over the same rows, as short as a test can say them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from evalsvc.compare.evidence import CommonRows, Evidence
from evalsvc.config.models import EvalConfig
from evalsvc.dataset import id_hash
from evalsvc.metrics.families.registry import build_metrics
from evalsvc.metrics.kept import Shape
from evalsvc.records import WITHOUT_LABEL, Outcome, Score
from evalsvc.scoring.measures import Answer

LABELS = ("ham", "spam", "other")


def shape_of(task: str = "classification", labels: Sequence[str] = (), **more: Any) -> Shape:
    """What a run keeps whose config says `more`."""
    config = EvalConfig.model_validate({"name": "c", "dataset": {"path": "d.jsonl"}, "model": {"name": "m"}, "task": task, **more})
    return Shape(labels=tuple(labels), metrics=build_metrics(config, labels))


def common(count: int, *, groups: Sequence[int] | None = None, repeats: int = 1, **more: Any) -> CommonRows:
    """`groups`: the group of each row. With `repeats` row i is of sample i // repeats."""
    names = [f"group {groups[row]}" if groups is not None else str(row // repeats) for row in range(count)]
    clusters = np.array([int.from_bytes(id_hash(name), "little") for name in names], dtype=np.uint64)
    return CommonRows(count=count, clusters=clusters, grouped=groups is not None, repeated=repeats > 1, **more)


def evidence_of(
    scores: Sequence[Score], shape: Shape, rows: CommonRows | None = None, *, positive: str | None = None, order: Sequence[int] = ()
) -> Evidence:
    """Of rows that are taken in `order`, by default in their own."""
    evidence = Evidence.empty(shape, rows or common(len(scores)), positive)
    for number in order or range(len(scores)):
        evidence.take(number, scores[number])
    return evidence


def labelled(targets: Sequence[str | None], came_back: Sequence[str]) -> list[Score]:
    """`came_back`: labels, or names of outcomes without one."""
    return [_labelled(str(row), *pair) for row, pair in enumerate(zip(targets, came_back, strict=True))]


def _labelled(id_: str, target: str | None, came_back: str) -> Score:
    if came_back in set(map(str, WITHOUT_LABEL)):
        return Score(id=id_, repeat=0, target=target, prediction=None, outcome=Outcome(came_back), rule=None)
    outcome = Outcome.SCORED if target is None else Outcome.CORRECT if target == came_back else Outcome.WRONG
    return Score(id=id_, repeat=0, target=target, prediction=came_back, outcome=outcome, rule="exact")


def answered(shape: Shape, answers: Sequence[str], references: Sequence[Sequence[str]], *, correct: str | None = None) -> list[Score]:
    """Texts, measured as a run measures them; `correct` names the score that says whether an answer is right."""
    return [_answered(str(row), shape, *pair, correct) for row, pair in enumerate(zip(answers, references, strict=True))]


def _answered(id_: str, shape: Shape, text: str, references: Sequence[str], correct: str | None) -> Score:
    scores: dict[str, float] = {}
    stats: dict[str, Sequence[int]] = {}
    for measure in dict.fromkeys(metric.measure for metric in shape.metrics if metric.measure is not None):
        measured = measure(Answer(text=text, references=tuple(references), reply=None))
        if measured is not None:
            scores |= measured.scores or {}
            stats |= measured.stats or {}
    outcome = Outcome.SCORED if correct is None else Outcome.CORRECT if scores[correct] else Outcome.WRONG
    return Score(id=id_, repeat=0, target="x", prediction=text, outcome=outcome, rule=None, scores=scores, stats=stats)


def numbered(values: Sequence[float | None], name: str = "quality", *, outcome: Outcome = Outcome.SCORED) -> list[Score]:
    """Rows with one score each, as a scorer of the user's gives it."""
    return [
        Score(id=str(row), repeat=0, target="x", prediction="y", outcome=outcome, rule=None, scores=None if one is None else {name: one})
        for row, one in enumerate(values)
    ]
