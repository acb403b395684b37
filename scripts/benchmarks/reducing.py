"""One core's work on a journal: records read, scored, written to scored.jsonl and counted. Its seconds are those of the processor.

usage: python -m benchmarks.reducing REPORT RUN_DIR
"""

import sys
import time
from pathlib import Path

import orjson

from benchmarks.usage import used
from evalsvc.reduce.run import plan_of
from evalsvc.reduce.scored import open_scored
from evalsvc.reduce.taking import Tallies, take_range
from evalsvc.rundir import RunDir


def main() -> None:
    report, run_dir = map(Path, sys.argv[1:])
    plan = plan_of(RunDir(run_dir))
    size = plan.run.journal.stat().st_size
    with open_scored(run_dir / "bench.jsonl", 0) as scored:
        began_at = time.process_time()
        taken = take_range(plan, 0, size, scored, bytearray(), Tallies.empty(plan))
        seconds = time.process_time() - began_at
    report.write_bytes(orjson.dumps({**used(), "rows": taken.read, "seconds": seconds}))


if __name__ == "__main__":
    main()
