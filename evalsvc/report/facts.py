"""What a view shows, before anybody has decided how: labelled facts, each in parts, each part with its meaning."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

LABEL_WIDTH = 10
SEPARATOR = " · "


class Tone(StrEnum):
    """What a part of a line means. Colour stands for this and for nothing else."""

    PLAIN = "plain"
    STRONG = "strong"
    FAINT = "faint"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Part:
    """Some words of a fact."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Fact:
    """One line, or one block of text, and what it is about."""

    label: str
    parts: tuple[Part, ...]


def fact(label: str, *parts: str | Part | None) -> Fact:
    """A fact of the parts that have something to say: None and "" are left out.

    >>> fact("disk", "written 3", None, Part("on disk 2", Tone.WARN)).parts
    (Part(text='written 3', tone=<Tone.PLAIN: 'plain'>), Part(text='on disk 2', tone=<Tone.WARN: 'warn'>))
    """
    worded = (Part(part) if isinstance(part, str) else part for part in parts if part)
    return Fact(label, tuple(part for part in worded if part.text))


def trouble(number: int, words: str, tone: Tone = Tone.WARN) -> Part:
    """`words` in the given tone when there is any trouble, unremarkable when there is none."""
    return Part(words, tone if number else Tone.FAINT)


def as_lines(facts: Iterable[Fact]) -> str:
    r"""Facts without colour or wrapping, labels in one column, further lines of a text under its first.

    >>> print(as_lines([fact("user", "one\ntwo"), fact("reply", "spam")]))
      user      one
                two
      reply     spam
    """
    return "\n".join(_as_line(item) for item in facts)


def _as_line(item: Fact) -> str:
    text = SEPARATOR.join(part.text for part in item.parts)
    return f"  {item.label:<{LABEL_WIDTH}}" + text.replace("\n", "\n" + " " * (LABEL_WIDTH + 2))
