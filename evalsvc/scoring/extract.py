"""Where in a reply the answer stands: a JSON field, a pattern of the user's, the last line that says "answer:"."""

import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from evalsvc import jsonio
from evalsvc.errors import UsageError
from evalsvc.scoring.patterns import Pattern

ANSWER_WORDS = ("label", "answer", "class", "category", "prediction", "result")
# The look back stands behind each word, so that the search can skip to the words' first letters.
_NAMED = "|".join(rf"{word}(?<![^\W_]{word})" for word in ANSWER_WORDS)
_ANSWER = re.compile(rf"(?:{_NAMED})(?:[\"']?(?: is)?\s{{0,3}}[:=]|(?<=answer) is(?!\w))")

# The answer's text, or None where it does not stand where it should.
Extract = Callable[[str], str | None]


def answer_starts(folded: str) -> int | None:
    """Behind the last "answer:", "label =", "final answer is" and the like in a casefolded text.

    >>> answer_starts("label: ham? no. final answer: spam")
    29
    """
    matches = deque(_ANSWER.finditer(folded), maxlen=1)
    return matches[0].end() if matches else None


def json_object(text: str) -> Mapping[str, Any] | None:
    """The JSON object from the first brace to the last, whatever stands around it.

    >>> json_object('Sure: {"label": "spam"} Anything else?')
    {'label': 'spam'}
    """
    start, end = text.find("{"), text.rfind("}") + 1
    if start < 0 or end <= start:
        return None
    try:
        value = jsonio.loads(text[start:end])
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def named_answers(found: Mapping[str, Any]) -> list[str]:
    """The texts of the fields that are named like an answer; without any such field, all fields that are text.

    >>> named_answers({"reason": "no ham", "Label": "spam"}), named_answers({"is_spam": False, "mood": "bad"})
    (['spam'], ['bad'])
    """
    named = [value for name, value in found.items() if name.casefold() in ANSWER_WORDS]
    values = named or [value for value in found.values() if isinstance(value, str)]
    return [text for value in values if (text := _scalar(value)) is not None]


def _scalar(value: Any) -> str | None:
    return jsonio.as_text(value) if isinstance(value, str | int | float) else None


def extract_from(option: Mapping[str, Any]) -> tuple[str, Extract]:
    """(rule, extract) of `scoring.extract`; UsageError for anything but {json: path} or {regex: pattern}."""
    (name, value), *more = option.items() or [("", None)]
    if name not in _EXTRACTS or more:
        near = get_close_matches(name, _EXTRACTS, n=1)
        raise UsageError(
            f"scoring.extract: {dict(option)!r} is not understood" + (f"; did you mean `{near[0]}`?" if near and not more else ""),
            hint="write {json: path.to.field} or {regex: 'pattern with (one) group'}",
        )
    if not isinstance(value, str) or not value:
        raise UsageError(f"scoring.extract.{name}: {value!r} is not a text", hint="write the path or the pattern in quotes")
    return name, _EXTRACTS[name](value)


def _by_path(path: str) -> Extract:
    steps = path.split(".")

    def extract(text: str) -> str | None:
        value: Any = json_object(text)
        for step in steps:
            value = _step(value, step)
        return _scalar(value)

    return extract


def _step(value: Any, step: str) -> Any:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, Sequence) and not isinstance(value, str) and step.isdecimal() and int(step) < len(value):
        return value[int(step)]
    return None


def _by_pattern(pattern: str) -> Extract:
    return Pattern(pattern, place="scoring.extract.regex").last


_EXTRACTS: Mapping[str, Callable[[str], Extract]] = {"json": _by_path, "regex": _by_pattern}
