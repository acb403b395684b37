"""Which scorer belongs to which task."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from evalsvc.config.models import EvalConfig
from evalsvc.scoring.classify import Classifier, Scorer, Unread
from evalsvc.scoring.judging import JudgeScorer
from evalsvc.scoring.labels import LabelFinder
from evalsvc.scoring.likelihood import LikelihoodScorer
from evalsvc.scoring.probabilities import LabelProbabilities
from evalsvc.scoring.regression import NumberScorer
from evalsvc.scoring.texts import TextScorer


def _classifier(config: EvalConfig, labels: Sequence[str]) -> Scorer:
    return Classifier(LabelFinder(labels, config.scoring), LabelProbabilities(labels, config.scoring))


def _texts(config: EvalConfig, _: Sequence[str]) -> Scorer:
    return TextScorer.of(config)


def _likelihood(config: EvalConfig, _: Sequence[str]) -> Scorer:
    return LikelihoodScorer.of(config)


def _verdicts(config: EvalConfig, _: Sequence[str]) -> Scorer:
    return JudgeScorer.of(config)


def _numbers(config: EvalConfig, _: Sequence[str]) -> Scorer:
    return NumberScorer.of(config)


_SCORERS: Final[Mapping[str, Callable[[EvalConfig, Sequence[str]], Scorer]]] = {
    "classification": _classifier,
    "generation": _texts,
    "translation": _texts,
    "summarization": _texts,
    "qa": _texts,
    "perplexity": _likelihood,
    "regression": _numbers,
    "judge": _verdicts,
}


def make_scorer(config: EvalConfig, labels: Sequence[str]) -> Scorer:
    """What scores in this process: the scorer of `config.task`, or Unread where the user's own does it in others: see custom.py.

    UsageError for labels, or an extraction, that cannot work.
    """
    if config.scoring.scorer is not None:
        return Unread()
    return _SCORERS[config.task](config, labels)
