"""`evalsvc score FILE`: answers that exist already."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from evalsvc.cli.failing import guarded, remark
from evalsvc.cli.read import print_run
from evalsvc.cli.tracking import tell_of
from evalsvc.errors import UsageError
from evalsvc.pipeline.importing import Answers, Imported, load_scoring, take_in

# The command line's words for the keys of a data set.
_OPTIONS = {
    "`dataset.input`": "--output",
    "`dataset.target`": "--target",
    "`dataset.id`": "--id",
    "`dataset.path`": "FILE",
    "`scoring.labels`": "--labels",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The options as they were typed."""

    file: str | None
    output: str | None
    target: str | None
    id: str | None
    labels: str | None
    name: str | None
    config: Path | None
    run_dir: Path | None

    def answers(self) -> Answers:
        """UsageError where something is missing."""
        if self.file is None or not Path(self.file).is_file():
            raise UsageError(
                f"--output is for a file of answers, and there is no file {self.file or 'named'}", hint="evalsvc score FILE --output COLUMN"
            )
        if self.output is None:
            raise UsageError(f"{self.file}: which column holds the model's text?", hint="name it with --output")
        return Answers(
            file=Path(self.file),
            output=self.output,
            target=self.target,
            id=self.id,
            labels=tuple(label.strip() for label in self.labels.split(",")) if self.labels else (),
            name=self.name,
            config=self.config,
            run_dir=self.run_dir,
        )


def answers_command(given: Given, *, overrides: Sequence[str], json: bool) -> int:
    from evalsvc.deriving.derive import derive_run, is_up_to_date
    from evalsvc.journal.lock import RunLock
    from evalsvc.pipeline.launch import holder
    from evalsvc.reduce.run import plan_of, read_summary

    def work() -> int:
        answers = given.answers()
        try:
            loaded = load_scoring(answers, environ=os.environ, overrides=overrides)
            imported = asyncio.run(take_in(answers, loaded, datetime.now(UTC)))
            remark(said(imported, answers))
            run = imported.run
            with RunLock.acquire(run.lock, holder=holder()):
                summary = read_summary(run) if is_up_to_date(run, plan_of(run)) else derive_run(run)
                tell_of(run)
        except UsageError as error:
            raise type(error)(in_options(error.message), hint=error.hint and in_options(error.hint)) from error
        return print_run(run, summary, json=json)

    return guarded(work, json_result=json)


def in_options(text: str) -> str:
    """An error of the data set in the words of this command.

    >>> in_options("Set `dataset.input` to a column that is there.")
    'Set --output to a column that is there.'
    """
    for key, option in _OPTIONS.items():
        text = text.replace(key, option)
    return text


def said(imported: Imported, answers: Answers) -> str:
    """One line: what was taken in, and what had changed since the last time."""
    if imported.since is not None and not imported.resume.data_changed:
        return f"complete since {imported.since}, nothing new in {answers.file}"
    resume = imported.resume
    parts = {"changed": resume.changed, "gone": resume.vanished, "relabelled": resume.relabelled}
    changes = "".join(f", {count:,} {word}" for word, count in parts.items() if count)
    return f"{imported.rows:,} answers in {answers.file}, {imported.added:,} of them taken in{changes}"
