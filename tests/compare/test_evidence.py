"""What is kept of one side's rows: the same whatever order they come in, and by row or bucket as there is room."""

from collections.abc import Sequence
from random import Random

import numpy as np
import pytest

from evalsvc.compare.differences import differences, row_changes
from evalsvc.compare.evidence import OWN_BUCKETS, CommonRows, Evidence
from evalsvc.errors import UsageError
from evalsvc.metrics.families.metric import SumMetric, mean_of
from evalsvc.metrics.kept import Shape
from evalsvc.metrics.sums import JACKKNIFE_BUCKETS, MOST_CLUSTERS
from evalsvc.records import Outcome, Score
from tests.compare.evidences import LABELS, answered, common, evidence_of, labelled, numbered, shape_of

QUALITY = Shape(metrics=(mean_of("quality", signature="v:1", measure=None),))
NAN = float("nan")


def same(found: "np.typing.NDArray[np.float64]", expected: Sequence[float]) -> bool:
    return bool(np.array_equal(found, np.array(expected), equal_nan=True))


def test_right_answers_are_those_of_rows_with_a_target() -> None:
    scores = labelled(["ham", "ham", None, "spam", "other"], ["ham", "spam", "ham", "error", "refused"])
    evidence = evidence_of(scores, shape_of(labels=LABELS))
    assert same(evidence.right(), [1, 0, NAN, 0, 0])
    assert same(evidence.parsed(), [1, 1, 1, NAN, 0])
    assert same(evidence.recalled(0), [1, 0, NAN, NAN, NAN])
    assert same(evidence.precise(), [1, 0, NAN, NAN, NAN])
    assert same(evidence.precise(0), [1, NAN, NAN, NAN, NAN])


def test_without_labels_outcomes_say_what_is_right() -> None:
    outcomes = [Outcome.CORRECT, Outcome.WRONG, Outcome.SCORED, Outcome.ERROR, Outcome.UNPARSED]
    evidence = evidence_of(of_outcomes(outcomes), Shape())
    assert same(evidence.right(), [1, 0, NAN, 0, 0])
    assert same(evidence.parsed(), [1, 1, 1, NAN, 0])


def test_where_no_answer_is_called_right_or_wrong_none_is() -> None:
    evidence = evidence_of(of_outcomes([Outcome.SCORED, Outcome.ERROR]), Shape())
    assert same(evidence.right(), [NAN, NAN])


def of_outcomes(outcomes: Sequence[Outcome]) -> list[Score]:
    return [Score(id=str(row), repeat=0, target=None, prediction=None, outcome=one, rule=None) for row, one in enumerate(outcomes)]


def test_a_row_that_was_not_taken_is_part_of_nothing() -> None:
    for evidence in (Evidence.empty(shape_of(labels=LABELS), common(2), None), Evidence.empty(Shape(), common(2), None)):
        for values in (evidence.right(), evidence.parsed()):
            assert same(values, [NAN, NAN])


def test_a_label_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="is not one of the labels"):
        evidence_of(labelled(["eggs"], ["ham"]), shape_of(labels=LABELS))


def test_the_order_in_which_rows_are_taken_changes_no_digit() -> None:
    random = Random(1)
    texts = [[f"a b {random.random():.3f} c", "a b c d"] for _ in range(60)]
    shape = shape_of("generation", metrics=["bleu", "rouge", "token_f1", "pass_at_k"], scoring={"correct": "exact_match"}, repeats=2)
    rows = common(60, repeats=2)
    order = list(range(60))
    random.shuffle(order)
    sides = [[random.choice(["a b c", "a b c d", "d c a"]) for _ in range(60)] for _ in range(2)]
    scores = [answered(shape, side, texts, correct="exact_match") for side in sides]
    names = ["accuracy", "bleu", "rougeL", "token_f1", "exact_match", "pass_at_k"]
    forward, shuffled = ([evidence_of(one, shape, rows, order=those) for one in scores] for those in ((), order))
    assert differences(forward[0], forward[1], names) == differences(shuffled[0], shuffled[1], names)


def test_a_row_is_worth_its_own_score_or_that_of_its_sums() -> None:
    def rooted(score: Score) -> Sequence[int] | None:
        return None if score.stats is None else score.stats["root"]

    root = SumMetric(name="root", signature="v:1", width=1, read=rooted, value=lambda sums: float(sums[0]) ** 0.5)
    shape = Shape(metrics=(*QUALITY.metrics, root))
    scores = [
        Score(
            id="0", repeat=0, target="x", prediction="y", outcome=Outcome.CORRECT, rule=None, scores={"quality": 0.5}, stats={"root": [16]}
        ),
        Score(id="1", repeat=0, target="x", prediction="y", outcome=Outcome.WRONG, rule=None),
    ]
    evidence = evidence_of(scores, shape)
    assert same(evidence.worth("quality"), [0.5, NAN])
    assert same(evidence.worth("ext.quality"), [0.5, NAN])
    assert same(evidence.worth("root"), [4.0, NAN])
    assert same(evidence.worth("f1_macro"), [1, 0])


def test_changes_of_a_corpus_metric_are_those_of_its_sentences() -> None:
    shape = shape_of("translation", metrics=["ter", "bleu"])
    texts = [["the cat sat on the mat"], ["a dog"]]
    a, b = (evidence_of(answered(shape, side, texts), shape) for side in (["the cat", "a dog"], ["the cat sat on the mat", "a cat"]))
    changes = row_changes(a, b, "ter")
    assert changes[0] < 0 < changes[1]
    assert row_changes(a, b, "bleu")[0] > 0 > row_changes(a, b, "bleu")[1]
    assert row_changes(a, a, "ter").tolist() == [0, 0]


def test_more_rows_than_are_kept_one_by_one_share_buckets() -> None:
    count = MOST_CLUSTERS + 1
    rows = CommonRows(count=count, clusters=np.arange(count, dtype=np.uint64))
    assert not rows.kept_by_row
    evidence = evidence_of(numbered([0.5] * count), QUALITY, rows)
    assert len(evidence.sums["quality"][0]) == JACKKNIFE_BUCKETS
    assert evidence.tallies(QUALITY.sums[0])[0].all[:2] == [count, count]


def test_both_orders_of_a_pair_that_a_judge_saw_are_in_one_bucket() -> None:
    shape = shape_of("judge", dataset={"path": "runs/a/1", "against": "runs/b/1"}, judge={"rubric": "x"}, metrics=["win_rate"])
    scores = [
        Score(id=f"{row // 2}#0#{'ab' if row % 2 else 'ba'}", repeat=0, target=None, prediction="win", outcome=Outcome.SCORED, rule=None)
        for row in range(400)
    ]
    evidence = evidence_of(scores, shape)
    [tallies] = evidence.own
    assert len(tallies) <= OWN_BUCKETS
    assert sum(tally.value()["win_rate"]["n"] for tally in tallies.values()) == 200


def test_rows_know_their_clusters() -> None:
    rows = common(4, groups=[7, 3, 7, 7])
    assert rows.distinct == 2
    assert [rows.codes[0] == code for code in rows.codes.tolist()] == [True, False, True, True]
    assert not rows.independent
    assert (rows.by, common(4, repeats=2).by) == ("group", "id")
    assert common(4).independent
