"""What wandb wrote offline: its file is a LevelDB log of its own messages, which its own protocol reads."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HEADER, _BLOCK, _RECORD_HEADER = 7, 32_768, 7
_FULL, _FIRST, _LAST = 1, 2, 4


def records(path: Path) -> Iterator[bytes]:
    """Each is in one piece or in several, and none has its header across the end of a block."""
    data, at, parts = path.read_bytes(), _HEADER, b""
    assert data.startswith(b":W&B")
    while at + _RECORD_HEADER <= len(data):
        if _BLOCK - at % _BLOCK < _RECORD_HEADER:
            at += _BLOCK - at % _BLOCK
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        at += _RECORD_HEADER
        parts = (b"" if kind in (_FULL, _FIRST) else parts) + data[at : at + length]
        at += length
        if kind in (_FULL, _LAST):
            yield parts


def read(path: Path) -> dict[str, Any]:
    """The run, its settings, its numbers, the files of its artifact and how it ended."""
    from wandb.proto.wandb_internal_pb2 import Record  # type: ignore[attr-defined]

    found: dict[str, Any] = {"config": {}, "summary": {}, "files": []}
    for raw in records(path):
        record = Record()
        record.ParseFromString(raw)
        match record.WhichOneof("record_type"):
            case "run":
                found |= {"id": record.run.run_id, "project": record.run.project, "name": record.run.display_name}
                found["config"] |= {one.key: json.loads(one.value_json) for one in record.run.config.update}
            case "config":
                found["config"] |= {one.key: json.loads(one.value_json) for one in record.config.update}
            case "summary":
                found["summary"] |= {one.key or tuple(one.nested_key): json.loads(one.value_json) for one in record.summary.update}
            case "artifact":
                found["files"] += [one.path for one in record.artifact.manifest.contents]
            case "exit":
                found["exit"] = record.exit.exit_code
            case other:
                found.setdefault("others", []).append(other)
    return found
