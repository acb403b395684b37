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
from itertools import takewhile
from pathlib import Path
from typing import Any

from evalsvc import __version__
from evalsvc.config import EvalConfig
from evalsvc.config.identity import differences
from evalsvc.config.secrets import redacted
from evalsvc.dataset import Survey
from evalsvc.dataset.runs import runs_of
from evalsvc.errors import IdentityDiffers
from evalsvc.journal.events import utc_text
from evalsvc.journal.repair import Opened, open_for_append
from evalsvc.metrics.families.registry import build_metrics, columns_of_metrics, slice_columns
from evalsvc.pipeline.drift import RERUN, refusal, server_differences, set_aside
from evalsvc.pipeline.picking import pick
from evalsvc.pipeline.prepare import Prepared
from evalsvc.pipeline.resume import Resume, compare
from evalsvc.prompt.likelihood import no_target, scores_target
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.view import check_columns
from evalsvc.report.intro import Reused
from evalsvc.rundir import Manifest
from evalsvc.scoring.regression import check_targets

LIBRARIES = ("aiohttp", "numpy", "orjson", "sacrebleu", "scikit-learn", "uvloop")


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """A launch that is ready to ask."""

    prepared: Prepared
    manifest: Manifest
    plan: Plan
    survey: Survey
    opened: Opened
    resume: Resume
    notes: tuple[str, ...] = ()

    @property
    def to_ask(self) -> int:
        """Rows for this launch."""
        left = self.survey.rows * self.prepared.config.repeats - self.resume.done
        only = self.prepared.options.ask_only
        return left if only is None else min(left, only)

    @property
    def reused(self) -> Reused | None:
        """What this launch has taken over from another run; None too until it is counted."""
        said = self.manifest.launches[-1].get("reused")
        return None if said is None or said["rows"] is None else Reused(run=said["run"], rows=said["rows"])

    @property
    def asked(self) -> Resume:
        """`resume`, with all but the rows for this launch to be skipped."""
        only = self.prepared.options.ask_only
        if only is None:
            return self.resume
        return replace(self.resume, skip=pick(self.resume, self.survey, repeats=self.prepared.config.repeats, n=only))


def holder() -> dict[str, Any]:
    """What others are told who find the run directory in use."""
    return {"host": socket.gethostname(), "pid": os.getpid(), "command": " ".join(takewhile(_is_shown, sys.argv))[:300]}


def _is_shown(word: str) -> bool:
    """Not options, whose values (--set model.headers=…) may be secrets, nor addresses, which may hold some."""
    return not word.startswith("-") and "://" not in word


def take_up(prepared: Prepared, now: datetime) -> Launch:
    """To be called by the holder of the run's lock. IdentityDiffers where the directory holds another measurement."""
    old = Manifest.read(prepared.run)
    if old is not None and (drift := differences(old.identity, prepared.identity)):
        return _take_up_anew(prepared, old, drift, now)
    opened = open_for_append(prepared.run.journal, prepared.run.quarantine, now=now, with_targets=old is not None)
    if old is None and opened.scan.records:
        raise IdentityDiffers(
            f"{prepared.run.path} has predictions but no run.json, so nobody can tell what they are answers to",
            hint="put run.json back, or choose another --run-dir",
        )
    survey = prepared.dataset.survey(with_targets=old is not None)
    refuse_missing_columns(prepared, survey)
    if not opened.scan.records:
        _try_first_row(prepared, survey)
    resume = compare(
        survey,
        opened.scan,
        retry_failed=prepared.options.retry_failed,
        repeats=prepared.config.repeats,
        asks_target=scores_target(prepared.config),
    )
    if old is None or old.dataset["sha256"] == survey.sha256:
        resume = replace(resume, new=0)  # not asked yet, but nothing new
    manifest = _manifest(prepared, old, survey, resume).launched(**this_launch(now, survey))
    return Launch(
        prepared=prepared,
        manifest=manifest,
        plan=Plan.of(prepared.run, manifest, prepared.loaded.where),
        survey=survey,
        opened=opened,
        resume=resume,
    )


def _try_first_row(prepared: Prepared, survey: Survey) -> None:
    """UsageError from a template that does not fit the data, before anybody is asked anything."""
    if survey.without_target and scores_target(prepared.config):
        raise no_target(f"{survey.without_target:,} of {survey.rows:,} rows have")
    if prepared.config.task == "regression" and prepared.config.scoring.scorer is None:
        check_targets(survey.labels, prepared.config.scoring.numbers)
    with closing(prepared.dataset.samples(survey)) as samples:
        prepared.builder.build(next(samples))


def refuse_missing_columns(prepared: Prepared, survey: Survey) -> None:
    """UsageError for a column to slice or measure by that is not there, before it is paid for."""
    config, where = prepared.config, prepared.loaded.where
    metrics = build_metrics(config, config.scoring.labels or (), where)
    columns = dict.fromkeys((*slice_columns(config, metrics), *columns_of_metrics(metrics)), where("metrics"))
    check_columns(prepared.dataset, survey, columns | {column: where(f"slices[{at}]") for at, column in enumerate(config.slices)})


def _take_up_anew(prepared: Prepared, old: Manifest, drift: list[str], now: datetime) -> Launch:
    """The same directory for another measurement, where that was asked for; what can be wrong with it is found first."""
    if prepared.options.on_drift != RERUN:
        raise refusal(prepared.run, drift)
    survey = prepared.dataset.survey()
    refuse_missing_columns(prepared, survey)
    _try_first_row(prepared, survey)
    manifest = _manifest(prepared, replace(old, identity=prepared.identity, server={}), survey, Resume(skip=None))
    return _anew(prepared, manifest.launched(**this_launch(now, survey)), survey, drift, now)


def with_server(launch: Launch, card: Mapping[str, Any], now: datetime) -> Launch:
    """The launch, now that it is known what the server says of the model.

    IdentityDiffers when an earlier launch was told otherwise; with `--on-drift rerun`, a launch that asks every row again.
    """
    drift = server_differences(launch.manifest.server, card)
    if drift and launch.prepared.options.on_drift != RERUN:
        raise refusal(launch.prepared.run, drift)
    manifest = replace(launch.manifest, server=dict(card))
    if not drift:
        return replace(launch, manifest=manifest)
    return _anew(launch.prepared, replace(manifest, data_changed=False), launch.survey, drift, now)


def _anew(prepared: Prepared, manifest: Manifest, survey: Survey, drift: list[str], now: datetime) -> Launch:
    """Every row to be asked, and what was answered before set aside. `manifest` ends with this launch."""
    run = prepared.run
    earlier = set_aside(run)
    manifest = manifest.landed(drift=drift, earlier=str(earlier.path.relative_to(run.path)))
    return Launch(
        prepared=prepared,
        manifest=manifest,
        plan=Plan.of(run, manifest, prepared.loaded.where),
        survey=survey,
        opened=open_for_append(run.journal, run.quarantine, now=now),
        resume=Resume(skip=None),
    )


def _manifest(prepared: Prepared, old: Manifest | None, survey: Survey, resume: Resume) -> Manifest:
    changing = {
        **measured_now(prepared.config, prepared.options.config_file, survey, resume),
        "price_source": prepared.price_source,
    }
    if old is not None:
        return replace(old, **changing)
    return Manifest(id=prepared.run_id, name=prepared.config.name, identity=prepared.identity, **changing)


def measured_now(config: EvalConfig, config_file: Path | None, survey: Survey, resume: Resume) -> dict[str, Any]:
    """What a launch writes into run.json of config and data as they are now."""
    return {
        "config": redacted(config),
        "config_file": None if config_file is None else str(config_file.absolute()),
        "base_dir": str(config.base_dir.absolute()),
        "dataset": {
            "sha256": survey.sha256,
            "rows": survey.rows,
            "without_target": survey.without_target,
            "labels": dict(survey.labels) if len(survey.labels) <= 1000 or config.scoring.labels is None else {},
            "labels_complete": survey.labels_complete,
            "repeated_rows": survey.repeated_rows,
            "conflicting_rows": survey.conflicting_rows,
            **({"runs": runs} if (runs := [run.origin for run in runs_of(config.dataset, config.base_dir)]) else {}),
        },
        "data_changed": resume.data_changed,
        "versions": {"evalsvc": __version__, "python": platform.python_version(), **{name: version(name) for name in LIBRARIES}},
    }


def this_launch(now: datetime, survey: Survey) -> dict[str, Any]:
    return {"started_at": utc_text(now.timestamp()), "host": socket.gethostname(), "pid": os.getpid(), "dataset_sha256": survey.sha256}
