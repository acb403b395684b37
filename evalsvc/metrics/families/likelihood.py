"""How likely texts are to the model: those it generated, and those it should have.

    generated_nll, generated_perplexity                          of the reply's own tokens: how sure the model was of itself
    target_nll, perplexity, bits_per_byte, word_perplexity       of the row's target behind its prompt (task `perplexity`)

Never one under the other's name: the first is low for a model that is surely wrong. All are ratios of sums over the whole
corpus, as Jelinek et al. (1977) define perplexity, not means over rows: a mean of the rows' perplexities is made by the few
worst of them. Natural logarithms; sums in units of 2**-40 nats.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, isfinite, log
from typing import TYPE_CHECKING, Any, Final

from evalsvc.metrics.families.metric import UNITS, Setting, SumMetric, Wanted, refuse_unknown_options, stats_of
from evalsvc.metrics.means import in_units
from evalsvc.scoring.likelihood import is_logprob, likelihood_of
from evalsvc.scoring.measures import Answer, Measure, Measured

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_LARGEST_EXPONENT: Final = 709.0  # e to a greater power is no double
_VERSION: Final = 1

# Summands of a row's target, under "target" in its stats: units, tokens, bytes, words, unscored, joint.
TARGET: Final = "target"
# Summands of its reply, under "generated": units, tokens, left out, certain.
GENERATED: Final = "generated"
# Parameters that bend the distribution that a token is drawn from, and the value that leaves it alone.
_BENDS: Final[Mapping[str, float]] = {
    "temperature": 1,
    "top_p": 1,
    "min_p": 0,
    "typical_p": 1,
    "frequency_penalty": 0,
    "presence_penalty": 0,
    "repetition_penalty": 1,
}


def perplexity(nll_units: int, tokens: int) -> float | None:
    """exp of the mean negative log-likelihood per token (Jelinek et al. 1977).

    `nll_units` is in units of 2**-40 nats, so that sums are exact in any order. None when no token was scored, and where the
    number is too large for a double, which JSON could not hold.

    >>> perplexity(2 * UNITS, 2) == exp(1)
    True
    """
    mean = _mean(nll_units, tokens)
    return None if mean is None or mean > _LARGEST_EXPONENT else exp(mean)


def _mean(nll_units: int, count: int) -> float | None:
    return nll_units / (count * UNITS) if count else None


def _bits(nll_units: int, size: int) -> float | None:
    mean = _mean(nll_units, size)
    return None if mean is None else mean / log(2)


def _means(sums: "Floats") -> "Floats":
    import numpy as np

    means: Floats = np.divide(sums[:, 0], sums[:, 1] * UNITS, out=np.full(len(sums), np.nan), where=sums[:, 1] > 0)
    return means


def _exps(sums: "Floats") -> "Floats":
    import numpy as np

    means = _means(sums)
    means[means > _LARGEST_EXPONENT] = np.nan
    exps: Floats = np.exp(means)
    return exps


def _bits_of(sums: "Floats") -> "Floats":
    bits: Floats = _means(sums) / log(2)
    return bits


def _measure_target(answer: Answer) -> Measured | None:
    """The text of the answer is the target as it was scored (scoring/likelihood.py). None for a row without."""
    found = None if answer.reply is None else likelihood_of(answer.reply.prompt_tokens, answer.text)
    if found is None:
        return None
    units = sum(in_units(-value) for value in found.logprobs)
    size, words = len(found.text.encode("utf-8", "surrogatepass")), len(found.text.split())
    stats = (units, len(found.logprobs), size, words, found.unscored, int(found.joint))
    scores = {name: kind.value(units, stats[kind.per]) for name, kind in _KINDS.items() if kind.stat == TARGET}
    return Measured(scores=_finite(scores), stats={TARGET: stats})


def _measure_generated(answer: Answer) -> Measured | None:
    """None for a reply without logprobs, and for a row without a reply. Nulls and sentinels are left out, and counted."""
    tokens = answer.reply.tokens if answer.reply is not None else None
    if not tokens:
        return None
    logprobs = [token["lp"] for token in tokens if is_logprob(token["lp"])]
    units = sum(in_units(-value) for value in logprobs)
    stats = (units, len(logprobs), len(tokens) - len(logprobs), logprobs.count(0.0))
    scores = {name: kind.value(units, stats[kind.per]) for name, kind in _KINDS.items() if kind.stat == GENERATED}
    return Measured(scores=_finite(scores), stats={GENERATED: stats})


def _finite(scores: Mapping[str, float | None]) -> dict[str, float]:
    return {name: value for name, value in scores.items() if value is not None and isfinite(value)}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """What makes one of the metrics."""

    stat: str  # whose summands
    per: int  # which of them the first is divided by
    signature: str
    value: Callable[[int, int], float | None]
    values: Callable[["Floats"], "Floats"]


_MEASURES: Final[Mapping[str, Measure]] = {TARGET: _measure_target, GENERATED: _measure_generated}
_WHY_NONE: Final[Mapping[str, str]] = {
    TARGET: "no target has logprobs, or it is too large for a number",
    GENERATED: "no reply has logprobs (model.params: {logprobs: true}), or it is too large for a number",
}
_KINDS: Final[Mapping[str, _Kind]] = {
    "target_nll": _Kind(stat=TARGET, per=1, signature="of:target|per:token|unit:nats", value=_mean, values=_means),
    "perplexity": _Kind(stat=TARGET, per=1, signature="of:target|per:token|exp", value=perplexity, values=_exps),
    "bits_per_byte": _Kind(stat=TARGET, per=2, signature="of:target|per:byte|unit:bits", value=_bits, values=_bits_of),
    "word_perplexity": _Kind(stat=TARGET, per=3, signature="of:target|per:word|words:whitespace|exp", value=perplexity, values=_exps),
    "generated_nll": _Kind(stat=GENERATED, per=1, signature="of:reply|per:token|unit:nats", value=_mean, values=_means),
    "generated_perplexity": _Kind(stat=GENERATED, per=1, signature="of:reply|per:token|exp", value=perplexity, values=_exps),
}
_RULES: Final[Mapping[str, str]] = {TARGET: "boundary-token:target|impossible:row-left-out", GENERATED: "impossible:token-left-out"}


def build(wanted: Wanted, _: Setting) -> SumMetric:
    """UsageError for any option. A row's summands: units, what they are divided by, then what `evidence` tells."""
    refuse_unknown_options(wanted, ())
    kind = _KINDS[wanted.name]
    stats, per = stats_of(kind.stat), kind.per

    def read(score: Any) -> Sequence[int] | None:
        row = stats(score)
        return None if row is None else (row[0], row[per], row[-2], row[-1])

    return SumMetric(
        name=wanted.name,
        signature=f"{kind.signature}|{_RULES[kind.stat]}|corpus|v:{_VERSION}",
        width=4,
        read=read,
        value=lambda sums: kind.value(sums[0], sums[1]),
        values=kind.values,
        measure=_MEASURES[kind.stat],
        why_none=_WHY_NONE[kind.stat],
    )


def evidence(name: str, sums: Sequence[int]) -> dict[str, int]:
    """What the sums of a metric of this family tell besides its value, for warnings.

    of targets   `unscored`: tokens that begin a prompt, so that nothing precedes them and they have no logprob; they are left
                 out. `joint`: targets whose first token begins in the prompt.
    of replies   `left_out`: tokens whose logprob is null or -9999, so that the number is too good. `certain`: tokens of
                 logprob 0, of which a server that cuts the distribution first (top_p, top_k) has many.

    >>> evidence("generated_nll", [0, 10, 2, 3])
    {'left_out': 2, 'certain': 3}
    """
    names = ("unscored", "joint") if _KINDS[name].stat == TARGET else ("left_out", "certain")
    return dict(zip(names, sums[2:], strict=True))


def bent_by(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters with which logprobs may be those of a bent distribution, and not the model's.

    Whether they are depends on the server: vLLM gives them as they are before all of these (`--logprobs-mode raw_logprobs`),
    others give what is left after top_p, where most tokens then have logprob 0.

    >>> bent_by({"temperature": 0.7, "top_p": 1, "seed": 3, "top_k": 20})
    {'temperature': 0.7, 'top_k': 20}
    """
    bends = {name: value for name, value in params.items() if name in _BENDS and value is not None and value != _BENDS[name]}
    if isinstance(top_k := params.get("top_k"), int) and top_k > 0:
        bends["top_k"] = top_k
    return bends
