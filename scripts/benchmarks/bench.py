"""The two sides of every comparison: evalsvc as a whole process, and the bare loop, over the same rows."""

import shutil
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from benchmarks.inputs import write_bodies, write_config, write_rows
from benchmarks.processes import Stub, Used, measure


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One evaluation, finished. `summary` is its summary.json."""

    used: Used
    path: Path
    summary: dict[str, Any]

    @property
    def whole_cpu_s(self) -> float:
        return self.used.cpu_s + self.used.children_cpu_s


class Bench:
    """A folder to work in, and how often a case is repeated. Files are made once and shared by the cases."""

    def __init__(self, folder: Path, *, quick: bool, repeats: int) -> None:
        self.folder = folder
        self.quick = quick
        self.repeats = repeats
        self._numbers = count(1)

    def rows(self, full: int) -> int:
        """How many rows a case takes that is meant for `full`."""
        return max(full // 20, 500) if self.quick else full

    def data(self, rows: int, suffix: str = ".jsonl") -> Path:
        path = self.folder / f"rows-{rows}{suffix}"
        return path if path.exists() else write_rows(path, range(rows))

    def new_path(self, suffix: str = "") -> Path:
        return self.folder / f"{next(self._numbers):03}{suffix}"

    def evalsvc(self, rows: int, *, server: Stub, concurrency: int, watch_children: bool = False, **model: Any) -> Run:
        """A new evaluation from start to summary; its run directory is left for the caller."""
        config = write_config(self.new_path(".yaml"), self.data(rows), port=server.port, concurrency=concurrency, **model)
        return self.evalsvc_on(config, self.new_path(), watch_children=watch_children)

    def evalsvc_on(self, config: Path, run_dir: Path, *more: str, watch_children: bool = False) -> Run:
        arguments: list[str | Path] = ["run", config, "--run-dir", run_dir, "--quiet", *more]
        used = measure("benchmarks.watched", self.new_path(".json"), arguments, cwd=self.folder, watch_children=watch_children)
        return Run(used=used, path=run_dir, summary=orjson.loads((run_dir / "summary.json").read_bytes()))

    def bare(self, rows: int, *, server: Stub, concurrency: int, collector: bool = False) -> Used:
        """The bare loop over the bodies that `evalsvc` sends for these rows."""
        arguments: list[str | Path] = [
            server.url,
            self._bodies(rows, server),
            "--concurrency",
            str(concurrency),
            *(["--collector"] if collector else []),
        ]
        return self.module("benchmarks.bare", *arguments)

    def _bodies(self, rows: int, server: Stub) -> Path:
        path = self.folder / f"bodies-{rows}"
        if path.exists():
            return path
        return write_bodies(path, write_config(self.new_path(".yaml"), self.data(rows), port=server.port, concurrency=1))

    def module(self, module: str, *arguments: str | Path) -> Used:
        """One of the modules here that tell what they used."""
        return measure(module, self.new_path(".json"), arguments, cwd=self.folder)


def finished(run: Run, rows: int) -> Run:
    """`run`, whose folder is removed; AssertionError unless every row was answered by one request."""
    assert run.summary["rows"] == {"expected": rows, "ok": rows, "error": 0, "pending": 0}, run.summary["rows"]
    shutil.rmtree(run.path)
    return run
