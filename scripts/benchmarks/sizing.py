"""What to give a run: processor time, memory, open files and disk, by requests in flight and rows."""

from collections.abc import Iterator

from benchmarks.bench import Bench, finished
from benchmarks.processes import INSTANT, SLOW, Stub, stub
from benchmarks.table import Result

FEW = 10


def sizing(bench: Bench) -> Iterator[Result]:
    """Processor time is the slope between ten rows and all, so that start-up is apart; it is the main process's, which does the asking."""
    for concurrency, full, latency in ((64, 20_000, INSTANT), (1000, 20_000, SLOW), (4000, 50_000, SLOW), (1000, 200_000, SLOW)):
        with stub(latency) as server:
            yield from _sized(bench, server, concurrency=concurrency, rows=bench.rows(full))


def _sized(bench: Bench, server: Stub, *, concurrency: int, rows: int) -> Iterator[Result]:
    few = finished(bench.evalsvc(FEW, server=server, concurrency=concurrency), FEW).used
    run = bench.evalsvc(rows, server=server, concurrency=concurrency, watch_children=True)
    bytes_a_row = sum(path.stat().st_size for path in run.path.rglob("*") if path.is_file()) / rows
    used, what = finished(run, rows).used, f"{concurrency:,} in flight, {rows:,} rows"
    yield Result(case="sizing", what=f"{what}: CPU a 1,000 rows", measured=f"{(used.cpu_s - few.cpu_s) / (rows - FEW) * 1e3:.3f} s")
    yield Result(case="sizing", what=f"{what}: CPU whatever the rows, with the reducer", measured=f"{few.cpu_s + few.children_cpu_s:.1f} s")
    yield Result(
        case="sizing", what=f"{what}: peak memory, the run and its reducer", measured=f"{used.peak_mb:.0f} + {used.child_peak_mb:.0f} MB"
    )
    yield Result(case="sizing", what=f"{what}: open files", measured=f"{used.peak_files:,}")
    yield Result(case="sizing", what=f"{what}: run directory a row", measured=f"{bytes_a_row:,.0f} bytes")
