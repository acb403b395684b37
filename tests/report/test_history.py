"""A history on a screen, as JSON and as a page."""

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.compare.history import PAIRED, UNPAIRED, Change, History, Night, Point, Series
from evalsvc.jsonio import dumps, loads
from evalsvc.report.history import history_table, print_history
from evalsvc.report.html.history import history_page
from evalsvc.report.nights import history_json
from evalsvc.report.strokes import ASCII, BLOCKS, interval_bar, sparkline
from tests.report.cases import drawn

VALUES = (0.90, 0.91, None, 0.95, 0.85)


def night(number: int, **changes: object) -> Night:
    whole = Night(
        id=f"n{number:02d}",
        path=f"runs/spam/n{number:02d}",
        started_at=f"2026-11-{number:02d}T02:13:00.000Z",
        status="complete",
        gates_passed=True,
        rows=1000,
        model="m",
        revision=None,
        dataset_sha256="0" * 64,
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def change(difference: float, p_holm: float, how: str = PAIRED) -> Change:
    low, high = difference - 0.01, difference + 0.01
    return Change(since="n01", how=how, difference=difference, ci_low=low, ci_high=high, p=p_holm / 4, p_holm=p_holm, rows=1000)


def point(number: int, value: float | None, changed: Change | None = None) -> Point:
    low, high = (None, None) if value is None else (value - 0.02, value + 0.02)
    return Point(run=f"n{number:02d}", value=value, ci_low=low, ci_high=high, n=1000, change=changed)


CHANGES = (None, change(0.01, 0.4), None, change(0.04, 0.003), change(-0.1, 0.00001))
POINTS = tuple(point(number, value, one) for number, (value, one) in enumerate(zip(VALUES, CHANGES, strict=True), start=1))
HISTORY = History(
    name="spam",
    runs=(
        night(1),
        night(2, changed=("data",)),
        night(3, status="partial", gates_passed=None),
        night(4, changed=("model", "prompt")),
        night(5, gates_passed=False),
    ),
    left_out=0,
    series=(Series(name="accuracy", metric="accuracy", points=POINTS, overall=change(-0.05, 0.01)),),
)


def seen(history: History = HISTORY, width: int = 120, *, ascii_only: bool = False) -> list[str]:
    return drawn(history_table(history, width=width, marks=ASCII if ascii_only else BLOCKS), width=width).splitlines()


def line_of(run: str, lines: list[str]) -> str:
    (found,) = [line for line in lines if line.startswith(f"  {run} ")]
    return found


def test_a_wide_screen_shows_everything() -> None:
    lines = seen()
    assert lines[0] == "spam · 5 runs, 2026-11-01 to 2026-11-05"
    assert lines[2].split() == ["accuracy", "▅▅·█▁", "0.8500", "[0.8300,", "0.8700]"]
    assert lines[3].split() == ["run", "began", "value", "95", "%", "interval", "0.8300", "0.9700", "change", "gates", "new"]
    second = line_of("n02", lines)
    assert re.fullmatch(r"  n02  2026-11-02  0\.9100  \[0\.8900, 0\.9300\] +├─+●─+┤ +\+0\.0100 +passed  data", second), second
    assert line_of("n05", lines).split()[-4:] == ["▼", "-0.1000", "worse", "FAILED"]
    assert "▲ +0.0400 better" in line_of("n04", lines)
    assert line_of("n04", lines).endswith("model, prompt")
    assert line_of("n03", lines).split() == ["n03", "2026-11-03", "–", "partial"]
    assert "  since n01: -0.0500 [-0.0600, -0.0400], worse beyond noise" in lines


@pytest.mark.parametrize("width", [60, 70, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_screen_and_what_changed_is_on_all_of_them(width: int) -> None:
    lines = seen(width=width)
    assert max(map(len, lines)) <= width
    assert "worse" in line_of("n05", lines)
    assert "better" in line_of("n04", lines)
    assert "●" in line_of("n05", lines)
    assert "0.8500" in line_of("n05", lines)


def test_a_very_narrow_screen_goes_without_the_chart() -> None:
    lines = seen(width=44)
    assert "●" not in "\n".join(lines)
    assert "worse" in line_of("n05", lines)


def test_a_terminal_without_blocks_gets_plain_characters() -> None:
    text = "\n".join(seen(ascii_only=True))
    assert re.search(r"\|-+o-+\|", text)
    assert "v -0.1000 worse" in text
    assert set(text) - set("·–") <= set(map(chr, range(128)))


def test_where_less_is_better_a_fall_is_better() -> None:
    series = replace(HISTORY.series[0], name="ter", metric="ter")
    lines = seen(replace(HISTORY, series=(series,)))
    assert "▼ -0.1000 better" in line_of("n05", lines)
    assert "lower is better" in lines[2]


def test_of_two_runs_on_one_day_the_time_is_shown_too() -> None:
    runs = (night(1), night(2, started_at="2026-11-01T23:59:00.000Z"), *HISTORY.runs[2:])
    assert "2026-11-01 23:59" in line_of("n02", seen(replace(HISTORY, runs=runs)))


def test_the_footnotes_say_what_was_compared_how() -> None:
    points = (*POINTS[:4], replace(POINTS[4], change=change(-0.1, 0.001, UNPAIRED)))
    nowhere = replace(POINTS[1], change=None, reason="other data than before, and not compared row by row")
    series = [replace(HISTORY.series[0], points=points), replace(HISTORY.series[0], name="mcc", points=(POINTS[0], nowhere, *POINTS[2:]))]
    text = " ".join("\n".join(seen(replace(HISTORY, series=tuple(series), left_out=3, notes=("left out: n09",)))).split())
    assert "4 changes compared row by row" in text
    assert "1 change compared by two intervals alone" in text
    assert "mcc: 1 run not compared with the one before: other data than before" in text
    assert "3 older runs left out" in text
    assert "left out: n09" in text


def test_runs_without_a_number_are_said_to_have_none() -> None:
    assert any("no run has a number yet" in line for line in seen(replace(HISTORY, series=())))
    assert "No run has a number yet" in history_page(replace(HISTORY, series=()))


def test_names_are_text_wherever_they_land() -> None:
    evil = "<script>alert(1)</script>\x1b[31m[bold]x[/]"
    runs = (night(1, id=evil, changed=(evil,)), *HISTORY.runs[1:])
    series = replace(HISTORY.series[0], name=f"per_class.{evil}.f1", points=(replace(POINTS[0], run=evil, reason=evil), *POINTS[1:]))
    history = replace(HISTORY, name=evil, runs=runs, series=(series,), notes=(evil,))
    assert "\x1b" not in "\n".join(seen(history, width=200))
    page = history_page(history)
    assert "<script>" not in page
    assert "\x1b" not in page


def test_the_page_is_one_file_with_a_chart_and_a_table_for_each_number() -> None:
    page = history_page(replace(HISTORY, series=(HISTORY.series[0], replace(HISTORY.series[0], name="mcc"))))
    assert page.count('role="img"') == 2
    assert page.count("<h1") == 1
    assert not re.search(r'(?:src|href)="(?!#|data:)', page)
    assert page.count("<caption>") == page.count("<table")
    assert "▼ worse" in page
    assert "partial" in page


def test_a_partial_run_is_in_no_chart() -> None:
    points = (*POINTS[:2], point(3, 0.1), *POINTS[3:])
    page = history_page(replace(HISTORY, series=(replace(HISTORY.series[0], points=points),)))
    chart = page[page.index('role="img"') :]
    chart = chart[: chart.index("</svg>")]
    assert "n02" in chart
    assert "n03" not in chart


def test_json_says_which_way_a_change_went_and_whether_it_is_told() -> None:
    values = loads(dumps(history_json(HISTORY)))
    (series,) = values["series"]
    points = series["points"]
    assert [one["change"] and (one["change"]["told"], one["change"]["verdict"]) for one in points] == [
        None,
        (False, None),
        None,
        (True, "better"),
        (True, "worse"),
    ]
    assert series["overall"]["verdict"] == "worse"
    assert series["lower_is_better"] is False
    assert points[1]["change"]["how"] == PAIRED
    assert values["runs"][1]["changed"] == ["data"]


def test_a_closed_stdout_and_a_pipe_are_no_trouble() -> None:
    print_history(HISTORY, stdout=None, environ={})
    out = io.StringIO()
    print_history(HISTORY, stdout=out, environ={})
    assert "n05" in out.getvalue()
    assert "\x1b" not in out.getvalue()


@given(st.lists(st.none() | st.floats(-1e6, 1e6)))
def test_a_sparkline_has_a_mark_for_each_value_and_higher_ones_are_no_lower(values: list[float | None]) -> None:
    line = sparkline(values)
    assert len(line) == len(values)
    there = sorted((value, BLOCKS.levels.index(mark)) for value, mark in zip(values, line, strict=True) if value is not None)
    assert [level for _, level in there] == sorted(level for _, level in there)
    assert all(mark == BLOCKS.none for value, mark in zip(values, line, strict=True) if value is None)


@given(st.lists(st.floats(0, 1), min_size=5, max_size=5).map(sorted), st.integers(1, 60))
def test_an_interval_is_drawn_within_its_cells_and_shows_its_value(ends: list[float], cells: int) -> None:
    lowest, low, value, high, highest = ends
    bar = interval_bar(low, value, high, scale=(lowest, highest), cells=cells)
    assert len(bar) == cells
    assert bar.count("●") == 1
    if highest > lowest and cells > 1:
        assert abs(bar.index("●") - (value - lowest) / (highest - lowest) * (cells - 1)) <= 0.5 + 1e-6
    assert set(bar.strip()) <= set("├─●┤")
