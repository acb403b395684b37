"""How the sandbox counts tokens: words and punctuation marks, each with the white space before it.

No real tokenizer does exactly this; it is deterministic, lossless and near enough for limits and prices to mean something.
"""

import re
from collections.abc import Iterable

_TOKEN = re.compile(r"\s*(?:\w{1,16}|[^\w\s])|\s+")
_PER_MESSAGE = 3  # role and delimiters, as OpenAI's chat format has them
_PER_REPLY = 3  # what primes the answer


def split(text: str) -> list[str]:
    """The tokens of `text`; joined, they are `text` again.

    >>> split("Hi there!")
    ['Hi', ' there', '!']
    """
    return _TOKEN.findall(text)


def prompt_tokens(contents: Iterable[str]) -> int:
    """Tokens of a whole prompt, given the text of each message.

    >>> prompt_tokens(["Hi there!"])
    9
    """
    return _PER_REPLY + sum(_PER_MESSAGE + len(split(content)) for content in contents)
