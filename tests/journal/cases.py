"""Records and journals to test with."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from evalsvc.journal import encode
from evalsvc.jsonio import dumps
from evalsvc.records import Record, Reply, RowError, Usage

AT = "2026-11-20T02:13:44.120Z"


def answered(id_: str = "42", *, output: str | None = "spam", prompt: str = "is this spam?", **changes: Any) -> Record:
    record = Record(
        id=id_,
        repeat=0,
        row_hash=bytes.fromhex("0011223344556677"),
        key="0123456789abcdef" * 2,
        target="spam",
        messages=dumps([{"role": "user", "content": prompt}]),
        reply=Reply(
            output=output, finish_reason="stop", usage=Usage(input=31, output=1), latency_s=0.412, model="served", request_id="req_1"
        ),
        error=None,
        attempts=2,
        waited_s=0.02,
        at=AT,
    )
    return replace(record, **changes)


def failed(id_: str = "43", **changes: Any) -> Record:
    error = RowError(kind="content_filter", http=400, code="content_filter", message="no: “ü”\n")
    return replace(answered(id_), reply=None, error=error, **changes)


def write(path: Path, records: Iterable[Record]) -> list[bytes]:
    """A clean journal of `records`; its lines."""
    lines = [encode(record) for record in records]
    path.write_bytes(b"".join(lines))
    return lines
