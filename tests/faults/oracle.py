"""Nothing lost, nothing changed: what that means, for the tests and for scripts/torture.

A run that was disturbed is held against one over the same rows that was left alone.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self
from zlib import crc32

import orjson

from tests.e2e.desk import fixed_parts, summary_of

CHECKSUM_BYTES: Final = len(b',"c":"00000000"}')

Row = tuple[str, int]  # id, repeat


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """What a run that was left alone came to."""

    fixed: Mapping[str, bytes]  # the parts of summary.json that the records alone decide, byte for byte
    scored: tuple[bytes, ...]  # lines of scored.jsonl in any order: they stand there in that of the answers
    rows: frozenset[Row]
    asked: frozenset[Row]  # those of them that a request was sent for

    @classmethod
    def of(cls, run_dir: Path) -> Self:
        return cls(
            fixed=fixed_parts(summary_of(run_dir)),
            scored=scored_lines(run_dir),
            rows=frozenset(records_in(run_dir)),
            asked=frozenset(map(row_of, filter(was_asked, accepted_lines(run_dir)))),
        )


def changed(run_dir: Path, reference: Reference) -> list[str]:
    """In what a complete run differs from one that was left alone, in words; nothing, as it should be."""
    here = Reference.of(run_dir)
    parts = [
        f"{part} of summary.json is {here.fixed[part]!r}, not {was!r}" for part, was in reference.fixed.items() if here.fixed[part] != was
    ]
    if here.scored != reference.scored:
        parts.append(f"{len(set(here.scored) ^ set(reference.scored))} lines of scored.jsonl differ")
    if here.rows != reference.rows:
        parts.append(f"{len(reference.rows - here.rows)} rows have no record, {len(here.rows - reference.rows)} should not be there")
    if more := here.asked - reference.asked:
        parts.append(f"{len(more)} rows were asked although another run had their answers")
    return parts


def scored_lines(run_dir: Path) -> tuple[bytes, ...]:
    return tuple(sorted((run_dir / "scored.jsonl").read_bytes().splitlines()))


def records_in(run_dir: Path) -> dict[Row, list[str]]:
    """The status of each record of each row, in the order of the journal."""
    found = defaultdict[Row, list[str]](list)
    for line in accepted_lines(run_dir):
        found[row_of(line)].append(orjson.loads(line)["status"])
    return dict(found)


def row_of(line: bytes) -> Row:
    values = orjson.loads(line)
    return values["id"], values["repeat"]


def was_asked(line: bytes) -> bool:
    """Whether a request was sent for the record; for one that was taken over from another run none was."""
    return bool(orjson.loads(line)["attempts"])


def paid_twice(run_dir: Path) -> list[Row]:
    """Rows that were asked again although their answer was in the journal."""
    return [row for row, statuses in records_in(run_dir).items() if "ok" in statuses[:-1]]


def accepted_lines(run_dir: Path) -> list[bytes]:
    """The whole records in the journal, without their line ends: nobody may lose one of them. None where there is no journal yet."""
    try:
        data = (run_dir / "predictions.jsonl").read_bytes()
    except FileNotFoundError:
        return []
    return [line for line in data.splitlines() if is_record(line)]


def is_record(line: bytes) -> bool:
    """By its checksum, as docs/journal.md has it."""
    return line[-CHECKSUM_BYTES:] == b',"c":"%08x"}' % crc32(line[:-CHECKSUM_BYTES])


def lost(accepted: Iterable[bytes], run_dir: Path) -> list[bytes]:
    """Those of the records that were `accepted` earlier which are no longer in the journal."""
    return sorted(set(accepted) - set(accepted_lines(run_dir)))


def left_over(run_dir: Path) -> list[str]:
    """What is half-written in a run directory, and beside it."""
    patterns = (".*.tmp", "*.tmp", "*.repair", ".parts")
    inside = [path.relative_to(run_dir.parent) for pattern in patterns for path in run_dir.rglob(pattern)]
    return sorted({str(path) for path in inside} | {path.name for path in run_dir.parent.glob(".latest*")})


def processes_in(folder: Path) -> Iterator[int]:
    """Those whose working directory is `folder`, or lies in it."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                where = (entry / "cwd").readlink()
                if (where == folder or folder in where.parents) and (entry / "cmdline").read_bytes():
                    yield int(entry.name)
