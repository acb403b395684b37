"""Record -> Score where the answer is a number: one is read, and how far off it is, is for metrics to say.

    thinking is cut away, a code fence around everything is opened, then
    json          a JSON object: its field answer, prediction, result, value …, else all of its fields
    answer_line   behind the last "answer:", "result =", "final answer is": the rest of the line, else what follows
    number        the one number in the text

With `scoring.extract` what it gives is read, and nothing else. The first rule that applies decides. Two numbers that differ
are ambiguous, and so is `8/10`: a mark out of ten as often as it is 0.8.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import EllipsisType
from typing import Any, Final

from evalsvc.config.models import EvalConfig, Numbers
from evalsvc.errors import UsageError
from evalsvc.jsonio import as_text
from evalsvc.records import Outcome, Record, Score
from evalsvc.scoring.extract import ANSWER_WORDS, extract_from, json_object
from evalsvc.scoring.figures import answer_lines, as_programs_write, figure_text, figures_in, may_go_on, number_of
from evalsvc.scoring.outcomes import is_cut, outcome_before_reading
from evalsvc.scoring.text import unfenced
from evalsvc.thinking import without_thinking

# Beyond it, errors are squared to what doubles cannot hold.
LARGEST: Final = 10**100
_FIELDS = (*ANSWER_WORDS, "value", "number", "score", "rating", "estimate")
_OUT_OF = (5, 10, 100)
_SHOWN = 5
_SHOWN_CHARS = 80
_HINT = 'regression needs a number in every target; `scoring: {numbers: {decimal: ","}}` reads 1.234,5'


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was read in one text."""

    value: Fraction | None = None
    rule: str | None = None  # None: no number
    ambiguous: bool = False
    unfinished: bool = False  # the number stands at the end of the text: more digits may have been to come


def check_targets(seen: Mapping[str, int], numbers: Numbers) -> None:
    """UsageError that shows what of a data set's targets is no number; `seen` counts the rows of each target."""
    strangers = [target for target in seen if not _is_measurable(target, numbers)]
    if strangers:
        shown = ", ".join(repr(target[:_SHOWN_CHARS]) for target in strangers[:_SHOWN])
        rows = sum(seen[target] for target in strangers)
        raise UsageError(
            f"{rows:,} row{' has a target that is no number' if rows == 1 else 's have targets that are no numbers'} below 1e100: {shown}",
            hint=_HINT,
        )


def _is_measurable(target: str, numbers: Numbers) -> bool:
    value = number_of(target, decimal=numbers.decimal, percent=numbers.percent)
    return value is not None and abs(value) <= LARGEST


class NumberScorer:
    """Scores replies by the one number that they say. Every number is `scored`; which are good is for metrics to say."""

    def __init__(self, read: Callable[[str], Reading], numbers: Numbers) -> None:
        self._read = read
        self._numbers = numbers

    @classmethod
    def of(cls, config: EvalConfig) -> "NumberScorer":
        """UsageError for an extraction that cannot work."""
        numbers = config.scoring.numbers
        return cls(_reader(config.scoring.extract, numbers), numbers)

    def score(self, record: Record, *, target: str | EllipsisType | None = ...) -> Score:
        """UsageError for a target that is no number."""
        right = record.target if isinstance(target, EllipsisType) else target
        if right is not None and not _is_measurable(right, self._numbers):
            raise UsageError(f"row {record.id!r}: the target {right[:_SHOWN_CHARS]!r} is not a number below 1e100", hint=_HINT)
        outcome, reading = outcome_before_reading(record), Reading()
        if outcome is None:
            outcome, reading = self._outcome(record)
        return Score(
            id=record.id,
            repeat=record.repeat,
            target=right,
            prediction=None if reading.value is None else figure_text(reading.value),
            outcome=outcome,
            rule=reading.rule,
            cut=is_cut(record),
        )

    def _outcome(self, record: Record) -> tuple[Outcome, Reading]:
        output = (record.reply.output if record.reply is not None else None) or ""
        visible = without_thinking(output)
        reading = Reading() if visible is None else self._read(unfenced(visible))
        if reading.ambiguous:
            return Outcome.AMBIGUOUS, Reading(rule=reading.rule)
        if is_cut(record) and reading.unfinished:
            return Outcome.TRUNCATED, Reading()
        if reading.value is not None and abs(reading.value) <= LARGEST:
            return Outcome.SCORED, reading
        return (Outcome.TRUNCATED if is_cut(record) or visible is None else Outcome.UNPARSED), Reading()


def _reader(option: Mapping[str, Any] | None, numbers: Numbers) -> Callable[[str], Reading]:
    if option is None:
        return lambda text: _by_rules(text, numbers)
    rule, extract = extract_from(option)

    def read(text: str) -> Reading:
        found = extract(text)
        return Reading() if found is None else _of_place(found, text, rule, numbers)

    return read


def _by_rules(text: str, numbers: Numbers) -> Reading:
    found = json_object(text)
    if found is not None:
        return _of_values(_fields(found), numbers)
    places = answer_lines(text)
    rule = "number" if places == (text,) else "answer_line"
    readings = (_of_place(place, text, rule, numbers) for place in places)
    return next((reading for reading in readings if reading.rule is not None), Reading())


def _fields(found: Mapping[str, Any]) -> list[str]:
    """The values of the fields that are named like an answer; without any such field, all that are numbers or texts."""
    plain = {name: value for name, value in found.items() if isinstance(value, str | int | float)}
    named = [value for name, value in plain.items() if name.casefold() in _FIELDS]
    return [text for value in named or plain.values() if (text := as_text(value)) is not None]


def _of_values(texts: Sequence[str], numbers: Numbers) -> Reading:
    """The number on which all fields that have one agree."""
    readings = [_of_place(text, "", "json", numbers) for text in texts]
    values = {reading.value for reading in readings if reading.value is not None}
    if len(values) > 1 or any(reading.ambiguous for reading in readings):
        return Reading(rule="json", ambiguous=True)
    return Reading(value=values.pop(), rule="json") if values else Reading()


def _of_place(place: str, output: str, rule: str, numbers: Numbers) -> Reading:
    """The number in a part of `output`. In JSON the decimal mark is a point, whatever people write."""
    if rule == "json" and (value := as_programs_write(place)) is not None:
        return Reading(value=value, rule=rule)
    figures = figures_in(place, decimal=numbers.decimal, percent=numbers.percent)
    if not figures:
        return Reading()
    if len({figure.value for figure in figures}) > 1 or any(figure.of in _OUT_OF for figure in figures):
        return Reading(rule=rule, ambiguous=True)
    return Reading(value=figures[0].value, rule=rule, unfinished=may_go_on(figures[-1], place, output))
