"""In what scripts texts are written that have no spaces between words, and whether a tokenizer took them apart."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_KANA = "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f"
# Thai, Lao, Tibetan, Myanmar, Khmer. Not Hangul: Korean has spaces.
_OTHER = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u19e0-\u19ff"
_ANY_OF: Final = (re.compile(f"[{_HAN}]"), re.compile(f"[{_KANA}]"), re.compile(f"[{_OTHER}]"))
_ANY = re.compile(f"[{_HAN}{_KANA}{_OTHER}]")
# Longer than words are, shorter than most clauses: loan words in Katakana have up to ten letters, Thai words up to twenty.
_CLAUSE = re.compile(f"[{_HAN}{_KANA}]{{11,}}|[{_OTHER}]{{21,}}")
_NO_LETTERS: Final = bytes(code for code in range(128) if not chr(code).isalpha())

# letters, Han letters, Kana letters, letters of the others, letters in clauses that are one token
SCRIPTS: Final = 5


def scripts_of(texts: Iterable[Sequence[str]]) -> tuple[int, int, int, int, int]:
    """The summands of `SCRIPTS`, over the tokens of all `texts`.

    >>> scripts_of([["Hello", ",", "世", "界"], ["機械翻訳の評価は難しいものだ", "."]])
    (21, 9, 7, 0, 14)
    """
    letters, han, kana, other, whole = 0, 0, 0, 0, 0
    for tokens in texts:
        text = " ".join(tokens)
        if text.isascii():
            letters += len(text.encode().translate(None, _NO_LETTERS))
            continue
        letters += sum(map(str.isalpha, text))
        if _ANY.search(text):
            found = [len(script.findall(text)) for script in _ANY_OF]
            han, kana, other = han + found[0], kana + found[1], other + found[2]
            whole += sum(map(len, _CLAUSE.findall(text)))
    return letters, han, kana, other, whole
