"""The model that says what it was told."""

from evalsvc.sandbox.answers import PLAIN, Answer, Terms, said


class Echo:
    """Says what it was told, with certainty."""

    def answer(self, text: str, _terms: Terms = PLAIN, /) -> Answer:
        return said(text)
