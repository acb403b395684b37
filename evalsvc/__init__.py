"""evalsvc: run a labelled test set through a model overnight, and trust the numbers in the morning.

    run = evalsvc.evaluate("eval.yaml")
    run.summary["metrics"]["accuracy"]["value"]

What is listed in `__all__` is public and documented in docs/python-api.md. Importing this loads none of it: each name
brings what it needs when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalsvc.config.models import EvalConfig
    from evalsvc.errors import EvalsvcError
    from evalsvc.library.evaluating import aevaluate, evaluate
    from evalsvc.library.rows import Row
    from evalsvc.library.runs import Run, load_run
    from evalsvc.records import GateResult, MetricValue, Outcome, Progress, RowError, RunWarning, Summary, Usage

__version__ = "0.1.0"

__all__ = [
    "EvalConfig",
    "EvalsvcError",
    "GateResult",
    "MetricValue",
    "Outcome",
    "Progress",
    "Row",
    "RowError",
    "Run",
    "RunWarning",
    "Summary",
    "Usage",
    "__version__",
    "aevaluate",
    "evaluate",
    "load_run",
]

_HOME = {
    "EvalConfig": "config.models",
    "EvalsvcError": "errors",
    "Row": "library.rows",
    "Run": "library.runs",
    "aevaluate": "library.evaluating",
    "evaluate": "library.evaluating",
    "load_run": "library.runs",
}


if not TYPE_CHECKING:  # else every misspelt name would be known, and be Any

    def __getattr__(name: str) -> Any:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = getattr(import_module(f"{__name__}.{_HOME.get(name, 'records')}"), name)
        globals()[name] = value  # asked for once
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
