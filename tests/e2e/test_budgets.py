"""Money and time: told before, kept during, carried over to the next launch."""

import json
import shlex
import signal
import subprocess
from typing import Any

import pytest

from tests.e2e.desk import PATIENCE_S, Desk, messages_rows, until
from tests.e2e.server import Server, faults
from tests.faults.promises import promise

pytestmark = pytest.mark.long

SPENT, STOPPED, USAGE = 11, 75, 2
PRICE = {"price": {"input": 1.0, "output": 1.0}}


def paid(desk: Desk) -> int:
    spent = desk.summary["calls"]["spent"]
    return int(spent["input"] + spent["output"])


def config(desk: Desk, rows: int, tag: str, **changes: Any) -> None:
    desk.write_rows(messages_rows(rows, tag))
    model = {"max_output_tokens": 5, **PRICE, **changes.pop("model", {})}
    desk.write_config(model=model, **{"limits": {"concurrency": 4}, **changes})


@promise("9.1")
def test_a_budget_that_cannot_do_is_refused_before_anything_is_asked(desk: Desk, server: Server, tag: str) -> None:
    config(desk, 100, tag, budget={"usd": 0.0001})
    end = desk.run("run", "eval.yaml")
    assert end.code == SPENT
    assert "budget.usd is $0.0001" in end.err
    assert "raise budget.usd to $" in end.err
    assert server.calls() == []


@promise("9.1")
def test_a_run_stops_within_its_budget_counts_on_from_there_and_asks_only_the_rest_when_it_is_raised(
    desk: Desk, server: Server, tag: str
) -> None:
    config(desk, 100, tag)
    assert desk.run("plan", "eval.yaml", "--ask=4", "--quiet").code == 0
    row = paid(desk) / 4
    # after four answers it may be enough for all, as far as anybody knows
    budget = round(row * 85)
    end = desk.run("run", "eval.yaml", f"--set=budget.tokens={budget}")
    assert (end.code, "nothing was asked" in end.err) == (SPENT, False)
    assert "note      budget.tokens may not be enough" in end.err
    assert budget - 2 * row <= paid(desk) <= budget + 4 * row
    assert (desk.summary["status"], desk.summary["rows"]["pending"]) == ("partial", 100 - len(desk.winners()))
    assert f"{100 - len(desk.winners())} rows are left" in end.err
    assert "carries on" not in end.out
    before = len(server.calls())
    again = desk.run("run", "eval.yaml", f"--set=budget.tokens={budget}")
    assert (again.code, server.calls()) == (SPENT, [])
    assert desk.run("run", "eval.yaml", f"--set=budget.tokens={round(row * 200)}").code == 0
    assert before + len(server.calls()) == 100
    assert desk.summary["status"] == "complete"


@promise("9.1")
def test_what_a_killed_launch_paid_is_spent(desk: Desk, server: Server, tag: str) -> None:
    config(desk, 60, tag, model=faults("latency=0.2"), limits={"concurrency": 4})
    killed = desk.start("run", "eval.yaml", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: desk.journal_lines() >= 12)
    killed.send_signal(signal.SIGKILL)
    killed.wait(PATIENCE_S)
    on_disk = [record["usage"] for record in desk.journal()]
    so_far = sum(usage["input"] + usage["output"] for usage in on_disk)
    end = desk.run("run", "eval.yaml", f"--set=budget.tokens={so_far}")
    assert (end.code, "nothing was asked" in end.err, " 0 tokens are left" in end.err) == (SPENT, True, True)


@promise("9.2")
def test_the_maximum_runtime_ends_a_launch_like_a_signal_and_the_flag_wins_over_the_config(desk: Desk, tag: str) -> None:
    config(desk, 400, tag, budget={"runtime": "1h"}, limits={"requests_per_minute": 1200})
    end = desk.run("run", "eval.yaml", "--max-runtime=1s")
    assert end.code == STOPPED
    assert "stopped at the maximum runtime of 1s" in end.err
    assert desk.summary["status"] == "partial"
    assert 0 < len(desk.winners()) < 100
    finished = desk.run("run", "eval.yaml", "--limit=60", environ={"EVALSVC_BUDGET__RUNTIME": "2h"})
    assert finished.code == 0


def test_the_command_to_type_next_names_the_run_that_the_environment_had_named(desk: Desk, server: Server, tag: str) -> None:
    """Another shell knows nothing of it, and would begin another run and pay again."""
    config(desk, 400, tag, limits={"requests_per_minute": 1200})
    stopped = desk.run("run", "eval.yaml", "--max-runtime=1s", environ={"EVALSVC_RUN_ID": "to night"})
    assert stopped.code == STOPPED
    [command] = [line for line in stopped.out.splitlines() if "carries on where it stopped" in line]
    [_, *words] = shlex.split(command[command.index("evalsvc run") :], comments=True)
    before = len(server.calls())
    assert desk.run(*words, "--max-runtime=1h", "--limit=40").code == 0
    assert [path.name for path in desk.run_dirs] == ["to night"]
    assert len(server.calls()) - before < 40


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"budget": {"usd": 1}, "model": {"price": None}}, ("budget.usd", "needs a price", "model.price")),
        ({"budget": {"runtime": "soon"}}, ("budget.runtime", "'soon'", "6h")),
    ],
)
def test_a_budget_that_nobody_can_keep_is_refused_with_its_place(
    changes: dict[str, Any], words: tuple[str, ...], desk: Desk, server: Server, tag: str
) -> None:
    config(desk, 3, tag, **changes)
    end = desk.run("run", "eval.yaml")
    assert end.code == USAGE
    assert [word for word in (*words, "eval.yaml:") if word not in end.err] == []
    assert server.calls() == []


def test_the_price_and_where_it_is_from_are_kept_with_the_run(desk: Desk, tag: str) -> None:
    config(desk, 3, tag)
    assert desk.run("run", "eval.yaml").code == 0
    manifest = json.loads((desk.run_dir / "run.json").read_bytes())
    assert manifest["price_source"] == "model.price"
    assert desk.summary["cost_usd"] == pytest.approx(paid(desk) / 1e6)
