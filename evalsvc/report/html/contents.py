"""What a report is made from."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalsvc.compare.nouns import Comparison
from evalsvc.records import Summary
from evalsvc.rundir import Manifest

if TYPE_CHECKING:
    from evalsvc.report.html.shown import ShownRow


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One run, and what it is held against."""

    summary: Summary
    manifest: Manifest
    run_dir: str
    exit_code: int | None  # what the run ends with; None while it is partial
    rows: "Sequence[ShownRow]" = ()
    comparison: Comparison | None = None

    @property
    def passed(self) -> bool | None:
        """None: no verdict yet."""
        return None if self.exit_code is None or self.summary["status"] == "partial" else self.exit_code == 0
