"""journal -> every derived file of a run."""

from evalsvc.journal.files import write_atomic
from evalsvc.jsonio import dumps, loads
from evalsvc.records import Summary
from evalsvc.reduce.fold import save_fold
from evalsvc.reduce.plan import Plan, digest
from evalsvc.reduce.run import reduce_run
from evalsvc.rundir import RunDir

# Raised when the report or the gates say something else of the same numbers.
VERSION = 1


def derive_run(run: RunDir) -> Summary:
    """Reads what is new in the journal and writes the derived files. No request is sent, and nothing else is changed.

    UsageError for a directory that is no run.
    """
    reduced = reduce_run(run)
    write_atomic(run.summary, dumps(reduced.summary) + b"\n")
    save_fold(reduced.plan, reduced.fold, summary_key=derived_key(reduced.plan))
    return reduced.summary


def derived_key(plan: Plan) -> str:
    """Equal keys mean that the same counts give the same derived files."""
    return digest([VERSION, plan.summary_key])


def is_up_to_date(run: RunDir, plan: Plan) -> bool:
    """Whether the derived files say all there is to say, so that not even scikit-learn has to be loaded."""
    try:
        state = loads(run.state.read_bytes())
        current = state["summary_key"] == derived_key(plan) and state["offset"] == run.journal.stat().st_size
        return bool(current and run.summary.exists())
    except (OSError, ValueError, KeyError, TypeError):
        return False
