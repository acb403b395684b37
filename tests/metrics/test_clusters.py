"""Intervals over whole groups of rows."""

from random import Random

import numpy as np
import pytest

from evalsvc.metrics import ConfusionTally, classification_metrics
from evalsvc.metrics.bootstrap import percentile_intervals
from evalsvc.metrics.clusters import Clustered, cluster_intervals, cluster_share
from evalsvc.metrics.intervals import wilson
from evalsvc.metrics.outcomes import outcome_metrics
from evalsvc.metrics.tally import OutcomeTally
from tests.metrics.laws import LABELS, score

pytestmark = pytest.mark.filterwarnings("error")


def rows(count: int, seed: int = 1) -> list[int]:
    """Cells of random rows."""
    random, tally = Random(seed), ConfusionTally.empty(LABELS)
    return [tally.cell_of(score(random)) for _ in range(count)]


def clustered(cells: list[int], group_of: list[int]) -> Clustered:
    buckets: dict[int, dict[int, int]] = {}
    for cell, group in zip(cells, group_of, strict=True):
        bucket = buckets.setdefault(group, {})
        bucket[cell] = bucket.get(cell, 0) + 1
    return Clustered(buckets=buckets, labels=len(LABELS), width=ConfusionTally.empty(LABELS).width)


def tally_of(cells: list[int]) -> ConfusionTally:
    return ConfusionTally(labels=LABELS, cells={cell: cells.count(cell) for cell in set(cells)})


def test_groups_of_one_row_give_the_intervals_of_independent_rows() -> None:
    cells = rows(400)
    grouped = cluster_intervals(clustered(cells, list(range(400))))
    tally = tally_of(cells)
    alone = percentile_intervals(tally.triples(), len(LABELS))
    for name, interval in alone.items():
        assert grouped[name] == pytest.approx(interval, abs=0.015), name
    hits = sum(count for line, column, count in tally.triples() if line == column)
    assert grouped["accuracy"] == pytest.approx(wilson(hits, sum(count for *_, count in tally.triples())), abs=0.015)


def test_copies_within_a_group_make_no_interval_narrower() -> None:
    cells = rows(60)
    once = cluster_intervals(clustered(cells, list(range(60))))
    tenfold = cluster_intervals(clustered(cells * 10, list(range(60)) * 10))
    assert {name: pytest.approx(interval) for name, interval in once.items()} == tenfold


def test_the_draws_do_not_depend_on_the_order_of_rows_or_groups() -> None:
    cells, groups = rows(200), [number % 20 for number in range(200)]
    backwards = clustered(cells[::-1], groups[::-1])
    assert cluster_intervals(backwards) == cluster_intervals(clustered(cells, groups))


def test_where_every_group_agrees_the_interval_has_a_width_still() -> None:
    width = ConfusionTally.empty(LABELS).width
    buckets = {group: {0: 5, width + 1: 5} for group in range(30)}
    intervals = cluster_intervals(Clustered(buckets=buckets, labels=3, width=width), positive=0)
    assert intervals["accuracy"] == wilson(30, 30)
    assert intervals["recall"] == wilson(30, 30)


@pytest.mark.parametrize("buckets", [{}, {1: {0: 9}}])
def test_fewer_than_two_groups_have_no_interval(buckets: dict[int, dict[int, int]]) -> None:
    assert cluster_intervals(Clustered(buckets=buckets, labels=2, width=8)) == {}


def test_rows_without_a_target_are_in_no_group_of_a_metric() -> None:
    width = ConfusionTally.empty(LABELS).width
    with_one_more = {0: {0: 1}, 1: {1: 1}, 2: {len(LABELS) * width: 7}}
    without = {0: {0: 1}, 1: {1: 1}}
    assert cluster_intervals(Clustered(buckets=with_one_more, labels=3, width=width)) == cluster_intervals(
        Clustered(buckets=without, labels=3, width=width)
    )


def test_metrics_of_grouped_rows_say_so_and_are_wider() -> None:
    cells = [cell for cell in rows(40) for _ in range(10)]
    groups = [number // 10 for number in range(400)]
    tally = tally_of(cells)
    plain = classification_metrics(tally, ok=400, expected=400, positive="spam")
    grouped = classification_metrics(tally, ok=400, expected=400, positive="spam", clustered=clustered(cells, groups))
    for name in plain:
        assert grouped[name]["value"] == plain[name]["value"]
        if name in {"parse_rate", "coverage"}:
            assert grouped[name] == plain[name]
        else:
            assert "ci:cluster-bootstrap2000-seed0|clusters:40" in grouped[name]["signature"]
            assert _width(grouped[name]) > 1.5 * _width(plain[name]), name


def _width(metric: object) -> float:
    assert isinstance(metric, dict)
    return float(metric["ci_high"] - metric["ci_low"])


def test_a_share_without_labels_is_clustered_alike() -> None:
    interval = cluster_share({group: (8 if group % 4 else 1, 10) for group in range(100)})
    assert interval is not None
    low, high = interval
    assert low < 0.625 < high
    assert high - low == pytest.approx(2 * 1.96 * float(np.std([0.8, 0.8, 0.8, 0.1])) / 10, rel=0.15)


def test_accuracy_without_labels_counts_what_the_scorer_judged() -> None:
    tally = OutcomeTally(counts={"correct": 6, "wrong": 2, "unparsed": 1, "error": 1, "scored": 5})
    metrics = outcome_metrics(tally, ok=14, expected=16)
    assert metrics["accuracy"]["value"] == 0.6
    assert (metrics["accuracy"]["n"], metrics["accuracy"]["on_parsed"]) == (10, 0.75)
    assert (metrics["parse_rate"]["value"], metrics["coverage"]["value"]) == (13 / 14, 14 / 16)


def test_a_scorer_that_only_grades_gives_no_accuracy_and_a_reason() -> None:
    accuracy = outcome_metrics(OutcomeTally(counts={"scored": 9, "error": 1}), ok=9, expected=10)["accuracy"]
    assert (accuracy["value"], accuracy["reason"]) == (None, "the scorer called no row correct or wrong")
