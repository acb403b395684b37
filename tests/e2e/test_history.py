"""`evalsvc history`, as it is typed: nights of one evaluation, and what is said of them."""

import json
import re
from pathlib import Path

import pytest

from tests.e2e.desk import Desk, messages_rows
from tests.e2e.server import Server


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory, shared_server: Server) -> Desk:
    """Three nights; in the last one the model was not told the message."""
    desk = Desk(path=tmp_path_factory.mktemp("nights"), base_url=shared_server.url)
    desk.write_rows(messages_rows(60, "night"))
    desk.write_config(dataset={"id": "id"}, gates=["recall >= 0.5"])
    for name in ("mon", "tue"):
        assert desk.run("run", "eval.yaml", "--run-id", name).code == 0
    desk.write_config(dataset={"id": "id"}, gates=["recall >= 0.5"], prompt={"user": "What is it?"})
    desk.run("run", "eval.yaml", "--run-id", "wed")
    return desk


def test_every_night_has_its_line_and_the_change_is_marked(nights: Desk) -> None:
    end = nights.run("history", "spam", environ={"COLUMNS": "120"})
    assert end.code == 0, end.err
    lines = end.out.splitlines()
    assert lines[0].startswith("spam · 3 runs")
    assert [line.split()[0] for line in lines if line.startswith(("  mon", "  tue", "  wed"))] == ["mon", "tue", "wed"]
    (last,) = [line for line in lines if line.startswith("  wed")]
    assert "worse" in last
    assert "prompt" in last
    assert nights.run("history").out == nights.run("history", "spam").out


def test_json_is_one_object_with_every_number(nights: Desk) -> None:
    end = nights.run("history", "--metric", "accuracy", "--metric", "per_class.ham.f1", "--last", "2", "--json")
    (found,) = end.events
    assert [series["name"] for series in found["series"]] == ["accuracy", "per_class.ham.f1"]
    assert [run["id"] for run in found["runs"]] == ["tue", "wed"]
    assert found["left_out"] == 1
    change = found["series"][0]["points"][1]["change"]
    assert (change["how"], change["since"], change["told"], change["verdict"]) == ("paired", "tue", True, "worse")


def test_the_page_is_written_and_named(nights: Desk, tmp_path: Path) -> None:
    page = tmp_path / "history.html"
    end = nights.run("history", "--html", str(page))
    assert (end.code, end.out) == (0, f"{page}\n")
    text = page.read_text()
    assert text.startswith("<!doctype html>")
    assert "wed" in text
    # JSON on stdout and the page in a file at once
    both = nights.run("history", "--html", str(page), "--json")
    assert json.loads(both.out)["name"] == "spam"


def test_what_is_not_there_is_bad_usage(nights: Desk) -> None:
    unknown = nights.run("history", "spma")
    assert (unknown.code, unknown.out) == (2, "")
    assert "spma is no run directory" in unknown.err
    metric = nights.run("history", "--metric", "accuracty")
    assert metric.code == 2
    assert "did you mean accuracy?" in metric.err
    page = nights.run("history", "--html", ".")
    assert (page.code, page.err) == (2, "error: . cannot be written: it is a directory\n  try: name a file in it\n")
    assert "Traceback" not in unknown.err + metric.err


def test_a_terminal_that_has_no_blocks_is_given_none(nights: Desk) -> None:
    end = nights.run("history", environ={"COLUMNS": "100", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    assert end.code == 0, end.err
    assert end.out.isascii()
    assert re.search(r"\|-*o-*\|", end.out), end.out
