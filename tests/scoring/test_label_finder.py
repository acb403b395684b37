import time
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.config.models import Scoring
from evalsvc.errors import UsageError
from evalsvc.scoring import Found, LabelFinder
from tests.scoring.cases import CASES, CHOICE, LANGUAGES, MOOD, NOT_SPAM, SEVERAL, SPAM, STARS


def find(labels: Sequence[str], reply: str, scoring: Scoring | None = None) -> Found:
    return LabelFinder(labels, scoring or Scoring()).find(reply)


@pytest.mark.parametrize(("labels", "reply", "meant", "rule"), CASES)
def test_a_reply_means_what_a_reader_would_say(labels: Sequence[str], reply: str, meant: str | None, rule: str | None) -> None:
    found = find(labels, reply)
    assert (SEVERAL if found.ambiguous else found.label, found.rule) == (meant, rule)


def test_the_table_of_real_replies_is_long() -> None:
    assert len(CASES) >= 100


def test_an_ambiguous_reply_has_no_label() -> None:
    assert find(SPAM, "spam or ham") == Found(label=None, rule="word", ambiguous=True)


def test_thinking_that_never_ends_leaves_nothing_to_read_and_is_said() -> None:
    assert find(SPAM, "<think>spam") == Found(thinking_open=True)
    assert not find(SPAM, "<think>ham</think>spam").thinking_open


def test_an_alias_stands_for_its_label() -> None:
    scoring = Scoring(labels=("spam", "ham"), aliases={"ham": ("legitimate", "no spam"), "spam": ("junk",)})
    replies = {"Legitimate.": "ham", "No spam": "ham", "It is junk, pure spam": "spam", "It is junk": "spam"}
    assert {reply: find(SPAM, reply, scoring).label for reply in replies} == replies


def test_an_alias_of_another_label_makes_a_reply_ambiguous() -> None:
    scoring = Scoring(labels=("spam", "ham"), aliases={"ham": ("legitimate",)})
    assert find(SPAM, "spam, although it looks legitimate", scoring).ambiguous


def test_a_json_path_reads_that_field_and_nothing_else() -> None:
    scoring = Scoring(extract={"json": "verdict.0.kind"})
    assert find(SPAM, '{"label": "ham", "verdict": [{"kind": "Spam!"}]}', scoring) == Found(label="spam", rule="json")
    assert find(SPAM, '{"label": "ham"}', scoring) == Found()
    assert find(SPAM, "ham", scoring) == Found()


def test_a_pattern_reads_the_first_group_of_its_last_match() -> None:
    scoring = Scoring(extract={"regex": r"<<(\w+)>>"})
    assert find(SPAM, "<<ham>> no, <<spam>> it is, not ham", scoring) == Found(label="spam", rule="regex")
    assert find(SPAM, "spam", scoring) == Found()


def test_a_pattern_without_a_group_reads_all_of_its_match() -> None:
    assert find(SPAM, "S: spam", Scoring(extract={"regex": "S: .*"})).label == "spam"


def test_a_pattern_reads_only_the_end_of_a_long_reply() -> None:
    scoring = Scoring(extract={"regex": r"<<(\w+)>>"})
    assert find(SPAM, "<<spam>>" + "." * 20_000, scoring) == Found()
    assert find(SPAM, "." * 90_000 + "<<spam>>", scoring).label == "spam"


def test_without_normalising_a_label_must_match_to_the_letter() -> None:
    scoring = Scoring(normalise="none")
    labels = ("Yes", "yes", "no")
    assert find(labels, " yes\n", scoring) == Found(label="yes", rule="exact")
    assert find(labels, "Yes", scoring).label == "Yes"
    assert find(labels, "yes.", scoring) == Found()
    assert find(labels, "<think>no</think>yes", scoring).label == "yes"


WRONG_SETTINGS: Mapping[str, tuple[Sequence[str], Scoring, str]] = {
    "two labels of one spelling": (("Yes", "yes"), Scoring(), "'Yes' and 'yes' are the same"),
    "underscore and space": (("not_spam", "not spam"), Scoring(), "are the same"),
    "an alias that is another label": (("a", "b"), Scoring(labels=("a", "b"), aliases={"a": ("B",)}), "are the same"),
    "a label of nothing": (("_", "b"), Scoring(), "nothing to look for"),
    "a broken pattern": (SPAM, Scoring(extract={"regex": "("}), "no regular expression"),
    "an unknown extraction": (SPAM, Scoring(extract={"jsn": "a"}), "did you mean `json`"),
    "two extractions": (SPAM, Scoring(extract={"json": "a", "regex": "b"}), "not understood"),
    "no extraction": (SPAM, Scoring(normalise="none", aliases={"spam": ("ham",)}), "stands for both"),
    "a path that is no text": (SPAM, Scoring(extract={"json": 1}), "is not a text"),
}


@pytest.mark.parametrize("case", WRONG_SETTINGS)
def test_settings_that_cannot_work_are_refused_at_once(case: str) -> None:
    labels, scoring, says = WRONG_SETTINGS[case]
    with pytest.raises(UsageError, match=says.replace("(", r"\(")) as refused:
        LabelFinder(labels, scoring)
    assert refused.value.message


def test_a_thousand_labels_are_all_found() -> None:
    labels = tuple(f"class {number} of {number % 7}" for number in range(1000))
    finder = LabelFinder(labels, Scoring())
    assert all(finder.find(f"I would say {label}, surely").label == label for label in labels)


HOSTILE: Mapping[str, str] = {
    "spaces": " " * 100_000,
    "stars": "*" * 100_000,
    "open tags": "<think>" * 14_000,
    "pairs of tags": "<think></think>a" * 6_000,
    "angles": "<" * 100_000,
    "braces": "{" * 100_000,
    "deep json": '{"a":' * 20_000 + "}" * 20_000,
    "a long number": '{"a":' + "9" * 99_000 + "}",
    "negations": "not " * 25_000,
    "half a label": "very" + " " * 100_000,
    "half labels": ("very" + " " * 999) * 100,
    "answer words": "label is " * 11_000,
    "one label": "ham " * 25_000,
    "letters": "A a " * 25_000,
    "letters behind dots": "answer:" + "." * 50_000 + " b" * 25_000,
    "digits": "1.1-1%" * 16_000,
    "combining marks": "a" + "\u0301\u0316" * 25_000,
    "marks that unfold": "\ufdfa" * 33_000,
    "quotes": "“" * 33_000,
    "fences": "```" * 33_000,
    "underscores": "_" * 100_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_reply_takes_long_to_read(kind: str) -> None:
    """Each takes under 50 ms of CPU on the reference machine; the bound leaves room for a slow and busy one, not for a square."""
    for labels in (SPAM, MOOD, CHOICE, STARS, LANGUAGES):
        finder = LabelFinder(labels, Scoring())
        started = time.process_time()
        finder.find(HOSTILE[kind])
        assert time.process_time() - started < 0.5


def test_short_replies_are_read_once_and_the_memory_of_them_is_bounded() -> None:
    finder = LabelFinder(SPAM, Scoring())
    assert finder.find("spam") is finder.find("spam")
    for number in range(10_000):
        finder.find(f"spam {number}")
    assert len(finder._memo) <= 4096


@given(st.text())
def test_any_text_at_all_can_be_read(text: str) -> None:
    for labels in (SPAM, NOT_SPAM, CHOICE, LANGUAGES):
        found = find(labels, text)
        assert found.label is None or (found.label in labels and not found.ambiguous and found.rule)


FORMS = ("{}", "**{}**.", "Answer: {}", '{{"label": "{}"}}', "```\n{}\n```", "<think>spam</think> {}")


@given(st.sampled_from(NOT_SPAM + MOOD), st.sampled_from(FORMS))
def test_every_label_is_found_in_every_form(label: str, form: str) -> None:
    labels = NOT_SPAM if label in NOT_SPAM else MOOD
    assert find(labels, form.format(label.upper())).label == label


def test_lone_surrogates_do_no_harm() -> None:
    assert find(SPAM, "\ud800 spam").label == "spam"
    assert find(SPAM, '{"label": "spam", "x": "\\ud800"}').label == "spam"
