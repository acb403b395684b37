"""What a webhook says, as its receiver reads it."""

import json
from typing import Any

import pytest

from evalsvc.errors import EndpointDown
from evalsvc.records import Summary
from evalsvc.telling.message import TEXT_AT_MOST, About, failed, finished, slack_text, stalled
from evalsvc.telling.stall import Pulse
from tests.report.cases import summary

ABOUT = About(name="spam-ft-v3", id="night-7", dir="runs/spam-ft-v3/night-7", model="spam-ft", host="gpu-1")
DONE: dict[str, Any] = {"exit_code": 0, "positive": None}
REGRESSION = {
    "gate": "regression: accuracy",
    "passed": False,
    "value": -0.03,
    "reason": "worse",
    "regression": {"flipped": ["row-of-a-customer"], "baseline": "spam/1", "metric": "accuracy", "verdict": "no worse"},
}


def test_a_finished_run_says_its_verdict_in_a_sentence_and_what_a_program_needs() -> None:
    told = finished(ABOUT, summary(), exit_code=3, positive="spam")
    assert told["text"] == "spam-ft-v3 · Not to be shipped: f1_macro 0.979996 is below 0.98."
    assert told["run"] == {
        "name": "spam-ft-v3",
        "id": "night-7",
        "dir": "runs/spam-ft-v3/night-7",
        "model": "spam-ft",
        "host": "gpu-1",
    }
    assert (told["exit_code"], told["status"], told["cost_usd"], told["error"]) == (3, "complete", 0.0781, None)
    assert told["rows"] == {"expected": 5574, "ok": 5570, "error": 4, "pending": 0}
    assert told["gates"] == summary()["gates"]
    assert told["metrics"] == {"accuracy": {"value": 0.98493, "ci_low": 0.9813, "ci_high": 0.9878, "n": 5574}}


def test_no_text_of_a_row_is_in_it() -> None:
    told = finished(ABOUT, summary(gates=[REGRESSION], warnings=[{"kind": "k", "message": "row-of-a-customer", "evidence": {}}]), **DONE)
    assert "row-of-a-customer" not in json.dumps({**told, "text": ""})
    assert told["gates"] == [{key: REGRESSION[key] for key in ("gate", "passed", "value", "reason")}]


def test_a_run_without_a_number_says_so_by_an_empty_mapping() -> None:
    nothing = {"mcc": {"value": None, "ci_low": None, "ci_high": None, "n": 0, "reason": "r", "signature": "s"}}
    assert finished(ABOUT, summary(metrics=nothing, gates=[]), **DONE)["metrics"] == {}


def partial() -> Summary:
    return summary(status="partial", rows={"expected": 5574, "ok": 3000, "error": 0, "pending": 2574})


def test_a_failed_run_says_what_stopped_it_and_how_far_it_came() -> None:
    error = EndpointDown("http://host: connection refused", hint="is it running?")
    told = failed(ABOUT, error, partial(), exit_code=6)
    assert told["text"] == "spam-ft-v3 · stopped after 3,000 of 5,574 rows, exit 6: http://host: connection refused"
    assert (told["exit_code"], told["status"]) == (6, "partial")
    assert told["error"] == {"kind": "EndpointDown", "message": "http://host: connection refused", "hint": "is it running?"}


def test_a_run_that_failed_before_its_first_answer_has_the_same_keys() -> None:
    told = failed(ABOUT, EndpointDown("down"), None, exit_code=6)
    assert told["text"] == "spam-ft-v3 · stopped, exit 6: down"
    assert told.keys() == failed(ABOUT, EndpointDown("down"), partial(), exit_code=6).keys() == finished(ABOUT, summary(), **DONE).keys()
    assert (told["status"], told["rows"], told["metrics"]) == (None, None, None)


@pytest.mark.parametrize(
    ("waiting_for", "ending"), [("the endpoint, down for 598 s", "; waiting for the endpoint, down for 598 s"), (None, "")]
)
def test_a_stalled_run_says_for_how_long_and_what_it_waits_for(waiting_for: str | None, ending: str) -> None:
    told = stalled(ABOUT, Pulse(last_answer_at=5.0, done=3000, expected=5574, waiting_for=waiting_for), silent_s=600.0004)
    assert told["text"] == f"spam-ft-v3 · no answer for 10 min 00 s, 3,000 of 5,574 rows done{ending}"
    assert (told["silent_s"], told["waiting_for"]) == (600.0, waiting_for)
    assert told["rows"] == {"expected": 5574, "pending": 2574}


def test_the_sentence_is_one_line_and_calls_nobody_in_a_chat() -> None:
    said = slack_text("a\n<!channel> & \x1b[31m" + "x" * 5000)
    assert said.startswith("a &lt;!channel&gt; &amp; xxx")
    assert len(said) < TEXT_AT_MOST + 30
    assert said.endswith("…")
