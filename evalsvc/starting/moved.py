"""A config document as it reads from another folder: what is relative to the config file has to follow it."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evalsvc.config.address import shown_url
from evalsvc.dataset.place import is_url
from evalsvc.plugins import is_in_file
from evalsvc.sandbox.settings import path_keys

Move = Callable[[Any], Any]


def moved(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """`values`, whose paths are relative to the working directory, with paths relative to `folder`; URLs and absolute paths stay."""

    def path(value: Any) -> Any:
        if not isinstance(value, str) or Path(value).is_absolute():
            return value
        return shown_url(value) if is_url(value) else os.path.relpath(value, folder)

    def plugin(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {plugin(name): options for name, options in value.items()}
        if not isinstance(value, str) or not is_in_file(value):
            return value
        file, _, name = value.rpartition(":")
        return f"{path(file)}:{name}"

    return {key: _at(value, _where_paths_are(path, plugin).get(key)) for key, value in values.items()}


def _where_paths_are(path: Move, plugin: Move) -> Mapping[str, Any]:
    """The shape of a config, as far as it names files."""
    template = {"file": path}
    return {
        "dataset": {"path": path, "format": plugin},
        "prompt": {"system": template, "user": template, "messages": [{"content": template}], "few_shot": {"path": path}},
        "model": {
            "api": plugin,
            "ca_file": path,
            "azure": {"token_provider": plugin},
            "sandbox": dict.fromkeys(path_keys(), path),
        },
        "scoring": {"scorer": plugin},
        "metrics": [plugin],
    }


def _at(value: Any, shape: Any) -> Any:
    """`value` with the moves of `shape` made where the two have the same form."""
    match shape:
        case Mapping() if isinstance(value, Mapping):
            return {key: _at(item, shape.get(key)) for key, item in value.items()}
        case [item_shape] if isinstance(value, Sequence) and not isinstance(value, str):
            return [_at(item, item_shape) for item in value]
        case move if callable(move):
            return move(value)
    return value
