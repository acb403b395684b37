"""What is said of a difference, before it has a look."""

import pytest

from evalsvc.compare.nouns import Difference
from evalsvc.report.comparing.sides import settings
from evalsvc.report.comparing.told import finding, numbers, sentence, shown_from
from evalsvc.report.facts import Part, Tone
from tests.report.comparing.cases import difference, of_labels, of_texts, side


@pytest.mark.parametrize(
    ("metric", "a", "b", "words", "tone"),
    [
        ("accuracy", 0.90, 0.95, "better", Tone.GOOD),
        ("accuracy", 0.95, 0.90, "worse", Tone.BAD),
        ("ter", 51.2, 47.9, "better", Tone.GOOD),
        ("perplexity", 3.1, 3.9, "worse", Tone.BAD),
        ("ext.words", 3.0, 4.0, "higher", Tone.STRONG),
        ("judge_first_rate", 0.6, 0.5, "lower", Tone.STRONG),
    ],
)
def test_a_difference_that_is_told_is_better_or_worse_as_the_metric_has_it(metric: str, a: float, b: float, words: str, tone: Tone) -> None:
    assert finding(difference(metric, a, b)) == Part(words, tone)


def test_one_that_is_not_told_says_what_would_have_shown() -> None:
    assert finding(difference("accuracy", 0.95, 0.94)).text == "cannot tell; would have shown ≥ 0.0429"


def test_the_corrected_p_decides_where_there_is_one() -> None:
    one = difference("accuracy", 0.90, 0.95, p=0.004, p_holm=0.08)
    assert (finding(one).text.partition(";")[0], numbers(one)[-1]) == ("cannot tell", "0.08")


def test_without_a_number_the_reason_is_said() -> None:
    assert finding(difference("mcc", None, 0.7, reason="only\none class")) == Part("only one class", Tone.WARN)


def test_where_no_row_differs_nothing_would_have_shown() -> None:
    same = difference("parse_rate", 1.0, 1.0, wide=0.0, p=1.0, mde=0.0, se=0.0)
    assert (finding(same).text, shown_from(same)) == ("the same", "")


def test_numbers_have_as_many_digits_as_the_metric() -> None:
    assert numbers(difference("bleu", 34.568, 35.102, wide=1.9)) == ("34.568", "35.102", "+0.534", "[-1.366, +2.434]", "0.31")
    assert numbers(difference("accuracy", 0.9, 0.8999, wide=0.02))[2] == "-0.0001"


def test_a_difference_that_is_no_zero_never_reads_as_one() -> None:
    assert numbers(difference("accuracy", 0.5, 0.5 + 1e-9, wide=1e-10))[2:4] == ("+0.0001", "[+0.0001, +0.0001]")


def test_the_sentence_is_of_the_headline() -> None:
    assert sentence(of_labels()) == Part("accuracy is worse in B: 0.9493 → 0.9058, -0.0435 [-0.0735, -0.0135], p 0.0042", Tone.BAD)
    assert sentence(of_texts()) == Part(
        "bleu cannot be told apart: 34.568 → 35.902, +1.334 [-0.566, +3.234], p 0.31; a difference of 2.714 or more would have shown",
        Tone.WARN,
    )


@pytest.mark.parametrize("headline", [None, "gone"])
def test_without_a_headline_the_first_metric_is_taken(headline: str | None) -> None:
    said = sentence(of_labels(headline=headline))
    assert said is not None
    assert said.text.startswith("accuracy is worse")


def test_nothing_is_said_of_no_metric() -> None:
    assert sentence(of_labels(differences={})) is None


def test_a_headline_that_cannot_be_compared_says_why() -> None:
    said = sentence(of_labels(differences={"mcc": Difference(metric="mcc", a=None, b=None, n=0, reason="other labels")}))
    assert said == Part("mcc cannot be compared: other labels", Tone.WARN)


def test_every_setting_that_differs_is_named() -> None:
    run = {"model": "m", "revision": None, "prompt": "22824cf4aaaa", "params": {"temperature": 0}, "repeats": 1}
    other = {"model": "m", "revision": "r2", "prompt": "9adc0abd912e", "params": {"temperature": 1}, "repeats": 1, "api": "chat"}
    assert settings(of_labels(a=side(run=run), b=side(run=other))) == [
        "revision none → r2",
        "API unknown → chat",
        "prompt 22824cf4 → 9adc0abd",
        'params {"temperature":0} → {"temperature":1}',
    ]


def test_a_sentence_without_an_interval_has_no_gap() -> None:
    said = sentence(of_labels(differences={"accuracy": difference("accuracy", 0.5, 0.6, ci_low=None, ci_high=None)}))
    assert said == Part("accuracy is better in B: 0.5000 → 0.6000, +0.1000, p 0.0042", Tone.GOOD)
