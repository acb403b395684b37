"""json_valid and json_schema: whether an answer is JSON, and of the wanted shape. Neither needs a target."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from evalsvc.errors import UsageError
from evalsvc.jsonio import canonical, loads
from evalsvc.metrics.families.metric import Setting, Wanted, refuse_unknown_options
from evalsvc.metrics.families.options import flag, short_hash
from evalsvc.scoring.measures import Answer, Measured
from evalsvc.scoring.patterns import within
from evalsvc.scoring.text import unfenced

_MISSING: Final = object()
CPU_S: Final = 5.0  # for one answer: a pattern in a schema may come to no end


def parsed(text: str) -> Any:
    """The JSON value that is all of `text`, a code fence around it opened; ValueError when it is none.

    >>> parsed('```json\\n{"a": [1, null]}\\n```')
    {'a': [1, None]}
    """
    return loads(unfenced(text))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class JsonAnswer:
    """1 for an answer that is JSON (RFC 8259: no NaN, no comments, nothing around it) of which `fits` holds."""

    name: str
    fits: Callable[[Any], bool]

    def __call__(self, answer: Answer) -> Measured:
        return Measured(scores={self.name: float(bool(answer.text) and self._holds(answer.text))})

    def _holds(self, text: str) -> bool:
        try:
            return self.fits(parsed(text))
        except (ValueError, RecursionError):
            return False


def measure(wanted: Wanted, setting: Setting) -> tuple[str, JsonAnswer]:
    """With its signature. UsageError for options that cannot be, or without the library that json_schema needs."""
    return _valid(wanted) if wanted.name == "json_valid" else _schema(wanted, setting)


def _valid(wanted: Wanted) -> tuple[str, JsonAnswer]:
    refuse_unknown_options(wanted, ("object",))
    if flag(wanted, "object"):
        return "json:object", JsonAnswer(name=wanted.name, fits=lambda value: isinstance(value, dict))
    return "json:any", JsonAnswer(name=wanted.name, fits=lambda _: True)


def _schema(wanted: Wanted, setting: Setting) -> tuple[str, JsonAnswer]:
    refuse_unknown_options(wanted, ("schema",))
    schema = _written(wanted, setting)
    fits, dialect = _validator(wanted, schema)
    return f"json:schema-{dialect}|schema:{short_hash(canonical(schema).decode())}", JsonAnswer(name=wanted.name, fits=fits)


def _written(wanted: Wanted, setting: Setting) -> dict[str, Any]:
    schema = wanted.options.get("schema")
    if isinstance(schema, Mapping) and set(schema) == {"file"} and isinstance(schema["file"], str):
        base_dir = Path() if setting.config is None else setting.config.base_dir
        schema = _read(wanted, base_dir / schema["file"])
    if not isinstance(schema, Mapping):
        raise UsageError(
            f"{wanted.place}: json_schema needs a `schema`", hint="json_schema: {schema: {type: object, required: [name]}}, or {file: path}"
        )
    return dict(schema)


def _read(wanted: Wanted, path: Path) -> Any:
    try:
        return loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{wanted.place}: {path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise UsageError(f"{wanted.place}: {path} is not JSON: {error}") from error


def _validator(wanted: Wanted, schema: dict[str, Any]) -> tuple[Callable[[Any], bool], str]:
    """With the dialect that `$schema` names, by default 2020-12. Nothing is fetched: what a `$ref` points to has to be in the schema."""
    try:
        from jsonschema import Draft202012Validator, SchemaError
        from jsonschema.validators import validator_for
        from jsonschema_specifications import REGISTRY
    except ImportError:
        raise UsageError(f"{wanted.place}: json_schema needs another package", hint="pip install 'evalsvc[json]'") from None
    named = schema.get("$schema", _MISSING)
    dialect = validator_for(schema, default=None if named is not _MISSING else Draft202012Validator)
    if dialect is None:
        raise UsageError(
            f"{wanted.place}: `$schema: {named}` is no dialect of JSON Schema", hint="https://json-schema.org/draft/2020-12/schema"
        )
    try:
        dialect.check_schema(schema)
    except SchemaError as error:
        at = "".join(f"/{step}" for step in error.absolute_path)
        raise UsageError(f"{wanted.place}: the schema is no JSON Schema: at {at or '/'}: {error.message}") from error
    _refuse_dangling(wanted, schema, dialect)
    name = dialect.META_SCHEMA["$schema"].split("json-schema.org/")[-1].removesuffix("#").removesuffix("/schema")
    return _guarded(wanted, dialect(schema, registry=REGISTRY).is_valid), name


def _guarded(wanted: Wanted, is_valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """UsageError in place of what a schema that cannot be followed raises; now, where an empty object is enough to find out."""
    from referencing.exceptions import Unresolvable

    def fits(value: Any) -> bool:
        try:
            return within(CPU_S, lambda: is_valid(value))
        except (Unresolvable, re.error, TimeoutError) as error:
            raise UsageError(f"{wanted.place}: the schema cannot be followed: {error}") from error

    try:
        fits({})
    except RecursionError:
        raise UsageError(f"{wanted.place}: the schema cannot be followed: a `$ref` leads back to itself") from None
    return fits


def _refuse_dangling(wanted: Wanted, schema: Mapping[str, Any], dialect: Any) -> None:
    """UsageError for a `$ref` that leads nowhere, so that it is not found out at the row that first needs it.

    A schema with an `$id` in one of its parts is not looked through: what a `$ref` means there depends on the part.
    """
    from jsonschema_specifications import REGISTRY
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import specification_with

    if any("$id" in part for part in _parts(schema) if part is not schema):
        return
    resolver = REGISTRY.resolver_with_root(specification_with(dialect.META_SCHEMA["$schema"]).create_resource(schema))
    for reference in [part["$ref"] for part in _parts(schema) if isinstance(part.get("$ref"), str)]:
        try:
            resolver.lookup(reference)
        except Unresolvable as error:
            raise UsageError(
                f"{wanted.place}: `$ref: {reference}` leads to nothing in the schema", hint="put it under `$defs`; nothing is fetched"
            ) from error


def _parts(value: Any) -> Iterator[Mapping[str, Any]]:
    """All mappings in a schema, itself first."""
    if isinstance(value, Mapping):
        yield value
        value = list(value.values())
    for part in value if isinstance(value, list | tuple) else ():
        yield from _parts(part)
