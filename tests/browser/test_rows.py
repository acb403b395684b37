"""The browser of rows in use: filters, search, links, keys, comparisons, and as many rows as there may be."""

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evalsvc.records import Summary
from evalsvc.reduce.examples import MOST_FAILURES, MOST_OTHERS
from evalsvc.report.html.document import document
from evalsvc.report.html.rows import ROWS_STYLE, rows_link, rows_script, rows_section
from evalsvc.report.html.shown import ShownMessage, ShownRow
from tests.browser.browser import PROGRAM, WHY_SKIPPED, Browser
from tests.report.cases import summary

pytestmark = pytest.mark.skipif(PROGRAM is None, reason=WHY_SKIPPED)

# Opens a page of some rows.
Open = Callable[..., None]


def asked(text: str) -> tuple[ShownMessage, ...]:
    return (ShownMessage(role="system", text="One word."), ShownMessage(role="user", text=text))


def labelled(number: int, target: str, said: str | None, **more: Any) -> ShownRow:
    outcome = "unparsed" if said is None else "correct" if said == target else "wrong"
    given = {"messages": asked(f"message {number}"), "reply": said or "no idea", "latency_s": 0.1 + number, **more}
    return ShownRow(id=f"r{number}", outcome=outcome, target=target, prediction=said, rule="exact", **given)


LABELLED = (
    labelled(0, "spam", "ham", messages=asked("Win a PRIZE now")),
    labelled(1, "ham", "spam", probabilities={"spam": 0.9, "ham": 0.1}),
    labelled(2, "spam", "ham", probabilities={"ham": 0.6, "spam": 0.4}),
    labelled(3, "spam", None),
    labelled(4, "spam", "spam", reply="spam, as it says prize"),
    labelled(5, "constructor", "constructor", probabilities={"spam": 0.5}),
)


def compared(answer: str, *references: str) -> ShownRow:
    scores = {"sentence_chrf": float(len(answer)), "sentence_ter": float(-len(answer))}
    return ShownRow(id=answer[:20], outcome="scored", references=references, prediction=answer, reply=answer, scores=scores)


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Open:
    """Opens a page of these rows."""

    def opened(rows: Sequence[ShownRow], fragment: str = "", *, labels: bool = True) -> None:
        whole: Summary = {**summary(), "outcomes": dict(Counter(row.outcome for row in rows))}
        if not labels:
            whole["confusion_matrix"] = None
        section = rows_section(rows, summary=whole, run_dir="runs/n/one")
        page = document(title="rows", heading="<h1>rows</h1>", body=section, style=ROWS_STYLE, script=rows_script())
        path = tmp_path / "rows.html"
        path.write_text(page, "utf-8")
        browser.open(path, fragment)

    return opened


def ids(browser: Browser) -> list[str]:
    return browser.texts(".rows-list code")


def status(browser: Browser) -> str:
    (words,) = browser.texts(".rows-status")
    return words


def choose(browser: Browser, name: str, value: str) -> None:
    """As somebody does who picks an option of a list, or types a text."""
    control = f"document.querySelector('#rows-{name}')"
    browser.evaluate(f"{control}.value = {value!r}; {control}.dispatchEvent(new Event('change', {{bubbles: true}}))")


def test_rows_are_filtered_by_outcome_target_and_prediction(browser: Browser, show: Open) -> None:
    show(LABELLED)
    assert (status(browser), ids(browser)) == ("6 rows", ["r0", "r1", "r2", "r3", "r4", "r5"])
    choose(browser, "outcome", "wrong")
    assert (status(browser), ids(browser)) == ("3 of 6 rows", ["r0", "r1", "r2"])
    choose(browser, "target", "spam")
    assert ids(browser) == ["r0", "r2"]
    choose(browser, "outcome", "")
    choose(browser, "predicted", "unparsed")
    assert ids(browser) == ["r3"]
    assert browser.errors == []


def test_search_looks_into_prompts_replies_targets_and_ids_and_not_at_case(browser: Browser, show: Open) -> None:
    show(LABELLED)
    for text, expected in {
        "prize": ["r0", "r4"],
        "R3": ["r3"],
        "construct": ["r5"],
        "one word": [],
        "": ["r0", "r1", "r2", "r3", "r4", "r5"],
    }.items():
        choose(browser, "q", text)
        assert ids(browser) == expected
    assert status(browser) == "6 rows"


def test_what_was_searched_is_marked_without_new_elements(browser: Browser, show: Open) -> None:
    show(LABELLED)
    choose(browser, "q", "prize")
    assert browser.evaluate("[...CSS.highlights.get('found-in-rows')].map(range => range.toString())") == ["PRIZE", "prize"]
    choose(browser, "q", "")
    assert browser.evaluate("CSS.highlights.has('found-in-rows')") is False


def test_rows_are_sorted_by_how_sure_the_model_was_and_how_slow(browser: Browser, show: Open) -> None:
    """A label that is called as what every object has is one like others."""
    show(LABELLED)
    choose(browser, "sort", "sure")
    assert ids(browser) == ["r1", "r2", "r0", "r3", "r4", "r5"]
    choose(browser, "sort", "slow")
    assert ids(browser) == ["r5", "r4", "r3", "r2", "r1", "r0"]


def test_rows_are_sorted_by_each_score_in_its_direction(browser: Browser, show: Open) -> None:
    show([compared("middle one", "x"), compared("the longest of all", "x"), compared("short", "x")], labels=False)
    choose(browser, "sort", "worst sentence_chrf")
    assert ids(browser) == ["short", "middle one", "the longest of all"]
    choose(browser, "sort", "worst sentence_ter")
    assert ids(browser) == ["short", "middle one", "the longest of all"]


def test_a_link_opens_the_rows_it_asks_for_and_filters_are_in_the_address(browser: Browser, show: Open) -> None:
    show(LABELLED, rows_link(target="spam", predicted="ham"))
    assert ids(browser) == ["r0", "r2"]
    assert browser.evaluate("document.querySelector('#rows-predicted').value") == "ham"
    choose(browser, "q", "prize")
    assert browser.evaluate("location.hash") == "#rows?target=spam&predicted=ham&q=prize"
    moved = "new Promise(done => addEventListener('hashchange', done, {once: true}))"
    browser.evaluate(f"const moved = {moved}; location.hash = '#rows?outcome=unparsed'; moved.then(() => true)")
    assert ids(browser) == ["r3"]
    browser.evaluate("document.querySelector('#rows-browser [type=reset]').click()")
    assert (len(ids(browser)), browser.evaluate("location.hash")) == (6, "#rows")
    assert browser.errors == []


def test_a_link_to_what_is_not_there_says_so(browser: Browser, show: Open) -> None:
    show(LABELLED, rows_link(target="</script>", sort="nonsense"))
    assert (status(browser), ids(browser)) == ("0 of 6 rows", [])
    assert browser.evaluate("document.querySelector('#rows-target').selectedOptions[0].text") == "</script> (0)"
    assert browser.errors == []


def test_everything_is_reached_with_the_keyboard(browser: Browser, show: Open) -> None:
    show([labelled(number, "spam", "ham" if number else None, reply="long " * 400) for number in range(60)])
    reached = []
    for _ in range(12):
        browser.press("Tab")
        reached.append(browser.evaluate("document.activeElement.id || document.activeElement.className || document.activeElement.tagName"))
    assert [name for name in reached if name.startswith("rows-")] == [
        "rows-outcome",
        "rows-target",
        "rows-predicted",
        "rows-q",
        "rows-sort",
    ]
    assert "row-open" in reached
    browser.evaluate("document.querySelector('.row-open').focus()")
    browser.press("Enter")
    assert browser.evaluate("document.querySelector('.row-open').getAttribute('aria-expanded')") == "true"
    browser.evaluate("document.querySelector('#rows-q').focus()")
    for key in (*"r59", "Enter"):
        browser.press(key)
    assert ids(browser) == ["r59"]


def test_every_control_has_a_name_and_the_count_is_said_aloud(browser: Browser, show: Open) -> None:
    show(LABELLED)
    assert browser.evaluate(
        "[...document.querySelectorAll('#rows-browser :is(select, input)')].every(one => one.labels[0].innerText.trim())"
    )
    assert browser.evaluate("document.querySelector('.rows-status').role") == "status"


def test_more_rows_come_on_demand_and_the_focus_goes_to_the_first_of_them(browser: Browser, show: Open) -> None:
    show([labelled(number, "spam", "ham") for number in range(60)])
    assert len(ids(browser)) == 25
    assert browser.texts(".rows-more") == ["show 25 more of 35"]
    browser.evaluate("document.querySelector('.rows-more').click()")
    assert browser.evaluate("document.activeElement.querySelector('code').innerText") == "r25"
    browser.evaluate("document.querySelector('.rows-more').click()")
    assert ids(browser) == [f"r{number}" for number in range(60)]
    assert browser.count(".rows-more:not([hidden])") == 0


def test_as_many_rows_as_there_may_be_are_a_small_page(browser: Browser, show: Open) -> None:
    draw = Random(1)
    words = [f"word{number}" for number in range(300)]

    def text() -> str:
        return " ".join(draw.choices(words, k=500))

    rows = [
        ShownRow(
            id=f"r{number}",
            outcome="wrong",
            references=(text(),),
            reply=text(),
            prediction="x",
            messages=asked(text()[:400]),
            scores={"chrf": 0.5},
        )
        for number in range(MOST_FAILURES + MOST_OTHERS)
    ]
    show(rows, labels=False)
    assert status(browser) == "500 rows"
    assert browser.count(".rows-list > li") == 25
    # of those that are shown, and the table for paper
    assert browser.count("*") < 12_000
    choose(browser, "q", "r499")
    assert browser.count(".rows-list > li") == 1


@pytest.mark.parametrize("width", [320, 390])
def test_a_phone_shows_rows_without_scrolling_sideways(browser: Browser, show: Open, width: int) -> None:
    browser.resize(width)
    long = "x" * 3000
    show([labelled(0, long, long, reply=long, messages=asked(long)), *LABELLED])
    assert browser.evaluate("document.scrollingElement.scrollWidth") == width


def test_what_answer_and_target_have_in_common_is_not_marked(browser: Browser, show: Open) -> None:
    show([compared("The cat sat on 3.8 mats.", "A dog and", "The cat lay on 3.9 mats, today.")], labels=False)
    assert browser.texts(".rows-list del") == ["sat", "3.8"]
    assert browser.texts(".rows-list ins") == ["lay", "3.9", ", today"]
    # the one that is most like it stands first
    assert browser.texts(".row-part:last-child .lines") == ["The cat lay on 3.9 mats, today.", "A dog and"]


def test_letters_of_scripts_without_blanks_are_compared_one_by_one(browser: Browser, show: Open) -> None:
    show([compared("猫が 庭に います", "犬が 庭に いました")], labels=False)
    assert (browser.texts(".rows-list del"), browser.texts(".rows-list ins")) == (["猫", "す"], ["犬", "した"])


@pytest.mark.parametrize(
    ("answer", "reference"),
    [
        ("128", "140"),
        ("nothing in common here", "what an altogether different text"),
        ("the same " * 400, "the same " * 399 + "other words"),
    ],
)
def test_numbers_strangers_and_very_long_texts_are_not_compared(browser: Browser, show: Open, answer: str, reference: str) -> None:
    show([compared(answer, reference)], labels=False)
    assert browser.count(".rows-list :is(del, ins)") == 0
    assert browser.texts(".rows-list .lines")[-1].strip() == reference.strip()


def test_the_words_that_are_not_marked_are_the_most_there_are_in_common(browser: Browser, show: Open) -> None:
    draw = Random(7)
    pairs = [([draw.choice("abcd") for _ in range(12)], [draw.choice("abcd") for _ in range(9)]) for _ in range(20)]
    show([compared(" ".join(left), " ".join(right)) for left, right in pairs], labels=False)
    script = """
        const unmarked = lines => {
            lines.querySelectorAll('del, ins').forEach(one => one.remove());
            return lines.innerText.split(/\\s+/).filter(Boolean);
        };
        const columns = [...document.querySelectorAll('.row-texts')].map(one => [...one.querySelectorAll('.lines')].slice(-2));
        columns.map(column => column.map(unmarked))"""
    for (answer, target), (left, right) in zip(browser.evaluate(script), pairs, strict=True):
        assert answer == target
        assert len(answer) == longest_common(left, right)


def longest_common(left: Sequence[str], right: Sequence[str]) -> int:
    """The length of their longest common subsequence, as Wagner and Fischer (1974) have it."""
    lengths = [0] * (len(right) + 1)
    for one in left:
        before = lengths[:]
        for place, other in enumerate(right, start=1):
            lengths[place] = before[place - 1] + 1 if one == other else max(before[place], lengths[place - 1])
    return lengths[-1]


def test_a_row_that_failed_shows_why_and_one_that_was_refused_what_was_said(browser: Browser, show: Open) -> None:
    rows = [
        ShownRow(id="r0", outcome="error", target="spam", messages=asked("a"), error="timeout: no answer"),
        ShownRow(id="r1", outcome="refused", target="spam", messages=asked("b"), reply="", refusal="I won't", reasoning="because"),
    ]
    show(rows)
    failed, refused = browser.texts(".row-texts")
    assert failed.split("\n") == ["prompt", "a", "error", "timeout: no answer", "target", "spam"]
    assert refused.split("\n") == ["prompt", "b", "refusal", "I won't", "reasoning", "because", "target", "spam"]


def test_what_was_extracted_is_compared_and_the_reply_stands_beside_it(browser: Browser, show: Open) -> None:
    row = ShownRow(id="r0", outcome="wrong", references=("in the garden",), prediction="in the house", reply="It is <b>in</b> the house.")
    show([row], labels=False)
    assert browser.texts(".row-part:nth-last-child(2) .lines") == ["It is <b>in</b> the house.", "in the house"]
    assert browser.texts(".rows-list del") == ["house"]
