"""Which family builds which metric. Families are imported when one of their metrics is wanted: some need seconds to load."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any, Final

from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.metrics.families import judged
from evalsvc.metrics.families.metric import AnyMetric, Build, OwnMetric, Setting, SumMetric, Wanted
from evalsvc.metrics.gates import gated_metrics
from evalsvc.metrics.logprobs import asks_for_alternatives, check_operating_point
from evalsvc.metrics.names import CORRECT, GENERATED, JUDGE, LIKELIHOOD, OFFERED, PROBABILITIES, REGRESSION, SHOWN, TELL_RIGHT, expanded
from evalsvc.scoring.measures import Measuring

# Module of this package with a function `build`.
_MODULES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("exact_match", "normalised_match", "token_f1", "numeric_match", "json_valid", "json_schema", "regex_match"), "matches"
    ),
    "pass_at_k": "passes",
    **dict.fromkeys(("bleu", "chrf", "chrf_pp", "ter"), "sacre"),
    **dict.fromkeys(("rouge1", "rouge2", "rougeL", "rougeLsum"), "rouge"),
    **dict.fromkeys((*GENERATED, *LIKELIHOOD), "likelihood"),
    **dict.fromkeys(REGRESSION, "regression"),
    **dict.fromkeys(PROBABILITIES, "probabilities"),
    **dict.fromkeys(JUDGE, "judged"),
}


def wanted_metrics(config: EvalConfig, where: Where = str) -> tuple[Wanted, ...]:
    """The metrics beside those of the outcomes, with their options, in the order of `metrics`; the task's own for none."""
    offered = OFFERED[config.task]
    if not config.metrics:
        found = {name: Wanted(name=name, place=where("task")) for name in shown_metrics(config)}
    else:
        found = _written(config, where)
    _check_accuracy(config, where)
    check_operating_point(config, where)
    correct = correct_metric(config)
    if correct is not None:
        _check_correct(correct, offered, where("scoring.correct"))
        found.setdefault(correct, Wanted(name=correct, place=where("scoring.correct")))
    if shows_thresholds(config):
        found.setdefault("roc_auc", Wanted(name="roc_auc", place=where("scoring.operating_point")))
    for index, name in enumerate(gated_metrics(config.gates)):
        if name in offered:
            found.setdefault(name, Wanted(name=name, place=where(f"gates[{index}]")))
    return tuple(found.values())


def _written(config: EvalConfig, where: Where) -> dict[str, Wanted]:
    """Those of `metrics`. What is said of one metric goes before what is said of a group that it is of.

    UsageError for one that is named twice with different options: there is only one number of a name.
    """
    named = [(index, *_named(item)) for index, item in enumerate(config.metrics)]
    found: dict[str, Wanted] = {}
    said: dict[str, Mapping[str, Any]] = {}
    for index, written, options in named:
        if said.setdefault(written, options) != options:
            raise UsageError(
                f"{where(f'metrics[{index}]')}: {written} is named twice, with different options",
                hint="keep one of them; the other one's number takes a run of `evalsvc score` with `--set`",
            )
        for name in expanded(written):
            if name in OFFERED[config.task] and (name == written or name not in said):
                found[name] = Wanted(name=name, options=options, place=where(f"metrics[{index}]"))
    return found


def correct_metric(config: EvalConfig) -> str | None:
    """The metric that says which answers are right."""
    if config.scoring.scorer is not None:
        return None
    return config.scoring.correct or CORRECT.get(config.task)


def shows_thresholds(config: EvalConfig) -> bool:
    """Whether there is to be a table of thresholds: it is made of what roc_auc keeps."""
    scoring = config.scoring
    if config.task != "classification" or scoring.scorer is not None or scoring.positive is None:
        return False
    return scoring.operating_point is not None or _has_probabilities(config)


def _check_correct(name: str, offered: Sequence[str], place: str) -> None:
    if name not in TELL_RIGHT or name not in offered:
        known = [metric for metric in TELL_RIGHT if metric in offered]
        raise UsageError(
            f"{place}: {name} cannot say which answers are right",
            hint=f"use one of {', '.join(known)}" if known else "this task has no such metric; take the key out",
        )


def _check_accuracy(config: EvalConfig, where: Where) -> None:
    """An accuracy that can never be had is refused before the run is paid for."""
    if has_accuracy(config):
        return
    places = [f"metrics[{index}]" for index, item in enumerate(config.metrics) if _named(item)[0] == "accuracy"]
    places += [f"gates[{index}]" for index, name in enumerate(gated_metrics(config.gates)) if name == "accuracy"]
    if places:
        tells = any(name in OFFERED[config.task] for name in TELL_RIGHT)
        raise UsageError(
            f"{where(places[0])}: there is no accuracy: nothing says which answers are right",
            hint="name the metric that does, as `scoring: {correct: exact_match}`"
            if tells
            else f"task {config.task} has no right and wrong; it measures {', '.join(OFFERED[config.task])}",
        )


def has_accuracy(config: EvalConfig) -> bool:
    """Whether anything says which answers are right."""
    return config.task == "classification" or config.scoring.scorer is not None or correct_metric(config) is not None


def shown_metrics(config: EvalConfig) -> tuple[str, ...]:
    """The metrics beside those of the outcomes that are reported when `metrics` names none."""
    if config.scoring.scorer is not None:
        return ()
    if config.task == "judge":
        return judged.shown(config)
    return PROBABILITIES if _has_probabilities(config) else SHOWN[config.task]


def _has_probabilities(config: EvalConfig) -> bool:
    return config.task == "classification" and asks_for_alternatives(config.model) is True


def _named(item: str | Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    return (item, {}) if isinstance(item, str) else next(iter(item.items()), ("", {}))


def build_metrics(config: EvalConfig, labels: Sequence[str] = (), where: Where = str) -> tuple[AnyMetric, ...]:
    """Ready to measure and to sum; UsageError, with its place, for options that cannot be."""
    setting = Setting(task=config.task, repeats=config.repeats, labels=tuple(labels), positive=config.scoring.positive, config=config)
    if config.scoring.scorer is not None:
        return ()
    built: dict[Any, AnyMetric] = {}
    for wanted in wanted_metrics(config, where):
        metric = _builder(wanted.name)(wanted, setting)
        built.setdefault(metric.names if isinstance(metric, OwnMetric) else metric.name, metric)
    if any(wanted.name.startswith("rouge") for wanted in wanted_metrics(config)):
        from evalsvc.metrics.families.rouge import letters_metric

        built["letters"] = letters_metric()
    return tuple(built.values())


def _builder(name: str) -> Build:
    build: Build = import_module(f"{__package__}.{_MODULES[name]}").build
    return build


def measuring_of(config: EvalConfig, metrics: Sequence[AnyMetric]) -> Measuring:
    """What scoring has to ask for all of `metrics`, each measure once."""
    measures = dict.fromkeys(metric.measure for metric in metrics if metric.measure is not None)
    return Measuring(measures=tuple(measures), correct=correct_metric(config), one_reference=config.scoring.references == "text")


def columns_of_metrics(metrics: Sequence[AnyMetric]) -> tuple[str, ...]:
    """The columns of the data set that `metrics` measure by."""
    return tuple(dict.fromkeys(column for metric in metrics for column in metric.columns))


def slice_columns(config: EvalConfig, metrics: Sequence[AnyMetric]) -> tuple[str, ...]:
    """The columns by which rows are sliced: those of the config, and those that metrics are means over the groups of."""
    groups = (metric.by for metric in metrics if isinstance(metric, SumMetric) and metric.by is not None)
    return tuple(dict.fromkeys([*config.slices, *groups]))
