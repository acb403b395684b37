"""What is read in the morning: the verdict first, then the numbers, then what they rest on, then what to type next."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from evalsvc.errors import EvalsvcError
from evalsvc.records import GateResult, MetricValue, RunWarning, Summary
from evalsvc.report.columns import columns, width_of
from evalsvc.report.confusion import confusion
from evalsvc.report.console import STYLES, open_console, rich_block, rich_part, show
from evalsvc.report.facts import SEPARATOR, Fact, Part, Tone, fact
from evalsvc.report.failure import error_values
from evalsvc.report.footing import footing
from evalsvc.report.headline import worth_a_line
from evalsvc.report.intro import outcome_tone, outcome_words
from evalsvc.report.lines import json_event
from evalsvc.report.plain import one_line, plain, shorten
from evalsvc.report.slices import slices
from evalsvc.report.streams import forgive_encoding, lost, speak_utf8
from evalsvc.report.thresholds import threshold_table
from evalsvc.report.verdict import exit_part, grounds, verdict
from evalsvc.report.words import count, interval, percent, score, some

CLASSES_SHOWN = 20
GAP = 2
METRIC_COLUMNS = ("metric", "value", "95 % interval", "rows")
PARSED_ONLY = "parsed only"
FILES = ("predictions.jsonl", "scored.jsonl", "summary.json", "report.html")


def print_result(
    summary: Summary,
    run_dir: str,
    *,
    stdout: TextIO | None,
    environ: Mapping[str, str],
    exit_code: int | None = None,
    next_steps: Sequence[str] = (),
) -> None:
    """The result table on `stdout`; on nothing when that is None, which is how Python has a closed one."""
    if stdout is None:
        return
    forgive_encoding(stdout)
    console = open_console(stdout, environ)
    table = result_table(summary, width=console.width, exit_code=exit_code)
    show(console, table, stdout, unfolded=where_and_next(run_dir, next_steps))


def print_result_event(
    summary: Summary, run_dir: str, *, stdout: TextIO | None, exit_code: int | None, error: EvalsvcError | None = None
) -> None:
    """The last line of `--json`: the whole of summary.json, the run directory, the exit code and the `error` that stopped the run."""
    if stdout is None:
        return
    speak_utf8(stdout)
    told = {} if error is None else {"error": error_values(error)}
    try:
        stdout.write(json_event("result", {"exit_code": exit_code, "run_dir": run_dir, **told, **summary}))
        stdout.flush()
    except OSError as exc:
        lost(stdout, exc)


def result_table(summary: Summary, *, width: int, exit_code: int | None = None) -> RenderableType:
    """Everything worth reading of a summary in at most `width` columns; sections without data are left out."""
    return Group(
        _headline(summary, exit_code, width),
        *_section(_metrics(summary["metrics"], width)),
        *slices(summary["metrics"], width=width),
        *_section(_outcomes(summary, width)),
        *_section(_classes(summary["per_class"], width)),
        *_section(_confusion(summary, width)),
        *_section(threshold_table(raw, width=width) if (raw := summary.get("thresholds")) else None),
        *_section(_gates(summary["gates"], width)),
        *_section(_warnings(summary["warnings"])),
        *_section(_facts(footing(summary))),
    )


def _section(content: RenderableType | None) -> Iterator[RenderableType]:
    if content is not None:
        yield Text("")
        yield content


def _headline(summary: Summary, exit_code: int | None, width: int) -> Text:
    """The verdict in one line, the exit code in a second one where it does not fit."""
    name = Text(one_line(summary["name"]), style="bold")
    line = Text(SEPARATOR).join([name, *(rich_part(part) for part in verdict(summary))])
    if exit_code is None:
        return line
    ending = rich_part(exit_part(exit_code))
    fits = line.cell_len + len(SEPARATOR) + ending.cell_len <= width
    return Text(SEPARATOR if fits else "\n  ").join([line, ending])


def _metrics(metrics: Mapping[str, MetricValue], width: int) -> RenderableType | None:
    if not metrics:
        return None
    shown = worth_a_line(metrics)
    rows = [_metric_cells(name, metric, strong=index == 0) for index, (name, metric) in enumerate(shown.items())]
    parsed = any(metric.get("on_parsed") is not None for metric in metrics.values())
    fits = parsed and width_of((*METRIC_COLUMNS, PARSED_ONLY), rows) <= width
    headings = (*METRIC_COLUMNS, PARSED_ONLY) if fits else METRIC_COLUMNS
    table = columns(headings, [row[: len(headings)] for row in rows], width=width)
    return Group(table, *_left_out(len(metrics) - len(shown), parsed and not fits), *_reasons(shown))


def _left_out(repetitive: int, parsed: bool) -> Iterator[RenderableType]:
    if repetitive:
        yield Text("  the micro and weighted averages are in summary.json", style="dim")
    if parsed:
        yield Text(f"  {PARSED_ONLY}: in summary.json, or on a wider screen", style="dim")


def _reasons(metrics: Mapping[str, MetricValue]) -> Iterator[RenderableType]:
    names: dict[str, list[str]] = {}
    for name, metric in metrics.items():
        if metric["value"] is None and (reason := metric.get("reason")):
            names.setdefault(one_line(reason), []).append(name)
    for reason, without in names.items():
        yield Padding(Text(f"{', '.join(without)}: {reason}", style="yellow"), (0, 0, 0, 2))


def _metric_cells(name: str, metric: MetricValue, *, strong: bool) -> list[Text]:
    style = STYLES[Tone.STRONG if strong else Tone.PLAIN]
    on_parsed = metric.get("on_parsed")
    return [
        Text(name, style=style),
        Text(score(metric["value"]), style=style),
        Text(interval(metric["ci_low"], metric["ci_high"])),
        Text(count(metric["n"])),
        Text("" if on_parsed is None else score(on_parsed)),
    ]


def _outcomes(summary: Summary, width: int) -> RenderableType | None:
    seen = {outcome: rows for outcome, rows in summary["outcomes"].items() if rows}
    if not seen:
        return None
    total = sum(seen.values())
    words = [
        Part(
            f"{outcome_words(outcome, summary)} {count(rows)} ({percent(rows, total)})",
            Tone.FAINT if outcome == "pending" else outcome_tone(outcome),
        )
        for outcome, rows in seen.items()
    ]
    return Group(_outcome_bar(seen, total, width), rich_block([Fact("outcomes", tuple(words))]))


def _outcome_bar(seen: Mapping[str, int], total: int, width: int) -> Text:
    """Every outcome that came at all gets at least one cell; the largest gives way for the others."""
    room = max(len(seen), min(width - 2, 76))
    cells = {outcome: max(1, room * rows // total) for outcome, rows in seen.items()}
    largest = max(seen, key=lambda outcome: seen[outcome])
    cells[largest] += room - sum(cells.values())
    bar = Text("  ", no_wrap=True, overflow="crop")
    for outcome, length in cells.items():
        pending = outcome == "pending"
        bar.append(("─" if pending else "━") * length, "dim" if pending else STYLES[outcome_tone(outcome)])
    return bar


def _classes(per_class: Mapping[str, Mapping[str, float | int | None]], width: int) -> RenderableType | None:
    """All classes in their own order; of very many, those with the lowest F1."""
    if not per_class:
        return None
    shown = list(per_class)
    if len(shown) > CLASSES_SHOWN:
        shown = sorted(shown, key=lambda label: per_class[label]["f1"] or 0.0)[:CLASSES_SHOWN]
    headings = ("class", "precision", "recall", "f1", "support", "predicted")
    table = columns(headings, [_class_cells(label, per_class[label], width) for label in shown], width=width)
    if len(shown) == len(per_class):
        return table
    return Group(table, Text(f"  lowest F1 first; {len(per_class) - len(shown)} more classes in summary.json", style="dim"))


def _class_cells(label: str, values: Mapping[str, float | int | None], width: int) -> list[Text]:
    numbers = [score(values[key]) for key in ("precision", "recall", "f1")]
    counts = [count(int(values[key] or 0)) for key in ("support", "predicted")]
    return [Text(shorten(label, max(12, width - 58))), *map(Text, (*numbers, *counts))]


def _confusion(summary: Summary, width: int) -> RenderableType | None:
    raw = summary["confusion_matrix"]
    return confusion(raw, width=width) if raw and raw["rows"] else None


def _gates(gates: Sequence[GateResult], width: int) -> RenderableType | None:
    """One line each, the grounds in a column of their own; where they do not fit, below."""
    if not gates:
        return None
    room = width - 2 * GAP - len("gate passed")
    told = [(one_line(gate["gate"]), grounds(gate)) for gate in gates]
    widest = max((cell_len(name) for name, why in told if cell_len(name) + GAP + cell_len(why) <= room), default=0)
    grid = Table(box=None, padding=(0, 0, 0, GAP), pad_edge=True, show_header=False)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for gate, (name, why) in zip(gates, told, strict=True):
        beside = name + " " * (widest - cell_len(name) + GAP) + why
        grid.add_row(rich_part(_passed(gate["passed"])), Text(beside if cell_len(beside) <= room else f"{name}\n{why}"))
    return grid


def _passed(passed: bool | None) -> Part:
    if passed is None:
        return Part("gate open", Tone.WARN)
    return Part("gate passed", Tone.GOOD) if passed else Part("gate FAILED", Tone.BAD)


def _warnings(warnings: Sequence[RunWarning]) -> RenderableType | None:
    if not warnings:
        return None
    title = Text(f"  {some(len(warnings), 'warning')}", style="yellow")
    grid = Table.grid()
    grid.add_column(width=4)
    grid.add_column(overflow="fold")
    for warning in warnings:
        grid.add_row(Text("  -"), Text(plain(warning["message"])))
    return Group(title, grid)


def _facts(facts: Sequence[Fact]) -> RenderableType | None:
    return rich_block(facts) if facts else None


def where_and_next(run_dir: str, next_steps: Sequence[str]) -> list[Fact]:
    """The run's files and what to type, one a line, so that each can be copied whole."""
    folder = one_line(run_dir).rstrip("/")
    files = fact("files", "\n".join(f"{folder}/{name}" for name in FILES))
    return [files, *([fact("next", Part("\n".join(plain(step) for step in next_steps), Tone.STRONG))] if next_steps else [])]
