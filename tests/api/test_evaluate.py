"""evaluate and aevaluate: the same run as the command's, with nothing of the caller's touched."""

import asyncio
import gc
import signal
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import evalsvc
from evalsvc.errors import EndpointDown, IdentityDiffers, UsageError
from tests.api.conftest import ROWS
from tests.e2e.desk import Desk
from tests.e2e.server import free_port

# a server of its own, with so much time for each row
SLOW = {"model.base_url": "sandbox", "model.endpoint_id": "here", "model.sandbox": {"latency": 0.1}, "limits.concurrency": 2}


def test_a_config_file_becomes_a_run_with_its_numbers(desk: Desk) -> None:
    run = evalsvc.evaluate("eval.yaml")
    assert (run.status, run.passed, run.exit_code) == ("complete", True, 0)
    assert run.summary == desk.summary
    assert run.path.resolve() == desk.run_dir


def test_file_mapping_and_model_are_the_same_measurement(desk: Desk, config: Mapping[str, Any]) -> None:
    first = evalsvc.evaluate(desk.path / "eval.yaml")
    second = evalsvc.evaluate(config)
    third = evalsvc.evaluate(evalsvc.EvalConfig.model_validate({**config, "dataset": {**config["dataset"], "path": "data.jsonl"}}))
    assert first.path == second.path == third.path
    assert len(desk.journal()) == ROWS


def test_a_failed_gate_is_a_result_and_no_exception(desk: Desk) -> None:
    run = evalsvc.evaluate("eval.yaml", overrides={"gates": ["accuracy >= 0.99"]})
    assert (run.passed, run.exit_code) == (False, 3)


@pytest.mark.parametrize(("config", "more"), [(None, {}), (42, {}), ("eval.yaml", {"on_drift": "yes"})])
def test_arguments_that_no_type_checker_has_looked_at_are_refused(desk: Desk, config: Any, more: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"config is|on_drift is"):
        evalsvc.evaluate(config, **more)
    assert not (desk.path / "runs").exists()


def test_it_works_inside_a_running_loop_as_a_notebook_has_one(desk: Desk) -> None:
    async def cell() -> evalsvc.Run:
        return evalsvc.evaluate("eval.yaml")

    assert asyncio.run(cell()).status == "complete"


def test_awaited_it_leaves_the_loop_free(desk: Desk) -> None:
    async def main() -> tuple[evalsvc.Run, int]:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                turns += 1
                await asyncio.sleep(0.01)

        beside = asyncio.create_task(other())
        run = await evalsvc.aevaluate("eval.yaml", overrides=SLOW)
        beside.cancel()
        return run, turns

    run, turns = asyncio.run(main())
    assert run.status == "complete"
    assert turns > 20


def test_signal_handlers_collector_and_loop_stay_as_they_were(desk: Desk) -> None:
    def state() -> tuple[Any, ...]:
        return signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM), gc.get_threshold(), gc.get_freeze_count()

    before = state()
    seen: list[tuple[Any, ...]] = []
    evalsvc.evaluate("eval.yaml", on_progress=lambda _: seen.append(state()))
    assert set(seen) == {before}
    assert state() == before


@pytest.mark.parametrize("awaited", [False, True])
def test_progress_is_a_typed_snapshot_in_the_thread_of_the_caller(desk: Desk, awaited: bool) -> None:
    seen: list[evalsvc.Progress] = []
    threads: set[int] = set()

    def watch(progress: evalsvc.Progress) -> None:
        seen.append(progress)
        threads.add(threading.get_ident())

    if awaited:
        asyncio.run(evalsvc.aevaluate("eval.yaml", on_progress=watch))
    else:
        evalsvc.evaluate("eval.yaml", on_progress=watch)
    assert threads == {threading.get_ident()}
    assert (seen[-1].done, seen[-1].expected) == (ROWS, ROWS)


def awaited(*args: Any, **more: Any) -> evalsvc.Run:
    return asyncio.run(evalsvc.aevaluate(*args, **more))


@pytest.mark.parametrize(
    ("evaluate", "error"),
    [(evalsvc.evaluate, ValueError("no")), (evalsvc.evaluate, KeyboardInterrupt()), (awaited, ValueError("no"))],
)
def test_what_the_callback_raises_stops_the_run_is_raised_and_loses_nothing(
    desk: Desk, evaluate: Callable[..., evalsvc.Run], error: BaseException
) -> None:
    """KeyboardInterrupt stands for the stop button of a notebook: it comes in the same place."""

    def refuse(progress: evalsvc.Progress) -> None:
        if progress.done:
            raise error

    with pytest.raises(type(error)):
        evaluate("eval.yaml", on_progress=refuse, overrides=SLOW)
    assert 0 < len(desk.journal()) < ROWS
    assert evalsvc.evaluate("eval.yaml", overrides={"model.endpoint_id": "here"}).status == "complete"
    assert len(desk.journal()) == ROWS


def test_cancelling_waits_for_what_is_in_flight_and_the_next_call_carries_on(desk: Desk) -> None:
    async def main() -> None:
        begun = asyncio.Event()

        def watch(progress: evalsvc.Progress) -> None:
            if progress.done:
                begun.set()

        work = asyncio.create_task(evalsvc.aevaluate("eval.yaml", overrides=SLOW, on_progress=watch))
        await begun.wait()
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work

    asyncio.run(main())
    assert 0 < len(desk.journal()) < ROWS
    run = evalsvc.load_run("spam")
    assert (run.status, run.passed, run.exit_code) == ("partial", None, None)
    assert evalsvc.evaluate("eval.yaml", overrides={"model.endpoint_id": "here"}).status == "complete"


def test_what_stops_a_run_is_raised_with_where_its_answers_are(desk: Desk) -> None:
    overrides = {"model.base_url": f"http://127.0.0.1:{free_port()}/v1", "limits.wait_for_endpoint_s": 0}
    with pytest.raises(EndpointDown) as down:
        evalsvc.evaluate("eval.yaml", overrides=overrides)
    assert down.value.run_dir is not None
    assert down.value.run_dir.exists()


def test_what_is_wrong_before_the_first_request_is_raised_as_the_command_says_it(desk: Desk, config: Mapping[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"overrides\['model.nam'\]: there is no key model.nam; did you mean"):
        evalsvc.evaluate("eval.yaml", overrides={"model.nam": "x"})
    with pytest.raises(UsageError, match="no file"):
        evalsvc.evaluate({**config, "dataset": {"path": "nowhere.jsonl", "input": "text"}})
    with pytest.raises(UsageError, match="no such file"):
        asyncio.run(evalsvc.aevaluate(Path("nowhere.yaml")))


def test_another_measurement_in_a_named_directory_is_refused_or_asked_again(desk: Desk) -> None:
    evalsvc.evaluate("eval.yaml", run_dir="here")
    with pytest.raises(IdentityDiffers):
        evalsvc.evaluate("eval.yaml", run_dir="here", overrides={"model.revision": "2"})
    run = evalsvc.evaluate("eval.yaml", run_dir="here", overrides={"model.revision": "2"}, on_drift="rerun")
    assert run.summary["run"]["revision"] == "2"


def test_the_environment_can_be_given(desk: Desk) -> None:
    run = evalsvc.evaluate("eval.yaml", environ={"EVALSVC_NAME": "other"})
    assert run.name == "other"


def test_two_at_once_in_one_process_are_two_runs_and_one_directory_takes_one(desk: Desk) -> None:
    async def main() -> tuple[evalsvc.Run, evalsvc.Run]:
        both = [evalsvc.aevaluate("eval.yaml", run_id=name, overrides=SLOW) for name in ("one", "two")]
        one, two = await asyncio.gather(*both)
        return one, two

    one, two = asyncio.run(main())
    assert one.summary["metrics"] == two.summary["metrics"]
    assert {one.id, two.id} == {"one", "two"}


def test_data_in_place_of_a_config_is_told_what_it_is() -> None:
    with pytest.raises(UsageError, match=r"reviews\.csv is no eval\.yaml") as refused:
        evalsvc.evaluate("reviews.csv")
    assert "evalsvc init" in str(refused.value.hint)
