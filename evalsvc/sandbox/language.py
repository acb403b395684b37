"""How likely a text is: word pairs counted, smoothed down to words and from there to bytes, so that no text is impossible.

Witten and Bell's interpolation (1991; Chen and Goodman 1999, section 2.5). What follows a token is seen or new; it is new as often as
something new has followed that token before, and then it is what single tokens, in the same way smoothed by bytes, make of it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from itertools import pairwise

from evalsvc.sandbox import tokens
from evalsvc.sandbox.answers import IMPOSSIBLE, Token

BEST = 5  # as many as OpenAI's completions ever tell of one place
_START = ""  # before the first token; no token is empty
_GOES_ON = math.log(0.8 / 256)  # one more byte, any of 256
_ENDS = math.log(0.2 / 0.8)


class _Seen:
    """How often which token was seen in one place."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    @cached_property
    def total(self) -> int:
        return self.counts.total()

    @cached_property
    def best(self) -> list[str]:
        return [token for token, _ in self.counts.most_common(BEST)]

    def logprob(self, token: str, if_new: float) -> float:
        """(count + kinds * e**if_new) / (total + kinds), as a logarithm."""
        kinds, times = len(self.counts), self.counts[token]
        if not kinds:
            return if_new
        all_seen = math.log(self.total + kinds)
        new = math.log(kinds) + if_new - all_seen
        if not times:
            return new
        known = math.log(times) - all_seen
        return known + math.log1p(math.exp(new - known))


_NEVER = _Seen()


class Language:
    """A model of the language of `texts`; without any, all bytes are equally likely. Counted when first asked."""

    def __init__(self, texts: Sequence[str] = ()) -> None:
        self._texts = texts

    def read(self, text: str) -> list[Token]:
        """The tokens of `text`, each with its logprob after the one before and the likeliest tokens in its place."""
        spelled = tokens.split(text)
        return [self._token(before, token) for before, token in pairwise([_START, *spelled])]

    @cached_property
    def _after(self) -> Mapping[str | None, _Seen]:
        """What was seen after each token; after None, anywhere."""
        after: defaultdict[str | None, _Seen] = defaultdict(_Seen)
        for text in self._texts:
            for before, token in pairwise([_START, *tokens.split(text)]):
                after[None].counts[token] += 1
                after[before].counts[token] += 1
        return dict(after)

    def _token(self, before: str, token: str) -> Token:
        following, anywhere = self._after.get(before, _NEVER), self._after.get(None, _NEVER)
        scored = {text: _logprob(following, anywhere, text) for text in (token, *following.best, *anywhere.best)}
        top = sorted(scored.items(), key=lambda pair: (-pair[1], pair[0]))
        return Token(text=token, logprob=scored[token], top=top[:BEST])


def spelling_logprob(token: str) -> float:
    """Logarithm of a token's probability by its bytes alone; over all byte strings the probabilities sum to 1.

    >>> math.isclose(math.exp(spelling_logprob("a")), 0.2 / 256)
    True
    """
    return len(token.encode("utf-8", "surrogatepass")) * _GOES_ON + _ENDS


def _logprob(following: _Seen, anywhere: _Seen, token: str) -> float:
    return max(following.logprob(token, anywhere.logprob(token, spelling_logprob(token))), IMPOSSIBLE)
