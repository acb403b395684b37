"""A language model that goes on where a text stops: what followed the same few tokens in the texts it was fitted on."""

import math
from collections.abc import Sequence
from hashlib import blake2b
from random import Random

from evalsvc.sandbox import tokens
from evalsvc.sandbox.answers import PLAIN, Answer, Terms, Token
from evalsvc.sandbox.language import Context, Language, Seen, likeliest

MOST_TOKENS = 256  # of an answer without a limit: at no temperature, a model this small may go round in circles
_CANDIDATES = 50  # tokens that are weighed where nothing seen before fits


class Ngram:
    """Continues a text in `language`. It says only words that it has seen, each with its logprob at temperature 1."""

    def __init__(self, language: Language) -> None:
        self._language = language

    def answer(self, text: str, terms: Terms = PLAIN, /) -> Answer:
        chance = Random(blake2b(f"{terms.seed}\n{text}".encode("utf-8", "surrogatepass")).digest())  # noqa: S311 - no secret
        before = self._language.context(tokens.split(text))
        said: list[Token] = []
        most = MOST_TOKENS if terms.max_tokens is None else terms.max_tokens
        # one more than may be said, so that whoever cuts sees that there was more to say
        while len(said) <= most and (token := self._next(before, terms.temperature, chance)) is not None:
            said.append(self._language.token(before, token))
            before = self._language.context((*before, token))
        return Answer(tokens=said).cut(most)

    def _next(self, before: Context, temperature: float, chance: Random) -> str | None:
        """The token after `before`; None where the text ends."""
        known = [seen for seen in self._language.seen_after(before) if seen.counts or seen.ends]
        if not known or _ends(known[-1], temperature, chance):
            return None
        candidates = _candidates(known)
        logs = [self._language.logprob(before, token) for token in candidates]
        if temperature == 0:
            return candidates[logs.index(max(logs))]
        return chance.choices(candidates, [math.exp((value - max(logs)) / temperature) for value in logs])[0]


def _ends(seen: Seen, temperature: float, chance: Random) -> bool:
    """Whether a text ends here: as often as those seen did, or at no temperature when that is the likeliest of all."""
    if not seen.counts:
        return True
    if temperature == 0:
        return seen.ends > max(seen.counts.values())
    return chance.random() < seen.ends / (seen.total + seen.ends)


def _candidates(known: Sequence[Seen]) -> list[str]:
    """What was seen after the last token or more of them; where that is nothing, what is common anywhere."""
    anywhere, *after = known
    followed = dict.fromkeys(token for seen in after for token in seen.counts)
    return list(followed) or likeliest(anywhere, _CANDIDATES)
