"""Each guard has a corpus that trips it and one, as close as possible, that must not."""

from collections.abc import Sequence
from operator import add
from typing import Any

import pytest

from evalsvc.metrics.families.bleu_guards import doubts
from evalsvc.metrics.families.metric import Setting, Wanted
from evalsvc.metrics.families.sacre import build
from evalsvc.records import RunWarning
from evalsvc.scoring.measures import Answer

CHINESE = "机器翻译系统的质量评价是一个非常困难的问题。"
JAPANESE = "機械翻訳システムの品質をどのように評価するかは難しい問題です。"
THAI = "การประเมินคุณภาพของการแปลภาษาด้วยเครื่องเป็นเรื่องยาก"
KOREAN = "기계 번역의 품질을 평가하는 것은 매우 어려운 문제입니다."
ENGLISH = "How the quality of machine translation should be assessed is a hard question."
KATAKANA = "コンピューターのインターフェースとコミュニケーションのプログラミングについて。"
CUT_APART = "机器 翻译 系统 的 质量 评价 是 一 个 非常 困难 的 问题 。"


def found(references: Sequence[str], text: str = "", **options: Any) -> list[RunWarning]:
    metric = build(Wanted(name="bleu", options=options), Setting(task="translation"))
    assert metric.measure is not None
    sums = [0] * metric.width
    for reference in references:
        measured = metric.measure(Answer(text=text, references=(reference,)))
        assert measured is not None
        sums = list(map(add, sums, measured.stats["bleu"]))
    return list(doubts(metric.signature, sums))


def kinds(warnings: Sequence[RunWarning]) -> list[str]:
    return [warning["kind"] for warning in warnings]


@pytest.mark.parametrize(("text", "tokenize"), [(CHINESE, "zh"), (JAPANESE, "ja-mecab"), (THAI, "char")])
def test_a_tokenizer_that_leaves_clauses_whole_is_warned_of_with_the_one_to_write(text: str, tokenize: str) -> None:
    for tried in ("13a", "intl", "none"):
        warning = found([text] * 3, tokenize=tried)[0]
        assert warning["kind"] == "bleu_tokenizer"
        assert warning["evidence"]["tokenize"] == tokenize
        assert warning["evidence"]["share"] > 0.5
        assert f"tokenizer {tried} " in warning["message"]
        assert f"tokenize: {tokenize}" in warning["message"]
    if tokenize == "ja-mecab":
        pytest.importorskip("MeCab")
    assert kinds(found([text] * 3, tokenize=tokenize)) == []


@pytest.mark.parametrize("text", [ENGLISH, KOREAN, CUT_APART, "Ñandú, Ærøskøbing und Größenwahn sind schöne Wörter."])
def test_text_with_spaces_is_not_warned_of(text: str) -> None:
    assert kinds(found([text] * 3)) == []


def test_long_loan_words_are_words() -> None:
    pytest.importorskip("MeCab")
    assert kinds(found([KATAKANA], tokenize="ja-mecab")) == []


def test_a_name_in_another_script_is_not_warned_of_but_a_twentieth_of_the_letters_is() -> None:
    letters = sum(map(str.isalpha, CHINESE))
    plenty = [ENGLISH] * 50
    assert letters / sum(map(str.isalpha, "".join([*plenty, CHINESE]))) < 0.01
    assert kinds(found([*plenty, CHINESE])) == []
    assert kinds(found([*plenty, *[CHINESE] * 10])) == ["bleu_tokenizer"]


def test_what_the_model_answers_does_not_matter() -> None:
    """A model that answers in Chinese is wrong, and the tokenizer right."""
    assert kinds(found([ENGLISH], text=CHINESE)) == []


@pytest.mark.parametrize(
    ("references", "expected"), [(["yes", "no"], ["bleu_short"]), (["one two three"], ["bleu_short"]), (["one two three four"], [])]
)
def test_references_shorter_than_what_is_counted_are_warned_of(references: Sequence[str], expected: list[str]) -> None:
    """Right answers, too: a corpus of them is worth 0."""
    assert kinds(found(references, text=references[0])) == expected
    assert kinds(found(references, text=references[0], effective_order=True)) == []


def test_how_short_is_too_short_depends_on_the_order() -> None:
    assert kinds(found(["one two three"], max_ngram_order=3)) == []
    assert kinds(found(["one two three four"], max_ngram_order=5)) == ["bleu_short"]
    warning = found(["yes", "not at all"])[0]
    assert warning["evidence"] == {"mean_reference_tokens": 2.0, "order": 4, "rows": 2, "n_grams_of_the_highest_order": 0}
    assert "effective_order: true" in warning["message"]


def test_without_rows_there_is_nothing_to_doubt() -> None:
    assert found([]) == []
