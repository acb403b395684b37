"""report.html in a real browser: what is seen first, on every width and sheet, and what it never does."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.records import Summary
from evalsvc.report.html.page import write_report
from evalsvc.report.html.shown import ShownMessage, ShownRow
from evalsvc.report.html.style import DARK, LIGHT
from tests.browser.browser import Browser
from tests.report.cases import summary
from tests.report.html.pages import manifest, page
from tests.report.html.test_page import hostile

EVIL = '<script>window.pwned = 1</script><img src="https://evil.test/x" onerror="window.pwned = 1">'
PAPER = "getComputedStyle(document.body).backgroundColor"


def opened(browser: Browser, folder: Path, of: Summary, rows: tuple[ShownRow, ...] = (), **changes: Any) -> None:
    write_report(folder / "report.html", page(of, rows=rows, **changes))
    browser.open(folder / "report.html")


def css(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[place : place + 2], 16)) for place in (1, 3, 5))})"


def test_what_decides_is_seen_without_scrolling(browser: Browser, tmp_path: Path) -> None:
    gate = {"gate": "recall >= 0.80", "passed": False, "value": 0.5, "reason": "0.5 is below 0.8"}
    half = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 9, "on_parsed": 0.6, "signature": "s"}
    warnings = [{"kind": "k", "message": "a warning of some length, as they are: " * 4, "evidence": {}}] * 6
    metrics = {"recall": half, **{f"ext.m{number}": half for number in range(19)}}
    opened(browser, tmp_path, summary(gates=[gate] * 3, metrics=metrics, warnings=warnings))
    browser.resize(1280, 800)
    for seen in (".verdict", "table.gates", "table.numbers", ".shares", ".legend", ".warnings"):
        assert browser.evaluate(f"document.querySelector('{seen}').getBoundingClientRect().bottom") <= 800, seen
    assert browser.evaluate("document.querySelector('.scroll:has(.numbers)').scrollWidth") == browser.evaluate(
        "document.querySelector('.scroll:has(.numbers)').clientWidth"
    )


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_nothing_but_wide_tables_scrolls_sideways(browser: Browser, tmp_path: Path, width: int) -> None:
    opened(browser, tmp_path, hostile("averylongnamewithoutanyblankinit" * 8))
    browser.resize(width)
    assert browser.evaluate("document.scrollingElement.scrollWidth") <= width


def test_a_phone_shows_the_headline_numbers_with_their_rows(browser: Browser, tmp_path: Path) -> None:
    metric = {"value": 0.9439, "ci_low": 0.9067, "ci_high": 0.9766, "n": 3716, "signature": "s"}
    opened(browser, tmp_path, summary(metrics={"balanced_accuracy": metric, "f1_macro": metric}))
    browser.resize(390)
    box = "document.querySelector('.scroll:has(.numbers)')"
    assert browser.evaluate(f"{box}.scrollWidth <= {box}.clientWidth")


def test_a_config_of_a_thousand_labels_leaves_room_for_what_follows_it(browser: Browser, tmp_path: Path) -> None:
    labels = [f"label {number}" for number in range(1000)]
    opened(browser, tmp_path, summary(), about=manifest({"scoring": {"labels": labels}, "gates": []}))
    assert browser.evaluate("Math.max(...[...document.querySelectorAll('pre')].map(one => one.offsetHeight))") < 700
    browser.show_as(medium="print")
    assert browser.evaluate("Math.max(...[...document.querySelectorAll('pre')].map(one => one.offsetHeight))") > 10_000


def test_a_page_follows_its_reader_and_shows_the_other_sheet_when_asked(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, summary())
    assert browser.evaluate(PAPER) == css(LIGHT["paper"])
    browser.show_as(scheme="dark")
    assert browser.evaluate(PAPER) == css(DARK["paper"])
    browser.evaluate("document.getElementById('other-sheet').click()")
    assert browser.evaluate(PAPER) == css(LIGHT["paper"])
    browser.show_as(scheme="light")
    assert browser.evaluate(PAPER) == css(DARK["paper"])
    for scheme in ("light", "dark"):
        browser.show_as(scheme=scheme, medium="print")
        assert browser.evaluate(PAPER) == css(LIGHT["paper"])


def test_paper_has_no_controls_and_cuts_no_table(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, hostile("label"))
    browser.show_as(medium="print")
    assert browser.evaluate("[...document.querySelectorAll('nav, .sheet, .skip, input')].every(one => !one.offsetParent)")
    assert browser.evaluate("[...document.querySelectorAll('.scroll')].every(one => getComputedStyle(one).overflowX === 'visible')")
    # what is folded on the screen is open on paper
    assert browser.evaluate("[...document.querySelectorAll('details')].every(one => one.lastElementChild.offsetHeight > 0)")


def test_whatever_is_written_in_a_run_stays_text_and_fetches_nothing(browser: Browser, tmp_path: Path) -> None:
    rows = (ShownRow(id=EVIL, outcome="wrong", target=EVIL, prediction=EVIL, messages=(ShownMessage(role=EVIL, text=EVIL),), reply=EVIL),)
    opened(browser, tmp_path, hostile(EVIL), rows)
    assert browser.evaluate("window.pwned === undefined")
    assert browser.texts("h1") == [EVIL]
    assert browser.fetched() == []
    assert browser.errors == []


def test_an_injected_script_would_not_run(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, summary())
    browser.evaluate(
        "document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.pwned = 1'})); "
        "document.body.append(Object.assign(document.createElement('img'), {src: 'https://evil.test/x'}))"
    )
    browser.evaluate("new Promise(done => setTimeout(done))")
    assert browser.evaluate("window.pwned === undefined")
    assert ["violates the following Content Security Policy" in error for error in browser.errors] == [True, True]


def test_the_first_key_leads_past_the_heading(browser: Browser, tmp_path: Path) -> None:
    opened(browser, tmp_path, summary())
    browser.press("Tab")
    assert browser.evaluate("document.activeElement.className") == "skip"
    assert browser.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    browser.press("Enter")
    assert browser.evaluate("location.hash") == "#content"


def test_an_amount_of_the_matrix_leads_to_its_rows(browser: Browser, tmp_path: Path) -> None:
    rows = (
        ShownRow(id="1", outcome="wrong", target="spam", prediction="ham", reply="ham"),
        ShownRow(id="2", outcome="wrong", target="ham", prediction="spam", reply="spam"),
        ShownRow(id="3", outcome="unparsed", target="spam", reply="what?"),
    )
    opened(browser, tmp_path, summary(), rows)
    assert browser.texts(".matrix td a") == ["40", "9", "31"]
    browser.evaluate("document.querySelector('.matrix td a').click()")
    browser.evaluate("new Promise(done => setTimeout(done))")
    assert browser.count(".rows-list > li") == 1
    assert "target spam" in browser.texts(".rows-list > li")[0]
    assert 0 <= browser.evaluate("document.getElementById('rows').getBoundingClientRect().top") < 900
