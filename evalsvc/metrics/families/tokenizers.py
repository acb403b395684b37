"""sacreBLEU's tokenizers of BLEU and TER, without their caches: 65,536 texts each, which of long ones is gigabytes."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache, partial
from typing import Any, Final

from evalsvc.errors import UsageError

Tokenize = Callable[[str], list[str]]

OFFERED: Final = ("13a", "intl", "zh", "ja-mecab", "ko-mecab", "char", "none")
# They fetch a model from the web when they are first used, and another one could lie there tomorrow.
DOWNLOADED: Final = ("spm", "flores101", "flores200", "spBLEU-1K")
_WORDS_KEPT, _LONGEST_KEPT = 1 << 15, 40  # words, characters
_EXTRA: Final[Mapping[str, str]] = {"ja-mecab": "ja", "ko-mecab": "ko"}


def tokenizer(name: str) -> Tokenize:
    """Of BLEU: text -> tokens. UsageError for a name of OFFERED whose packages are not installed."""
    return _tokenizer(name)[0]


def signature_of(name: str) -> str:
    """What the tokenizer is called in a signature, with the version of what it stands on. Errors as `tokenizer`.

    >>> signature_of("13a")
    '13a'
    """
    return _tokenizer(name)[1]


@cache
def _tokenizer(name: str) -> tuple[Tokenize, str]:
    from sacrebleu.metrics.bleu import BLEU

    extra = _EXTRA.get(name)
    try:
        metric = BLEU(tokenize=name)
    except (RuntimeError, AssertionError) as error:
        if extra is None:
            raise
        raise UsageError(
            f"tokenizer {name} needs packages that are not installed, or finds another dictionary than sacreBLEU's",
            hint=f'pip install "evalsvc[{extra}]"',
        ) from error
    plain, read = _forgetful(metric.tokenizer), _mended if extra else str.rstrip
    return lambda text: plain(read(text)).split(), metric.tokenizer_signature


@cache
def tercom(*, normalized: bool, no_punct: bool, asian_support: bool, case_sensitive: bool) -> Tokenize:
    """Of TER: text -> words."""
    from sacrebleu.metrics.ter import TER

    metric = TER(normalized=normalized, no_punct=no_punct, asian_support=asian_support, case_sensitive=case_sensitive)
    plain = _forgetful(metric.tokenizer)
    return lambda text: plain(text.rstrip()).split()


def _mended(text: str) -> str:
    """MeCab takes UTF-8 only, which half of a surrogate pair is not."""
    return text.rstrip().encode("utf-8", "replace").decode("utf-8")


def _forgetful(tokenizer: Any) -> Callable[[str], str]:
    """The same without its cache; of those that end in a pass of regular expressions (13a, zh), that pass word by word."""
    call = type(tokenizer).__call__
    inner = getattr(tokenizer, "_post_tokenizer", None)
    if inner is not None:
        tokenizer._post_tokenizer = _word_by_word(_forgetful(inner))
    return partial(getattr(call, "__wrapped__", call), tokenizer)


def _word_by_word(tokenize: Callable[[str], str]) -> Callable[[str], str]:
    """No expression of TokenizerRegexp looks across a space, and most words come again. At the edges of a text they may differ."""

    def of_word(word: str) -> str:
        return tokenize(f" {word} ")

    remembered = lru_cache(_WORDS_KEPT)(of_word)

    def of_text(text: str) -> str:
        if not (text[:1].isspace() and text[-1:].isspace()):
            return tokenize(text)
        return " ".join([remembered(word) if len(word) <= _LONGEST_KEPT else of_word(word) for word in text.split()])

    return of_text
