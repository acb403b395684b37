"""What is written reads back as the same values, and looks as a person would have written it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.config.document import parse_yaml
from evalsvc.starting import render

SCALARS = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=30)
KEYS = st.text(max_size=10)
VALUES = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=4))
def test_every_document_reads_back_as_it_was(document: dict[str, Any]) -> None:
    assert parse_yaml(render(document, {}))[0] == document


@pytest.mark.parametrize(
    "text", ["yes", "No", "007", "1e3", "~", "", " x", "x ", "a: b", "a #b", "- a", "{{ input }}", "[a]", "*a", "\ud800", "\x7f", "😀"]
)
@pytest.mark.parametrize("shape", ["plain {}", "{}", "{}\n", "one\n{}\ntwo", "{}\n\ntwo\n", "one\n\n{}"])
def test_awkward_text_stays_the_same_text_everywhere(text: str, shape: str) -> None:
    value = shape.replace("{}", text)
    document = {value or "key": value, "in a list": [value, "x"], "deep": {"list": [{"of": value}, [value]]}}
    assert parse_yaml(render(document, {}))[0] == document


def test_plain_words_urls_and_gates_need_no_quotes() -> None:
    document = {"name": "spam-ft", "url": "http://localhost:8000/v1", "gate": "f1 >= 0.8", "umlaut": "Grüße"}
    assert '"' not in render(document, {})


def test_several_lines_stand_as_a_block() -> None:
    assert render({"prompt": {"user": "one\n\n  two".replace("  ", "")}}, {}) == "prompt:\n  user: |-\n    one\n\n    two\n"


def test_a_long_list_stands_line_by_line() -> None:
    written = render({"scoring": {"labels": [f"a rather long label {number}" for number in range(9)]}}, {})
    assert written.splitlines()[1:3] == ["  labels:", "    - a rather long label 0"]


def test_a_comment_stands_above_its_key_and_one_without_a_key_last_in_its_section() -> None:
    comments = {"": "Head.", "model.name": "As served.", "model.price": "price: {input: 1}", "gates": "gates: []"}
    assert render({"model": {"name": "m", "api": "chat"}, "repeats": 1}, comments) == (
        "# Head.\nmodel:\n  # As served.\n  name: m\n  api: chat\n  # price: {input: 1}\nrepeats: 1\n# gates: []\n"
    )
