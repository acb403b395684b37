"""The rows of a run: each final answer that counts, with its score."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalsvc.errors import UsageError
from evalsvc.jsonio import loads
from evalsvc.records import Outcome, Record, RowError, Usage
from evalsvc.reduce.joined import joined
from evalsvc.rundir import RunDir


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a run as it was asked, answered and scored. `error` is set where there is no answer, or no score."""

    id: str
    repeat: int
    target: str | None  # as it is now, where the data set was corrected since
    prediction: str | None
    outcome: Outcome
    rule: str | None  # which extraction rule found the prediction
    scores: Mapping[str, float]
    output: str | None  # the model's text
    messages: list[dict[str, Any]] | None  # what it was asked; None where the journal keeps no prompts
    reasoning: str | None
    refusal: str | None
    finish_reason: str | None
    error: RowError | None
    usage: Usage | None
    attempts: int
    latency_s: float | None
    at: str  # when the answer came, ISO 8601 in UTC


def read_rows(run: RunDir) -> Iterator[Row]:
    """Every row that the summary counts, in the order in which they were answered; memory does not grow with rows.

    UsageError when the run was not scored yet.
    """
    state = _state(run)
    for row in joined(run, offset=state["offset"], scored_bytes=state["scored_bytes"], superseded=state["superseded"]):
        yield _row(row.record, loads(row.line))


def _state(run: RunDir) -> Mapping[str, Any]:
    """How much of the files belongs together."""
    try:
        state: Mapping[str, Any] = loads(run.state.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{run.path} has no scores yet", hint=f"evalsvc score {run.typed} makes them") from error
    return state


def _row(record: Record, score: Mapping[str, Any]) -> Row:
    reply = record.reply
    return Row(
        id=record.id,
        repeat=record.repeat,
        target=score["target"],
        prediction=score["prediction"],
        outcome=Outcome(score["outcome"]),
        rule=score["rule"],
        scores=score.get("scores") or {},
        output=None if reply is None else reply.output,
        messages=None if record.messages is None else loads(record.messages),
        reasoning=None if reply is None else reply.reasoning,
        refusal=None if reply is None else reply.refusal,
        finish_reason=None if reply is None else reply.finish_reason,
        error=record.error or _scoring_error(score),
        usage=None if reply is None else reply.usage,
        attempts=record.attempts,
        latency_s=None if reply is None else reply.latency_s,
        at=record.at,
    )


def _scoring_error(score: Mapping[str, Any]) -> RowError | None:
    error = score.get("error")
    return None if error is None else RowError(kind=error["kind"], http=None, code=None, message=error["message"])
