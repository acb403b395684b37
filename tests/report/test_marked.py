"""Markdown: whatever stands in a text, a reader of GitHub's dialect sees that text and nothing else."""

import re
from html import unescape

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from evalsvc.report.marked import bullets, code, document, folded, table, text
from evalsvc.report.plain import one_line

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
TEXTS = st.text(st.sampled_from("ab1 -+_*`|~#@$!<>&[](){}\\/:.=\n\t'\"é\x1b\u202e"), max_size=12) | st.text(max_size=30)


def seen(page: str) -> str:
    """What is left of a page without its tags."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", GITHUB.render(page))).split())


@given(TEXTS)
@example("a\\|b | c")
@example("`` x ` y")
@example("](http://x) [a](b) ![i](j)")
@example("&lt;b&gt; &amp;")
@example("_a_ __b__ *c* ~~d~~ snake_case_name")
def test_a_text_in_a_cell_is_what_it_was(value: str) -> None:
    html = GITHUB.render(table(("one", "two"), [[text(value), code(value)]], words=(0, 1)))
    rows = re.findall(r"<td[^>]*>(.*?)</td>", html, re.DOTALL)
    assert len(rows) == 2
    assert not re.search(r"<(?!/?code>)", "".join(rows))
    assert ["".join(unescape(re.sub(r"</?code>", "", row)).split()) for row in rows] == ["".join(one_line(value).split())] * 2


@given(TEXTS)
@example("- a")
@example("12) b")
@example("> c")
@example("[ ] d")
def test_a_text_in_a_list_is_one_item(value: str) -> None:
    html = GITHUB.render(bullets([text(value)]))
    if one_line(value):
        assert html.count("<li>") == 1
        assert html.count("<ul>") == 1
        assert not re.search(r"<(?!/?(ul|li)>)", html)
        assert "".join(seen(bullets([text(value)])).split()) == "".join(one_line(value).split())


@pytest.mark.parametrize("address", ["http://x.de", "https://x.de", "www.x.de", "mailto:a", "xmpp:a"])
def test_no_address_becomes_a_link_by_itself(address: str) -> None:
    for autolink in ("http://", "https://", "www.", "mailto:", "xmpp:"):
        assert autolink not in text(address)


def test_nobody_is_mentioned_and_no_issue_is_named() -> None:
    assert text("@team see #12") == "&#64;team see &#35;12"


def test_names_of_metrics_stay_readable() -> None:
    assert text("f1_macro.ci_low [0.81, 0.92] (p 0.03)") == "f1_macro.ci_low [0.81, 0.92] (p 0.03)"


def test_numbers_stand_to_the_right() -> None:
    assert table(("a", "b"), [["x", "1"]]) == "| a | b |\n| :-- | --: |\n| x | 1 |"


def test_what_is_empty_is_left_out() -> None:
    assert (table(("a",), []), bullets([]), folded("more", ""), code(" ")) == ("", "", "", "")
    assert document(["a", "", "b"]) == "a\n\nb\n"
