"""A comparison on GitHub."""

import re

from markdown_it import MarkdownIt

from evalsvc.report.comparing import render
from tests.report.comparing import cases

GITHUB = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def test_two_runs_have_what_a_reviewer_asks_for() -> None:
    page = render(cases.of_labels(), "markdown")
    for words in (
        "### support/pr-12 (B) against support/main-7 (A)\n\n**accuracy is worse in B: 0.9493 → 0.9058",
        "- rows: 134 compared · 3 only in A (a-1, a-2, a-3)",
        "- differs: model model-main-7 → model-pr-12\n",
        "| <code>accuracy</code> | 0.9493 | 0.9058 | -0.0435 | [-0.0735, -0.0135] | 0.0042 | **worse** |",
        "| -0.0144 | [-0.0444, +0.0156] | 0.31 | cannot tell; would have shown ≥ 0.0429 |",
        "| <code>mcc</code> | – | 0.7000 | – |  | – |  |",
        "turned right 3 · turned wrong 9 · p 0.092 (mid-p McNemar)",
        "| turned wrong | <code>msg-0007</code> | <code>bug</code> | <code>bug</code> | <code>billing</code> |",
        "| latency p95 | 0.41 s | 0.62 s | +51 % |",
        "- the two runs have other data sets: 3 rows are only in A, 2 only in B\n- mcc: main-7 has only one class\n",
    ):
        assert words in page


def test_several_runs_have_the_headline_open_and_the_others_folded() -> None:
    page = render(cases.three(), "markdown")
    head, folded = page.split("<details><summary>the other metrics</summary>")
    assert "**accuracy**: a-1 and b-2 cannot be told apart; both are better than c-3" in head
    assert "| <code>b-2</code> − <code>a-1</code> | -0.0100 | [-0.0400, +0.0200] | 0.62 | cannot tell; would have shown ≥ 0.0429 |" in head
    assert "ext.words" in folded
    assert "- runs that share a letter cannot be told apart" in folded


def test_tables_are_tables() -> None:
    for page, number in ((render(cases.of_labels(), "markdown"), 3), (render(cases.three(), "markdown"), 5)):
        assert GITHUB.render(page).count("<table>") == number


def test_nothing_of_a_user_is_markup() -> None:
    html = GITHUB.render(render(cases.hostile(), "markdown"))
    tags = set(re.findall(r"</?([a-z]\w*)", html))
    assert tags <= {"h3", "p", "strong", "ul", "li", "code", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"}
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") > 8
    assert "\x1b" not in html
