"""The answers in a journal, found by id: 24 bytes are kept of each.

The lines are read in their published form (docs/journal.md), for this station stands below the one that writes them.
"""

import re
import sys
from array import array
from bisect import bisect_left
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import IO, Any, Self
from zlib import crc32

from evalsvc.dataset.hashes import id_hash
from evalsvc.errors import JournalDamaged, UsageError
from evalsvc.jsonio import loads
from evalsvc.thinking import without_thinking

_CHECKSUM_BYTES = 16  # ,"c":"xxxxxxxx"}
_VERSION = 1
# How nearly every line begins; escapes in the id take the way through a whole parse.
_PREFIX = re.compile(rb'\{"v":1,"id":"([^"\\]*)","repeat":([0-9]+),"row":"([0-9a-f]{16})"')
_CONTENT_FILTER = "content_filter"
# What a judge was not asked, because there was no answer to judge, is no answer of the judge (scoring/judging.py).
_NOT_ASKED = "not_asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """The last record of each (id, repeat). `close` belongs to whoever opened the file."""

    path: Path
    file: IO[bytes]
    ids: "array[int]"  # sorted, by dataset.id_hash(id, repeat)
    offsets: "array[int]"  # in the order of `ids`
    row_hashes: "array[int]"  # likewise: 8 bytes each, as a number in this machine's order
    repeats: int  # one more than the highest repeat

    @classmethod
    def of(cls, path: Path, file: IO[bytes]) -> Self:
        """One pass over all lines, checksums verified; what a crash left behind the last whole line is passed over.

        JournalDamaged for damage before that, UsageError where a newer evalsvc wrote it.
        """
        ids, offsets, rows, repeats = bytearray(), array("Q"), bytearray(), 0
        at, damaged = 0, None
        for line in file:
            if not _is_whole(line):
                damaged = at if damaged is None else damaged
            elif damaged is not None:
                raise _damaged(path, damaged)
            else:
                id_, repeat, row = _head(path, line)
                ids += id_hash(id_, repeat)
                offsets.append(at)
                rows += row
                repeats = max(repeats, repeat + 1)
            at += len(line)
        last, order = _last_of_each(ids)
        return cls(
            path=path,
            file=file,
            ids=last,
            offsets=array("Q", [offsets[index] for index in order]),
            row_hashes=array("Q", [int.from_bytes(rows[index * 8 : index * 8 + 8], sys.byteorder) for index in order]),
            repeats=repeats,
        )

    def find(self, id_: str, repeat: int) -> int | None:
        """The place of a record, for `row_hash` and `read`; None where there is none."""
        wanted = int.from_bytes(id_hash(id_, repeat), sys.byteorder)
        at = bisect_left(self.ids, wanted)
        return at if at < len(self.ids) and self.ids[at] == wanted else None

    def in_file_order(self) -> list[int]:
        """The places of all records that count."""
        return sorted(range(len(self.offsets)), key=self.offsets.__getitem__)

    def row_hash(self, place: int) -> bytes:
        return self.row_hashes[place].to_bytes(8, sys.byteorder)

    def read(self, place: int) -> dict[str, Any]:
        """The record, as the journal has it."""
        self.file.seek(self.offsets[place])
        record: dict[str, Any] = loads(self.file.readline())
        return record


@dataclass(frozen=True, slots=True)
class Answer:
    """What a record has to be judged: a text, or why there is none."""

    text: str | None
    missing: str | None = None  # the kind of the error, refused, content_filter, truncated or empty


def answer_in(record: dict[str, Any]) -> Answer:
    """Thinking is cut away, and what stands around the text.

    >>> answer_in({"status": "ok", "output": "<think>hm</think> Paris ", "finish_reason": "stop", "refusal": None})
    Answer(text='Paris', missing=None)
    >>> answer_in({"status": "error", "error": {"kind": "timeout"}}).missing
    'timeout'
    """
    if record["status"] != "ok":
        return Answer(None, str(record["error"]["kind"]))
    if record["finish_reason"] == _CONTENT_FILTER:
        return Answer(None, _CONTENT_FILTER)
    if record["refusal"]:
        return Answer(None, "refused")
    visible = without_thinking(record["output"] or "")
    if visible is None:
        return Answer(None, "truncated")
    text = visible.strip()
    return Answer(text) if text else Answer(None, "truncated" if record["finish_reason"] == "length" else "empty")


def was_asked(record: dict[str, Any]) -> bool:
    """Whether any model was asked for what the record holds."""
    return record.get("finish_reason") != _NOT_ASKED


def _is_whole(line: bytes) -> bool:
    return line.endswith(b',"c":"%08x"}\n' % crc32(line[: -_CHECKSUM_BYTES - 1]))


def _head(path: Path, line: bytes) -> tuple[str, int, bytes]:
    found = _PREFIX.match(line)
    if found is not None:
        return found[1].decode("utf-8", "surrogatepass"), int(found[2]), bytes.fromhex(found[3].decode())
    fields = loads(line)
    if fields.get("v") != _VERSION:
        raise UsageError(
            f"{path} was written by a newer evalsvc: its format is version {fields.get('v')}, this one reads up to {_VERSION}",
            hint="upgrade evalsvc: pip install --upgrade evalsvc",
        )
    return fields["id"], fields["repeat"], bytes.fromhex(fields["row"])


def _last_of_each(ids: bytearray) -> tuple["array[int]", list[int]]:
    """Sorted hashes, each once, and the index of the last record of each."""
    import numpy as np

    unique, from_behind = np.unique(np.frombuffer(bytes(ids), dtype=np.uint64)[::-1], return_index=True)
    return array("Q", unique.tobytes()), (len(ids) // 8 - 1 - from_behind).tolist()


def _damaged(path: Path, offset: int) -> JournalDamaged:
    return JournalDamaged(
        f"{path}: the line at byte {offset} is damaged",
        hint=f"evalsvc doctor {quote(str(path.parent))} --repair moves it to quarantine/; "
        "run that evaluation again, and its row is asked again",
    )
