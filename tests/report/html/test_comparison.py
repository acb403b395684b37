"""Two runs, or several, on a page."""

from dataclasses import replace

import pytest

from evalsvc.compare.nouns import Comparison, Field
from evalsvc.report.comparing import render
from evalsvc.report.html.comparison import comparison_section
from evalsvc.report.html.whisker import Span, whisker
from tests.report.comparing import cases
from tests.report.html.pages import Reader


@pytest.mark.parametrize("what", [cases.of_labels(), cases.of_texts(), cases.hostile(), cases.three(), cases.many(6)], ids=range(5))
def test_a_page_is_whole_and_fetches_nothing(what: Comparison | Field) -> None:
    page = Reader(render(what, "html"))
    assert page.tags.count("h1") == 1
    assert [level for level, _ in page.headings][:2] == [1, 2]
    assert all(table.caption and not table.unscoped for table in page.tables)
    assert len(page.tables) > 1
    assert {"script", "img", "iframe", "object", "embed"}.isdisjoint(page.tags)
    fetched = [value for _, name, value in page.attributes if name in ("src", "href", "srcset", "action", "data")]
    assert [value for value in fetched if not value.startswith(("#", "data:"))] == []
    assert [name for _, name, _ in page.attributes if name.startswith("on")] == []


def test_what_a_user_wrote_is_text() -> None:
    page = Reader(render(cases.hostile(), "html"))
    assert "<script>alert(1)</script>|`x`*_$%&#{}~^\\ next/b (B) against " in page.text
    assert "\x1b" not in page.text


def test_each_difference_has_its_numbers_its_interval_drawn_and_its_verdict() -> None:
    section = comparison_section(cases.of_labels())
    rows = {row[0]: row for row in Reader(section).table("B minus A over the 134 rows").rows}
    assert rows["accuracy"] == ["accuracy", "0.9493", "0.9058", "-0.0435", "[-0.0735, -0.0135]", "", "0.0042", "worse"]
    assert rows["balanced_accuracy"][-1] == "cannot tell; would have shown ≥ 0.0429"
    assert rows["mcc"] == ["mcc", "–", "0.7000", "–", "", "", "–", ""]
    assert "mcc: main-7 has only one class" in Reader(section).text
    assert section.count('<svg class="whisker bad"') == 2
    assert section.count('<svg class="whisker good"') == 1


def test_both_outputs_stand_side_by_side() -> None:
    rows = {row[0]: row for row in Reader(comparison_section(cases.of_labels())).table("Those that got worse first").rows}
    row, turned, target, a, b = rows["msg-0007"]
    assert turned == "turned wrongpromptThe login page works, but after that everything is white."
    assert (row, target, a, b) == ("msg-0007", "bug", "bug", "billingIt is about billing, I think.")
    assert rows["msg-0032"][-1] == "(refused)"


def test_what_each_run_took_stands_beside_the_other() -> None:
    reader = Reader(comparison_section(cases.of_labels()))
    assert ["cost", "$0.08", "$0.12", "+51 %"] in reader.table("What each run took").rows
    assert ["model", "model-main-7", "model-pr-12"] in reader.table("What was measured").rows


def test_a_very_long_output_is_opened_with_a_click() -> None:
    long = replace(cases.EXAMPLES[0], output_b="word " * 300)
    assert comparison_section(cases.of_labels()).count("<summary>all of it</summary>") == 0
    assert comparison_section(cases.of_labels(examples=[long])).count("<summary>all of it</summary>") == 1


def test_several_runs_have_a_section_for_each_metric() -> None:
    page = render(cases.three(), "html")
    assert [words for level, words in Reader(page).headings if level == 2] == ["Runs", "accuracy", "ext.words"]
    assert "a-1 and b-2 cannot be told apart; both are better than c-3" in page
    assert page.count('<svg class="whisker') == 12


def test_zero_stands_in_the_middle_of_differences() -> None:
    span = Span.around_zero([-0.1, None, 0.02])
    assert span == Span(low=-0.1, high=0.1)
    drawn = whisker(span, -0.1, 0.0, 0.1)
    assert '<line class="zero" x1="80.0"' in drawn
    assert '<circle cx="80.0"' in drawn
    assert '<line class="ends" x1="6.0" y1="8" x2="154.0" y2="8"/>' in drawn


def test_what_has_no_extent_is_not_drawn() -> None:
    assert (Span.around_zero([0.0, None]), Span.of([0.5, 0.5]), Span.of([None])) == (None, None, None)
    assert whisker(None, 0.1, 0.2, 0.3) == ""
    assert whisker(Span(low=0.0, high=1.0), None, None, None) == ""


def test_the_first_flips_are_open_and_the_others_a_click_away() -> None:
    comparison = cases.of_labels()
    many = replace(comparison, examples=[replace(comparison.examples[0], id=f"r{number}") for number in range(12)])
    section = comparison_section(many)
    opened, _, folded = section.partition("<summary>2 more</summary>")
    assert [f"r{number}" in opened for number in (0, 9)] == [True, True]
    assert ">r10<" not in opened
    assert ">r10<" in folded
    assert " more</summary>" not in comparison_section(replace(comparison, examples=many.examples[:10]))
