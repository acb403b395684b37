"""A run directory, or a baseline file, as one side of a comparison."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalsvc.compare.baseline import save_baseline
from evalsvc.compare.side import open_side, run_before, side_of
from evalsvc.dataset import id_hash, open_dataset, target_hash
from evalsvc.errors import UsageError
from evalsvc.journal.lock import RunLock
from evalsvc.jsonio import dumps
from evalsvc.reduce.run import reduce_run
from evalsvc.rundir import Manifest, RunDir
from tests.compare.runs import DATASET, labels_but, make_run, reduced, rows_of


def uint64(data: bytes) -> int:
    return int.from_bytes(data, "little")


def test_a_run_is_found_by_its_directory_by_its_name_and_by_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = make_run(tmp_path, "one", rows_of(3), labels_but())
    run.point_latest()
    monkeypatch.chdir(tmp_path)
    for named in (run.path, "made/one", "made"):
        assert open_side(named).info.label == "made/one"
    monkeypatch.chdir("/")
    assert open_side("runs/made/one", base_dir=tmp_path).info.label == "made/one"


def test_every_row_that_counts_has_its_hashes(tmp_path: Path) -> None:
    rows = [{**row, "id": name} for row, name in zip(rows_of(4), ["plain", 'quo"ted', "ünï", "\ud800"], strict=True)]
    run = make_run(tmp_path, "one", rows, labels_but(), repeats=3)
    side = open_side(run.path)
    hashes, scores = side.source.hashes(), list(side.source.scores())
    assert len(scores) == 12
    assert hashes.rows.tolist() == [uint64(id_hash(score.id, score.repeat)) for score in scores]
    assert hashes.samples.tolist() == [uint64(id_hash(score.id)) for score in scores]
    assert hashes.targets.tolist() == [uint64(target_hash(score.target)) for score in scores]
    assert side.source.groups(hashes.samples) is None
    asked = {sample.id: uint64(sample.row_hash) for sample in _samples(run)}
    assert side.source.questions(hashes.rows).tolist() == [asked[score.id] for score in scores]
    assert [side.source.scores_at([7, 2])[place] for place in (2, 7)] == [scores[2], scores[7]]


def _samples(run: RunDir) -> list[Any]:
    side = open_side(run.path)
    dataset = open_dataset(side.config.dataset, side.config.base_dir)
    return list(dataset.samples(dataset.survey()))


def test_both_orders_of_a_pair_are_one_sample(tmp_path: Path) -> None:
    rows = [{"id": f"{number}#{order}", "text": "t", "label": "3"} for number in range(2) for order in ("ab", "ba")]
    side = open_side(make_run(tmp_path, "one", rows, lambda *_: "Rating: 3", task="judge", scoring={}).path)
    assert len(set(side.source.hashes().samples.tolist())) == 4
    config = side.config.model_copy(update={"dataset": side.config.dataset.model_copy(update={"against": "runs/other"})})
    source: Any = side.source
    pairs = replace(source, plan=replace(source.plan, config=config)).hashes()
    assert pairs.samples.tolist() == [uint64(id_hash(number)) for number in "0011"]
    assert len(set(pairs.rows.tolist())) == 4


def test_rows_belong_to_the_groups_that_the_data_set_has(tmp_path: Path) -> None:
    rows = [{**row, "from": ("a", "b", None)[number % 3]} for number, row in enumerate(rows_of(6))]
    run = make_run(tmp_path, "one", rows, labels_but(), dataset={**DATASET, "group": "from"})
    source = open_side(run.path).source
    hashes = source.hashes()
    groups = source.groups(hashes.samples)
    assert groups is not None
    assert groups[0] == groups[3] != groups[1] == groups[4]
    assert [groups[place] == hashes.samples[place] for place in range(6)] == [False, False, True] * 2
    (tmp_path / "data.jsonl").unlink()
    assert source.groups(hashes.samples) is None


def test_the_order_is_that_of_the_data_set_while_it_is_what_was_asked(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(5), labels_but())
    order = open_side(run.path).source.order()
    assert order is not None
    assert order.tolist() == [uint64(id_hash(f"r{number}")) for number in range(5)]
    with (tmp_path / "data.jsonl").open("ab") as file:
        file.write(dumps(rows_of(1, start=5)[0]) + b"\n")
    assert open_side(run.path).source.order() is None
    (tmp_path / "data.jsonl").unlink()
    assert open_side(run.path).source.order() is None


def test_what_scorers_and_files_of_scores_say_is_a_mean_of_rows(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(4), labels_but())
    (run.path / "external").mkdir()
    kept = [{"id": f"r{number}", "repeat": 0, "scores": {"comet": number / 4}, "by": {}} for number in range(3)]
    (run.path / "external" / "comet.jsonl").write_bytes(b"".join(dumps(row) + b"\n" for row in kept))
    reduced(run)
    side = open_side(run.path)
    assert [score.scores for score in side.source.scores()] == [{"ext.comet": 0.0}, {"ext.comet": 0.25}, {"ext.comet": 0.5}, None]
    (mean,) = side.shape.sums
    assert (mean.name, side.definitions["ext.comet"]) == ("ext.comet", "mean")
    assert open_side(save_baseline(run, tmp_path / "b.jsonl.gz").path).source.scores_at([1])[1].scores == {"ext.comet": 0.25}


def test_a_run_reduced_just_now_is_the_side_that_it_will_be(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(5), labels_but("r1"))
    written, now = open_side(run.path), side_of(reduce_run(run))
    assert now.info == written.info
    assert now.definitions == written.definitions
    assert list(now.source.scores()) == list(written.source.scores())


def test_scores_that_are_not_those_of_the_answers_are_refused_with_the_command_that_makes_them(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(5), labels_but(), keep=3)
    whole = make_run(tmp_path / "whole", "one", rows_of(5), labels_but())
    run.journal.write_bytes(whole.journal.read_bytes())
    with pytest.raises(UsageError, match="its scores are not those of its answers") as refused:
        open_side(run.path)
    assert refused.value.hint == f"evalsvc score {run.path} brings them up to date"
    with RunLock.acquire(run.lock, holder={"pid": 7, "host": "here"}), pytest.raises(UsageError, match="is being written by process 7"):
        open_side(run.path)
    reduced(run)
    assert open_side(run.path).info.summary["rows"]["ok"] == 5


def test_the_unfinished_line_that_a_kill_left_is_no_answer(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(5), labels_but(), keep=4)
    with run.journal.open("ab") as file:
        file.write(b'{"v":1,"id":"r4","rep')
    assert len(list(open_side(run.path).source.scores())) == 4


@pytest.mark.parametrize("gone", ["reduce.json", "summary.json", "scored.jsonl"])
def test_a_derived_file_that_is_gone_is_missed(tmp_path: Path, gone: str) -> None:
    run = make_run(tmp_path, "one", rows_of(5), labels_but())
    (run.path / gone).unlink()
    with pytest.raises(UsageError, match="its scores are not those of its answers"):
        open_side(run.path)


def test_another_scoring_in_run_json_wants_other_scores(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(5), labels_but())
    manifest = Manifest.read(run)
    assert manifest is not None
    replace(manifest, config={**manifest.config, "scoring": {**manifest.config["scoring"], "normalise": "none"}}).write(run)
    with pytest.raises(UsageError, match="its scores are not those of its answers"):
        open_side(run.path)


def test_a_file_that_is_not_there_is_told_how_to_make(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no file") as refused:
        open_side("gone.jsonl.gz", base_dir=tmp_path)
    assert refused.value.hint == "evalsvc baseline save RUN -o gone.jsonl.gz makes one"
    with pytest.raises(UsageError, match="nothere is no run directory"):
        open_side("nothere")


def test_rows_asked_in_two_states_of_the_data_are_no_other_runs_rows(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(5), labels_but())
    other = make_run(tmp_path, "two", rows_of(5), labels_but())
    assert open_side(run.path).data == open_side(other.path).data
    manifest = Manifest.read(run)
    assert manifest is not None
    replace(manifest, data_changed=True).write(run)
    reduced(run)
    assert open_side(run.path).data != open_side(other.path).data


def test_the_run_before_is_the_last_complete_one_that_began_earlier(tmp_path: Path) -> None:
    nights = {"mon": "2026-11-16T02:00:00Z", "tue": "2026-11-17T02:00:00Z", "wed": "2026-11-18T02:00:00Z", "thu": "2026-11-19T02:00:00Z"}
    runs = {
        name: make_run(tmp_path, name, rows_of(5), labels_but(), began=began, keep=3 if name == "wed" else None)
        for name, began in reversed(nights.items())
    }
    runs["mon"].point_latest()
    assert run_before(runs["thu"]).path.name == "tue"
    assert run_before(runs["wed"]).path.name == "tue"
    assert run_before(runs["tue"]).path.name == "mon"
    with pytest.raises(UsageError, match="there is no complete run of made before"):
        run_before(runs["mon"])
    shutil.rmtree(runs["tue"].path)
    assert run_before(runs["thu"]).path.name == "mon"


def test_hashes_are_little_endian_numbers(tmp_path: Path) -> None:
    hashes = open_side(make_run(tmp_path, "one", rows_of(2), labels_but()).path).source.hashes()
    assert hashes.rows.dtype == np.dtype("<u8")
