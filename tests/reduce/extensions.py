"""Runs that are reduced with what users bring: a scorer, a metric, files of scores, groups."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsvc.config import EvalConfig
from evalsvc.dataset import open_dataset
from evalsvc.journal import encode
from evalsvc.jsonio import dumps
from evalsvc.records import Record, Reply, RowError, Usage
from evalsvc.rundir import Manifest, RunDir

SCORER = """
from pathlib import Path
from evalsvc.extending import Judged

def mine(row):
    with Path(__file__).with_name("calls").open("a") as file:
        file.write("x")
    if row.output == "raise":
        raise ValueError("told to")
    return Judged(prediction=row.output, correct=row.output == row.target, scores={"length": len(row.output)})
"""

METRIC = '''
class Outputs:
    """The outputs in the order they came, which no tally should tell: it shows what a metric is given."""
    def __init__(self, seen=()): self.seen = list(seen)
    @classmethod
    def empty(cls, options): return cls()
    def update(self, row): self.seen.append([row.id, row.repeat, row.target, row.output, row.outcome, dict(row.scores)])
    def merge(self, other): return Outputs(self.seen + other.seen)
    def state(self): return {"seen": self.seen}
    @classmethod
    def from_state(cls, state): return cls(state["seen"])
    def value(self): return len(self.seen)
'''


def make_run(path: Path, rows: Sequence[Mapping[str, Any]], *, scoring: Mapping[str, Any] | None = None, **config: Any) -> RunDir:
    """A run over `rows`, each with id, text and label; called again, it takes the config anew and leaves the answers."""
    (path / "data.jsonl").write_bytes(b"".join(dumps(row) + b"\n" for row in rows))
    (path / "mine.py").write_text(SCORER, encoding="utf-8")
    (path / "metric.py").write_text(METRIC, encoding="utf-8")
    parsed = _config(path, scoring or {}, config)
    survey = open_dataset(parsed.dataset, path).survey()
    run = RunDir(path / "run")
    run.create()
    run.journal.touch()
    Manifest(
        id="one",
        name="n",
        identity={"model": "m", "revision": None, "endpoint": "e"},
        config=parsed.model_dump(mode="json"),
        config_file=None,
        base_dir=str(path),
        dataset={
            "sha256": survey.sha256,
            "rows": survey.rows,
            "labels": dict(survey.labels),
            "labels_complete": survey.labels_complete,
        },
    ).write(run)
    return run


def _config(path: Path, scoring: Mapping[str, Any], more: Mapping[str, Any]) -> EvalConfig:
    dataset = {"path": "data.jsonl", "id": "id", "input": "text", "target": "label", **more.get("dataset", {})}
    fields = {"name": "n", "model": {"name": "m"}, "scoring": scoring, **more, "dataset": dataset, "base_dir": path}
    return EvalConfig.model_validate(fields)


def rows_of(labels: Sequence[str], **more: Sequence[Any]) -> list[dict[str, Any]]:
    """Rows r0, r1 … with these labels; `more` are further columns."""
    columns = {name: list(values) for name, values in more.items()}
    return [
        {"id": f"r{number}", "text": "x", "label": label, **{name: values[number] for name, values in columns.items()}}
        for number, label in enumerate(labels)
    ]


def answer(run: RunDir, outputs: Mapping[str, str | None], labels: Mapping[str, str], *, repeat: int = 0) -> None:
    """Appends an answer for each id; None is a failed row."""
    with run.journal.open("ab") as file:
        for id_, output in outputs.items():
            reply = None if output is None else Reply(output=output, finish_reason="stop", usage=Usage(input=1, output=1), latency_s=0.1)
            error = RowError(kind="timeout", http=None, code=None, message="no") if output is None else None
            record = Record(
                id=id_,
                repeat=repeat,
                row_hash=bytes(8),
                key="0" * 32,
                target=labels[id_],
                messages=None,
                reply=reply,
                error=error,
                attempts=1,
                waited_s=0.0,
                at="2026-11-20T02:13:44.120Z",
            )
            file.write(encode(record))
