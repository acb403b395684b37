"""The report of a real run whose rows and answers would do harm if they were anything but text, opened in a browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.browser import PROGRAM, WHY_SKIPPED, Browser
from tests.e2e.desk import Desk
from tests.e2e.server import serving

pytestmark = [pytest.mark.long, pytest.mark.skipif(PROGRAM is None, reason=WHY_SKIPPED)]

ATTACKS = (
    "<script>window.pwned = 1</script>",
    "</script><script>window.pwned = 1</script>",
    '<img src="http://127.0.0.1:9/x.png" onerror="window.pwned = 1">',
    "<!--<script>window.pwned = 1//",
    "<style>body { display: none }</style>",
    '"><svg onload="window.pwned = 1">',
    "javascript:window.pwned=1",
    "half a letter \ud83d and \u2028 and \u202e and \x07",
)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The server answers with what it is asked, so that all attacks come back; `</script>` is a label too."""
    path = tmp_path_factory.mktemp("desk")
    with serving(tmp_path_factory.mktemp("server") / "calls.jsonl") as server:
        desk = Desk(path=path, base_url=server.url)
        labels = ["spam", "ham", "</script>"]
        desk.write_rows(
            {"id": f"{number}{text}", "text": f"{text} {labels[number % 3]}", "label": labels[number % 2]}
            for number, text in enumerate(ATTACKS)
        )
        desk.write_config(scoring={"labels": labels, "positive": "</script>"}, model={"revision": ATTACKS[1]})
        ended = desk.run("run", "eval.yaml", "--run-dir", "run")
        assert ended.code == 0, ended.err
        yield path / "run" / "report.html"


def test_what_models_and_users_wrote_stays_text(browser: Browser, report: Path) -> None:
    browser.open(report)
    assert browser.count(".rows-list > li") == len(ATTACKS)
    shown = "\n".join(browser.texts(".rows-list > li"))
    for text in ATTACKS[:-1]:
        assert f"{text} " in shown
    assert browser.evaluate("typeof window.pwned") == "undefined"
    assert browser.evaluate("getComputedStyle(document.body).display") == "block"
    assert browser.count("main script:not([type='application/json']), main img, main style, svg[onload]") == 0


def test_a_cell_of_the_confusion_matrix_opens_its_rows(browser: Browser, report: Path) -> None:
    browser.open(report)
    moved = "new Promise(done => addEventListener('hashchange', done, {once: true}))"
    browser.evaluate(
        f"const moved = {moved}; document.querySelector('.matrix a[href*=\"target=spam&predicted=spam\"]').click(); moved.then(() => 1)"
    )
    assert browser.texts(".row-outcome") == ["✓ correct"]
    assert browser.texts(".rows-status") == [f"1 of {len(ATTACKS)} rows"]
    assert browser.evaluate("document.querySelector('#rows').getBoundingClientRect().top < innerHeight")


def test_nothing_is_fetched_and_nothing_is_complained_of(browser: Browser, report: Path) -> None:
    browser.open(report)
    browser.evaluate("[...document.querySelectorAll('details')].forEach(one => one.open = true)")
    assert browser.fetched() == []
    assert browser.errors == []
    assert browser.evaluate("performance.getEntriesByType('resource').length") == 0


def test_a_script_that_came_with_a_reply_could_not_run_and_could_fetch_nothing(browser: Browser, report: Path, tmp_path: Path) -> None:
    """Even where it were markup: the policy of the page allows one script, by its hash, and no address."""
    injected = tmp_path / "injected.html"
    html = report.read_text("utf-8")
    attack = '<script>window.pwned = 1</script><img src="http://127.0.0.1:9/x.png" onerror="window.pwned = 1">'
    injected.write_text(html.replace("</main>", f"{attack}</main>"), "utf-8")
    browser.open(injected)
    assert browser.evaluate("typeof window.pwned") == "undefined"
    assert browser.fetched() == []
    assert any("Content Security Policy" in error for error in browser.errors)
    browser.errors.clear()


@pytest.mark.parametrize("width", [360, 390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_is_no_wider_than_its_window(browser: Browser, report: Path, width: int, scheme: str) -> None:
    browser.resize(width)
    browser.show_as(scheme=scheme)
    browser.open(report)
    assert browser.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
    assert browser.evaluate("innerWidth") == width


def test_on_paper_there_is_a_table_of_rows_and_no_control(browser: Browser, report: Path) -> None:
    browser.open(report)
    assert (_visible(browser, ".rows-plain table"), _visible(browser, "#rows-browser")) == (False, True)
    browser.show_as(medium="print")
    assert (_visible(browser, ".rows-plain table"), _visible(browser, "#rows-browser")) == (True, False)
    assert not any(_visible(browser, control) for control in ("button", "select", "input"))


def test_without_javascript_the_first_rows_can_be_read(browser: Browser, report: Path) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(report)
        assert _visible(browser, ".rows-plain table")
        assert browser.count(".rows-plain tbody tr") == len(ATTACKS)
        assert browser.count("#rows-browser *") == 0
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def _visible(browser: Browser, selector: str) -> Any:
    return browser.evaluate(f"[...document.querySelectorAll({selector!r})].some(one => one.getClientRects().length > 0)")
