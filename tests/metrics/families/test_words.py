import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score.tokenize import tokenize

from evalsvc.metrics.families import words
from evalsvc.metrics.families.words import TOKENIZERS, Stems, characters, folded, letters_of, rouge_words, unicode_words

LOST_AND_FOUND = (
    "abzABZ09 _-'\n\r\t.éÉßſŞİıÅ\N{KELVIN SIGN}ﬁ①½東京カﾞहिन्दी"
    "\N{ZERO WIDTH JOINER}\N{SOFT HYPHEN}\N{COMBINING ACUTE ACCENT}\u200b\U00011127\ud800"
)


@given(st.text(LOST_AND_FOUND) | st.text())
def test_the_default_words_are_those_of_rouge_score(text: str) -> None:
    assert rouge_words(text) == tokenize(text, None)


@settings(deadline=None)  # the tables of Unicode are made on first use
@given(st.text(st.characters(max_codepoint=127)))
def test_of_ascii_text_the_words_of_unicode_are_the_default_ones(text: str) -> None:
    assert unicode_words(text) == rouge_words(text)
    assert unicode_words(text + " é") == [*rouge_words(text), "é"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("हिन्दी में लिखा", ["हिन्दी", "में", "लिखा"]),
        ("العَرَبِيَّة، نعم", ["العَرَبِيَّة", "نعم"]),
        ("Ελλάς ΕΛΛΆΣ", ["ελλάσ", "ελλάσ"]),
        ("cafe\N{COMBINING ACUTE ACCENT} café CAFÉ", ["café"] * 3),
        ("co\N{SOFT HYPHEN}operate می\N{ZERO WIDTH NON-JOINER}خواهم", ["cooperate", "میخواهم"]),
        ("ＡＢＣ１ ﬁn Straße", ["abc1", "fin", "strasse"]),
        ("1\ufe0f⃣ ❤\ufe0f é", ["1", "é"]),
        ("ភាសា\u200bខ្មែរ", ["ភាសា", "ខ្មែរ"]),
        ("snake_case_é", ["snake", "case", "é"]),
        ("ка\u0306 \N{COMBINING ACUTE ACCENT}x", ["к\u04d1", "x"]),
        ("𑄌\U00011127𑄋𑄴𑄟𑄳𑄦 x", ["𑄌\U00011127𑄋𑄴𑄟𑄳𑄦", "x"]),
        ("我们不在这里", ["我们不在这里"]),
        ("", []),
        ("—…", []),
    ],
)
def test_words_of_other_scripts_stay_whole(text: str, expected: list[str]) -> None:
    assert unicode_words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("東京、ＯＫ。", ["東", "京", "、", "o", "k", "。"]),
        ("ガ ｶﾞ", ["ガ", "ガ"]),
        ("ก\u200bข \u3000ค\n", ["ก", "ข", "ค"]),
        ("A b", ["a", "b"]),
        (" \n", []),
    ],
)
def test_characters_are_counted_without_what_is_blank(text: str, expected: list[str]) -> None:
    assert characters(text) == expected


@pytest.mark.parametrize("tokenizer", TOKENIZERS)
@settings(deadline=None)
@given(lines=st.lists(st.text(LOST_AND_FOUND.replace("\n", "")) | st.text().map(lambda text: text.replace("\n", "")), max_size=4))
def test_the_words_of_a_text_are_those_of_its_lines(tokenizer: str, lines: list[str]) -> None:
    read = TOKENIZERS[tokenizer]
    assert read("\n".join(lines)) == [word for line in lines for word in read(line)]


@settings(deadline=None)
@given(st.text(LOST_AND_FOUND) | st.text())
def test_to_fold_twice_is_to_fold_once_and_case_does_not_matter(text: str) -> None:
    once = folded(text)
    assert characters(once) == characters(text)
    assert unicode_words(once) == unicode_words(text)


def test_marks_and_format_characters_lie_where_they_are_looked_for() -> None:
    everywhere = {one for one in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(one) in ("Mn", "Mc", "Cf")}
    assert set(words._of_category("Mn", "Mc", "Cf")) == everywhere


@given(st.lists(st.text(LOST_AND_FOUND) | st.text(), max_size=3))
def test_letters_are_counted_as_they_are(texts: list[str]) -> None:
    there, kept = letters_of(texts)
    assert there == sum(character.isalpha() for text in texts for character in text)
    assert kept == sum(character.isalpha() for text in texts for word in rouge_words(text) for character in word)
    assert kept <= there


def test_stems_are_forgotten_before_they_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_STEMS_KEPT", 3)
    stems = Stems()
    assert [stems[word] for word in ("cats", "dogs", "cows", "pigs", "cats", "was", "x" * 1000 + "s")] == [
        *("cat", "dog", "cow", "pig", "cat", "was"),
        "x" * 1000,
    ]
    assert dict(stems) == {"pigs": "pig", "cats": "cat", "was": "was"}
