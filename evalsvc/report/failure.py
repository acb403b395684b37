"""How an error reads: what happened and where, then what to do about it."""

from evalsvc.errors import EvalsvcError
from evalsvc.report.lines import json_event
from evalsvc.report.plain import plain


def error_block(error: EvalsvcError) -> str:
    r"""Plain text for stderr, without a line end.

    >>> from evalsvc.errors import JournalDamaged
    >>> print(error_block(JournalDamaged("predictions.jsonl is damaged\nline 12", hint="evalsvc doctor RUN --repair")))
    error: predictions.jsonl is damaged
           line 12
      try: evalsvc doctor RUN --repair
    """
    lines = [_hanging("error: ", error.message)]
    if error.hint:
        lines.append(_hanging("  try: ", error.hint))
    return "\n".join(lines)


def _hanging(label: str, text: str) -> str:
    return label + plain(text).rstrip().replace("\n", "\n" + " " * len(label))


def error_event(error: EvalsvcError) -> str:
    """The same as one JSON line, for `--json` and EVALSVC_LOG=json; its line end included."""
    return json_event("error", {**error_values(error), "exit_code": error.exit_code})


def failed_result_event(error: EvalsvcError, run_dir: str | None) -> str:
    """The last line of `--json` where there is no summary to give; its line end included."""
    return json_event("result", {"exit_code": error.exit_code, "run_dir": run_dir, "error": error_values(error)})


def error_values(error: EvalsvcError) -> dict[str, str | None]:
    return {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
