"""`python -m evalsvc.deriving RUN_DIR`: a process of its own, so that a run's event loop never waits for scikit-learn.

It loads what it needs, then waits for one line on standard input. Without one (the run died, or does not need it) it
ends having done nothing, and in the middle of its work when the run dies then: the next launch must be the only one that
writes the derived files. What went wrong is one JSON object on standard output.
"""

import os
import sys
from pathlib import Path
from threading import Thread

from evalsvc.errors import EvalsvcError
from evalsvc.jsonio import dumps
from evalsvc.reduce.orphan import end_with

NICE = 10  # loading may wait, answers may not: it takes what the run leaves of the cores


def main() -> int:
    Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    os.nice(NICE)
    import sklearn.metrics  # noqa: F401 - this second is better spent now than when the last answer is in

    from evalsvc.deriving.derive import derive_run
    from evalsvc.rundir import RunDir

    if not sys.stdin.readline():
        return 0
    try:
        derive_run(RunDir(Path(sys.argv[1])))
    except EvalsvcError as error:
        sys.stdout.buffer.write(dumps({"message": error.message, "hint": error.hint}))
        return error.exit_code
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # everything is written: tidying up what the libraries hold would take a tenth of a second more
