"""The models by name: those that need no training, and those that are fitted on a file."""

from collections.abc import Callable, Mapping

from evalsvc.sandbox.answers import Model
from evalsvc.sandbox.language import Language
from evalsvc.sandbox.training import Examples


def _classifier(examples: Examples, _: Language) -> Model:
    from evalsvc.sandbox import classifier

    return classifier.Classifier(classifier.fit(examples))


def _ngram(_: Examples, language: Language) -> Model:
    from evalsvc.sandbox.ngram import Ngram

    return Ngram(language)


def _translator(examples: Examples, _: Language) -> Model:
    from evalsvc.sandbox import translator

    return translator.fit(examples)


def _nearest(examples: Examples, _: Language) -> Model:
    from evalsvc.sandbox import nearest

    return nearest.fit(examples)


def _regressor(examples: Examples, _: Language) -> Model:
    from evalsvc.sandbox import regressor

    return regressor.fit(examples)


# From the examples, and the language of their texts; ValueError for examples that are of no use.
FITTED: Mapping[str, Callable[[Examples, Language], Model]] = {
    "classifier": _classifier,
    "ngram": _ngram,
    "translator": _translator,
    "nearest": _nearest,
    "regressor": _regressor,
}
# Their labels are not looked at: the text alone is what they learn.
WITHOUT_LABELS = frozenset({"ngram"})


def untrained(sentences: int) -> Mapping[str, Model]:
    """The models that are always there; `sentences` are what `lead` says of a text."""
    from evalsvc.sandbox.echo import Echo
    from evalsvc.sandbox.judge import Judge
    from evalsvc.sandbox.lead import Lead
    from evalsvc.sandbox.reader import Reader

    return {"echo": Echo(), "lead": Lead(sentences), "reader": Reader(), "judge": Judge()}
