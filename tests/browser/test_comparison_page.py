"""The page of a comparison in a real browser: it fits, it fetches nothing, and what a model wrote stays text."""

from dataclasses import replace
from pathlib import Path

import pytest

from evalsvc.compare.nouns import Comparison, Field
from evalsvc.report.comparing import render
from tests.browser.browser import Browser
from tests.report.comparing import cases

LONG = "averylongnamewithoutanyblankinit" * 8


def opened(browser: Browser, folder: Path, what: Comparison | Field) -> None:
    (folder / "comparison.html").write_text(render(what, "html"), encoding="utf-8")
    browser.open(folder / "comparison.html")


def endless() -> Comparison:
    flip = replace(cases.EXAMPLES[0], id=LONG, target=LONG, prediction_b=LONG, output_b=LONG)
    return cases.of_labels(a=cases.side(LONG, "a"), b=cases.side(LONG, "b"), examples=[flip], notes=[LONG])


@pytest.mark.parametrize("width", [360, 768, 1280])
@pytest.mark.parametrize("what", [cases.of_labels(), endless(), cases.of_texts(), cases.many(6)], ids=["labels", "long", "texts", "six"])
def test_nothing_but_wide_tables_scrolls_sideways(browser: Browser, tmp_path: Path, what: Comparison | Field, width: int) -> None:
    opened(browser, tmp_path, what)
    browser.resize(width)
    assert browser.evaluate("document.scrollingElement.scrollWidth") <= width


def test_paper_cuts_no_verdict(browser: Browser, tmp_path: Path) -> None:
    one = next(one for one in cases.of_labels().differences.values() if one.mde and not one.is_told)
    opened(browser, tmp_path, cases.of_labels(differences={"average_precision": replace(one, metric="average_precision")}))
    browser.show_as(medium="print")
    browser.resize(688)  # A4 within its margins
    assert browser.evaluate("document.querySelector('table.differences').getBoundingClientRect().right") <= 688


def test_what_a_run_was_and_what_it_took_have_room_on_a_desk(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, cases.of_labels(a=cases.side("a-name-of-some-length/" + "4" * 40, "a")))
    assert browser.evaluate("[...document.querySelectorAll('.scroll')].filter(one => one.scrollWidth > one.clientWidth).length") == 0


def test_what_was_found_stands_in_one_line_on_a_phone(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, cases.of_labels())
    browser.resize(360)
    heights = browser.evaluate("[...document.querySelectorAll('table.differences tbody tr')].map(one => one.offsetHeight)")
    assert max(heights) < 40


def test_markup_of_a_model_is_text_and_nothing_is_fetched(browser: Browser, tmp_path: Path) -> None:
    evil = '<script>window.pwned = 1</script><img src="https://evil.test/x" onerror="window.pwned = 1">'
    flip = replace(cases.EXAMPLES[0], id=evil, target=evil, prediction_a=evil, output_b=evil, prompt=evil)
    opened(browser, tmp_path, cases.of_labels(examples=[flip], notes=[evil], a=cases.side(evil, "a")))
    assert browser.evaluate("window.pwned === undefined")
    assert browser.count("main script, main img") == 0
    assert evil in browser.texts("table.flips tbody th")[0]
    assert (browser.fetched(), browser.errors) == ([], [])


def test_zero_stands_in_one_place_in_all_rows(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, cases.of_labels())
    places = browser.evaluate("[...document.querySelectorAll('table.differences .zero')].map(one => one.getBoundingClientRect().x)")
    assert len(places) == 5
    assert max(places) - min(places) < 0.5
