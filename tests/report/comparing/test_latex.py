"""Tables for a paper: every brace closed, every row as wide as its table, every special character escaped."""

import re

import pytest

from evalsvc.compare.nouns import Comparison, Field
from evalsvc.report.comparing import render
from evalsvc.report.comparing.latex import escaped
from tests.report.comparing import cases

ALL = [cases.of_labels(), cases.of_texts(), cases.hostile(), cases.three(), cases.overlapping(), cases.many(7)]


def code(page: str) -> str:
    """Without comments."""
    return "\n".join(line for line in page.splitlines() if not line.startswith("%"))


def is_balanced(page: str) -> bool:
    depth = 0
    for brace in re.findall(r"\\.|[{}]", page, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace, 0)
        if depth < 0:
            return False
    return depth == 0


def tables(page: str) -> list[tuple[str, list[str]]]:
    """Columns and rows of each."""
    found = re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", page, re.DOTALL)
    return [(columns, [line.strip() for line in body.splitlines() if line.endswith(r"\\")]) for columns, body in found]


@pytest.mark.parametrize("what", ALL, ids=range(len(ALL)))
def test_it_compiles_in_principle(what: Comparison | Field) -> None:
    page = code(render(what, "latex"))
    assert is_balanced(page)
    assert page.count("$") - page.count(r"\$") == 2 * len(re.findall(r"(?<!\\)\$[^$]*[^\\$]\$", page))
    assert re.findall(r"\\begin\{(\w+)\}", page) == re.findall(r"\\end\{(\w+)\}", page)[::-1] or page.count(r"\begin{table}") == 2
    for columns, rows in tables(page):
        assert len(rows) >= 2
        for row in rows:
            assert len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1


@pytest.mark.parametrize("mark", list('&%$#_{}~^\\<>|"`'))
def test_no_special_character_is_left_bare(mark: str) -> None:
    bare = escaped(f"a{mark}b").removeprefix("a").removesuffix("b")
    assert bare != mark
    assert bare.startswith("\\")
    assert is_balanced(bare)


def test_what_a_user_wrote_is_no_command() -> None:
    page = code(render(cases.hostile(), "latex"))
    assert r"\textless{}script\textgreater{}alert(1)" in page
    assert r"\textbackslash{} next" in page


def test_a_comment_cannot_be_left() -> None:
    """Signatures are comments, and a line end in a name would end one."""
    page = render(cases.hostile(), "latex")
    assert not [line for line in page.splitlines() if line.startswith("next")]


def test_two_runs_have_their_interval_p_and_what_would_have_shown() -> None:
    page = render(cases.of_labels(), "latex")
    assert r"accuracy & $0.9493$ & $0.9058$ & $-0.0435$ & $[-0.0735, -0.0135]$ & $0.0042$ &  \\" in page
    assert r"balanced\_accuracy & $0.9456$ & $0.9312$ & $-0.0144$ & $[-0.0444, +0.0156]$ & $0.31$ & $0.0429$ \\" in page
    assert r"mcc & -- & $0.7000$ & -- &  & -- &  \\" in page
    assert "over the 134 rows that both have" in page
    assert "% accuracy: accuracy|paired-newcombe95\n" in page


def test_several_runs_have_their_letters_raised_and_their_pairs_in_a_table() -> None:
    page = render(cases.three(), "latex")
    assert r"a-1 & $0.9500^{\mathrm{a}}$ & $[0.9200, 0.9700]$ & $9.500^{\mathrm{a}}$ \\" in page
    assert r"b-2 $-$ a-1 & $-0.0100$ & $[-0.0400, +0.0200]$ & $0.62$ & $0.0429$ \\" in page
    assert "By accuracy, a-1 and b-2 cannot be told apart; both are better than c-3." in page


def test_a_p_below_every_digit_is_mathematics() -> None:
    page = render(cases.of_labels(differences={"accuracy": cases.difference("accuracy", 0.5, 0.9, p=1e-9)}), "latex")
    assert "$< 0.001$" in page
