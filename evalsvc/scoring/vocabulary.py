"""All spellings of all labels, and where they stand in a text: whole words, longest first, never after a negation."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby, takewhile

from evalsvc.errors import UsageError
from evalsvc.scoring.text import Levelled, bare, level, one_spaced

# Scripts that write no spaces between words, or hang particles on them: Thai to Myanmar, Khmer, Kana, Han, Hangul.
_SPACELESS = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_LETTER = rf"[^\W_{_SPACELESS}]"
_STARTS_SPACELESS = re.compile(f"[{_SPACELESS}]")
# An underscore is decoration at the edge of a word (_spam_) and part of the word inside it (is_spam).
_BEFORE_WORD = rf"(?<!{_LETTER})(?<!{_LETTER}_)"
_AFTER_WORD = rf"(?!{_LETTER})(?!_{_LETTER})"
# 1 is not in -1, 0.1, 1.5 or 1 %.
_BEFORE_NUMBER = _BEFORE_WORD + r"(?<!\d[.,])(?<![-\u2212\u2013])"
_AFTER_NUMBER = _AFTER_WORD + r"(?![.,]\d)(?!\s?%)"
# What may follow depends on the label's last character; asked once, behind the whole tree, which keeps compiling quick.
_AFTER = rf"(?:(?<=\d){_AFTER_NUMBER}|(?<!\d)(?<={_LETTER}){_AFTER_WORD}|(?<!{_LETTER}))"

_ALPHANUMERIC = re.compile(r"[^\W_]")
_WORD = re.compile(r"[\w']+")
_NEGATIONS = frozenset({"not", "no", "non", "never", "neither", "nor", "cannot", "isnt", "dont", "doesnt", "wasnt"})
_HAN_NEGATIONS = frozenset("不没沒非無无未否")
_NEGATES = re.compile(rf"n[oe't]|[{''.join(sorted(_HAN_NEGATIONS))}]")  # a quick look: without it, nothing is negated
_NEGATION_REACH = 3  # words, or characters in scripts without spaces
_NEGATION_REACH_CHARS = 120  # three long words; a bound, so that a text without spaces costs no more
_LONGEST_DECORATION = 200
# "A message", "I think", "I'm": the words that look like the labels A and I.
_GOES_ON_AS_A_WORD = re.compile(r"['\s]\s*[a-z]")


class Vocabulary:
    """Finds labels and their aliases in text, whatever their case, markdown, quotes and Unicode form.

    UsageError when two labels have one spelling, or a label has none that could be found.
    """

    def __init__(self, labels: Sequence[str], aliases: Mapping[str, Sequence[str]]) -> None:
        spellings = [(label, spelling) for label in labels for spelling in (label, *aliases.get(label, ()))]
        self._markup = _markup(spelling for _, spelling in spellings)
        self._label_of = self._forms(spellings)
        self._keep_left = {form[0] for form in self._label_of}
        self._keep_right = {form[-1] for form in self._label_of}
        self._longest = max(map(len, self._label_of), default=0) + _LONGEST_DECORATION
        self._letters = {form: spelling for _, spelling in spellings if len(form := self._form(spelling)) == 1 and form.isalpha()}
        self._anywhere = re.compile(_alternation(self._label_of))

    def level(self, text: str) -> Levelled:
        return level(text, self._markup)

    def read(self, text: str) -> tuple[str | None, bool]:
        """(label, several): the label that `text` is or, failing that, the only one it mentions."""
        levelled = self.level(text)
        label = self.exact(levelled)
        return (label, False) if label is not None else self.mentioned(levelled)

    def exact(self, text: Levelled) -> str | None:
        """The label that `text` is, once decoration is stripped."""
        if len(text.folded) > self._longest:
            return None
        form = one_spaced(text.folded)
        return self._label_of.get(form) or self._label_of.get(one_spaced(bare(form, self._keep_left, self._keep_right)))

    def mentioned(self, text: Levelled, start: int = 0, end: int | None = None) -> tuple[str | None, bool]:
        """(label, several) of `text[start:end]`: the only label in it, or several when two differ or one is negated."""
        label, free_from, folded = None, 0, text.folded
        by_chance = self._by_chance(text, start) if self._letters and text.aligned else None
        may_negate = _NEGATES.search(folded) is not None
        for match in self._anywhere.finditer(folded, start, len(folded) if end is None else end):
            if by_chance is not None and by_chance(match):
                continue
            found = self._label_of.get(match[0]) or self._label_of[one_spaced(match[0])]
            if label not in {None, found} or (may_negate and _negated(folded, free_from, match)):
                return None, True
            label, free_from = found, match.end()
        return label, False

    def first(self, label: str, text: Levelled, start: int = 0) -> int | None:
        """Where in `text.folded` the `label` begins for which `mentioned` or `exact` took it."""
        by_chance = self._by_chance(text, start) if self._letters and text.aligned else None
        for match in self._anywhere.finditer(text.folded, start):
            found = self._label_of.get(match[0]) or self._label_of[one_spaced(match[0])]
            if found == label and not (by_chance is not None and by_chance(match)):
                return match.start()
        return None

    def _by_chance(self, text: Levelled, start: int) -> Callable[[re.Match[str]], bool]:
        """Tells whether a one-letter label is only the article A, or b in another case than the label's, in a sentence.

        Directly behind "answer:" it is neither.
        """
        first = _ALPHANUMERIC.search(text.folded, start)
        leads_at = first.start() if first else -1

        def is_by_chance(match: re.Match[str]) -> bool:
            letter, at = self._letters.get(match[0]), match.start()
            if letter is None or (start and at == leads_at):
                return False
            if letter in "AIai" and _GOES_ON_AS_A_WORD.match(text.cased, match.end()):
                return True
            return at != leads_at and text.cased[at] != letter

        return is_by_chance

    def _form(self, spelling: str) -> str:
        return one_spaced(self.level(spelling).folded)

    def _forms(self, spellings: Iterable[tuple[str, str]]) -> dict[str, str]:
        label_of: dict[str, str] = {}
        for label, spelling in spellings:
            form = self._form(spelling)
            if not form:
                raise UsageError(f"scoring.labels: {spelling!r} has nothing to look for in it", hint="set `scoring.normalise: none`")
            other = label_of.setdefault(form, label)
            if other != label:
                raise UsageError(
                    f"scoring.labels: {other!r} and {label!r} are the same once case and spacing are levelled ({form!r})",
                    hint="give both one spelling in the data, or set `scoring.normalise: none` to compare to the letter",
                )
        return label_of


def forms_of(labels: Collection[str]) -> dict[str, str]:
    """Each of `labels` as it is compared with a reply; those that share a form are one label in several spellings.

    >>> forms_of(["Not spam", " not_spam "]), forms_of(["*", "**"])
    ({'Not spam': 'not spam', ' not_spam ': 'not spam'}, {'*': '*', '**': '**'})
    """
    markup = _markup(labels)
    return {label: one_spaced(level(label, markup).folded) for label in labels}


def _markup(spellings: Iterable[str]) -> list[str]:
    """The marks of markdown that are not part of any spelling, and so say nothing."""
    text = "".join(spellings)
    return [mark for mark in "*`" if mark not in text]


def _negated(folded: str, free_from: int, label: re.Match[str]) -> bool:
    """Whether one of the last three words between the previous label, which ends at `free_from`, and this one is a negation."""
    at = label.start()
    if _STARTS_SPACELESS.match(label[0]):
        return not _HAN_NEGATIONS.isdisjoint(folded[max(free_from, at - _NEGATION_REACH) : at])
    words = _WORD.findall(folded, max(free_from, at - _NEGATION_REACH_CHARS), at)[-_NEGATION_REACH:]
    return any(word in _NEGATIONS or word.endswith("n't") for word in words)


def _alternation(forms: Iterable[str]) -> str:
    """One pattern for all `forms`: a prefix tree, so that a thousand labels cost little more than ten."""
    groups = groupby(sorted(forms, key=_boundary_before), key=_boundary_before)
    return f"(?:{'|'.join(f'{boundary}(?:{_tree(list(group))})' for boundary, group in groups)}){_AFTER}"


def _tree(suffixes: Sequence[str]) -> str:
    """The pattern of `suffixes`; longer ones are tried first."""
    shared = _shared_start(min(suffixes), max(suffixes))
    rests = sorted(suffix[len(shared) :] for suffix in suffixes)
    branches = [_tree(list(group)) for _, group in groupby(filter(None, rests), key=lambda rest: rest[0])]
    longer = f"(?:{'|'.join(branches)})" if branches else ""
    return "".join(map(_literal, shared)) + (f"(?:{longer})?" if longer and "" in rests else longer)


def _shared_start(first: str, last: str) -> str:
    """What all texts that sort between the two begin with."""
    return "".join(a for a, _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))


def _literal(character: str) -> str:
    return r"[\s_]+" if character == " " else re.escape(character)


def _boundary_before(form: str) -> str:
    if form[0].isdigit():
        return _BEFORE_NUMBER
    return _BEFORE_WORD if re.match(_LETTER, form) else ""
