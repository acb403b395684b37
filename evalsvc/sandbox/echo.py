"""The model that says what it was told."""

from collections.abc import Sequence

from evalsvc.sandbox import tokens
from evalsvc.sandbox.answers import Answer, Token
from evalsvc.sandbox.language import Language


class Echo:
    """Says what it was told, with certainty; of language it knows nothing."""

    def __init__(self, language: Language | None = None) -> None:
        self._language = language or Language()

    def answer(self, text: str) -> Answer:
        return Answer(tokens=[Token(text=token, logprob=0.0, top=((token, 0.0),)) for token in tokens.split(text)])

    def read(self, text: str) -> Sequence[Token]:
        return self._language.read(text)
