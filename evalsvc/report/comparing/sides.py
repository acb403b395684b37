"""What stands beside the numbers of two runs: what was asked of whom, over which rows, and at what cost."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from evalsvc.compare.nouns import Comparison, Rows, SideInfo
from evalsvc.jsonio import dumps
from evalsvc.report.plain import one_line, shorten
from evalsvc.report.words import NOTHING, count, duration, rate, usd

IDS_SHOWN = 3
# Keys of summary.run that say what was measured, and how people call them.
_SETTINGS: Final[Mapping[str, str]] = {
    "model": "model",
    "revision": "revision",
    "endpoint": "endpoint",
    "api": "API",
    "prompt": "prompt",
    "params": "params",
    "max_output_tokens": "max_output_tokens",
    "dataset_sha256": "data set",
    "repeats": "repeats",
    "evalsvc": "evalsvc",
}
_HASHES: Final = frozenset({"prompt", "dataset_sha256"})


def label(side: SideInfo) -> str:
    """NAME/ID, and that it is a file where it is one."""
    return one_line(side.label) + (" (baseline)" if side.is_baseline else "")


def labels(sides: Sequence[SideInfo]) -> list[str]:
    """As short as tells them apart: without the name where all have the same one."""
    alike = len({side.name for side in sides}) == 1 and len({side.run_id for side in sides}) == len(sides)
    return [one_line(side.run_id) if alike else label(side) for side in sides]


def model(side: SideInfo) -> str:
    """Which model it was, and where."""
    run = side.summary["run"]
    at = " at ".join(one_line(str(run[key])) for key in ("model", "endpoint") if run.get(key))
    return f"{at}, revision {one_line(str(run['revision']))}" if run.get("revision") else at


NOTHING_DIFFERS: Final = "nothing, as far as the two summaries tell"


def settings(comparison: Comparison) -> list[str]:
    """Each setting that is not the same in A and B, as `model x → y`."""
    return [f"{called} {a} → {b}" for called, a, b in _settings(comparison) if a != b]


def setup(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Which two runs these are, and all that they say of what was measured."""
    a, b = comparison.a, comparison.b
    return [("run", label(a), label(b)), ("files", one_line(a.path), one_line(b.path)), *_settings(comparison)]


def _settings(comparison: Comparison) -> Iterator[tuple[str, str, str]]:
    a, b = comparison.a.summary["run"], comparison.b.summary["run"]
    for key, called in _SETTINGS.items():
        if key in a or key in b:
            yield called, _setting(key, a), _setting(key, b)


def _setting(key: str, run: Mapping[str, Any]) -> str:
    value = run.get(key)
    if value is None:
        return "unknown" if key not in run else "none"
    text = value if isinstance(value, str) else dumps(value).decode()
    return text[:8] if key in _HASHES else shorten(text, 40)


def rows(of: Rows) -> Iterator[str]:
    """How many are compared, and which are not."""
    yield f"{count(of.common)} compared"
    for number, ids, what in (
        (of.only_a, of.ids_only_a, "only in A"),
        (of.only_b, of.ids_only_b, "only in B"),
        (of.changed, of.ids_changed, "changed between the two, left out"),
    ):
        if number:
            more = ", …" if number > IDS_SHOWN else ""
            yield f"{count(number)} {what} ({', '.join(shorten(one, 24) for one in ids[:IDS_SHOWN])}{more})"


def resources(comparison: Comparison) -> list[tuple[str, str, str, str]]:
    """What each run took as a whole: name, A, B, and the change in percent; what neither tells is left out."""
    lines = []
    for name, (number, words) in _RESOURCES.items():
        a, b = number(comparison.a.summary), number(comparison.b.summary)
        if a or b:
            lines.append((name, NOTHING if a is None else words(a), NOTHING if b is None else words(b), _change(a, b)))
    return lines


def _change(a: float | None, b: float | None) -> str:
    """
    >>> _change(0.2, 0.31), _change(100, 50), _change(None, 1), _change(3, 3)
    ('+55 %', '-50 %', '', '0 %')
    """
    if not a or b is None:
        return ""
    percent = round(100 * (b - a) / a)
    return f"{percent:+,} %" if percent else "0 %"


_Number = Callable[[Mapping[str, Any]], float | None]


def _under(part: str, key: str) -> _Number:
    return lambda summary: (summary.get(part) or {}).get(key)


_RESOURCES: Final[Mapping[str, tuple[_Number, Callable[[Any], str]]]] = {
    "cost": (lambda summary: summary.get("cost_usd"), usd),
    "input tokens": (_under("usage", "input"), count),
    "output tokens": (_under("usage", "output"), count),
    "latency p50": (_under("latency_s", "p50"), duration),
    "latency p95": (_under("latency_s", "p95"), duration),
    "1st token p50": (_under("ttft_s", "p50"), duration),
    "speed": (_under("timing", "rows_per_s"), rate),
    "rows": (_under("rows", "expected"), count),
    "rows in error": (_under("rows", "error"), count),
}

# Of one run, in a table of several.
TOOK: Final = ("cost", "latency p50", "speed")


def took(side: SideInfo) -> tuple[str, ...]:
    """What `TOOK` names, of one run as a whole."""
    values = ((number(side.summary), words) for number, words in (_RESOURCES[name] for name in TOOK))
    return tuple(NOTHING if value is None else words(value) for value, words in values)
