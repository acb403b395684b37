"""Taking up a run directory: what it measures, what is in it, what is left to ask."""

import os
import platform
import socket
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from typing import Any

from evalsvc import __version__
from evalsvc.config.identity import differences
from evalsvc.config.secrets import redacted
from evalsvc.dataset import Survey
from evalsvc.errors import IdentityDiffers
from evalsvc.journal.events import utc_text
from evalsvc.journal.repair import Opened, open_for_append
from evalsvc.pipeline.prepare import Prepared
from evalsvc.pipeline.resume import Resume, compare
from evalsvc.reduce.plan import Plan
from evalsvc.rundir import Manifest

LIBRARIES = ("aiohttp", "orjson", "scikit-learn", "uvloop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A launch that is ready to ask."""

    prepared: Prepared
    manifest: Manifest
    plan: Plan
    survey: Survey
    opened: Opened
    resume: Resume

    @property
    def to_ask(self) -> int:
        return self.survey.rows - self.resume.done


def holder() -> dict[str, Any]:
    """What others are told who find the run directory in use."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "command": " ".join(sys.argv)[:300]}


def take_up(prepared: Prepared, now: datetime) -> Launch:
    """To be called by the holder of the run's lock. IdentityDiffers where the directory holds another measurement."""
    old = Manifest.read(prepared.run)
    if old is not None:
        refuse_other_identity(prepared, old.identity, prepared.identity)
    opened = open_for_append(prepared.run.journal, prepared.run.quarantine, now=now, with_targets=old is not None)
    if old is None and opened.scan.records:
        raise IdentityDiffers(
            f"{prepared.run.path} has predictions but no run.json, so nobody can tell what they are answers to",
            hint="put run.json back, or choose another --run-dir",
        )
    survey = prepared.dataset.survey(with_targets=old is not None)
    if not opened.scan.records:
        _try_first_row(prepared, survey)
    resume = compare(survey, opened.scan, retry_failed=prepared.options.retry_failed)
    if old is None or old.dataset["sha256"] == survey.sha256:
        resume = replace(resume, new=0)  # not asked yet, but nothing new
    manifest = _manifest(prepared, old, survey, resume).launched(**_this_launch(now, survey))
    return Launch(
        prepared=prepared,
        manifest=manifest,
        plan=Plan.of(prepared.run, manifest),
        survey=survey,
        opened=opened,
        resume=resume,
    )


def _try_first_row(prepared: Prepared, survey: Survey) -> None:
    """UsageError from a template that does not fit the data, before anybody is asked anything."""
    with closing(prepared.dataset.samples(survey)) as samples:
        prepared.builder.build(next(samples))


def refuse_other_identity(prepared: Prepared, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    lines = differences(old, new)
    if lines:
        raise IdentityDiffers(
            f"{prepared.run.path} holds another measurement:\n" + "\n".join(f"  {line}" for line in lines),
            hint="give this one a --run-id or --run-dir of its own, or none, so that it gets one by itself",
        )


def _manifest(prepared: Prepared, old: Manifest | None, survey: Survey, resume: Resume) -> Manifest:
    options, config = prepared.options, prepared.config
    dataset = {
        "sha256": survey.sha256,
        "rows": survey.rows,
        "without_target": survey.without_target,
        "labels": dict(survey.labels) if len(survey.labels) <= 1000 or config.scoring.labels is None else {},
        "labels_complete": survey.labels_complete,
    }
    changing: dict[str, Any] = {
        "config": redacted(config),
        "config_file": None if options.config_file is None else str(options.config_file.absolute()),
        "base_dir": str(config.base_dir.absolute()),
        "dataset": dataset,
        "data_changed": resume.data_changed,
        "versions": {"evalsvc": __version__, "python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }
    if old is not None:
        return replace(old, **changing)
    return Manifest(id=prepared.run_id, name=config.name, identity=prepared.identity, **changing)


def _this_launch(now: datetime, survey: Survey) -> dict[str, Any]:
    return {"started_at": utc_text(now.timestamp()), "host": socket.gethostname(), "pid": os.getpid(), "dataset_sha256": survey.sha256}
