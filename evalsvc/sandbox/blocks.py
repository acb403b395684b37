"""The parts of a prompt, by the labels that stand before them."""

import re
from collections.abc import Sequence


def blocks(text: str, labels: Sequence[str]) -> dict[str, str]:
    """What stands behind each of `labels`, in whatever case: `<label>…</label>`, or what follows `Label:`, `[Label]`, `## Label` or
    `**Label:**` at the start of a line, up to the next label or the end. Of a label that comes twice, the last; nothing for an empty one.

    >>> blocks("Rate it.\\nQuestion: Why?\\nAnswer: Because\\nof it.", ("question", "answer"))
    {'question': 'Why?', 'answer': 'Because\\nof it.'}
    >>> blocks("Answer A:\\n<answer_a>\\nyes\\nAnswer B: me\\n</answer_a>\\n[Answer B]\\nno", ("answer a", "answer b"))
    {'answer b': 'no', 'answer a': 'yes\\nAnswer B: me'}
    """
    rest = outside(text, labels)
    heads = list(_head(labels).finditer(rest))
    ends = [*(head.start() for head in heads), len(rest)][1:]
    # a text without labels has an end all the same
    headed = [(head[1] or head[2], rest[head.end() : end]) for head, end in zip(heads, ends, strict=False)]
    found = [*headed, *((tag[1], tag[2]) for tag in _tagged(labels).finditer(text))]
    return {_plain(label): said.strip() for label, said in found if said.strip()}


def outside(text: str, labels: Sequence[str]) -> str:
    """The text without what stands between the tags of `labels`.

    >>> outside("From 1 to 5.\\n<answer>From 2 to 9.</answer> Go.", ("answer",))
    'From 1 to 5.\\n Go.'
    """
    return _tagged(labels).sub("", text)


def _named(labels: Sequence[str]) -> str:
    return "|".join(re.escape(label).replace(r"\ ", "[ _-]") for label in sorted(labels, key=len, reverse=True))


def _tagged(labels: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"<({_named(labels)})>(.*?)</\1>", re.IGNORECASE | re.DOTALL)


def _head(labels: Sequence[str]) -> re.Pattern[str]:
    # without a mark before it, only a colon makes a word a label
    marked = rf"(?:\#+[ \t]*|\*\*|\[)({_named(labels)})(?:\*\*:?|:\*\*|\]:?|:|(?=\n))"
    return re.compile(rf"^[ \t]*(?:{marked}|({_named(labels)}):)", re.IGNORECASE | re.MULTILINE)


def _plain(label: str) -> str:
    return re.sub(r"[ _-]", " ", label.lower())
