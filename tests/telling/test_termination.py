"""What a cluster is told of a run that has ended: one JSON object, always whole, never too long."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from evalsvc.errors import EndpointDown, UsageError
from evalsvc.telling.termination import NAMED_BY, failed, finished, fitting, write_termination
from tests.report.cases import summary
from tests.telling.test_message import ABOUT, partial

GATES = [{"gate": f"accuracy >= 0.{number}", "passed": number != 7, "value": 0.9, "reason": None} for number in range(10, 5, -1)]


def test_a_complete_run_tells_its_verdict_and_the_numbers_that_its_gates_are_about() -> None:
    told = finished(ABOUT, summary(), exit_code=3, positive="spam")
    assert told["text"] == "spam-ft-v3 · Not to be shipped: f1_macro 0.979996 is below 0.98."
    assert (told["exit_code"], told["status"], told["durable"], told["error"]) == (3, "complete", 5574, None)
    assert told["run"]["dir"] == ABOUT.dir
    assert told["next"] == "evalsvc show runs/spam-ft-v3/night-7"


def test_its_numbers_are_those_that_its_gates_name() -> None:
    measured = summary()["metrics"]["accuracy"]
    told = finished(ABOUT, summary(metrics={"mcc": measured, "accuracy": measured}, gates=GATES), exit_code=0, positive=None)
    assert told["metrics"] == {"accuracy": {key: measured[key] for key in ("value", "ci_low", "ci_high")}}


def test_without_gates_it_is_the_first_number_that_there_is() -> None:
    assert list(finished(ABOUT, summary(gates=[]), exit_code=0, positive=None)["metrics"]) == ["accuracy"]


def test_gates_that_failed_stand_first() -> None:
    assert [gate["passed"] for gate in finished(ABOUT, summary(gates=GATES), exit_code=3, positive=None)["gates"]] == [False, *[True] * 4]


def test_a_run_that_was_ended_tells_why_how_far_it_came_and_what_to_do() -> None:
    told = failed(ABOUT, EndpointDown("http://host: connection refused", hint="is it running?"), partial(), durable=3000)
    assert told["text"] == "spam-ft-v3 · stopped after 3,000 of 5,574 rows, exit 6: http://host: connection refused"
    assert (told["exit_code"], told["status"], told["durable"], told["next"]) == (6, "partial", 3000, "is it running?")
    assert told["error"] == {"kind": "EndpointDown", "message": "http://host: connection refused", "hint": "is it running?"}


def test_of_what_is_not_known_yet_it_tells_nothing() -> None:
    told = failed(None, UsageError("no such file"), None, durable=None)
    assert told["text"] == "stopped, exit 2: no such file"
    assert {told[key] for key in ("run", "status", "rows", "durable", "next")} == {None}


@pytest.mark.parametrize("room", [2, 100, 1000, 4096])
def test_however_long_the_parts_are_it_fits_and_is_whole(room: int) -> None:
    long: dict[str, Any] = {"hint": "\U0001f600" * 5000}
    error = EndpointDown('"\\\n\ud800' * 3000, **long)
    gates = [
        {"gate": f"slices.{'ü' * 300}.{number} >= 1", "passed": False, "value": None, "reason": "no value " * 50} for number in range(90)
    ]
    told = failed(ABOUT, error, summary(gates=gates), durable=1)
    line = fitting(told, room)
    assert len(line) <= room
    assert json.loads(line).items() >= ({"exit_code": 6} if room > 2 else {}).items()
    assert room < 4096 or json.loads(line).keys() == told.keys()


def test_what_fits_is_left_as_it_is() -> None:
    told = finished(ABOUT, summary(), exit_code=0, positive=None)
    assert json.loads(fitting(told)) == told
    assert len(fitting({"text": "long" * 4096})) <= 4096, "which is what Kubernetes keeps"


def test_it_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "termination-log"
    file.write_text("of an earlier container, and much longer" * 200)
    write_termination({"exit_code": 0}, {NAMED_BY: str(file)})
    assert file.read_bytes() == b'{"exit_code":0}'


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    write_termination({"exit_code": 0}, {NAMED_BY: str(tmp_path / "termination-log")})
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_written_is_passed_over_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path, tmp_path / "pipe", Path("/dev/full"), Path()):
        write_termination({"exit_code": 0}, {NAMED_BY: str(place)})
