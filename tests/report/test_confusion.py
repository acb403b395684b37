"""The confusion matrix is shown whole while it can be read, and as its largest mistakes when it cannot."""

from typing import Any

import pytest

from evalsvc.report.confusion import confusion
from evalsvc.report.matrix import largest_mistakes, read_matrix
from tests.report.cases import drawn


def matrix(labels: list[str], counts: list[list[int]] | None = None) -> dict[str, Any]:
    """`labels` with one more column for unparsed replies; by default row i has i mistakes as each other label."""
    size = len(labels)
    numbers = counts or [[100 if row == column else row for column in range(size)] + [0] for row in range(size)]
    return {"rows": labels, "columns": [*labels, "unparsed"], "counts": numbers}


def seen(raw: dict[str, Any], *, width: int = 80) -> list[str]:
    return drawn(confusion(raw, width=width), width=width).splitlines()


def test_counts_stand_under_their_labels() -> None:
    assert seen(matrix(["spam", "ham"], [[695, 40, 9], [31, 4795, 0]])) == [
        "  true \\ answered  spam    ham  (unparsed)",
        "  spam              695     40           9",
        "  ham                31  4,795           0",
    ]


def test_an_outcome_that_never_came_has_no_column() -> None:
    assert "unparsed" not in seen(matrix(["spam", "ham"]))[0]


def test_a_label_that_is_called_like_an_outcome_can_be_told_from_it() -> None:
    assert seen(matrix(["unparsed", "ham"], [[1, 0, 1], [0, 1, 0]]))[0].endswith("unparsed  ham  (unparsed)")


def test_headings_that_are_too_wide_become_numbers() -> None:
    lines = seen(matrix([f"a rather long label {number}" for number in range(8)]))
    assert lines[0].split() == ["true", "\\", "answered", "1", "2", "3", "4", "5", "6", "7", "8"]
    assert lines[1].startswith("   1 a rather l…g label 0  100    0")
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize("width", [80, 120])
def test_twelve_labels_fit_and_thirteen_become_a_list_of_mistakes(width: int) -> None:
    twelve = seen(matrix([f"label {number}" for number in range(12)]), width=width)
    thirteen = seen(matrix([f"label {number}" for number in range(13)]), width=width)
    assert len(twelve) == 13
    assert max(map(len, twelve)) <= width
    assert thirteen[0].split() == ["largest", "mistakes:", "true", "answered", "rows", "of", "true"]
    assert len(thirteen) == 11


def test_the_largest_mistakes_come_first_with_their_share() -> None:
    found = largest_mistakes(read_matrix(matrix(["a", "b", "c"], [[5, 1, 0, 0], [7, 3, 0, 0], [0, 2, 1, 4]])))
    assert [(mistake.true, mistake.answered, mistake.rows, mistake.support) for mistake in found] == [
        ("b", "a", 7, 10),
        ("c", "(unparsed)", 4, 7),
        ("c", "b", 2, 7),
        ("a", "b", 1, 6),
    ]


def test_a_perfect_run_of_many_labels_has_no_mistakes_to_show() -> None:
    size = 20
    perfect = [[3 if row == column else 0 for column in range(size + 1)] for row in range(size)]
    assert seen(matrix([str(number) for number in range(size)], perfect)) == ["  no mistakes"]


def test_labels_are_text_and_not_markup() -> None:
    assert "[red]a[/]" in seen(matrix(["[red]a[/]", "b"]))[0]
