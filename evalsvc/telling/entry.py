"""A run as experiment trackers take it: flat settings, flat numbers, labels and files."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any

from evalsvc.jsonio import as_text, canonical
from evalsvc.records import Summary
from evalsvc.reduce.run import read_summary
from evalsvc.rundir import Manifest, RunDir

# With more classes than this the numbers of each are in summary.json alone.
CLASSES_TOLD = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What one tracker is told of one run."""

    name: str  # of the evaluation: the experiment or project, where the environment names none
    title: str  # NAME/ID
    key: str  # 32 hex digits: the same for one measurement in all of its launches, and another for any other
    is_complete: bool
    started_ms: int  # since 1970
    ended_ms: int
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    files: tuple[Path, ...]


def entry_of(run: RunDir, manifest: Manifest) -> Entry:
    """From the small files of a run that has a summary; its journal is not read."""
    summary, launches = read_summary(run), manifest.launches
    began, ended = (str(launches[0]["started_at"]), str(launches[-1].get("ended_at") or launches[-1]["started_at"]))
    place = [manifest.name, manifest.id, dict(manifest.identity), began, launches[0].get("host")]
    return Entry(
        name=manifest.name,
        title=f"{manifest.name}/{manifest.id}",
        key=blake2b(canonical(place), digest_size=16).hexdigest(),
        is_complete=summary["status"] == "complete",
        started_ms=_ms(began),
        ended_ms=_ms(ended),
        params=dict(_params(manifest)),
        metrics=dict(_metrics(summary)),
        tags=dict(_tags(summary, manifest)),
        files=tuple(path for path in (run.summary, run.report, run.junit) if path.is_file()),
    )


def _ms(at: str) -> int:
    return round(datetime.fromisoformat(at).timestamp() * 1000)


def _params(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What was asked, of whom and how; secrets are left out of run.json already."""
    config, dataset = manifest.config, manifest.dataset
    settings = {
        **manifest.identity,
        "task": config.get("task"),
        "dataset": {"path": config.get("dataset", {}).get("path"), "sha256": dataset.get("sha256"), "rows": dataset.get("rows")},
    }
    return _flat(settings, "")


def _flat(values: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif (text := as_text(value)) is not None:
            yield f"{prefix}{name}", text


def _metrics(summary: Summary) -> Iterator[tuple[str, float]]:
    """Only what there is: trackers have no word for a number that cannot be had."""
    return ((name, float(value)) for name, value in _numbers(summary) if value is not None)


def _numbers(summary: Summary) -> Iterator[tuple[str, float | None]]:
    for name, metric in summary["metrics"].items():
        yield from {name: metric["value"], f"{name}.ci_low": metric["ci_low"], f"{name}.ci_high": metric["ci_high"]}.items()
    if len(summary["per_class"]) <= CLASSES_TOLD:
        for label, of_class in summary["per_class"].items():
            yield from ((f"per_class.{label}.{name}", of_class[name]) for name in ("precision", "recall", "f1"))
    rows = summary["rows"]["expected"]
    yield from ((f"outcomes.{name}", count / rows) for name, count in summary["outcomes"].items() if rows)
    yield from ((f"rows.{name}", count) for name, count in summary["rows"].items())
    yield from ((f"usage.{name}", count) for name, count in summary["usage"].items())
    yield from ((f"latency_s.{name}", value) for name, value in summary["latency_s"].items())
    yield "cost_usd", summary["cost_usd"]
    yield from ((f"timing.{name}", summary["timing"].get(name)) for name in ("wall_s", "rows_per_s"))
    yield "gates.failed", sum(gate["passed"] is False for gate in summary["gates"])


def _tags(summary: Summary, manifest: Manifest) -> Iterator[tuple[str, str]]:
    """What may be another by the next launch."""
    passed = [gate["passed"] for gate in summary["gates"]]
    yield "evalsvc.run", f"{manifest.name}/{manifest.id}"
    yield "evalsvc.status", summary["status"]
    yield "evalsvc.gates", "none" if not passed else "open" if None in passed else "passed" if all(passed) else "failed"
    yield "evalsvc.dataset_sha256", str(manifest.dataset.get("sha256"))
    yield "evalsvc.version", str(manifest.versions.get("evalsvc"))
