"""A comparison for programs: valid, complete, and the numbers as they are."""

import csv
import json
import subprocess
import sys
from io import StringIO
from typing import Any, NoReturn

import pytest

from evalsvc.compare.nouns import Comparison, Field
from evalsvc.errors import UsageError
from evalsvc.report.comparing import FORMATS, render
from evalsvc.report.comparing.delimited import COLUMNS
from tests.report.comparing import cases


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def read(what: Comparison | Field) -> Any:
    return json.loads(render(what, "json"), parse_constant=_refuse)


def lines(what: Comparison | Field) -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(render(what, "csv"))))


def test_json_has_the_numbers_unrounded() -> None:
    found = read(cases.of_labels())
    assert found["differences"]["accuracy"]["difference"] == 0.9058 - 0.9493
    assert found["differences"]["mcc"]["difference"] is None
    assert found["a"]["run_id"] == "main-7"
    assert found["flips"]["to_wrong"] == 9
    assert [flip["id"] for flip in found["examples"]] == ["msg-0007", "msg-0032", "msg-0101"]


def test_json_of_several_runs_names_pairs_by_their_numbers() -> None:
    found = read(cases.three())
    assert list(found["pairs"]) == ["1-2", "1-3", "2-3"]
    assert found["letters"]["accuracy"] == ["b", "a", "a"]


def test_nan_and_infinity_never_come_out() -> None:
    odd = cases.difference("accuracy", 0.5, 0.6, p=float("nan"), mde=float("inf"))
    assert read(cases.of_labels(differences={"accuracy": odd}))["differences"]["accuracy"]["p"] is None


def test_csv_has_a_line_for_each_pair_and_metric() -> None:
    found = lines(cases.three())
    assert [(line["a"], line["b"], line["metric"]) for line in found[:3]] == [
        ("support/c-3", "support/a-1", "accuracy"),
        ("support/c-3", "support/a-1", "ext.words"),
        ("support/c-3", "support/b-2", "accuracy"),
    ]
    assert len(found) == 6


def test_csv_has_the_numbers_unrounded_and_nothing_where_there_is_none() -> None:
    accuracy, *_, mcc = lines(cases.of_labels())
    assert float(accuracy["difference"]) == 0.9058 - 0.9493
    assert (accuracy["told"], accuracy["p_holm"], accuracy["rows"]) == ("true", "", "138")
    assert (mcc["difference"], mcc["told"], mcc["reason"]) == ("", "false", "main-7 has only one class")


def test_every_number_of_a_difference_has_a_column() -> None:
    [line] = lines(cases.of_labels(differences={"accuracy": cases.difference("accuracy", 0.5, 0.6, p_holm=0.03)}))
    assert list(line) == list(COLUMNS)
    assert [name for name, value in line.items() if not value] == ["reason"]


def test_csv_of_hostile_names_reads_back_as_they_are() -> None:
    found = lines(cases.hostile())
    assert found[0]["metric"] == cases.HOSTILE
    assert found[1]["reason"] == cases.HOSTILE


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("what", [cases.of_labels(), cases.three()], ids=["two", "several"])
def test_every_format_ends_its_last_line(what: Comparison | Field, form: str) -> None:
    text = render(what, form)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


def test_another_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(UsageError, match="no format 'pdf'") as caught:
        render(cases.of_labels(), "pdf")
    assert caught.value.hint == "use one of table, json, csv, markdown, latex, html"


def test_json_and_html_need_no_terminal_library() -> None:
    """The reports of runs are written by a process that must not wait for it."""
    script = "import sys; import evalsvc.report.html.comparison, evalsvc.report.comparing; print('rich' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
