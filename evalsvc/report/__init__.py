"""What people and programs are shown of a run: the live view, the result, lists and errors.

Everything that needs rich is loaded at its first use, so that an error message or a log line does not wait for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from evalsvc.report.failure import error_block, error_event, failed_result_event
from evalsvc.report.intro import Exchange, RunIntro
from evalsvc.report.live import LiveView, QuietView, choose_view

if TYPE_CHECKING:
    from evalsvc.report.listing import RunRow, list_table, print_list
    from evalsvc.report.table import print_result, print_result_event, result_table

__all__ = [
    "Exchange",
    "LiveView",
    "QuietView",
    "RunIntro",
    "RunRow",
    "choose_view",
    "error_block",
    "error_event",
    "failed_result_event",
    "list_table",
    "print_list",
    "print_result",
    "print_result_event",
    "result_table",
]

_LATE = {
    "RunRow": "listing",
    "list_table": "listing",
    "print_list": "listing",
    "print_result": "table",
    "print_result_event": "table",
    "result_table": "table",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATE[name]}"), name)
