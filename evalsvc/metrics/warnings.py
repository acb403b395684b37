"""What a number on its own would hide: all guards over a run, and in which order their findings are read."""

from collections.abc import Iterable, Mapping
from typing import Final

from evalsvc.metrics.tally import ConfusionTally, RowTally
from evalsvc.metrics.verdicts.answers import truncated, unparsed, without_answer
from evalsvc.metrics.verdicts.circumstances import (
    bent_logprobs,
    conflicting_rows,
    label_mass_low,
    probabilities_missing,
    probabilities_saturated,
    repeated_rows,
    served_model_changed,
)
from evalsvc.metrics.verdicts.classes import (
    class_imbalance,
    hidden_class,
    label_without_rows,
    no_better_than_chance,
    precision_recall_apart,
    predicts_one_class,
    weak_class,
    worse_than_chance,
    worse_than_majority,
)
from evalsvc.metrics.verdicts.facts import Besides, Facts, Guard
from evalsvc.metrics.verdicts.precision import few_rows, undecided_gate, worse_than_mean
from evalsvc.records import MetricValue, Outcome, RunWarning

# Every kind of warning there is, the most harmful first: what would be believed and is wrong, before what is merely unsure.
HARM: Final[tuple[str, ...]] = (
    # the model is no good, whatever the headline says
    "hidden_class",
    "worse_than_chance",
    "worse_than_mean",
    "predicts_one_class",
    "class_imbalance",
    "worse_than_majority",
    "no_better_than_chance",
    "weak_class",
    "precision_recall_apart",
    # the numbers are not of the model alone
    "served_model_changed",
    "judges_itself",
    "judge_inconsistent",
    "not_answered",
    "scorer",
    "error",
    "unparsed",
    "truncated",
    "refused",
    "filtered",
    # the numbers are not of the data that one thinks
    "conflicting_rows",
    "repeated_rows",
    "label_without_rows",
    "label_mass_low",
    "probabilities_saturated",
    "probabilities_missing",
    "bent_logprobs",
    "bleu_tokenizer",
    "rouge_tokenizer",
    "bleu_short",
    "scores_missing",
    # the numbers are less sure than they look
    "undecided_gate",
    "few_rows",
    "few_groups",
    # good to know
    "judge_position",
    "named_twice",
)

_GUARDS: Final[tuple[Guard, ...]] = (
    hidden_class,
    worse_than_chance,
    worse_than_mean,
    predicts_one_class,
    class_imbalance,
    worse_than_majority,
    no_better_than_chance,
    weak_class,
    precision_recall_apart,
    served_model_changed,
    without_answer,
    unparsed,
    truncated,
    conflicting_rows,
    repeated_rows,
    label_without_rows,
    label_mass_low,
    probabilities_saturated,
    probabilities_missing,
    bent_logprobs,
    undecided_gate,
    few_rows,
)


def warnings_for(
    tally: RowTally,
    metrics: Mapping[str, MetricValue],
    per_class: Mapping[str, Mapping[str, float | int | None]],
    *,
    scorer_failed: int = 0,
    besides: Besides | None = None,
) -> list[RunWarning]:
    """All that is worth a warning, the most harmful first; `metrics` and `per_class` are those of `tally`.

    `scorer_failed` of the rows in error were answered: they are warned of by whoever knows more of them.
    """
    outcomes = tally.value()
    outcomes[Outcome.ERROR] -= scorer_failed
    labels = tally.labels if isinstance(tally, ConfusionTally) else ()
    facts = Facts(labels=labels, outcomes=outcomes, cut=tally.cut, metrics=metrics, per_class=per_class, besides=besides or Besides())
    return ordered(found for guard in _GUARDS for found in guard(facts))


def ordered(warnings: Iterable[RunWarning]) -> list[RunWarning]:
    """The most harmful first, whoever found them; kinds that HARM does not name come last, as they came."""
    rank = {kind: index for index, kind in enumerate(HARM)}
    return sorted(warnings, key=lambda found: rank.get(found["kind"], len(HARM)))
