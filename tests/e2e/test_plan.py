"""`evalsvc plan`: reads and reckons; with --ask it sends a few rows, and they count."""

import pytest

from tests.e2e.desk import Desk, messages_rows
from tests.e2e.server import Server


@pytest.fixture
def planned(desk: Desk, server: Server, tag: str) -> Desk:
    desk.write_rows(messages_rows(200, tag))
    desk.write_config(model={"max_output_tokens": 5, "price": {"input": 1, "output": 2}})
    return desk


def test_a_plan_asks_nothing_and_leaves_nothing_behind(planned: Desk, server: Server) -> None:
    end = planned.run("plan", "eval.yaml")
    assert end.code == 0
    for words in ("200 to ask", "an estimate, 4 bytes a token", "at most 1,000 tokens", "model.price", "evalsvc run eval.yaml"):
        assert words in end.out
    assert server.calls() == []
    assert not (planned.path / "runs").exists()


def test_rows_asked_by_a_plan_are_shown_measured_and_not_asked_again(planned: Desk, server: Server) -> None:
    end = planned.run("plan", "eval.yaml", "--ask=10", "--quiet")
    assert end.code == 0
    assert len(server.calls()) == 10
    for words in ("asked 10 rows", "extracted", "10 finished earlier", "190 to ask", "measured on 10 answers", "accuracy"):
        assert words in end.out
    assert planned.summary["status"] == "partial"
    assert planned.run("run", "eval.yaml").code == 0
    assert len(server.calls()) == 190
    assert planned.summary["status"] == "complete"
    assert "nothing to ask" in planned.run("plan", "eval.yaml").out


def test_a_later_plan_asks_other_rows_and_the_rows_are_not_the_first_ones(planned: Desk) -> None:
    for _ in range(2):
        assert planned.run("plan", "eval.yaml", "--ask=5", "--quiet").code == 0
    asked = {int(record["messages"][0]["content"].split()[1]) for record in planned.journal()}
    assert len(asked) == 10
    assert max(asked) > 50


def test_as_json_the_last_line_is_the_plan(planned: Desk) -> None:
    *_, plan = planned.run("plan", "eval.yaml", "--ask=5", "--json").events
    assert (plan["event"], plan["exit_code"], plan["to_ask"], len(plan["asked"])) == ("plan", 0, 195, 5)
    assert plan["input"]["low"] < plan["input"]["likely"] < plan["input"]["high"]


def test_a_plan_whose_budget_a_run_would_refuse_ends_as_the_run_would(planned: Desk, server: Server) -> None:
    end = planned.run("plan", "eval.yaml", "--set=budget.tokens=100")
    assert end.code == 11
    assert "not enough: run refuses to begin" in " ".join(end.out.split())
    assert server.calls() == []


def test_a_key_that_is_refused_ends_a_plan_that_asks_as_it_ends_a_run(planned: Desk) -> None:
    end = planned.run("plan", "eval.yaml", "--ask=3", "--quiet", "--set=model.headers.x-sandbox-fault=status=401")
    assert end.code == 5
    assert "200 to ask" in end.out


def test_a_listed_price_needs_neither_a_key_nor_a_price_of_ones_own(planned: Desk) -> None:
    flags = ("--set=model.base_url=https://api.openai.com/v1", "--set=model.price=null")
    end = planned.run("plan", "eval.yaml", *flags, "--set=model.name=gpt-4.1-mini")
    assert end.code == 0
    assert "openai/gpt-4.1-mini" in end.out
    assert "cost      $" in end.out
    assert "no price known: set model.price" in planned.run("plan", "eval.yaml", *flags, "--set=model.name=gpt-4.1-minimal").out
    asking = planned.run("plan", "eval.yaml", *flags, "--ask=1")
    assert (asking.code, "OPENAI_API_KEY" in asking.err) == (2, True)
