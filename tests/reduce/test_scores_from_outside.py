"""`score --scores`: per-row scores that were made elsewhere."""

from pathlib import Path

import pytest

from evalsvc.deriving.derive import derive_run, is_up_to_date
from evalsvc.errors import UsageError
from evalsvc.reduce.external import FOLDER, Taken
from evalsvc.reduce.run import join_scores, plan_of
from evalsvc.rundir import RunDir
from tests.reduce.extensions import answer, make_run, rows_of

ROWS = rows_of(["spam", "ham", "spam", "ham"])
LABEL_OF = {row["id"]: row["label"] for row in ROWS}


@pytest.fixture
def run(tmp_path: Path) -> RunDir:
    run = make_run(tmp_path, ROWS, gates=["ext.comet >= 0.5"])
    answer(run, dict.fromkeys(LABEL_OF, "spam"), LABEL_OF)
    return run


def joined(run: RunDir, name: str, text: str, by: tuple[str, ...] = ()) -> Taken:
    path = run.path.parent / name
    path.write_text(text, encoding="utf-8")
    return join_scores(run, path, by)


COMET = """{"id":"r0","comet":0.5,"kind":"a","note":"n"}
{"id":"r1","comet":1,"kind":"b"}
{"id":"r3","comet":0.9,"kind":"b"}
{"id":"r9","comet":9}
"""


def test_scores_are_joined_by_id_and_reported_with_slices(run: RunDir) -> None:
    taken = joined(run, "comet.jsonl", COMET, by=("kind",))
    assert (taken.names, taken.left_out, taken.matched, taken.unknown) == (("comet",), ("note",), 3, 1)
    summary = derive_run(run)
    comet = summary["metrics"]["ext.comet"]
    assert comet["value"] == pytest.approx(0.8)
    assert comet["n"] == 3
    assert comet["slices"]["kind"]["b"] | {"n": 2} == comet["slices"]["kind"]["b"]
    assert comet["slices"]["target"]["ham"]["value"] == pytest.approx(0.95)
    assert [gate["passed"] for gate in summary["gates"]] == [True]
    assert [warning["message"] for warning in summary["warnings"] if warning["kind"] == "scores_missing"] == [
        "ext.comet: 3 of 4 rows have this score, and its mean is over those alone"
    ]


def test_csv_does_as_well_and_empty_fields_are_no_scores(run: RunDir) -> None:
    taken = joined(run, "human.csv", "id,rating,comment\nr0,4,good\nr1,,\nr2,5,\n")
    assert (taken.names, taken.left_out) == (("rating",), ("comment",))
    assert derive_run(run)["metrics"]["ext.rating"]["value"] == 4.5


def test_joined_scores_stay_until_a_file_of_the_same_name_takes_their_place(run: RunDir) -> None:
    derive_run(run)
    assert is_up_to_date(run, plan_of(run))
    joined(run, "comet.jsonl", COMET)
    assert not is_up_to_date(run, plan_of(run))
    joined(run, "human.jsonl", '{"id":"r0","rating":4}')
    assert {"ext.comet", "ext.rating"} <= derive_run(run)["metrics"].keys()
    joined(run, "comet.jsonl", '{"id":"r0","comet":0.1}')
    assert derive_run(run)["metrics"]["ext.comet"]["value"] == pytest.approx(0.1)
    assert sorted(path.name for path in (run.path / FOLDER).iterdir()) == ["comet.jsonl", "human.jsonl"]


def test_the_order_of_the_file_changes_nothing(run: RunDir) -> None:
    joined(run, "comet.jsonl", COMET)
    kept = (run.path / FOLDER / "comet.jsonl").read_bytes()
    joined(run, "comet.jsonl", "".join(reversed(COMET.splitlines(keepends=True))))
    assert (run.path / FOLDER / "comet.jsonl").read_bytes() == kept


@pytest.mark.parametrize(
    ("text", "by", "why"),
    [
        ('{"id":"r0","x":1}\n{"id":"r1","x":1}\n{"id":"r0","x":2}\n', (), r"s\.jsonl:3: the id 'r0' stands in line 1 already"),
        ('{"id":"a","x":1}\n', (), r"none of its 1 ids \('a', …\) is one of this run's"),
        ('{"x":1}\n', (), r"s\.jsonl:1: the row has no `id`; it has x"),
        ('{"id":"r0","x":1}\n{"id":"r1","x":"high"}\n', (), r"s\.jsonl:2: x is 'high', and a number before"),
        ('{"id":"r0","x":"high"}\n', (), "no column holds numbers"),
        ('{"id":"r0","a b":1}\n', (), "'a b' cannot name a score"),
        ('{"id":"r0","x":1,"kind":"a"}\n', ("knid",), "--by knid: .* has no such column; did you mean kind"),
        ('{"id":"r0","repeat":-1,"x":1}\n', (), "repeat is '-1'"),
    ],
)
def test_what_cannot_be_joined_is_refused_with_its_line(run: RunDir, text: str, by: tuple[str, ...], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        joined(run, "s.jsonl", text, by)
    assert not (run.path / FOLDER).exists()


def test_two_files_may_not_name_one_score(run: RunDir) -> None:
    joined(run, "comet.jsonl", COMET)
    with pytest.raises(UsageError, match=r"external/comet\.jsonl has comet already"):
        joined(run, "other.jsonl", COMET)


def test_a_column_to_slice_by_must_hold_few_values(run: RunDir) -> None:
    text = "".join(f'{{"id":"r{number}","x":1,"name":"n{number}"}}\n' for number in range(300))
    with pytest.raises(UsageError, match="300 different values there"):
        joined(run, "s.jsonl", text, ("name",))


def test_a_file_that_is_not_there_is_told(run: RunDir) -> None:
    with pytest.raises(UsageError, match="there is no such file"):
        join_scores(run, run.path / "none.jsonl", ())
