"""What a finished run says to a scheduler."""

from evalsvc.config import EvalConfig
from evalsvc.errors import GATE_FAILED, TOO_MANY_ERRORS
from evalsvc.records import Outcome, Summary


def exit_code(summary: Summary, config: EvalConfig) -> int:
    """0, 3 or 4 for a complete run. Filtered rows are the model's doing and no errors here."""
    expected = summary["rows"]["expected"]
    if expected and summary["outcomes"][Outcome.ERROR] / expected > config.max_error_rate:
        return TOO_MANY_ERRORS
    return GATE_FAILED if any(gate["passed"] is False for gate in summary["gates"]) else 0


def next_steps(summary: Summary, run_dir: str, command: str) -> list[str]:
    """What to type next, most useful first."""
    steps = []
    if summary["rows"]["pending"]:
        steps.append(f"{command}    # carries on where it stopped")
    if summary["rows"]["error"]:
        steps.append(f"{command} --retry-failed    # asks the {summary['rows']['error']:,} failed rows again")
    steps.append(f"evalsvc show {run_dir}")
    if summary["outcomes"][Outcome.WRONG]:
        steps.append(f"jq -c 'select(.outcome==\"wrong\")' {run_dir}/scored.jsonl | head")
    return steps
