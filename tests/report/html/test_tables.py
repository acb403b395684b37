"""The tables below the first screen."""

import re
from typing import Any

from evalsvc.report.html.matrix import confusion_matrix
from tests.report.cases import summary
from tests.report.html.pages import Reader, read, rendered


def test_the_heat_map_is_a_table_with_counts_and_shares() -> None:
    rows = read().table("Rows: the true label").rows
    assert rows == [
        ["", "answered", "no label"],
        ["true ↓", "spam", "ham", "(unparsed)", "(error)"],
        ["spam", "695 93.0 %", "40 5.4 %", "9 1.2 %", "3 0.4 %"],
        ["ham", "31 0.6 %", "4,795 99.3 %", "·", "1 0.1 %"],
    ]
    html = rendered()
    assert '<td class="right" style="--share:0.930">695 <small>' in html
    assert '<td class="right" style="--share:0.993">4,795 <small>' in html
    assert '<td style="--share:0.006">31 <small>' in html
    assert '<td style="--share:0.054">40 <small>' in html
    assert '<td class="apart" style="--share:0.012">9 <small>' in html
    assert '<td class="apart">·</td>' in html


def test_the_heat_map_has_no_place_for_outcomes_that_never_came() -> None:
    matrix = {"rows": ["a", "b"], "columns": ["a", "b", "unparsed"], "counts": [[1, 0, 0], [0, 1, 0]]}
    assert read(summary(confusion_matrix=matrix)).table("Rows: the true label").rows[:2] == [["", "answered"], ["true ↓", "a", "b"]]


def test_of_more_labels_than_can_be_seen_the_largest_mistakes_are_shown() -> None:
    def shown(labels: int) -> list[str]:
        names = [f"l{number}" for number in range(labels)]
        counts = [[7 if row == column else row == 3 and column == 5 for column in range(labels)] for row in range(labels)]
        matrix = {"rows": names, "columns": names, "counts": [[int(cell) for cell in row] for row in counts]}
        return [table.caption for table in read(summary(confusion_matrix=matrix)).tables]

    assert any(caption.startswith("Rows: the true") for caption in shown(30))
    assert "The largest mistakes" not in shown(30)
    assert "The largest mistakes" in shown(31)


def test_amounts_are_links_where_the_page_has_their_rows() -> None:
    names = ["(a)", "a", "b c&d"]
    matrix = {"rows": names, "columns": [*names, "unparsed"], "counts": [[5, 4, 3, 2], [1, 5, 0, 1], [1, 1, 1, 1]]}
    shown = {("(a)", "b c&d"), ("(a)", "unparsed"), ("a", "a"), (None, "b c&d")}
    links = re.findall(r'<a href="([^"]*)" title="([^"]*)">(\d)</a>', confusion_matrix(summary(confusion_matrix=matrix), shown))
    assert links == [
        ("#rows?target=%28a%29&amp;predicted=b+c%26d", "(a) → b c&amp;d", "3"),
        ("#rows?target=%28a%29&amp;predicted=unparsed", "(a) → (unparsed)", "2"),
        ("#rows?target=a&amp;predicted=a", "a → a", "5"),
    ]
    many = [f"l{number}" for number in range(40)]
    counts = [[int((row, column) == (3, 5)) for column in range(40)] for row in range(40)]
    of = summary(confusion_matrix={"rows": many, "columns": many, "counts": counts})
    assert '<a href="#rows?target=l3&amp;predicted=l5"' in confusion_matrix(of, {("l3", "l5")})
    assert "<a " not in confusion_matrix(of, {("l5", "l3")})


def test_many_labels_without_a_mistake_say_so() -> None:
    names = [f"l{number}" for number in range(40)]
    counts = [[int(row == column) for column in range(40)] for row in range(40)]
    assert "no mistakes" in read(summary(confusion_matrix={"rows": names, "columns": names, "counts": counts})).text


def test_labels_have_their_numbers_and_none_is_no_zero() -> None:
    assert read().table("Each label").rows[1:] == [
        ["spam", "0.9570", "0.9304", "0.9435", "747", "726"],
        ["ham", "–", "0.9934", "0.9914", "4,827", "4,835"],
    ]


def test_a_thousand_labels_are_not_all_on_the_page() -> None:
    of_class = {"precision": 0.9, "recall": 0.8, "f1": 0.85, "support": 5, "predicted": 5}
    reader = read(summary(per_class={f"l{number}": {**of_class, "f1": 1 - number / 1000} for number in range(1000)}))
    worst, further = reader.table("The 20 labels"), reader.table("Further labels")
    assert [row[0] for row in worst.rows[1:]] == [f"l{number}" for number in range(999, 979, -1)]
    assert [row[0] for row in further.rows[1:]] == [f"l{number}" for number in range(979, 699, -1)]
    assert "all labels are in summary.json" in reader.text


def sliced(**of: Any) -> Any:
    found = {"ci_low": 0.2, "ci_high": 0.9, "n": 40}
    values = {value: {**found, **one} for value, one in of.items()}
    accuracy = {"value": 0.5, "ci_low": 0.4, "ci_high": 0.6, "n": 80, "signature": "", "slices": {"language": values}}
    return summary(metrics={"accuracy": accuracy})


def test_slices_stand_worst_first_and_those_beyond_noise_are_bold() -> None:
    of = sliced(de={"value": 0.8, "p_holm": 0.6}, fr={"value": 0.3, "p_holm": 0.004}, it={"value": None})
    assert read(of).table("accuracy by language").rows[1:] == [
        ["fr", "0.3000", "[0.2000, 0.9000]", "", "40", "0.004"],
        ["de", "0.8000", "[0.2000, 0.9000]", "", "40", "0.6"],
        ["it", "–", "[0.2000, 0.9000]", "", "40", "–"],
    ]
    html = rendered(of)
    assert "<b>0.3000</b>" in html
    assert "<b>0.8000</b>" not in html
    assert "bold: unlike all other rows, beyond noise" in html
    assert "bold:" not in rendered(sliced(de={"value": 0.8, "p_holm": 0.6}))


def test_thresholds_have_a_line_each_and_say_what_was_chosen() -> None:
    point = {"threshold": 0.25, "log_odds": -1.1, "precision": 0.8, "recall": 0.9, "f1": 0.85, "predicted": 12}
    rows = {"without_probabilities_positive": 0, "without_probabilities_negative": 0}
    wanted = {"recall": 0.9, "precision": None, "reached": True, "point": point}
    thresholds = {"positive": "spam", "table": [point], "rows": rows, "best_f1": point, "operating_point": wanted, "note": "confirm it"}
    html = rendered(summary(thresholds=thresholds))
    reader = Reader(html)
    line = ["0.2500", "0.8000", "0.9000", "0.8500", "12"]
    assert reader.table("What is called spam").rows == [
        ["spam from", "precision", "recall", "f1", "predicted", "remark"],
        [*line, ""],
        [*line, "highest f1"],
        [*line, "recall ≥ 0.9"],
    ]
    assert "confirm it" in reader.text
    assert html.count("<b>0.2500</b>") == 2
    assert html.count('<th scope="row">0.2500</th>') == 1


def test_what_it_took_is_there_as_far_as_it_is_known() -> None:
    facts = {row[0]: row[1] for row in read().table("Calls, tokens and time").rows}
    assert facts["tokens"] == "172,794 in, 3,000 of them cached · 5,574 out · $0.08"
    assert facts["time"] == "3 min 20 s · 2 launches · 812 rows/s"
    assert "calls" not in {row[0] for row in read(summary(calls={})).table("Calls, tokens and time").rows}
