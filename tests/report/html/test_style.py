"""Colours by name: everything that is to be read is told from what it stands on, in light and in dark."""

import re
from collections.abc import Iterator

import pytest

from evalsvc.report.html.style import BETWEEN, DARK, LIGHT, MOST_TINT, Colours, notebook_style, page_style
from tests.report.html.pages import rendered

Rgb = tuple[float, float, float]
SHEETS = {"light": LIGHT, "dark": DARK}
READ = ("ink", "faint", "good", "bad", "warn", "accent", *(f"series-{number}" for number in range(1, 7)))


def rgb(colour: str) -> Rgb:
    if colour.startswith("#"):
        red, green, blue = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    else:
        red, green, blue = (int(part) / 255 for part in colour.split())
    return red, green, blue


def luminance(colour: Rgb) -> float:
    """WCAG 2.2, relative luminance."""
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Rgb, other: Rgb) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def tinted(sheet: Colours, heat: str) -> Rgb:
    """A cell of the heat map at its strongest."""
    mixed = [MOST_TINT * top + (1 - MOST_TINT) * below for top, below in zip(rgb(sheet[heat]), rgb(sheet["paper"]), strict=True)]
    return mixed[0], mixed[1], mixed[2]


def pairs(sheet: Colours) -> Iterator[tuple[str, Rgb, Rgb]]:
    for name in READ:
        for below in ("paper", "panel"):
            yield f"{name} on {below}", rgb(sheet[name]), rgb(sheet[below])
    for heat in ("heat", "heat-wrong"):
        yield f"ink on {heat}", rgb(sheet["ink"]), tinted(sheet, heat)


def test_the_measure_of_contrast_is_that_of_the_web() -> None:
    assert contrast((0, 0, 0), (1, 1, 1)) == pytest.approx(21)
    assert contrast(rgb("#777777"), rgb("#ffffff")) == pytest.approx(4.478, abs=0.001)


@pytest.mark.parametrize("name", SHEETS)
def test_all_that_is_read_stands_out_on_what_is_below_it(name: str) -> None:
    weak = {what: round(contrast(one, other), 2) for what, one, other in pairs(SHEETS[name]) if contrast(one, other) < 4.5}
    assert weak == {}


def test_in_notebooks_of_either_kind_what_is_drawn_can_be_seen() -> None:
    for name in ("good", "bad", "warn", "accent"):
        assert min(contrast(rgb(BETWEEN[name]), rgb(sheet)) for sheet in ("#ffffff", "#111111")) >= 2.9, name


def test_every_colour_that_is_used_has_a_name_on_both_sheets() -> None:
    assert LIGHT.keys() == DARK.keys()
    used = set(re.findall(r"var\(--([\w-]+)", page_style() + rendered()))
    assert used - {"share"} <= LIGHT.keys()
    assert set(re.findall(r"var\(--([\w-]+)", notebook_style("x"))) <= BETWEEN.keys()


def test_the_sheet_follows_the_reader_and_paper_is_light() -> None:
    style = page_style()
    assert f"@media (prefers-color-scheme:dark){{:root{{color-scheme:dark;--ink:{DARK['ink']}" in style
    printed = style[style.index("@media print") :]
    assert f"--paper:{LIGHT['paper']}" in printed
    assert DARK["paper"] not in printed


def test_the_style_of_a_notebook_touches_nothing_but_its_own() -> None:
    selectors = [one.strip() for rule in notebook_style("mine").split("}") if "{" in rule for one in rule.split("{")[0].split(",")]
    assert selectors
    assert [one for one in selectors if not one.startswith(".mine")] == []


@pytest.mark.parametrize("style", [page_style(), notebook_style("mine")])
def test_no_rule_is_left_open(style: str) -> None:
    assert style.count("{") == style.count("}")
    assert "@TINT@" not in style
    assert "&" not in style
