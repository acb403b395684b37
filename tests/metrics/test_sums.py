"""Sums by cluster: exact in any order, and intervals that know which rows hang together."""

from collections.abc import Sequence
from random import Random

import pytest

from evalsvc.config import EvalConfig
from evalsvc.metrics.families.metric import SCORE_UNITS, SumMetric, mean_of
from evalsvc.metrics.families.registry import build_metrics
from evalsvc.metrics.intervals import wilson
from evalsvc.metrics.sums import (
    JACKKNIFE_BUCKETS,
    SEED,
    Resampling,
    SumTally,
    estimates,
    exact,
    interval_of_mean,
    replicates,
    values_of,
)
from evalsvc.records import Outcome, Score

MEAN = mean_of("quality", signature="v:1", measure=None)
SHARE = mean_of("hit", signature="v:1", measure=None, kind="share")


def ratio_of(score: Score) -> Sequence[int] | None:
    return None if score.stats is None else score.stats.get("ratio")


RATIO = SumMetric(
    name="ratio", signature="v:1", width=2, read=ratio_of, value=lambda sums: sums[0] / sums[1] if sums[1] else None, why_none="nothing"
)


def scored(quality: float | None, *, id_: str = "1", outcome: Outcome = Outcome.SCORED, ratio: tuple[int, int] | None = None) -> Score:
    scores = None if quality is None else {"quality": quality, "hit": float(quality > 0.5)}
    stats = None if ratio is None else {"ratio": ratio}
    return Score(id=id_, repeat=0, target=None, prediction=None, outcome=outcome, rule=None, scores=scores, stats=stats)


def tally_of(scores: Sequence[tuple[Score, int]], metrics: Sequence[SumMetric] = (MEAN, SHARE, RATIO)) -> SumTally:
    tally = SumTally.empty(metrics)
    for score, cluster in scores:
        tally.update(score, cluster=cluster)
    return tally


def drawn(n: int, *, seed: int = 1, per_cluster: int = 1) -> list[tuple[Score, int]]:
    random = Random(seed)
    rows: list[tuple[Score, int]] = []
    for cluster in range(n // per_cluster):
        quality = random.random()
        rows += [(scored(quality, ratio=(int(quality * 100), 10 + cluster % 7)), cluster)] * per_cluster
    return rows


def test_a_row_that_a_metric_is_not_of_is_in_its_sums_as_nothing() -> None:
    tally = tally_of([(scored(0.25), 0), (scored(None, ratio=(3, 4)), 1)])
    found = estimates(tally, Resampling.BY_ID)
    assert (found["quality"].value, found["quality"].n) == (0.25, 1)
    assert (found["ratio"].value, found["ratio"].n) == (0.75, 1)


def test_rows_without_an_answer_count_in_the_value_and_not_in_what_is_said_of_parsed_rows() -> None:
    found = estimates(tally_of([(scored(0.8), 0), (scored(0.0, outcome=Outcome.REFUSED), 1)]), Resampling.BY_ID)
    assert found["quality"].value == pytest.approx(0.4)
    assert found["quality"].on_parsed == pytest.approx(0.8)


def test_sums_are_the_same_digits_in_any_order() -> None:
    rows = [(scored(0.1 * (number % 7), ratio=(number, 3)), number % 5) for number in range(200)]
    forward, backward = tally_of(rows), tally_of(rows[::-1])
    assert forward == backward
    assert estimates(forward, Resampling.BY_ID) == estimates(backward, Resampling.BY_ID)


def test_a_share_of_independent_rows_has_wilsons_interval() -> None:
    rows = drawn(300)
    found = estimates(tally_of(rows), Resampling.BY_ID)["hit"]
    hits = sum(score.scores is not None and score.scores["hit"] == 1.0 for score, _ in rows)
    assert (found.low, found.high) == pytest.approx(wilson(hits, 300))
    assert found.how == "ci:wilson95"


def test_repeats_of_a_row_make_no_interval_narrower() -> None:
    once = estimates(tally_of(drawn(200)), Resampling.BY_ID)["quality"]
    thrice = estimates(tally_of(drawn(600, per_cluster=3)), Resampling.BY_ID, wilson_fits=False)["quality"]
    assert once.value == thrice.value
    assert (once.low, once.high) == pytest.approx((thrice.low, thrice.high))


def test_the_bootstrap_of_a_mean_agrees_with_its_standard_error() -> None:
    rows = drawn(2000)
    found = estimates(tally_of(rows), Resampling.BY_ID)["quality"]
    values = [score.scores["quality"] for score, _ in rows if score.scores is not None]
    mean = sum(values) / len(values)
    error = (sum((value - mean) ** 2 for value in values) / (len(values) - 1) / len(values)) ** 0.5
    assert found.low is not None
    assert found.high is not None
    assert found.high - found.low == pytest.approx(2 * 1.96 * error, rel=0.06)


def test_the_jackknife_over_buckets_agrees_with_the_bootstrap() -> None:
    rows = drawn(5120)
    bucketed = [(score, cluster % JACKKNIFE_BUCKETS) for score, cluster in rows]
    for name in ("quality", "ratio"):
        of_rows = estimates(tally_of(rows), Resampling.BY_ID)[name]
        of_buckets = estimates(tally_of(bucketed), Resampling.JACKKNIFE)[name]
        assert of_rows.value == of_buckets.value
        assert None not in (of_rows.low, of_rows.high, of_buckets.low, of_buckets.high)
        wide, narrow = (of_rows.high or 0) - (of_rows.low or 0), (of_buckets.high or 0) - (of_buckets.low or 0)
        assert narrow == pytest.approx(wide, rel=0.15)
        assert of_buckets.how == "ci:jackknife256"


def test_one_cluster_alone_gives_no_interval() -> None:
    for resampling in Resampling:
        found = estimates(tally_of([(scored(0.5), 7)] * 9), resampling)["quality"]
        assert (found.value, found.low, found.high) == (0.5, None, None)


def test_where_all_clusters_agree_a_share_keeps_the_width_of_that_many_draws() -> None:
    rows = [(scored(0.9), cluster) for cluster in range(30) for _ in range(10)]
    found = estimates(tally_of(rows), Resampling.BY_GROUP, wilson_fits=False)["hit"]
    assert (found.low, found.high) == pytest.approx(wilson(30, 30))


def test_two_runs_over_the_same_rows_draw_the_same_rows() -> None:
    first, second = drawn(300), [(scored(0.0, ratio=(1, 1)), cluster) for _, cluster in drawn(300)]
    rows_drawn = [replicates([tally_of(rows)])[0][:, 0].tolist() for rows in (first, second[::-1])]
    assert rows_drawn[0] == rows_drawn[1]


def test_a_mean_over_groups_weighs_each_group_alike() -> None:
    groups = [tally_of([(scored(0.2), n) for n in range(90)], [MEAN]), tally_of([(scored(0.8), 100 + n) for n in range(10)], [MEAN])]
    found = interval_of_mean(groups, MEAN, Resampling.BY_ID)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((0.5, 0.5))


def test_without_a_vectorised_formula_replicates_are_valued_one_by_one() -> None:
    import numpy as np

    assert values_of(RATIO, np.array([[3.0, 4.0], [1.0, 0.0]])).tolist()[0] == 0.75
    assert np.isnan(values_of(RATIO, np.array([[1.0, 0.0]]))[0])


def test_units_are_exact() -> None:
    assert tally_of([(scored(0.5), 0)], [MEAN]).all == [1, 1, SCORE_UNITS // 2]


def test_a_metric_whose_sums_cancel_in_doubles_is_centred_before_it_is_drawn() -> None:
    """Timestamps: R² far from zero has the interval that it has at zero."""
    config = EvalConfig.model_validate(
        {"name": "x", "dataset": {"path": "x"}, "model": {"name": "m"}, "task": "regression", "metrics": ["r2"]}
    )
    [metric] = build_metrics(config)
    assert isinstance(metric, SumMetric)
    intervals = []
    for offset in (0, 1_700_000_000):
        random, tally = Random(5), SumTally.empty([metric])
        for number in range(300):
            target = random.randrange(1000)
            said = Score(
                id="1",
                repeat=0,
                target=str(offset + target),
                prediction=str(offset + target + random.randrange(99)),
                outcome=Outcome.SCORED,
                rule=None,
            )
            tally.update(said, cluster=number)
        found = estimates(tally, Resampling.BY_ID)["r2"]
        intervals.append((found.value, found.low, found.high))
    assert intervals[0][1] is not None
    assert intervals[1] == pytest.approx(intervals[0], abs=1e-9)


def test_replicates_are_the_same_digits_in_whatever_order_their_clusters_are_added_up() -> None:
    """Means of scores are sums of 64 bits and more, of which doubles keep 53: added up backwards they would be others."""
    import numpy as np

    tally = tally_of(drawn(400), [MEAN])
    [sums] = replicates([tally])
    rows = exact(np.array([row for _, row in sorted(tally.clusters.items())], dtype=np.float64))
    random = np.random.Generator(np.random.PCG64(SEED))
    for replicate in sums[:50]:
        chosen = rows[random.integers(len(rows), size=len(rows))]
        forwards = backwards = np.zeros(tally.width)
        for row in chosen:
            forwards = forwards + row
        for row in chosen[::-1]:
            backwards = backwards + row
        assert forwards.tolist() == backwards.tolist() == replicate.tolist()


def test_counts_are_not_rounded_and_large_sums_by_less_than_matters() -> None:
    import numpy as np

    rows = np.array([[1.0, 0.1 * 2**64], [12_345.0, 0.9 * 2**64], [7.0, 3.0]] * 5000)
    rounded = exact(rows)
    assert rounded[:, 0].tolist() == rows[:, 0].tolist()
    assert np.abs(rounded - rows).max() <= 2.0**-36 * rows.max()
    assert exact(np.zeros((0, 2))).shape == (0, 2)


def test_where_every_answer_is_perfect_the_interval_is_that_of_a_share() -> None:
    found = estimates(tally_of([(scored(1.0), cluster) for cluster in range(80)], [MEAN]), Resampling.BY_ID)["quality"]
    assert (found.low, found.high) == pytest.approx(wilson(80, 80))
    assert found.how == "ci:wilson95-by-cluster"
    half = estimates(tally_of([(scored(0.5), cluster) for cluster in range(80)], [MEAN]), Resampling.BY_ID)["quality"]
    assert (half.low, half.high) == (0.5, 0.5)
