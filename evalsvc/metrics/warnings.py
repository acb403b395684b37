"""What a number on its own would hide: guards over the counts, in words for whoever reads them first."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from evalsvc.metrics.tally import ConfusionTally, RowTally
from evalsvc.records import MetricValue, Outcome, RunWarning

_MAJORITY = 0.8
_NO_BETTER_BY = 0.02  # accuracy within two points of "always answer the most frequent label" is no achievement
_HIGH_ACCURACY, _LOW_RECALL, _FEWEST_ROWS_OF_A_CLASS = 0.9, 0.5, 5
_UNPARSED_SHARE = 0.01
_WIDE_INTERVAL = 0.1
_SHOWN_LABELS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the guards look at."""

    labels: tuple[str, ...]
    outcomes: Mapping[str, int]
    cut: int
    metrics: Mapping[str, MetricValue]
    per_class: Mapping[str, Mapping[str, float | int | None]]

    @property
    def rows(self) -> int:
        """Rows with a target."""
        return sum(self.support(label) for label in self.labels)

    @property
    def records(self) -> int:
        return sum(self.outcomes.values())

    @property
    def accuracy(self) -> float | None:
        metric = self.metrics.get("accuracy")
        return metric["value"] if metric else None

    def support(self, label: str) -> int:
        return int(self.per_class[label]["support"] or 0)

    def predicted(self, label: str) -> int:
        return int(self.per_class[label]["predicted"] or 0)


def warnings_for(
    tally: RowTally,
    metrics: Mapping[str, MetricValue],
    per_class: Mapping[str, Mapping[str, float | int | None]],
    *,
    scorer_failed: int = 0,
) -> list[RunWarning]:
    """All that is worth a warning, in a fixed order; `metrics` and `per_class` are those of `tally`.

    `scorer_failed` of the rows in error were answered: they are warned of by whoever knows more of them.
    """
    outcomes = tally.value()
    outcomes[Outcome.ERROR] -= scorer_failed
    labels = tally.labels if isinstance(tally, ConfusionTally) else ()
    facts = Facts(labels=labels, outcomes=outcomes, cut=tally.cut, metrics=metrics, per_class=per_class)
    return [warning for guard in _GUARDS for warning in guard(facts)]


def _warning(kind: str, message: str, **evidence: Any) -> RunWarning:
    return {"kind": kind, "message": message, "evidence": evidence}


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _hidden_class(facts: Facts) -> Iterator[RunWarning]:
    hidden = {
        label: recall
        for label in facts.labels
        if facts.support(label) >= _FEWEST_ROWS_OF_A_CLASS and (recall := float(facts.per_class[label]["recall"] or 0)) < _LOW_RECALL
    }
    if facts.accuracy is None or facts.accuracy < _HIGH_ACCURACY or not hidden:
        return
    worst = min(hidden, key=lambda label: (hidden[label], -facts.support(label)))
    others = f", and {len(hidden) - 1} more labels fare badly" if len(hidden) > 1 else ""
    yield _warning(
        "hidden_class",
        f"accuracy {facts.accuracy:.2g} hides that only {_percent(hidden[worst])} of `{worst}` ({facts.support(worst):,} rows) is found"
        f"{others}; gate on per_class.{worst}.recall, balanced_accuracy or f1_macro",
        accuracy=facts.accuracy,
        recall=dict(sorted(hidden.items(), key=lambda item: item[1])[:_SHOWN_LABELS]),
    )


def _class_imbalance(facts: Facts) -> Iterator[RunWarning]:
    if facts.accuracy is None or not facts.rows:
        return
    most = max(facts.labels, key=facts.support)
    share = facts.support(most) / facts.rows
    if share > _MAJORITY and facts.accuracy <= share + _NO_BETTER_BY:
        yield _warning(
            "class_imbalance",
            f"{_percent(share)} of the rows are `{most}`: always answering `{most}` would reach that accuracy, and this run reaches "
            f"{_percent(facts.accuracy)}; read balanced_accuracy and f1_macro instead",
            label=most,
            share=share,
            accuracy=facts.accuracy,
        )


def _predicts_one_class(facts: Facts) -> Iterator[RunWarning]:
    predicted = [label for label in facts.labels if facts.predicted(label)]
    present = [label for label in facts.labels if facts.support(label)]
    if len(predicted) == 1 and len(present) > 1:
        count = facts.predicted(predicted[0])
        yield _warning(
            "predicts_one_class",
            f"every reply with a label says `{predicted[0]}` ({count:,} of them), while the rows have {len(present)} labels; "
            "look at the prompt and at a few replies in predictions.jsonl",
            label=predicted[0],
            predicted=count,
        )


def _unparsed(facts: Facts) -> Iterator[RunWarning]:
    unparsed, ambiguous = facts.outcomes[Outcome.UNPARSED], facts.outcomes[Outcome.AMBIGUOUS]
    share = (unparsed + ambiguous) / facts.records if facts.records else 0.0
    if share > _UNPARSED_SHARE:
        yield _warning(
            "unparsed",
            f"no single label could be read in {_percent(share)} of the replies ({unparsed:,} without any, {ambiguous:,} with several), "
            "which count as wrong; ask for the label alone, or set scoring.aliases or scoring.extract and run `evalsvc score`",
            unparsed=unparsed,
            ambiguous=ambiguous,
            share=share,
        )


def _truncated(facts: Facts) -> Iterator[RunWarning]:
    truncated = facts.outcomes[Outcome.TRUNCATED]
    if truncated or facts.cut:
        yield _warning(
            "truncated",
            f"{truncated + facts.cut:,} replies were cut off: {truncated:,} before a label could be read (they count as wrong), "
            f"{facts.cut:,} after one; raise model.max_output_tokens",
            truncated=truncated,
            cut_with_label=facts.cut,
        )


def _label_without_rows(facts: Facts) -> Iterator[RunWarning]:
    missing = [label for label in facts.labels if not facts.support(label)]
    if missing and facts.rows:
        shown = ", ".join(f"`{label}`" for label in missing[:_SHOWN_LABELS]) + (" and more" if len(missing) > _SHOWN_LABELS else "")
        yield _warning(
            "label_without_rows",
            f"{len(missing)} of {len(facts.labels)} labels have no row: {shown}; each counts as 0 in the macro averages",
            labels=missing[:_SHOWN_LABELS],
            count=len(missing),
        )


def _few_rows(facts: Facts) -> Iterator[RunWarning]:
    metric = facts.metrics.get("accuracy")
    if metric is None or metric["ci_low"] is None or metric["ci_high"] is None:
        return
    width = metric["ci_high"] - metric["ci_low"]
    if width > _WIDE_INTERVAL:
        yield _warning(
            "few_rows",
            f"{metric['n']:,} rows leave accuracy anywhere between {metric['ci_low']:.2f} and {metric['ci_high']:.2f} (95 % interval); "
            "small differences to another run mean nothing",
            n=metric["n"],
            width=width,
        )


_WITHOUT_ANSWER = {
    Outcome.REFUSED: "refused by the model and counted as wrong: {rows}; read some of the replies in predictions.jsonl",
    Outcome.FILTERED: "stopped by the endpoint's content filter and counted as wrong: {rows}",
    Outcome.ERROR: "ended in an error and counted as wrong: {rows}; run again with --retry-failed to ask once more",
}


def _without_answer(facts: Facts) -> Iterator[RunWarning]:
    for outcome, message in _WITHOUT_ANSWER.items():
        count = facts.outcomes[outcome]
        if count:
            share = count / facts.records
            rows = f"{count:,} row{'' if count == 1 else 's'}, {_percent(share)} of all"
            yield _warning(outcome.value, message.format(rows=rows), rows=count, share=share)


_GUARDS: tuple[Callable[[Facts], Iterator[RunWarning]], ...] = (
    _hidden_class,
    _class_imbalance,
    _predicts_one_class,
    _unparsed,
    _truncated,
    _label_without_rows,
    _few_rows,
    _without_answer,
)
