"""The threshold table is read at a glance: what changes, what was chosen, and what it rests on."""

from typing import Any

from evalsvc.report.thresholds import threshold_table
from tests.report.cases import drawn


def point(threshold: float, precision: float | None, recall: float, predicted: int, log_odds: float = 0.0) -> dict[str, Any]:
    return {"threshold": threshold, "log_odds": log_odds, "precision": precision, "recall": recall, "f1": 0.5, "predicted": predicted}


def raw(**more: Any) -> dict[str, Any]:
    rows = {"positive": 5, "negative": 7, "without_probabilities_positive": 0, "without_probabilities_negative": 0}
    points = [point(0.1, 0.5, 1.0, 1200), point(0.5, 0.75, 0.6, 4), point(0.9, 0.75, 0.6, 4), point(0.99, None, 0.0, 0)]
    return {
        "positive": "spam",
        "rows": rows,
        "scores": "exact",
        "table": points,
        "note": "a note",
        "best_f1": point(0.3, 0.8, 0.8, 5),
        "operating_point": None,
        **more,
    }


def seen(**more: Any) -> list[str]:
    return [line.rstrip() for line in drawn(threshold_table(raw(**more), width=80), width=80).splitlines()]


def test_each_threshold_that_changes_something_has_a_line() -> None:
    assert seen() == [
        "  spam from  precision  recall      f1  predicted",
        "  0.1000        0.5000  1.0000  0.5000      1,200",
        "  0.5000        0.7500  0.6000  0.5000          4",
        "  0.9900             –  0.0000  0.5000          0",
        "  0.3000        0.8000  0.8000  0.5000          5  highest f1",
        "  a note",
    ]


def test_the_wanted_side_is_named_and_so_is_a_miss() -> None:
    wanted = {"recall": 0.9, "precision": None, "reached": True, "point": point(0.2, 0.4, 0.9, 9)}
    assert seen(operating_point=wanted)[-2].endswith("9  recall ≥ 0.9")
    assert seen(operating_point={**wanted, "reached": False})[-2].endswith("nearest to recall ≥ 0.9")


def test_rows_without_probabilities_are_counted() -> None:
    rows = {"positive": 5, "negative": 7, "without_probabilities_positive": 1, "without_probabilities_negative": 2}
    assert "  3 rows without probabilities never called spam, 1 positive among them missed" in seen(rows=rows)


def test_a_threshold_too_near_to_one_is_shown_as_log_odds() -> None:
    assert seen(best_f1=point(1.0, 1.0, 1.0, 3, 48.04))[4].split()[:2] == ["log-odds", "48.0"]


def test_without_a_positive_row_it_says_so() -> None:
    assert seen(best_f1=None)[-1] == "  no row is of the positive label: no threshold can be chosen"


def test_a_label_is_text_and_not_markup() -> None:
    assert "[red]a[/] from" in seen(positive="[red]a[/]")[0]
