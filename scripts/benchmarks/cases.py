"""The cases: what is run, what is compared, what is to be reached."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.bench import Bench, Run, finished
from benchmarks.inputs import append_answers, certificates, write_config, write_rows
from benchmarks.processes import SLOW, Stub, Used, environment, stub
from benchmarks.reductions import reducing, reducing_memory
from benchmarks.rouge import rouge
from benchmarks.sizing import sizing
from benchmarks.table import Result

FEW = 10


def instant(bench: Bench) -> Iterator[Result]:
    """CPU a row at 64 in flight. `a row` is the slope between ten rows and all, so that start-up is in neither side."""
    rows = bench.rows(20_000)
    with stub() as server:
        few, few_bare = _both(bench, FEW, server, concurrency=64)
        many, many_bare = _both(bench, rows, server, concurrency=64)
    per_row = (_cpu_s(many) - _cpu_s(few)) / (rows - FEW)
    bare_per_row = (_bare_cpu_s(many_bare) - _bare_cpu_s(few_bare)) / (rows - FEW)
    whole, bare_whole = _cpu_s(many), _bare_cpu_s(many_bare)
    with_reducer = min(run.whole_cpu_s for run in many)
    what = f"64 in flight, {rows:,} rows, instant"
    yield _ratio("instant", f"{what}: CPU a row, start-up apart", per_row * 1e6, bare_per_row * 1e6, "µs", target="≤ 2.0")
    yield _ratio("instant", f"{what}: CPU of the whole process, start-up in it", whole, bare_whole, "s")
    yield _ratio("instant", f"{what}: the same with the reducer, which loads scikit-learn", with_reducer, bare_whole, "s")


def latency(bench: Bench) -> Iterator[Result]:
    """The whole process, start-up to summary, against 200-300 ms."""
    rows = bench.rows(10_000)
    with stub(SLOW) as server:
        runs, bares = _both(bench, rows, server, concurrency=1000)
    wall_s, bare_s = _median([run.used.wall_s for run in runs]), _median([bare.wall_s for bare in bares])
    asking_s, bare_asking_s = _median([run.summary["timing"]["wall_s"] for run in runs]), _median([bare.told["asking_s"] for bare in bares])
    what = f"ceiling 1,000, {rows:,} rows, 200-300 ms"
    yield Result(
        case="latency",
        what=f"{what}: whole process",
        measured=f"{wall_s:.2f} s",
        bare=f"{bare_s:.2f} s",
        ratio=wall_s / bare_s,
        target="≤ 5 s where bare takes 2.9 s",
        reached=wall_s <= 5.0,
    )
    yield _ratio("latency", f"{what}: asking alone", asking_s, bare_asking_s, "s")


def ceiling(bench: Bench) -> Iterator[Result]:
    """Rows a second at 4,000 in flight, against a bare loop with the same collector settings."""
    rows = bench.rows(100_000)
    with stub(SLOW) as server:
        runs, bares = _both(bench, rows, server, concurrency=4000, collector=True)
    bare_rate = _median([rows / bare.told["asking_s"] for bare in bares])
    asking = _median([run.summary["timing"]["rows_per_s"] for run in runs])
    whole = _median([rows / run.used.wall_s for run in runs])
    bare_whole = _median([rows / bare.wall_s for bare in bares])
    what = f"ceiling 4,000, {rows:,} rows, 200-300 ms"
    yield _ratio("ceiling", f"{what}: rows/s while asking", asking, bare_rate, "rows/s", target="≥ 0.7")
    yield _ratio("ceiling", f"{what}: rows/s of the whole process", whole, bare_whole, "rows/s")
    cpu, bare_cpu = _cpu_s(runs) / rows * 1e6, _bare_cpu_s(bares) / rows * 1e6
    yield _ratio("ceiling", f"{what}: CPU a row, start-up in it", cpu, bare_cpu, "µs")


def memory(bench: Bench) -> Iterator[Result]:
    """Peak memory of a large run over that of a small one."""
    small, large = bench.rows(10_000), bench.rows(1_000_000)
    with stub() as server:
        low, high = (
            finished(bench.evalsvc(rows, server=server, concurrency=64, watch_children=True), rows).used for rows in (small, large)
        )
    for who, few_mb, many_mb in (("main process", low.peak_mb, high.peak_mb), ("reducer", low.child_peak_mb, high.child_peak_mb)):
        yield Result(
            case="memory",
            what=f"peak of the {who}: {large:,} rows over {small:,} rows",
            measured=f"{many_mb:.0f} MB / {few_mb:.0f} MB = {many_mb / few_mb:.2f}",
            target="≤ 1.3",
            reached=many_mb / few_mb <= 1.3,
        )


def start(bench: Bench) -> Iterator[Result]:
    """What a newcomer waits for."""
    with stub() as server:
        ten_s = _median([finished(bench.evalsvc(FEW, server=server, concurrency=64), FEW).used.wall_s for _ in range(bench.repeats)])
    help_s = _median([_help_s() for _ in range(5)])
    yield _at_most("start", "ten rows, instant: whole process", ten_s, 2.5)
    yield _at_most("start", "evalsvc --help", help_s, 0.3)


def resume(bench: Bench) -> Iterator[Result]:
    """A run with a million finished rows is carried on after ten more were appended to its data set."""
    rows = bench.rows(1_000_000)
    data, run_dir = write_rows(bench.new_path(".jsonl"), range(rows)), bench.new_path()
    with stub() as server:
        config = write_config(bench.new_path(".yaml"), data, port=server.port, concurrency=64)
        bench.evalsvc_on(config, run_dir, "--limit", str(FEW))
        append_answers(run_dir / "predictions.jsonl", config, skip=FEW)
        write_rows(data, range(rows, rows + FEW), mode="a")
    with stub() as server:
        config = write_config(config, data, port=server.port, concurrency=64)
        run = bench.evalsvc_on(config, run_dir, watch_children=True)
        seen = server.seen()
    assert seen["chats"] == FEW, seen
    finished(run, rows + FEW)
    yield _at_most("resume", f"{rows:,} finished rows: until the first new request", seen["first_at"] - run.used.began_at, 8.0)
    yield Result(case="resume", what="the same: CPU of the main process, start to end", measured=f"{run.used.cpu_s:.2f} s")
    yield _at_most("resume", f"{rows:,} finished rows: peak of the main process", run.used.peak_mb, 300, "MB")
    yield _at_most("resume", f"{rows:,} finished rows: peak of the reducer", run.used.child_peak_mb, 300, "MB")


def first_pass(bench: Bench) -> Iterator[Result]:
    """The pass over the data set before the first request."""
    rows = bench.rows(500_000)
    for suffix in (".jsonl", ".csv", ".tsv"):
        config = write_config(bench.new_path(".yaml"), bench.data(rows, suffix), port=1, concurrency=1)
        rate = max(_rate_of(bench.module("benchmarks.first_pass", config)) for _ in range(bench.repeats))
        yield Result(
            case="first-pass",
            what=f"first pass over {rows:,} rows of {suffix[1:]}",
            measured=f"{rate:,.0f} rows/s",
            target="≥ 200,000 rows/s",
            reached=rate >= 200_000,
        )


def tls(bench: Bench) -> Iterator[Result]:
    """CPU a row of every way to carry the same question, each over plain HTTP in one piece. Start-up is in neither side."""
    rows, secret = bench.rows(10_000), certificates(bench.new_path())
    with stub() as open_server, stub(tls=secret.server) as secret_server:
        secure = {"base_url": f"https://127.0.0.1:{secret_server.port}/v1", "ca_file": str(secret.authority)}
        ways: dict[str, dict[str, Any]] = {
            "plain HTTP": {},
            "HTTPS": secure,
            "streamed": {"stream": True},
            "streamed over HTTPS": {**secure, "stream": True},
            "client: sdk": {"client": "sdk"},
            "client: sdk, streamed over HTTPS": {**secure, "client": "sdk", "stream": True},
        }
        per_row = {name: _slope_s(bench, rows, open_server, model) * 1e6 for name, model in ways.items()}
    plain = per_row["plain HTTP"]
    for name, value in per_row.items():
        yield _ratio("tls", f"64 in flight, {rows:,} rows, instant: CPU a row, {name}", value, plain, "µs")


def _slope_s(bench: Bench, rows: int, server: Stub, model: dict[str, Any]) -> float:
    """CPU seconds of a row, from a few rows and from all of them."""
    few, many = (
        _cpu_s([finished(bench.evalsvc(count, server=server, concurrency=64, **model), count) for _ in range(bench.repeats)])
        for count in (FEW, rows)
    )
    return (many - few) / (rows - FEW)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    run: Callable[[Bench], Iterable[Result]]
    long: bool = False  # minutes: only when it is asked for


CASES = {
    "instant": Case(run=instant),
    "latency": Case(run=latency),
    "ceiling": Case(run=ceiling),
    "tls": Case(run=tls),
    "start": Case(run=start),
    "first-pass": Case(run=first_pass),
    "resume": Case(run=resume),
    "reduce": Case(run=reducing),
    "reduce-memory": Case(run=reducing_memory, long=True),
    "rouge": Case(run=rouge),
    "memory": Case(run=memory, long=True),
    "sizing": Case(run=sizing, long=True),
}


def _both(bench: Bench, rows: int, server: Stub, *, concurrency: int, collector: bool = False) -> tuple[list[Run], list[Used]]:
    """evalsvc and the bare loop in turns, so that whatever else the machine does meets both."""
    runs, bares = [], []
    for _ in range(bench.repeats):
        bares.append(bench.bare(rows, server=server, concurrency=concurrency, collector=collector))
        runs.append(finished(bench.evalsvc(rows, server=server, concurrency=concurrency), rows))
    return runs, bares


def _cpu_s(runs: list[Run]) -> float:
    """The least of several: what disturbs only adds."""
    return min(run.used.cpu_s for run in runs)


def _bare_cpu_s(bares: list[Used]) -> float:
    return min(bare.cpu_s for bare in bares)


def _median(values: list[float]) -> float:
    return statistics.median(values)


def _rate_of(used: Used) -> float:
    return float(used.told["rows"] / used.told["seconds"])


def _help_s() -> float:
    began_at = time.monotonic()
    subprocess.run([sys.executable, "-m", "evalsvc", "--help"], stdout=subprocess.DEVNULL, env=environment(), check=True)
    return time.monotonic() - began_at


def _ratio(case: str, what: str, measured: float, bare: float, unit: str, *, target: str = "") -> Result:
    """A number over the bare loop's; `target` is "≤ r" or "≥ r", for the ratio."""
    ratio = measured / bare
    return Result(
        case=case,
        what=what,
        measured=_shown(measured, unit),
        bare=_shown(bare, unit),
        ratio=ratio,
        target=f"ratio {target}" if target else "",
        reached=_meets(ratio, target) if target else None,
    )


def _meets(value: float, target: str) -> bool:
    sign, limit = target.split()
    return value <= float(limit) if sign == "≤" else value >= float(limit)


def _at_most(case: str, what: str, measured: float, limit: float, unit: str = "s") -> Result:
    return Result(case=case, what=what, measured=_shown(measured, unit), target=f"≤ {limit:g} {unit}", reached=measured <= limit)


def _shown(value: float, unit: str) -> str:
    return f"{value:,.2f} {unit}" if value < 100 and unit == "s" else f"{value:,.0f} {unit}"
