"""Which slices are shown, in which order, and what is said of them, before anybody has decided how."""

from collections.abc import Iterator, Mapping

from evalsvc.metrics.names import LOWER_IS_BETTER
from evalsvc.records import MetricValue, SliceValue
from evalsvc.report.words import NOTHING, some

VALUES_SHOWN = 20
# The first of these that has slices is shown; else the first metric of all. A share hides what a mean over classes shows, and of those
# means this one alone does not sink in a slice that lacks some of the labels.
PREFERRED = ("balanced_accuracy",)
TEST = "p against the rest"
SURE = 0.05


def sliced(metrics: Mapping[str, MetricValue]) -> Iterator[tuple[str, str, Mapping[str, SliceValue]]]:
    """The metric whose slices are shown, and each column of it."""
    name = next((name for name in (*PREFERRED, *metrics) if name in metrics and metrics[name].get("slices")), None)
    if name is not None:
        yield from ((name, column, parts) for column, parts in metrics[name].get("slices", {}).items())


def worst_first(name: str, parts: Mapping[str, SliceValue]) -> list[str]:
    """The values of a column, in the order in which they are to be looked at."""
    sign = -1 if name in LOWER_IS_BETTER else 1
    return sorted(parts, key=lambda value: (parts[value]["value"] is None, sign * (parts[value]["value"] or 0.0), value))


def tested(parts: Mapping[str, SliceValue]) -> int:
    """How many of the values could be held against the rest."""
    return sum(part.get("p_holm") is not None for part in parts.values())


def slice_notes(name: str, parts: Mapping[str, SliceValue]) -> Iterator[str]:
    """What is left out, and how the p-values came about."""
    if len(parts) > VALUES_SHOWN:
        yield f"worst {name} first; {len(parts) - VALUES_SHOWN} more values in summary.json"
    if number := tested(parts):
        untold = "; –: too few rows, or all alike" if number < len(parts) else ""
        yield f"p: how likely by chance alone, corrected for {some(number, 'slice')} (Holm){untold}"


def is_sure(part: SliceValue) -> bool:
    """Whether these rows differ from all others beyond noise."""
    p = part.get("p_holm")
    return p is not None and p < SURE


def p_words(p: float | None) -> str:
    """
    >>> p_words(0.0300), p_words(0.00004), p_words(1.0), p_words(None)
    ('0.03', '< 0.001', '1', '–')
    """
    if p is None:
        return NOTHING
    return "< 0.001" if p < 0.001 else f"{p:.2g}"
