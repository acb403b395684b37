"""scored.jsonl: a line for each row that counts, in the journal's order."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from evalsvc.dataset import id_hash
from evalsvc.jsonio import dumps, loads
from evalsvc.nouns import by_position
from evalsvc.records import Outcome, RowError, Score

BUFFER = 1 << 20
_NewScore = by_position(Score)
_OUTCOMES = {outcome.value: outcome for outcome in Outcome}

# Id and repeat.
RowKey = tuple[str, int]
# Where a line began that was taken out, and how long it was.
Gap = tuple[int, int]

_ID = re.compile(rb'\{"id":"([^"\\]*)","repeat":([0-9]+),')


def scored_line(score: Score) -> bytes:
    fields = {
        "id": score.id,
        "repeat": score.repeat,
        "target": score.target,
        "prediction": score.prediction,
        "outcome": score.outcome,
        "rule": score.rule,
        "scores": score.scores or {},
    }
    if score.stats is not None:
        fields["stats"] = score.stats
    if score.probs is not None:
        fields["probs"] = score.probs
    if score.error is not None:
        fields["error"] = {"kind": score.error.kind, "message": score.error.message}
    return dumps(fields) + b"\n"


def score_of(line: bytes, *, cut: bool = False) -> Score:
    """The inverse of `scored_line`; whether the reply was cut stands in the journal."""
    values = loads(line)
    error: dict[str, Any] | None = values.get("error")
    # by position, as Score has them
    return _NewScore(
        values["id"],
        values["repeat"],
        values["target"],
        values["prediction"],
        _OUTCOMES[values["outcome"]],
        values["rule"],
        cut,
        values["scores"] or None,
        values.get("stats"),
        values.get("probs"),
        None if error is None else RowError(kind=error["kind"], http=None, code=None, message=error["message"]),
    )


def open_scored(path: Path, size: int) -> BinaryIO:
    """scored.jsonl, cut to its first `size` bytes, open for more."""
    file = path.open("r+b" if path.exists() else "w+b", buffering=BUFFER)
    file.truncate(size)
    file.seek(size)
    return file


def to_disk(scored: BinaryIO) -> None:
    """Returns when what was written to `scored` would survive a power loss."""
    scored.flush()
    os.fdatasync(scored.fileno())


def scores_in(path: Path, size: int, start: int = 0) -> Iterator[Score]:
    """The scores in the bytes [start, size) of scored.jsonl; `cut` is not among what they say."""
    with path.open("rb", buffering=BUFFER) as file:
        file.seek(start)
        while start < size:
            line = file.readline()
            start += len(line)
            yield score_of(line)


def ids_in(path: Path, size: int) -> bytearray:
    """The id hashes of the first `size` bytes of scored.jsonl."""
    hashes = bytearray()
    if size:
        for _, _, (id_, repeat) in lines_in(path, size):
            hashes += id_hash(id_, repeat)
    return hashes


def drop_lines(path: Path, drops: Callable[[RowKey, bytes], bool]) -> tuple[int, list[Gap]]:
    """Leaves out the lines that `drops`, asked by row and line from the first on, says yes to; gives the new size, and what was where."""
    temp = path.with_name(f".{path.name}.tmp")
    gaps: list[Gap] = []
    with temp.open("wb", buffering=BUFFER) as file:
        for offset, line, row in lines_in(path, path.stat().st_size):
            if drops(row, line):
                gaps.append((offset, len(line)))
            else:
                file.write(line)
        size = file.tell()
        to_disk(file)
    temp.replace(path)
    return size, gaps


def lines_in(path: Path, size: int) -> Iterator[tuple[int, bytes, RowKey]]:
    """Where each of the lines in the first `size` bytes begins, the line, and which row it is of."""
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if offset >= size:
                return
            found = _ID.match(line)
            if found is None:
                values = loads(line)
                yield offset, line, (values["id"], values["repeat"])
            else:
                yield offset, line, (found[1].decode(), int(found[2]))
            offset += len(line)
