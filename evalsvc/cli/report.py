"""`evalsvc report`."""

import sys
import webbrowser
from contextlib import nullcontext
from pathlib import Path

from evalsvc.cli.failing import guarded
from evalsvc.journal.files import check_place
from evalsvc.jsonio import dumps
from evalsvc.report.streams import write_out
from evalsvc.rundir import find_run


def report_command(named: str | None, *, against: str | None, out: Path | None, opens: bool, json: bool) -> int:
    def work() -> int:
        from evalsvc.deriving.page import write_page
        from evalsvc.journal.lock import RunLock
        from evalsvc.pipeline.launch import holder
        from evalsvc.reduce.run import summary_to_show

        run = find_run(named)
        summary = summary_to_show(run)
        # a page that holds another run beside this one is nobody's report.html
        path = out or (run.report if against is None else Path(f"{run.path.name}-against-{Path(against).name}.html"))
        check_place(path)
        # beside a process that derives this run's files nobody else may write one of them
        with RunLock.acquire(run.lock, holder=holder()) if path == run.report else nullcontext():
            write_page(run, summary, path, against=against)
        if json:
            write_out(sys.stdout, dumps({"run_dir": str(run.path), "report": str(path)}) + b"\n")
        else:
            write_out(sys.stdout, f"{path}\n")
        if opens:
            webbrowser.open(path.absolute().as_uri())
        return 0

    return guarded(work, json_result=json)
