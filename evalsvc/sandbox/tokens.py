"""How the sandbox counts tokens: words and punctuation marks, each with the white space before it.

No real tokenizer does exactly this; it is deterministic, lossless and near enough for limits and prices to mean something.
"""

import re
from collections.abc import Iterable, Sequence

_TOKEN = re.compile(r"\s*(?:\w{1,16}|[^\w\s])|\s+")
_PER_MESSAGE = 3  # role and delimiters, as OpenAI's chat format has them
_PER_REPLY = 3  # what primes the answer


def split(text: str) -> list[str]:
    """The tokens of `text`; joined, they are `text` again.

    >>> split("Hi there!")
    ['Hi', ' there', '!']
    """
    return _TOKEN.findall(text)


def marker(name: str) -> str:
    """A token that no text has, as chat templates put between messages."""
    return f"<|{name}|>"


def is_marker(token: str) -> bool:
    """
    >>> is_marker(marker("end")), any(map(is_marker, split("<|end|>")))
    (True, False)
    """
    return token.startswith("<|") and token.endswith("|>")


def conversation(turns: Sequence[tuple[str, str]], *, goes_on: bool, answer_next: bool) -> list[str]:
    """The tokens of a chat, role and text by turn. `goes_on`: the last turn is not over; `answer_next`: the assistant's turn begins.

    >>> conversation([("user", "Hi there")], goes_on=False, answer_next=True)
    ['<|user|>', 'Hi', ' there', '<|end|>', '<|assistant|>']
    """
    spelled = [token for role, text in turns for token in (marker(role), *split(text), marker("end"))]
    return [*(spelled[:-1] if goes_on else spelled), *([marker("assistant")] if answer_next else ())]


def prompt_tokens(contents: Iterable[str]) -> int:
    """Tokens of a whole prompt, given the text of each message.

    >>> prompt_tokens(["Hi there!"])
    9
    """
    return _PER_REPLY + sum(_PER_MESSAGE + len(split(content)) for content in contents)
