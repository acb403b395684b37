"""`dataset.group`: rows that succeed and fail together."""

from pathlib import Path
from random import Random
from typing import Any

import pytest

from evalsvc.dataset import open_dataset
from evalsvc.deriving.derive import derive_run
from evalsvc.errors import UsageError
from evalsvc.metrics.clusters import MOST_BUCKETS
from evalsvc.records import Summary
from evalsvc.reduce.run import plan_of
from evalsvc.reduce.view import Groups
from evalsvc.rundir import RunDir
from tests.reduce.extensions import answer, make_run, rows_of


def grouped(path: Path, groups: int, *, each: int = 10, seed: int | None = None, **config: Any) -> RunDir:
    """A run in which all rows of a group are answered alike; with a seed, in another order."""
    count = groups * each
    rows = rows_of(["spam" if number % 2 else "ham" for number in range(count)], talk=[f"t{number // each}" for number in range(count)])
    labels = {row["id"]: row["label"] for row in rows}
    outputs = {row["id"]: row["label"] if (number // each) % 4 else "none" for number, row in enumerate(rows)}
    if seed is not None:
        Random(seed).shuffle(rows)
    run = make_run(path, rows, **{"dataset": {"group": "talk"}, **config})
    answer(run, {row["id"]: outputs[row["id"]] for row in rows}, labels)
    return run


def width(summary: Summary, metric: str) -> float:
    value = summary["metrics"][metric]
    return (value["ci_high"] or 0) - (value["ci_low"] or 0)


def test_intervals_are_as_wide_as_the_groups_are_few(tmp_path: Path) -> None:
    run = grouped(tmp_path, 40)
    with_groups = derive_run(run)
    alone = derive_run(grouped(tmp_path, 40, dataset={}))
    assert with_groups["metrics"]["accuracy"]["value"] == alone["metrics"]["accuracy"]["value"]
    for metric in ("accuracy", "f1_macro"):
        assert width(with_groups, metric) > 2 * width(alone, metric)
        assert "ci:cluster-bootstrap2000-seed0|clusters:40" in with_groups["metrics"][metric]["signature"]
    assert not [warning for warning in with_groups["warnings"] if warning["kind"] == "few_groups"]


def test_the_order_of_the_data_changes_no_digit(tmp_path: Path) -> None:
    summaries = []
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        summaries.append(derive_run(grouped(folder, 30, seed=seed))["metrics"])
    assert summaries[0] == summaries[1]


def test_a_handful_of_groups_is_warned_of(tmp_path: Path) -> None:
    [warning] = [warning for warning in derive_run(grouped(tmp_path, 4))["warnings"] if warning["kind"] == "few_groups"]
    assert warning["evidence"] == {"groups": 4}


def test_scores_and_shares_without_labels_are_clustered_too(tmp_path: Path) -> None:
    metrics = derive_run(grouped(tmp_path, 40, each=3, scoring={"scorer": "mine.py:mine"}))["metrics"]
    assert "clusters:40" in metrics["accuracy"]["signature"]
    assert "clusters:group|n-clusters:40" in metrics["ext.length"]["signature"]


def test_more_groups_than_buckets_share_them(tmp_path: Path) -> None:
    run = grouped(tmp_path, MOST_BUCKETS + 500, each=1)
    plan = plan_of(run)
    dataset = open_dataset(plan.config.dataset, plan.config.base_dir)
    groups = Groups.of(dataset, dataset.survey())
    assert groups.count == MOST_BUCKETS + 500
    used = {groups.bucket(f"r{number}") for number in range(groups.count)}
    assert MOST_BUCKETS / 2 < len(used) <= MOST_BUCKETS


def test_a_row_that_the_data_no_longer_has_belongs_to_no_group(tmp_path: Path) -> None:
    plan = plan_of(grouped(tmp_path, 4))
    dataset = open_dataset(plan.config.dataset, plan.config.base_dir)
    groups = Groups.of(dataset, dataset.survey())
    with pytest.raises(UsageError, match="the row 'gone' is not in the data set"):
        groups.bucket("gone")


def repeated(path: Path, rows: int, *, alike: bool, slices: tuple[str, ...] = ()) -> Summary:
    """Four answers to each row, all the same or each by itself."""
    path.mkdir()
    random = Random(7)
    data = rows_of(["spam" if number % 2 else "ham" for number in range(rows)])
    run = make_run(path, data, repeats=4, slices=list(slices))
    labels = {row["id"]: row["label"] for row in data}
    first = {id_: label if random.random() < 0.7 else "none" for id_, label in labels.items()}
    for repeat in range(4):
        said = first if alike else {id_: label if random.random() < 0.7 else "none" for id_, label in labels.items()}
        answer(run, said, labels, repeat=repeat)
    return derive_run(run)


def test_repeats_count_for_as_much_as_they_differ(tmp_path: Path) -> None:
    alike, apart = (repeated(tmp_path / str(same), 200, alike=same) for same in (True, False))
    for metric in ("accuracy", "f1_macro"):
        assert "by-id" in alike["metrics"][metric]["signature"]
        assert width(alike, metric) > 1.6 * width(apart, metric)
    assert width(alike, "accuracy") == pytest.approx(2 * 1.96 * (0.7 * 0.3 / 200) ** 0.5, rel=0.15)


def test_repeats_of_a_few_rows_are_taken_as_one_draw_each(tmp_path: Path) -> None:
    few = repeated(tmp_path / "few", 20, alike=False, slices=("label",))
    assert "repeats:4-as-one" in few["metrics"]["accuracy"]["signature"]
    parts = few["metrics"]["accuracy"]["slices"]["label"]
    assert parts["spam"]["n"] == 40
