"""A run as a data set: its answers are the rows."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config.models import DatasetConfig
from evalsvc.dataset import Dataset, open_dataset, row_hash
from evalsvc.dataset.runs import Run, pinned, runs_of
from evalsvc.errors import JournalDamaged, UsageError
from evalsvc.journal import encode
from evalsvc.jsonio import dumps
from evalsvc.records import Record, Reply, RowError, Sample

ROWS = [{"id": name, "text": f"ask {name}", "gold": name.upper(), "kind": kind} for name, kind in (("a", "x"), ("b", "y"), ("c", "x"))]


def record(id_: str, output: str | None = "yes", *, repeat: int = 0, row: dict[str, Any] | None = None, **changes: Any) -> Record:
    """An answer to the row of ROWS with that id."""
    asked = row or next((row for row in ROWS if row["id"] == id_), {})
    values: dict[str, Any] = {"finish_reason": "stop", "usage": None, "latency_s": 0.1, **changes}
    error = values.pop("error", None)
    messages = values.pop("messages", [{"role": "user", "content": f"ask {id_}"}])
    return Record(
        id=id_,
        repeat=repeat,
        row_hash=row_hash({name: value for name, value in asked.items() if name != "gold"}),
        key="00",
        target=asked.get("gold"),
        messages=None if messages is None else dumps(messages),
        reply=None if error else Reply(output=output, **values),
        error=error,
        attempts=1,
        waited_s=0.0,
        at="2026-11-20T02:13:44.120Z",
    )


def write_run(
    folder: Path, records: Iterable[Record], *, name: str = "ft", rows: Sequence[dict[str, Any]] | None = ROWS, **changes: Any
) -> Path:
    """runs/<name>/one with a journal of `records`, and beside it the data set that it names; None: that is gone."""
    run = folder / "runs" / name / "one"
    run.mkdir(parents=True)
    (run / "predictions.jsonl").write_bytes(b"".join(map(encode, records)))
    if rows is not None:
        (folder / "data.jsonl").write_bytes(b"".join(dumps(row) + b"\n" for row in rows))
    dataset = {"path": "data.jsonl", "input": "text", "target": "gold", "id": "id", **changes.pop("dataset", {})}
    config = {"name": name, "dataset": dataset, "model": {"name": "m", "base_url": "sandbox"}, "task": "generation", **changes}
    manifest = {"id": "one", "name": name, "identity": {"model": "m"}, "config": config, "config_file": None, "base_dir": str(folder)}
    (run / "run.json").write_bytes(dumps(manifest))
    (run.parent / "latest").unlink(missing_ok=True)
    (run.parent / "latest").symlink_to("one")
    return run


def judged(folder: Path, **config: Any) -> Dataset:
    return open_dataset(DatasetConfig.model_validate({"path": "runs/ft/latest", **config}), folder)


def samples(data: Dataset) -> list[Sample]:
    return list(data.samples(data.survey()))


def test_each_answer_is_a_row_with_what_was_asked_and_the_columns_of_its_own_row(tmp_path: Path) -> None:
    write_run(tmp_path, [record("b", "<think>hm</think> B is it "), record("a", "A"), record("c", "C")])
    first, second, _ = samples(judged(tmp_path))
    assert (first.id, second.id) == ("a", "b"), "in the order of the data set, whatever came first"
    assert second.fields["output"] == "B is it"
    assert {name: second.fields[name] for name in ("asked", "input", "reference", "kind", "row_id", "repeat")} == {
        "asked": "ask b",
        "input": "ask b",
        "reference": "B",
        "kind": "y",
        "row_id": "b",
        "repeat": 0,
    }
    assert second.target is None


def test_the_last_record_of_a_row_is_its_answer(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a", "old"), record("b"), record("c"), record("a", "new")])
    assert samples(judged(tmp_path))[0].fields["output"] == "new"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"error": RowError(kind="timeout", http=None, code=None, message="")}, "timeout"),
        ({"refusal": "no"}, "refused"),
        ({"finish_reason": "content_filter"}, "content_filter"),
        ({"output": "<think>and then"}, "truncated"),
        ({"output": " \n"}, "empty"),
        ({"output": None, "finish_reason": "length"}, "truncated"),
    ],
)
def test_an_answer_that_is_not_there_is_a_row_all_the_same_and_is_told_of(answer: dict[str, Any], why: str, tmp_path: Path) -> None:
    write_run(tmp_path, [record("a", **answer), record("b"), record("c")])
    data = judged(tmp_path)
    survey = data.survey()
    (first, *_) = data.samples(survey)
    assert (first.fields["output"], first.fields["missing"]) == (None, why)
    assert any("1 of 3 answers are missing in" in note and why in note for note in survey.notes), survey.notes


def test_pending_rows_and_answers_to_rows_that_changed_are_left_out_and_counted(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a"), record("b", row={"id": "b", "text": "as it was"}), record("gone", row={"id": "gone"})])
    survey = judged(tmp_path).survey()
    assert survey.rows == 1
    assert [note for note in survey.notes if note.endswith((" 1 rows", " 2 answers"))] == list(survey.notes), (
        "c has none, b and gone no row"
    )


def test_without_its_data_set_a_run_is_judged_in_the_order_of_its_journal(tmp_path: Path) -> None:
    write_run(tmp_path, [record("b"), record("a"), record("b", "new")], rows=None)
    data = judged(tmp_path)
    survey = data.survey()
    found = list(data.samples(survey))
    assert [(sample.id, sample.fields["output"]) for sample in found] == [("a", "yes"), ("b", "new")]
    assert found[0].fields["reference"] == "A", "the journal knows it"
    assert "kind" not in found[0].fields
    assert "cannot be read" in survey.notes[0]


def test_what_people_said_is_a_target_and_never_a_reference(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a"), record("b"), record("c")])
    by_other_column, by_the_target = samples(judged(tmp_path, target="kind"))[0], samples(judged(tmp_path, target="gold"))[0]
    assert (by_other_column.target, by_other_column.fields["reference"]) == ("x", "A")
    assert by_the_target.target == "A"
    assert "A" not in by_the_target.fields.values()


def test_labels_in_a_file_of_their_own_are_joined_by_id(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a"), record("b"), record("c")])
    (tmp_path / "people.csv").write_text("id,human\na,4\nc,2\nelsewhere,1\n")
    data = judged(tmp_path, target="human", join={"path": "people.csv"})
    assert [sample.target for sample in samples(data)] == ["4", None, "2"]
    before = data.survey().sha256
    (tmp_path / "people.csv").write_text("id,human\na,5\nc,2\n")
    assert judged(tmp_path, target="human", join={"path": "people.csv"}).survey().sha256 != before


def test_repeats_are_rows_of_their_own_and_one_group(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a", f"a{repeat}", repeat=repeat) for repeat in (1, 0)], repeats=2)
    config = pinned(DatasetConfig(path="runs/ft/latest"), tmp_path, open_dataset)
    found = samples(open_dataset(config, tmp_path))
    assert [(sample.id, sample.fields["output"], sample.group) for sample in found] == [("a#0", "a0", "a"), ("a#1", "a1", "a")]


def test_ids_of_repeats_never_meet_ids_that_look_like_them(tmp_path: Path) -> None:
    rows = [{"id": "a", "text": "1", "gold": "A"}, {"id": "a#1", "text": "2", "gold": "B"}]
    records = [record(row["id"], repeat=repeat, row=row) for row in rows for repeat in (0, 1)]
    write_run(tmp_path, records, rows=rows, repeats=2)
    assert [sample.id for sample in samples(judged(tmp_path))] == ["a#0", "a#1", "a#1#0", "a#1#1"]


def test_labels_of_one_answer_are_not_taken_for_those_of_another(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a", repeat=repeat) for repeat in (0, 1)], repeats=2)
    (tmp_path / "people.csv").write_text("id,human\na,4\n")
    with pytest.raises(UsageError, match="which of them"):
        samples(judged(tmp_path, target="human", join={"path": "people.csv"}))
    (tmp_path / "people.csv").write_text("id,repeat,human\na,1,4\n")
    assert [sample.target for sample in samples(judged(tmp_path, target="human", join={"path": "people.csv"}))] == [None, "4"]


def test_a_pair_is_two_rows_that_show_it_in_both_orders(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a", "mine a"), record("b", "mine b"), record("c")])
    write_run(tmp_path, [record("b", "theirs b"), record("a", refusal="no")], name="base")
    data = judged(tmp_path, against="runs/base/latest")
    survey = data.survey()
    found = {sample.id: sample.fields for sample in data.samples(survey)}
    assert list(found) == ["a#ab", "a#ba", "b#ab", "b#ba"]
    assert [found[id_][side] for id_ in ("b#ab", "b#ba") for side in ("output_a", "output_b")] == [
        "mine b",
        "theirs b",
        "theirs b",
        "mine b",
    ]
    assert (found["a#ba"]["output_a"], found["a#ba"]["missing_a"]) == (None, "refused")
    assert any(note.endswith("hold them against: 1 answers") for note in survey.notes), survey.notes
    assert pinned(DatasetConfig(path="runs/ft", against="runs/base"), tmp_path, open_dataset).group == "row_id"


def test_a_change_of_the_other_run_is_a_change_of_the_data(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a")])
    base = write_run(tmp_path, [record("a", "old")], name="base")
    before = judged(tmp_path, against="runs/base").survey()
    (base / "predictions.jsonl").write_bytes(encode(record("a", "old")) + encode(record("a", "new")))
    after = judged(tmp_path, against="runs/base").survey()
    assert before.sha256 != after.sha256
    assert before.row_hashes != after.row_hashes
    assert before.id_hashes == after.id_hashes


def test_latest_is_pinned_to_the_run_that_it_is_now(tmp_path: Path) -> None:
    run = write_run(tmp_path, [record("a")])
    assert pinned(DatasetConfig(path="runs/ft/latest"), tmp_path, open_dataset).path == str(run)
    assert pinned(DatasetConfig(path="data.jsonl"), tmp_path, open_dataset).path == "data.jsonl"


def test_rows_of_one_group_of_the_run_stay_one_group(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a")], dataset={"group": "kind"})
    assert pinned(DatasetConfig(path="runs/ft/latest"), tmp_path, open_dataset).group == "kind"


def test_a_torn_last_line_is_passed_over_and_damage_before_it_is_not(tmp_path: Path) -> None:
    run = write_run(tmp_path, [record("a"), record("b")])
    journal = run / "predictions.jsonl"
    whole = journal.read_bytes()
    for cut in range(whole.index(b"\n") + 1, len(whole)):
        journal.write_bytes(whole[:cut])
        assert [sample.id for sample in samples(judged(tmp_path))] == ["a"], cut
    journal.write_bytes(whole.replace(b'"yes"', b'"yet"', 1))
    with pytest.raises(JournalDamaged, match="at byte 0"):
        samples(judged(tmp_path))


def test_ids_that_need_escapes_are_found(tmp_path: Path) -> None:
    rows = [{"id": 'q"\\ü\ud800', "text": "t", "gold": "A"}]
    write_run(tmp_path, [record(rows[0]["id"], row=rows[0])], rows=rows)
    assert [sample.id for sample in samples(judged(tmp_path))] == [rows[0]["id"]]


def test_a_run_taken_in_from_a_file_does_not_pass_its_answers_for_questions(tmp_path: Path) -> None:
    run = write_run(tmp_path, [record("a", "ask a", messages=None)])
    manifest = run / "run.json"
    manifest.write_bytes(manifest.read_bytes().replace(b'"identity":{', b'"identity":{"answers":{},'))
    assert "asked" not in samples(judged(tmp_path))[0].fields
    asked = samples(judged(tmp_path, input="kind"))[0]
    assert asked.input == "x"


def test_a_run_without_prompts_says_what_was_asked_by_its_data(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a", messages=None)])
    assert samples(judged(tmp_path))[0].fields["asked"] == "ask a"


def test_a_conversation_is_shown_whole(tmp_path: Path) -> None:
    parts = [{"type": "text", "text": "what is "}, {"type": "image_url", "image_url": {"url": "data:…"}}]
    write_run(tmp_path, [record("a", messages=[{"role": "system", "content": "Be brief."}, {"role": "user", "content": parts}])])
    fields = samples(judged(tmp_path))[0].fields
    assert fields["asked"] == "[system]\nBe brief.\n\n[user]\nwhat is [image_url]"
    assert fields["input"] == "what is [image_url]"


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"id": "id"}, "ids and columns of their own"),
        ({"against": "runs/nowhere"}, "is no run"),
        ({"against": "runs/ft"}, "itself"),
        ({"against": "runs/base", "subsample": {"n": 1}}, "take pairs apart"),
        ({"against": "runs/base", "limit": 3}, "take pairs apart"),
        ({"path": "data.jsonl", "against": "runs/base"}, "is no run"),
        ({"path": "data.jsonl", "join": {"path": "data.jsonl"}}, "is no run"),
        ({"path": "runs/begun"}, "no answers yet"),
        ({"path": "data.jsonl", "format": "run"}, "is no run"),
        ({"join": {"path": "data.jsonl", "id": "number"}}, "no 'number'"),
        ({"join": {"path": "https://example.org/people.csv?sig=secret"}}, "files of this machine"),
    ],
)
def test_what_cannot_be_is_refused(config: dict[str, Any], said: str, tmp_path: Path) -> None:
    write_run(tmp_path, [record("a"), record("b")])
    write_run(tmp_path, [record("a")], name="base")
    begun = tmp_path / "runs" / "begun"
    begun.mkdir()
    (begun / "run.json").write_text("{}")
    with pytest.raises(UsageError, match=said):
        samples(judged(tmp_path, **config))


def test_nothing_to_judge_is_said_with_why(tmp_path: Path) -> None:
    write_run(tmp_path, [record("a")], rows=[{**row, "human": 3} for row in ROWS])
    with pytest.raises(UsageError, match="1 are to rows that are gone or have changed since") as told:
        judged(tmp_path).survey()
    assert "dataset.join" in str(told.value.hint)


def test_a_run_that_has_still_to_run_is_not_blamed_on_its_data(tmp_path: Path) -> None:
    write_run(tmp_path, [])
    with pytest.raises(UsageError, match="3 rows are pending") as told:
        judged(tmp_path).survey()
    assert "answer some rows first" in str(told.value.hint)
    with pytest.raises(UsageError, match="there is no file") as told:
        judged(tmp_path, path="runs/never")
    assert "has to have run" in str(told.value.hint)


def test_an_odd_place_beside_the_config_is_looked_at_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = write_run(tmp_path, [record("a")])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").mkdir()
    found = Run.find("runs/ft/latest", tmp_path / "configs")
    assert found is not None
    assert found.folder == here
    assert runs_of(DatasetConfig(path=str(here / "predictions.jsonl")), tmp_path)[0].folder == here


def test_a_verdict_that_no_judge_was_asked_for_is_no_answer_of_the_judge(tmp_path: Path) -> None:
    rows = [record("a", "Rating: 3"), record("b", "1", finish_reason="not_asked"), record("c", "Rating: 4")]
    write_run(tmp_path, rows, task="judge")
    data = judged(tmp_path)
    assert [sample.id for sample in samples(data)] == ["a", "c"]
    assert any("no judge was asked" in note and "1 verdicts" in note for note in data.survey().notes)


def test_of_two_judges_only_verdicts_that_both_were_asked_for_are_held_against_each_other(tmp_path: Path) -> None:
    write_run(tmp_path, [record(name, "Rating: 3") for name in "abc"], task="judge")
    other = [record("a", "1", finish_reason="not_asked"), record("b", "Rating: 5"), record("c", "1")]
    write_run(tmp_path, other, name="other", task="judge")
    assert {sample.fields["row_id"] for sample in samples(judged(tmp_path, against="runs/other"))} == {"b", "c"}
