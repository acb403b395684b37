"""What a BLEU on its own would hide: references that its tokenizer did not take apart, or that are too short for it.

Nothing is known of the texts when a run starts, so these are warnings after it, from the sums. What can be known then is
refused then: a tokenizer that does not exist, is not installed or has to be downloaded.
"""

from collections.abc import Iterator, Sequence

from evalsvc.metrics.families.bleu import BESIDES
from evalsvc.records import RunWarning

_UNSUITED_SHARE = 0.05


def doubts(signature: str, sums: Sequence[int]) -> Iterator[RunWarning]:
    """Of a BLEU with that signature and those sums."""
    parts = {key: value for key, _, value in (part.partition(":") for part in signature.split("|"))}
    for doubt in (unsuited_tokenizer(sums, tokenizer=parts["tok"]), too_short(sums, effective_order=parts["eff"] == "yes")):
        if doubt is not None:
            yield doubt


def unsuited_tokenizer(sums: Sequence[int], *, tokenizer: str) -> RunWarning | None:
    """More than 5 % of the references' letters stand in clauses, of scripts without spaces, that are one token."""
    letters, han, kana, other, whole = sums[-5:]
    if whole <= _UNSUITED_SHARE * letters:
        return None
    share, wanted = whole / letters, _tokenizer_for(han, kana, other)
    return {
        "kind": "bleu_tokenizer",
        "message": f"bleu: {share:.0%} of the letters of the right answers stand in clauses without spaces which tokenizer {tokenizer} "
        "leaves whole: a clause counts as one word, and hardly any answer shares one; "
        f"write bleu: {{tokenize: {wanted}}} and run `evalsvc score`, or read chrf, which needs no words",
        "evidence": {"share": share, "letters": letters, "letters_in_whole_clauses": whole, "tokenize": wanted},
    }


def _tokenizer_for(han: int, kana: int, other: int) -> str:
    """Japanese text has at least one Kana in ten letters."""
    if other > han + kana:
        return "char"
    return "ja-mecab" if 10 * kana > han + kana else "zh"


def too_short(sums: Sequence[int], *, effective_order: bool = False) -> RunWarning | None:
    """The references have fewer tokens on average than the runs of tokens that BLEU counts."""
    order, rows = (len(sums) - 2 - BESIDES) // 2, sums[-BESIDES]
    if effective_order or not rows or sums[1] >= order * rows:
        return None
    mean = sums[1] / rows
    return {
        "kind": "bleu_short",
        "message": f"bleu: the right answers have {mean:.1f} tokens on average, and BLEU counts what is shared of up to {order} in a row: "
        "an answer that is right and shorter adds nothing to that. Read exact_match, token_f1 or chrf, "
        "or write bleu: {effective_order: true} and run `evalsvc score`",
        "evidence": {"mean_reference_tokens": mean, "order": order, "rows": rows, "n_grams_of_the_highest_order": sums[1 + 2 * order]},
    }
