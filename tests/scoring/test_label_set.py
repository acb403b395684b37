from collections.abc import Mapping

import pytest

from evalsvc.config.models import Scoring
from evalsvc.errors import UsageError
from evalsvc.scoring import resolve_labels


def test_labels_keep_the_order_of_the_config() -> None:
    assert resolve_labels(Scoring(labels=("spam", "ham", "other")), {"ham": 3}) == ("spam", "ham", "other")


def test_without_a_config_the_targets_are_the_labels_by_code_point() -> None:
    assert resolve_labels(Scoring(), {"b": 1, "ä": 1, "B": 2, "a": 9}) == ("B", "a", "b", "ä")


def test_configured_labels_need_no_targets() -> None:
    assert resolve_labels(Scoring(labels=("spam", "ham")), {}) == ("spam", "ham")


REFUSED: Mapping[str, tuple[Scoring, Mapping[str, int], str]] = {
    "a target that is no label": (Scoring(labels=("spam", "ham")), {"Spam": 7, "ham": 1}, r"'Spam' \(7 rows\), did you mean 'spam'\?"),
    "no targets": (Scoring(), {}, "no targets"),
    "one target": (Scoring(), {"ham": 9}, "only the target 'ham'"),
    "too many targets": (Scoring(), {str(number): 1 for number in range(1001)}, "1,001 different targets"),
    "a positive that is no label": (Scoring(positive="Spam"), {"ham": 1, "spam": 1}, "'Spam' is not one of .*, did you mean 'spam'"),
    "an alias of no label": (Scoring(aliases={"junk": ("x",)}), {"ham": 1, "spam": 1}, "'junk' is not one of the labels"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_labels_that_do_not_fit_the_data_are_refused_with_the_next_step(case: str) -> None:
    scoring, seen, says = REFUSED[case]
    with pytest.raises(UsageError, match=says) as refused:
        resolve_labels(scoring, seen)
    assert refused.value.hint


def test_five_strangers_are_named_and_the_others_counted() -> None:
    seen = {f"x{number}": number for number in range(1, 9)}
    with pytest.raises(UsageError) as refused:
        resolve_labels(Scoring(labels=("a", "b")), seen)
    assert [name for name in seen if repr(name) in refused.value.message] == ["x4", "x5", "x6", "x7", "x8"]
    assert "and 3 more" in refused.value.message


def test_a_thousand_targets_are_still_labels() -> None:
    assert len(resolve_labels(Scoring(), {str(number): 1 for number in range(1000)})) == 1000


@pytest.mark.parametrize(("target", "remedy"), [("Spam ", "one spelling in the data"), ("junk", "add them to `scoring.labels`")])
def test_another_spelling_of_a_label_is_to_be_corrected_in_the_data(target: str, remedy: str) -> None:
    with pytest.raises(UsageError, match=r"\(1 row\)") as refused:
        resolve_labels(Scoring(labels=("spam", "ham")), {target: 1})
    assert remedy in str(refused.value.hint)
