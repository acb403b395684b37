"""pass@k: the chance that at least one of k answers to a question is right, from n answers to each.

Chen et al. 2021, "Evaluating Large Language Models Trained on Code", equation 1: 1 - C(n - c, k) / C(n, k) for c right ones of n,
which is what all choices of k answers out of the n come to; then the mean over the questions.
"""

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from math import comb
from struct import iter_unpack, pack
from typing import TYPE_CHECKING, Any, Final, Self

from evalsvc.dataset.hashes import id_hash
from evalsvc.errors import UsageError
from evalsvc.metrics.families.metric import OwnMetric, Setting, Wanted, refuse_unknown_options
from evalsvc.metrics.families.options import whole
from evalsvc.metrics.families.registry import correct_metric
from evalsvc.metrics.intervals import wilson
from evalsvc.records import MetricValue, Outcome, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

REPLICATES = 2000
SEED = 0
_VERSION = 1
# Metrics that tell right from wrong without a target.
_NEED_NO_TARGET: Final = frozenset({"json_valid", "json_schema", "regex_match"})
_JUDGED: Final = frozenset({Outcome.CORRECT, Outcome.WRONG})
# A question in one integer, as a million of them are kept: its cluster, its answers, and the right ones among them.
_BITS = 20
_FIELD = (1 << _BITS) - 1
# What a state says of a question, little-endian: hash of its id, cluster, answers, right answers.
_PACKED = "<QIII"


def build(wanted: Wanted, setting: Setting) -> OwnMetric:
    """UsageError where nothing says which answers are right, or for a k that `repeats` cannot reach."""
    refuse_unknown_options(wanted, ("k",))
    k = whole(wanted, "k", least=1, default=1)
    if k > setting.repeats:
        raise UsageError(
            f"{wanted.place}: pass_at_k with k = {k} needs {k} answers to each row, and `repeats` is {setting.repeats}",
            hint=f"set `repeats: {k}` or more; with more than k the number gets steadier",
        )
    correct = correct_metric(setting.config)
    if correct is None or correct == wanted.name:
        raise UsageError(
            f"{wanted.place}: pass_at_k cannot know which answers are right",
            hint="name the metric that says so, as `scoring: {correct: numeric_match}`",
        )
    shape = Shape(name=wanted.name, k=k, correct=correct, grouped=setting.config.dataset.group is not None)
    return OwnMetric(
        names=(wanted.name,), empty=lambda: PassTally(shape=shape), from_state=lambda state: PassTally.from_state(state, shape)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is estimated, and how."""

    name: str = "pass_at_k"
    k: int = 1
    correct: str = "exact_match"  # the metric that tells right from wrong
    grouped: bool = False  # the clusters are groups of questions; else each question is its own


def pass_at_k(n: int, c: int, k: int) -> Fraction:
    """Of one question with `c` right ones of `n` answers, 1 <= k <= n.

    >>> pass_at_k(10, 3, 1), pass_at_k(10, 3, 5), pass_at_k(5, 0, 5), pass_at_k(5, 1, 5)
    (Fraction(3, 10), Fraction(11, 12), Fraction(0, 1), Fraction(1, 1))
    """
    return 1 - Fraction(comb(n - c, k), comb(n, k))


@dataclass(slots=True, kw_only=True)
class PassTally:
    """Answers and right ones by question; about 120 bytes a question.

    Rows without an answer failed. Rows for which there is no right and wrong (no target) are not counted, and a question with
    fewer than k answers so far is left out of the value.
    """

    shape: Shape
    questions: dict[int, int] = field(default_factory=dict)

    def update(self, item: Score, *, cluster: int = 0) -> None:
        if not self._counts(item):
            return
        key = int.from_bytes(id_hash(item.id), "little")
        there = self.questions.get(key)
        if there is None:
            there = (cluster if self.shape.grouped else 0) << 2 * _BITS
        self.questions[key] = there + (1 << _BITS) + (item.outcome is Outcome.CORRECT)

    def _counts(self, item: Score) -> bool:
        if item.outcome is Outcome.SCORED:
            return False
        return item.outcome in _JUDGED or item.target is not None or self.shape.correct in _NEED_NO_TARGET

    def merge(self, other: Self) -> Self:
        counts = (1 << 2 * _BITS) - 1
        questions = dict(self.questions)
        for key, question in other.questions.items():
            questions[key] = questions[key] + (question & counts) if key in questions else question
        return type(self)(shape=self.shape, questions=questions)

    def state(self) -> dict[str, Any]:
        packed = b"".join(pack(_PACKED, key, *_unpacked(question)) for key, question in sorted(self.questions.items()))
        return {"questions": b64encode(packed).decode()}

    @classmethod
    def from_state(cls, state: Mapping[str, Any], shape: Shape) -> Self:
        rows = iter_unpack(_PACKED, b64decode(state["questions"]))
        return cls(shape=shape, questions={key: cluster << 2 * _BITS | n << _BITS | c for key, cluster, n, c in rows})

    def value(self) -> dict[str, MetricValue]:
        """`n` is questions, not rows."""
        worth = self._worth()
        questions = sum(worth.values())
        metric: MetricValue = {"value": None, "ci_low": None, "ci_high": None, "n": questions, "signature": self._signature(worth)}
        if not questions:
            metric["reason"] = f"no row with a target has {self.shape.k} answers"
            return {self.shape.name: metric}
        value = float(sum(share * count for (_, share), count in worth.items()) / questions)
        low, high = _interval(worth, grouped=self.shape.grouped) or (None, None)
        metric["value"] = value
        metric["ci_low"], metric["ci_high"] = (None, None) if low is None or high is None else (min(low, value), max(high, value))
        return {self.shape.name: metric}

    def _worth(self) -> Counter[tuple[int, Fraction]]:
        """Questions by cluster and pass@k."""
        shapes = Counter(map(_unpacked, self.questions.values()))
        worth: Counter[tuple[int, Fraction]] = Counter()
        for (cluster, n, c), count in sorted(shapes.items()):
            if n >= self.shape.k:
                worth[cluster, pass_at_k(n, c, self.shape.k)] += count
        return worth

    def _signature(self, worth: Mapping[tuple[int, Fraction], int]) -> str:
        answers = sorted({n for _, n, _ in map(_unpacked, self.questions.values())})
        of = "0" if not answers else str(answers[0]) if len(answers) == 1 else f"{answers[0]}-{answers[-1]}"
        what = f"k:{self.shape.k}|of:{of}|correct:{self.shape.correct}|estimator:unbiased"
        return f"{what}|{_how(worth, grouped=self.shape.grouped)}|v:{_VERSION}"


def _unpacked(question: int) -> tuple[int, int, int]:
    """Cluster, answers, right ones."""
    return question >> 2 * _BITS, question >> _BITS & _FIELD, question & _FIELD


# Questions by cluster and what each is worth. Without groups all are in one cluster, 0, which means: each is its own.
Worth = Mapping[tuple[int, Fraction], int]


def _is_a_share(worth: Worth) -> bool:
    """Whether every question is worth 0 or 1."""
    return all(share in {0, 1} for _, share in worth)


def _how(worth: Worth, *, grouped: bool) -> str:
    clusters = len({cluster for cluster, _ in worth})
    if grouped:
        return f"ci:cluster-bootstrap{REPLICATES}-seed{SEED}|clusters:group|n-clusters:{clusters}"
    return "ci:wilson95" if _is_a_share(worth) else f"ci:bootstrap{REPLICATES}-seed{SEED}"


def _interval(worth: Worth, *, grouped: bool) -> tuple[float, float] | None:
    """95 %. Shares of independent questions have Wilson's; else questions are drawn with replacement, whole groups of them where there
    are groups. Where every question is worth the same 0 or 1 nothing could be drawn: then Wilson's, each group being one draw.
    """
    clusters = {cluster for cluster, _ in worth}
    draws = len(clusters) if grouped else sum(worth.values())
    shares = {share for _, share in worth}
    if len(shares) == 1 and _is_a_share(worth):
        return wilson(draws * float(shares.pop()), draws)
    if not grouped and _is_a_share(worth):
        return wilson(sum(count for (_, share), count in worth.items() if share), draws)
    return _drawn_groups(worth, draws) if grouped else _drawn(worth, draws)


def _drawn(worth: Worth, questions: int) -> tuple[float, float] | None:
    """Drawing questions is drawing how many of each worth there are: Multinomial(questions, counts / questions)."""
    import numpy as np

    if questions < 2:
        return None
    shares = np.array([float(share) for _, share in worth])
    counts = np.array(list(worth.values()), dtype=np.float64)
    random = np.random.Generator(np.random.PCG64(SEED))
    return _percentiles(random.multinomial(questions, counts / questions, size=REPLICATES) @ shares / questions)


def _drawn_groups(worth: Worth, groups: int) -> tuple[float, float] | None:
    import numpy as np

    if groups < 2:
        return None
    rows: dict[int, tuple[int, Fraction]] = {}
    for (cluster, share), count in worth.items():
        there, total = rows.get(cluster, (0, Fraction(0)))
        rows[cluster] = there + count, total + share * count
    of_group = np.array([(count, float(total)) for _, (count, total) in sorted(rows.items())])
    random = np.random.Generator(np.random.PCG64(SEED))
    sums = random.multinomial(groups, np.full(groups, 1 / groups), size=REPLICATES) @ of_group
    return _percentiles(sums[:, 1] / sums[:, 0])


def _percentiles(values: "Floats") -> tuple[float, float]:
    import numpy as np

    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)
