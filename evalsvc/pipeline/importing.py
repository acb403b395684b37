"""Answers that exist already: a file of them becomes a run directory, without an endpoint and without one request.

The file is the data set of that run, and the column with the model's text its input: both are checked, hashed and compared
as those of any run are, so that a changed file costs only its changed rows.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from pathlib import Path, PurePath
from typing import Any

from evalsvc.config.document import Document, read_document
from evalsvc.config.identity import differences, identity_digest
from evalsvc.config.load import LoadedConfig, Overrides, configure
from evalsvc.dataset import Dataset, Survey, open_dataset
from evalsvc.errors import IdentityDiffers, UsageError
from evalsvc.journal.events import utc_text
from evalsvc.journal.lock import RunLock
from evalsvc.journal.repair import open_for_append
from evalsvc.journal.writer import JournalWriter
from evalsvc.jsonio import as_text, canonical
from evalsvc.pipeline.launch import holder, measured_now, this_launch
from evalsvc.pipeline.prepare import check_names
from evalsvc.pipeline.resume import Resume, compare
from evalsvc.records import Record, Reply, Sample
from evalsvc.rundir import RUNS, Manifest, RunDir

# What a config says of scoring; whom it would ask, and what, is not looked at.
SCORING_KEYS = ("name", "task", "scoring", "metrics", "slices", "gates", "max_error_rate", "stop_if")
WRITTEN_AT_ONCE = 20_000
_UNFIT_FOR_A_NAME = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """A file with the answers of a model, and what its columns mean."""

    file: Path
    output: str  # the column with the model's text
    target: str | None = None
    id: str | None = None
    name: str | None = None  # of the run; default: the config's, else the file's
    labels: tuple[str, ...] = ()  # default: the config's, else the targets that occur
    config: Path | None = None  # whose scoring, metrics and gates are used
    run_dir: Path | None = None

    @property
    def identity(self) -> dict[str, Any]:
        answers = {"file": str(self.file.absolute()), "output": self.output, "id": self.id}
        return {"model": self.file.name, "revision": None, "endpoint": None, "answers": answers}


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of the file. `resume` compares it with what the run directory held before."""

    run: RunDir
    rows: int
    added: int
    resume: Resume
    since: str | None  # when the same answers were taken in; None where some of them are new


def load_scoring(answers: Answers, *, environ: Mapping[str, str], overrides: Overrides = ()) -> LoadedConfig:
    """The config of such a run. UsageError for whatever is wrong with the config file, the columns or the overrides."""
    if answers.output in (answers.target, answers.id):
        raise UsageError(f"--output {answers.output}: that column is the target or the id", hint="name the column with the model's text")
    if answers.config is None:
        written, base_dir = Document(file="the command line", values={}, lines={}), Path.cwd()
    else:
        written, base_dir = read_document(answers.config), answers.config.parent
    values = {"name": name_for(answers.file), **{key: written.values[key] for key in SCORING_KEYS if key in written.values}}
    values |= {"dataset": _dataset(answers), "model": {"name": answers.file.name}} | ({"name": answers.name} if answers.name else {})
    if answers.labels:
        values["scoring"] = {**(values.get("scoring") or {}), "labels": list(answers.labels)}
    loaded = configure(replace(written, values=values), base_dir=base_dir, environ=environ, overrides=overrides)
    check_names(loaded.config, loaded.where)
    return loaded


def name_for(file: PurePath) -> str:
    """The name of a run after its file.

    >>> name_for(PurePath("out/gpt 4.1, spam.jsonl.gz")), name_for(PurePath("_.csv"))
    ('gpt-4.1-spam', 'answers')
    """
    stem = PurePath(file.stem).stem if file.suffix in (".gz", ".zst") else file.stem
    return _UNFIT_FOR_A_NAME.sub("-", stem).strip("-._")[:100] or "answers"


def _dataset(answers: Answers) -> dict[str, Any]:
    return {"path": str(answers.file.absolute()), "input": answers.output, "target": answers.target, "id": answers.id}


async def take_in(answers: Answers, loaded: LoadedConfig, now: datetime) -> Imported:
    """Writes down every answer that is not in the run directory yet, in batches; memory does not grow with the answers.

    UsageError with file and line for a file that cannot be used, IdentityDiffers for a `run_dir` that holds something else.
    """
    identity, config = answers.identity, loaded.config
    run_id = identity_digest(identity)
    run = RunDir(answers.run_dir or RUNS / config.name / run_id)
    dataset = open_dataset(config.dataset, config.base_dir)
    run.create()
    with RunLock.acquire(run.lock, holder=holder()):
        old = Manifest.read(run)
        if old is not None and (lines := differences(old.identity, identity)):
            told = "\n".join(f"  {line}" for line in lines)
            raise IdentityDiffers(f"{run.path} holds something else:\n{told}", hint="choose another --run-dir, or none")
        opened = open_for_append(run.journal, run.quarantine, now=now, with_targets=old is not None)
        survey = dataset.survey(with_targets=old is not None)
        resume = compare(survey, opened.scan, retry_failed=False)
        measured = measured_now(config, answers.config, survey, resume)
        # rows of this file are answers: equal ones are no repeated questions
        measured["dataset"] |= {"repeated_rows": None, "conflicting_rows": None}
        manifest = Manifest(id=run_id, name=config.name, identity=identity, **measured) if old is None else replace(old, **measured)
        added = survey.rows - resume.done
        if added:
            manifest = manifest.launched(**this_launch(now, survey))
        manifest.write(run)
        run.point_latest()
        await _append(run, _records(dataset, survey, resume, canonical(identity), utc_text(now.timestamp())))
        if added:
            manifest.landed(ended_at=utc_text(now.timestamp()), exit_code=0, reason="complete").write(run)
    return Imported(run=run, rows=survey.rows, added=added, resume=resume, since=None if added else _since(manifest))


def _since(manifest: Manifest) -> str | None:
    return str(manifest.launches[-1].get("started_at")) if manifest.launches else None


async def _append(run: RunDir, records: Iterator[Record]) -> None:
    async with JournalWriter.open(run.journal, lambda _: None) as writer:
        for record in records:
            writer.append(record)
            if writer.backlog >= WRITTEN_AT_ONCE:
                await writer.drain()


def _records(dataset: Dataset, survey: Survey, resume: Resume, identity: bytes, at: str) -> Iterator[Record]:
    key = blake2b(identity, digest_size=16)
    for _, skip in resume.passes(survey.rows, 1):
        for sample in dataset.samples(survey, skip=skip):
            own = key.copy()
            own.update(sample.row_hash)
            yield _record(sample, own.hexdigest(), at)


def _record(sample: Sample, key: str, at: str) -> Record:
    return Record(
        id=sample.id,
        repeat=0,
        row_hash=sample.row_hash,
        key=key,
        target=sample.target,
        messages=None,
        reply=Reply(output=as_text(sample.input), finish_reason=None, usage=None, latency_s=None),
        error=None,
        attempts=0,
        waited_s=0.0,
        at=at,
    )
