"""Each row asked several times: every repeat is a row of its own, with a seed of its own, through kills and resumes."""

import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.cards import Cards, serving_cards
from tests.e2e.desk import Desk, ended, fixed_parts, messages_rows, summary_of, until
from tests.e2e.server import Server, serving

pytestmark = pytest.mark.long

ROWS, REPEATS, IN_FLIGHT = 60, 3, 4


@pytest.fixture
def cards() -> Iterator[Cards]:
    with serving_cards() as found:
        yield found


@pytest.fixture
def slow_server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "calls.log", "--latency=0.02..0.03") as server:
        yield server


def test_killed_in_the_middle_no_repeat_is_asked_twice_and_the_numbers_are_those_of_a_run_left_alone(
    tmp_path: Path, slow_server: Server
) -> None:
    desk = Desk(path=tmp_path, base_url=slow_server.url)
    desk.write_rows(messages_rows(ROWS, "thrice:"))
    desk.write_config(repeats=REPEATS, limits={"concurrency": IN_FLIGHT})
    for answers in (20, 70, 130):
        process = desk.start("run", "eval.yaml", "--quiet")
        until(lambda answers=answers: desk.journal_lines() >= answers)  # type: ignore[misc]
        process.send_signal(signal.SIGKILL)
        process.communicate()
        asked = Counter(re.findall(rb'"repeat":([0-9])', (desk.run_dir / "predictions.jsonl").read_bytes()))
        assert asked[b"1"] == 0 or asked[b"0"] >= ROWS - IN_FLIGHT, "every row once before any row twice"
    last = ended(desk.start("run", "eval.yaml"))

    assert last.code == 0, last.err
    assert f"complete, {ROWS} rows × {REPEATS}" in last.out
    rows = [(record["id"], record["repeat"]) for record in desk.journal()]
    assert len(rows) == len(set(rows)) == ROWS * REPEATS
    assert desk.summary["rows"]["expected"] == ROWS * REPEATS
    run_dir = desk.run_dir
    assert desk.run("run", "eval.yaml", "--quiet", "--run-id=left-alone").code == 0
    assert fixed_parts(summary_of(run_dir)) == fixed_parts(summary_of(run_dir.parent / "left-alone"))


def test_each_repeat_has_a_seed_of_its_own_where_one_is_given_and_none_where_not(tmp_path: Path, cards: Cards) -> None:
    desk = Desk(path=tmp_path, base_url=cards.url)
    desk.write_rows(messages_rows(2, "seeds"))
    desk.write_config(repeats=REPEATS, model={"params": {"seed": 40}})
    assert desk.run("run", "eval.yaml").code == 0
    assert Counter(body["seed"] for body in cards.asked) == {40: 2, 41: 2, 42: 2}
    assert len({record["key"] for record in desk.journal()}) == 2 * REPEATS

    cards.asked.clear()
    desk.write_config(repeats=REPEATS, model={"params": {"temperature": 0}})
    end = desk.run("run", "eval.yaml")
    assert not any("seed" in body for body in cards.asked)
    assert end.err.count("repeats at temperature 0") == 1


def test_a_changed_row_is_asked_again_as_often_as_it_was(tmp_path: Path, cards: Cards) -> None:
    desk = Desk(path=tmp_path, base_url=cards.url)
    rows = messages_rows(5, "changed")
    desk.write_rows(rows)
    desk.write_config(repeats=REPEATS, dataset={"id": "id"})
    assert desk.run("run", "eval.yaml").code == 0
    cards.asked.clear()
    desk.write_rows([{**row, "text": f"new {row['text']}"} if row["id"] == "r3" else row for row in rows])
    end = desk.run("run", "eval.yaml")
    assert len(cards.asked) == REPEATS
    assert f"{REPEATS} changed, asked again" in end.err
    assert desk.summary["rows"] == {"expected": 15, "ok": 15, "error": 0, "pending": 0}
