"""YAML 1.2 text -> plain values, and the line of every key.

The parser only finds the structure; what a plain scalar means is decided here, by the core schema of YAML 1.2 with one
law on top: whatever JSON cannot carry as written stays text. So `yes` is text, `007` is text, a date is text.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from evalsvc.config.keypath import KeyPath, show
from evalsvc.errors import UsageError

if TYPE_CHECKING:
    from ruamel.yaml.nodes import MappingNode, Node, ScalarNode

_WORDS: dict[str, bool | None] = {"null": None, "true": True, "false": False}
_CONSTANTS: dict[str, bool | None] = {
    "": None,
    "~": None,
    **{spelling: value for word, value in _WORDS.items() for spelling in (word, word.capitalize(), word.upper())},
}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TEXT_TAG = "tag:yaml.org,2002:str"
_QUOTE = 'Text that starts with {{ or a quote, or has ": " or " #" in it, needs quotes around it.'
_DEEPEST = 50  # further down there is only an alias that contains itself


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A config file as it was written."""

    file: str
    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int]


class YamlProblem(ValueError):
    """Text that is not the YAML it should be; `at` is line and column from 1, where they are known."""

    def __init__(self, message: str, *, at: tuple[int, int] | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.at = at
        self.hint = hint


def read_document(path: Path) -> Document:
    """The config file at `path`; UsageError when there is none or it is not a YAML mapping."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as missing:
        raise UsageError(f"{path}: no such file", hint="Name the config file of an evaluation, for example eval.yaml.") from missing
    except IsADirectoryError as folder:
        raise UsageError(f"{path}: a directory, not a config file", hint=f"Name the file in it: {path / 'eval.yaml'}") from folder
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 at byte {error.start}", hint="Save the file as UTF-8.") from error
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror or error}") from error
    return parse_document(text, file=str(path))


def parse_document(text: str, *, file: str) -> Document:
    """`text` as a config; UsageError with file, line and column when it is not a YAML mapping."""
    try:
        values, lines = parse_yaml(text)
    except YamlProblem as problem:
        place = ":".join(str(part) for part in (file, *(problem.at or ())))
        raise UsageError(f"{place}: {problem}", hint=problem.hint) from problem
    if values is None:
        raise UsageError(f"{file}: the file is empty", hint="A config needs at least name, dataset and model.")
    if not isinstance(values, dict):
        raise UsageError(f"{file}:{lines[()]}: a config is a mapping of keys to values, not {type(values).__name__}")
    return Document(file=file, values=values, lines=lines)


def parse_yaml(text: str) -> tuple[Any, dict[KeyPath, int]]:
    """The value in `text` and the line of every key and list item; YamlProblem when it is not YAML 1.2 or not for us."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = " ".join(part for part in (error.context, error.problem) if part)
        # its own message quotes the line, which may hold a key: no traceback shows it
        raise YamlProblem(f"not valid YAML: {words}", at=(mark.line + 1, mark.column + 1) if mark else None, hint=_QUOTE) from None
    except YAMLError as error:
        raise YamlProblem(f"not valid YAML: {str(error).splitlines()[0]}") from None
    reader = _NodeReader()
    return (None if node is None else reader.value(node, ())), reader.lines


def plain_scalar(text: str) -> Any:
    """What an unquoted YAML 1.2 scalar means, text where JSON could not carry it as written.

    >>> [plain_scalar(text) for text in ("12", "0.5", "true", "yes", "007", ".inf", "2026-11-20", "~")]
    [12, 0.5, True, 'yes', '007', '.inf', '2026-11-20', None]
    """
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text) and math.isfinite(number := float(text)):
        return number
    return text


class _NodeReader:
    """Turns parsed nodes into plain values and notes the line of each."""

    def __init__(self) -> None:
        self.lines: dict[KeyPath, int] = {}

    def value(self, node: "Node", path: KeyPath) -> Any:
        from ruamel.yaml.nodes import MappingNode, SequenceNode

        self.lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > _DEEPEST:
            raise _problem(node, "nested too deep")
        if not str(node.tag).startswith("tag:yaml.org,2002:"):
            raise _problem(node, f"the tag {node.tag} means nothing here")
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        return _scalar(cast("ScalarNode", node))

    def _mapping(self, node: "MappingNode", path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = _key(key_node)
            here = (*path, key)
            if key in values:
                raise _problem(key_node, f"{show(here)} is given twice, first in line {self.lines[here]}")
            self.lines[here] = key_node.start_mark.line + 1
            values[key] = self.value(value_node, here)
        return values


def _key(node: "Node") -> str:
    """Keys are text as written: `1: one` and `yes: [y]` name the labels "1" and "yes"."""
    if not isinstance(node.value, str):
        raise _problem(node, "a key must be text", hint=_QUOTE)
    if node.tag == "tag:yaml.org,2002:merge":
        raise _problem(node, "merge keys (<<) are not part of YAML 1.2; write the keys out")
    return node.value


def _scalar(node: "ScalarNode") -> Any:
    text: str = node.value
    if node.style is not None or node.tag == _TEXT_TAG:
        return text
    return plain_scalar(text)


def _problem(node: "Node", message: str, *, hint: str | None = None) -> YamlProblem:
    return YamlProblem(message, at=(node.start_mark.line + 1, node.start_mark.column + 1), hint=hint)
