"""The threshold table says what each threshold costs, and no row without probabilities vanishes from it."""

from random import Random

import pytest
from sklearn.metrics import f1_score, precision_score, recall_score

from evalsvc.config.models import OperatingPoint
from evalsvc.metrics.ranked import RankTally
from evalsvc.metrics.thresholds import Point, Thresholds, thresholds
from evalsvc.records import Score
from tests.metrics.forecasts import drawn, forecast

TWO = ("ham", "spam")


def spam(chance: float, target: str) -> Score:
    return forecast(target, {"ham": 1 - chance, "spam": chance})


def table(*scores: Score, recall: float | None = None, precision: float | None = None, positive: str | None = "spam") -> Thresholds | None:
    tally = RankTally.empty((positive,) if positive else TWO)
    for score in scores:
        tally.update(score)
    wanted = None if recall is None and precision is None else OperatingPoint(recall=recall, precision=precision)
    return thresholds(tally, positive, wanted)


def point(found: Point | None) -> tuple[float, float | None, float | None, int]:
    assert found is not None
    return round(found["threshold"], 3), found["precision"], found["recall"], found["predicted"]


FIVE = [spam(0.9, "spam"), spam(0.8, "ham"), spam(0.6, "spam"), spam(0.3, "spam"), spam(0.1, "ham")]


def test_every_point_is_what_scikit_learn_makes_of_it() -> None:
    random = Random(0)
    scores = [drawn(random, TWO) for _ in range(200)]
    found = table(*scores, recall=0.7)
    assert found is not None
    assert found["best_f1"] is not None
    assert found["operating_point"] is not None
    chosen = [*found["table"], found["best_f1"], found["operating_point"]["point"]]
    targets = [score.target == "spam" for score in scores]
    for one in chosen:
        assert one is not None
        said = [(score.probs or {})["spam"] >= one["threshold"] for score in scores]
        assert one["predicted"] == sum(said)
        assert one["recall"] == recall_score(targets, said)
        assert one["f1"] == pytest.approx(f1_score(targets, said))
        assert one["precision"] == (precision_score(targets, said) if any(said) else None)
    assert found["best_f1"]["f1"] == max(
        f1_score(targets, [(score.probs or {})["spam"] >= (at.probs or {})["spam"] for score in scores]) for at in scores
    )


def test_the_highest_f1_has_its_threshold_between_two_rows() -> None:
    found = table(*FIVE)
    assert found is not None
    assert point(found["best_f1"]) == (0.179, 0.75, 1.0, 4)
    assert found["operating_point"] is None


def test_a_wanted_recall_is_reached_at_the_highest_precision() -> None:
    found = table(*FIVE, recall=0.6)
    assert found is not None
    assert found["operating_point"] is not None
    assert found["operating_point"]["reached"]
    assert point(found["operating_point"]["point"])[1:] == (0.75, 1.0, 4)


def test_a_wanted_precision_is_reached_at_the_highest_recall() -> None:
    found = table(*FIVE, precision=0.7)
    assert found is not None
    assert found["operating_point"] is not None
    assert point(found["operating_point"]["point"])[1:] == (0.75, 1.0, 4)
    stricter = table(*FIVE, precision=0.8)
    assert stricter is not None
    assert stricter["operating_point"] is not None
    assert point(stricter["operating_point"]["point"])[1:] == (1.0, 1 / 3, 1)


LOST = [forecast("spam", None, answered=False), forecast("spam", None), forecast("ham", None, answered=False)]


def test_rows_without_probabilities_are_never_called_positive_and_missed_where_they_are() -> None:
    found = table(*FIVE, *LOST, recall=0.9)
    assert found is not None
    assert found["rows"] == {"positive": 5, "negative": 3, "without_probabilities_positive": 2, "without_probabilities_negative": 1}
    assert max(one["recall"] or 0.0 for one in found["table"]) == 3 / 5
    assert found["operating_point"] is not None
    assert not found["operating_point"]["reached"]
    assert point(found["operating_point"]["point"])[1:] == (0.75, 0.6, 4)


def test_a_precision_that_nothing_reaches_says_what_is_nearest() -> None:
    found = table(spam(0.9, "ham"), spam(0.8, "spam"), precision=0.9)
    assert found is not None
    assert found["operating_point"] is not None
    assert not found["operating_point"]["reached"]
    assert point(found["operating_point"]["point"])[1:] == (0.5, 1.0, 2)


def test_there_is_no_table_without_a_positive_label_or_without_probabilities() -> None:
    assert table(*FIVE, positive=None) is None
    assert table(*LOST) is None


def test_without_positive_rows_no_threshold_is_chosen() -> None:
    found = table(spam(0.9, "ham"), recall=0.9)
    assert found is not None
    assert found["best_f1"] is None
    assert found["operating_point"] is not None
    assert found["operating_point"]["point"] is None


def test_saturated_probabilities_are_still_told_apart() -> None:
    near_one = [forecast("spam", {"ham": 1e-25, "spam": 1.0}), forecast("ham", {"ham": 1e-20, "spam": 1.0})]
    found = table(*near_one)
    assert found is not None
    assert found["best_f1"] is not None
    assert (found["best_f1"]["predicted"], found["best_f1"]["threshold"]) == (1, 1.0)
    assert 46 < found["best_f1"]["log_odds"] < 58
