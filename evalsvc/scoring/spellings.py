"""Which labels a reply may still come to once it has begun in some way: for telling the tokens of labels apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import ascii_letters

from evalsvc.config.models import Scoring
from evalsvc.scoring.places import unmarked
from evalsvc.scoring.text import level, one_spaced

# Letters that are words of their own: no label's beginning, unless they were said.
_WORDS = frozenset("ai")


@dataclass(frozen=True, slots=True)
class Fit:
    """What one beginning of an answer may become."""

    form: str  # the beginning, levelled: those of equal form are variants of each other (" Yes", "yes", "YES")
    labels: tuple[int, ...]  # the labels it may become, by index; none: it is no beginning of any
    whole: int | None = None  # the label that it is already


class Spellings:
    """All spellings of all labels. With `normalise: none` only blanks are levelled."""

    def __init__(self, labels: Sequence[str], scoring: Scoring) -> None:
        self.of_label: Mapping[str, tuple[str, ...]] = {label: (label, *scoring.aliases.get(label, ())) for label in labels}
        self._to_the_letter = scoring.normalise == "none"
        every = "".join("".join(spellings) for spellings in self.of_label.values())
        self._marks = [mark for mark in "*`" if mark not in every]
        forms = [(self._level(one).strip(), index) for index, several in enumerate(self.of_label.values()) for one in several]
        self._forms = [(form, index) for form, index in forms if form]
        self._first = {form[0] for form, _ in self._forms}

    def fit(self, begun: str, *, said: bool = False) -> Fit:
        """What an answer may become that has begun with `begun`. `said`: it was.

        Otherwise a single letter begins a label only where it is that of one label alone: other words begin with it too, and to refuse
        a row for that would be rash.

        >>> few = Spellings(["not spam", "not ham", "no"], Scoring())
        >>> few.fit(" Not").labels, few.fit("not h").labels, few.fit("No.").labels, few.fit("now").labels
        ((0, 1), (1,), (2,), ())
        >>> few.fit("no")
        Fit(form='no', labels=(0, 1, 2), whole=2)
        """
        form = self._form(begun)
        if not form:
            return Fit(form, ())
        labels = {index for spelling, index in self._forms if spelling.startswith(form)}
        if not said and len(form) == 1 and form in ascii_letters and (len(labels) > 1 or form in _WORDS):
            labels = {index for spelling, index in self._forms if spelling == form}
        whole = max(
            ((spelling, index) for spelling, index in self._forms if _stands_first(spelling, form)),
            key=lambda one: len(one[0]),
            default=None,
        )
        if whole is not None:
            labels.add(whole[1])
        return Fit(form, tuple(sorted(labels)), None if whole is None else whole[1])

    def _form(self, begun: str) -> str:
        """Without what decorates the beginning; a blank at the end stays one, for it ends a word."""
        text = self._level(unmarked(begun))
        start = 0
        while start < len(text) and not (text[start].isalnum() or text[start] in self._first):
            start += 1
        return text[start:]

    def _level(self, text: str) -> str:
        if self._to_the_letter:
            return text
        folded = level(text, self._marks).folded
        return one_spaced(folded) + (" " if folded[-1:].isspace() or folded.endswith("_") else "")


def _stands_first(spelling: str, form: str) -> bool:
    """Whether `form` begins with the whole word `spelling`; scripts without spaces between words have no whole words."""
    if not form.startswith(spelling):
        return False
    after = form[len(spelling) : len(spelling) + 1]
    return not after.isalnum() or not spelling[-1].isascii()
