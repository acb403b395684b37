"""Run directories of any task, made by hand: rows, and what was answered to each of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsvc.config import EvalConfig
from evalsvc.dataset import id_hash, open_dataset
from evalsvc.journal import encode
from evalsvc.journal.files import write_atomic
from evalsvc.jsonio import dumps
from evalsvc.records import Record, Reply, RowError, Sample, Usage
from evalsvc.reduce.run import reduce_run
from evalsvc.rundir import Manifest, RunDir

Row = Mapping[str, Any]
# What is answered to the repeat of a row: a text, a whole reply, or None for an error.
Answer = Callable[[Sample, int], str | Reply | None]

LABELS = ("spam", "ham")
DATASET: Mapping[str, str] = {"path": "data.jsonl", "id": "id", "input": "text", "target": "label"}
TASK: Mapping[str, Any] = {"scoring": {"labels": list(LABELS), "positive": "spam"}}


def rows_of(count: int, *, start: int = 0) -> list[dict[str, str]]:
    """Every third is ham."""
    return [{"id": f"r{number}", "text": f"text {number}", "label": LABELS[number % 3 == 0]} for number in range(start, start + count)]


def labels_but(*wrong: str) -> Answer:
    """The right label, and the other one for these ids."""
    return lambda sample, _: LABELS[(sample.target == "ham") != (sample.id in wrong)]


def make_run(
    folder: Path,
    run_id: str,
    rows: Sequence[Row],
    answer: Answer,
    *,
    data: str = "data.jsonl",
    keep: int | None = None,
    began: str = "2026-11-20T02:00:00Z",
    identity: Mapping[str, Any] | None = None,
    **config: Any,
) -> RunDir:
    """runs/made/RUN_ID below `folder`, reduced; `keep`: only so many records are in its journal. `config` goes over that of a
    small classification.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / data).write_bytes(b"".join(dumps(row) + b"\n" for row in rows))
    values = {"name": "made", "dataset": {**DATASET, "path": data}, "model": {"name": "m"}, **TASK}
    made = EvalConfig.model_validate({**values, **config, "base_dir": folder})
    dataset = open_dataset(made.dataset, folder)
    survey = dataset.survey()
    run = RunDir(folder / "runs" / "made" / run_id)
    run.create()
    records = list(_records(list(dataset.samples(survey)), made.repeats, answer))
    run.journal.write_bytes(b"".join(map(encode, records[:keep])))
    Manifest(
        id=run_id,
        name="made",
        identity={"model": "m", "revision": None, "endpoint": "e", **(identity or {})},
        config=made.model_dump(mode="json"),
        config_file=None,
        base_dir=str(folder),
        dataset={"sha256": survey.sha256, "rows": survey.rows, "labels": dict(survey.labels), "labels_complete": survey.labels_complete},
        launches=({"started_at": began, "ended_at": "2026-11-20T10:00:00Z"},),
    ).write(run)
    reduced(run)
    return run


def reduced(run: RunDir) -> None:
    write_atomic(run.summary, dumps(reduce_run(run).summary) + b"\n")


def _records(samples: Sequence[Sample], repeats: int, answer: Answer) -> Iterator[Record]:
    for repeat in range(repeats):
        for sample in samples:
            said = answer(sample, repeat)
            yield record_of(sample, repeat, reply_of(said) if isinstance(said, str) else said)


def reply_of(text: str, **more: Any) -> Reply:
    return Reply(output=text, finish_reason="stop", usage=Usage(input=10, output=1), latency_s=0.25, **more)


def record_of(sample: Sample, repeat: int, reply: Reply | None) -> Record:
    return Record(
        id=sample.id,
        repeat=repeat,
        row_hash=sample.row_hash,
        key=id_hash(sample.id, repeat).hex() * 2,
        target=sample.target,
        messages=dumps([{"role": "system", "content": "Say what it is."}, {"role": "user", "content": f"asked {sample.input}"}]),
        reply=reply,
        error=None if reply is not None else RowError(kind="invalid_request", http=400, code=None, message="no"),
        attempts=1,
        waited_s=0.0,
        at="2026-11-20T02:13:44.120Z",
    )
