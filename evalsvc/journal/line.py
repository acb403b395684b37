"""One record as one line of predictions.jsonl, and back. Pure; the format is described in docs/journal.md."""

import json
import math
import re
from typing import Any
from zlib import crc32

import orjson

from evalsvc import jsonio
from evalsvc.errors import UsageError
from evalsvc.nouns import by_position
from evalsvc.records import Record, Reply, RowError, Usage

VERSION = 1
CHECKSUM_BYTES = 16  # ,"c":"xxxxxxxx"}

SECTOR_BYTES = 512  # the least that a disk writes; pages and the blocks of file systems are whole numbers of them
_NULS = re.compile(rb"\0+")
_PADDING = b"\0\r\n\t "

# What a line can be that is not whole
BLANK = "is blank"
NULS = "holds NUL bytes"
UNWRITTEN = "holds NUL bytes where a part of it never reached the disk"
PADDED = "ends in a carriage return, NULs or blanks; the record in it is whole"
CUT = "is cut: it does not end in a checksum"
ALTERED = "does not match its checksum"


class DamagedLine(Exception):
    """A line that is not what was written; `reason` says how that shows."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def encode(record: Record) -> bytes:
    """`record` as one line, with its newline. Numbers that JSON does not have (NaN, ±inf) become null."""
    fields = _fields(record)
    if record.messages is not None:
        # a newline between tokens is JSON, and would tear the line
        whole = b"\n" not in record.messages
        fields["messages"] = orjson.Fragment(record.messages) if whole else jsonio.loads(record.messages)
    try:
        body = orjson.dumps(fields)[:-1]
    except TypeError:
        # a lone surrogate, or an integer beyond 64 bits
        if record.messages is not None:
            fields["messages"] = jsonio.loads(record.messages)
        body = json.dumps(_strict(fields), allow_nan=False, separators=(",", ":")).encode("ascii")[:-1]
    return b'%b,"c":"%08x"}\n' % (body, crc32(body))


def _fields(record: Record) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "v": VERSION,
        "id": record.id,
        "repeat": record.repeat,
        "row": record.row_hash.hex(),
        "key": record.key,
        "status": "ok" if record.error is None else "error",
        "target": record.target,
        "messages": None,
    }
    if record.error is not None:
        error = record.error
        fields["error"] = {"kind": error.kind, "http": error.http, "code": error.code, "message": error.message}
    elif record.reply is not None:
        _add_reply(fields, record.reply, record.attempts)
    else:
        raise ValueError(f"the record of {record.id!r} holds neither a reply nor an error")
    fields["attempts"] = record.attempts
    fields["waited_s"] = round(record.waited_s, 3)
    fields["at"] = record.at
    return fields


def _add_reply(fields: dict[str, Any], reply: Reply, attempts: int) -> None:
    usage = reply.usage
    fields["output"] = reply.output
    fields["finish_reason"] = reply.finish_reason
    fields["refusal"] = reply.refusal
    fields["reasoning"] = reply.reasoning
    fields["tool_calls"] = reply.tool_calls
    fields["tokens"] = reply.tokens
    if reply.prompt_tokens is not None:
        fields["prompt_tokens"] = reply.prompt_tokens
    fields["usage"] = usage and {"input": usage.input, "output": usage.output, "cached": usage.cached, "reasoning": usage.reasoning}
    fields["model"] = reply.model
    fields["request_id"] = reply.request_id
    fields["attempts"] = attempts  # set here so that it stands where the format has it
    fields["latency_s"] = None if reply.latency_s is None else round(reply.latency_s, 6)
    fields["ttft_s"] = None if reply.ttft_s is None else round(reply.ttft_s, 6)
    if reply.itl_s is not None:
        fields["itl_s"] = round(reply.itl_s, 6)


def _strict(value: Any) -> Any:
    """`value` with null for what JSON cannot say, as orjson does by itself."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(item) for item in value]
    return value


def is_whole(line: bytes) -> bool:
    """Whether `line`, without its newline, carries the right checksum: every byte of it is as it was written."""
    return line.endswith(b',"c":"%08x"}' % crc32(line[:-CHECKSUM_BYTES]))


def unpadded(line: bytes) -> bytes | None:
    """The whole line that `line` is but for trailing NULs, carriage returns or blanks; None when it is not that either."""
    bare = line.rstrip(_PADDING)
    return bare if is_whole(bare) else None


def is_unwritten(line: bytes, offset: int) -> bool:
    """Whether `line`, without its newline and beginning at byte `offset` of the file, is one of which a power loss left a part out:
    what was not on the disk yet reads as NULs, from where the line or a sector begins to where a sector ends.

    No line has a NUL when it is written, and one flipped bit makes no such run: a line begins with "{", two bits away.

    >>> is_unwritten(b'{"v":1' + bytes(506) + b'tail', 0), is_unwritten(b'{"v":' + bytes(507) + b'tail', 1024 + 256)
    (False, False)
    >>> is_unwritten(bytes(512) + b'tail', 1024), is_unwritten(b'x' * 256 + bytes(1024) + b'tail', 256)
    (True, True)
    """
    runs = [(found.start() + offset, found.end() + offset) for found in _NULS.finditer(line)]
    return bool(runs) and all((start == offset or start % SECTOR_BYTES == 0) and end % SECTOR_BYTES == 0 for start, end in runs)


def what_is_wrong(line: bytes) -> str:
    """Why `line`, without its newline, is not whole.

    >>> what_is_wrong(b"\\r"), what_is_wrong(bytes(3)), what_is_wrong(b'{"v":1,"id":"4')
    ('is blank', 'holds NUL bytes', 'is cut: it does not end in a checksum')
    """
    if not line.strip(b"\r\t "):
        return BLANK
    if unpadded(line) is not None:
        return PADDED
    if b"\0" in line:
        return NULS
    return ALTERED if line[-CHECKSUM_BYTES:].startswith(b',"c":"') else CUT


def decode(line: bytes, *, prompts: bool = True) -> Record:
    """The record in `line`, with or without its newline; without `prompts` its messages are left out, which saves their rebuilding.
    Keys that this version does not know are ignored.

    Raises DamagedLine, or UsageError when a newer evalsvc wrote the line.
    """
    line = line.removesuffix(b"\n")
    if not is_whole(line):
        raise DamagedLine(what_is_wrong(line))
    try:
        fields = jsonio.loads(line)
        version = fields["v"]
        return _record(fields, prompts) if version == VERSION else _of_another_version(version)
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DamagedLine(f"is no record: {type(exc).__name__}: {exc}") from exc


def _of_another_version(version: Any) -> Record:
    if isinstance(version, int) and version > VERSION:
        raise UsageError(
            f"the journal was written by a newer evalsvc: its format is version {version}, this one reads up to {VERSION}",
            hint="upgrade evalsvc: pip install --upgrade evalsvc",
        )
    raise ValueError(f"format version {version!r}")


_NewRecord, _NewReply, _NewUsage = by_position(Record), by_position(Reply), by_position(Usage)


def _record(fields: dict[str, Any], prompts: bool) -> Record:
    """By position: id, repeat, row_hash, key, target, messages, reply, error, attempts, waited_s, at."""
    failed = fields["status"] != "ok"
    messages = fields["messages"] if prompts else None
    return _NewRecord(
        fields["id"],
        fields["repeat"],
        bytes.fromhex(fields["row"]),
        fields["key"],
        fields["target"],
        None if messages is None else jsonio.dumps(messages),
        None if failed else _reply(fields),
        _error(fields["error"]) if failed else None,
        fields["attempts"],
        fields["waited_s"],
        fields["at"],
    )


def _reply(fields: dict[str, Any]) -> Reply:
    """By position: output, finish_reason, usage, latency_s, refusal, reasoning, tool_calls, tokens, model, request_id, ttft_s, itl_s,
    prompt_tokens.
    """
    usage = fields["usage"]
    return _NewReply(
        fields["output"],
        fields["finish_reason"],
        usage and _NewUsage(usage["input"], usage["output"], usage["cached"], usage["reasoning"]),
        fields["latency_s"],
        fields["refusal"],
        fields["reasoning"],
        fields["tool_calls"],
        fields["tokens"],
        fields["model"],
        fields["request_id"],
        fields["ttft_s"],
        fields.get("itl_s"),
        fields.get("prompt_tokens"),
    )


def _error(fields: dict[str, Any]) -> RowError:
    return RowError(kind=fields["kind"], http=fields["http"], code=fields["code"], message=fields["message"])
