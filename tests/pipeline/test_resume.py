"""What is left to ask, against a model that a reader can check: a dict from row to its last record."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.config.models import DatasetConfig
from evalsvc.dataset import Dataset, Survey, open_dataset
from evalsvc.journal import encode
from evalsvc.journal.scan import Scan, scan
from evalsvc.jsonio import dumps
from evalsvc.pipeline.resume import Resume, compare
from evalsvc.records import Record, Reply, RowError, Sample

IDS = tuple(f"r{number}" for number in range(6))

# a data set is a text and a label for each id that it has
DataSet = dict[str, tuple[str, str]]
data_sets = st.dictionaries(st.sampled_from(IDS), st.tuples(st.sampled_from("ab"), st.sampled_from(["spam", "ham"])), min_size=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One record of the journal: the row as it was then, and whether it failed."""

    id: str
    text: str
    label: str
    failed: bool


journals = st.lists(
    st.builds(Asked, id=st.sampled_from(IDS), text=st.sampled_from("ab"), label=st.sampled_from(["spam", "ham"]), failed=st.booleans()),
    max_size=20,
)


def by_hand(rows: DataSet, journal: Sequence[Asked], *, retry_failed: bool) -> tuple[set[str], Resume]:
    """The ids to ask, and the counts."""
    last = {asked.id: asked for asked in journal}
    same = {id_ for id_, (text, _) in rows.items() if id_ in last and last[id_].text == text}
    failed = {id_ for id_ in same if last[id_].failed}
    done = same - failed if retry_failed else same
    counts = Resume(
        skip=None,
        done=len(done),
        failed=len(failed),
        new=len(rows.keys() - last.keys()),
        changed=len(rows.keys() & last.keys()) - len(same),
        vanished=len(last.keys() - rows.keys()),
        relabelled=sum(last[id_].label != rows[id_][1] for id_ in same),
    )
    return rows.keys() - done, counts


@settings(max_examples=150, deadline=None)
@given(rows=data_sets, journal=journals, retry_failed=st.booleans())
def test_exactly_the_rows_without_a_final_record_for_what_they_are_now_are_asked(
    rows: DataSet, journal: list[Asked], retry_failed: bool
) -> None:
    with TemporaryDirectory() as folder:
        survey, ids = surveyed(Path(folder), rows)
        found = compare(survey, scanned(Path(folder), journal), retry_failed=retry_failed)
    to_ask, counts = by_hand(rows, journal, retry_failed=retry_failed)
    skip = found.skip if found.skip is not None else bytes(len(ids))
    assert {id_ for id_, skipped in zip(ids, skip, strict=True) if not skipped} == to_ask
    assert (found.done, found.failed, found.new) == (counts.done, counts.failed, counts.new)
    assert (found.changed, found.vanished, found.relabelled) == (counts.changed, counts.vanished, counts.relabelled)
    assert found.data_changed == bool(counts.changed or counts.vanished or counts.relabelled)


def surveyed(folder: Path, rows: DataSet) -> tuple[Survey, list[str]]:
    """The survey of `rows`, and their ids in file order."""
    dataset = _dataset(folder, rows)
    survey = dataset.survey(with_targets=True)
    return survey, [sample.id for sample in dataset.samples(survey)]


def scanned(folder: Path, journal: Sequence[Asked]) -> Scan:
    path = folder / "predictions.jsonl"
    path.write_bytes(b"".join(encode(_record(asked)) for asked in journal))
    return scan(path, with_targets=True)


@cache
def _as_asked(text: str, label: str) -> dict[str, Sample]:
    """Every row with this text and label, as the data set gives it."""
    with TemporaryDirectory() as folder:
        dataset = _dataset(Path(folder), dict.fromkeys(IDS, (text, label)))
        return {sample.id: sample for sample in dataset.samples(dataset.survey())}


def _dataset(folder: Path, rows: DataSet) -> Dataset:
    lines = [dumps({"id": id_, "text": text, "label": label}) + b"\n" for id_, (text, label) in rows.items()]
    (folder / "data.jsonl").write_bytes(b"".join(lines))
    return open_dataset(DatasetConfig(path="data.jsonl", id="id", input="text", target="label"), folder)


def _record(asked: Asked) -> Record:
    sample = _as_asked(asked.text, asked.label)[asked.id]
    return Record(
        id=sample.id,
        repeat=0,
        row_hash=sample.row_hash,
        key="0" * 32,
        target=sample.target,
        messages=None,
        reply=None if asked.failed else Reply(output="spam", finish_reason="stop", usage=None, latency_s=0.1),
        error=RowError(kind="invalid_request", http=422, code=None, message="no") if asked.failed else None,
        attempts=1,
        waited_s=0.0,
        at="2026-11-20T02:13:44.120Z",
    )
