"""Without a terminal: lines that can be searched, events that can be parsed."""

import io
import json
from typing import Any

from evalsvc.report import Exchange
from evalsvc.report.lines import JsonView, LineView
from tests.report.cases import EXCHANGE, INTRO, Clock, progress


def line_view() -> tuple[LineView, io.StringIO, Clock]:
    out, clock = io.StringIO(), Clock()
    return LineView(out, every_s=30, clock=clock), out, clock


def json_view() -> tuple[JsonView, io.StringIO, Clock]:
    out, clock = io.StringIO(), Clock()
    return JsonView(out, every_s=5, clock=clock), out, clock


def progress_lines(out: io.StringIO) -> list[str]:
    return [line for line in out.getvalue().splitlines() if line.startswith("progress ")]


def events(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_the_first_line_comes_at_once_and_the_next_after_30_seconds() -> None:
    view, out, clock = line_view()
    for second in range(61):
        clock.now = 1000.0 + second
        view.update(progress(done=second))
    assert [line.split()[1] for line in progress_lines(out)] == ["done=0", "done=30", "done=60"]


def test_the_last_state_is_said_at_the_end_and_only_once() -> None:
    view, out, _ = line_view()
    view.update(progress(done=1))
    view.update(progress(done=2))
    view.close()
    view.close()
    assert [line.split()[1] for line in progress_lines(out)] == ["done=1", "done=2"]


def test_a_line_holds_every_fact_as_key_and_value() -> None:
    view, out, _ = line_view()
    view.update(progress(waiting_for="the rate limit, 12 s"))
    line = progress_lines(out)[0]
    for words in (
        "done=3412 expected=5574 errors=2",
        "rows_per_s=812.3 eta_s=200.4 in_flight=640 limit=1000 delayed=12",
        'waiting_for="the rate limit, 12 s"',
        "attempts=3500 rate_limited=11 retries=5 p50_s=0.24 p95_s=0.41 cost_usd=0.314",
        "accuracy=0.934 accuracy_low=0.921 accuracy_high=0.9449 accepted=8120 durable=8004",
        "input_tokens=120400 output_tokens=5574",
    ):
        assert words in line


def test_what_is_not_known_is_left_out_of_a_line() -> None:
    view, out, _ = line_view()
    view.update(progress(eta_s=None, cost_usd=None, accuracy=None))
    line = progress_lines(out)[0]
    assert "None" not in line
    assert "eta_s" not in line
    assert "accuracy=" not in line


def test_the_introduction_and_the_first_exchange_are_readable_blocks() -> None:
    view, out, _ = line_view()
    view.start(INTRO)
    view.first_exchange(EXCHANGE)
    text = out.getvalue()
    assert text.startswith("spam-ft-v3\n  model     ft:gpt-4.1-mini:acme::abc123 at https://api.openai.com/v1\n")
    assert "  rows      5,574 · 1,200 finished earlier · 4,374 to ask\n" in text
    assert "  user      Win a prize!\n  reply     Spam.\n  extracted spam · by rule exact\n  target    spam\n  outcome   correct\n" in text


def test_a_log_line_takes_no_escapes_from_a_model() -> None:
    view, out, _ = line_view()
    view.first_exchange(Exchange(**{**_fields(EXCHANGE), "reply": "\x1b[2Jgone\u202e"}))
    assert "reply     gone\n" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def _fields(exchange: Exchange) -> dict[str, Any]:
    return {name: getattr(exchange, name) for name in Exchange.__slots__}


def test_events_come_in_order_and_each_is_one_json_line() -> None:
    view, out, clock = json_view()
    view.start(INTRO)
    view.note("all is well")
    view.first_exchange(EXCHANGE)
    for second in (0, 1, 5, 6):
        clock.now = 1000.0 + second
        view.update(progress(done=second))
    view.close()
    assert [event["event"] for event in events(out)] == ["start", "note", "first_exchange", "progress", "progress", "progress"]
    assert [event["done"] for event in events(out) if event["event"] == "progress"] == [0, 5, 6]


def test_an_event_carries_unrounded_values_and_whole_texts() -> None:
    view, out, _ = json_view()
    view.first_exchange(Exchange(**{**_fields(EXCHANGE), "reply": "\x1b[31m" + "long " * 2000}))
    view.update(progress(rows_per_s=812.3456789))
    first, second = events(out)
    assert first["reply"] == "\x1b[31m" + "long " * 2000
    assert first["messages"][1] == {"role": "user", "content": "Win a prize!"}
    assert second["rows_per_s"] == 812.3456789
    assert second["usage"]["input"] == 120_400


def test_text_that_utf8_cannot_hold_is_still_an_event() -> None:
    view, out, _ = json_view()
    view.note("half \ud800")
    assert events(out)[0]["message"] == "half \ud800"
