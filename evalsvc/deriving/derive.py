"""journal -> every derived file of a run."""

from contextlib import suppress

from evalsvc.journal.files import write_atomic
from evalsvc.jsonio import dumps, loads
from evalsvc.metrics.gates import Against
from evalsvc.records import Summary
from evalsvc.reduce.fold import fold_journal, forget, is_of, save_fold
from evalsvc.reduce.joined import Apart
from evalsvc.reduce.plan import Plan, digest
from evalsvc.reduce.run import Reduced, plan_of, read_summary, reduce_run
from evalsvc.rundir import RunDir

# Raised when the gates or the report say something else of the same numbers.
VERSION = 1


def derive_run(run: RunDir) -> Summary:
    """Reads what is new in the journal and writes the derived files. No request is sent, and nothing else is changed.

    UsageError for a directory that is no run.
    """
    try:
        return _derived(run)
    except Apart:
        forget(run)
        return _derived(run)


def count_run(run: RunDir) -> None:
    """As far as `derive_run` can get while the journal still grows: the next call of that has only the rest to read."""
    with suppress(Apart):  # for that call to mend
        fold_journal(plan_of(run))


def _derived(run: RunDir) -> Summary:
    reduced = reduce_run(run)
    key = derived_key(reduced.plan)  # before the baseline is read: one that is replaced meanwhile is looked at again
    summary = _with_baselines(reduced)
    write_atomic(run.summary, dumps(summary) + b"\n")
    _write_pages(run, summary, max_error_rate=reduced.plan.config.max_error_rate)
    save_fold(reduced.plan, reduced.fold, summary_key=key)
    return summary


def _with_baselines(reduced: Reduced) -> Summary:
    """The summary with gates against a baseline judged."""
    plan, summary = reduced.plan, reduced.summary
    if summary["status"] == "partial" or not _against(plan):
        return summary
    from evalsvc.compare.regression import judged_gates
    from evalsvc.compare.side import side_of

    gates = judged_gates(plan.gates, summary["gates"], side_of(reduced), plan.run, plan.config.base_dir)
    return {**summary, "gates": gates}


def _write_pages(run: RunDir, summary: Summary, *, max_error_rate: float) -> None:
    from evalsvc.deriving.page import write_page

    write_page(run, summary, run.report)
    if summary["gates"]:
        from evalsvc.report.junit import junit_xml

        write_atomic(run.junit, junit_xml(summary, max_error_rate=max_error_rate).encode())


def _against(plan: Plan) -> list[str]:
    return [gate.baseline for gate in plan.gates if isinstance(gate, Against)]


def derived_key(plan: Plan) -> str:
    """Equal keys mean that the same counts give the same derived files."""
    baselines = _against(plan)
    if not baselines:
        return digest([VERSION, plan.summary_key])
    from evalsvc.compare.regression import fingerprint

    return digest([VERSION, plan.summary_key, [fingerprint(baseline, plan.run, plan.config.base_dir) for baseline in baselines]])


def is_up_to_date(run: RunDir, plan: Plan) -> bool:
    """Whether the derived files say all there is to say, so that not even scikit-learn has to be loaded."""
    try:
        state = loads(run.state.read_bytes())
        whole = state["offset"] == run.journal.stat().st_size and is_of(run, state)
        current = whole and state["summary_key"] == derived_key(plan)
        read_summary(run)  # that it can be
        files = [run.scored, run.report, *([run.junit] if plan.config.gates else [])]
        return bool(current and all(file.exists() for file in files))
    except (OSError, ValueError, KeyError, TypeError):
        return False
