from evalsvc.metrics import classification_metrics, per_class, warnings_for
from evalsvc.records import RunWarning, Score
from tests.metrics.confusions import Counts, score, tally_of

LABELS = ("spam", "ham")
GOOD: Counts = {("spam", "spam"): 480, ("spam", "ham"): 20, ("ham", "ham"): 490, ("ham", "spam"): 10}


def warned(counts: Counts, labels: tuple[str, ...] = LABELS) -> dict[str, RunWarning]:
    tally = tally_of(labels, counts)
    rows = sum(counts.values())
    found = warnings_for(tally, classification_metrics(tally, ok=rows, expected=rows), per_class(tally))
    return {warning["kind"]: warning for warning in found}


def test_a_good_run_is_not_warned_of() -> None:
    assert warned(GOOD) == {}


def test_ninety_eight_percent_accuracy_that_finds_twelve_percent_of_a_class_is_called_out() -> None:
    found = warned({("ham", "ham"): 9800, ("spam", "spam"): 24, ("spam", "ham"): 176})
    assert found["hidden_class"]["message"].startswith("accuracy 0.98 hides that only 12 % of `spam` (200 rows) is found")
    assert found["hidden_class"]["evidence"] == {"accuracy": 0.9824, "recall": {"spam": 0.12}}
    assert "class_imbalance" in found


def test_accuracy_no_better_than_the_most_frequent_label_is_called_out() -> None:
    found = warned({("ham", "ham"): 850, ("spam", "spam"): 20, ("spam", "ham"): 130})
    assert "85 % of the rows are `ham`" in found["class_imbalance"]["message"]


def test_an_imbalanced_set_that_is_answered_well_is_not() -> None:
    assert "class_imbalance" not in warned({("ham", "ham"): 850, ("spam", "spam"): 140, ("spam", "ham"): 10})


def test_a_model_with_one_answer_is_called_out() -> None:
    assert "says `ham` (1,000 of them)" in warned({("ham", "ham"): 500, ("spam", "ham"): 500})["predicts_one_class"]["message"]


def test_unparsed_replies_are_warned_of_above_one_percent() -> None:
    assert "unparsed" not in warned({**GOOD, ("ham", "unparsed"): 5, ("ham", "ambiguous"): 5})
    evidence = warned({**GOOD, ("ham", "unparsed"): 5, ("ham", "ambiguous"): 6})["unparsed"]["evidence"]
    assert (evidence["unparsed"], evidence["ambiguous"]) == (5, 6)


def test_cut_replies_are_counted_with_and_without_a_label() -> None:
    tally = tally_of(LABELS, {**GOOD, ("ham", "truncated"): 3})
    cut = score("spam", "spam", LABELS)
    tally.update(Score(id="2", repeat=0, target="spam", prediction="spam", outcome=cut.outcome, rule="word", cut=True))
    found = warnings_for(tally, classification_metrics(tally, ok=1004, expected=1004), per_class(tally))
    assert [warning["evidence"] for warning in found] == [{"truncated": 3, "cut_with_label": 1}]


def test_a_label_without_rows_is_named() -> None:
    assert "`junk`" in warned(GOOD, ("spam", "ham", "junk"))["label_without_rows"]["message"]


def test_few_rows_are_warned_of_with_what_they_leave_open() -> None:
    found = warned({("ham", "ham"): 20, ("spam", "spam"): 18, ("spam", "ham"): 2})
    assert "40 rows leave accuracy anywhere between 0.83 and 0.99" in found["few_rows"]["message"]


def test_rows_without_an_answer_are_counted_by_reason() -> None:
    found = warned({**GOOD, ("ham", "refused"): 1, ("ham", "filtered"): 2, ("spam", "error"): 3})
    assert {kind: found[kind]["evidence"]["rows"] for kind in ("refused", "filtered", "error")} == {"refused": 1, "filtered": 2, "error": 3}
    assert "--retry-failed" in found["error"]["message"]


def test_warnings_come_in_one_order() -> None:
    bad: Counts = {("ham", "ham"): 28, ("spam", "ham"): 2, ("ham", "unparsed"): 2, ("ham", "truncated"): 1, ("ham", "error"): 1}
    expected = ["class_imbalance", "predicts_one_class", "unparsed", "truncated", "label_without_rows", "few_rows", "error"]
    assert list(warned(bad, (*LABELS, "junk"))) == expected
    assert list(warned(dict(reversed(list(bad.items()))), (*LABELS, "junk"))) == expected


def test_a_run_without_rows_is_not_warned_of() -> None:
    assert warned({}) == {}
