"""Records as a scorer meets them."""

from dataclasses import replace

from evalsvc.records import Record, Reply, RowError


def answered(
    output: str | None = "spam",
    finish_reason: str | None = "stop",
    refusal: str | None = None,
    target: str | None = "spam",
    *,
    id_: str = "7",
    messages: bytes | None = None,
) -> Record:
    reply = Reply(output=output, finish_reason=finish_reason, usage=None, latency_s=0.1, refusal=refusal)
    return Record(
        id=id_, repeat=1, row_hash=b"", key="", target=target, messages=messages, reply=reply, error=None, attempts=1, waited_s=0.0, at=""
    )


def failed(kind: str) -> Record:
    return replace(answered(), reply=None, error=RowError(kind=kind, http=400, code=None, message="no"))
