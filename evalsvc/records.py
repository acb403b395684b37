"""The nouns that flow through an evaluation, all frozen. Every station takes one of them and gives the next.

Sample -> Request -> Reply | Failure -> Record -> Score -> Summary
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NotRequired, TypedDict

from evalsvc.nouns import built_quickly


@built_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One row of the data set."""

    id: str
    row_hash: bytes  # 8 bytes over everything in the row but the target
    fields: Mapping[str, Any]  # the row without its target: all that a template may see
    input: Any  # the value of `dataset.input`, or None where the template names columns itself
    target: str | None  # None: predict only
    group: str | None = None  # rows of one group are no independent draws


@built_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One question to the model, ready to be sent."""

    id: str
    repeat: int
    row_hash: bytes
    key: str  # 32 hex digits: which request this is, wherever the row stands
    target: str | None
    messages: bytes  # the rendered messages as JSON
    body: bytes  # what goes over the wire
    input_tokens_estimate: int


@built_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens of one answer; `cached` is part of `input`, `reasoning` is part of `output`."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            input=self.input + other.input,
            output=self.output + other.output,
            cached=self.cached + other.cached,
            reasoning=self.reasoning + other.reasoning,
        )


@built_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one answered request brought back; money has been spent on it."""

    output: str | None
    finish_reason: str | None
    usage: Usage | None
    latency_s: float | None  # request sent to last byte read, this attempt only; None: an answer that was not asked for here
    refusal: str | None = None
    reasoning: str | None = None
    tool_calls: Sequence[Any] | None = None
    tokens: Sequence[Mapping[str, Any]] | None = None  # [{"t": token, "lp": nats, "top": [[token, nats], …]}, …]
    model: str | None = None  # the name the server gave itself
    request_id: str | None = None
    ttft_s: float | None = None  # streams: request sent to first piece of the answer
    itl_s: float | None = None  # streams: mean time between pieces; None with fewer than two
    prompt_tokens: Sequence[Mapping[str, Any]] | None = None  # as `tokens`, of the prompt, where the API echoes it


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError:
    """Why a row has no answer, as the journal keeps it."""

    kind: str  # content_filter, context_length, invalid_request, timeout, …: see endpoint/errors.py
    http: int | None
    code: str | None
    message: str


@built_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The final word on one (id, repeat): a reply, or why there is none. One line of the journal."""

    id: str
    repeat: int
    row_hash: bytes
    key: str
    target: str | None
    messages: bytes | None  # JSON; None when the config keeps prompts out of the journal
    reply: Reply | None  # exactly one of reply and error is set
    error: RowError | None
    attempts: int  # requests sent for this row, this one included
    waited_s: float  # time spent on back-off, pauses and pacing, not on the wire
    at: str  # when the answer came, ISO 8601 in UTC

    @property
    def status(self) -> str:
        return "ok" if self.error is None else "error"


class Outcome(StrEnum):
    """What became of a row; every final record has exactly one. See DESIGN's table in docs/metrics.md."""

    CORRECT = "correct"
    WRONG = "wrong"
    SCORED = "scored"  # an answer was found and there is no right or wrong: a row without target, a graded metric
    UNPARSED = "unparsed"
    AMBIGUOUS = "ambiguous"
    REFUSED = "refused"
    TRUNCATED = "truncated"
    FILTERED = "filtered"
    ERROR = "error"


# What stands in the place of a predicted label when no label was found, in the order of the confusion matrix's columns.
WITHOUT_LABEL = (Outcome.UNPARSED, Outcome.AMBIGUOUS, Outcome.REFUSED, Outcome.TRUNCATED, Outcome.FILTERED, Outcome.ERROR)


@built_quickly
@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """What a record is worth. One line of scored.jsonl."""

    id: str
    repeat: int
    target: str | None
    prediction: str | None  # the label or answer found, None when none was
    outcome: Outcome
    rule: str | None  # which extraction rule fired, None when the outcome did not come from the text
    cut: bool = False  # finish_reason was length
    scores: Mapping[str, float] | None = None  # by metric, of this row alone; or what a scorer of the user's measured besides
    stats: Mapping[str, Sequence[int]] | None = None  # by metric, for those that are functions of sums over rows: the summands
    probs: Mapping[str, float] | None = None  # by label, adding up to 1, from the logprobs of the reply
    error: RowError | None = None  # why scoring failed: kind scorer


class Cause(StrEnum):
    """What a moment of asking was waited for; each belongs to exactly one."""

    CLIENT = "client"  # this process had work of its own to do
    CONCURRENCY = "concurrency"  # as many were in flight as were asked for at most
    SERVER = "server"  # fewer were: more brought no more answers a second, or timeouts and errors
    RATE_LIMIT = "rate_limit"  # what the server said by 429 and headers
    REQUESTS_PER_MINUTE = "requests_per_minute"  # the config's own, and so the next
    TOKENS_PER_MINUTE = "tokens_per_minute"
    OUTAGE = "outage"  # one row at a time found out whether the endpoint is back
    DATA = "data"  # rows of a data set behind a URL
    DISK = "disk"
    BUDGET = "budget"
    RAMP = "ramp"  # nobody knew yet how many at a time are good
    TAIL = "tail"  # nothing was left to send: the last answers
    STOP = "stop"  # nothing was sent any more, since the run was to stop: says nothing of what bounded it


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """A run seen from outside at one moment, as the live view and `--json` show it."""

    expected: int
    done: int  # final records of this run, earlier launches included
    errors: int  # of them in error
    launch_done: int  # of them by this launch
    rows_per_s: float  # over the last seconds
    eta_s: float | None
    in_flight: int
    limit: int
    delayed: int  # rows waiting out a back-off
    waiting_for: str | None  # why nothing is being admitted right now, in words
    attempts: int
    rate_limited: int
    retries: int
    p50_s: float | None
    p95_s: float | None
    usage: Usage
    cost_usd: float | None
    accuracy: float | None
    accuracy_low: float | None
    accuracy_high: float | None
    accepted: int  # written by this launch
    durable: int  # of them known to be on the disk
    elapsed_s: float


class SliceValue(TypedDict):
    """A metric over the rows that have one value in one column."""

    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    p_holm: NotRequired[float]  # that these rows are like all others, corrected for all slices of the column (Holm 1979)


class MetricValue(TypedDict):
    """One number of summary.json. A value that cannot be had is None and `reason` says why."""

    value: float | None
    ci_low: float | None
    ci_high: float | None
    n: int
    on_parsed: NotRequired[float | None]
    reason: NotRequired[str]
    slices: NotRequired[dict[str, dict[str, SliceValue]]]  # column -> value -> the number there
    signature: str


class Regression(TypedDict):
    """How a run stands to its baseline. Differences are this run's number minus the baseline's, over the rows that both have."""

    metric: str
    baseline: str  # NAME/ID of a run, or a file
    verdict: str  # worse | no worse | cannot tell
    margin: float
    difference: float
    ci_low: float | None  # two-sided, 95 %
    ci_high: float | None
    worst: float | None  # one-sided 95 % bound, on the side where it gets worse
    best: float | None  # likewise on the other side
    p_worse: float  # that it is no worse, one-sided
    p_holm: float  # the same, corrected for all regression gates of the run (Holm 1979)
    rows: int  # paired
    rows_needed: int | None  # to tell at this margin with 80 % power, where it cannot be told
    to_right: int | None  # rows that turned right, where there is right and wrong
    to_wrong: int | None
    flipped: list[str]  # ids of some rows that turned wrong


class GateResult(TypedDict):
    gate: str
    passed: bool | None  # None while the run is partial
    value: float | None  # of a regression gate: the difference
    reason: str | None
    regression: NotRequired[Regression]


class RunWarning(TypedDict):
    kind: str
    message: str
    evidence: dict[str, Any]


class Summary(TypedDict):
    """summary.json. The keys up to cost_usd depend on the winning records alone."""

    v: int
    name: str
    status: str  # complete | partial
    rows: dict[str, int]
    outcomes: dict[str, int]
    metrics: dict[str, MetricValue]
    per_class: dict[str, dict[str, float | int | None]]
    confusion_matrix: dict[str, Any] | None
    thresholds: dict[str, Any] | None  # of `scoring.positive`, where there are class probabilities
    charts: NotRequired[dict[str, Any]]  # what is drawn: curves, bins, histograms; see reduce/charts.py. Absent from older summaries
    gates: list[GateResult]
    warnings: list[RunWarning]
    usage: dict[str, int]
    cost_usd: float | None
    calls: dict[str, Any]
    latency_s: dict[str, float | None]
    ttft_s: NotRequired[dict[str, float | None]]  # until the first piece; null without streams, absent from older summaries
    itl_s: NotRequired[dict[str, float | None]]  # of each answer's mean time between pieces
    timing: dict[str, Any]
    timeline: NotRequired[list[dict[str, Any]]]  # rows and limits over the launches, from events.jsonl; see reduce/timeline.py
    run: dict[str, Any]
