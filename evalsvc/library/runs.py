"""A run directory -> Run: what was measured, for programs and notebooks."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evalsvc.config.models import EvalConfig
from evalsvc.deriving.derive import derive_run
from evalsvc.deriving.verdict import exit_code
from evalsvc.errors import UsageError
from evalsvc.journal.lock import RunLock
from evalsvc.library.rows import Row, read_rows
from evalsvc.pipeline.launch import holder
from evalsvc.records import Summary
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.run import summary_to_show
from evalsvc.report.html.notebook import notebook
from evalsvc.report.words import interval, score
from evalsvc.rundir import Manifest, RunDir, find_run

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Run:
    """One measurement, as it stood when it was loaded; its rows are read from its directory when they are asked for."""

    path: Path
    id: str
    name: str
    summary: Summary
    config: EvalConfig  # as it was measured, with secrets left out

    @property
    def status(self) -> str:
        """complete | partial"""
        return self.summary["status"]

    @property
    def exit_code(self) -> int | None:
        """What `evalsvc run` ends with on these numbers: 0, 3 (a gate failed) or 4 (too many errors); None while partial."""
        return exit_code(self.summary, self.config) if self.status == "complete" else None

    @property
    def passed(self) -> bool | None:
        """Whether every gate held and few enough rows are in error; None while partial, which is no verdict."""
        return None if self.exit_code is None else self.exit_code == 0

    def rows(self) -> Iterator[Row]:
        """Every row that the summary counts, in the order in which they were answered, streamed from the run directory."""
        return read_rows(RunDir(self.path))

    def to_pandas(self, *, messages: bool = False) -> "DataFrame":
        """The rows as a table, one column for each score as ext.<name>; `messages`: with the prompts.

        UsageError where pandas is not installed.
        """
        try:
            from evalsvc.library.table import data_frame
        except ImportError as error:
            raise UsageError(f"to_pandas needs pandas: {error}", hint="pip install 'evalsvc[pandas]'") from error
        return data_frame(self.rows(), messages=messages)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r}: {', '.join(self._in_words())})"

    def _repr_html_(self) -> str:
        return notebook(self.summary, str(self.path), passed=self.passed)

    def _in_words(self) -> Iterator[str]:
        yield self.status
        for name, metric in list(self.summary["metrics"].items())[:1]:
            yield f"{name} {score(metric['value'])} {interval(metric['ci_low'], metric['ci_high'])}".rstrip()
        if self.passed is False or (self.passed and self.summary["gates"]):
            yield "passed" if self.passed else "not passed"


def load_run(run: str | os.PathLike[str]) -> Run:
    """A run by its directory, as NAME/ID or by NAME, which is its newest; below runs/ in the working directory.

    One that was killed before its summary is reduced first. UsageError when there is none; RunInUse when it is still
    going on and has no summary yet.
    """
    return open_run(find_run(os.fspath(run)))


def open_run(run: RunDir) -> Run:
    """As `load_run`, for a directory that is known to hold a run."""
    if not run.summary.exists():
        with RunLock.acquire(run.lock, holder=holder()):
            derive_run(run)
    manifest = Manifest.read(run)
    if manifest is None:
        raise UsageError(f"{run.path} has no run.json", hint="name a run directory, as evalsvc list shows them")
    config = Plan.of(run, manifest).config
    return Run(path=run.path, id=manifest.id, name=manifest.name, summary=summary_to_show(run), config=config)
