"""Where sentences end, and which words they are made of. Rules of thumb for many scripts; no rules for abbreviations of any language."""

import re

# A full stop counts when white space and no small letter follow: 3.5 is one number, and after "e.g." a text goes on in small letters.
_END = re.compile(r"(?<=[.!?…])[\"'”’»)\]]*\s+(?![a-zß-öø-ÿ])|(?<=[。！？｡।۔؟])[」』”]*\s*|\n\s*\n|\n(?=\s*[-*•]\s)")
_SHORT = re.compile(r"(?:^|[\s(])(?:[A-Z]|Mr|Mrs|Ms|Dr|Prof|St|No|vs)\.$")
_WORD = re.compile(r"\w+(?:[.,:'’-]\w+)*")


def sentences(text: str) -> list[str]:
    """The sentences of `text`, their white space at the ends cut off.

    >>> sentences("Dr. Ada came at 3.30 p.m. and left. Why? Nobody knows.")
    ['Dr. Ada came at 3.30 p.m. and left.', 'Why?', 'Nobody knows.']
    >>> sentences("今日は雨です。傘がない！")
    ['今日は雨です。', '傘がない！']
    """
    found: list[str] = []
    begin = 0
    for end in [*_END.finditer(text), None]:
        stop = len(text) if end is None else end.end()
        piece = text[begin:stop].strip()
        if end is not None and _SHORT.search(piece):
            continue
        if piece:
            found.append(piece)
        begin = stop
    return found


def words(text: str) -> list[str]:
    """Words in small letters, numbers among them; punctuation left out.

    >>> words("It cost 3.50, didn't it?")
    ['it', 'cost', '3.50', "didn't", 'it']
    """
    return _WORD.findall(text.casefold())
