"""Nothing that a model writes can do anything to a terminal."""

import unicodedata

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.report.plain import clip, json_for_terminals, one_line, plain, shorten

NASTY = st.text(alphabet=st.one_of(st.characters(), st.sampled_from("\x1b[]31m;\x07\x9b\x9c\u202e\ud800\r\n\\")))


@given(NASTY)
def test_no_control_character_survives_but_tabs_and_line_ends(text: str) -> None:
    left = {char for char in plain(text) if unicodedata.category(char) in {"Cc", "Cs"}}
    assert left <= {"\t", "\n"}


@given(NASTY)
def test_what_is_plain_stays_as_it_is(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b31mred", "red"),
        ("\x1b(Btext\x1bc", "text"),
        ("a\x1b", "a"),
        ("a\u2066b\u2069c", "abc"),
        ("over\rwritten", "over\nwritten"),
        ("naïve 垃圾 🙂", "naïve 垃圾 🙂"),
    ],
)
def test_escapes_vanish_and_their_text_stays(written: str, shown: str) -> None:
    assert plain(written) == shown


@given(NASTY)
def test_one_line_is_one_line(text: str) -> None:
    assert len(one_line(text).splitlines()) <= 1


@given(st.text(alphabet="ab\n", max_size=300), st.integers(1, 6), st.integers(1, 9))
def test_clipped_text_fits_and_what_is_left_out_is_counted(text: str, lines: int, columns: int) -> None:
    shown, _, rest = clip(text, lines=lines, columns=columns).partition("\n… ")
    assert sum(max(1, -(-len(line) // columns)) for line in shown.split("\n")) <= lines
    left = int(rest.split()[0]) if rest else 0
    assert 0 <= len(text) - len(shown) - left <= 1


@given(st.text(), st.integers(3, 40))
def test_a_shortened_name_is_never_too_long(text: str, width: int) -> None:
    assert len(shorten(text, width)) <= width


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_made_safe_for_terminals_is_the_same_value(text: str) -> None:
    line = json_for_terminals(orjson.dumps(text).decode())
    assert orjson.loads(line) == text
    assert not {char for char in line if unicodedata.category(char) == "Cc"}
