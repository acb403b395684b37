"""`python -m evalsvc.telling TRACKER RUN_DIR`: tells one tracker of one run, in a process of its own.

Its library takes seconds to load, talks to standard output, and may never come back: none of that is the run's business.
Where the run is to be seen, or why it is not, is one JSON object on standard output.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Thread
from typing import Final

from evalsvc.jsonio import dumps
from evalsvc.reduce.orphan import end_with
from evalsvc.rundir import Manifest, RunDir
from evalsvc.telling.entry import Entry, entry_of

Tell = Callable[[Entry, Mapping[str, str]], str]


def _mlflow() -> Tell:
    from evalsvc.telling.mlflow_tracker import tell

    return tell


def _wandb() -> Tell:
    from evalsvc.telling.wandb_tracker import tell

    return tell


TRACKERS: Final[Mapping[str, Callable[[], Tell]]] = {"mlflow": _mlflow, "wandb": _wandb}


def main() -> int:
    Thread(target=end_with, args=(os.getppid(),), daemon=True).start()
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    tracker, run = sys.argv[1], RunDir(Path(sys.argv[2]))
    try:
        manifest = Manifest.read(run)
        assert manifest is not None, f"{run.path} has no run.json"  # noqa: S101
        said = {"where": TRACKERS[tracker]()(entry_of(run, manifest), os.environ)}
    except Exception as error:
        said = {"failure": f"{type(error).__name__}: {error}"}
    answer.write(dumps(said))
    answer.close()
    return 1 if "failure" in said else 0


if __name__ == "__main__":
    sys.exit(main())
