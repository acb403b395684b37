"""The time of day is a label, and a process that was suspended has lost time, not rows."""

import ast
import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from evalsvc.endpoint.answer import Action, Answer
from evalsvc.endpoint.deadlines import SUSPENDED_S, Deadlines
from evalsvc.pool import Pool
from evalsvc.records import Request
from tests.e2e.desk import environment, fixed_parts, messages_rows, summary_of, until
from tests.e2e.server import serving
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, FaultDesk, finished
from tests.faults.promises import promise
from tests.pool.launches import During, launch
from tests.pool.servers import RateLimited, Server, failure
from tests.virtual_time import VirtualLoop, run

CHECKOUT = Path(__file__).parents[2]
HOUR_S, DAY_S = 3_600.0, 86_400.0

# Whoever reads the time of day, or a file's: at how many places, and what it is good for. No deadline, no pace and no number is among it.
LABELS: Final[Mapping[str, tuple[int, str]]] = {
    "cli/answers.py": (1, "when a file of answers was taken in"),
    "cli/listing.py": (1, "how long ago a run was changed"),
    "cli/prune.py": (1, "the age of a run that --days is about"),
    "cli/read.py": (2, "how long ago, and the name of a quarantine file"),
    "compare/baseline.py": (1, "a file's time is kept when it is unpacked"),
    "compare/regression.py": (1, "whether a baseline is still the same file; another time only makes it be read again"),
    "dataset/source.py": (1, "whether a data file is still the same; another time only makes it be read again"),
    "endpoint/http.py": (1, "a Retry-After date without a Date header; clamped to five minutes"),
    "endpoint/sdk.py": (1, "the same"),
    "pipeline/announcing.py": (1, "the time in a message and in its signature"),
    "pipeline/asking.py": (2, "when a record was written"),
    "pipeline/flow.py": (8, "when a launch began and ended"),
    "pipeline/prepare.py": (1, "the date of a price list"),
    "pipeline/pruning.py": (1, "the age of a run that --days is about"),
    "pipeline/tracking.py": (1, "when a tracker was told"),
    "report/json_log.py": (1, "the time of a log line"),
    "rundir.py": (1, "which run is meant where none is named: the one that was changed last"),
    "telling/mlflow_tracker.py": (1, "the time of a metric"),
    "telling/webhook.py": (2, "a Retry-After date, bounded like all waits for a webhook"),
}
OF_TIME: Final = {"time", "time_ns", "localtime", "gmtime", "ctime", "strftime", "clock_gettime"}
OF_THE_DAY: Final = {("time", name) for name in OF_TIME} | {("datetime", "now"), ("datetime", "utcnow"), ("date", "today")}
OF_A_FILE: Final = {"st_mtime", "st_mtime_ns", "st_ctime", "st_ctime_ns", "getmtime", "getctime"}


@promise("10.1")
def test_the_time_of_day_is_read_for_labels_alone() -> None:
    package = CHECKOUT / "evalsvc"
    readers = {str(path.relative_to(package)): len(list(_readings(path))) for path in package.rglob("*.py")}
    found = {name: times for name, times in readers.items() if times and not name.startswith("sandbox/")}
    known = {name: times for name, (times, _) in LABELS.items()}
    strangers = dict(found.items() - known.items())
    assert not strangers, f"{strangers}: take the event loop's time, or say in the table what the time of day is good for"
    assert found == known


def _readings(path: Path) -> Iterator[ast.AST]:
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)) if "time" in source or "today" in source else ():
        match node:
            case ast.Attribute(value=ast.Name(id=owner) | ast.Attribute(attr=owner), attr=name) if (owner, name) in OF_THE_DAY:
                yield node
            case ast.Attribute(attr=name) if name in OF_A_FILE:
                yield node
            case ast.ImportFrom(module="time", names=names) if OF_TIME & {alias.name for alias in names}:
                yield node


# a clock that jumps ----------------------------------------------------------------------------------------------

# evalsvc with a time of day that is a day ahead, then a day behind, at every other look.
JUMPING = """
import sys, time

real, looks = time.time, 0

def jumping():
    global looks
    looks += 1
    return real() + (86_400 if looks % 2 else -86_400)

time.time = jumping
sys.argv[0] = "evalsvc"
from evalsvc.__main__ import main
main()
"""


@promise("10.1")
@pytest.mark.long
def test_a_clock_that_jumps_by_a_day_at_every_look_changes_no_number_and_no_wait(tmp_path: Path) -> None:
    with serving(tmp_path / "calls.log", "--rps=40", "--burst=5") as server:
        desk = FaultDesk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(60, "clock"))
        # a wait of a day, or a deadline of one that was over at once, would end in a row without an answer
        desk.write_config(dataset={"id": "id"}, limits={"attempt_timeout_s": 20, "row_deadline_s": 40, "outage_budget_s": 20})
        assert desk.run("run", "eval.yaml", "--run-id=calm").code == 0
        process = subprocess.Popen(
            [sys.executable, "-c", JUMPING, "run", "eval.yaml", "--run-id=jumping"],
            cwd=tmp_path,
            env=environment({KEY_VARIABLE: CANARY}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        end = finished(process)
        assert end.code == 0, end.err
    calm, jumping = (summary_of(tmp_path / "runs" / "spam" / name) for name in ("calm", "jumping"))
    assert fixed_parts(jumping) == fixed_parts(calm)
    assert jumping["calls"]["retries"] == jumping["calls"]["rate_limited"]


# a process that is suspended -------------------------------------------------------------------------------------


def suspended(seconds: float, *, at_s: float) -> During:
    async def suspend(_: Pool) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        await asyncio.sleep(at_s)
        loop.spend(seconds)

    return suspend


@dataclass
class Impatient(Server):
    """Hangs up on whoever lets a minute go by."""

    async def answer(self, request: Request, at: float) -> Answer:
        answer = await super().answer(request, at)
        late = asyncio.get_running_loop().time() - at > 60
        return failure("connect", Action.RETRY) if late else answer


@promise("10.2")
@pytest.mark.parametrize("seconds", [HOUR_S / 2, 2 * HOUR_S, DAY_S])
def test_rows_in_flight_at_a_suspension_are_charged_no_more_than_an_attempt_and_all_are_answered(seconds: float) -> None:
    launched = launch(Impatient(), 2000, ceiling=200, during=suspended(seconds, at_s=1.05))
    assert launched.error is None
    assert len(launched.answered) == 2000
    assert launched.counters.by_error["connect"] > 100


PACES: Final[Mapping[str, tuple[Callable[[], Server], Mapping[str, Any]]]] = {
    "requests_per_minute": (Server, {"requests_per_minute": 600}),
    "tokens_per_minute": (Server, {"tokens_per_minute": 600 * 30, "max_output_tokens": 10}),
    "learned": (lambda: RateLimited(per_s=10, burst=10), {}),
}


@promise("10.2")
@pytest.mark.parametrize("which", PACES)
def test_after_a_suspension_nothing_is_made_up_for(which: str) -> None:
    make, pace = PACES[which]
    server = make()
    launched = launch(server, 300, ceiling=200, during=suspended(HOUR_S, at_s=15.05), **pace)
    assert launched.error is None
    after = [call.at for call in server.calls if call.at >= HOUR_S]
    in_a_second = max(sum(start <= at < start + 1 for at in after) for start in after)
    # ten a second, and what the smallest of bursts adds
    assert in_a_second <= 30


@promise("10.2")
@pytest.mark.parametrize("seconds", [SUSPENDED_S + 2, HOUR_S])
def test_a_suspension_is_not_the_attempt_s_time(seconds: float) -> None:
    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        deadlines, ended = Deadlines(loop, 10.0), list[str]()

        async def attempt(takes_s: float) -> None:
            try:
                with deadlines.deadline():
                    await asyncio.sleep(takes_s)
            except TimeoutError:
                ended.append(f"given up after {loop.time() - seconds:.0f} s")
            else:
                ended.append("answered")

        tasks = [loop.create_task(attempt(takes_s)) for takes_s in (8.0 + seconds, 30.0 + seconds)]
        await asyncio.sleep(4.5)
        loop.spend(seconds)
        await asyncio.wait(tasks)
        deadlines.close()
        return ended

    assert run(main) == ["answered", "given up after 10 s"]


@promise("10.2")
@pytest.mark.long
def test_a_stopped_process_goes_on_where_it_was_with_the_answers_that_came_meanwhile(tmp_path: Path) -> None:
    with serving(tmp_path / "calls.log", "--latency=1.5") as server:
        desk = FaultDesk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(24, "clock"))
        desk.write_config(dataset={"id": "id"}, limits={"concurrency": 8, "attempt_timeout_s": 4, "row_deadline_s": 6})
        process = desk.start("run", "eval.yaml")
        until(lambda: desk.journal_lines() == 8)
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(subprocess.TimeoutExpired):  # for longer than an attempt, and than a row, may take
            process.wait(SUSPENDED_S + 4)
        process.send_signal(signal.SIGCONT)
        end = finished(process)
        assert end.code == 0, end.err
        assert len(server.calls()) == len(desk.winners()) == 24
