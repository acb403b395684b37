"""A summariser: the first sentences of a text. For news it is a baseline that many a trained model did not beat (Nenkova 2005)."""

from evalsvc.sandbox.answers import PLAIN, Answer, Terms, said
from evalsvc.sandbox.sentences import sentences

SENTENCES = 2


class Lead:
    """Says the first `many` sentences of what it is given."""

    def __init__(self, many: int = SENTENCES) -> None:
        self._many = many

    def answer(self, text: str, _terms: Terms = PLAIN, /) -> Answer:
        return said(" ".join(sentences(text)[: self._many]))
