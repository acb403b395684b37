"""`evalsvc history`."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from evalsvc.cli.failing import guarded


def history_command(named: str | None, *, metrics: Sequence[str], last: int, html: Path | None, json: bool) -> int:
    """0 whatever the history says: it is no gate."""
    from evalsvc.compare.history import history
    from evalsvc.journal.files import check_place, write_atomic
    from evalsvc.jsonio import dumps
    from evalsvc.report.history import print_history
    from evalsvc.report.nights import history_json
    from evalsvc.report.streams import write_out

    def work() -> int:
        if html is not None:
            check_place(html)
        found = history(named, metrics=metrics, last=last)
        if html is not None:
            from evalsvc.report.html.history import history_page

            write_atomic(html, history_page(found).encode("utf-8", "surrogatepass"))
        if json:
            write_out(sys.stdout, dumps(history_json(found)) + b"\n")
        elif html is not None:
            write_out(sys.stdout, f"{html}\n")
        else:
            print_history(found, stdout=sys.stdout, environ=os.environ)
        return 0

    return guarded(work)
