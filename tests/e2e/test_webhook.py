"""Others are told of real runs, and a receiver that is wrong, slow or gone changes nothing about them."""

import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from evalsvc.telling.signing import signature
from tests.e2e.desk import Desk, Ended, ended, messages_rows, until
from tests.e2e.receiver import SECRET_PATH, Receiver, receiving
from tests.e2e.server import Server, free_port, serving

pytestmark = pytest.mark.long

KEY = "whsec-SECRET"
WITHIN_S = 10.0  # that the end of a run waits for its last message
MARGIN_S = 20.0  # for a summary on a busy machine


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


def run(desk: Desk, url: str, *args: str) -> Ended:
    return desk.run("run", "eval.yaml", *args, environ={"EVALSVC_WEBHOOK_URL": url, "EVALSVC_WEBHOOK_SECRET": KEY})


def small(desk: Desk, tag: str, **changes: Any) -> Desk:
    desk.write_rows(messages_rows(12, tag))
    desk.write_config(**{"webhook": {}, **changes})
    return desk


def of_the_webhook(desk: Desk) -> list[dict[str, Any]]:
    lines = map(json.loads, (desk.run_dir / "events.jsonl").read_bytes().splitlines())
    return [event for event in lines if event["event"] == "webhook"]


def test_the_end_of_a_run_is_told_signed_and_tried_again_and_only_once(desk: Desk, tag: str, receiver: Receiver) -> None:
    receiver.script = [503]
    small(desk, tag, gates=["accuracy >= 0.99"])
    assert run(desk, receiver.url).code == 3
    (message,) = receiver.taken
    assert (message["event"], message["exit_code"], message["status"], message["rows"]["ok"]) == ("finish", 3, "complete", 12)
    assert message["text"].startswith("spam · Not to be shipped: accuracy")
    assert message["run"]["id"] == desk.run_dir.name
    for body, signed in receiver.tries:
        assert signed is not None
        sent_at = int(signed.partition(",")[0].removeprefix("t="))
        assert signed == signature(KEY, body, at_s=sent_at)
    assert [(event["about"], event["delivered"], event["tries"]) for event in of_the_webhook(desk)] == [("finish", True, 2)]

    assert "0 requests sent" in run(desk, receiver.url).err
    assert len(receiver.taken) == 1, "it was told of then"


def test_no_secret_is_in_any_file_and_nothing_that_was_asked_is_in_the_message(desk: Desk, tag: str, receiver: Receiver) -> None:
    small(desk, tag, webhook={"url": receiver.url})
    end = run(desk, "http://not-used")
    assert end.code == 0, end.err
    written = b"".join(path.read_bytes() for path in desk.run_dir.rglob("*") if path.is_file())
    for secret in (KEY, SECRET_PATH):
        assert secret.encode() not in written
        assert secret not in end.err + end.out
    ((body, _),) = receiver.tries
    assert tag.encode() not in body


def test_a_receiver_that_is_gone_costs_seconds_and_a_note_and_the_next_launch_delivers(desk: Desk, tag: str, receiver: Receiver) -> None:
    small(desk, tag)
    began_at = time.monotonic()
    end = run(desk, f"http://127.0.0.1:{free_port()}{SECRET_PATH}")
    assert end.code == 0, end.err
    assert time.monotonic() - began_at < WITHIN_S + MARGIN_S
    assert end.err.count("the webhook was not told of the finish") == 1
    assert SECRET_PATH not in end.err
    assert [event["delivered"] for event in of_the_webhook(desk)] == [False]

    assert run(desk, receiver.url).code == 0
    assert receiver.events == ["finish"]


@pytest.mark.parametrize("status", [307, 404])
def test_a_receiver_that_will_not_have_it_is_asked_once_and_the_exit_code_is_the_run_s(
    desk: Desk, tag: str, receiver: Receiver, status: int
) -> None:
    receiver.script = [status] * 9
    small(desk, tag)
    assert run(desk, receiver.url).code == 0
    assert len(receiver.tries) == 1


def test_an_endpoint_that_is_down_is_told_with_what_to_do(desk: Desk, tag: str, receiver: Receiver) -> None:
    small(desk, tag, model={"base_url": f"http://127.0.0.1:{free_port()}/v1"}, limits={"wait_for_endpoint_s": 0})
    assert run(desk, receiver.url).code == 6
    (message,) = receiver.taken
    assert (message["event"], message["exit_code"], message["status"]) == ("failure", 6, None)
    assert message["error"]["kind"] == "EndpointDown"
    assert "exit 6" in message["text"]


def test_bad_usage_is_not_told_and_an_address_that_is_not_set_is_bad_usage(desk: Desk, tag: str, receiver: Receiver) -> None:
    small(desk, tag, slices=["nowhere"])
    assert run(desk, receiver.url).code == 2
    assert receiver.tries == []
    small(desk, tag)
    end = desk.run("run", "eval.yaml")
    assert end.code == 2
    assert "EVALSVC_WEBHOOK_URL is not set" in end.err
    assert not desk.run_dirs


def test_a_silent_endpoint_is_told_of_while_it_lasts_and_the_signal_that_ended_it_too(tmp_path: Path, receiver: Receiver) -> None:
    with serving(tmp_path / "calls.log", "--silence=1:after=4") as server:
        desk = small(Desk(path=tmp_path, base_url=server.url), "stall", webhook={"stall_s": 0.5}, limits={"concurrency": 4, "drain_s": 1})
        process = desk.start("run", "eval.yaml", environ={"EVALSVC_WEBHOOK_URL": receiver.url})
        until(lambda: bool(receiver.taken))
        process.send_signal(signal.SIGTERM)
        assert ended(process).code == 75
    assert receiver.events == ["stall", "failure"]
    stall, failure = receiver.taken
    assert stall["rows"] == {"expected": 12, "pending": 8}
    assert stall["silent_s"] >= 0.5
    assert (failure["exit_code"], failure["error"]["kind"]) == (75, "Stopped")
    assert [signed for _, signed in receiver.tries] == [None, None], "without a key nothing is signed"


def test_a_plan_that_sends_some_rows_tells_nobody(desk: Desk, tag: str, server: Server, receiver: Receiver) -> None:
    small(desk, tag)
    assert desk.run("plan", "eval.yaml", "--ask", "3", environ={"EVALSVC_WEBHOOK_URL": receiver.url}).code == 0
    assert receiver.tries == []
