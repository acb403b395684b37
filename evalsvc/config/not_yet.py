"""Keys that the design has and whose station is not built yet: refused, never ignored.

To open one, delete its row.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from evalsvc.config.keypath import Where, parse
from evalsvc.config.models import EvalConfig
from evalsvc.errors import NotAvailableYet
from evalsvc.jsonio import as_text

Wanted = Callable[[Any], bool]


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


# A key path (`[]`: every item of the list), and which of its values need what is missing.
NOT_YET: tuple[tuple[str, Wanted], ...] = (("gates[]", _is_mapping),)


def refuse_what_is_not_built(config: EvalConfig, where: Where) -> None:
    """NotAvailableYet for the settings that nothing would look at, all of them listed."""
    lines = [
        f"{where(key_path)}: {key_path}{_shown(value)} is not available yet"
        for pattern, wanted in NOT_YET
        for key_path, value in _values_at(config, pattern)
        if wanted(value)
    ]
    if lines:
        raise NotAvailableYet("\n".join(lines), hint="Take it out of the config, or use a version of evalsvc that has it.")


def _values_at(config: EvalConfig, pattern: str) -> Iterator[tuple[str, Any]]:
    key_path = pattern.removesuffix("[]")
    value: Any = config
    for step in parse(key_path):
        value = getattr(value, str(step))
    if key_path == pattern:
        yield key_path, value
    else:
        yield from ((f"{key_path}[{index}]", item) for index, item in enumerate(value))


def _shown(value: Any) -> str:
    """The value behind its key, where it fits there.

    >>> _shown("responses"), _shown(True), _shown({"n": 5})
    (': responses', ': true', '')
    """
    return "" if isinstance(value, Mapping) else f": {as_text(value)}"
