"""EVALSVC_LOG=json: whoever writes to stderr, what comes out is JSON, one object a line."""

import io
import json
import subprocess
import sys
from typing import Any

import pytest

from evalsvc.report.json_log import LogStream
from evalsvc.report.lines import json_event

AT = "1970-01-01T00:00:00.000Z"


def written(*texts: str) -> list[dict[str, Any]]:
    out = io.StringIO()
    stream = LogStream(out, clock=lambda: 0.0)
    for text in texts:
        stream.write(text)
    stream.flush()
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_gets_a_time_and_a_level_before_all_else() -> None:
    (line,) = written(json_event("progress", {"done": 1}))
    assert list(line.items()) == [("at", AT), ("level", "info"), ("event", "progress"), ("done", 1)]


def test_an_error_has_its_level() -> None:
    assert [line["level"] for line in written(json_event("error", {}) + json_event("note", {}))] == ["error", "info"]


def test_other_text_is_a_note_and_lines_that_were_written_together_stay_together() -> None:
    notes = [(line["event"], line["message"]) for line in written("one\ntwo\n", "thr", "ee\n", "no end")]
    assert notes == [("note", "one\ntwo"), ("note", "three"), ("note", "no end")]


@pytest.mark.parametrize("text", ["", "\n", "  \n\n"])
def test_nothing_is_no_line(text: str) -> None:
    assert written(text) == []


def test_what_a_terminal_would_obey_is_no_part_of_it() -> None:
    assert written("\x1b[31mred\x1b[0m\u202e\n")[0]["message"] == "red"


NOISE = """
import logging, sys, threading, warnings
from evalsvc.report.json_log import log_as_json
log_as_json()
log_as_json()
print("said", file=sys.stderr)
warnings.warn("old")
logging.getLogger("library").error("it %s", "broke")
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("library").exception("caught")
thread = threading.Thread(target=lambda: [][0])
thread.start()
thread.join()
raise ValueError("nobody catches this")
"""


def test_warnings_log_records_and_tracebacks_are_a_line_each() -> None:
    ended = subprocess.run([sys.executable, "-c", NOISE], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (1, "")
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    assert [(line["event"], line["level"]) for line in lines] == [
        ("note", "info"),
        ("log", "warning"),
        ("log", "error"),
        ("log", "error"),
        ("bug", "error"),
        ("bug", "error"),
    ]
    assert lines[2]["message"] == "it broke"
    assert "ZeroDivisionError" in lines[3]["traceback"]
    assert lines[5]["message"] == "ValueError: nobody catches this"
    assert "Traceback" in lines[5]["traceback"]
