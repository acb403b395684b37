"""The whole page: what it is safe from, whom it can be read by, and what it leaves out."""

import re
import subprocess
import sys
from base64 import b64encode
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from evalsvc.errors import StorageFailed
from evalsvc.records import Summary
from evalsvc.report.html.comparison import COMPARISON_STYLE
from evalsvc.report.html.document import document
from evalsvc.report.html.page import contents, write_report
from evalsvc.report.html.rows import ROWS_STYLE, rows_script
from evalsvc.report.html.shown import ShownRow
from tests.report.cases import summary
from tests.report.comparing.cases import of_labels
from tests.report.html.pages import Reader, manifest, page, read, rendered

EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style></pre></table>", "\x1b[31m\u202e'\x00 --> ]]>", "\ud800")


def hostile(evil: str) -> Summary:
    """A summary in which everything that a user or a model has a word in is `evil`."""
    point = {"threshold": 0.3, "log_odds": -0.85, "precision": 0.875, "recall": 0.75, "f1": 0.8077, "predicted": 6}
    found = {"value": 0.25, "ci_low": 0.2, "ci_high": 0.3, "n": 40}
    values = {**found, "signature": evil, "reason": evil}
    of_class = {"precision": 0.9, "recall": 0.5, "f1": 0.6, "support": 7, "predicted": 6}
    regression: dict[str, Any] = {"metric": evil, "baseline": evil, "verdict": evil, "margin": 0.1, "difference": -0.2}
    regression |= {"ci_low": -0.3, "ci_high": -0.1, "rows": 40, "rows_needed": 9, "flipped": [evil]}
    return summary(
        name=evil,
        metrics={
            "accuracy": {**values, "slices": {evil: {evil: {**found, "p_holm": 0.0002}}}},
            f"ext.{evil}": values,
            "mcc": {**values, "value": None},
        },
        per_class={evil: of_class},
        confusion_matrix={"rows": [evil, "b"], "columns": [evil, "b", evil], "counts": [[1, 2, 3], [4, 5, 6]]},
        thresholds={
            "positive": evil,
            "table": [point],
            "rows": {"without_probabilities_positive": 1, "without_probabilities_negative": 0},
            "best_f1": point,
            "operating_point": None,
            "note": evil,
        },
        gates=[
            {"gate": f"ext.{evil} >= 0.5", "passed": False, "value": 0.25, "reason": "0.25 is below 0.5"},
            {"gate": evil, "passed": False, "value": None, "reason": evil},
            {"gate": evil, "passed": False, "value": -0.2, "reason": None, "regression": regression},
        ],
        warnings=[{"kind": evil, "message": evil, "evidence": {}}] * 5,
        run={"id": evil, "model": evil, "revision": evil, "endpoint": evil, "served": {evil: 3}},
    )


@pytest.mark.parametrize("evil", EVIL)
def test_whatever_a_user_or_a_model_wrote_is_text(evil: str) -> None:
    model = {"name": evil, "revision": evil, "headers": {"x-team": evil}, "params": {"stop": evil}}
    config = {"name": "n", "dataset": {"path": evil}, "prompt": {"system": evil, "user": f"one\n{evil}"}, "model": model}
    about = manifest(
        config={**config, "scoring": {"labels": [evil, "b"]}},
        identity={"model": evil, "revision": evil, "endpoint": evil, "api": evil, "prompt": evil},
        server={"root": evil, evil: evil},
        versions={evil: evil},
        price_source=evil,
        config_file=evil,
        launches=({"started_at": evil, "reason": evil, "exit_code": evil},),
    )
    html = rendered(hostile(evil), about=about)
    reader = Reader(html)
    html.encode()
    assert {"script", "img", "iframe", "object", "embed", "base", "form"}.isdisjoint(reader.tags)
    assert not [name for _, name, _ in reader.attributes if name.startswith("on")]
    assert not {"\x1b", "\u202e", "\x00"} & set(html)
    if evil.startswith("<script"):
        assert reader.text.count("alert(1)") > 30


def test_nothing_on_the_page_is_fetched() -> None:
    reader = read(hostile("https://evil.test/x.png"))
    assert reader.of("src") == []
    assert all(target.startswith(("#", "data:")) for target in reader.of("href"))
    assert "url(" not in rendered().split("</style>")[0]
    assert "@import" not in rendered()


def test_the_policy_allows_its_own_script_by_its_hash_and_nothing_else() -> None:
    script = "document.title = 'ü'"
    html = document(title="t", heading="<h1>t</h1>", body="", script=script)
    digest = b64encode(sha256(script.encode()).digest()).decode()
    policy = next(value for _, name, value in Reader(html).attributes if name == "content" and "default-src" in value)
    assert policy == (
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert f"<script>{script}</script>" in html
    assert "script-src 'none'" in document(title="t", heading="", body="")


@pytest.mark.parametrize("of", [summary(), hostile("label"), summary(per_class={}, confusion_matrix=None, metrics={}, gates=[])])
def test_a_screen_reader_finds_its_way(of: Summary) -> None:
    reader = read(of)
    levels = [level for level, _ in reader.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert all(words.strip() for _, words in reader.headings)
    assert all(table.caption.strip() and not table.unscoped for table in reader.tables)
    assert reader.of("lang") == ["en"]
    named = reader.of("id")
    assert len(named) == len(set(named))
    assert {target[1:].partition("?")[0] for target in reader.of("href") if target.startswith("#")} <= set(named)
    assert set(reader.of("aria-labelledby")) <= set(named)


def test_every_column_has_a_name() -> None:
    reader = read(hostile("label"))
    corner_and_blank_of_the_heat_map = 1
    assert sum(not cell.strip() for table in reader.tables for cell in table.rows[0]) == corner_and_blank_of_the_heat_map


def test_every_row_of_a_table_has_as_many_cells_as_its_heading() -> None:
    for table in read(hostile("label")).tables:
        if not table.caption.startswith("Rows: the true label"):  # its labels are grouped
            assert len({len(row) for row in table.rows}) == 1, table.caption


def test_sections_without_data_are_left_out() -> None:
    reader = read(summary(per_class={}, confusion_matrix=None, gates=[], warnings=[], metrics={}), exit_code=0)
    shown = [words for _, words in reader.headings]
    assert not {"Gates", "Numbers", "Confusion matrix", "Labels", "Slices", "Thresholds", "Warnings"} & set(shown)
    assert {"Outcomes", "What it took", "How to reproduce"} <= set(shown)


def test_labels_without_any_row_make_no_empty_tables() -> None:
    matrix = {"rows": ["a", "b"], "columns": ["a", "b", "error"], "counts": [[0, 0, 0], [0, 0, 0]]}
    nothing = {"precision": None, "recall": None, "f1": None, "support": 0, "predicted": 0}
    shown = [words for _, words in read(summary(confusion_matrix=matrix, per_class={"a": nothing, "b": nothing})).headings]
    assert not {"Confusion matrix", "Labels"} & set(shown)


def test_rows_bring_their_style_and_script_and_a_comparison_its_own() -> None:
    row = ShownRow(id="1", outcome="wrong", target="spam", prediction="ham", reply="ham")
    bare, with_rows, compared = rendered(), rendered(rows=(row,)), rendered(comparison=of_labels())
    assert ROWS_STYLE not in bare
    assert rows_script() not in bare
    assert ROWS_STYLE in with_rows
    assert f"<script>{rows_script()}</script>" in with_rows
    assert COMPARISON_STYLE not in with_rows
    assert COMPARISON_STYLE in compared
    assert (2, "Against support/main-7 (A)") in Reader(compared).headings
    links = re.findall(r'<a href="#([\w-]+)">', with_rows.split("<nav")[1].split("</nav>")[0])
    assert links == ["confusion", "labels", "took", "rows", "reproduce"]


def test_the_contents_name_the_sections_that_are_there() -> None:
    assert contents('<section id="a" aria-labelledby="a-heading"><h2 id="a-heading">A &amp; b</h2>…</section>') == (
        '<nav aria-label="Contents"><a href="#a">A &amp; b</a></nav>'
    )
    assert contents("") == ""
    links = re.findall(r'<a href="#([\w-]+)">', rendered().split("<nav")[1].split("</nav>")[0])
    assert links == ["confusion", "labels", "took", "reproduce"]


def test_a_partial_run_has_no_verdict_and_says_how_far_it_is() -> None:
    rows = {"expected": 5574, "ok": 1200, "error": 0, "pending": 4374}
    gates = [{"gate": "recall >= 0.80", "passed": None, "value": None, "reason": "the run is not complete"}]
    partial = summary(status="partial", rows=rows, outcomes={"correct": 1200, "pending": 4374}, gates=gates)
    text = read(partial, exit_code=75).text
    assert "No verdict yet: 1,200 of 5,574 rows answered (21.5 %)" in text
    assert "? open" in text
    assert "passed" not in text


def test_two_hundred_labels_make_a_page_of_less_than_150_kb() -> None:
    labels = [f"a rather long label number {number}" for number in range(200)]
    counts = [[40 if row == column else (row * column) % 3 for column in range(201)] for row in range(200)]
    of_class = {"precision": 0.9123, "recall": 0.8123, "f1": 0.8593, "support": 1240, "predicted": 1240}
    html = rendered(
        summary(
            per_class={label: {**of_class, "f1": number / 200} for number, label in enumerate(labels)},
            confusion_matrix={"rows": labels, "columns": [*labels, "unparsed"], "counts": counts},
        )
    )
    reader = Reader(html)
    assert len(html.encode()) < 150_000
    assert reader.table("The 20 labels with the lowest F1").rows[1][0] == labels[0]
    assert len(reader.table("All labels").rows) == 201
    assert reader.table("The largest mistakes").rows[1][2:] == ["2", "0.8 %"]


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    write_report(tmp_path / "report.html", page())
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == rendered()
    with pytest.raises(StorageFailed):
        write_report(tmp_path / "nowhere" / "report.html", page())


def test_what_is_written_is_loaded_without_what_draws_terminals_or_numbers() -> None:
    code = (
        "import sys, evalsvc.report.html.page; "
        "print(sorted({'rich', 'numpy', 'sklearn', 'scipy', 'jinja2', 'aiohttp', 'ruamel.yaml', 'typer'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_the_documentation_names_every_section() -> None:
    told = (Path(__file__).parents[3] / "docs" / "report.md").read_text(encoding="utf-8")
    headings = [words for level, words in read(hostile("label")).headings if level == 2]
    assert {"Gates", "Slices", "Thresholds", "What it took"} <= set(headings)
    assert [words for words in headings if f"| {words} |" not in told] == []
