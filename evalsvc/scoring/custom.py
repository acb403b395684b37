"""A scorer of the user's: loaded, made, and asked about one row at a time. All of it happens in the worker processes."""

import inspect
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from evalsvc import plugins
from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.extending import Judged, ScoredRow
from evalsvc.scoring.judged import Nonsense, read_judged

_HINT = "docs/extending.md#a-scorer has one that works"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScorerSpec:
    """Which scorer, as a worker process is told."""

    name: str
    base_dir: str
    options: Mapping[str, Any]
    place: str  # where it was named

    @classmethod
    def of(cls, config: EvalConfig, place: str = "scoring.scorer") -> Self | None:
        """None when the config names no scorer."""
        scoring = config.scoring
        if scoring.scorer is None:
            return None
        return cls(name=scoring.scorer, base_dir=str(config.base_dir), options=scoring.options, place=place)


def make(spec: ScorerSpec) -> Callable[[ScoredRow], object]:
    """The scorer, ready to be called; UsageError when it cannot be had."""
    found = plugins.load(plugins.Kind.SCORER, spec.name, Path(spec.base_dir), place=spec.place)
    scorer: Callable[[ScoredRow], object] = _made(spec, found) if isinstance(found, type) else found
    if not callable(scorer):
        raise UsageError(f"{spec.place}: {spec.name} is {type(scorer).__name__}, which cannot be called with a row", hint=_HINT)
    if inspect.iscoroutinefunction(scorer) or inspect.iscoroutinefunction(getattr(scorer, "__call__", None)):  # noqa: B004 - its kind is asked
        raise UsageError(f"{spec.place}: {spec.name} is async, and a scorer is called as a plain function", hint=_HINT)
    if spec.options and not isinstance(found, type):
        raise UsageError(
            f"{spec.place}: {spec.name} is a function and takes no `scoring.options`",
            hint=f"make it a class with __init__(self, options) and __call__(self, row), or take the options out; {_HINT}",
        )
    return scorer


def _made(spec: ScorerSpec, found: Callable[[Mapping[str, Any]], Any]) -> Any:
    try:
        return found(dict(spec.options))
    except (Exception, SystemExit) as error:
        raise UsageError(f"{spec.place}: {spec.name}(options) failed: {in_words(error, spec)}", hint=_HINT) from error


def ask(scorer: Callable[[ScoredRow], object], row: ScoredRow, spec: ScorerSpec) -> Judged | str:
    """The judgement, or in words why there is none: whatever a scorer does short of ending its process."""
    try:
        return read_judged(scorer(row))
    except Nonsense as error:
        return str(error)
    except (Exception, SystemExit) as error:
        return in_words(error, spec)


def in_words(error: BaseException, spec: ScorerSpec) -> str:
    """Type, message and the line of the user's own file, or the last line of all where none is in it.

    >>> in_words(ValueError("no"), ScorerSpec(name="a.py:f", base_dir=".", options={}, place=""))
    'ValueError: no'
    """
    text = f"{type(error).__name__}: {_message(error)}".removesuffix(": ")
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if plugins.is_in_file(spec.name) and Path(frame.filename).is_relative_to(spec.base_dir)]
    # the first frame is our own call
    last = (own or list(frames)[1:])[-1:]
    return f"{text} ({_relative(last[0].filename, spec.base_dir)}:{last[0].lineno})" if last else text


def _message(error: BaseException) -> str:
    try:
        text = str(error)
    except Exception:  # whatever a stranger's __str__ does
        return ""
    return text if len(text) <= 300 else f"{text[:299]}…"


def _relative(filename: str, base_dir: str) -> str:
    path = Path(filename)
    return str(path.relative_to(base_dir)) if path.is_relative_to(base_dir) else filename
