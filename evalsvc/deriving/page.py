"""A run directory -> what its report shows."""

from pathlib import Path

from evalsvc.compare.nouns import Comparison
from evalsvc.deriving.verdict import exit_code
from evalsvc.errors import UsageError
from evalsvc.records import Summary
from evalsvc.reduce.plan import Plan
from evalsvc.report.html.contents import Page
from evalsvc.report.html.page import write_report
from evalsvc.report.html.shown import shown_rows
from evalsvc.rundir import Manifest, RunDir


def write_page(run: RunDir, summary: Summary, path: Path, *, against: str | None = None) -> None:
    """The report of a run as one file; `against`: with a comparison to that run, or baseline file.

    UsageError where there is nothing to be compared.
    """
    manifest = Manifest.read(run)
    if manifest is None:
        raise UsageError(f"{run.path} has no run.json", hint="name a run directory, as evalsvc list shows them")
    code = None if summary["status"] == "partial" else exit_code(summary, Plan.of(run, manifest).config)
    page = Page(
        summary=summary,
        manifest=manifest,
        run_dir=str(run.path),
        exit_code=code,
        rows=shown_rows(run),
        comparison=None if against is None else _comparison(run, against),
    )
    write_report(path, page)


def _comparison(run: RunDir, against: str) -> Comparison:
    from evalsvc.compare.comparing import compare
    from evalsvc.compare.side import open_side

    return compare(open_side(against), open_side(run.path))
