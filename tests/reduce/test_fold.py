"""The fold of a journal: in however many calls, after whatever was asked again, with the data as it is now."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.dataset import id_hash
from evalsvc.journal import decode
from evalsvc.jsonio import loads
from evalsvc.records import Record, Sample
from evalsvc.reduce.fold import Fold, fold_journal
from evalsvc.reduce.plan import Plan
from evalsvc.rundir import Manifest, RunDir
from tests.reduce.cases import FIRST, IDS, LABELS, Answered, State, append, make_run, records, samples, winners

TEXTS = ("first", "second")

answers = st.builds(
    Answered,
    id=st.sampled_from(IDS),
    text=st.sampled_from(TEXTS),
    reply=st.sampled_from(["spam", "ham", "no idea", "spam or ham", "", None]),
    finish_reason=st.sampled_from(["stop", "stop", "length", "content_filter"]),
    refusal=st.sampled_from([None, None, "I won't"]),
    error=st.sampled_from(["invalid_request", "content_filter"]),
)
# the data as it is by the last call: some rows gone, some edited, some relabelled
states = st.builds(
    lambda texts, labels: State(texts=texts, labels=labels),
    texts=st.dictionaries(st.sampled_from(IDS), st.sampled_from(TEXTS), min_size=1),
    labels=st.fixed_dictionaries({id_: st.sampled_from(LABELS) for id_ in IDS}),
)


@pytest.fixture(autouse=True, scope="module")
def few_examples() -> Iterator[None]:
    """So few rows of a kind are kept that some are turned away, and wanted again when others are taken back."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("evalsvc.reduce.examples._MOST_OF_A_KIND", 2)
        yield


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Sample]]:
    """The rows by text and id, with the labels of the first state."""
    path = tmp_path_factory.mktemp("known")
    return {text: samples(path, State(texts=dict.fromkeys(IDS, text), labels=FIRST.labels)) for text in TEXTS}


def plan_of(run: RunDir) -> Plan:
    manifest = Manifest.read(run)
    assert manifest is not None
    return Plan.of(run, manifest)


def folded(run: RunDir) -> Fold:
    return fold_journal(plan_of(run))


def counted(fold: Fold) -> dict[str, Any]:
    """All tallies but the longest latency, which no later record takes back, and the examples, which say where lines stand."""
    state = fold.tallies.state()
    return {**state, "latency": state["latency"]["buckets"], "examples": None}


def examples(run: RunDir, fold: Fold) -> dict[Any, list[tuple[float, str]]]:
    """Ranks and ids of the rows that are kept of each kind; fails where one of them does not stand where it should."""
    journal, lines = run.journal.read_bytes(), run.scored.read_bytes()
    kept: dict[Any, list[tuple[float, str]]] = {}
    for kind, entries in fold.tallies.examples.kept.items():
        for rank, hashed, at, scored_at in entries:
            record, line = decode(journal[at:].partition(b"\n")[0]), loads(lines[scored_at:].partition(b"\n")[0])
            assert record.id == line["id"]
            assert id_hash(record.id) == hashed
            assert line["outcome"] == kind[0]
            kept.setdefault(kind, []).append((rank, record.id))
    return kept


def scored(run: RunDir) -> dict[str, dict[str, Any]]:
    """scored.jsonl by id; fails when a row has two lines."""
    lines = [loads(line) for line in run.scored.read_bytes().splitlines()]
    by_id = {line["id"]: line for line in lines}
    assert len(by_id) == len(lines)
    return by_id


def in_parts(run: RunDir, all_records: list[Record], cuts: list[int]) -> Fold:
    """The fold after one call for each part of the journal."""
    marks = sorted({0, len(all_records), *(cut % (len(all_records) + 1) for cut in cuts)})
    fold = folded(run)
    for start, end in pairwise(marks):
        append(run, all_records[start:end])
        fold = folded(run)
    return fold


@settings(max_examples=60, deadline=None)
@given(given_answers=st.lists(answers, max_size=24), cuts=st.lists(st.integers(0, 24), max_size=4))
def test_any_number_of_calls_gives_the_counts_of_the_winning_records_alone(
    given_answers: list[Answered], cuts: list[int], known: dict[str, dict[str, Sample]]
) -> None:
    all_records = records(given_answers, known)
    with TemporaryDirectory() as folder:
        many, once = make_run(Path(folder, "many")), make_run(Path(folder, "once"))
        append(once, winners(all_records))
        fold, expected = in_parts(many, all_records, cuts), folded(once)
        assert counted(fold) == counted(expected)
        assert scored(many) == scored(once)
        assert examples(many, fold) == examples(once, expected)


@settings(max_examples=60, deadline=None)
@given(given_answers=st.lists(answers, max_size=24), cuts=st.lists(st.integers(0, 24), max_size=4), now=states)
def test_of_changed_data_only_the_rows_that_are_still_the_same_count_with_the_labels_they_have_now(
    given_answers: list[Answered], cuts: list[int], now: State, known: dict[str, dict[str, Sample]]
) -> None:
    all_records = records(given_answers, known)
    last = {answer.id: answer for answer in given_answers}
    still_there = [id_ for id_, answer in last.items() if now.texts.get(id_) == answer.text]
    with TemporaryDirectory() as folder:
        run = make_run(Path(folder, "run"))
        append(run, all_records[: len(all_records) // 2])
        folded(run)
        make_run(Path(folder, "run"), now, data_changed=True)
        fold = in_parts(run, all_records[len(all_records) // 2 :], cuts)
        lines, kept = scored(run), examples(run, fold)
        assert sorted(lines) == sorted(still_there)
        assert {line["target"] == now.labels[id_] for id_, line in lines.items()} <= {True}
        assert fold.tallies.ok + fold.tallies.error == len(still_there)
        assert fold.tallies.error == sum(last[id_].reply is None for id_ in still_there)
        run.state.unlink()
        assert examples(run, folded(run)) == kept


@pytest.mark.parametrize("damage", [b"", b"{", b"null", b'{"v":1}', None])
def test_a_state_that_is_damaged_or_gone_is_made_again(damage: bytes | None, tmp_path: Path, known: dict[str, dict[str, Sample]]) -> None:
    run = make_run(tmp_path / "run")
    append(run, records([Answered(id=id_) for id_ in IDS], known))
    before, lines = folded(run).tallies, run.scored.read_bytes()
    run.state.unlink() if damage is None else run.state.write_bytes(damage)
    assert folded(run).tallies == before
    assert run.scored.read_bytes() == lines


def test_scored_lines_that_are_gone_are_made_again(tmp_path: Path, known: dict[str, dict[str, Sample]]) -> None:
    run = make_run(tmp_path / "run")
    append(run, records([Answered(id=id_) for id_ in IDS], known))
    lines = folded(run) and run.scored.read_bytes()
    run.scored.unlink()
    folded(run)
    assert run.scored.read_bytes() == lines


def test_a_second_call_reads_only_what_is_new(tmp_path: Path, known: dict[str, dict[str, Sample]]) -> None:
    run = make_run(tmp_path / "run")
    append(run, records([Answered(id=id_) for id_ in IDS[:5]], known))
    assert folded(run).read == 5
    assert folded(run).read == 0
    append(run, records([Answered(id=id_) for id_ in IDS[5:]], known))
    assert folded(run).read == 3


def test_a_line_that_is_still_being_written_waits_for_the_next_call(tmp_path: Path, known: dict[str, dict[str, Sample]]) -> None:
    run = make_run(tmp_path / "run")
    append(run, records([Answered(id=id_) for id_ in IDS], known))
    whole = run.journal.read_bytes()
    run.journal.write_bytes(whole[:-10])
    assert folded(run).tallies.ok == 7
    run.journal.write_bytes(whole)
    assert folded(run).tallies.ok == 8
