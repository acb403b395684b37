"""How likely a text is and how it goes on: runs of tokens counted, smoothed down to bytes, so that no text is impossible.

Witten and Bell's interpolation (1991; Chen and Goodman 1999, section 2.5). What follows some tokens is seen or new; it is new as often
as something new has followed them before, and then it is what follows one token fewer, at last what a token's bytes alone make of it.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice

from evalsvc.sandbox import tokens
from evalsvc.sandbox.answers import IMPOSSIBLE, Token

BEST = 5  # as many as OpenAI's completions ever tell of one place
ORDER = 2
_START = ""  # before the first token; no token is empty
_GOES_ON = math.log(0.8 / 256)  # one more byte, any of 256
_ENDS = math.log(0.2 / 0.8)
Context = tuple[str, ...]


class Seen:
    """How often which token was seen in one place, and how often the text ended there."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.ends = 0

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


_NEVER = Seen()


class Language:
    """A model of the language of `texts`; without any, all bytes are equally likely. Counted when first asked.

    A token depends on the `order` - 1 before it. Logprobs are given that the text goes on: its end is no token of its own.
    """

    def __init__(self, texts: Sequence[str] = (), order: int = ORDER) -> None:
        self._texts = texts
        self.order = order

    def read(self, text: str) -> list[Token]:
        """The tokens of `text`, each with its logprob after those before and the likeliest tokens in its place."""
        return self.read_tokens(tokens.split(text))

    def read_tokens(self, spelled: Sequence[str]) -> list[Token]:
        """The same for tokens. The markers of a chat are as likely as their spelling, and what stands before them counts behind them."""
        read, before = [], self.context(())
        for token in spelled:
            if tokens.is_marker(token):
                value = spelling_logprob(token)
                read.append(Token(text=token, logprob=value, top=((token, value),)))
            else:
                read.append(self.token(before, token))
                before = self.context((*before, token))
        return read

    def context(self, before: Sequence[str]) -> Context:
        """As much of the tokens before as the next one depends on, filled up at the start of a text."""
        padded = (*[_START] * (self.order - 1), *before)
        return padded[len(padded) - (self.order - 1) :]

    def token(self, before: Context, token: str) -> Token:
        """`token` in the place after `before`."""
        seen = list(self.seen_after(before))
        places = {token, *(text for place in seen for text in place.best)}
        scored = {text: _logprob(seen, text) for text in places}
        top = sorted(scored.items(), key=lambda pair: (-pair[1], pair[0]))
        return Token(text=token, logprob=scored[token], top=top[:BEST])

    def logprob(self, before: Context, token: str) -> float:
        """In nats."""
        return _logprob(list(self.seen_after(before)), token)

    def seen_after(self, before: Context) -> Iterator[Seen]:
        """What was seen anywhere, then after the last token of `before`, and so on up to all of it."""
        for length in range(len(before) + 1):
            yield self._after.get(before[len(before) - length :], _NEVER)

    @cached_property
    def _after(self) -> Mapping[Context, Seen]:
        after: defaultdict[Context, Seen] = defaultdict(Seen)
        for text in self._texts:
            before = self.context(())
            for token in tokens.split(text):
                for length in range(self.order):
                    after[before[len(before) - length :]].counts[token] += 1
                before = self.context((*before, token))
            for length in range(self.order):
                after[before[len(before) - length :]].ends += 1
        return dict(after)


def likeliest(seen: Seen, many: int) -> list[str]:
    """The tokens that were seen most, equal ones in the order of first sight."""
    return [token for token, _ in islice(seen.counts.most_common(), many)]


def spelling_logprob(token: str) -> float:
    """Logarithm of a token's probability by its bytes alone; over all byte strings the probabilities sum to 1.

    >>> math.isclose(math.exp(spelling_logprob("a")), 0.2 / 256)
    True
    """
    return len(token.encode("utf-8", "surrogatepass")) * _GOES_ON + _ENDS


def _logprob(seen: Sequence[Seen], token: str) -> float:
    """Through all of `seen`, from what was seen anywhere to what was seen in the very place."""
    value = spelling_logprob(token)
    for place in seen:
        value = place.logprob(token, value)
    return max(value, IMPOSSIBLE)
