"""A run as a data set: its answers are the rows, so that they can be judged, alone or beside those of another run.

`dataset.path` names the run: its folder, `runs/NAME` for the latest of that name, or its predictions.jsonl. A row has

    id            that of the run; with repeats `42#0`, `42#1`, …; of a pair `42#ab` and `42#ba`
    row_id        that of the run's data set, and `repeat`
    asked         what the model was asked, as text; `input` is what the user said last, `messages` all of it
    output        the answer, thinking cut away; null where there is none, and `missing` says why
    reference     the right answer, where the run's data set has one

and all columns of the run's data set, while that can be read and still has the row as it was asked, and those of
`dataset.join`. With `dataset.against` a row has `output_a` and `output_b` in place of `output`: each pair of answers stands
there twice, in both orders, since a judge may like what it reads first. In `ab`, A is the answer of `dataset.path`.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalsvc.config.models import DatasetConfig
from evalsvc.dataset.answered import Answer, Answers, answer_in, was_asked
from evalsvc.dataset.conversation import text_of
from evalsvc.dataset.place import Place, is_url
from evalsvc.dataset.reader import RowNumber
from evalsvc.dataset.runs import ORDERS, ROW_ID, Open, Run
from evalsvc.dataset.source import Source
from evalsvc.errors import UsageError
from evalsvc.jsonio import as_text
from evalsvc.records import Sample

if TYPE_CHECKING:
    from evalsvc.dataset.dataset import Dataset

_SHOWN_KINDS = 4
_JUDGE = "judge"
_ADDED_COLUMN = (
    "A column that was added to the data after the run changes every row: put it into a file of its own, and name that in dataset.join."
)
_NO_PARTNER = "Answers are a pair where both runs have the same id."


@dataclass(slots=True, kw_only=True)
class Seen:
    """What one pass came across, for the notes; rows that `dataset.where` leaves out are among them."""

    answers: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    missing_against: Counter[str] = field(default_factory=Counter)
    pending: int = 0  # of the run: rows of its data set without a record
    stale: int = 0  # answers to rows that are gone or have changed since
    unpaired: int = 0
    unasked: int = 0  # verdicts of a judge that nobody asked, since it had no answer before it
    other_row: int = 0  # pairs whose rows differ in more than the target


@dataclass(frozen=True, slots=True, kw_only=True)
class _Raw:
    """A row before its answers are read."""

    sample: Sample | None  # None: the run's data set cannot be read
    repeat: int
    place: int
    place_against: int | None
    order: str | None


@dataclass(kw_only=True)
class RunRows:
    """Opens a run's journal as rows; the format of a data set. Other files of its layout are there to be noticed when they change."""

    run: Run
    against: Run | None
    open_data: Open
    target: str | None  # `dataset.target`
    join: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # columns by id, or by id#repeat
    joins_repeats: bool = False
    seen: Seen = field(default_factory=Seen)

    @cached_property
    def _data(self) -> "tuple[Dataset, Any] | None":
        """The run's data set with its first pass; None where it cannot be read."""
        data = self.run.data(self.open_data)
        try:
            return None if data is None else (data, data.survey())
        except UsageError:
            return None

    @cached_property
    def judges_a_judge(self) -> bool:
        configs = [run.config for run in (self.run, self.against) if run is not None]
        return any(config is None or config.task == _JUDGE for config in configs)

    @cached_property
    def target_name(self) -> str:
        """Under which name a row has the target of the run: its own where that is what people said of the answer."""
        own = None if (config := self.run.config) is None else config.dataset.target
        return own if own is not None and own == self.target else "reference"

    def __call__(self, source: Source, _header: tuple[str, ...] | None) -> "_Rows | _NoRows":
        if source.path != self.run.journal:
            return _NoRows()
        self.seen = Seen()
        answers, against = Answers.of(self.run.journal, source.reopen()), None
        if self.against is not None:
            file = self.against.journal.open("rb")
            source.close_with(file.close)
            against = Answers.of(self.against.journal, file)
        repeats = answers.repeats if self.run.repeats is None else self.run.repeats
        if self.join and repeats > 1 and not self.joins_repeats:
            raise UsageError(
                f"`dataset.join`: the run has {repeats} answers to each row, and the file does not say which of them it means",
                hint="Give it a column `repeat` that counts from 0.",
            )
        return _Rows(of=self, answers=answers, against=against, repeats=repeats)

    def notes(self) -> tuple[str, ...]:
        """What the last pass found that whoever starts a run should be told."""
        seen, worth = self.seen, "lost" if self.against is not None else "lowest rating"
        told = [
            _told_missing(seen.missing, seen.answers, f"answers are missing in {self.run.folder}", worth),
            _told_missing(seen.missing_against, seen.answers, "answers are missing in the run it is held against", "won"),
            (seen.pending, "left out, because the run has not answered them yet (once it has, the same command judges them): {} rows"),
            (seen.stale, "left out, because their rows are gone or have changed since: {} answers"),
            (seen.unpaired, "left out, because the other run has none to hold them against: {} answers"),
            (seen.unasked, "left out, because no judge was asked for them (an answer was missing): {} verdicts"),
            (seen.other_row, "pairs whose rows have one id and differ in more than their target: {}"),
        ]
        unread = () if self._data is not None else ("the data set of the judged run cannot be read: its columns are not there",)
        return (*unread, *(words.replace("{}", f"{count:,}", 1) for count, words in told if count))


def _told_missing(missing: Counter[str], answers: int, words: str, worth: str) -> tuple[int, str]:
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in missing.most_common(_SHOWN_KINDS))
    return missing.total(), f"{{}} of {answers:,} {words} ({kinds}): {worth}, without asking the judge"


@dataclass(frozen=True, slots=True, kw_only=True)
class _NoRows:
    columns: None = None

    @property
    def raws(self) -> Iterator[tuple[int, Any]]:
        return iter(())

    def parse(self, _line: int, _raw: Any, /) -> dict[str, Any]:
        raise ValueError("there is no row to parse")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rows:
    """The rows of a run, in the order of its data set where that can be read, else in the order in which they were answered."""

    of: RunRows
    answers: Answers
    against: Answers | None
    repeats: int
    columns: None = None

    @property
    def raws(self) -> Iterator[tuple[int, _Raw]]:
        number = 0
        for raw in self._paired():
            for order in ORDERS if self.against is not None else (None,):
                number += 1
                yield RowNumber(number), raw if order is None else replace(raw, order=order)
        if not number:
            seen = self.of.seen
            raise UsageError(
                f"{self.of.run.folder}: there is no answer to judge: {seen.stale:,} are to rows that are gone or have changed since, "
                f"{seen.unpaired:,} have none to be held against, {seen.unasked:,} were never asked for, {seen.pending:,} rows are pending",
                hint=_ADDED_COLUMN if seen.stale else "Let the run answer some rows first." if seen.pending else _NO_PARTNER,
            )

    def _paired(self) -> Iterator[_Raw]:
        for raw in self._counting() if self.of._data is not None else self._as_answered():
            place = None
            if self.against is not None:
                place = self._partner(raw)
                if place is None:
                    self.of.seen.unpaired += 1
                    continue
            if not self._was_asked(raw.place, place):
                self.of.seen.unasked += 1
                continue
            if self.against is not None and place is not None:
                self.of.seen.other_row += self.against.row_hash(place) != self.answers.row_hash(raw.place)
            yield replace(raw, place_against=place)

    def _was_asked(self, place: int, place_against: int | None) -> bool:
        """Only judges have rows that nobody was asked; other journals are not read for it."""
        if not self.of.judges_a_judge:
            return True
        other = None if self.against is None or place_against is None else self.against.read(place_against)
        return was_asked(self.answers.read(place)) and (other is None or was_asked(other))

    def _partner(self, raw: _Raw) -> int | None:
        id_ = raw.sample.id if raw.sample is not None else self.answers.read(raw.place)["id"]
        return None if self.against is None else self.against.find(id_, raw.repeat)

    def _counting(self) -> Iterator[_Raw]:
        """The answers that count in their run: those to rows that are still there as they were asked."""
        if self.of._data is None:
            return
        (data, survey), found, seen = self.of._data, 0, self.of.seen
        for sample in data.samples(survey):
            for repeat in range(self.repeats):
                place = self.answers.find(sample.id, repeat)
                if place is None:
                    seen.pending += 1
                elif self.answers.row_hash(place) == sample.row_hash:
                    found += 1
                    yield _Raw(sample=sample, repeat=repeat, place=place, place_against=None, order=None)
        seen.stale = len(self.answers.ids) - found

    def _as_answered(self) -> Iterator[_Raw]:
        for place in self.answers.in_file_order():
            repeat = self.answers.read(place)["repeat"] if self.repeats > 1 else 0
            yield _Raw(sample=None, repeat=repeat, place=place, place_against=None, order=None)

    def parse(self, _line: int, raw: _Raw, /) -> dict[str, Any]:
        record = self.answers.read(raw.place)
        id_ = f"{record['id']}#{raw.repeat}" if self.repeats > 1 else record["id"]
        row = {**self._columns(raw, record), **self._asked(raw, record), ROW_ID: record["id"], "repeat": raw.repeat}
        answer, seen = answer_in(record), self.of.seen
        if raw.order in (None, ORDERS[0]):
            seen.answers += 1
            seen.missing.update([answer.missing] if answer.missing else [])
        if self.against is None or raw.place_against is None:
            return {**row, "id": id_, **_answer("output", "missing", answer)}
        other = answer_in(self.against.read(raw.place_against))
        if raw.order == ORDERS[0]:
            seen.missing_against.update([other.missing] if other.missing else [])
        first, second = (answer, other) if raw.order == ORDERS[0] else (other, answer)
        both = _answer("output_a", "missing_a", first) | _answer("output_b", "missing_b", second)
        return {**row, "id": f"{id_}#{raw.order}", "order": raw.order, **both}

    def _columns(self, raw: _Raw, record: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the run's data set, its target as `reference` or under its own name where that is what people said."""
        fields = dict(raw.sample.fields) if raw.sample is not None else {}
        target = raw.sample.target if raw.sample is not None else record["target"]
        if target is not None:
            fields[self.of.target_name] = target
        joined = f"{record['id']}#{raw.repeat}" if self.of.joins_repeats else record["id"]
        return fields | dict(self.of.join.get(joined, {}))

    def _asked(self, raw: _Raw, record: Mapping[str, Any]) -> dict[str, Any]:
        """What the model was asked, where anybody knows: a run may keep no prompts, or have been taken in from a file."""
        messages = record["messages"]
        if messages:
            said = [message for message in messages if message.get("role") == "user"]
            return {"messages": messages, "asked": _as_one(messages), "input": _text(said[-1]) if said else None}
        if raw.sample is None or self.of.run.outputs_are_its_data:
            return {}
        asked = as_text(raw.sample.input)
        return {} if asked is None else {"asked": asked, "input": asked}


def _answer(name: str, missing: str, answer: Answer) -> dict[str, Any]:
    return {name: answer.text} | ({missing: answer.missing} if answer.missing else {})


def _as_one(messages: Sequence[Mapping[str, Any]]) -> str:
    """
    >>> _as_one([{"role": "user", "content": "hi"}])
    'hi'
    >>> _as_one([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}])
    '[system]\\nBe brief.\\n\\n[user]\\nhi'
    """
    if len(messages) == 1:
        return _text(messages[0])
    return "\n\n".join(f"[{message.get('role')}]\n{_text(message)}" for message in messages)


def _text(message: Mapping[str, Any]) -> str:
    """The text of a message; of parts that are no text, what kind they are."""
    content = message.get("content")
    whole = text_of(content)
    if whole is not None:
        return whole
    parts = content if isinstance(content, list) else []
    return "".join(part["text"] if isinstance(part.get("text"), str) else f"[{part.get('type', 'part')}]" for part in parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunLayout:
    """What `open_dataset` makes a Layout of."""

    files: tuple[Place, ...]
    rows: RunRows


def open_runs(config: DatasetConfig, base_dir: Path, runs: Sequence[Run], open_data: Open) -> RunLayout:
    """Every file that the rows depend on stands in `files`, the journal first, so that all are hashed, and a change in any is noticed.

    UsageError for a file of `dataset.join` that cannot be read.
    """
    run, against = runs[0], runs[1] if len(runs) > 1 else None
    data = run.data(open_data)
    files: list[Place] = [run.journal, *([] if against is None else [against.journal]), *(() if data is None else data.layout.files)]
    rows = RunRows(run=run, against=against, open_data=open_data, target=config.target)
    if config.join is not None:
        if is_url(config.join.path):
            raise UsageError("`dataset.join`: only files of this machine are joined", hint="Download it, and name the file.")
        joined = open_data(DatasetConfig(path=config.join.path), base_dir)
        files += joined.layout.files
        rows.join, rows.joins_repeats = _joined(joined, config.join.id)
    return RunLayout(files=tuple(dict.fromkeys(files)), rows=rows)


def _joined(data: "Dataset", column: str) -> tuple[dict[str, Mapping[str, Any]], bool]:
    """The columns of each row by its id, or by id#repeat where there is a column `repeat`; a line that is there twice is refused."""
    found: dict[str, Mapping[str, Any]] = {}
    by_repeat = False
    for sample in data.samples(data.survey()):
        fields = dict(sample.fields)
        id_, repeat = as_text(fields.pop(column, None)), as_text(fields.pop("repeat", None))
        if id_ is None:
            raise UsageError(
                f"`dataset.join`: {data.layout.files[0]}: a row has no {column!r}; its columns are {', '.join(sample.fields)}",
                hint="Name the column with the run's ids in dataset.join.id.",
            )
        by_repeat = by_repeat or repeat is not None
        key = id_ if repeat is None else f"{id_}#{repeat}"
        if key in found:
            raise UsageError(f"`dataset.join`: {data.layout.files[0]}: the id {key!r} is there twice", hint="Keep one row of each id.")
        found[key] = fields
    return found, by_repeat
