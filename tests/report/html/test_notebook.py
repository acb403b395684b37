"""A run as a notebook shows it."""

from evalsvc.report.html.notebook import notebook
from tests.report.cases import summary
from tests.report.html.pages import Reader
from tests.report.html.test_page import hostile


def shown(**changes: object) -> Reader:
    return Reader(notebook(summary(**changes), "runs/spam/1", passed=False))


def test_the_first_screen_and_its_tables_are_there() -> None:
    text = shown().text
    for words in ("Not to be shipped: f1_macro 0.979996 is below 0.98.", "recall >= 0.80", "accuracy", "correct 5,490", "'spam' has 747"):
        assert words in text
    assert Reader(notebook(summary(), "x", passed=False)).table("Each label").rows[1][0] == "spam"
    assert "runs/spam/1" in text


def test_two_runs_in_one_notebook_do_not_share_a_name() -> None:
    assert shown().of("id") == []


def test_nothing_is_loaded_and_all_text_is_text() -> None:
    evil = "<script>alert(1)</script>"
    reader = Reader(notebook(hostile(evil), evil, passed=False))
    assert {"script", "img", "link", "iframe"}.isdisjoint(reader.tags)
    assert reader.of("src") == reader.of("href") == []
    assert reader.text.count("alert(1)") > 10


def test_a_partial_run_has_no_verdict() -> None:
    rows = {"expected": 10, "ok": 5, "error": 0, "pending": 5}
    assert "No verdict yet" in Reader(notebook(summary(status="partial", rows=rows), "x", passed=None)).text
