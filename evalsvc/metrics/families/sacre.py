"""BLEU, chrF, chrF++ and TER, equal to sacreBLEU (Post 2018) to the last digit: their options and signatures.

A row's statistics are counted once, when it is scored; those of a corpus are their sums.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from evalsvc.errors import UsageError
from evalsvc.metrics.families import bleu, chrf, ter
from evalsvc.metrics.families.metric import Setting, SumMetric, Wanted, refuse_unknown_options, stats_of
from evalsvc.metrics.families.options import choice, flag, whole
from evalsvc.metrics.families.tokenizers import DOWNLOADED, OFFERED, signature_of

if TYPE_CHECKING:
    from sacrebleu.metrics.base import Metric

_VERSION: Final = 1
_SMOOTHING: Final = ("exp", "floor", "add-k", "none")
_TAKES_A_VALUE: Final = ("floor", "add-k")


def build(wanted: Wanted, setting: Setting) -> SumMetric:
    """UsageError for options that are none or cannot be, and for a tokenizer that is not installed."""
    refuse_unknown_options(wanted, (*_OPTIONS[wanted.name], "by"))
    by = _by(wanted)
    return _BUILD[wanted.name](wanted, setting, by)


def _bleu(wanted: Wanted, setting: Setting, by: str | None) -> SumMetric:
    from sacrebleu.metrics.bleu import BLEU

    default, tokenize_by = _tokenizers(wanted, by)
    order, lowercase = whole(wanted, "max_ngram_order", least=1, default=4), flag(wanted, "lowercase")
    smooth_method, smooth_value = choice(wanted, "smooth_method", _SMOOTHING), _smooth_value(wanted)
    effective_order = flag(wanted, "effective_order")
    formula = bleu.Formula(order=order, smooth_method=smooth_method, smooth_value=smooth_value, effective_order=effective_order)
    theirs = BLEU(lowercase=lowercase, smooth_method=smooth_method, smooth_value=smooth_value, effective_order=effective_order)
    return SumMetric(
        name="bleu",
        signature=_signed(theirs, setting, by, tok=_tokenizers_signed(default, tokenize_by), order=None if order == 4 else order),
        width=formula.width,
        read=stats_of("bleu"),
        value=formula.value,
        values=formula.values,
        measure=bleu.BleuMeasure(tokenize=default, by=by, tokenize_by=tokenize_by, lowercase=lowercase, formula=formula),
        by=by,
        columns=_columns(by),
        why_none=_NO_TARGET,
    )


def _chrf(wanted: Wanted, setting: Setting, by: str | None) -> SumMetric:
    from sacrebleu.metrics.chrf import CHRF

    char_order = whole(wanted, "char_order", least=1, default=6)
    word_order = whole(wanted, "word_order", least=0, default=_WORD_ORDER[wanted.name])
    beta = whole(wanted, "beta", least=1, default=2)
    lowercase, whitespace = flag(wanted, "lowercase"), flag(wanted, "whitespace")
    formula = chrf.Formula(orders=char_order + word_order, beta=beta)
    theirs = CHRF(char_order=char_order, word_order=word_order, beta=beta, lowercase=lowercase, whitespace=whitespace)
    return SumMetric(
        name=wanted.name,
        signature=_signed(theirs, setting, by, beta=None if beta == 2 else beta),
        width=formula.width,
        read=stats_of(wanted.name),
        value=formula.value,
        values=formula.values,
        measure=chrf.ChrfMeasure(
            name=wanted.name,
            char_order=char_order,
            word_order=word_order,
            lowercase=lowercase,
            whitespace=whitespace,
            formula=formula,
        ),
        by=by,
        columns=_columns(by),
        why_none=_NO_TARGET,
    )


def _ter(wanted: Wanted, setting: Setting, by: str | None) -> SumMetric:
    from sacrebleu.metrics.ter import TER

    normalized, no_punct, asian_support, case_sensitive = (flag(wanted, option) for option in _OPTIONS["ter"])
    if asian_support and not (normalized or no_punct):
        raise UsageError(
            f"{wanted.place}: ter: `asian_support` does nothing without `normalized` or `no_punct`",
            hint="`normalized: true` beside it splits Chinese and Japanese text into characters",
        )
    theirs = TER(normalized=normalized, no_punct=no_punct, asian_support=asian_support, case_sensitive=case_sensitive)
    return SumMetric(
        name="ter",
        signature=_signed(theirs, setting, by),
        width=ter.WIDTH,
        read=stats_of("ter"),
        value=ter.value,
        values=ter.values,
        measure=ter.TerMeasure(normalized=normalized, no_punct=no_punct, asian_support=asian_support, case_sensitive=case_sensitive),
        by=by,
        columns=_columns(by),
        why_none=_NO_TARGET,
    )


_NO_TARGET: Final = "no row has a target"
_WORD_ORDER: Final[Mapping[str, int]] = {"chrf": 0, "chrf_pp": 2}
_CHRF_OPTIONS: Final = ("char_order", "word_order", "beta", "lowercase", "whitespace")
_OPTIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "bleu": ("tokenize", "lowercase", "smooth_method", "smooth_value", "effective_order", "max_ngram_order"),
    "chrf": _CHRF_OPTIONS,
    "chrf_pp": _CHRF_OPTIONS,
    "ter": ("normalized", "no_punct", "asian_support", "case_sensitive"),
}
_BUILD: Final[Mapping[str, Callable[[Wanted, Setting, str | None], SumMetric]]] = {
    "bleu": _bleu,
    "chrf": _chrf,
    "chrf_pp": _chrf,
    "ter": _ter,
}


def _by(wanted: Wanted) -> str | None:
    by = wanted.options.get("by")
    if by is None or (isinstance(by, str) and by):
        return by
    raise UsageError(f"{wanted.place}: {wanted.name}: `by: {by}` is not the name of a column")


def _columns(by: str | None) -> tuple[str, ...]:
    return () if by is None else (by,)


def _smooth_value(wanted: Wanted) -> float | None:
    value, method = wanted.options.get("smooth_value"), wanted.options.get("smooth_method", "exp")
    if value is None:
        return None
    if method not in _TAKES_A_VALUE:
        raise UsageError(
            f"{wanted.place}: bleu: `smooth_method: {method}` takes no `smooth_value`", hint=f"those that do: {', '.join(_TAKES_A_VALUE)}"
        )
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < float("inf"):
        return float(value)
    raise UsageError(f"{wanted.place}: bleu: `smooth_value: {value}` is not a number above 0")


def _tokenizers(wanted: Wanted, by: str | None) -> tuple[str, tuple[tuple[str, str], ...]]:
    """For all groups that are not named, and for those that are, in the order of their names."""
    written = wanted.options.get("tokenize", "13a")
    if not isinstance(written, Mapping):
        return _tokenizer(wanted, written), ()
    if by is None:
        raise UsageError(
            f"{wanted.place}: bleu: a tokenizer for each group needs `by`, the column that says which group a row is in",
            hint="as in bleu: {by: target_lang, tokenize: {zh: zh, default: 13a}}",
        )
    if "default" not in written:
        raise UsageError(f"{wanted.place}: bleu: `tokenize` says nothing of other groups", hint="add `default: 13a`")
    groups = {str(group): _tokenizer(wanted, name) for group, name in written.items()}
    return groups.pop("default"), tuple(sorted(groups.items()))


def _tokenizer(wanted: Wanted, name: Any) -> str:
    if name in DOWNLOADED:
        raise UsageError(
            f"{wanted.place}: bleu: tokenizer {name} would be downloaded while the run is scored, and may be another one tomorrow",
            hint="write char, or read chrf, which needs no tokenizer",
        )
    if name not in OFFERED:
        raise UsageError(f"{wanted.place}: bleu: there is no tokenizer {name!r}", hint=f"there are: {', '.join(OFFERED)}")
    try:
        signature_of(name)
    except UsageError as error:
        raise UsageError(f"{wanted.place}: bleu: {error.message}", hint=error.hint) from error
    return str(name)


def _tokenizers_signed(default: str, groups: Sequence[tuple[str, str]]) -> str:
    if not groups:
        return signature_of(default)
    return ",".join([*(f"{group}={signature_of(name)}" for group, name in groups), f"default={signature_of(default)}"])


def _signed(theirs: "Metric", setting: Setting, by: str | None, *, tok: str | None = None, **ours: int | None) -> str:
    """sacreBLEU's own signature, then what it leaves out."""
    # -1: rows may have different numbers of references
    theirs.num_refs = 1 if setting.config is not None and setting.config.scoring.references == "text" else -1
    signature = theirs.get_signature()
    if tok is not None:
        signature.update("tok", tok)
    besides = {**ours, "by": by, "v": _VERSION}
    return "|".join([str(signature), *(f"{key}:{value}" for key, value in besides.items() if value is not None)])
