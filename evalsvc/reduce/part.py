"""`python -m evalsvc.reduce.part JOB RUN_DIR START STOP FOLDER PARENT`: a process that does its part of a reduction; see parts.py.

It ends when the process that started it does, whose id is PARENT. What it found, or what went wrong, is one JSON object on standard output.
"""

import sys
from pathlib import Path

from evalsvc.reduce.graded import keep_part
from evalsvc.reduce.orphan import die_with
from evalsvc.reduce.parts import KEEP, TAKE, spoken, take_part
from evalsvc.reduce.run import plan_of
from evalsvc.rundir import RunDir

_JOBS = {TAKE: take_part, KEEP: keep_part}


def main() -> int:
    job, path, start, stop, folder, parent = sys.argv[1:]
    die_with(int(parent))
    code, said = spoken(lambda: _JOBS[job](plan_of(RunDir(Path(path))), int(start), int(stop), Path(folder)))
    sys.stdout.buffer.write(said)
    return code


if __name__ == "__main__":
    sys.exit(main())
