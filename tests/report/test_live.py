"""The right view is chosen, and none of them can end a run."""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import TextIO

import pytest

from evalsvc.report import LiveView, QuietView, choose_view
from evalsvc.report.lines import JsonView, LineView
from evalsvc.report.live import Unfailing
from evalsvc.report.terminal import TerminalView
from tests.faults.promises import promise
from tests.report.cases import EXCHANGE, INTRO, PROGRESS, Clock, Screen


def chosen(stderr: TextIO | None, *, stdout: TextIO | None = None, quiet: bool = False, json: bool = False, **environ: str) -> LiveView:
    view = choose_view(stderr, stdout=stdout, quiet=quiet, json=json, environ=environ, clock=Clock())
    return view._view if isinstance(view, Unfailing) else view


def test_a_terminal_gets_the_live_panel() -> None:
    assert isinstance(chosen(Screen(), TERM="xterm"), TerminalView)


@promise("8.3")
@pytest.mark.parametrize("term", ["", "dumb", "unknown"])
def test_a_terminal_that_cannot_redraw_gets_lines(term: str) -> None:
    assert isinstance(chosen(Screen(), TERM=term), LineView)


def test_a_pipe_gets_lines() -> None:
    assert isinstance(chosen(io.StringIO(), TERM="xterm"), LineView)


def test_json_goes_to_stdout_whatever_stderr_is() -> None:
    out, err = io.StringIO(), Screen()
    view = choose_view(err, stdout=out, quiet=False, json=True, environ={"TERM": "xterm"}, clock=Clock())
    view.start(INTRO)
    assert out.getvalue().startswith('{"event":"start"')
    assert err.getvalue() == ""


@pytest.mark.parametrize(("value", "view"), [("json", JsonView), ("JSON", JsonView), ("", LineView)])
def test_json_logs_are_asked_for_by_the_environment(value: str, view: type) -> None:
    assert isinstance(chosen(io.StringIO(), TERM="xterm", EVALSVC_LOG=value), view)


def test_quiet_shows_nothing_not_even_events() -> None:
    assert isinstance(chosen(Screen(), stdout=io.StringIO(), quiet=True, json=True), QuietView)


@promise("8.3")
def test_streams_that_were_closed_from_the_start_show_nothing() -> None:
    assert isinstance(chosen(None), QuietView)
    assert isinstance(chosen(Screen(), stdout=None, json=True), QuietView)


def whole_show(view: LiveView) -> None:
    view.start(INTRO)
    view.note("a note")
    view.first_exchange(EXCHANGE)
    view.update(PROGRESS)
    view.close()


def test_the_quiet_view_takes_every_call() -> None:
    whole_show(QuietView())


def pipe_without_reader() -> TextIO:
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


@promise("8.3")
@pytest.mark.parametrize(("json", "environ"), [(False, {}), (False, {"EVALSVC_LOG": "json"}), (True, {})])
def test_a_broken_pipe_turns_the_view_off_and_nothing_else(json: bool, environ: dict[str, str]) -> None:
    with pipe_without_reader() as stream:
        view = choose_view(stream, stdout=stream, quiet=False, json=json, environ=environ, clock=Clock())
        whole_show(view)
        assert isinstance(view, Unfailing)
        assert isinstance(view._view, QuietView)


class HungUp(Screen):
    """A terminal whose window was closed."""

    def write(self, text: str) -> int:
        raise BrokenPipeError(32, "Broken pipe")


class DiskFull(Screen):
    """Where stderr is a file on a full disk."""

    def flush(self) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("screen", [HungUp(), DiskFull()])
def test_a_terminal_that_goes_away_turns_the_panel_off(screen: Screen) -> None:
    view = choose_view(screen, stdout=None, quiet=False, json=False, environ={"TERM": "xterm"}, clock=Clock())
    whole_show(view)
    assert isinstance(view, Unfailing)
    assert isinstance(view._view, QuietView)


@promise("8.3")
def test_a_terminal_that_goes_away_in_the_middle_turns_the_panel_off() -> None:
    screen, clock = Screen(), Clock()
    view = choose_view(screen, stdout=None, quiet=False, json=False, environ={"TERM": "xterm"}, clock=clock)
    view.start(INTRO)
    view.update(PROGRESS)
    screen.close()
    clock.now += 1
    view.update(PROGRESS)
    view.close()


class Clumsy(QuietView):
    """A view with a bug."""

    def update(self, progress: object) -> None:
        raise ZeroDivisionError


def test_a_bug_in_a_view_is_logged_once_and_the_run_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    view = Unfailing(Clumsy(), io.StringIO())
    view.update(PROGRESS)
    view.update(PROGRESS)
    assert [record.message for record in caplog.records] == ["the live view failed and is off; the run goes on"]


ROOT = Path(__file__).parents[2]

BROKEN_STDOUT = """
import sys
from evalsvc.report import choose_view
from tests.report.cases import INTRO
view = choose_view(sys.stderr, stdout=sys.stdout, quiet=False, json=True, environ={})
view.start(INTRO)
print("this too goes nowhere")
sys.exit(3)
"""


def test_a_reader_that_went_away_does_not_change_the_exit_code() -> None:
    with pipe_without_reader() as stdout:
        done = subprocess.run(
            [sys.executable, "-c", BROKEN_STDOUT], stdout=stdout, stderr=subprocess.PIPE, text=True, check=False, cwd=ROOT
        )
    assert (done.returncode, done.stderr) == (3, "")


def test_log_lines_survive_an_ascii_locale() -> None:
    octets = io.BytesIO()
    stream = io.TextIOWrapper(octets, encoding="ascii", errors="strict")
    whole_show(choose_view(stream, stdout=None, quiet=False, json=False, environ={}, clock=Clock()))
    assert b"5,574 \\xb7 1,200 finished earlier" in octets.getvalue()


def test_json_is_utf8_in_any_locale() -> None:
    octets = io.BytesIO()
    stream = io.TextIOWrapper(octets, encoding="ascii", errors="strict")
    choose_view(None, stdout=stream, quiet=False, json=True, environ={}, clock=Clock()).note("é")
    assert octets.getvalue() == '{"event":"note","message":"é"}\n'.encode()


def test_an_error_message_does_not_wait_for_rich() -> None:
    code = "import sys, evalsvc.report as r; r.choose_view, r.error_block; print('rich.console' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT).stdout == "False\n"
