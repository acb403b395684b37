"""Porter's stemmer for English, in the form that ROUGE is counted with.

Of its own, because importing nltk's takes more than a second and 200 MB: the package loads all of itself, scikit-learn and SciPy with it.
"""

from collections.abc import Mapping
from typing import Final

_VOWELS: Final = frozenset("aeiou")
# Words that the rules would get wrong, nltk's list.
_IRREGULAR: Final[Mapping[str, str]] = {
    "skies": "sky",
    "sky": "sky",
    "dying": "die",
    "lying": "lie",
    "tying": "tie",
    "news": "news",
    "innings": "inning",
    "inning": "inning",
    "outings": "outing",
    "outing": "outing",
    "cannings": "canning",
    "canning": "canning",
    "howe": "howe",
    "proceed": "proceed",
    "exceed": "exceed",
    "succeed": "succeed",
}
# Steps 2 to 4 of the paper: what stands for an ending, where enough of the word is left before it.
_STEP_2: Final[Mapping[str, str]] = {
    "ational": "ate",
    "tional": "tion",
    "enci": "ence",
    "anci": "ance",
    "izer": "ize",
    "bli": "ble",
    "alli": "al",
    "entli": "ent",
    "eli": "e",
    "ousli": "ous",
    "ization": "ize",
    "ation": "ate",
    "ator": "ate",
    "alism": "al",
    "iveness": "ive",
    "fulness": "ful",
    "ousness": "ous",
    "aliti": "al",
    "iviti": "ive",
    "biliti": "ble",
    "fulli": "ful",
    "logi": "log",
}
_STEP_3: Final[Mapping[str, str]] = {
    "icate": "ic",
    "ative": "",
    "alize": "al",
    "iciti": "ic",
    "ical": "ic",
    "ful": "",
    "ness": "",
}
_STEP_4: Final[Mapping[str, str]] = dict.fromkeys(
    (
        *("al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent"),
        *("ion", "ou", "ism", "ate", "iti", "ous", "ive", "ize"),
    ),
    "",
)
_LONGEST_ENDING: Final = 7


def stem(word: str) -> str:
    """The stem of a word in lower case (Porter 1980, Program 14(3), 130-137), as `nltk.stem.PorterStemmer().stem` gives it.

    That is the paper's algorithm with Porter's later changes and NLTK_EXTENSIONS. Words of two characters are left alone, and what is no
    vowel is a consonant, digits and letters of other alphabets too. Time grows with the length of the word and no faster.

    >>> [stem(word) for word in ("relational", "flies", "dying", "happily", "hopping", "sky", "covid19")]
    ['relat', 'fli', 'die', 'happili', 'hop', 'sky', 'covid19']
    """
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if len(word) <= 2:
        return word
    word = _without_final_y(_without_past(_without_plural(word)))
    return _without_final_e(_step_4(_step_3(_step_2(word))))


def _shape(word: str) -> str:
    """c for a consonant, v for a vowel; y is a vowel after a consonant.

    >>> _shape("syzygy"), _shape("toy")
    ('cvcvcv', 'cvc')
    """
    shape, before = [], "v"
    for letter in word:
        before = "v" if letter in _VOWELS or (letter == "y" and before == "c") else "c"
        shape.append(before)
    return "".join(shape)


def _measure(part: str) -> int:
    """m of the paper: how often consonants follow vowels."""
    return _shape(part).count("vc")


def _ends_short(part: str) -> bool:
    """*o of the paper, consonant, vowel, consonant but w, x and y; and, with nltk, a vowel and a consonant alone."""
    shape = _shape(part)
    return shape == "vc" or (shape.endswith("cvc") and part[-1] not in "wxy")


def _without_plural(word: str) -> str:
    """Step 1a."""
    if word.endswith("ies"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("sses"):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _without_past(word: str) -> str:
    """Step 1b."""
    if word.endswith("ied"):
        return word[:-1] if len(word) == 4 else word[:-2]
    if word.endswith("eed"):
        return word[:-1] if _measure(word[:-3]) else word
    for ending in ("ed", "ing"):
        left = word.removesuffix(ending)
        if left != word and "v" in _shape(left):
            return _mended(left)
    return word


def _mended(left: str) -> str:
    """What step 1b puts back where it took an ending."""
    if left.endswith(("at", "bl", "iz")):
        return left + "e"
    shape = _shape(left)
    if left[-2:-1] == left[-1] and shape[-1] == "c":
        return left if left[-1] in "lsz" else left[:-1]
    return left + "e" if shape.count("vc") == 1 and _ends_short(left) else left


def _without_final_y(word: str) -> str:
    """Step 1c, with nltk's condition."""
    return word[:-1] + "i" if len(word) > 2 and word[-1] == "y" and _shape(word)[-2] == "c" else word


def _ending(word: str, endings: Mapping[str, str]) -> str | None:
    """The longest ending that the word has: none of the steps tries a shorter one."""
    for length in range(min(_LONGEST_ENDING, len(word)), 1, -1):
        if word[-length:] in endings:
            return word[-length:]
    return None


def _step_2(word: str) -> str:
    ending = _ending(word, _STEP_2)
    if ending is None:
        return word
    left = word.removesuffix(ending)
    if not _measure(left + "l" if ending == "logi" else left):
        return word
    shorter = left + _STEP_2[ending]
    # nltk goes on with what "alli" leaves
    return _step_2(shorter) if ending == "alli" else shorter


def _step_3(word: str) -> str:
    ending = _ending(word, _STEP_3)
    if ending is None or not _measure(word.removesuffix(ending)):
        return word
    return word.removesuffix(ending) + _STEP_3[ending]


def _step_4(word: str) -> str:
    ending = _ending(word, _STEP_4)
    if ending is None:
        return word
    left = word.removesuffix(ending)
    return left if _measure(left) > 1 and (ending != "ion" or left[-1] in "st") else word


def _without_final_e(word: str) -> str:
    """Step 5."""
    if word.endswith("e"):
        measure = _measure(word[:-1])
        if measure > 1 or (measure == 1 and not _ends_short(word[:-1])):
            word = word[:-1]
    return word[:-1] if word.endswith("ll") and _measure(word[:-1]) > 1 else word
