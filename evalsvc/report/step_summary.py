"""What GitHub shows under a job: Markdown that is appended to the file named by GITHUB_STEP_SUMMARY.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions#adding-a-job-summary
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from evalsvc.records import Summary

NAMED_BY: Final = "GITHUB_STEP_SUMMARY"
# A step with more than that has no summary at all.
BYTES_AT_MOST: Final = 1024 * 1024
_CUT: Final = "\n\n… the rest is cut: GitHub shows no more than 1 MiB of a step\n".encode()


def append_run(summary: Summary, run_dir: str, environ: Mapping[str, str], *, exit_code: int | None) -> None:
    """A run as `run_markdown` has it, where GitHub asked for a summary."""
    if environ.get(NAMED_BY):
        from evalsvc.report.markdown import run_markdown

        append_step_summary(run_markdown(summary, run_dir, exit_code=exit_code), environ)


def append_step_summary(text: str, environ: Mapping[str, str]) -> None:
    """Nothing where GITHUB_STEP_SUMMARY is not set. A file that cannot be written to is a note on stderr."""
    named = environ.get(NAMED_BY)
    if not named:
        return
    path = Path(named)
    try:
        written = path.stat().st_size if path.exists() else 0
        with path.open("ab") as file:
            file.write(fitting(text, BYTES_AT_MOST - written))
    except OSError as error:
        sys.stderr.write(f"note: no summary for GitHub: {named}: {error.strerror}\n")


def fitting(text: str, room: int) -> bytes:
    """As UTF-8 in at most `room` bytes: whole lines, and a note that there was more. Empty where not even the note fits.

    >>> fitting("short", 100)
    b'short'
    """
    whole = text.encode("utf-8", "backslashreplace")
    if len(whole) <= room:
        return whole
    if room < len(_CUT):
        return b""
    return whole[: whole.rfind(b"\n", 0, room - len(_CUT)) + 1] + _CUT
