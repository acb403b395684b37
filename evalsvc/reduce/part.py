"""`python -m evalsvc.reduce.part JOB RUN_DIR START STOP FOLDER PARENT`: a process that does its part of a reduction; see parts.py.

It ends when the process that started it does, whose id is PARENT. What it found, or what went wrong, is one JSON object on standard output.
"""

import os
import sys
from pathlib import Path
from threading import Thread

from evalsvc.errors import EvalsvcError
from evalsvc.jsonio import dumps
from evalsvc.reduce.graded import keep_part
from evalsvc.reduce.orphan import end_with
from evalsvc.reduce.parts import KEEP, TAKE, take_part
from evalsvc.reduce.run import plan_of
from evalsvc.rundir import RunDir

_JOBS = {TAKE: take_part, KEEP: keep_part}


def main() -> int:
    job, path, start, stop, folder, parent = sys.argv[1:]
    if os.getppid() != int(parent):
        return 0  # it died while this one was being loaded
    Thread(target=end_with, args=(int(parent),), daemon=True).start()
    try:
        said = _JOBS[job](plan_of(RunDir(Path(path))), int(start), int(stop), Path(folder))
    except EvalsvcError as error:
        sys.stdout.buffer.write(dumps({"message": error.message, "hint": error.hint}))
        return error.exit_code
    sys.stdout.buffer.write(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
