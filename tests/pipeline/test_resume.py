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
    """One record of the journal: the row as it was then, which time it was asked, and whether it failed."""

    id: str
    repeat: int
    text: str
    label: str
    failed: bool


journals = st.lists(
    st.builds(
        Asked,
        id=st.sampled_from(IDS),
        repeat=st.integers(0, 2),
        text=st.sampled_from("ab"),
        label=st.sampled_from(["spam", "ham"]),
        failed=st.booleans(),
    ),
    max_size=30,
)


def by_hand(rows: DataSet, journal: Sequence[Asked], *, retry_failed: bool, repeats: int) -> tuple[set[tuple[str, int]], Resume]:
    """The rows to ask, by id and repeat, and the counts."""
    last = {(asked.id, asked.repeat): asked for asked in journal}
    wanted = {(id_, repeat): row for id_, row in rows.items() for repeat in range(repeats)}
    same = {row for row, (text, _) in wanted.items() if row in last and last[row].text == text}
    failed = {row for row in same if last[row].failed}
    done = same - failed if retry_failed else same
    counts = Resume(
        skip=None,
        done=len(done),
        failed=len(failed),
        new=len(wanted.keys() - last.keys()),
        changed=len(wanted.keys() & last.keys()) - len(same),
        vanished=len(last.keys() - wanted.keys()),
        relabelled=sum(last[row].label != wanted[row][1] for row in same),
    )
    return wanted.keys() - done, counts


@settings(max_examples=150, deadline=None)
@given(rows=data_sets, journal=journals, retry_failed=st.booleans(), repeats=st.integers(1, 3))
def test_exactly_the_rows_without_a_final_record_for_what_they_are_now_are_asked(
    rows: DataSet, journal: list[Asked], retry_failed: bool, repeats: int
) -> None:
    with TemporaryDirectory() as folder:
        survey, ids = surveyed(Path(folder), rows)
        found = compare(survey, scanned(Path(folder), journal), retry_failed=retry_failed, repeats=repeats)
    to_ask, counts = by_hand(rows, journal, retry_failed=retry_failed, repeats=repeats)
    asked = [
        (id_, repeat)
        for repeat, skip in found.passes(survey.rows, repeats)
        for id_, skipped in zip(ids, skip or bytes(len(ids)), strict=True)
        if not skipped
    ]
    assert set(asked) == to_ask
    assert len(asked) == len(to_ask)
    assert (found.done, found.failed, found.new) == (counts.done, counts.failed, counts.new)
    assert (found.changed, found.vanished, found.relabelled) == (counts.changed, counts.vanished, counts.relabelled)
    assert found.data_changed == bool(counts.changed or counts.vanished or counts.relabelled)


@settings(max_examples=80, deadline=None)
@given(rows=data_sets, journal=journals, retry_failed=st.booleans())
def test_where_the_target_is_part_of_the_question_a_row_with_another_one_is_asked_again(
    rows: DataSet, journal: list[Asked], retry_failed: bool
) -> None:
    with TemporaryDirectory() as folder:
        survey, ids = surveyed(Path(folder), rows)
        found = compare(survey, scanned(Path(folder), journal), retry_failed=retry_failed, asks_target=True)
    last = {asked.id: asked for asked in journal if asked.repeat == 0}
    same = {id_ for id_, row in rows.items() if id_ in last and (last[id_].text, last[id_].label) == row}
    failed = {id_ for id_ in same if last[id_].failed}
    skipped = {id_ for id_, skip in zip(ids, found.skip or bytes(len(ids)), strict=True) if skip}
    assert skipped == (same - failed if retry_failed else same)
    assert (found.failed, found.changed, found.relabelled) == (len(failed), len(rows.keys() & last.keys()) - len(same), 0)


def test_a_run_that_ends_early_has_asked_every_row_once_before_any_row_twice() -> None:
    assert [repeat for repeat, _ in Resume(skip=None).passes(4, 3)] == [0, 1, 2]


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
        repeat=asked.repeat,
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
