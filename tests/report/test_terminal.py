"""The live panel: every fact on its own line, nothing jumps, and it does not redraw more often than it should."""

import re
from typing import Any

import pytest

from evalsvc.records import Progress
from evalsvc.report import Exchange, RunIntro
from evalsvc.report.console import rich_block
from evalsvc.report.intro import exchange_facts, intro_facts
from evalsvc.report.terminal import TerminalView, panel
from tests.report.cases import EXCHANGE, INTRO, PROGRESS, Clock, Screen, drawn, progress

ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")


def seen(now: Progress, *, width: int = 80) -> list[str]:
    return drawn(panel(now, width=width), width=width).splitlines()


def view_on(screen: Screen, clock: Clock, **environ: str) -> TerminalView:
    return TerminalView(screen, environ={"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "40", **environ}, every_s=0.2, clock=clock)


def test_the_panel_shows_every_fact() -> None:
    assert seen(PROGRESS) == [
        "  " + "━" * 29 + "─" * 19 + "  3,412 of 5,574  61.2 %",
        "  speed     812 rows/s · 4.2 s so far · 3 min 20 s left",
        "  in flight 640 of 1,000 · 12 delayed",
        "  calls     3,500 · 11 rate-limited · 5 retried · 2 failed",
        "  latency   p50 0.24 s · p95 0.41 s",
        "  tokens    120,400 in · 5,574 out · $0.31",
        "  disk      written 8,120 · on disk 8,004",
        "  accuracy  0.934 [0.921, 0.945] so far",
    ]


def test_what_is_waited_for_is_said_beside_what_is_in_flight() -> None:
    assert seen(progress(waiting_for="the rate limit, 12 s"))[2].endswith("12 delayed · waiting for the rate limit, 12 s")


def test_the_panel_keeps_its_height_whatever_happens() -> None:
    later = progress(waiting_for="the endpoint, which is down", delayed=0, eta_s=None, cost_usd=None, errors=5000)
    assert len(seen(later)) == len(seen(PROGRESS))


@pytest.mark.parametrize("width", [20, 40, 80, 120])
def test_no_line_is_wider_than_the_screen(width: int) -> None:
    huge = progress(
        expected=123_456_789,
        done=98_765_432,
        attempts=234_567_890,
        rate_limited=12_345_678,
        waiting_for="the endpoint to come back; it has answered 503 for a long time, and the next probe is due in 20 s",
    )
    lines = seen(huge, width=width)
    assert len(lines) == 8
    assert max(map(len, lines)) <= width


def test_large_numbers_still_fit_in_80_columns() -> None:
    large = progress(expected=1_000_000, done=1_000_000, attempts=1_234_567, rate_limited=123_456, retries=12_345, errors=9999)
    assert seen(large)[3] == "  calls     1,234,567 · 123,456 rate-limited · 12,345 retried · 9,999 failed"


def test_a_run_without_a_row_yet_draws_an_empty_bar() -> None:
    nothing = progress(done=0, expected=0, rows_per_s=0.0, p50_s=None, p95_s=None, accuracy=None)
    lines = seen(nothing)
    assert lines[0].endswith("0 of 0  –")
    assert "p50 – · p95 –" in lines[4]
    assert not any("accuracy" in line for line in lines)


def test_a_terminal_without_unicode_gets_an_ascii_bar() -> None:
    assert panel(PROGRESS, width=80, ascii_only=True).plain.startswith("  " + "#" * 29 + "-" * 19)


def test_updates_between_two_redraws_are_not_drawn() -> None:
    screen, clock = Screen(), Clock()
    view = view_on(screen, clock)
    view.update(progress(done=1))
    before = screen.getvalue()
    for step in range(1, 10):
        clock.now = 1000.0 + step / 50
        view.update(progress(done=1 + step))
    assert screen.getvalue() == before
    clock.now = 1000.25
    view.update(progress(done=4321))
    assert "4,321 of 5,574" in screen.getvalue()


def test_the_last_state_is_drawn_at_the_end() -> None:
    screen, clock = Screen(), Clock()
    view = view_on(screen, clock)
    view.update(progress(done=1))
    view.update(progress(done=5574))
    view.close()
    assert "5,574 of 5,574  100.0 %" in screen.getvalue()


def test_the_cursor_is_visible_while_a_run_goes_on_as_a_killed_one_could_not_bring_it_back() -> None:
    screen = Screen()
    view_on(screen, Clock()).update(PROGRESS)
    assert screen.getvalue().rfind("\x1b[?25h") > screen.getvalue().rfind("\x1b[?25l")


def test_colours_stand_for_trouble_only_and_no_color_is_obeyed() -> None:
    coloured, plain = Screen(), Screen()
    view_on(coloured, Clock()).update(PROGRESS)
    view_on(plain, Clock(), NO_COLOR="1").update(PROGRESS)
    assert "\x1b[31m2 failed" in coloured.getvalue()
    assert "\x1b[33m11 rate-limited" in coloured.getvalue()
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]m", plain.getvalue())


def test_a_note_stands_above_the_panel() -> None:
    screen, clock = Screen(), Clock()
    view = view_on(screen, clock)
    view.update(PROGRESS)
    view.note("the model is \x1b[2Jnot listed [bold]")
    text = ESCAPES.sub("", screen.getvalue())
    assert "note: the model is not listed [bold]" in text
    assert text.rindex("so far") > text.rindex("note:")


def introduced(run: RunIntro, *, width: int = 80) -> str:
    return drawn(rich_block(intro_facts(run)), width=width)


def with_changes(**changes: Any) -> RunIntro:
    return RunIntro(**{**{name: getattr(INTRO, name) for name in RunIntro.__slots__}, **changes})


def test_a_first_launch_speaks_of_no_changes() -> None:
    text = introduced(with_changes(finished=0, new=5574))
    assert "changes" not in text
    assert "  rows      5,574\n" in text


def test_a_later_launch_counts_what_happened_to_the_data() -> None:
    text = introduced(with_changes(new=12, changed=3, vanished=2, relabelled=1))
    assert "  changes   12 new · 3 changed, asked again · 2 gone · 1 relabelled\n" in text


def test_notes_are_folded_under_themselves() -> None:
    lines = introduced(with_changes(notes=("words " * 30,))).splitlines()
    start = next(index for index, line in enumerate(lines) if "note" in line)
    assert all(line.startswith(" " * 12) and len(line) <= 80 for line in lines[start + 1 :])


def exchanged(*, width: int = 80, **changes: Any) -> str:
    exchange = Exchange(**{**{name: getattr(EXCHANGE, name) for name in Exchange.__slots__}, **changes})
    return drawn(rich_block(exchange_facts(exchange, columns=width - 12)), width=width)


def test_a_first_exchange_is_shown_in_full() -> None:
    assert exchanged().splitlines() == [
        "  system    Answer with one word.",
        "  user      Win a prize!",
        "  reply     Spam.",
        "  extracted spam · by rule exact",
        "  target    spam",
        "  outcome   correct",
    ]


def test_a_long_answer_is_not_shown_whole_twice_or_thrice() -> None:
    text = exchanged(reply="word " * 60_000, extracted="word " * 60_000, target="word " * 60_000)
    assert len(text) < 5_000
    assert len(re.findall("more characters", text)) == 3


@pytest.mark.parametrize("width", [80, 120])
def test_a_long_text_is_clipped_to_twenty_lines_and_says_so(width: int) -> None:
    lines = exchanged(width=width, reply="word " * 2000).splitlines()
    reply = lines[2:-3]
    assert 20 <= len(reply) <= 22
    assert re.fullmatch(r" {12}… [\d,]+ more characters", reply[-1])


def test_an_error_stands_in_the_place_of_the_reply() -> None:
    text = exchanged(reply=None, error="HTTP 400: no such parameter", extracted=None, rule=None, outcome="error")
    assert "  error     HTTP 400: no such parameter\n  extracted nothing\n" in text


def test_an_empty_reply_and_a_missing_target_are_named() -> None:
    text = exchanged(reply="", extracted=None, rule=None, target=None, outcome="unparsed")
    assert "  reply     empty\n" in text
    assert "  target    none\n" in text


def test_what_a_model_writes_is_text_and_neither_markup_nor_escapes() -> None:
    assert "  reply     [red]spam[/] :smile: https://a.example\n" in exchanged(reply="[red]spam[/] :smile: \x1b[31mhttps://a.example\x07")


def test_a_long_conversation_is_shown_by_its_two_ends() -> None:
    shots = [{"role": "user", "content": f"shot {number}"} for number in range(40)]
    text = exchanged(messages=shots)
    assert "shot 4\n" in text
    assert "… 30 more messages …" in text
    assert "shot 5\n" not in text
    assert "shot 35\n" in text


def test_content_in_parts_is_shown_as_json() -> None:
    assert '[{"type":"text","text":"hi"}]' in exchanged(messages=[{"role": "user", "content": [{"type": "text", "text": "hi"}]}])
