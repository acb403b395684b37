"""Scores that were made elsewhere: a file of them joined by id, kept in the run directory as external/<name>.jsonl."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from hashlib import blake2b
from math import isfinite
from pathlib import Path
from typing import Any

from evalsvc.dataset import id_hash
from evalsvc.dataset.formats import FORMATS, format_of
from evalsvc.dataset.source import open_source
from evalsvc.errors import UsageError
from evalsvc.journal.files import storage_failed, write_atomic
from evalsvc.jsonio import as_text, dumps, loads
from evalsvc.rundir import RunDir
from evalsvc.scoring.judged import Nonsense, score_name

FOLDER = "external"
ID, REPEAT = "id", "repeat"
MOST_VALUES = 200  # of a column to slice by
_HINT = 'write rows as {"id": "42", "comet": 0.83}, or CSV with the columns id and comet'

Row = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a file of scores came to."""

    path: Path  # where it is kept
    names: tuple[str, ...]  # of its scores
    left_out: tuple[str, ...]  # columns that are neither scores nor named to slice by
    matched: int  # rows of the run that have scores in it
    unknown: int  # rows of the file that are none of the run's


@dataclass(slots=True, kw_only=True)
class _Reading:
    """A file of scores, row by row."""

    path: Path
    by: tuple[str, ...]
    numeric: dict[str, bool] = field(default_factory=dict)  # by column: what its first value is
    lines: dict[Row, int] = field(default_factory=dict)
    rows: dict[Row, dict[str, Any]] = field(default_factory=dict)

    def add(self, line: int, values: Mapping[str, Any]) -> None:
        row = self._row(line, values)
        first = self.lines.setdefault(row, line)
        if first != line:
            times = f" (repeat {row[1]})" if row[1] else ""
            raise UsageError(f"{self.path}:{line}: the id {row[0]!r}{times} stands in line {first} already", hint="keep one row of each")
        scores = {
            name: number
            for name, value in values.items()
            if name not in {ID, REPEAT, *self.by} and (number := self._number(line, name, value)) is not None
        }
        parts = {name: text for name in self.by if (text := as_text(values.get(name))) is not None}
        self.rows[row] = {"id": row[0], "repeat": row[1], "scores": scores, "by": parts}

    def _row(self, line: int, values: Mapping[str, Any]) -> Row:
        id_ = as_text(values.get(ID))
        if id_ is None:
            raise UsageError(f"{self.path}:{line}: the row has no `id`; it has {', '.join(values)}", hint=_HINT)
        repeat = as_text(values.get(REPEAT)) or "0"
        if not repeat.isdecimal():
            raise UsageError(f"{self.path}:{line}: repeat is {repeat!r}, and repeats are counted from 0", hint="leave it out for the first")
        return id_, int(repeat)

    def _number(self, line: int, name: str, value: Any) -> float | None:
        """A column is a score when its first value is a number; then all of them are."""
        if value is None or value == "":
            return None
        number = _number(value)
        if not self.numeric.setdefault(name, number is not None):
            return None
        if number is None:
            raise UsageError(f"{self.path}:{line}: {name} is {value!r}, and a number before", hint="leave it empty where there is none")
        return number


def _number(value: Any) -> float | None:
    if isinstance(value, str | int | float):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            return None
        return number if isfinite(number) else None
    return None


def take_scores(run: RunDir, path: Path, by: Sequence[str], known: frozenset[int]) -> Taken:
    """Keeps the scores in `path` for this and all later reductions; a file of the same name takes the place of an earlier one.

    `known` are the id hashes of the run's rows. UsageError, with file and line, for what is no score, for an id that comes
    twice, for a name that another file has, and when no id is one of the run's.
    """
    reading = _Reading(path=path, by=tuple(by))
    columns = dict[str, None]()
    for line, values in _rows(path):
        reading.add(line, values)
        columns.update(dict.fromkeys(values))
    _check_slices(reading, columns)
    names = tuple(name for name, numeric in reading.numeric.items() if numeric)
    kept = run.path / FOLDER / f"{path.name.partition('.')[0]}.jsonl"
    _check_names(run, path, names, kept)
    matching = {row: values for row, values in reading.rows.items() if external_key(*row) in known}
    if not matching:
        shown = ", ".join(repr(id_) for id_, _ in list(reading.rows)[:3])
        raise UsageError(
            f"{path}: none of its {len(reading.rows):,} ids ({shown}, …) is one of this run's",
            hint="they are compared with those in scored.jsonl",
        )
    _keep(kept, matching)
    return Taken(
        path=kept,
        names=names,
        left_out=tuple(column for column in columns if column not in {ID, REPEAT, *by, *names}),
        matched=len(matching),
        unknown=len(reading.rows) - len(matching),
    )


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file", hint=_HINT)
    with open_source(path) as source:
        reader = FORMATS[format_of(path)](source, None)
        for line, raw in reader.raws:
            yield line, reader.parse(line, raw)


def _check_slices(reading: _Reading, columns: Mapping[str, None]) -> None:
    for name in reading.by:
        if name not in columns:
            near = get_close_matches(name, columns, n=1)
            raise UsageError(
                f"--by {name}: {reading.path} has no such column" + (f"; did you mean {near[0]}?" if near else ""),
                hint=f"it has {', '.join(columns)}",
            )
        values = {values["by"].get(name) for values in reading.rows.values()}
        if len(values) > MOST_VALUES:
            raise UsageError(
                f"--by {name}: {reading.path} has {len(values):,} different values there, more than {MOST_VALUES}",
                hint="name a column that puts many rows into few groups",
            )


def _check_names(run: RunDir, path: Path, names: Sequence[str], kept: Path) -> None:
    if not names:
        raise UsageError(f"{path}: no column holds numbers", hint=_HINT)
    for other in _files(run):
        if other != kept and (twice := set(names) & set(_names_in(other))):
            raise UsageError(
                f"{path}: {run.path / FOLDER / other.name} has {', '.join(sorted(twice))} already",
                hint="rename the column, or remove that file if it is out of date",
            )
    for name in names:
        try:
            score_name(name)
        except Nonsense as error:
            raise UsageError(f"{path}: {error}", hint="rename the column") from error


def _keep(path: Path, rows: Mapping[Row, Mapping[str, Any]]) -> None:
    try:
        path.parent.mkdir(exist_ok=True)
    except OSError as exc:
        raise storage_failed(exc, path.parent) from exc
    write_atomic(path, b"".join(dumps(rows[row]) + b"\n" for row in sorted(rows)))


def _files(run: RunDir) -> list[Path]:
    return sorted((run.path / FOLDER).glob("*.jsonl"))


def _names_in(path: Path) -> list[str]:
    return sorted({name for row in _kept_rows(path) for name in row["scores"]})


def _kept_rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield loads(line)
            except ValueError as exc:
                raise UsageError(f"{path}:{number} is not JSON: {exc}", hint="remove the file, and join the scores again") from exc


def external_key(id_: str, repeat: int) -> int:
    """By what rows are joined."""
    return int.from_bytes(id_hash(id_, repeat), "little")


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """One file's scores, ready to be joined."""

    names: tuple[str, ...]
    columns: tuple[str, ...]  # to slice by
    values: Mapping[int, tuple[tuple[float | None, ...], tuple[str | None, ...]]]  # by id hash

    def of(self, id_: str, repeat: int) -> Iterator[tuple[str, float, list[tuple[str, str]]]]:
        """(name, score, parts that the row belongs to) of a row."""
        found = self.values.get(external_key(id_, repeat))
        if found is not None:
            parts = [(column, value) for column, value in zip(self.columns, found[1], strict=True) if value is not None]
            for name, score in zip(self.names, found[0], strict=True):
                if score is not None:
                    yield name, score, parts


def load_external(run: RunDir) -> list[External]:
    return [_load(path) for path in _files(run)]


def _load(path: Path) -> External:
    rows = list(_kept_rows(path))
    names = tuple(sorted({name for row in rows for name in row["scores"]}))
    columns = tuple(sorted({name for row in rows for name in row["by"]}))
    return External(
        names=names,
        columns=columns,
        values={
            external_key(row["id"], row["repeat"]): (tuple(map(row["scores"].get, names)), tuple(map(row["by"].get, columns)))
            for row in rows
        },
    )


def external_fingerprint(run: RunDir) -> list[str]:
    """Changes when any of the files does."""
    return [f"{path.name} {blake2b(path.read_bytes(), digest_size=8).hexdigest()}" for path in _files(run)]
