"""Jinja2 as evalsvc speaks it, in prompts and in `dataset.where`: sandboxed, strict, and the same at every launch.

Values render as their data file has them: null as nothing, true as `true`, lists and mappings as JSON. What would
come out differently each time (`lipsum`, `random`) is taken out, since the same row must give the same request.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from evalsvc.jsonio import dumps

if TYPE_CHECKING:
    from jinja2 import Environment

_UNDEFINED = re.compile(r"^'(?P<name>.+)' is undefined$|has no (?:attribute|element) '?(?P<step>.+?)'?$", re.DOTALL)


@cache
def environment() -> "Environment":
    """The one environment; Jinja2 is imported at the first call."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    made = ImmutableSandboxedEnvironment(undefined=StrictUndefined, finalize=_as_written)
    del made.globals["lipsum"], made.filters["random"]
    made.filters["tojson"] = _json  # Jinja's own escapes <, > and & for HTML
    return made


def undefined_name(error: Exception) -> str | None:
    """The variable or the step that was looked for in vain; None for any other error."""
    from jinja2 import UndefinedError

    found = _UNDEFINED.search(str(error)) if isinstance(error, UndefinedError) else None
    return (found["name"] or found["step"]) if found else None


def _as_written(value: Any) -> Any:
    if type(value) is str:
        return value
    if value is None:
        return ""
    return _json(value) if isinstance(value, bool | list | tuple | Mapping) else value


def _json(value: Any) -> str:
    return dumps(dict(value) if isinstance(value, Mapping) else value).decode()
