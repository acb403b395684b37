"""Run directories made by hand: a data set of eight rows, and whatever was answered to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from evalsvc.config import EvalConfig
from evalsvc.dataset import open_dataset
from evalsvc.journal import encode
from evalsvc.jsonio import dumps
from evalsvc.records import Record, Reply, RowError, Sample, Usage
from evalsvc.rundir import Manifest, RunDir

IDS = tuple(f"r{number}" for number in range(8))
LABELS = ("spam", "ham")


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The data set at one time: each row's text and label, by id."""

    texts: Mapping[str, str]
    labels: Mapping[str, str]

    def rows(self) -> list[dict[str, str]]:
        return [{"id": id_, "text": text, "label": self.labels[id_]} for id_, text in self.texts.items()]


FIRST = State(texts=dict.fromkeys(IDS, "first"), labels={id_: LABELS[number % 3 == 0] for number, id_ in enumerate(IDS)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """One record to be: which row, in which state of its text, and what came back."""

    id: str
    text: str = "first"
    reply: str | None = "spam"  # None: the row failed
    finish_reason: str = "stop"
    refusal: str | None = None
    error: str = "invalid_request"


def make_run(path: Path, state: State = FIRST, *, data_changed: bool = False) -> RunDir:
    """A run directory with a manifest and the data set as it is now; called again, it takes a new state of the data."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "data.jsonl").write_bytes(b"".join(dumps(row) + b"\n" for row in state.rows()))
    config = config_of(path)
    survey = open_dataset(config.dataset, path).survey()
    run = RunDir(path / "run")
    run.create()
    run.journal.touch()
    Manifest(
        id="one",
        name="spam",
        identity={"model": "m", "revision": None, "endpoint": "e"},
        config=config.model_dump(mode="json"),
        config_file=None,
        base_dir=str(path),
        dataset={"sha256": survey.sha256, "rows": survey.rows, "labels": dict(survey.labels), "labels_complete": True},
        data_changed=data_changed,
    ).write(run)
    return run


def config_of(path: Path) -> EvalConfig:
    return EvalConfig.model_validate(
        {
            "name": "spam",
            "dataset": {"path": "data.jsonl", "id": "id", "input": "text", "target": "label"},
            "model": {"name": "m", "price": {"input": 0.4, "output": 1.6}},
            "scoring": {"labels": list(LABELS), "positive": "spam"},
            "gates": ["recall >= 0.5"],
            "base_dir": path,
        }
    )


def samples(path: Path, state: State) -> dict[str, Sample]:
    """The data set's own view of the rows in `state`."""
    path.mkdir(parents=True, exist_ok=True)
    (path / "data.jsonl").write_bytes(b"".join(dumps(row) + b"\n" for row in state.rows()))
    dataset = open_dataset(config_of(path).dataset, path)
    return {sample.id: sample for sample in dataset.samples(dataset.survey())}


def records(answers: Iterable[Answered], known: Mapping[str, Mapping[str, Sample]]) -> list[Record]:
    """`known` holds the samples by text and id."""
    return [_record(answer, known[answer.text][answer.id]) for answer in answers]


def append(run: RunDir, new: Sequence[Record]) -> None:
    with run.journal.open("ab") as file:
        file.write(b"".join(map(encode, new)))


def _record(answer: Answered, sample: Sample) -> Record:
    reply = Reply(
        output=answer.reply,
        finish_reason=answer.finish_reason,
        usage=Usage(input=10, output=len(answer.reply or "")),
        latency_s=0.1 * (1 + len(answer.reply or "")),
        refusal=answer.refusal,
    )
    record = Record(
        id=sample.id,
        repeat=0,
        row_hash=sample.row_hash,
        key="0" * 32,
        target=sample.target,
        messages=None,
        reply=reply,
        error=None,
        attempts=1,
        waited_s=0.0,
        at="2026-11-20T02:13:44.120Z",
    )
    if answer.reply is not None:
        return record
    return replace(record, reply=None, error=RowError(kind=answer.error, http=400, code=None, message="no"))


def winners(all_records: Iterable[Record]) -> list[Record]:
    """The last record of each row, as anybody would find it."""
    return list({(record.id, record.repeat): record for record in all_records}.values())
