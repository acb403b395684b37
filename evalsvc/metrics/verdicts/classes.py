"""Guards over the count table: what accuracy says nothing of."""

from collections.abc import Iterator

from evalsvc.metrics.verdicts.facts import SHOWN_LABELS, Facts, is_no_accident, listed, of_rows, percent, warning
from evalsvc.records import RunWarning

# From here on people read accuracy as "it works".
_HIGH_ACCURACY = 0.9
# More rows of the class are missed than found.
_LOW_RECALL = 0.5
# Of fewer rows of a class nothing can be said.
_FEWEST_ROWS_OF_A_CLASS = 5
# A class found a quarter less often than rows are on the whole: no longer a matter of a few hard rows.
_FAR_BELOW = 0.25
# One label has four rows in five: accuracy then measures that label.
_MAJORITY = 0.8
# Within two points of "always answer the most frequent label": no achievement.
_NO_BETTER_BY = 0.02
# Where rows of other labels are that rare, half of what is left to win.
_OF_THE_GAP = 0.5
# A quarter apart: the label is given half again as often, or as seldom, as it should be.
_FAR_APART = 0.25
# Of fewer answers or rows, shares move by five points with one of them.
_FEWEST_TO_COMPARE = 20
# An MCC that is surely below this is no use, whatever it is for.
_NO_USE_MCC = 0.1


def hidden_class(facts: Facts) -> Iterator[RunWarning]:
    hidden = _hidden(facts)
    if facts.accuracy is None or not hidden:
        return
    worst = hidden[0]
    yield warning(
        "hidden_class",
        f"not fit for production: the model misses {_missed(facts, worst)}, and accuracy {_digits(facts.accuracy)} hides "
        f"it{_others(hidden)}; gate on per_class.{worst}.recall, balanced_accuracy or f1_macro",
        accuracy=facts.accuracy,
        recall=_recalls(facts, hidden),
    )


def weak_class(facts: Facts) -> Iterator[RunWarning]:
    accuracy, hidden = facts.accuracy, _hidden(facts)
    if accuracy is None or _is_useless(facts):
        return
    weak = [
        label
        for label in _measurable(facts)
        if label not in hidden and facts.recall(label) <= accuracy - _FAR_BELOW and _is_below(facts, label, accuracy)
    ]
    if weak:
        weak.sort(key=facts.recall)
        worst = weak[0]
        yield warning(
            "weak_class",
            f"the model misses {_missed(facts, worst)}, a far larger part than of all rows "
            f"(accuracy {_digits(accuracy)}){_others(weak)}; read per_class, and gate on per_class.{worst}.recall if it matters",
            accuracy=accuracy,
            recall=_recalls(facts, weak),
        )


def predicts_one_class(facts: Facts) -> Iterator[RunWarning]:
    predicted, present = _predicted(facts), _present(facts)
    if len(predicted) == 1 and len(present) > 1:
        count = facts.predicted(predicted[0])
        yield warning(
            "predicts_one_class",
            f"every reply with a label says `{predicted[0]}` ({count:,} of them), while the rows have {len(present)} labels; "
            "look at the prompt and at a few replies in predictions.jsonl",
            label=predicted[0],
            predicted=count,
        )


def class_imbalance(facts: Facts) -> Iterator[RunWarning]:
    if facts.accuracy is None or not _is_imbalance(facts):
        return
    most, share = facts.majority
    instead = "read balanced_accuracy and f1_macro instead" if share < 1 else "add rows of the other labels: of those nothing is measured"
    yield warning(
        "class_imbalance",
        f"{percent(share)} of the rows are `{most}`: always answering `{most}` would reach that accuracy, and this run reaches "
        f"{percent(facts.accuracy)}; {instead}",
        label=most,
        share=share,
        accuracy=facts.accuracy,
    )


def worse_than_majority(facts: Facts) -> Iterator[RunWarning]:
    """Of the rows with an answer: that there is none in others has warnings of its own."""
    if not facts.rows or not facts.decided or _is_imbalance(facts) or len(_predicted(facts)) < 2:
        return
    most, share = facts.majority
    right = facts.outcomes["correct"]
    if is_no_accident(round(facts.draws(right)), facts.draws(facts.decided), share):
        yield warning(
            "worse_than_majority",
            f"worse than no model: {percent(right / facts.decided)} of the answers are right, and always answering `{most}` would be right "
            f"in {percent(share)} of the rows; look at the prompt, the labels and a few replies in predictions.jsonl",
            label=most,
            share=share,
            accuracy_on_parsed=right / facts.decided,
        )


def worse_than_chance(facts: Facts) -> Iterator[RunWarning]:
    metric = facts.metrics.get("mcc")
    if metric is not None and metric["ci_high"] is not None and metric["ci_high"] < 0:
        yield warning(
            "worse_than_chance",
            f"worse than guessing: the Matthews correlation is {metric['value']:.2f} (at the most {metric['ci_high']:.2f}); answers that "
            "contradict the labels so often mean that two labels are swapped, in the prompt, the aliases or the data set",
            mcc=metric["value"],
            ci_high=metric["ci_high"],
        )


def no_better_than_chance(facts: Facts) -> Iterator[RunWarning]:
    """Only where the interval is narrow enough to say so: few rows are no proof of a useless model."""
    metric = facts.metrics.get("mcc")
    if metric is None or metric["ci_low"] is None or metric["ci_high"] is None or min(len(_predicted(facts)), len(_present(facts))) < 2:
        return
    if metric["ci_low"] <= 0 <= metric["ci_high"] < _NO_USE_MCC:
        yield warning(
            "no_better_than_chance",
            f"no better than guessing: the answers have nothing to do with the labels (Matthews correlation {metric['value']:.2f}, 95 % "
            f"interval {metric['ci_low']:.2g} to {metric['ci_high']:.2g}); look whether the prompt shows the model the text to judge",
            mcc=metric["value"],
            ci_low=metric["ci_low"],
            ci_high=metric["ci_high"],
        )


def precision_recall_apart(facts: Facts) -> Iterator[RunWarning]:
    if _is_useless(facts):
        return
    low_recall = {*_hidden(facts), *(label for one in weak_class(facts) for label in one["evidence"]["recall"])}
    apart = [label for label in facts.labels if label not in low_recall and _is_apart(facts, label)]
    if not apart:
        return
    apart.sort(key=lambda label: min(facts.precision(label), facts.recall(label)))
    worst = apart[0]
    precision, recall = facts.precision(worst), facts.recall(worst)
    times = facts.predicted(worst) / facts.support(worst)
    wrong = facts.predicted(worst) - facts.hits(worst)
    what = (
        f"too eager with `{worst}`: it is answered {times:.2g} times as often as there are rows of it, and "
        f"{of_rows(wrong, facts.predicted(worst))} of those answers are wrong"
        if precision < recall
        else f"too shy of `{worst}`: it is answered {times:.2g} times as often as there are rows of it, and "
        f"{of_rows(facts.support(worst) - facts.hits(worst), facts.support(worst))} of its rows are missed"
    )
    yield warning(
        "precision_recall_apart",
        f"the model is {what} (precision {precision:.2f}, recall {recall:.2f}){_others(apart)}; "
        "decide which of the two matters and gate on it, or move the threshold where there are class probabilities",
        precision={label: facts.precision(label) for label in apart[:SHOWN_LABELS]},
        recall=_recalls(facts, apart),
    )


def label_without_rows(facts: Facts) -> Iterator[RunWarning]:
    missing = [label for label in facts.labels if not facts.support(label)]
    if missing and len(_present(facts)) > 1:
        yield warning(
            "label_without_rows",
            f"{len(missing)} of {len(facts.labels)} labels have no row: {listed(missing)}; each counts as 0 in the macro averages, so "
            "take it out of scoring.labels, or read balanced_accuracy, which leaves it out",
            labels=missing[:SHOWN_LABELS],
            count=len(missing),
        )


def _measurable(facts: Facts) -> list[str]:
    return [label for label in facts.labels if facts.support(label) >= _FEWEST_ROWS_OF_A_CLASS]


def _predicted(facts: Facts) -> list[str]:
    return [label for label in facts.labels if facts.predicted(label)]


def _present(facts: Facts) -> list[str]:
    return [label for label in facts.labels if facts.support(label)]


def _is_below(facts: Facts, label: str, share: float) -> bool:
    hits, rows = facts.draws(facts.hits(label)), facts.draws(facts.support(label))
    return is_no_accident(round(hits), rows, share, looks=len(facts.labels))


def _hidden(facts: Facts) -> list[str]:
    """The labels that a high accuracy hides, the worst first."""
    accuracy = facts.accuracy
    if accuracy is None or accuracy < _HIGH_ACCURACY:
        return []
    hidden = [label for label in _measurable(facts) if facts.recall(label) < _LOW_RECALL and _is_below(facts, label, accuracy)]
    return sorted(hidden, key=lambda label: (facts.recall(label), -facts.support(label)))


def _is_imbalance(facts: Facts) -> bool:
    if facts.accuracy is None or not facts.rows:
        return False
    _, share = facts.majority
    return share > _MAJORITY and facts.accuracy <= share + min(_NO_BETTER_BY, _OF_THE_GAP * (1 - share))


def _is_useless(facts: Facts) -> bool:
    """What the classes look like then is no news."""
    return len(_predicted(facts)) < 2 or any(True for guard in (worse_than_chance, no_better_than_chance) for _ in guard(facts))


def _missed(facts: Facts, label: str) -> str:
    rows = facts.support(label)
    missed = rows - facts.hits(label)
    return f"{of_rows(missed, rows)} `{label}`" + (f" ({missed:,} of {rows:,} rows)" if rows > 100 else "")


def _is_apart(facts: Facts, label: str) -> bool:
    precision, recall = facts.precision(label), facts.recall(label)
    answers, rows = facts.predicted(label), facts.support(label)
    if min(answers, rows) < _FEWEST_TO_COMPARE or abs(precision - recall) < _FAR_APART:
        return False
    lower, of, share = (precision, answers, recall) if precision < recall else (recall, rows, precision)
    return is_no_accident(round(facts.draws(round(lower * of))), facts.draws(of), share, looks=len(facts.labels))


def _others(labels: list[str]) -> str:
    match len(labels) - 1:
        case 0:
            return ""
        case 1:
            return ", and one more label fares as badly"
        case more:
            return f", and {more} more labels fare as badly"


def _recalls(facts: Facts, labels: list[str]) -> dict[str, float]:
    return {label: facts.recall(label) for label in labels[:SHOWN_LABELS]}


def _digits(accuracy: float) -> str:
    return f"{min(accuracy, 0.999) if accuracy < 1 else 1:.3g}"
