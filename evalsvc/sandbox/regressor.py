"""A model that answers with a number: scikit-learn's ridge regression over the words and numbers of a text; plain Python adds it up."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from evalsvc.sandbox.answers import PLAIN, Answer, Terms, said
from evalsvc.sandbox.training import Examples

_PART = re.compile(r"(?P<number>[-+]?\d+(?:\.\d+)?)|(?P<word>[^\W\d_]+)")
STRENGTHS = (0.1, 1.0, 10.0, 100.0, 1000.0)  # of the regularisation, chosen by leaving one out


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """value = intercept + sum of coefficient × feature, rounded as finely as the examples are."""

    intercept: float
    coefficients: Mapping[str, float]
    decimals: int


class Regressor:
    """Answers with the number that the line gives for a text."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def value(self, text: str) -> float:
        coefficients = self._line.coefficients
        return self._line.intercept + sum(coefficients.get(name, 0.0) * value for name, value in features(text).items())

    def answer(self, text: str, _terms: Terms = PLAIN, /) -> Answer:
        # + 0.0: no answer is -0
        return said(f"{round(self.value(text), self._line.decimals) + 0.0:.{self._line.decimals}f}")


def features(text: str) -> dict[str, float]:
    """Each word counts 1; a number counts as much as it is, under the name of the word before it.

    >>> features("Age 59, BMI 32.1; a man")
    {'age': 1.0, '#age': 59.0, 'bmi': 1.0, '#bmi': 32.1, 'a': 1.0, 'man': 1.0}
    """
    found: dict[str, float] = {}
    name = ""
    for part in _PART.finditer(text):
        if part["number"] is not None:
            found[f"#{name}"] = float(part["number"])
        else:
            name = part["word"].casefold()
            found[name] = 1.0
    return found


def fit(examples: Examples) -> Regressor:
    """ValueError when a label is no number or there are fewer than two."""
    values = [_number(label) for label in examples.labels]
    if len(values) < 2:
        raise ValueError(f"a regressor needs at least two examples; found {len(values)}")
    # scikit-learn takes over a second to import and only some models need it
    import numpy as np
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.linear_model import RidgeCV
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    vectorizer = DictVectorizer(sparse=False)
    rows = vectorizer.fit_transform([features(text) for text in examples.texts])
    scaler = StandardScaler().fit(rows)
    with threadpool_limits(1):
        ridge = RidgeCV(alphas=STRENGTHS).fit(scaler.transform(rows), values)
    coefficients = ridge.coef_ / scaler.scale_
    return Regressor(
        Line(
            intercept=float(ridge.intercept_ - np.dot(coefficients, scaler.mean_)),
            coefficients=dict(zip(vectorizer.get_feature_names_out().tolist(), coefficients.tolist(), strict=True)),
            decimals=max(len(label.partition(".")[2]) for label in examples.labels),
        )
    )


def _number(label: str) -> float:
    try:
        return float(label)
    except ValueError:
        raise ValueError(f"a regressor learns numbers, and {label!r} is none") from None
