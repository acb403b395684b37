"""Functions of the count table: both sides measured on the same drawn rows, over joint cells in place of rows."""

from collections.abc import Sequence

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, cohen_kappa_score, f1_score, matthews_corrcoef, precision_score

from evalsvc.compare.differences import differences
from evalsvc.compare.evidence import CommonRows
from evalsvc.compare.nouns import Difference
from evalsvc.metrics import ConfusionTally, classification_metrics
from evalsvc.metrics.names import CLASSIFICATION, OF_POSITIVE
from tests.compare.evidences import LABELS, common, evidence_of, labelled, shape_of

SHAPE = shape_of(labels=LABELS)
NAMES = [name for name in (*CLASSIFICATION, *OF_POSITIVE) if name != "coverage"]
TARGETS: list[str] = np.random.default_rng(1).choice(LABELS, 300, p=(0.6, 0.3, 0.1)).tolist()


def predicted(targets: Sequence[str], right: float, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    others = random.choice([*LABELS, "unparsed"], len(targets))
    return [str(one) for one in np.where(random.random(len(targets)) < right, targets, others)]


A, B = predicted(TARGETS, 0.8, 2), predicted(TARGETS, 0.75, 3)


def between(a: Sequence[str], b: Sequence[str], names: Sequence[str] = NAMES, rows: CommonRows | None = None) -> dict[str, Difference]:
    targets = TARGETS if len(a) == len(TARGETS) else np.repeat(TARGETS, len(a) // len(TARGETS)).tolist()
    sides = [evidence_of(labelled(targets, side), SHAPE, rows, positive="spam") for side in (a, b)]
    return differences(sides[0], sides[1], names)


def test_values_are_those_of_the_summary() -> None:
    found = between(A, B)
    for came_back, side in ((A, "a"), (B, "b")):
        tally = ConfusionTally.empty(LABELS)
        for score in labelled(TARGETS, came_back):
            tally.update(score)
        expected = classification_metrics(tally, ok=300, expected=300, positive="spam")
        for name in NAMES:
            assert getattr(found[name], side) == pytest.approx(expected[name]["value"]), name
            assert found[name].reason is None, name


@pytest.mark.parametrize(
    ("name", "reference"),
    [
        ("f1_macro", lambda t, p: f1_score(t, p, labels=LABELS, average="macro", zero_division=0)),
        ("balanced_accuracy", balanced_accuracy_score),
        ("mcc", matthews_corrcoef),
        ("kappa", cohen_kappa_score),
        ("precision_macro", lambda t, p: precision_score(t, p, labels=LABELS, average="macro", zero_division=0)),
    ],
)
@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
def test_the_error_is_that_of_drawing_rows_and_asking_scikit_learn(name: str, reference: object) -> None:
    assert callable(reference)
    random, drawn = np.random.default_rng(9), []
    true, a, b = np.array(TARGETS), np.array(A), np.array(B)
    for _ in range(400):
        rows = random.integers(300, size=300)
        drawn.append(reference(true[rows], b[rows]) - reference(true[rows], a[rows]))
    assert between(A, B)[name].se == pytest.approx(np.std(drawn), rel=0.12)


def test_what_both_sides_have_in_common_falls_out() -> None:
    """Far less than two independent runs would scatter."""
    almost = [*A[:-5], *B[-5:]]
    assert (between(A, almost)["f1_macro"].se or 0) < 0.3 * (between(A, B)["f1_macro"].se or 0)


def test_repeats_of_rows_say_no_more_than_one_of_them() -> None:
    once = between(A, B)
    thrice = between(np.repeat(A, 3).tolist(), np.repeat(B, 3).tolist(), rows=common(900, repeats=3))
    for name in ("f1_macro", "mcc", "f1", "accuracy", "precision", "recall"):
        assert thrice[name].se == pytest.approx(once[name].se, rel=0.1), name
        assert thrice[name].n in (900, 3 * once[name].n), name
    assert "clusters:300-by-id" in thrice["mcc"].signature


def test_more_clusters_than_replicates_are_drawn_from_are_thrown_together() -> None:
    many = between(np.repeat(A, 20).tolist(), np.repeat(B, 20).tolist(), ["f1_macro"], common(6000, repeats=2))["f1_macro"]
    each = between(np.repeat(A, 20).tolist(), np.repeat(B, 20).tolist(), ["f1_macro"], common(6000, repeats=20))["f1_macro"]
    assert "clusters:9" in many.signature  # of 1,024 buckets, those that hold one of 3,000 ids
    assert "clusters:300-by-id" in each.signature


def test_groups_are_drawn_whole() -> None:
    rows = common(300, groups=[row // 10 for row in range(300)])
    found = between(A, B, ["f1_macro", "accuracy"], rows)
    assert "clusters:30-by-group" in found["f1_macro"].signature
    assert "clusters:30-by-group" in found["accuracy"].signature


def test_equal_answers_are_no_difference_and_no_certainty() -> None:
    for name, one in between(A, A).items():
        assert one.difference == 0, name
        assert one.p == 1.0, name
        assert one.ci_high is not None, name
        assert one.ci_low == -one.ci_high < 0, name


def test_what_is_0_by_0_on_one_side_has_no_difference() -> None:
    one_label = ["ham"] * 300
    sides = [evidence_of(labelled(one_label, side), SHAPE) for side in (one_label, A)]
    found = differences(sides[0], sides[1], ["kappa"])["kappa"]
    assert (found.a, found.difference) == (None, None)
    assert "0/0" in (found.reason or "")


def test_rows_without_a_target_are_in_parse_rate_alone() -> None:
    sides = [evidence_of(labelled([None, None], side), SHAPE, positive="spam") for side in (["ham", "spam"], ["ham", "unparsed"])]
    found = differences(sides[0], sides[1], NAMES)
    assert {name for name, one in found.items() if one.difference is not None} == {"parse_rate"}
    assert all(one.reason for name, one in found.items() if name != "parse_rate")


def test_the_interval_of_macro_f1_holds_the_true_difference_nineteen_times_out_of_twenty() -> None:
    random, held, told = np.random.default_rng(5), [], []
    recalls = np.array([0.9, 0.8, 0.7])
    for _ in range(300):
        true = random.choice(3, 200, p=(0.6, 0.3, 0.1))
        draws = [np.where(random.random(200) < recalls[true], true, (true + 1) % 3) for _ in range(2)]
        b = np.where(random.random(200) < 0.25, draws[1], draws[0])
        sides = [evidence_of(labelled([LABELS[one] for one in true], [LABELS[one] for one in side]), SHAPE) for side in (draws[0], b)]
        one = differences(sides[0], sides[1], ["f1_macro"])["f1_macro"]
        assert one.ci_low is not None
        assert one.ci_high is not None
        held.append(one.ci_low <= 0 <= one.ci_high)
        told.append(one.is_told)
    assert np.mean(held) > 0.915
    assert np.mean(told) < 0.085


def test_whichever_run_is_a_the_draws_are_the_same() -> None:
    """Replicates come from joint cells, and those of (A, B) in their order are not those of (B, A)."""
    forth, back = between(A, B), between(B, A)
    for name in NAMES:
        assert forth[name].p == pytest.approx(back[name].p), name
        assert forth[name].se == pytest.approx(back[name].se), name
        assert (forth[name].p_below, forth[name].p_above) == pytest.approx((back[name].p_above, back[name].p_below)), name
