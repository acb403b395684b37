"""A run before it is run, on one screen: how much, how dear, how long, and whether the budget covers it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Self, TextIO

from evalsvc.report.facts import LABEL_WIDTH as FACT_WIDTH
from evalsvc.report.facts import Fact, Part, Tone, fact
from evalsvc.report.intro import outcome_tone
from evalsvc.report.lines import json_event
from evalsvc.report.plain import one_line, shorten
from evalsvc.report.streams import forgive_encoding, lost, speak_utf8
from evalsvc.report.words import count, duration, interval, score, some, usd

if TYPE_CHECKING:
    from rich.console import RenderableType

ASKED_SHOWN = 20
REPLY_WIDTH, INPUT_WIDTH, LABEL_WIDTH = 24, 48, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A number that is not known exactly. `high` None: nothing limits it."""

    low: float
    likely: float
    high: float | None

    @classmethod
    def around(cls, likely: float, error: float) -> Self:
        """`error` is relative."""
        return cls(low=likely * max(1 - error, 0.0), likely=likely, high=likely * (1 + error))

    def __add__(self, other: "Span") -> "Span":
        high = None if self.high is None or other.high is None else self.high + other.high
        return Span(low=self.low + other.low, likely=self.likely + other.likely, high=high)

    def times(self, factor: float) -> "Span":
        return Span(low=self.low * factor, likely=self.likely * factor, high=None if self.high is None else self.high * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetLine:
    """One limit of the budget beside what the rows need."""

    key: str
    amount: str
    left: str
    verdict: str  # enough | doubtful | short


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A metric of the rows that were answered."""

    metric: str
    value: float
    low: float | None
    high: float | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One row that was sent to see what comes."""

    id: str
    input: str
    reply: str
    extracted: str | None
    target: str | None
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanSheet:
    """Tokens, money and time are of the rows still to ask."""

    name: str
    run_dir: str
    model: str
    endpoint: str
    rows: int
    repeats: int
    done: int
    to_ask: int
    looked_at: int  # rows that were rendered for the estimate
    answers: int  # in the journal, from which was learned
    input: Span
    output: Span
    output_at_most: int | None
    usd: Span | None
    price_source: str
    seconds: float
    set_by: str
    latency_s: float
    latency_measured: bool
    runtime_s: float | None
    budgets: tuple[BudgetLine, ...]
    estimate: Estimate | None = None
    asked: tuple[Asked, ...] = ()
    unasked: int = 0  # rows left that need no request: there is no answer to judge, or `reuses` has it
    reuses: str | None = None  # NAME/ID of the run whose answers would be taken over


def plan_facts(sheet: PlanSheet) -> list[Fact]:
    """The lines of a plan, without the heading."""
    facts = [
        fact("model", f"{one_line(sheet.model)} at {one_line(sheet.endpoint)}"),
        fact("rows", _rows(sheet), f"{count(sheet.done)} finished earlier" if sheet.done else None, *_to_ask(sheet)),
    ]
    if sheet.to_ask:
        facts += [_input(sheet), _output(sheet), _cost(sheet), _time(sheet)]
    if sheet.estimate is not None:
        facts.append(_estimate(sheet.estimate))
    facts += [_budget(line) for line in sheet.budgets]
    return facts


def _rows(sheet: PlanSheet) -> str:
    repeated = f" ({count(sheet.rows // sheet.repeats)} × {sheet.repeats} repeats)" if sheet.repeats > 1 else ""
    return count(sheet.rows) + repeated


def _to_ask(sheet: PlanSheet) -> tuple[Part | str | None, ...]:
    if not sheet.to_ask and not sheet.unasked:
        return (Part("complete, nothing to ask", Tone.GOOD),)
    why = "without an answer to judge" if sheet.reuses is None else f"to be taken over from {one_line(sheet.reuses)}"
    unasked = f"{count(sheet.unasked)} {why}, which cost nothing" if sheet.unasked or sheet.reuses else None
    return Part(f"{count(sheet.to_ask)} to ask", Tone.STRONG), unasked


def _input(sheet: PlanSheet) -> Fact:
    how = f"measured on {some(sheet.answers, 'answer')}" if sheet.answers else "an estimate, 4 bytes a token"
    looked = f"from {count(sheet.looked_at)} rows drawn at random" if sheet.looked_at < sheet.to_ask else None
    return fact("input", _about(sheet.input), how, looked)


def _output(sheet: PlanSheet) -> Fact:
    if sheet.answers:
        return fact("output", _about(sheet.output), f"measured on {some(sheet.answers, 'answer')}")
    if sheet.output.high is None:
        return fact("output", Part("not known: model.max_output_tokens is not set, and no answer is there yet", Tone.WARN))
    return fact("output", f"at most {count(round(sheet.output.high))} tokens", f"model.max_output_tokens {sheet.output_at_most}")


def _cost(sheet: PlanSheet) -> Fact:
    if sheet.usd is None:
        return fact("cost", sheet.price_source)
    words = f"{usd(sheet.usd.likely)} and the output, which nobody knows" if sheet.usd.high is None else _money(sheet.usd)
    return fact("cost", Part(words, Tone.STRONG), sheet.price_source)


def _money(span: Span) -> str:
    low, high = usd(span.low), usd(span.high)
    return usd(span.likely) if low == high else f"{usd(span.likely)} ({low} to {high})"


def _time(sheet: PlanSheet) -> Fact:
    latency = f"{duration(sheet.latency_s)} an answer, " + ("as measured" if sheet.latency_measured else "assumed")
    over = sheet.runtime_s is not None and sheet.seconds > sheet.runtime_s
    return fact(
        "time",
        Part(f"at least {duration(sheet.seconds)}", Tone.STRONG),
        f"{sheet.set_by} sets the pace",
        latency if sheet.set_by == "limits.concurrency" else None,
        Part("longer than the maximum runtime: exit 75, and the same command carries on", Tone.WARN) if over else None,
    )


def _estimate(estimate: Estimate) -> Fact:
    value = f"{score(estimate.value, 3)} {interval(estimate.low, estimate.high, 3)}".rstrip()
    label, name = (estimate.metric, "") if len(estimate.metric) < FACT_WIDTH else ("metric", f"{estimate.metric} ")
    return fact(label, Part(name + value, Tone.STRONG), f"of {some(estimate.rows, 'row')} so far, with the 95 % interval for all")


def _budget(line: BudgetLine) -> Fact:
    tone = {"enough": Tone.GOOD, "doubtful": Tone.WARN, "short": Tone.BAD}[line.verdict]
    words = {"enough": "enough", "doubtful": "may not be enough: then exit 11", "short": "not enough: run refuses to begin, with exit 11"}
    return fact("budget", f"{line.key} {line.amount}", f"{line.left} left", Part(words[line.verdict], tone))


def _about(span: Span) -> str:
    """Two digits that count, and how far off they may be.

    >>> _about(Span(low=4117, likely=6862, high=13724)), _about(Span(low=12, likely=12, high=12))
    ('about 6,900 tokens (4,100 to 14,000)', 'about 12 tokens')
    """
    low, likely, high = _rounded(span.low), _rounded(span.likely), "more" if span.high is None else _rounded(span.high)
    return f"about {likely} tokens" + (f" ({low} to {high})" if low != high else "")


def _rounded(number: float) -> str:
    return f"{float(f'{number:.2g}'):,.0f}"


def print_plan(sheet: PlanSheet, *, stdout: TextIO | None, environ: Mapping[str, str], next_steps: Sequence[str]) -> None:
    """The sheet on `stdout`; on nothing when that is None, which is how Python has a closed one."""
    if stdout is None:
        return
    from rich.console import Group
    from rich.text import Text

    from evalsvc.report.console import open_console, rich_block, show

    forgive_encoding(stdout)
    console = open_console(stdout, environ)
    heading = Text(f"{one_line(sheet.name)} · plan", style="bold")
    content = Group(*_asked_table(sheet.asked), heading, rich_block(plan_facts(sheet)))
    steps = [fact("next", Part("\n".join(next_steps), Tone.STRONG))] if next_steps else []
    show(console, content, stdout, unfolded=[fact("files", one_line(sheet.run_dir)), *steps])


def _asked_table(asked: Sequence[Asked]) -> "Iterator[RenderableType]":
    from rich.table import Table
    from rich.text import Text

    from evalsvc.report.console import STYLES

    if not asked:
        return
    table = Table(box=None, padding=(0, 0, 0, 2), pad_edge=True, header_style="dim")
    for heading in ("outcome", "target", "extracted"):
        table.add_column(heading, no_wrap=True, min_width=_widest(heading, asked))
    for heading in ("reply", "asked"):
        table.add_column(heading, no_wrap=True)
    for row in asked[:ASKED_SHOWN]:
        table.add_row(
            Text(row.outcome, style=STYLES[outcome_tone(row.outcome)]),
            shorten(row.target or "–", LABEL_WIDTH),
            shorten(row.extracted or "–", LABEL_WIDTH),
            shorten(row.reply, REPLY_WIDTH),
            shorten(row.input, INPUT_WIDTH),
        )
    yield Text(f"asked {some(len(asked), 'row')}, drawn at random; they count as done", style="bold")
    yield table
    if len(asked) > ASKED_SHOWN:
        yield Text(f"  and {count(len(asked) - ASKED_SHOWN)} more in predictions.jsonl", style="dim")
    yield Text("")


def _widest(column: str, asked: Sequence[Asked]) -> int:
    """In columns: what is short stands whole, and long texts give way to it."""
    values = (getattr(row, column) or "" for row in asked[:ASKED_SHOWN])
    return min(LABEL_WIDTH, max(map(len, (column, *values))))


def print_plan_event(sheet: PlanSheet, *, stdout: TextIO | None, exit_code: int) -> None:
    """The last line of `--json`."""
    if stdout is None:
        return
    speak_utf8(stdout)
    try:
        stdout.write(json_event("plan", {"exit_code": exit_code, **asdict(sheet)}))
        stdout.flush()
    except OSError as exc:
        lost(stdout, exc)
