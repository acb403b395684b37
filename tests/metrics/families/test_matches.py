import string
from itertools import groupby
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.errors import UsageError
from evalsvc.metrics.families import matches
from evalsvc.metrics.families.matches import Normaliser
from evalsvc.metrics.families.metric import SCORE_UNITS
from evalsvc.scoring.measures import Answer, Measured
from tests.metrics.families.answers import answer, setting, wanted


def worth(name: str, of: Answer, **options: Any) -> float | None:
    """What the metric puts into the scores of a row, and so into its sums."""
    metric = matches.build(wanted(name, **options), setting())
    assert metric.measure is not None
    measured = metric.measure(of)
    return None if measured is None else measured.scores[name]


SHARES: dict[str, dict[str, Any]] = {
    "exact_match": {},
    "normalised_match": {},
    "numeric_match": {},
    "json_valid": {},
    "regex_match": {"pattern": "x"},
}
SHARES |= {"json_schema": {"schema": {"type": "object"}}}


@pytest.mark.parametrize("name", SHARES)
def test_all_but_token_f1_are_shares_of_rows(name: str) -> None:
    metric = matches.build(wanted(name, **SHARES[name]), setting())
    assert metric.share
    assert metric.value([4, 3 * SCORE_UNITS]) == 0.75
    assert metric.signature.endswith("|v:1")
    assert not matches.build(wanted("token_f1"), setting()).share


# What each would find right, were an empty text an answer.
RIGHT_IF_EMPTY = {
    "normalised_match": answer("", "The"),
    "token_f1": answer("", "a"),
    "exact_match": answer("", " "),
    "numeric_match": answer("", "0"),
    "regex_match": answer(""),
    "json_valid": answer(""),
}


@pytest.mark.parametrize(("name", "of"), RIGHT_IF_EMPTY.items())
def test_no_answer_is_worth_nothing(name: str, of: Answer) -> None:
    assert worth(name, of, **({"pattern": ".*", "full": True} if name == "regex_match" else {})) == 0


@pytest.mark.parametrize("name", ["exact_match", "normalised_match", "token_f1", "numeric_match"])
def test_a_row_without_target_has_no_match(name: str) -> None:
    assert worth(name, answer("3")) is None


@pytest.mark.parametrize("name", [*SHARES, "token_f1"])
def test_an_unknown_option_is_an_error_with_its_place(name: str) -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:9.*no option 'wich'"):
        matches.build(wanted(name, wich="first", **SHARES.get(name, {})), setting())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("normalised_match", {"articles": "maybe"}),
        ("normalised_match", {"unicode": "yes"}),
        ("token_f1", {"tokens": 1}),
        ("regex_match", {}),
        ("regex_match", {"pattern": "("}),
        ("regex_match", {"pattern": "x", "full": 1}),
        ("numeric_match", {"which": "best"}),
        ("numeric_match", {"abs": -1}),
        ("numeric_match", {"rel": True}),
        ("numeric_match", {"rel": float("nan")}),
        ("json_valid", {"object": "no"}),
    ],
)
def test_an_option_that_cannot_be_is_an_error_with_its_place(name: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:9"):
        matches.build(wanted(name, **options), setting())


def test_exact_is_to_the_letter_but_for_the_space_around() -> None:
    assert worth("exact_match", answer("Paris", " Paris\n")) == 1
    assert worth("exact_match", answer("paris", "Paris")) == 0
    assert worth("exact_match", answer("Paris", "London", "Paris")) == 1


def normal_by_hand(text: str) -> str:
    """SQuAD's rules once more: lower, no ASCII punctuation, words without articles, one space between them."""
    kept = "".join(character for character in text.lower() if character not in set(string.punctuation))
    pieces = [[*piece] for _, piece in groupby(kept, str.isalnum)]
    return " ".join("".join(" " if "".join(piece) in {"a", "an", "the"} else "".join(piece) for piece in pieces).split())


@settings(deadline=None)
@given(
    st.text(st.sampled_from("aA tThHeEnN.,'-\n\t!é«0"))
    | st.lists(st.sampled_from(["the", "a", "An", "cat", "the-cat", "a.b", "'s"])).map(" ".join)
)
def test_normalising_is_what_squads_rules_say(text: str) -> None:
    assert Normaliser()(text) == normal_by_hand(text)


@pytest.mark.parametrize(
    ("text", "normal"),
    [("The Cat's  hat.", "cats hat"), ("a-b", "ab"), ("an apple a day", "apple day"), ("«The» 5%", "« » 5"), ("THEATRE", "theatre")],
)
def test_normalising_has_the_corners_of_the_evaluation_script(text: str, normal: str) -> None:
    assert Normaliser()(text) == normal


def test_letters_as_answers_need_their_articles() -> None:
    """The answer A is an article, and so any other article is as right as it."""
    assert worth("normalised_match", answer("the", "A")) == 1
    assert worth("normalised_match", answer("the", "A"), articles="keep") == 0
    assert worth("normalised_match", answer("a.", "A"), articles="keep") == 1


def test_unicode_punctuation_and_forms_count_when_asked_for() -> None:
    assert worth("normalised_match", answer("„Straße“", "STRASSE")) == 0
    assert worth("normalised_match", answer("„Straße“", "STRASSE"), unicode=True) == 1
    assert worth("normalised_match", answer("答案。", "答案"), unicode=True) == 1


@pytest.mark.parametrize(
    ("text", "references", "f1"),
    [
        ("the Eiffel Tower in Paris", ["Eiffel Tower"], 2 * 0.5 * 1 / 1.5),
        ("Eiffel Tower", ["London", "the Eiffel tower"], 1.0),
        ("no no no", ["no"], 0.5),
        ("the", ["a"], 1.0),
        ("the", ["cat"], 0.0),
        ("cat", ["the"], 0.0),
        ("x", ["y"], 0.0),
    ],
)
def test_token_f1_is_squads(text: str, references: list[str], f1: float) -> None:
    assert worth("token_f1", answer(text, *references)) == pytest.approx(f1)


@settings(deadline=None)
@given(st.lists(st.sampled_from("abcde")), st.lists(st.sampled_from("abcde")))
def test_token_f1_is_the_harmonic_mean_of_precision_and_recall(left: list[str], right: list[str]) -> None:
    hits, rest = 0, list(right)
    for token in left:
        if token in rest:
            rest.remove(token)
            hits += 1
    f1 = matches.token_f1(left, right)
    if hits:
        precision, recall = hits / len(left), hits / len(right)
        assert f1 == pytest.approx(2 * precision * recall / (precision + recall))
    else:
        assert f1 == float(not left and not right)


def test_characters_are_tokens_where_words_have_no_spaces() -> None:
    assert worth("token_f1", answer("在北京市", "北京")) == 0
    assert worth("token_f1", answer("在北京市", "北京"), tokens="characters") == pytest.approx(2 / 3)


def test_a_pattern_is_found_anywhere_or_has_to_be_all() -> None:
    assert worth("regex_match", answer("so it is B"), pattern="[A-D]$") == 1
    assert worth("regex_match", answer("so it is B"), pattern="[A-D]", full=True) == 0
    assert worth("regex_match", answer("B"), pattern="[A-D]", full=True) == 1


def test_of_a_long_answer_a_pattern_reads_the_end() -> None:
    assert worth("regex_match", answer("B" + " " * 20_000), pattern="B") == 0
    assert worth("regex_match", answer(" " * 100_000 + "B"), pattern="B") == 1
    assert worth("regex_match", answer("B" * 20_001), pattern="B*", full=True) == 0


def test_a_pattern_is_told_apart_in_the_signature() -> None:
    one, other = (matches.build(wanted("regex_match", pattern=pattern), setting()).signature for pattern in ("a", "b"))
    assert one != other


@pytest.mark.parametrize(
    ("text", "reference", "options", "right"),
    [
        ("6 * 7 = 42", "42", {}, 1),
        ("42 = 6 * 7", "42", {}, 0),
        ("42 = 6 * 7", "42", {"which": "first"}, 1),
        ("6 * 7 = 42", "42", {"which": "only"}, 0),
        ("42, yes 42.0", "42", {"which": "only"}, 1),
        ("Answer: 42. It took 3 steps.\nI like 7.", "3", {}, 1),
        ("Answer: 42\nIt took 3 steps.", "42", {}, 1),
        ("$1,234.50", "1234.5", {}, 1),
        ("1.234,50 €", "1234.5", {"decimal": ","}, 1),
        ("0.33", "1/3", {}, 0),
        ("0.33", "1/3", {"rel": 0.01}, 1),
        ("3.1", "3", {"abs": 0.1}, 1),
        ("3.11", "3", {"abs": 0.1}, 0),
        ("-2.9", "-3", {"rel": 0.1}, 1),
        ("45%", "45", {}, 1),
        ("45%", "0.45", {}, 0),
        ("45%", "0.45", {"percent": "share"}, 1),
        ("12345678901234567891", "12345678901234567890", {}, 0),
        ("0", "0", {}, 1),
        ("5 and 6 make 11", "She has 5 and 6.\n#### 11", {"which": "last"}, 1),
        ("none", "0", {}, 0),
        ("3.3", "3", {"abs": 0.3}, 1),
        ("11", "She has some.\n#### 5 + 6 = 11", {"which": "first"}, 1),
        ("11", "5 and 6.\nAnswer: 5 + 6 = 11", {}, 1),
    ],
)
def test_a_number_is_right_within_its_tolerance(text: str, reference: str, options: dict[str, Any], right: int) -> None:
    assert worth("numeric_match", answer(text, reference), **options) == right


def test_any_reference_that_is_a_number_will_do() -> None:
    assert worth("numeric_match", answer("4", "many", "3", "4")) == 1
    assert worth("numeric_match", answer("4", "many")) is None
    assert worth("numeric_match", answer("1804", "12 May 1804")) is None


def test_a_number_that_was_cut_is_not_right() -> None:
    assert worth("numeric_match", answer("It is 12", "12", finish_reason="length")) == 0
    assert worth("numeric_match", answer("It is 12 kg", "12", finish_reason="length")) == 1
    assert worth("numeric_match", answer("12", "12", output="Answer: 12. Now I", finish_reason="length")) == 1


def test_how_numbers_are_read_is_the_configs_unless_the_metric_says_otherwise() -> None:
    german = setting(scoring={"numbers": {"decimal": ","}})
    metric = matches.build(wanted("numeric_match"), german)
    assert metric.measure is not None
    assert metric.measure(answer("1.234,5", "1234.5")) == Measured(scores={"numeric_match": 1.0})
    assert "decimal:.|" in matches.build(wanted("numeric_match", decimal="."), german).signature
