from functools import _lru_cache_wrapper

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.ter import TER
from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a
from sacrebleu.tokenizers.tokenizer_re import TokenizerRegexp
from sacrebleu.tokenizers.tokenizer_ter import TercomTokenizer

from evalsvc.metrics.families.tokenizers import OFFERED, signature_of, tercom, tokenizer

PLAIN = tuple(name for name in OFFERED if not name.endswith("mecab"))
THEIRS = {name: BLEU(tokenize=name).tokenizer for name in PLAIN}
TEXTS = st.text(alphabet=" \n\t\x1c\u2028\u3000.,-013abé世で。&;<>'\"()/:@[]`{}~!$€", max_size=20)
BACKED_UP = st.sampled_from(["<skipped>", "&amp;lt;", "x-\ny", "1,000.5", ",22}", "a.", "...", "a" * 60 + ",b"])


@pytest.mark.parametrize("name", PLAIN)
@settings(max_examples=200, deadline=None)
@given(text=st.lists(TEXTS | BACKED_UP, max_size=4).map("".join))
@example(text=",22} at the edge of a text no space was added")
def test_tokens_are_sacrebleus(name: str, text: str) -> None:
    assert tokenizer(name)(text) == THEIRS[name](text.rstrip()).split()


@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_so_they_are_for_edit_rates(text: str) -> None:
    theirs = TER(normalized=True, asian_support=True).tokenizer
    ours = tercom(normalized=True, no_punct=False, asian_support=True, case_sensitive=False)
    assert ours(text) == theirs(text.rstrip()).split()


@pytest.mark.parametrize("name", OFFERED)
def test_signatures_are_sacrebleus(name: str) -> None:
    if name.endswith("mecab"):
        pytest.importorskip("MeCab" if name == "ja-mecab" else "mecab_ko")
    assert signature_of(name) == BLEU(tokenize=name).tokenizer_signature


def test_texts_are_not_kept() -> None:
    """Their caches hold 65,536 texts and what became of each: of pages, that is gigabytes."""
    caches = [
        call for call in (Tokenizer13a.__call__, TokenizerRegexp.__call__, TercomTokenizer.__call__) if isinstance(call, _lru_cache_wrapper)
    ]
    assert len(caches) == 3
    before = [cache.cache_info().currsize for cache in caches]
    edit_rate_words = tercom(normalized=False, no_punct=False, asian_support=False, case_sensitive=False)
    for number in range(50):
        tokenizer("13a")(f"A text of its own, number {number}, never seen before.")
        edit_rate_words(f"A text of its own, number {number}, never seen before.")
    assert [cache.cache_info().currsize for cache in caches] == before
