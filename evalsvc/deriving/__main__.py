"""`python -m evalsvc.deriving RUN_DIR PARENT`: a process of its own, so that a run's event loop never waits for scikit-learn.

It loads what it needs, then does what the lines on standard input say: "count" takes in what is in a journal that still grows, "go"
brings all derived files up to date. Without any (the run died, or does not need it) it ends having done nothing, and in the middle of
its work when the run, whose process id is PARENT, dies then: the next launch must be the only one that writes the derived files. What
went wrong is one JSON object on standard output.
"""

import os
import signal
import sys
from pathlib import Path

from evalsvc.reduce.orphan import die_with

LOADING_CPU_S = 15.0  # ten times what the libraries take
NICE = 10  # loading may wait, answers may not: it takes what the run leaves of the cores


def main() -> int:
    die_with(int(sys.argv[2]))
    os.nice(NICE)
    from evalsvc.reduce.parts import spoken

    code, said = spoken(_derive)
    sys.stdout.buffer.write(said)
    return code


def _derive() -> bytes:
    from evalsvc.reduce.parts import LOADED, LOADING

    _say(LOADING)
    # OpenBLAS, for one, ends a process where there is no memory, or asks for it again and again: SIGPROF ends it then
    signal.setitimer(signal.ITIMER_PROF, LOADING_CPU_S)
    import sklearn.metrics  # noqa: F401 - this second is better spent now than when the last answer is in

    signal.setitimer(signal.ITIMER_PROF, 0)
    _say(LOADED)

    from evalsvc.deriving.derive import count_run, derive_run
    from evalsvc.rundir import RunDir

    for line in sys.stdin:
        (count_run if line == "count\n" else derive_run)(RunDir(Path(sys.argv[1])))
    return b""


def _say(word: bytes) -> None:
    sys.stdout.buffer.write(word)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # everything is written: tidying up what the libraries hold would take a tenth of a second more
