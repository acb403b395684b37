"""Where a setting stands in the tree, and who put it there."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]

# Says where a dotted key path was written, for the front of a message. `str` will do where nobody knows.
Where = Callable[[str], str]

_STEP = re.compile(r"\[(\d+)\]|([^.\[\]]+)")


def show(path: KeyPath) -> str:
    """The path as users write it.

    >>> show(("prompt", "messages", 1, "role"))
    'prompt.messages[1].role'
    """
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def parse(text: str) -> KeyPath:
    """The inverse of `show`, for keys without dots and brackets in them.

    >>> parse("prompt.messages[1].role")
    ('prompt', 'messages', 1, 'role')
    """
    return tuple(int(index) if index else key for index, key in _STEP.findall(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Which line, variable or flag each setting came from."""

    file: str
    lines: Mapping[KeyPath, int]  # counted from 1
    overrides: Mapping[KeyPath, str]  # settings that did not come from the file, and what they came from

    def where(self, key_path: str) -> str:
        """The place to change `key_path`: its own, or that of the nearest parent when the key itself is absent.

        >>> Provenance(file="eval.yaml", lines={(): 1, ("model",): 4}, overrides={}).where("model.params.seed")
        'eval.yaml:4 (model.params.seed)'
        """
        path = parse(key_path)
        for length in range(len(path), -1, -1):
            step = path[:length]
            if (origin := self.overrides.get(step)) is not None:
                return origin if step == path else f"{origin} ({key_path})"
            if (line := self.lines.get(step)) is not None:
                return f"{self.file}:{line} ({key_path})"
        return f"{self.file} ({key_path})"
