"""Which metric has which interval and test; and that every one either has a difference or says why not."""

from dataclasses import replace

import numpy as np
import pytest

from evalsvc.compare.differences import differences, flips_of, row_changes
from evalsvc.compare.evidence import CommonRows, Evidence
from evalsvc.compare.proportions import mcnemar
from evalsvc.metrics.kept import Shape
from evalsvc.metrics.names import CLASSIFICATION, OF_POSITIVE, PROBABILITIES
from evalsvc.records import Outcome, Score
from tests.compare.evidences import LABELS, answered, common, evidence_of, labelled, numbered, shape_of

TARGETS = ["ham", "spam", "other", "ham"] * 25
A = [target if row % 5 else "spam" for row, target in enumerate(TARGETS)]
B = [target if row % 4 else "unparsed" for row, target in enumerate(TARGETS)]
SHAPE = shape_of(labels=LABELS)


def sides(shape: Shape = SHAPE, rows: CommonRows | None = None, positive: str | None = "spam") -> tuple[Evidence, Evidence]:
    rows = rows or common(100)
    return tuple(evidence_of(labelled(TARGETS, side), shape, rows, positive=positive) for side in (A, B))  # type: ignore[return-value]


def test_each_metric_has_its_own_method() -> None:
    found = differences(*sides(), ["accuracy", "recall", "precision", "parse_rate", "f1_macro", "recall_weighted"])
    assert found["accuracy"].signature == "ci:tango95|p:mcnemar-mid-p|one-sided:binomial-exact"
    assert found["recall"].signature == found["parse_rate"].signature == found["accuracy"].signature
    assert found["precision"].signature == "ci:paired-t95|p:t"
    assert found["f1_macro"].signature == "ci:paired-bootstrap2000-t95-seed0|p:t"
    assert replace(found["recall_weighted"], metric="accuracy") == found["accuracy"]
    assert found["recall"].n == 25
    assert list(found) == ["accuracy", "recall", "precision", "parse_rate", "f1_macro", "recall_weighted"]


def test_every_classification_metric_has_a_difference_but_coverage() -> None:
    found = differences(*sides(), [*CLASSIFICATION, *OF_POSITIVE])
    assert [name for name, one in found.items() if one.reason is not None] == ["coverage"]
    for name, one in found.items():
        if name != "coverage":
            numbers = (one.difference, one.ci_low, one.ci_high, one.lower, one.upper, one.p, one.p_below, one.p_above, one.se, one.mde)
            assert None not in numbers, name


def test_shares_of_texts_have_mcnemars_test_as_well() -> None:
    shape = shape_of("qa")
    texts = [["Paris"]] * 60
    scores = [
        answered(shape, ["Paris" if row % step else "Rome" for row in range(60)], texts, correct="normalised_match") for step in (3, 4)
    ]
    a, b = (evidence_of(side, shape) for side in scores)
    found = differences(a, b, ["exact_match", "accuracy", "token_f1"])
    assert found["exact_match"].signature == "ci:tango95|p:mcnemar-mid-p|one-sided:binomial-exact"
    assert replace(found["exact_match"], metric="accuracy") == found["accuracy"]
    assert "paired-bootstrap" in found["token_f1"].signature


def test_a_share_over_many_rows_is_one_still() -> None:
    shape = shape_of("qa", metrics=["exact_match"])
    count = 20_500
    score = {text: answered(shape, [text], [["Paris"]], correct="exact_match")[0] for text in ("Paris", "Rome")}
    rows = CommonRows(count=count, clusters=np.arange(count, dtype=np.uint64))
    a, b = (evidence_of([score["Paris" if row % step else "Rome"] for row in range(count)], shape, rows) for step in (3, 4))
    found = differences(a, b, ["exact_match"])["exact_match"]
    assert found.signature.startswith("ci:tango95")
    assert found.n == count


def test_what_a_scorer_measured_is_compared_by_its_name() -> None:
    a, b = (evidence_of(numbered([0.1 * (row % step) for row in range(40)], "tone"), Shape()) for step in (5, 7))
    found = differences(a, b, ["ext.tone", "ext.other"])
    assert found["ext.tone"].signature == "ci:paired-t95|p:t"
    assert found["ext.tone"].n == 40
    assert "not kept by row" in (found["ext.other"].reason or "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("coverage", "nothing to hold against each other"),
        ("bleu", "not kept by row"),
        ("ext.x", "not kept by row"),
        ("nonsense", "not kept"),
    ],
)
def test_what_cannot_be_compared_says_why(name: str, reason: str) -> None:
    found = differences(*sides(), [name])[name]
    assert reason in (found.reason or "")
    assert (found.a, found.b, found.difference) == (None, None, None)


def test_under_other_labels_only_right_and_wrong_can_be_compared() -> None:
    a, _ = sides()
    b, _ = sides(shape_of(labels=(*LABELS, "more")))
    found = differences(a, b, ["accuracy", "f1_macro", "recall_weighted", "parse_rate"])
    assert found["accuracy"].reason is None
    assert found["parse_rate"].reason is None
    for name in ("f1_macro", "recall_weighted"):
        assert "different labels" in (found[name].reason or "")


def test_another_positive_label_makes_other_numbers() -> None:
    a, _ = sides()
    b, _ = sides(positive="ham")
    found = differences(a, b, ["recall", "f1", "f1_macro"])
    assert "another positive one" in (found["recall"].reason or "")
    assert "another positive one" in (found["f1"].reason or "")
    assert found["f1_macro"].reason is None
    without, _ = sides(positive=None)
    assert differences(without, without, ["precision"])["precision"].reason is not None


def test_labels_on_neither_side_leave_no_averages() -> None:
    a, b = (evidence_of(numbered([1.0, 0.0], outcome=Outcome.CORRECT), Shape()) for _ in "ab")
    found = differences(a, b, ["accuracy", "f1_macro"])
    assert found["accuracy"].difference == 0
    assert found["f1_macro"].reason is not None


def test_one_common_row_is_compared_as_far_as_that_goes() -> None:
    shape = shape_of(labels=LABELS, metrics=list(PROBABILITIES), scoring={"labels": list(LABELS)})
    scores = labelled(["ham"], ["ham"]), labelled(["ham"], ["spam"])
    a, b = (evidence_of(side, shape, positive="spam") for side in scores)
    found = differences(a, b, [*CLASSIFICATION, *OF_POSITIVE, *PROBABILITIES])
    assert (found["accuracy"].difference, found["accuracy"].p) == (-1.0, 0.5)
    assert "fewer than two independent rows" in (found["f1_macro"].reason or "")
    texts = shape_of("translation", metrics=["bleu", "rouge", "token_f1"])
    a, b = (evidence_of(answered(texts, [text], [["a b c d"]]), texts) for text in ("a b c d", "a"))
    for one in differences(a, b, ["bleu", "rougeL", "token_f1"]).values():
        assert one.difference is not None
        assert one.p is None or one.p > 0.05


def test_the_seed_is_that_of_the_bootstrap() -> None:
    a, b = sides()
    assert differences(a, b, ["f1_macro"], seed=1)["f1_macro"] == differences(a, b, ["f1_macro"], seed=1)["f1_macro"]
    assert differences(a, b, ["f1_macro"], seed=1)["f1_macro"].se != differences(a, b, ["f1_macro"], seed=2)["f1_macro"].se


def test_flips_are_counted_over_rows_that_are_right_or_wrong() -> None:
    targets, a, b = (
        ["ham", "ham", "spam", "spam", None, "ham"],
        ["ham", "spam", "spam", "ham", "ham", "error"],
        ["ham", "ham", "ham", "ham", "ham", "ham"],
    )
    flips = flips_of(*(evidence_of(labelled(targets, side), SHAPE) for side in (a, b)))
    assert flips is not None
    assert (flips.both_right, flips.both_wrong, flips.to_right, flips.to_wrong) == (1, 1, 2, 1)
    assert flips.p == mcnemar(2, 1).two_sided


def test_flips_of_repeats_are_tested_by_row_and_not_by_repeat() -> None:
    a, b = (labelled([target for target in TARGETS for _ in range(2)], [one for one in side for _ in range(2)]) for side in (A, B))
    rows = common(200, repeats=2)
    flips = flips_of(evidence_of(a, SHAPE, rows), evidence_of(b, SHAPE, rows))
    once = flips_of(*sides())
    assert flips is not None
    assert once is not None
    assert (flips.to_right, flips.to_wrong, flips.p) == (2 * once.to_right, 2 * once.to_wrong, once.p)


def test_there_are_no_flips_where_nothing_says_what_is_right() -> None:
    a, b = (evidence_of(numbered([0.1, 0.2]), Shape()) for _ in "ab")
    assert flips_of(a, b) is None


def test_changes_of_rows_are_b_minus_a() -> None:
    a, b = sides()
    changes = row_changes(a, b, "f1_macro")
    assert np.array_equal(changes, row_changes(a, b, "accuracy"))
    assert sorted(set(changes.tolist())) == [-1.0, 0.0, 1.0]
    rows = [evidence_of(numbered(side, "tone"), Shape()) for side in ([0.1, 0.5, None], [0.4, 0.5, 0.2])]
    assert row_changes(rows[0], rows[1], "ext.tone")[:2].tolist() == pytest.approx([0.3, 0.0])
    assert np.isnan(row_changes(rows[0], rows[1], "ext.tone")[2])


def test_a_score_of_one_side_alone_is_no_change() -> None:
    plain = [Score(id="0", repeat=0, target="x", prediction="y", outcome=Outcome.SCORED, rule=None)]
    a, b = evidence_of(plain, Shape()), evidence_of(numbered([0.5], "tone"), Shape())
    assert np.isnan(row_changes(a, b, "ext.tone")).all()
