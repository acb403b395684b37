"""What stands along an axis: from where to where, at which round values, and in which words."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil, exp, floor, log, log10
from typing import Final

_ALIKE: Final = 1e-9  # so near numbers are shown as one
_LEAST_SPAN: Final = 1e-300
_UNITS_OF_TIME: Final[Sequence[tuple[int, str]]] = ((86_400, "days"), (3_600, "hours"), (60, "minutes"), (1, "seconds"))
# Digits at which a logarithmic axis is written, of those that are round enough the fewest that tell where one is.
_LADDERS: Final = ((1,), (1, 3), (1, 2, 5), (1, 1.5, 2, 3, 5, 7))
_FEWEST_TICKS: Final = 3
_ODDS_SHOWN: Final = (0.5, 0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999, 0.9999999)


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Values from `low` to `high`, and where they are written. Other scales than the linear one have their values taken to it before."""

    low: float
    high: float
    ticks: Sequence[tuple[float, str]]  # value and label
    title: str

    def part(self, value: float) -> float:
        """Where `value` lies, 0 at `low` and 1 at `high`; what lies beyond an end, there."""
        return min(1.0, max(0.0, (value - self.low) / (self.high - self.low)))

    def with_room(self, length: float, letter: float) -> "Axis":
        """With every label, or every second, third … one, so that none touches another along `length`; `letter` is how wide one is.

        0 stays where it is written, else the last one does.
        """
        values = [value for value, _ in self.ticks]
        stays = values.index(0.0) if 0.0 in values else len(values) - 1
        for every in range(1, len(values) + 1):
            kept = [tick for place, tick in enumerate(self.ticks) if (place - stays) % every == 0]
            ends = [(length * self.part(value), letter * (len(label) + 1) / 2) for value, label in kept]
            if all(at + half <= after - other for (at, half), (after, other) in pairwise(ends)):
                return replace(self, ticks=kept)
        return self


def step_of(span: float, most: int) -> float:
    """The least of …, 0.1, 0.2, 0.5, 1, 2, 5, … of which no more than `most` go into `span`, above 0.

    >>> step_of(1.0, 6), step_of(37, 5), step_of(0.03, 6)
    (0.2, 10.0, 0.005)
    """
    power = floor(log10(span / most))
    return next(step for step in _steps(power) if span / step <= most * (1 + 1e-9))


def _steps(power: int) -> Iterator[float]:
    while True:
        yield from (float(f"{digit}e{power}") for digit in (1, 2, 5))
        power += 1


def ticks(low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
    """Round values between two, with labels of as many digits as they need.

    >>> ticks(0, 1, 5)
    [(0.0, '0'), (0.2, '0.2'), (0.4, '0.4'), (0.6, '0.6'), (0.8, '0.8'), (1.0, '1')]
    >>> ticks(-3, 2450, 3)
    [(0.0, '0'), (1000.0, '1,000'), (2000.0, '2,000')]
    """
    return _at_steps(low, high, step_of(high - low, most))


def _at_steps(low: float, high: float, step: float) -> list[tuple[float, str]]:
    places = range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)
    return [(value, number(value)) for value in (float(f"{place * step:.12g}") for place in places)]


def number(value: float) -> str:
    """A value at an axis.

    >>> number(0.25), number(-12_000.0), number(2_500_000.0), number(1e-9), number(3e12)
    ('0.25', '−12,000', '2.5 M', '1e−09', '3e+12')
    """
    size = abs(value)
    if size and not 1e-5 <= size < 1e9:
        digits = f"{value:.6g}"
    else:
        digits = f"{value / 1e6:g} M" if size >= 1e6 else f"{value:,.10f}".rstrip("0").rstrip(".")
    return digits.replace("-", "\N{MINUS SIGN}")


def linear(low: float, high: float, title: str, *, most: int = 6) -> Axis:
    """From a round value to a round value, around what is given."""
    size = max(abs(low), abs(high))
    if high - low <= max(size * _ALIKE, _LEAST_SPAN):
        half = size / 2 if size > _ALIKE else 0.5
        low, high = low - half, high + half
    step = step_of(high - low, most)
    at = _at_steps(floor(low / step + 1e-9) * step, ceil(high / step - 1e-9) * step, step)
    return Axis(low=at[0][0], high=at[-1][0], ticks=at, title=title)


def within(low: float, high: float, title: str, *, most: int = 6) -> Axis:
    """From exactly `low` to exactly `high`."""
    return Axis(low=low, high=high, ticks=ticks(low, high, most), title=title)


def counts(highest: float, title: str, *, most: int = 4) -> Axis:
    """From 0 to above `highest`, at whole numbers where these are few."""
    axis = linear(0, highest or 1, title, most=most)
    return replace(axis, ticks=[(value, label) for value, label in axis.ticks if 0 < highest < 1 or value == int(value)])


def logarithmic(low: float, high: float, title: str) -> Axis:
    """Of durations in seconds, above 0: values are to be given as natural logarithms."""
    powers = range(floor(log10(low)), ceil(log10(high)) + 1)
    ladders = [[digit * 10.0**power for power in powers for digit in digits] for digits in _LADDERS]
    inside = [[value for value in ladder if low <= value <= high] for ladder in ladders]
    shown = next((values for values in inside if len(values) >= _FEWEST_TICKS), [value for value, _ in ticks(low, high, 6)])
    return Axis(low=log(low), high=log(high), ticks=[(log(value), seconds(value)) for value in shown], title=title)


def seconds(value: float) -> str:
    """
    >>> seconds(0.0005), seconds(0.05), seconds(2.5), seconds(100.0), seconds(1000.0)
    ('0.5 ms', '50 ms', '2.5 s', '100 s', '1,000 s')
    """
    return f"{number(round(value * 1000, 6))} ms" if value < 1 else f"{number(round(value, 6))} s"


def log_odds(half: float, title: str) -> Axis:
    """Log-odds from -half to half, written as probabilities."""
    shown = [(log(p / (1 - p)), f"{p:.7f}".rstrip("0")) for p in _ODDS_SHOWN if log(p / (1 - p)) <= half * (1 + 1e-9)]
    less = [(-value, f"{1 / (1 + exp(value)):.7f}".rstrip("0")) for value, _ in shown[:0:-1]]
    return Axis(low=-half, high=half, ticks=[*less, *shown], title=title)


def time(length_s: float, title: str) -> tuple[Axis, float]:
    """An axis of a time from 0 on, and how many seconds its unit has: values are to be given in that.

    >>> axis, unit_s = time(500, "since the start")
    >>> axis.title, unit_s, axis.ticks[:3]
    ('minutes since the start', 60, [(0.0, '0'), (2.0, '2'), (4.0, '4')])
    """
    unit_s, name = next(unit for unit in _UNITS_OF_TIME if length_s >= 2 * unit[0] or unit[0] == 1)
    return within(0, length_s / unit_s, f"{name} {title}"), unit_s
