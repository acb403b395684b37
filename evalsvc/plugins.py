"""What users add without changing evalsvc: found as an installed entry point, or in a file of their own.

    evalsvc.readers    a data set format      dataset.format
    evalsvc.apis       an endpoint's API      model.api
    evalsvc.scorers    what a reply is worth  scoring.scorer
    evalsvc.metrics    a number over all      metrics

docs/extending.md has the protocol of each. A file runs with all rights of evalsvc: the config that names it is as trusted as a program.
"""

import hashlib
import importlib.util
import sys
import traceback
from collections.abc import Mapping
from contextlib import AbstractContextManager, redirect_stdout
from difflib import get_close_matches
from enum import StrEnum
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from evalsvc.errors import UsageError


class Kind(StrEnum):
    """The entry point groups."""

    READER = "evalsvc.readers"
    API = "evalsvc.apis"
    SCORER = "evalsvc.scorers"
    METRIC = "evalsvc.metrics"


def is_in_file(name: str) -> bool:
    """Whether `name` is of the form path/to/file.py:name.

    >>> is_in_file("scorers/mine.py:Polite"), is_in_file("polite")
    (True, False)
    """
    return ".py:" in name


def installed(kind: Kind) -> Mapping[str, EntryPoint]:
    """The entry points of a kind, by name."""
    return {point.name: point for point in entry_points(group=kind)}


def load(kind: Kind, name: str, base_dir: Path, *, place: str, built_in: tuple[str, ...] = ()) -> Any:
    """The object that `name` means; what it can do is for the caller to check.

    `place` is where the name was written, `built_in` are the names that the caller knows without us, for the message.
    UsageError when there is no such thing, or when loading it fails, then with the line that raised.
    """
    if is_in_file(name):
        return from_file(name, base_dir, place)
    points = installed(kind)
    if name not in points:
        raise _unknown(kind, name, (*built_in, *points), place)
    try:
        with prints_to_stderr():
            return points[name].load()
    except Exception as error:
        raise UsageError(f"{place}: {name} ({points[name].value}) cannot be loaded: {type(error).__name__}: {error}") from error


def fingerprint(kind: Kind, name: str, base_dir: Path) -> str:
    """Changes when what `name` means may have changed: 16 hex digits over the file, or the package with its version."""
    if is_in_file(name):
        content = _split(name, base_dir)[0].read_bytes()
    else:
        point = installed(kind).get(name)
        package = point.dist if point is not None else None
        content = f"{point.value if point else name} {package.name if package else ''} {package.version if package else ''}".encode()
    return hashlib.blake2b(content, digest_size=8).hexdigest()


def from_file(name: str, base_dir: Path, place: str) -> Any:
    """As `load`, for a name that is of the form path/to/file.py:name."""
    path, attribute = _split(name, base_dir)
    module = _module(path, place)
    if not hasattr(module, attribute):
        there = [known for known in vars(module) if not known.startswith("_")]
        near = get_close_matches(attribute, there, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(there[:20]) or 'no names'}"
        raise UsageError(f"{place}: {path} has no {attribute!r}", hint=hint)
    return getattr(module, attribute)


def prints_to_stderr() -> AbstractContextManager[object]:
    """What users' code prints meanwhile: standard output is for results, which may be read by a program."""
    return redirect_stdout(sys.stderr)


def _split(name: str, base_dir: Path) -> tuple[Path, str]:
    path, _, attribute = name.rpartition(":")
    return base_dir / path, attribute


def _module(path: Path, place: str) -> ModuleType:
    """The file as a module that can import its neighbours and that its objects can be pickled by."""
    if not path.is_file():
        raise UsageError(f"{place}: there is no file {path}", hint="Paths are relative to the config file.")
    # its content is part of the name, so that a notebook gets what the file says by now
    digest = hashlib.blake2b(str(path.resolve()).encode() + b"\n" + path.read_bytes(), digest_size=4).hexdigest()
    module_name = f"evalsvc_extension_{path.stem}_{digest}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{place}: {path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    if str(path.parent.resolve()) not in sys.path:
        sys.path.append(str(path.parent.resolve()))
    try:
        with prints_to_stderr():
            spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[module_name]
        line = next((frame.lineno for frame in reversed(traceback.extract_tb(error.__traceback__)) if frame.filename == str(path)), None)
        line = error.lineno if isinstance(error, SyntaxError) else line
        raise UsageError(f"{place}: {path}:{line or 1} fails when loaded: {type(error).__name__}: {error}") from error
    return module


def _unknown(kind: Kind, name: str, known: tuple[str, ...], place: str) -> UsageError:
    near = get_close_matches(name, known, n=1)
    advice = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known) or 'none installed'}"
    return UsageError(
        f"{place}: there is no {name!r} among {kind}; {advice}",
        hint="One of your own is path/to/file.py:name, or an entry point of an installed package: docs/extending.md",
    )
