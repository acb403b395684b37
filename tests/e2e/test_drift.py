"""What changed behind a name: another measurement never mixes with the first, and the message says what to do."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cards import Cards, serving_cards
from tests.e2e.desk import Desk, messages_rows
from tests.faults.promises import promise

pytestmark = pytest.mark.long

ROWS = 6


@pytest.fixture
def cards() -> Iterator[Cards]:
    with serving_cards() as found:
        yield found


@pytest.fixture
def monday(tmp_path: Path, cards: Cards) -> Desk:
    """A desk where the evaluation was run once, with Monday's weights."""
    desk = Desk(path=tmp_path, base_url=cards.url)
    desk.write_rows(messages_rows(ROWS, "drift"))
    desk.write_config()
    assert desk.run("run", "eval.yaml").code == 0
    assert len(cards.asked) == ROWS
    return desk


@promise("11.1")
def test_other_weights_under_the_same_name_are_refused_with_every_way_out_even_when_the_run_is_complete(monday: Desk, cards: Cards) -> None:
    cards.root = "/weights/tuesday"
    end = monday.run("run", "eval.yaml")
    assert end.code == 7
    assert 'the server\'s model.root: "/weights/monday" → "/weights/tuesday"' in end.err
    for way_out in ("--run-id", "model.revision", "--on-drift rerun"):
        assert way_out in end.err
    assert len(cards.asked) == ROWS


@promise("11.1")
def test_other_weights_found_by_a_run_that_has_rows_left_are_refused_before_any_is_asked(monday: Desk, cards: Cards) -> None:
    cards.root = "/weights/tuesday"
    monday.write_rows(messages_rows(ROWS + 2, "drift"))
    assert monday.run("run", "eval.yaml").code == 7
    assert len(cards.asked) == ROWS


@pytest.mark.parametrize("way", [("--run-id=tuesday",), ("--set", "model.revision=tuesday")])
def test_with_a_run_id_or_a_revision_of_its_own_it_is_a_new_measurement(monday: Desk, cards: Cards, way: tuple[str, ...]) -> None:
    cards.root = "/weights/tuesday"
    assert monday.run("run", "eval.yaml", *way).code == 0
    assert len(cards.asked) == 2 * ROWS
    assert len(monday.run_dirs) == 2


@promise("11.1")
@pytest.mark.parametrize("changed", ["server", "revision", "repeats"])
def test_on_drift_rerun_asks_every_row_again_and_keeps_the_old_answers_as_a_run_of_their_own(
    monday: Desk, cards: Cards, changed: str
) -> None:
    run_dir = monday.run_dir
    changes = {"server": [], "revision": ["--set=model.revision=tuesday"], "repeats": ["--set=repeats=2"]}[changed]
    times = 2 if changed == "repeats" else 1
    cards.root = "/weights/tuesday" if changed == "server" else cards.root
    command = ("run", "eval.yaml", f"--run-dir={run_dir}", *changes)

    end = monday.run(*command, "--on-drift", "rerun")
    assert end.code == 0, end.err
    assert "another measurement than before" in end.err
    assert len(cards.asked) == ROWS + times * ROWS
    assert monday.summary["rows"]["expected"] == times * ROWS
    assert monday.summary["rows"]["pending"] == 0
    assert len(monday.journal()) == times * ROWS

    again = monday.run(*command)
    assert "0 requests sent" in again.err
    assert len((run_dir / "earlier/1/predictions.jsonl").read_bytes().splitlines()) == ROWS
    earlier = monday.run("score", str(run_dir / "earlier/1"), "--json")
    assert (earlier.code, earlier.events[-1]["rows"]["ok"]) == (0, ROWS)


def test_without_drift_rerun_changes_nothing(monday: Desk, cards: Cards) -> None:
    assert "0 requests sent" in monday.run("run", "eval.yaml", "--on-drift", "rerun").err
    assert len(cards.asked) == ROWS
    assert not (monday.run_dir / "earlier").exists()


def test_a_complete_run_needs_no_server(monday: Desk, cards: Cards) -> None:
    manifest = json.loads((monday.run_dir / "run.json").read_bytes())
    assert manifest["server"]["root"] == "/weights/monday"
    monday.write_config(model={"base_url": "http://127.0.0.1:9/v1", "endpoint_id": cards.url})
    assert "0 requests sent" in monday.run("run", "eval.yaml").err
