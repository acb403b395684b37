"""What another run was answered is not paid for again: real runs, and a server that counts what it is asked."""

import json
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.cards import Cards, serving_cards
from tests.e2e.desk import Desk, ended, fixed_parts, messages_rows, summary_of, until
from tests.e2e.server import Server, free_port, serving

pytestmark = pytest.mark.long

ROWS = 20
REVISION = {"revision": "r1", "price": {"input": 1.0, "output": 2.0}}


def monday(desk: Desk, tag: str, **changes: Any) -> Path:
    """A run over all rows, complete."""
    desk.write_rows(messages_rows(ROWS, tag))
    desk.write_config(**{"dataset": {"id": "id"}, "model": REVISION, **changes})
    end = desk.run("run", "eval.yaml", "--run-id", "monday")
    assert end.code == 0, end.err
    return desk.run_dir


def edited(tag: str) -> list[Mapping[str, str]]:
    """Two rows with another text, and a new one."""
    rows = [{**row, "text": f"{row['text']} edited"} if row["id"] in ("r3", "r5") else row for row in messages_rows(ROWS, tag)]
    return [*rows, {"id": "new", "text": f"{tag} new spam", "label": "spam"}]


def launches(run: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((run / "run.json").read_bytes())["launches"]
    return found


def test_an_edited_data_set_costs_only_what_is_another_question_and_ends_with_the_numbers_of_a_fresh_run(
    desk: Desk, server: Server, tag: str
) -> None:
    monday_dir = monday(desk, tag)
    server.calls()
    desk.write_rows(edited(tag))
    end = desk.run("run", "eval.yaml", "--run-id", "tuesday", "--reuse", "spam/monday")
    assert end.code == 0, end.err
    assert len(server.calls()) == 3
    assert end.err.count("18 rows taken over from spam/monday, 0 requests") == 2, "at the start, and beside the result"

    tuesday = summary_of(monday_dir.parent / "tuesday")
    assert desk.run("run", "eval.yaml", "--run-id", "fresh").code == 0
    fresh = summary_of(monday_dir.parent / "fresh")
    assert fixed_parts(tuesday) == fixed_parts(fresh)
    assert tuesday["cost_usd"] == fresh["cost_usd"] > tuesday["calls"]["spent"]["usd"] > 0
    assert tuesday["calls"]["attempts"] == 3
    assert tuesday["latency_s"]["p50"] is not None


def test_with_nothing_left_to_ask_no_endpoint_need_be_up_and_the_same_command_is_complete(desk: Desk, server: Server, tag: str) -> None:
    run_dir = monday(desk, tag, model={**REVISION, "endpoint_id": "cluster"})
    server.calls()
    desk.write_config(
        dataset={"id": "id"},
        model={**REVISION, "endpoint_id": "cluster", "base_url": f"http://127.0.0.1:{free_port()}/v1"},
        limits={"wait_for_endpoint_s": 600},
    )
    end = desk.run("run", "eval.yaml", "--run-id", "tuesday", "--reuse", "monday", "--quiet")
    assert end.code == 2
    end = desk.run("run", "eval.yaml", "--run-id", "tuesday", "--reuse", "spam/monday", "--quiet")
    assert end.code == 0, end.err
    assert end.err.splitlines() == [f"{ROWS} rows taken over from spam/monday, 0 requests"]
    assert server.calls() == []
    tuesday = run_dir.parent / "tuesday"
    assert fixed_parts(summary_of(tuesday)) == fixed_parts(summary_of(run_dir))
    assert launches(tuesday)[-1]["reused"] == {"run": "spam/monday", "revision": "r1", "path": str(run_dir), "rows": ROWS}
    assert "0 requests sent" in desk.run("run", "eval.yaml", "--run-id", "tuesday", "--reuse", "spam/monday").err


def test_an_unknown_revision_is_refused_before_anything_is_written_unless_forced(desk: Desk, server: Server, tag: str) -> None:
    monday(desk, tag, model={})
    server.calls()
    command = ("run", "eval.yaml", "--run-id", "tuesday", "--reuse", "spam/monday")
    end = desk.run(*command)
    assert end.code == 2
    assert "model.revision is set neither there nor here" in end.err
    assert "--reuse-anyway" in end.err
    assert len(desk.run_dirs) == 1
    end = desk.run(*command, "--reuse-anyway")
    assert end.code == 0, end.err
    assert "nobody has checked" in end.err
    assert server.calls() == []


@pytest.fixture
def cards() -> Iterator[Cards]:
    with serving_cards() as found:
        yield found


def test_a_server_that_has_other_weights_behind_the_name_is_refused_as_an_unknown_revision_is(tmp_path: Path, cards: Cards) -> None:
    desk = Desk(path=tmp_path, base_url=cards.url)
    monday(desk, "cards")
    desk.write_rows(messages_rows(ROWS + 1, "cards"))
    cards.root = "/weights/tuesday"
    command = ("run", "eval.yaml", "--run-id", "tuesday", "--reuse", "spam/monday")
    end = desk.run(*command)
    assert end.code == 2
    assert 'model.root: "/weights/monday" → "/weights/tuesday"' in end.err
    assert len(cards.asked) == ROWS
    assert desk.run(*command, "--reuse-anyway").code == 0
    assert len(cards.asked) == ROWS + 1


def test_killed_while_it_asks_the_same_command_carries_on_although_its_name_means_another_run_by_now(tmp_path: Path) -> None:
    with serving(tmp_path / "calls.log", "--latency=0.2") as slow:
        desk = Desk(path=tmp_path, base_url=slow.url)
        monday(desk, "kill", limits={"concurrency": 20})
        desk.write_rows(messages_rows(ROWS + 12, "kill"))
        desk.write_config(dataset={"id": "id"}, model=REVISION, limits={"concurrency": 2})
        slow.calls()
        command = ("run", "eval.yaml", "--run-id", "tuesday", "--reuse", "spam")
        process = desk.start(*command)
        journal = desk.path / "runs/spam/tuesday/predictions.jsonl"
        until(lambda: journal.exists() and journal.read_bytes().count(b"\n") > ROWS)
        process.send_signal(signal.SIGKILL)
        ended(process)
        answered = len(journal.read_bytes().splitlines())
        assert (desk.path / "runs/spam/latest").readlink() == Path("tuesday")

        end = desk.run(*command)
        assert end.code == 0, end.err
        assert f"{answered} finished earlier · 0 rows taken over from spam/monday" in end.err
        assert len(slow.calls()) <= 12 + 2, "what was in flight is asked again"
        assert len({line["id"] for line in map(json.loads, journal.read_bytes().splitlines())}) == ROWS + 12


def test_a_budget_is_held_against_what_is_left_to_pay_and_a_plan_says_how_much_that_is(desk: Desk, server: Server, tag: str) -> None:
    monday(desk, tag)
    used = desk.summary["usage"]
    desk.write_rows(edited(tag))
    budget = (used["input"] + used["output"]) // 2
    options = ("eval.yaml", "--run-id", "tuesday", "--set", f"budget.tokens={budget}", "--set", "model.max_output_tokens=null")
    plan = desk.run("plan", *options, "--reuse", "spam/monday", "--json")
    assert plan.code == 0, plan.err
    assert (plan.events[-1]["to_ask"], plan.events[-1]["unasked"]) == (3, 18)
    assert not (desk.path / "runs/spam/tuesday").exists()
    server.calls()
    assert desk.run("run", *options, "--reuse", "spam/monday").code == 0
    assert len(server.calls()) == 3
