"""A working directory with an evaluation in it, and the real command line run there as a process of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

# What a summary may depend on nothing for but the winning records.
FIXED_PARTS = (
    "rows",
    "outcomes",
    "metrics",
    "per_class",
    "confusion_matrix",
    "thresholds",
    "charts",
    "gates",
    "warnings",
    "usage",
    "cost_usd",
)
PATIENCE_S = 60.0
OURS = ("EVALSVC_", "OPENAI_", "GITHUB_", "MLFLOW_", "WANDB_")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        """Standard output as `--json` has it; ValueError where a line is not JSON."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """`path` is the working directory, `base_url` whom the evaluations here ask."""

    path: Path
    base_url: str

    def write_rows(self, rows: Iterable[Row], name: str = "data.jsonl") -> None:
        (self.path / name).write_text("".join(json.dumps(row) + "\n" for row in rows))

    def write_config(self, **changes: Any) -> None:
        """eval.yaml, as JSON, which is YAML too: a small classification, with `changes` merged into it."""
        config: dict[str, Any] = {
            "name": "spam",
            "dataset": {"path": "data.jsonl", "input": "text", "target": "label"},
            "model": {"name": "echo", "base_url": self.base_url},
            "scoring": {"labels": ["spam", "ham"], "positive": "spam"},
            "limits": {"concurrency": 16, "wait_for_endpoint_s": 20},
        }
        (self.path / "eval.yaml").write_text(json.dumps(_merged(config, changes), indent=1))

    def start(self, *args: str, environ: Mapping[str, str] | None = None, **more: Any) -> subprocess.Popen[str]:
        given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **more}
        return subprocess.Popen([*COMMAND, *args], cwd=self.path, env=environment(environ), **given)

    def run(self, *args: str, environ: Mapping[str, str] | None = None) -> Ended:
        process = self.start(*args, environ=environ)
        return ended(process)

    @property
    def run_dir(self) -> Path:
        """The only run here."""
        (found,) = self.run_dirs
        return found

    @property
    def run_dirs(self) -> list[Path]:
        return sorted(path.parent for path in self.path.glob("runs/*/*/run.json") if path.parent.name != "latest")

    @property
    def summary(self) -> dict[str, Any]:
        return summary_of(self.run_dir)

    def journal(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.run_dir / "predictions.jsonl").read_bytes().splitlines()]

    def winners(self) -> dict[str, dict[str, Any]]:
        return {record["id"]: record for record in self.journal()}

    def journal_lines(self) -> int:
        """Whole lines in the journal as it is now; 0 before there is one."""
        return sum(path.read_bytes().count(b"\n") for path in self.path.glob("runs/*/*/predictions.jsonl") if path.parent.name != "latest")


COMMAND = (sys.executable, "-m", "evalsvc")


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """This process's environment without what would change an evaluation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS) and name.lower() not in PROXIES}
    return {**kept, **(more or {})}


def ended(process: subprocess.Popen[str], within_s: float = PATIENCE_S) -> Ended:
    """Waits for the end of `process`; kills it and fails when it takes longer."""
    try:
        out, err = process.communicate(timeout=within_s)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"still running after {within_s:g} s:\n{err}") from None
    return Ended(code=process.returncode, out=out or "", err=err or "")


def until(what: Callable[[], bool], *, within_s: float = PATIENCE_S, every_s: float = 0.005) -> None:
    """Returns once `what` is true; AssertionError when it does not come true in time."""
    give_up_at = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < give_up_at, "it did not come about in time"
        time.sleep(every_s)


def fixed_parts(summary: Mapping[str, Any]) -> dict[str, bytes]:
    return {part: orjson.dumps(summary[part]) for part in FIXED_PARTS}


def summary_of(run_dir: Path) -> dict[str, Any]:
    values: dict[str, Any] = orjson.loads((run_dir / "summary.json").read_bytes())
    return values


def messages_rows(count: int, tag: str) -> list[dict[str, str]]:
    """Rows that the echo answers with their own text: two thirds spam, every seventh answered wrongly.

    `tag` keeps the texts of one test apart from all others; it must hold neither label.
    """
    rows = []
    for number in range(count):
        label, other = ("spam", "ham") if number % 3 else ("ham", "spam")
        said = other if number % 7 == 0 else label
        rows.append({"id": f"r{number}", "text": f"{tag} {number} {said}", "label": label})
    return rows


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(values)
    for key, change in changes.items():
        old = merged.get(key)
        merged[key] = _merged(old, change) if isinstance(old, dict) and isinstance(change, dict) else change
    return merged
