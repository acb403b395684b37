import re
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from evalsvc.errors import UsageError
from evalsvc.scoring.patterns import READS_CHARS, Pattern, within
from evalsvc.scoring.walk import Match, Unwalkable, compile_program, may_explode
from tests.faults.promises import promise

PLACE = "scoring.extract.regex"
LONG = "a" * 999 + "!"
# pattern and the answer that `re` would give after more than a lifetime
ENDLESS = [
    ("(a+)+$", None),
    ("(?:a|a)*(a)$", None),
    ("(a*)*$", ""),
    ("(?:a*?)*?(b|$)", ""),
    ("a*a*a*a*a*(b)", None),
    (r"(\w+\s?)*\.", None),
    ("(.*?a){20}b", None),
    ("(a+)+!", "a" * 999),
    ("(?i)(A+)+(?=!)", "a" * 999),
]


@promise("13.3")
@pytest.mark.parametrize(("pattern", "answer"), ENDLESS)
def test_a_pattern_that_never_ends_gives_the_answer_that_it_would_have_given(pattern: str, answer: str | None) -> None:
    endless = Pattern(pattern, place=PLACE)
    assert endless.last(LONG) == answer
    assert endless.is_in(LONG) == (answer is not None)
    assert endless.last("b ! a") == _answer(re.compile(pattern), "b ! a")


@promise("13.3")
def test_the_longest_text_is_followed_too() -> None:
    endless = Pattern("(a+)+b", place=PLACE)
    assert endless.last("ab" + "a" * READS_CHARS) is None
    assert not endless.is_all_of("a" * READS_CHARS)


@promise("13.3")
def test_one_that_cannot_be_followed_is_told_with_what_to_do() -> None:
    with pytest.raises(UsageError, match=r"scoring\.extract\.regex: '\(a\+\)\+\\\\1\$' comes to no end .* a backreference") as caught:
        Pattern(r"(a+)+\1$", place=PLACE).last("a" * 60 + "!")
    assert "evalsvc score" in (caught.value.hint or "")


@pytest.mark.parametrize("pattern", ["(a", "*", "(?P<n>a)(?P<n>b)", "a{4294967296}", "[z-a]"])
def test_what_is_no_pattern_is_told(pattern: str) -> None:
    with pytest.raises(UsageError, match=r"scoring\.extract\.regex: .* is no regular expression"):
        Pattern(pattern, place=PLACE)


def _joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    repeats = st.sampled_from(["*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{0,2}?", "{2,}", "{,2}"])
    return st.one_of(
        st.builds("{}{}".format, parts, parts),
        st.builds("(?:{}|{})".format, parts, parts),
        st.builds("({})".format, parts),
        st.builds("(?:{}){}".format, parts, repeats),
        st.builds("({}){}".format, parts, repeats),
        st.builds("(?-i:{})".format, parts),
    )


ATOMS = ["a", "b", "A", "é", "[ab]", "[^a]", ".", r"\w", r"\s", r"\d", "^", "$", r"\A", r"\Z", r"\b", r"\B", "(?=a)", "(?!b.)", "(?<=a)"]
PATTERNS = st.builds("{}{}".format, st.sampled_from(["", "(?i)", "(?m)", "(?s)", "(?a)"]), st.recursive(st.sampled_from(ATOMS), _joined))


@promise("13.3")
@given(pattern=PATTERNS, text=st.text(alphabet="aab Aé\n1", max_size=9))
@example(pattern="a*", text="aa")  # an empty match right behind one, in a place that led to that
@example(pattern="^|a", text="a")  # a match where an empty one was
@example(pattern="(a{0,2}?)a", text="aa")
@example(pattern="(?:a|ab)(b?)", text="ab")
@example(pattern="(?i)(?-i:a)b", text="Ab")
def test_a_walk_ends_where_re_ends(pattern: str, text: str) -> None:
    try:
        compiled = re.compile(pattern)
        program = compile_program(compiled)
    except (re.error, Unwalkable):
        assume(False)
    assert program.last(text) == _shown([*compiled.finditer(text)][-1:], compiled)
    assert program.first(text) == _shown([*compiled.finditer(text)][:1], compiled)
    whole = compiled.fullmatch(text)
    assert program.whole(text) == _shown([] if whole is None else [whole], compiled)


def _shown(found: list[re.Match[str]], compiled: re.Pattern[str]) -> Match | None:
    return (found[0].span(), found[0].span(1) if compiled.groups else (-1, -1)) if found else None


def _answer(compiled: re.Pattern[str], text: str) -> str | None:
    matches = [*compiled.finditer(text)]
    found: str | None = matches[-1][1 if compiled.groups else 0] if matches else None
    return found


def test_where_says_where_in_the_whole_text() -> None:
    text = "x" * (READS_CHARS + 5) + "answer: spam."
    assert text[slice(*Pattern(r"answer: (\w+)", place=PLACE).where(text) or ())] == "spam"


def test_the_limit_leaves_no_timer_and_no_handler_behind() -> None:
    before = signal.getsignal(signal.SIGVTALRM)
    with pytest.raises(TimeoutError):
        within(0.01, lambda: re.search("(a+)+$", "a" * 60 + "!"))
    assert within(60.0, lambda: 1) == 1
    assert signal.getsignal(signal.SIGVTALRM) is before
    assert signal.getitimer(signal.ITIMER_VIRTUAL) == (0.0, 0.0)


def in_a_thread(work: Callable[[], Any]) -> Any:
    told: list[Any] = []
    thread = threading.Thread(target=lambda: told.append(work()), daemon=True)
    thread.start()
    thread.join(30)
    assert told, "it comes to no end, or it failed"
    return told[0]


def test_in_another_thread_there_is_no_limit_and_no_error() -> None:
    assert in_a_thread(lambda: within(0.01, lambda: sum(range(3_000_000)))) == sum(range(3_000_000))


@promise("13.3")
@pytest.mark.parametrize(("pattern", "answer"), ENDLESS[:3])
def test_in_another_thread_where_nothing_could_stop_it_such_a_pattern_ends_too(pattern: str, answer: str | None) -> None:
    assert in_a_thread(lambda: Pattern(pattern, place=PLACE).last(LONG)) == answer


@pytest.mark.parametrize(
    ("pattern", "explodes"),
    [
        (r"answer:\s*(\w+)", False),
        (r"^.*answer: (\w+).*$", False),
        ("a+b+c*", False),
        (r"(\w+\s?)*\.", True),
        ("(a*)?", False),
        (r"(?:a|a)*(a)$", True),
        ("(.*?a){20}b", True),
    ],
)
def test_only_patterns_that_look_like_it_are_taken_for_dangerous(pattern: str, explodes: bool) -> None:
    assert may_explode(re.compile(pattern)) == explodes


@pytest.mark.parametrize(
    ("pattern", "text"), [("(?:a+)+(?=(b)?)", "aab"), ("(?:a+)+(?=b(?:(c))?)", "aabc"), (r"(x)(?:a+)+(?=\1)", "xaax"), (r"(?a:\w)+", "é")]
)
def test_what_a_walk_cannot_follow_it_refuses(pattern: str, text: str) -> None:
    """`re` alone knows what these find."""
    with pytest.raises(Unwalkable):
        compile_program(re.compile(pattern))
    assert Pattern(pattern, place=PLACE).last(text) == _answer(re.compile(pattern), text)
