"""What the environment and `--set` change in the tree of the file.

    EVALSVC_LIMITS__CONCURRENCY=64        --set limits.concurrency=64

The value is a YAML scalar, or a list or mapping in brackets; it replaces what stood there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalsvc.config.document import YamlProblem, parse_yaml, plain_scalar
from evalsvc.config.keypath import KeyPath, show
from evalsvc.config.models import EvalConfig
from evalsvc.config.schema import Kind, ListOf, Shape, keys_of, shape_below, suggestion
from evalsvc.errors import UsageError

PREFIX = "EVALSVC_"

# Between two levels of a key path. Names without it are ours only when they are a top-level key: EVALSVC_RUN_ID and
# EVALSVC_LOG are read elsewhere, and a cluster sets EVALSVC_PORT and the like for a service called evalsvc.
_LEVEL = "__"
# What a job's environment says in one word; it wins over the same key with its levels.
_SHORT = {"EVALSVC_MAX_RUNTIME": ["budget", "runtime"], "EVALSVC_DRAIN_S": ["limits", "drain_s"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One setting from outside the file."""

    path: tuple[str, ...]
    value: Any
    origin: str  # for messages; holds no value, since values may be secret


def from_environment(
    environ: Mapping[str, str], *, values: Mapping[str, Any], dotenv: str = "", of_dotenv: Iterable[str] = ()
) -> list[Override]:
    """The overrides among the variables, in the order in which they count; UsageError for one that names no key.

    Names are the same in upper and lower case. Under open mappings (`model.params`) a key takes the spelling it has
    in `values`, else lower case. `of_dotenv` are the variables that came from the file `dotenv`.
    """
    elsewhere = frozenset(of_dotenv)
    return [
        _override(parts, environ[name], origin=f"{name} in {dotenv}" if name in elsewhere else name, fold_into=values)
        for name in sorted(environ, key=lambda name: (name.upper() in _SHORT, name))
        if (parts := _levels(name))
    ]


def from_flags(assignments: Sequence[str]) -> list[Override]:
    """The overrides of `--set a.b=c`, in their order; UsageError for one that is malformed or names no key."""
    return [_from_flag(assignment) for assignment in assignments]


def from_mapping(settings: Mapping[str, Any]) -> list[Override]:
    """The overrides of a program: values by dotted key path. UsageError for one that names no key."""
    return [_of_program(path, value, origin=f"overrides[{path!r}]") for path, value in settings.items()]


def apply(values: Mapping[str, Any], overrides: Iterable[Override]) -> tuple[dict[str, Any], dict[KeyPath, str]]:
    """The tree with the overrides in it, the later over the earlier, and what each overridden path came from."""
    tree = dict(values)
    origins: dict[KeyPath, str] = {}
    for override in overrides:
        tree = _replaced(tree, override.path, override.value)
        origins = {path: origin for path, origin in origins.items() if path[: len(override.path)] != override.path}
        origins[override.path] = override.origin
    return tree, origins


def parse_value(text: str) -> Any:
    """The value of one override; YamlProblem when brackets or quotes are opened and not well closed.

    Only brackets and quotes make it more than one plain scalar, so that text with ": " or " #" in it stays whole, and
    so does a template.

    >>> parse_value("64"), parse_value("[spam, ham]"), parse_value("Answer: spam or ham"), parse_value("{{ text }}")
    (64, ['spam', 'ham'], 'Answer: spam or ham', '{{ text }}')
    """
    bare = text.strip()
    if bare.startswith(("[", "{", '"', "'")) and not bare.startswith(("{{", "{%", "{#")):
        return parse_yaml(bare)[0]
    scalar = plain_scalar(bare)
    return text if isinstance(scalar, str) else scalar


def _levels(name: str) -> list[str]:
    """The key path that a variable names, empty when it is none of ours.

    >>> _levels("EVALSVC_MODEL__NAME"), _levels("evalsvc_task"), _levels("EVALSVC_RUN_ID"), _levels("HOME")
    (['model', 'name'], ['task'], [], [])
    >>> _levels("EVALSVC_MAX_RUNTIME"), _levels("EVALSVC_DRAIN_S")
    (['budget', 'runtime'], ['limits', 'drain_s'])
    """
    folded = name.lower()
    if not folded.startswith(PREFIX.lower()):
        return []
    rest = folded.removeprefix(PREFIX.lower())
    return _SHORT.get(name.upper()) or (rest.split(_LEVEL) if _LEVEL in rest or rest in keys_of(EvalConfig) else [])


def _of_program(path: str, value: Any, *, origin: str) -> Override:
    return Override(path=_key_path(path.split("."), origin=origin, fold_into=None), value=value, origin=origin)


def _from_flag(assignment: str) -> Override:
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        # without a "=" it may hold the value too, and that may be a key
        raise UsageError("--set: expected KEY=VALUE", hint="For example --set limits.concurrency=64")
    return _override(key.strip().split("."), text, origin=f"--set {key.strip()}=…", fold_into=None)


def _override(parts: Sequence[str], text: str, *, origin: str, fold_into: Mapping[str, Any] | None) -> Override:
    path = _key_path(parts, origin=origin, fold_into=fold_into)
    try:
        value = parse_value(text)
    except YamlProblem as problem:
        raise UsageError(f"{origin}: {problem}", hint="The value is a YAML scalar, or a list or mapping in brackets.") from problem
    return Override(path=path, value=value, origin=origin)


def _key_path(parts: Sequence[str], *, origin: str, fold_into: Mapping[str, Any] | None) -> tuple[str, ...]:
    path: tuple[str, ...] = ()
    shape: Shape = EvalConfig
    for part in parts:
        key = part
        if not key:
            raise UsageError(f"{origin}: there is an empty level in the key path")
        if shape is Kind.OPEN and fold_into is not None:
            key = _spelling(key, path, fold_into)
        shape = _checked_below(shape, path, key, origin=origin)
        path = (*path, key)
    return path


def _checked_below(shape: Shape, path: KeyPath, key: str, *, origin: str) -> Shape:
    if isinstance(shape, ListOf) or shape is Kind.SINGLE:
        kind = "a single value" if shape is Kind.SINGLE else "a list"
        raise UsageError(f"{origin}: {show(path)} is {kind}, so nothing can be set inside it", hint=f"Give {show(path)} as a whole.")
    if isinstance(shape, type) and key not in keys_of(shape):
        raise UsageError(f"{origin}: there is no key {show((*path, key))}; {suggestion(shape, path, key)}")
    return shape_below(shape, key)


def _spelling(key: str, path: Sequence[str], values: Mapping[str, Any]) -> str:
    """How `values` spells `key` under `path`, where only case differs; `key` itself when it is not there."""
    here: Any = values
    for step in path:
        here = here.get(step) if isinstance(here, Mapping) else None
    present = here if isinstance(here, Mapping) else {}
    return next((known for known in present if known.lower() == key), key)


def _replaced(tree: Mapping[str, Any], path: Sequence[str], value: Any) -> dict[str, Any]:
    head, *rest = path
    if not rest:
        return {**tree, head: value}
    below = tree.get(head)
    return {**tree, head: _replaced(below if isinstance(below, Mapping) else {}, rest, value)}
