"""What makes two runs hard to compare, in sentences. Numbers of rows, models and prompts are told elsewhere."""

from collections.abc import Iterator
from typing import Final

from evalsvc.compare.pairing import Pairing, judge_other_answers
from evalsvc.compare.source import Side

# Of `scoring`: how things are run, and what definitions of metrics tell already.
_NOT_RULES: Final = frozenset({"labels", "positive", "correct", "operating_point", "workers", "timeout_s"})


def notes_of(a: Side, b: Side, pairing: Pairing) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_notes(a, b, pairing)))


def _notes(a: Side, b: Side, pairing: Pairing) -> Iterator[str]:
    if (a.info.path, a.info.is_baseline) == (b.info.path, b.info.is_baseline):
        yield "A and B are one and the same run"
    for name, side in (("A", a), ("B", b)):
        rows = side.info.summary["rows"]
        if side.info.summary["status"] != "complete":
            yield f"{name} is not complete: {rows['pending']:,} of its {rows['expected']:,} rows have no answer yet, and are in no number"
        yield from side.notes
    yield from _of_configs(a, b)
    if (a.grouped or b.grouped) and not pairing.common.grouped:
        yield "nobody can tell any more which rows belong together (dataset.group); as independent draws they make intervals too narrow"


def _of_configs(a: Side, b: Side) -> Iterator[str]:
    if a.config.task != b.config.task:
        yield f"A is of task {a.config.task}, B of {b.config.task}"
    elif judge_other_answers(a, b) and a.data != b.data:
        yield "the verdicts of judges are compared: rows are joined by id alone, for the answers that were judged are others"
    elif a.data != b.data and (a.holds_answers or b.holds_answers):
        yield "rows that came with their answers are joined by id and right answer alone: nobody can tell what was asked"
    elif a.data != b.data:
        yield "the data set is not the same on both sides: only rows that ask the same, and have the same right answer, are compared"
    if set(a.shape.labels) != set(b.shape.labels) and a.shape.labels and b.shape.labels:
        yield "the labels are not the same on both sides, so that only right and wrong can be compared"
    rules_a, rules_b = (side.config.scoring.model_dump(mode="json") for side in (a, b))
    other = [f"scoring.{key}" for key in rules_b if key not in _NOT_RULES and rules_a[key] != rules_b[key]]
    if other:
        yield f"replies are read by other rules on either side: {', '.join(other)}"
