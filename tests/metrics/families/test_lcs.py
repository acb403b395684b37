import tracemalloc
from collections import Counter
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from rouge_score.rouge_scorer import _lcs_table, _union_lcs, lcs_ind

from evalsvc.metrics.families import lcs
from evalsvc.metrics.families.lcs import lcs_length, union_lcs_hits

FEW = st.text("ab", max_size=12) | st.text("abcdef", max_size=30)
LINES = st.lists(FEW, max_size=5)


def hits_of_rouge_score(reference: Sequence[str], candidate: Sequence[str]) -> int:
    in_candidate = Counter("".join(candidate))
    union = Counter(item for line in reference for item in (_union_lcs(line, candidate) if candidate else ()))
    return sum((union & in_candidate).values())


@given(one=FEW, other=FEW)
def test_the_length_is_that_of_the_table(one: str, other: str) -> None:
    assert lcs_length(one, other) == _lcs_table(one, other)[-1][-1]


@given(reference=LINES, candidate=LINES)
def test_the_union_is_that_of_rouge_score(reference: list[str], candidate: list[str]) -> None:
    assert union_lcs_hits(reference, candidate) == hits_of_rouge_score(reference, candidate)


@given(reference=LINES, candidate=LINES, kept_bits=st.integers(1, 100))
def test_the_union_is_the_same_where_states_are_computed_again(reference: list[str], candidate: list[str], kept_bits: int) -> None:
    assert union_lcs_hits(reference, candidate, kept_bits=kept_bits) == union_lcs_hits(reference, candidate)


@given(line=FEW, other=FEW, kept_bits=st.sampled_from((1, 30, 1 << 20)))
def test_the_places_taken_are_those_that_rouge_score_reads_out(line: str, other: str, kept_bits: int) -> None:
    taken = lcs._union(lcs._places(line, set(other)), len(line), [other], kept_bits)
    assert [index for index in range(len(line)) if taken >> index & 1] == lcs_ind(line, other)


def test_an_item_counts_no_more_often_than_the_candidate_has_it() -> None:
    assert union_lcs_hits(["ab", "ab", "ab"], ["ab"]) == 2


def test_long_sequences_have_a_length_in_moderate_time() -> None:
    """The table of rouge-score would have 400 million cells."""
    assert lcs_length("abcab" * 4_000, "bcaba" * 4_000) == 19_999


def test_no_more_is_kept_of_long_lines_than_is_allowed() -> None:
    """All states together are 25 million bits, 3 MB."""
    one, other = "abcab" * 1_000, "bcaba" * 1_000
    tracemalloc.start()
    try:
        assert union_lcs_hits([one, "z"], [other, "y"], kept_bits=1 << 21) == 4_999
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
