"""Runs whose answers are written by hand: nobody is asked, so no endpoint is needed."""

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from evalsvc.config.document import Document
from evalsvc.config.load import configure
from evalsvc.journal import encode, read_records
from evalsvc.pipeline.launch import Launch, take_up
from evalsvc.pipeline.prepare import Prepared, RunOptions, prepare
from evalsvc.records import Record, Reply, RowError, Usage
from evalsvc.rundir import RunDir

NOBODY = "http://127.0.0.1:9/v1"
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
AT = "2026-11-20T02:13:44.120Z"

Row = Mapping[str, Any]


def rows(count: int) -> list[dict[str, str]]:
    return [{"id": f"r{number}", "text": f"message {number}", "label": "spam" if number % 2 else "ham"} for number in range(count)]


def prepared(folder: Path, data: Iterable[Row], run: str, *, options: Mapping[str, Any] | None = None, **changes: Any) -> Prepared:
    """A launch into `folder`/`run`; `changes` are merged into the config."""
    folder.mkdir(exist_ok=True)
    (folder / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in data))
    model = {"name": "m", "base_url": NOBODY, "revision": "r1", **changes.pop("model", {})}
    config = {
        "name": "spam",
        "dataset": {"path": "data.jsonl", "input": "text", "target": "label", "id": "id"},
        "scoring": {"labels": ["spam", "ham"]},
        "limits": {"wait_for_endpoint_s": 0},
        **changes,
        "model": model,
    }
    loaded = configure(Document(file="eval.yaml", values=config, lines={}), base_dir=folder, environ=dict(os.environ))
    return prepare(loaded, RunOptions(run_id=run, run_dir=folder / run, **(options or {})))


def launched(launch: Prepared) -> Launch:
    """Taken up, with its run.json."""
    launch.run.create()
    taken = take_up(launch, NOW)
    taken.manifest.write(launch.run)
    return taken


def answered(launch: Prepared, *, failing: Sequence[str] = (), server: Mapping[str, Any] | None = None) -> RunDir:
    """Every row answered with its target, the ids of `failing` with an error; a key that is all zeros where no request is built."""
    taken = launched(launch)
    replace(taken.manifest, server=server or {}).write(launch.run)
    repeats = launch.config.repeats
    with launch.run.journal.open("wb") as journal:
        for repeat in range(repeats):
            for sample in launch.dataset.samples(taken.survey):
                request = launch.builder.build(sample, repeat)
                reply = Reply(
                    output=f"{request.target}", finish_reason="stop", usage=Usage(input=30, output=1), latency_s=0.25, model="m-1"
                )
                failed = request.id in failing
                record = Record(
                    id=request.id,
                    repeat=repeat,
                    row_hash=request.row_hash,
                    key=request.key,
                    target=request.target,
                    messages=request.messages,
                    reply=None if failed else reply,
                    error=RowError(kind="timeout", http=None, code=None, message="") if failed else None,
                    attempts=2,
                    waited_s=1.5,
                    at=AT,
                )
                journal.write(encode(record))
    return launch.run


def journal_of(run: RunDir) -> list[Record]:
    return [record for _, record in read_records(run.journal)]
