"""What is left of a run before it is run: rows, tokens, money, time, and whether the budget covers them.

`look_ahead` reads the data and what the run has already; everything else is arithmetic on what it found.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self

from evalsvc.config import EvalConfig, Limits, Price
from evalsvc.config.identity import differences
from evalsvc.dataset import Survey
from evalsvc.errors import BudgetSpent
from evalsvc.journal.events import read_events
from evalsvc.journal.scan import scan
from evalsvc.pipeline.budget import Limit, limits_of, runtime_s
from evalsvc.pipeline.drift import refusal as other_identity
from evalsvc.pipeline.history import History, Ratio, read_history, spent_before
from evalsvc.pipeline.launch import Launch, refuse_missing_columns
from evalsvc.pipeline.picking import pick
from evalsvc.pipeline.prepare import Prepared
from evalsvc.pipeline.resume import Resume, compare
from evalsvc.pipeline.reusable import Reusable, answers_of
from evalsvc.prompt.likelihood import scores_target
from evalsvc.records import Request, Sample, Usage
from evalsvc.report.plan import BudgetLine, Span
from evalsvc.rundir import Manifest
from evalsvc.scoring.judging import verdict_without_asking

LOOK_AT_MOST = 2_000  # rows that are rendered to see how long they are
# What 4 bytes a token is off by: English prose has 4.5, German 3.5, numbers, code and slang down to 2.
UNMEASURED = (0.6, 2.0)
OWN = "evalsvc itself"
OWN_ROWS_PER_S = 2500  # docs/performance.md: what one process asks at most on ordinary cores
ASSUMED_LATENCY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """The requests that were rendered."""

    rows: int
    estimate: int  # tokens by 4 bytes a token
    messages: Ratio  # bytes of a row's messages
    unasked: int = 0  # rows beside them that need no request

    @classmethod
    def of(cls, requests: Iterator[Request | None]) -> Self:
        """None is a row that needs no request."""
        looked = list(requests)
        seen = [(request.input_tokens_estimate, len(request.messages)) for request in looked if request is not None]
        return cls(
            rows=len(seen),
            estimate=sum(tokens for tokens, _ in seen),
            messages=Ratio.of((1.0, size) for _, size in seen),
            unasked=len(looked) - len(seen),
        )

    def requests_of(self, rows: int) -> int:
        """How many requests so many rows need, by those that were looked at.

        >>> Lengths(rows=30, estimate=0, messages=Ratio.of([]), unasked=10).requests_of(1000)
        750
        """
        return round(rows * self.rows / (self.rows + self.unasked)) if self.unasked else rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long it takes at best, and what it is that sets the pace."""

    seconds: float
    set_by: str
    latency_s: float
    measured: bool  # the latency; else assumed


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """One limit of the budget beside what is left to pay."""

    limit: Limit
    spent: Usage
    needed: Span  # in the limit's own unit, what is spent already left out

    @property
    def left(self) -> float:
        return max(self.limit.amount - self.limit.of(self.spent), 0.0)

    @property
    def is_short(self) -> bool:
        """Not even the least that the rows will cost is left."""
        return self.needed.low > self.left

    @property
    def may_be_short(self) -> bool:
        return self.needed.high is None or self.needed.high > self.left

    @property
    def line(self) -> BudgetLine:
        verdict = "short" if self.is_short else "doubtful" if self.may_be_short else "enough"
        limit = self.limit
        return BudgetLine(key=limit.key, amount=limit.shown(limit.amount), left=limit.shown(self.left), verdict=verdict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Everything that a plan says. Tokens, money and time are of the rows still to ask."""

    rows: int  # samples times repeats
    repeats: int
    done: int
    to_ask: int
    looked_at: int  # rows rendered
    answers: int  # in the journal, from which was learned
    input: Span
    output: Span
    output_at_most: int | None
    usd: Span | None
    pace: Pace
    covers: tuple[Cover, ...]
    runtime_s: float | None
    spent: Usage
    unasked: int = 0  # rows left that need no request: there is no answer to judge, or another run has it


def look_ahead(prepared: Prepared, survey: Survey, resume: Resume, reusable: Reusable | None = None) -> Forecast:
    """Renders at most 2,000 of the rows to ask, a random sample, and reads the first answers of the journal. What `reusable` was
    answered needs no request.
    """
    config = prepared.config
    skip = replace(resume, skip=pick(resume, survey, repeats=config.repeats, n=LOOK_AT_MOST))
    with answers_of(reusable) as is_answered:
        lengths = Lengths.of(_needed(prepared, survey, skip, is_answered))
    spent = spent_before(prepared.run.journal, read_events(prepared.run.events))
    rows = survey.rows * config.repeats
    left = rows if resume.skip is None else resume.skip.count(0)
    to_ask = lengths.requests_of(left)
    ahead = forecast(config, lengths, read_history(prepared.run.journal), rows=rows, done=resume.done, to_ask=to_ask, spent=spent)
    return replace(ahead, unasked=left - to_ask)


def _needed(prepared: Prepared, survey: Survey, skip: Resume, is_answered: Callable[[Sample, int], bool]) -> Iterator[Request | None]:
    for repeat, part in skip.passes(survey.rows, prepared.config.repeats):
        for sample in prepared.dataset.samples(survey, skip=part):
            needs_none = verdict_without_asking(prepared.config, sample.fields) is not None or is_answered(sample, repeat)
            yield None if needs_none else prepared.builder.build(sample, repeat)


def draw_up(prepared: Prepared) -> Forecast:
    """Reads only, so a run under way may be planned too. IdentityDiffers where the directory holds another measurement."""
    run, config = prepared.run, prepared.config
    old = Manifest.read(run)
    if old is not None and (drift := differences(old.identity, prepared.identity)):
        raise other_identity(run, drift)
    asks_target = scores_target(config)
    survey = prepared.dataset.survey(with_targets=asks_target)
    refuse_missing_columns(prepared, survey)
    resume = Resume(skip=None)
    if run.has_answers():
        resume = compare(
            survey,
            scan(run.journal, with_targets=asks_target),
            retry_failed=prepared.options.retry_failed,
            repeats=config.repeats,
            asks_target=asks_target,
        )
    return look_ahead(prepared, survey, resume, prepared.reusable)


def forecast(config: EvalConfig, lengths: Lengths, history: History, *, rows: int, done: int, to_ask: int, spent: Usage) -> Forecast:
    tokens_in, tokens_out = input_tokens(lengths, history, to_ask), output_tokens(config.model.max_output_tokens, history, to_ask)
    price = config.model.price
    return Forecast(
        rows=rows,
        repeats=config.repeats,
        done=done,
        to_ask=to_ask,
        looked_at=lengths.rows,
        answers=history.answers,
        input=tokens_in,
        output=tokens_out,
        output_at_most=config.model.max_output_tokens,
        usd=None if price is None else cost(tokens_in, tokens_out, price),
        pace=pace(config.limits, to_ask, tokens_in.likely + tokens_out.likely, history.latency_s),
        covers=tuple(_cover(limit, spent, tokens_in, tokens_out, price) for limit in limits_of(config.budget, price)),
        runtime_s=runtime_s(config.budget),
        spent=spent,
    )


def input_tokens(lengths: Lengths, history: History, requests: int) -> Span:
    """Measured tokens for each byte where the journal tells them, else those of its answers, else 4 bytes a token."""
    if not lengths.rows:
        return Span(low=0, likely=0, high=0)
    of_sample = 0.0 if lengths.rows >= requests else lengths.messages.error
    if (measured := history.input_per_byte) is not None:
        return Span.around(requests * lengths.messages.value * measured.value, min(measured.error + of_sample, 1.0))
    if (mean := history.input_per_answer) is not None:
        return Span.around(requests * mean.value, mean.error)
    likely = requests * lengths.estimate / lengths.rows
    low, high = UNMEASURED
    return Span(low=likely * low * (1 - of_sample), likely=likely, high=likely * high * (1 + of_sample))


def output_tokens(at_most: int | None, history: History, requests: int) -> Span:
    """By the answers so far; before any, from one token each up to the limit that the model is given."""
    most = None if at_most is None else float(requests * at_most)
    if (mean := history.output_per_answer) is None:
        return Span(low=requests, likely=requests if most is None else most, high=most)
    span = Span.around(requests * mean.value, mean.error)
    return span if most is None else Span(low=min(span.low, most), likely=min(span.likely, most), high=min(span.high or most, most))


def cost(tokens_in: Span, tokens_out: Span, price: Price) -> Span:
    """At the full price of input: what will be cached is not known."""
    return tokens_in.times(price.input / 1e6) + tokens_out.times(price.output / 1e6)


def pace(limits: Limits, requests: int, tokens: float, latency: Ratio | None) -> Pace:
    """The slowest of the configured limits; an endpoint that cannot keep up with them takes longer."""
    latency_s = ASSUMED_LATENCY_S if latency is None else latency.value
    rounds = max(requests / limits.concurrency, 1.0) if requests else 0.0
    limit_s = {"limits.concurrency": rounds * latency_s, OWN: requests / OWN_ROWS_PER_S}
    if limits.requests_per_minute is not None:
        limit_s["limits.requests_per_minute"] = requests * 60 / limits.requests_per_minute
    if limits.tokens_per_minute is not None:
        limit_s["limits.tokens_per_minute"] = tokens * 60 / limits.tokens_per_minute
    slowest = max(limit_s, key=lambda key: limit_s[key])
    return Pace(seconds=limit_s[slowest], set_by=slowest, latency_s=latency_s, measured=latency is not None)


def _cover(limit: Limit, spent: Usage, tokens_in: Span, tokens_out: Span, price: Price | None) -> Cover:
    in_usd = limit.key == "budget.usd"
    needed = cost(tokens_in, tokens_out, price) if in_usd and price is not None else tokens_in + tokens_out
    return Cover(limit=limit, spent=spent, needed=needed)


def within_budget(launch: Launch) -> Launch:
    """The launch, with a note where its budget may not reach to the end; BudgetSpent where it certainly does not.

    The rows are looked at only if there is a budget.
    """
    budget = launch.prepared.config.budget
    if budget.usd is None and budget.tokens is None:
        return launch
    ahead = look_ahead(launch.prepared, launch.survey, launch.asked)
    if (error := refusal(ahead)) is not None:
        raise error
    return replace(launch, notes=tuple(doubt(cover) for cover in ahead.covers if cover.may_be_short))


def doubt(cover: Cover) -> str:
    """What may happen, with both numbers."""
    limit, needed = cover.limit, cover.needed
    most = "nobody knows how much" if needed.high is None else f"up to {limit.shown(needed.high)}"
    return f"{limit.key} may not be enough: {limit.shown(cover.left)} are left, and the rows need {most}; it stops there, with exit 11"


def refusal(ahead: Forecast) -> BudgetSpent | None:
    """Why a run is not worth beginning: its budget cannot reach to the end. None where it can."""
    for cover in ahead.covers:
        if cover.is_short:
            return _short(cover, ahead.to_ask)
    return None


def _short(cover: Cover, rows: int) -> BudgetSpent:
    limit = cover.limit
    spent = limit.of(cover.spent)
    least = limit.shown(cover.needed.low)
    of_it = f", of which {limit.shown(cover.left)} are left" if spent else ""
    enough = limit.amount + max(cover.needed.high or cover.needed.likely, cover.needed.low) - cover.left
    affordable = int(rows * cover.left / (cover.needed.high or cover.needed.likely)) if cover.needed.likely else 0
    fewer = f"; or ask fewer rows: --limit {affordable} fits" if affordable and not spent else ""
    return BudgetSpent(
        f"{limit.key} is {limit.shown(limit.amount)}{of_it}, and the {rows:,} rows to ask need at least {least}: nothing was asked",
        hint=f"raise {limit.key} to {limit.shown(enough)} to be sure{fewer}; evalsvc plan shows the estimate",
    )
