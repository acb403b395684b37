"""One core's work on a journal: records read, scored, written to scored.jsonl and counted; then scored.jsonl read and summed.

Its seconds are those of the processor.

usage: python -m benchmarks.reducing REPORT RUN_DIR
"""

import sys
import time
from pathlib import Path

import orjson

from benchmarks.usage import used
from evalsvc.reduce import graded
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
        first_s = time.process_time() - began_at
    began_at = time.process_time()
    if plan.metrics:
        graded.keep_part(plan, 0, taken.scored_bytes, run_dir)
    second_s = time.process_time() - began_at if plan.metrics else 0.0
    report.write_bytes(orjson.dumps({**used(), "rows": taken.read, "first_s": first_s, "second_s": second_s}))


if __name__ == "__main__":
    main()
