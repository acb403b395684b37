"""What a model thought aloud before it answered, told from the answer."""

import re

_THINKING = re.compile(r"<(/?)(think|thinking|reasoning)>", re.IGNORECASE)


def without_thinking(text: str) -> str | None:
    """`text` without its thinking blocks; None when one was opened and never closed.

    A closing tag without an opening one ends a block that the chat template opened, so all before it was thinking.

    >>> without_thinking("<think>spam or ham?</think>spam"), without_thinking("hm, ham?</think>spam")
    ('spam', 'spam')
    >>> without_thinking("<think>it may be spam") is None
    True
    """
    if "<" not in text:
        return text
    kept: list[str] = []
    inside, at = None, 0
    for tag in _THINKING.finditer(text):
        closes, name = tag[1], tag[2].lower()
        if inside is None and closes:
            kept.clear()
            at = tag.end()
        elif inside is None:
            kept.append(text[at : tag.start()])
            inside, at = name, tag.end()
        elif closes and name == inside:
            inside, at = None, tag.end()
    if inside is not None:
        return None
    return "\n".join(part for part in (*kept, text[at:]) if part)
