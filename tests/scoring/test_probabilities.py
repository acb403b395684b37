"""Class probabilities come from the token that decides, whatever stands around it, and never from what nobody can tell."""

from dataclasses import replace
from math import exp

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.config.models import Scoring
from evalsvc.records import Reply
from evalsvc.scoring import Classifier, LabelFinder
from evalsvc.scoring.probabilities import LABEL_MASS, MASS_UNITS, QUALITY, LabelProbabilities, Reading
from tests.scoring.records import answered, failed
from tests.scoring.tokens import Token, reading, reply, sure, token, token_of

SPAM = ("spam", "ham")


def probs(found: Reading | None) -> dict[str, float]:
    assert found is not None
    assert found.probs is not None
    assert sum(found.probs.values()) == pytest.approx(1)
    return {label: round(value, 9) for label, value in found.probs.items()}


def quality(found: Reading | None) -> dict[str, int]:
    assert found is not None
    return dict(zip(QUALITY, found.quality, strict=True))


def mass(found: Reading | None) -> float:
    return quality(found)["mass"] / MASS_UNITS


def test_variants_of_a_label_are_added_up_and_the_rest_is_the_missing_mass() -> None:
    found = reading(SPAM, token("spam", spam=0.25, Spam=0.05, _SPAM=0.05, ham=0.03, _HAM=0.02, I=0.6))
    assert probs(found) == {"spam": 0.875, "ham": 0.125}
    assert mass(found) == pytest.approx(0.4)
    assert quality(found)["low"] == 1


def test_a_reply_whose_labels_have_half_of_the_probability_has_no_low_mass() -> None:
    assert quality(reading(SPAM, token("spam", spam=0.4, ham=0.11, I=0.49)))["low"] == 0


def test_aliases_are_spellings_of_their_label() -> None:
    scoring = Scoring(labels=SPAM, aliases={"spam": ("junk",)})
    assert probs(reading(SPAM, token("spam", spam=0.5, junk=0.25, ham=0.25), scoring=scoring)) == {"spam": 0.75, "ham": 0.25}


@pytest.mark.parametrize("marked", ["▁spam", "Ġspam", " spam", "\nspam", '"spam', "**spam", "spam.", "spam\n"])
def test_marks_blanks_and_quotes_make_no_other_label(marked: str) -> None:
    found = reading(SPAM, token_of(marked, {marked: 0.6, marked.replace("spam", "ham"): 0.3}), output="spam" if marked[0] in "▁Ġ" else None)
    assert probs(found) == {"spam": round(2 / 3, 9), "ham": round(1 / 3, 9)}


def test_a_longer_word_is_not_the_label_it_begins_with() -> None:
    found = reading(SPAM, token("spam", spam=0.6, ham=0.2, hamster=0.2))
    assert probs(found) == {"spam": 0.75, "ham": 0.25}


def test_the_beginning_of_one_label_alone_is_that_label() -> None:
    assert probs(reading(("billing", "other"), token("bill", bill=0.6, other=0.4), *sure("ing"))) == {"billing": 0.6, "other": 0.4}


def test_a_single_letter_that_begins_one_label_alone_is_that_label() -> None:
    """Half a tokenizer's words begin so; the label that was said must not be the only one that is read in pieces."""
    assert probs(reading(SPAM, token("spam", spam=0.6, h=0.4))) == {"spam": 0.6, "ham": 0.4}
    assert probs(reading(SPAM, token("h", spam=0.6, h=0.4), *sure("am"))) == {"spam": 0.6, "ham": 0.4}
    assert mass(reading(("spam", "scam"), token("spam", spam=0.6, s=0.1, scam=0.3))) == pytest.approx(0.9)


def test_a_letter_that_is_a_word_counts_only_where_it_was_said() -> None:
    labels = ("important", "other")
    assert mass(reading(labels, token("other", other=0.6, I=0.4))) == pytest.approx(0.6)
    assert probs(reading(labels, token("I", I=0.75, other=0.25), *sure("mportant"))) == {"important": 0.75, "other": 0.25}


def test_labels_with_one_beginning_are_told_apart_where_they_part() -> None:
    labels = ("not spam", "not ham", "other")
    found = reading(labels, token("not", Not=0.1, other=0.1, **{"not": 0.8}), token(" spam", _spam=0.75, _ham=0.25))
    assert probs(found) == {"not spam": 0.675, "not ham": 0.225, "other": 0.1}


def test_a_token_of_several_labels_that_was_not_said_leaves_no_probabilities() -> None:
    found = reading(("positive", "possible", "negative"), token("negative", negative=0.6, pos=0.4))
    assert found is not None
    assert found.probs is None
    assert quality(found)["shared"] == 1


def test_a_trace_of_a_shared_token_is_split_evenly() -> None:
    found = reading(("positive", "possible", "negative"), token("negative", negative=0.9995, pos=0.0005))
    assert probs(found) == {"positive": 0.00025, "possible": 0.00025, "negative": 0.9995}


def test_a_label_that_another_begins_with_is_told_from_it_when_the_other_has_a_token_of_its_own() -> None:
    labels = ("1", "10", "2")
    assert probs(reading(labels, token_of("1", {"1": 0.6, "10": 0.2, "2": 0.2}))) == {"1": 0.6, "10": 0.2, "2": 0.2}
    alone = reading(labels, token_of("1", {"1": 0.6, "2": 0.4}))
    assert alone is not None
    assert alone.probs is None


def test_a_digit_that_was_not_said_may_begin_a_longer_number() -> None:
    """Many tokenizers write 10 as 1 and 0: a 1 in the list is one of the two, and nobody knows which."""
    labels = ("1", "10", "9")
    assert probs(reading(labels, token_of("9", {"9": 0.5, "1": 0.3, "10": 0.2}))) == {"1": 0.3, "10": 0.2, "9": 0.5}
    split = reading(labels, token_of("9", {"9": 0.5, "1": 0.5}))
    assert split is not None
    assert split.probs is None


def test_a_label_that_another_begins_with_is_told_from_it_by_what_follows() -> None:
    labels = ("spam", "spam likely", "ham")
    found = reading(labels, token("spam", spam=0.8, ham=0.2), token_of(".", {".": 0.75, " likely": 0.25}))
    assert probs(found) == {"spam": 0.6, "spam likely": 0.2, "ham": 0.2}


def test_a_label_outside_the_list_is_bounded_by_the_smallest_listed() -> None:
    found = reading(("a", "b", "c"), token("a", a=0.9, b=0.02))
    assert probs(found) == {"a": round(0.9 / 0.94, 9), "b": round(0.02 / 0.94, 9), "c": round(0.02 / 0.94, 9)}
    assert quality(found)["censored"] == 1
    assert mass(found) == pytest.approx(0.92)


def test_labels_outside_the_list_have_together_no_more_than_the_list_leaves() -> None:
    labels = ("a", *(f"other{number}" for number in range(10)))
    found = probs(reading(labels, token("a", a=0.9, other0=0.09)))
    assert found["other1"] == round(0.01 / 9, 9)


def test_openais_sentinel_and_null_are_no_logprobs() -> None:
    said: Token = {"t": "spam", "lp": -9999.0, "top": [["ham", -0.1], ["eggs", -3.0], ["spam", -9999.0], ["Spam", None]]}
    found = reading(SPAM, said)
    left = 1 - exp(-0.1) - exp(-3.0)
    assert probs(found)["spam"] == pytest.approx(min(left, exp(-3.0)) / (min(left, exp(-3.0)) + exp(-0.1)))
    assert quality(found)["censored"] == 1


def test_where_the_list_leaves_nothing_a_bound_is_still_more_than_nothing() -> None:
    found = reading(SPAM, token("spam", spam=1.0))
    assert found is not None
    assert found.probs is not None
    assert 0 < found.probs["ham"] < 1e-6
    assert quality(found)["saturated"] == 1


def test_a_said_token_missing_from_its_own_list_is_counted() -> None:
    said: Token = {"t": "spam", "lp": -2.0, "top": [["ham", -0.2], ["eggs", -3.0]]}
    found = probs(reading(SPAM, said))
    assert found["spam"] == pytest.approx(exp(-2.0) / (exp(-2.0) + exp(-0.2)))


DECIDES = token("ham", ham=0.75, spam=0.25)
MISLEADS = token("spam", spam=0.999, ham=0.001)
THOUGHT = token("ham", ham=0.999, spam=0.001)
REPLIES: dict[str, tuple[list[Token], str | None]] = {
    "a JSON answer": ([*sure('{"', "label", '":', ' "'), DECIDES, *sure('"}')], None),
    "a JSON answer behind a reason": ([*sure('{"reason": "not ', "a", '", "', 'label": "'), DECIDES, *sure('"}')], None),
    "a reason that names the other label": ([*sure('{"reason": "no '), MISLEADS, *sure('", "label": "'), DECIDES, *sure('"}')], None),
    "thinking before the answer": ([*sure("<think>"), THOUGHT, *sure("?</think>", "\n"), DECIDES], None),
    "thinking that the server cut from the text": ([*sure("<think>"), THOUGHT, *sure("</think>", "\n\n"), DECIDES], "ham"),
    "an answer line": ([MISLEADS, *sure(" or"), token(" ham", _ham=1.0), *sure("?\n", "**Answer**", ": "), DECIDES], None),
    "a sentence": ([*sure("This", " is", " a", " "), DECIDES, *sure(".")], None),
    "a code fence": ([*sure("```", "\n"), DECIDES, *sure("\n", "```")], None),
    "special tokens around": ([*sure("<|start|>"), DECIDES, *sure("<|im_end|>")], "ham"),
    "characters in parts": ([*sure("\ufffd", "\ufffd", " "), DECIDES], "👍 ham"),
    "a reason with a field of its own": ([*sure('{"reason": "label: '), THOUGHT, *sure('?", "label": "'), DECIDES, *sure('"}')], None),
    "a JSON answer in a sentence": ([*sure('{"reason": "no '), THOUGHT, *sure('", "label": "It is '), DECIDES, *sure('."}')], None),
    "a fence in the label's name": ([*sure("```"), THOUGHT, *sure("\n"), DECIDES, *sure("\n```")], None),
    "a character that is two when levelled": ([*sure("ß… ½ **it** is "), DECIDES], None),
}


@pytest.mark.parametrize("case", REPLIES)
def test_the_token_is_found_where_the_rule_found_the_label(case: str) -> None:
    tokens, output = REPLIES[case]
    assert probs(reading(SPAM, *tokens, output=output)) == {"spam": 0.25, "ham": 0.75}


def test_a_letter_in_a_sentence_is_no_label_where_it_was_none_for_the_rule() -> None:
    sentence = [*sure("This", " is"), token(" a", _a=1.0), *sure(" case", " of"), token(" A", _A=0.75, _B=0.25)]
    assert probs(reading(("A", "B"), *sentence)) == {"A": 0.75, "B": 0.25}


EXTRACTS = {
    "json": ({"json": "verdict.0.kind"}, [*sure('{"note": "'), MISLEADS, *sure('", "verdict": [{"kind": "'), DECIDES, *sure('"}]}')]),
    "the second of two fields of one name": (
        {"json": "last.kind"},
        [*sure('{"first": {"kind": "'), THOUGHT, *sure('"}, "last": {"kind": "'), DECIDES, *sure('"}}')],
    ),
    "regex": ({"regex": r"<(\w+)>"}, [MISLEADS, *sure(" <"), DECIDES, *sure(">")]),
    "regex in markdown": ({"regex": r"\*\*<(\w+)>"}, [MISLEADS, *sure(" **<"), DECIDES, *sure(">**")]),
}


@pytest.mark.parametrize("rule", EXTRACTS)
def test_an_extraction_of_the_users_is_followed(rule: str) -> None:
    extract, tokens = EXTRACTS[rule]
    assert probs(reading(SPAM, *tokens, scoring=Scoring(extract=extract))) == {"spam": 0.25, "ham": 0.75}


def test_to_the_letter_means_that_case_is_no_variant() -> None:
    found = reading(("Yes", "No"), token("Yes", Yes=0.5, yes=0.3, No=0.2), scoring=Scoring(normalise="none"))
    assert mass(found) == pytest.approx(0.7)


def test_labels_of_scripts_without_spaces_are_read_by_their_first_character() -> None:
    assert probs(reading(("垃圾", "正常"), token_of("垃", {"垃": 0.75, "正": 0.25}), *sure("圾"))) == {"垃圾": 0.75, "正常": 0.25}


NOTHING_TO_READ = {
    "no tokens": Reply(output="spam", finish_reason="stop", usage=None, latency_s=0.1),
    "no label": reply(token("hm", hm=1.0)),
    "no alternatives": reply({"t": "spam", "lp": -0.1, "top": []}),
    "null logprobs": reply({"t": "spam", "lp": None, "top": [["spam", None]]}),
    "zeros that no probabilities are": reply({"t": "spam", "lp": 0.0, "top": [["spam", 0.0], ["ham", 0.0], ["eggs", 0.0]]}),
    "scores before the softmax": reply({"t": "spam", "lp": 12.5, "top": [["spam", 12.5], ["ham", 9.0]]}),
    "tokens of another text": reply(token("ham", ham=1.0), output="spam"),
    "a label in parts of characters": reply(*sure("\ufffd", "\ufffd"), output="spam"),
}


@pytest.mark.parametrize("case", NOTHING_TO_READ)
def test_nothing_is_read_where_there_is_nothing(case: str) -> None:
    answered = NOTHING_TO_READ[case]
    found = LabelFinder(SPAM, Scoring()).find(answered.output or "")
    assert LabelProbabilities(SPAM, Scoring()).read(answered, found) is None


def test_a_score_carries_what_was_read() -> None:
    classifier = Classifier(LabelFinder(SPAM, Scoring()), LabelProbabilities(SPAM, Scoring()))
    record = replace(answered(), reply=reply(token("spam", spam=0.75, ham=0.25)))
    score = classifier.score(record)
    assert score.probs == {"spam": 0.75, "ham": 0.25}
    assert score.stats == {LABEL_MASS: (1, MASS_UNITS, 0, 0, 0, 0)}
    refused = replace(record, reply=replace(reply(token("spam", spam=0.75, ham=0.25)), refusal="no"))
    for other in (answered(), failed("timeout"), refused):
        assert (classifier.score(other).probs, classifier.score(other).stats) == (None, None)


chances = st.dictionaries(
    st.sampled_from(["spam", " spam", "SPAM", "ham", "Ham", "the", "s", "I", "h", "ha", "\n", ""]), st.floats(1e-9, 1.0), min_size=1
)


@given(chances)
def test_probabilities_are_those_of_a_plain_sum_over_variants(raw: dict[str, float]) -> None:
    given_spam = {"spam": 0.5} | raw
    listed = {text: chance / sum(given_spam.values()) for text, chance in given_spam.items()}
    found = probs(reading(SPAM, token_of("spam", listed)))
    own = sum(chance for text, chance in listed.items() if text.strip().lower() in {"spam", "s"})
    other = sum(chance for text, chance in listed.items() if text.lower() in {"ham", "ha", "h"})
    if other:
        assert found["spam"] == pytest.approx(own / (own + other), abs=1e-8)
    assert all(0 <= value <= 1 for value in found.values())
