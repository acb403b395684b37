"""`evalsvc init`."""

import os
import sys
from pathlib import Path

from evalsvc.cli.failing import guarded
from evalsvc.report.streams import write_out


def init_command(data: str, *, out: Path, force: bool) -> int:
    from evalsvc.starting.asking import fetch_models
    from evalsvc.starting.first_config import first_config

    def work() -> int:
        started = first_config(data, out, force=force, environ=os.environ, fetch=fetch_models)
        write_out(sys.stdout, "".join(f"{line}\n" for line in started.lines))
        return 0

    return guarded(work)
