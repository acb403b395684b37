"""The cases of reducing: one core's work on a journal of each task, that of all cores, and how memory grows with the rows."""

import statistics
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import exp, log
from pathlib import Path
from random import Random
from typing import Any

import orjson

from benchmarks.bench import Bench
from benchmarks.inputs import append_answers, reply, row, write_config
from benchmarks.processes import Used, measure, stub
from benchmarks.rouge import WORDS_A_LINE, Texts, pairs_of
from benchmarks.table import Result
from evalsvc.records import Reply

ASKED = 10  # rows that the stub answers; the other lines of the journal are written without it
WORDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Rows, a config, and what a model might have said."""

    what: str
    rows: int
    target: float  # rows a second of one core, from the journal to the sums; 0 for none
    row: Callable[[int], Mapping[str, str]] = row
    reply: Callable[[int], Reply] = lambda _: reply()
    rest: Mapping[str, Any] = field(default_factory=dict)  # of the config
    model: Mapping[str, Any] = field(default_factory=dict)


@cache
def _summaries() -> list[Texts]:
    return pairs_of(WORDS, WORDS_A_LINE, 500)


def _summary_row(number: int) -> Mapping[str, str]:
    return {"text": f"document {number}", "label": _summaries()[number % 500].reference}


def _answer(number: int) -> str:
    return f"The city number {number % 977}." if number % 4 else "I do not know."


def _with_logprobs(number: int) -> Reply:
    """Five alternatives, no two rows with the same."""
    nats = -Random(number).random() * 0.3
    top = [["spam", nats], ["ham", log(max(1e-9, 1 - exp(nats) - 0.001))], [" spam", -9.5], ["The", -10.5], ["HAM", -12.0]]
    return reply(tokens=[{"t": "spam", "lp": nats, "top": top}])


TASKS = (
    Task(what="labels", rows=500_000, target=100_000),
    Task(
        what="labels with logprobs",
        rows=100_000,
        target=0,
        reply=_with_logprobs,
        rest={"scoring": {"labels": ["spam", "ham"], "positive": "spam"}},
        model={"params": {"logprobs": True, "top_logprobs": 5}},
    ),
    Task(
        what="questions",
        rows=100_000,
        target=0,
        row=lambda number: {"text": f"question {number}", "label": f"the city number {number % 977}"},
        reply=lambda number: reply(_answer(number)),
        rest={"task": "qa", "scoring": {}},
    ),
    Task(
        what=f"summaries of {WORDS} words (ROUGE)",
        rows=20_000,
        target=2_000,
        row=_summary_row,
        reply=lambda number: reply(_summaries()[number % 500].answer),
        rest={"task": "summarization", "scoring": {}},
    ),
)


def reducing(bench: Bench) -> Iterator[Result]:
    """Journals reduced again: by one core, pass by pass, and by all there are."""
    for task in TASKS:
        rows = bench.rows(task.rows)
        run_dir = _run(bench, task, rows)
        told = [bench.module("benchmarks.reducing", run_dir) for _ in range(bench.repeats)]
        first, second = (_rate(told, name) for name in ("first_s", "second_s"))
        whole = 1 / (1 / first + (1 / second if second else 0))
        yield Result(
            case="reduce",
            what=f"{rows:,} rows of {task.what}: one core, from journal to sums",
            measured=f"{whole:,.0f} rows/s",
            target=f"≥ {task.target:,} rows/s" if task.target else "",
            reached=whole >= task.target if task.target else None,
        )
        if second:
            yield Result(case="reduce", what="of it the second pass, over scored.jsonl", measured=f"{second:,.0f} rows/s")
        scored = [_score(bench, run_dir) for _ in range(bench.repeats)]
        wall_s = statistics.median(used.wall_s for used in scored)
        cpu_s = min(used.cpu_s + used.children_cpu_s for used in scored)
        yield Result(case="reduce", what="evalsvc score on all cores, start to end, and its CPU", measured=f"{wall_s:.2f} s, {cpu_s:.2f} s")


def reducing_memory(bench: Bench) -> Iterator[Result]:
    """Peak memory of reducing many rows over that of a tenth of them."""
    for task in TASKS[:2]:
        few, many = (bench.rows(rows) for rows in (100_000, 1_000_000))
        low, high = (_peak_mb(_score(bench, _run(bench, task, rows))) for rows in (few, many))
        yield Result(
            case="reduce-memory",
            what=f"peak of evalsvc score and its processes, {task.what}: {many:,} rows over {few:,}",
            measured=f"{high:.0f} MB / {low:.0f} MB = {high / low:.2f}",
            target="≤ 1.3",
            reached=high / low <= 1.3,
        )


def _run(bench: Bench, task: Task, rows: int) -> Path:
    """The directory of a run that has been reduced once."""
    data, config, run_dir = bench.new_path(".jsonl"), bench.new_path(".yaml"), bench.new_path()
    with data.open("wb") as file:
        file.writelines(orjson.dumps(task.row(number)) + b"\n" for number in range(rows))
    with stub() as server:
        write_config(config, data, port=server.port, concurrency=64, rest=task.rest, **task.model)
        bench.evalsvc_on(config, run_dir, "--limit", str(ASKED))
        append_answers(run_dir / "predictions.jsonl", config, skip=ASKED, replies=task.reply)
        bench.evalsvc_on(config, run_dir)
    return run_dir


def _score(bench: Bench, run_dir: Path) -> Used:
    """`evalsvc score` from nothing but the journal."""
    (run_dir / "reduce.json").unlink()
    return measure("benchmarks.watched", bench.new_path(".json"), ["score", run_dir], cwd=bench.folder, watch_children=True)


def _peak_mb(used: Used) -> float:
    return max(used.peak_mb, used.child_peak_mb)


def _rate(told: list[Used], seconds: str) -> float:
    """Rows a second of the best of several; 0 for a pass that is not made."""
    best = min(float(used.told[seconds]) for used in told)
    return float(told[0].told["rows"]) / best if best else 0.0
