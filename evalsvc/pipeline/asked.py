"""The rows that a plan has sent, as the run's files have them."""

from collections.abc import Iterator, Mapping
from typing import Any

from evalsvc.journal.read import read_records
from evalsvc.jsonio import loads
from evalsvc.records import Record
from evalsvc.report.plan import Asked
from evalsvc.rundir import RunDir


def asked_since(run: RunDir, offset: int) -> tuple[Asked, ...]:
    """The records from `offset` of the journal on, with what was made of them; the run has to be reduced."""
    records = [record for _, record in read_records(run.journal, start=offset)]
    scores = _scores(run, {(record.id, record.repeat) for record in records})
    return tuple(_asked(record, scores.get((record.id, record.repeat), {})) for record in records)


def _scores(run: RunDir, wanted: set[tuple[str, int]]) -> dict[tuple[str, int], Mapping[str, Any]]:
    with run.scored.open("rb") as file:
        lines: Iterator[dict[str, Any]] = map(loads, file)
        return {row: line for line in lines if (row := (line["id"], line["repeat"])) in wanted}


def _asked(record: Record, score: Mapping[str, Any]) -> Asked:
    reply, error = record.reply, record.error
    return Asked(
        id=record.id,
        input=_last_message(record.messages),
        reply=(reply.output or reply.refusal or "") if reply is not None else f"{error.kind}: {error.message}" if error is not None else "",
        extracted=score.get("prediction"),
        target=score.get("target"),
        outcome=str(score.get("outcome", record.status)),
    )


def _last_message(messages: bytes | None) -> str:
    """What was asked in the end; empty where the journal keeps no prompts."""
    said = loads(messages) if messages else None
    content = said[-1].get("content") if isinstance(said, list) and said and isinstance(said[-1], dict) else said
    return content if isinstance(content, str) else ""
