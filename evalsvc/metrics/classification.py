"""Classification metrics of a ConfusionTally, in the shape of summary.json.

Definitions are scikit-learn's, called on the cells of the count table with the counts as weights. Every row with a target
and a final record counts: a reply without a label is a row of its true label that was predicted as none of them; for MCC
and kappa all such replies are one more predicted value. Shares of rows are plain divisions with Wilson's interval, all
others have the percentile interval of bootstrap.py. Where rows come in groups, both have that of clusters.py.

scikit-learn is imported where it is used: it takes a second, and only the reducer needs it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from evalsvc.metrics.bootstrap import REPLICATES, SEED, percentile_intervals, replicates_for
from evalsvc.metrics.clusters import Clustered, cluster_intervals
from evalsvc.metrics.intervals import where_all_agree, wilson
from evalsvc.metrics.names import AVERAGES, CLASSIFICATION, OF_POSITIVE, OF_ROWS, range_of
from evalsvc.metrics.tally import ConfusionTally
from evalsvc.records import WITHOUT_LABEL, MetricValue

# (true label, column, rows); a column from the number of labels on is an outcome without a label.
Cell = tuple[int, int, int]
# Successes and rows.
Share = tuple[int, int]

_VERSION = 1
_NO_ROWS = {
    "parse_rate": "no row was answered",
    "coverage": "no row is expected",
    "precision": "no reply means the positive label",
    "recall": "no row has the positive label",
    "f1": "neither a row nor a reply has the positive label",
    "kappa": "0/0: one label is all there is, in the targets and in the replies",
}


def classification_metrics(
    tally: ConfusionTally,
    *,
    ok: int,
    expected: int,
    positive: str | None = None,
    repeats: int = 1,
    clustered: Clustered | None = None,
) -> dict[str, MetricValue]:
    """Every metric by its name; plain precision, recall and f1 only with `positive`.

    `ok` counts the rows that were answered, `expected` all rows there are. Repeats of one row are no independent draws:
    intervals are as wide as if all repeats of a row agreed. `clustered` has the same rows by group, where they come in groups, or by
    id, where there are repeats of enough of them.
    A value that cannot be had is None, with its reason.
    """
    cells, labels = tally.triples(), len(tally.labels)
    index = None if positive is None else tally.labels.index(positive)
    shares = _shares(tally, cells, index, ok, expected)
    strict = _points(cells, labels, index) | _quotients(shares)
    parsed = [cell for cell in cells if cell[1] < labels]
    on_parsed = _points(parsed, labels, index) | _quotients(_shares(tally, parsed, index, ok, expected))
    intervals = _intervals(cells, labels, index, shares, repeats)
    if clustered is not None:
        of_rows = {name: interval for name, interval in intervals.items() if name in OF_ROWS}
        intervals = of_rows | cluster_intervals(clustered, positive=index)
    rows = sum(count for *_, count in cells)
    draws = rows / repeats if clustered is None else len(clustered.buckets)
    of_label = [support * draws / rows for support in _margins(cells, labels)[0]] if rows else []
    metrics: dict[str, MetricValue] = {}
    for name in CLASSIFICATION if positive is None else (*CLASSIFICATION, *OF_POSITIVE):
        n = shares[name][1] if name in shares else rows
        how, interval = _how(name, len(cells), clustered, is_share=name in shares), intervals.get(name)
        agreed = None if name in shares else _where_all_agree(name, strict.get(name), interval, of_label, index)
        if agreed is not None:
            how, interval = "ci:wilson95-by-label", agreed
        metrics[name] = _metric(name, strict.get(name), interval, n, _signature(name, labels, positive, how, repeats))
        if name not in OF_ROWS:
            metrics[name]["on_parsed"] = on_parsed.get(name)
    return metrics


def per_class(tally: ConfusionTally) -> dict[str, dict[str, float | int | None]]:
    """Precision, recall, f1, support (rows) and predicted (replies) of every label; 0/0 is None."""
    labels = len(tally.labels)
    support, predicted, hits = _margins(tally.triples(), labels)
    return {
        label: {
            "precision": _quotient(hits[index], predicted[index]),
            "recall": _quotient(hits[index], support[index]),
            "f1": _quotient(2 * hits[index], support[index] + predicted[index]),
            "support": support[index],
            "predicted": predicted[index],
        }
        for index, label in enumerate(tally.labels)
    }


def confusion_matrix(tally: ConfusionTally) -> dict[str, Any]:
    """Rows by true label, columns by predicted label and then by the outcomes without one."""
    counts = [[0] * tally.width for _ in tally.labels]
    for line, column, count in tally.triples():
        counts[line][column] = count
    return {"rows": list(tally.labels), "columns": [*tally.labels, *map(str, WITHOUT_LABEL)], "counts": counts}


def _margins(cells: Iterable[Cell], labels: int) -> tuple[list[int], list[int], list[int]]:
    support, predicted, hits = [0] * labels, [0] * labels, [0] * labels
    for line, column, count in cells:
        support[line] += count
        if column < labels:
            predicted[column] += count
        if column == line:
            hits[line] += count
    return support, predicted, hits


def _shares(tally: ConfusionTally, cells: Sequence[Cell], positive: int | None, ok: int, expected: int) -> dict[str, Share]:
    """The metrics that are shares of rows: successes and rows of each."""
    labels = len(tally.labels)
    support, predicted, hits = _margins(cells, labels)
    hit, rows, with_label = sum(hits), sum(support), sum(predicted)
    found = sum(count for _, column, count in tally.triples(with_target_only=False) if column < labels)
    shares = {
        "accuracy": (hit, rows),
        "recall_micro": (hit, rows),
        "recall_weighted": (hit, rows),
        "precision_micro": (hit, with_label),
        "parse_rate": (found, ok),
        "coverage": (ok, expected),
    }
    if positive is not None:
        shares["precision"] = (hits[positive], predicted[positive])
        shares["recall"] = (hits[positive], support[positive])
    return shares


def _quotients(shares: Mapping[str, Share]) -> dict[str, float | None]:
    quotients = {name: _quotient(*share) for name, share in shares.items()}
    if quotients["precision_micro"] is None and shares["accuracy"][1]:
        quotients["precision_micro"] = 0.0  # an average: zero_division=0, as for all averages
    return quotients


def _quotient(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _points(cells: Sequence[Cell], labels: int, positive: int | None) -> dict[str, float | None]:
    """The metrics that are no shares of rows, by scikit-learn; empty for no cells."""
    if not cells:
        return {}
    from sklearn.metrics import precision_recall_fscore_support

    true, predicted, weights = [cell[0] for cell in cells], [min(cell[1], labels) for cell in cells], [cell[2] for cell in cells]

    def averaged(average: str | None, of: Iterable[int]) -> Any:
        given = {"labels": list(of), "average": average, "zero_division": 0, "sample_weight": weights}
        return precision_recall_fscore_support(true, predicted, **given)

    points: dict[str, float | None] = {
        # scikit-learn's balanced accuracy is the mean recall over the labels that have rows
        "balanced_accuracy": float(averaged("macro", sorted(set(true)))[1]),
        **_agreement(true, predicted, weights),
    }
    for average in AVERAGES:
        precision, recall, f1, _ = averaged(average, range(labels))
        points |= {f"precision_{average}": float(precision), f"recall_{average}": float(recall), f"f1_{average}": float(f1)}
    if positive is not None and positive in {*true, *predicted}:
        points["f1"] = float(averaged(None, [positive])[2][0])
    return points


def _agreement(true: Sequence[int], predicted: Sequence[int], weights: Sequence[int]) -> dict[str, float | None]:
    """MCC and kappa. No `labels=` for kappa: with it, scikit-learn would drop the replies without a label."""
    if len({*true, *predicted}) == 1:
        return {"mcc": 0.0, "kappa": None}  # what scikit-learn gives, which warns as well
    from sklearn.metrics import cohen_kappa_score, matthews_corrcoef

    return {
        "mcc": float(matthews_corrcoef(true, predicted, sample_weight=weights)),
        "kappa": float(cohen_kappa_score(true, predicted, sample_weight=weights)),
    }


def _intervals(
    cells: Sequence[Cell], labels: int, positive: int | None, shares: Mapping[str, Share], repeats: int
) -> dict[str, tuple[float, float]]:
    rows = sum(count for *_, count in cells)
    drawn = percentile_intervals(cells, labels, positive=positive, draws=max(1, rows // repeats)) if cells else {}
    return drawn | {name: wilson(hit / repeats, n / repeats) for name, (hit, n) in shares.items() if n}


def _where_all_agree(
    name: str, value: float | None, interval: tuple[float, float] | None, draws: Sequence[float], positive: int | None
) -> tuple[float, float] | None:
    """An interval for a flawless table, or one without a hit; None for any other. `draws` are those of each label."""
    if value is None or interval is None or interval[0] != interval[1]:
        return None
    if name in OF_POSITIVE and positive is not None:
        draws = [draws[positive]]
    elif name.endswith(("_micro", "_weighted")):
        draws = [sum(draws)]
    least, most = range_of(name)
    return where_all_agree(value, draws, least=least, most=most)


def _metric(name: str, value: float | None, interval: tuple[float, float] | None, n: int, signature: str) -> MetricValue:
    low, high = interval if interval is not None and value is not None else (None, None)
    metric: MetricValue = {"value": value, "ci_low": low, "ci_high": high, "n": n, "signature": signature}
    if value is not None and low is not None and high is not None:
        # replicates lose labels that have a row or two, and lie below the value for it
        metric |= {"ci_low": min(low, value), "ci_high": max(high, value)}
    if value is None:
        metric["reason"] = _NO_ROWS.get(name, "") if n or name in {*OF_ROWS, *OF_POSITIVE} else "no row with a target has a final record"
    return metric


def _how(name: str, cells: int, clustered: Clustered | None, *, is_share: bool) -> str:
    if clustered is not None and name not in OF_ROWS:
        return cluster_signature(len(clustered.buckets), clustered.by)
    return "ci:wilson95" if is_share else f"ci:bootstrap{replicates_for(cells)}-seed{SEED}"


def cluster_signature(clusters: int, by: str) -> str:
    return f"ci:cluster-bootstrap{REPLICATES}-seed{SEED}|clusters:{clusters}-by-{by}"


def _signature(name: str, labels: int, positive: str | None, how: str, repeats: int) -> str:
    """How the number came about, so that two numbers can be told to be comparable."""
    average = name.rpartition("_")[2]
    parts = [
        f"avg:{average}|zero_division:0" if average in AVERAGES else "",
        f"positive:{positive}" if name in OF_POSITIVE else "",
        "of:ok" if name == "parse_rate" else "of:expected" if name == "coverage" else f"labels:{labels}|unparsed:{_unparsed(name)}",
        how,
        f"repeats:{repeats}-as-one" if repeats > 1 and "cluster" not in how else "",
        f"v:{_VERSION}",
    ]
    return "|".join(filter(None, parts))


def _unparsed(name: str) -> str:
    return "column" if name in {"mcc", "kappa"} else "wrong"
