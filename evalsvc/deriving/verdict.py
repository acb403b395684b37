"""What a finished run says to a scheduler."""

from shlex import quote

from evalsvc.config import EvalConfig
from evalsvc.errors import GATE_FAILED, TOO_MANY_ERRORS
from evalsvc.records import Outcome, Summary

# What stop_if counts: rows that tell nothing of the model's quality.
UNUSABLE = (Outcome.UNPARSED, Outcome.TRUNCATED, Outcome.ERROR)
# Answers in which no label was found.
UNREAD = (Outcome.UNPARSED, Outcome.AMBIGUOUS, Outcome.TRUNCATED)


def exit_code(summary: Summary, config: EvalConfig) -> int:
    """0, 3 or 4 for a complete run. Filtered rows are the model's doing and no errors here.

    `stop_if` counts to the end: a run whose last rows were in flight when it was met is as hopeless as one it broke off.
    """
    expected, outcomes, stop_if = summary["rows"]["expected"], summary["outcomes"], config.stop_if
    if expected and outcomes[Outcome.ERROR] / expected > config.max_error_rate:
        return TOO_MANY_ERRORS
    if stop_if is not None and expected >= stop_if.after and sum(outcomes[name] for name in UNUSABLE) > stop_if.unusable_share * expected:
        return TOO_MANY_ERRORS
    return GATE_FAILED if any(gate["passed"] is False for gate in summary["gates"]) else 0


def next_steps(summary: Summary, run_dir: str, command: str, *, carries_on: bool = True) -> list[str]:
    """What to type next, most useful first. `carries_on`: the same command would ask what is left."""
    steps, folder = [], quote(run_dir)
    if summary["rows"]["pending"] and carries_on:
        steps.append(f"{command}    # carries on where it stopped")
    if summary["rows"]["error"]:
        steps.append(f"{command} --retry-failed    # asks the {summary['rows']['error']:,} failed rows again")
    if summary["outcomes"][Outcome.WRONG]:
        steps.append(f"jq -c 'select(.outcome==\"wrong\")' {folder}/scored.jsonl | head")
    if any(summary["outcomes"][outcome] for outcome in UNREAD):
        steps.append(f"jq -c .output {folder}/predictions.jsonl | sort | uniq -c | sort -rn | head    # the replies, as they came")
    return steps
