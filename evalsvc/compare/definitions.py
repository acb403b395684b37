"""Which number a metric is, apart from how its interval is had: equal texts are comparable numbers."""

from collections.abc import Iterator, Mapping, Sequence

from evalsvc.config import EvalConfig
from evalsvc.metrics.families.metric import AnyMetric, SumMetric
from evalsvc.metrics.families.options import short_hash
from evalsvc.metrics.families.registry import correct_metric, has_accuracy
from evalsvc.metrics.kept import Shape
from evalsvc.metrics.names import CLASSIFICATION, OF_POSITIVE, OF_ROWS, PROBABILITIES

MOST_SHOWN = 10  # labels

# What signatures say of intervals and clusters.
_NOT_OF_THE_NUMBER = ("ci:", "ends:", "clusters:", "n-clusters:")


def definitions_of(config: EvalConfig, shape: Shape) -> dict[str, str]:
    """By metric, of all that can be had by row: those of the outcomes, and those of `shape`."""
    labels = _set_of(shape.labels)
    found = {name: f"of:{'ok' if name == 'parse_rate' else 'expected'}" for name in OF_ROWS}
    if has_accuracy(config):
        found["accuracy"] = f"right:{_right(config, shape)}"
    if shape.labels:
        found |= {name: labels for name in CLASSIFICATION if name not in found}
        if config.scoring.positive is not None:
            found |= dict.fromkeys(OF_POSITIVE, f"positive:{config.scoring.positive}|{labels}")
    for metric in shape.metrics:
        found |= {name: f"{text}|{labels}" if name in PROBABILITIES else text for name, text in _of(metric)}
    return found


def _set_of(labels: Sequence[str]) -> str:
    """Whatever their order."""
    ordered = sorted(labels)
    return f"labels:{', '.join(ordered)}" if len(ordered) <= MOST_SHOWN else f"labels:{len(ordered)} ({short_hash(repr(ordered))})"


def _right(config: EvalConfig, shape: Shape) -> str:
    if config.scoring.scorer is not None:
        return f"scorer {config.scoring.scorer}"
    return "label" if shape.labels else str(correct_metric(config))


def _of(metric: AnyMetric) -> Iterator[tuple[str, str]]:
    if isinstance(metric, SumMetric):
        yield metric.name, metric.signature + (f"|mean-over:{metric.by}" if metric.by is not None else "")
        return
    # over no rows at all nothing in a signature depends on the rows
    for name, value in metric.empty().value().items():
        yield name, number_of(value["signature"])


def number_of(signature: str) -> str:
    """What `signature` says of the number itself.

    >>> number_of("tok:13a|clusters:id|ci:wilson95|v:1")
    'tok:13a|v:1'
    """
    return "|".join(part for part in signature.split("|") if not part.startswith(_NOT_OF_THE_NUMBER))


def differs(a: Mapping[str, str], b: Mapping[str, str], metric: str) -> str | None:
    """Why `metric` is not one number on both sides; None where it is.

    >>> differs({"bleu": "tok:13a"}, {"bleu": "tok:zh"}, "bleu")
    'it is another number on either side: tok:13a in A, tok:zh in B'
    """
    for side, there in (("A", a), ("B", b)):
        if metric not in there:
            return f"{side} has none by row"
    if a[metric] == b[metric]:
        return None
    of_a, of_b = a[metric].split("|"), b[metric].split("|")
    only_a, only_b = (" ".join(part for part in mine if part not in other) or "–" for mine, other in ((of_a, of_b), (of_b, of_a)))
    return f"it is another number on either side: {only_a} in A, {only_b} in B"
