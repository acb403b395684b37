"""Gates against a baseline: is this run worse than that one, row by row, by more than chance and more than the margin?

    worse         one-sided p below 5 % (Holm over the run's gates), and the loss is at least the margin: fails
    no worse      the one-sided 95 % bound of the loss is less than the margin: passes
    cannot tell   neither; the gate says which way that counts, and how many rows would tell

Gates are judged by the paired difference: a neutral change flips rows both ways, and two accuracies taken for themselves
would call every fifth such change a loss.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from evalsvc.compare.comparing import compare
from evalsvc.compare.nouns import Comparison, Difference, Rows
from evalsvc.compare.side import Side, find_side, open_side
from evalsvc.compare.verdicts import CANNOT_TELL, WORSE, rows_to_tell, verdict_of
from evalsvc.errors import EvalsvcError, UsageError
from evalsvc.metrics.gates import Against
from evalsvc.metrics.names import LOWER_IS_BETTER
from evalsvc.metrics.slices import holm
from evalsvc.records import GateResult, Outcome, Regression
from evalsvc.reduce.run import read_summary
from evalsvc.rundir import LATEST, Manifest, RunDir, find_run, newest_before

FLIPPED_SHOWN = 20
# How the reason of a gate begins that had nothing to be held against: no fault of the run, which the next one may be held against.
NO_BASELINE = "no baseline: "


def judged_gates(gates: Sequence[object], results: Sequence[GateResult], this: Side, run: RunDir, base_dir: Path) -> list[GateResult]:
    """`results` with those against a baseline judged; `gates` are theirs, in the same order."""
    wanted = {place: gate for place, gate in enumerate(gates) if isinstance(gate, Against)}
    held = dict(_held(wanted, this, run, base_dir))
    corrected = holm({str(place): _p_worse(one.difference) for place, one in held.items() if isinstance(one, _Held)})
    judged = list(results)
    for place, gate in wanted.items():
        one = held[place]
        judged[place] = _result(gate, one, corrected[str(place)]) if isinstance(one, _Held) else _failed(gate, one)
    return judged


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """A gate's metric beside that of its baseline."""

    comparison: Comparison
    difference: Difference
    value: float  # the difference itself


def _held(wanted: Mapping[int, Against], this: Side, run: RunDir, base_dir: Path) -> Iterator[tuple[int, "_Held | str"]]:
    """By the gate's place; or why there is nothing to be judged. Each baseline is read once."""
    for baseline in dict.fromkeys(gate.baseline for gate in wanted.values()):
        places = {place: gate.metric for place, gate in wanted.items() if gate.baseline == baseline}
        try:
            comparison = compare(
                find_baseline(baseline, run, base_dir), this, metrics=tuple(places.values()), examples=FLIPPED_SHOWN, outputs=False
            )
        except EvalsvcError as error:  # whatever is wrong with the baseline, this run has its numbers
            told = f"{error.message}; {error.hint}" if error.hint else error.message
            yield from ((place, told) for place in places)
            continue
        for place, metric in places.items():
            difference = comparison.differences.get(metric)
            if difference is None or difference.difference is None or difference.se is None:
                reason = None if difference is None else difference.reason
                yield place, f"{metric} cannot be compared with {comparison.a.label}: {reason or 'one of the two has no such number'}"
            else:
                yield place, _Held(comparison=comparison, difference=difference, value=difference.difference)


def find_baseline(written: str, run: RunDir, base_dir: Path) -> Side:
    """UsageError, beginning with NO_BASELINE, where there is none, with the command that makes one."""
    if written == LATEST:
        return open_side(_latest(run).path)
    path = base_dir / written
    try:
        there = path if path.exists() else find_side(written)
    except UsageError as error:
        make = (
            f"evalsvc baseline save {run.typed} -o {quote(str(path))}" if path.suffix == ".gz" else "evalsvc list shows the runs there are"
        )
        raise UsageError(f"{NO_BASELINE}there is no {written}", hint=f"next: {make}") from error
    return open_side(there.path if isinstance(there, RunDir) else there)


def fingerprint(written: str, run: RunDir, base_dir: Path) -> list[object] | None:
    """Of the baseline as it is now; None where there is none. An equal one says the same of an equal run."""
    try:
        path = _latest(run).summary if written == LATEST else _file_of(written, base_dir)
        stat = path.stat()
    except (OSError, EvalsvcError):
        return None
    return [str(path), stat.st_size, stat.st_mtime_ns]


def _file_of(written: str, base_dir: Path) -> Path:
    path = base_dir / written
    return path if path.is_file() else find_run(str(path) if path.exists() else written).summary


def _latest(run: RunDir) -> RunDir:
    """The newest complete run of this name that began before this one and that no gate failed."""
    found = newest_before(run, may_be_baseline)
    if found is None:
        raise UsageError(
            f"{NO_BASELINE}there is no complete run of {run.path.absolute().parent.name} before this one that no gate failed",
            hint=f"the next run will be held against this one; or keep one: evalsvc baseline save {run.typed} -o baseline.jsonl.gz, "
            "and write baseline: baseline.jsonl.gz",
        )
    return found


def may_be_baseline(run: RunDir) -> bool:
    """Complete, with no more rows in error than it may have, and no gate failed for anything but having no baseline itself."""
    try:
        summary, manifest = read_summary(run), Manifest.read(run)
    except (OSError, ValueError, EvalsvcError):
        return False
    if manifest is None or summary["status"] != "complete":
        return False
    errors, expected = summary["outcomes"][Outcome.ERROR], summary["rows"]["expected"]  # without those that were filtered
    failed = [gate for gate in summary["gates"] if gate["passed"] is False and not (gate["reason"] or "").startswith(NO_BASELINE)]
    return not failed and errors <= manifest.config.get("max_error_rate", 1.0) * max(expected, 1)


def _p_worse(difference: Difference) -> float:
    p = difference.p_above if difference.metric in LOWER_IS_BETTER else difference.p_below
    return 1.0 if p is None else p


def _result(gate: Against, held: _Held, p_holm: float) -> GateResult:
    difference, flips = held.difference, held.comparison.flips
    lower_is_better = gate.metric in LOWER_IS_BETTER
    verdict = verdict_of(difference, gate.margin, lower_is_better=lower_is_better, p_worse=p_holm)
    needed = rows_to_tell(difference, gate.margin, lower_is_better) if verdict == CANNOT_TELL else None
    worst, best = (difference.upper, difference.lower) if lower_is_better else (difference.lower, difference.upper)
    regression: Regression = {
        "metric": gate.metric,
        "baseline": gate.baseline if held.comparison.a.is_baseline else held.comparison.a.label,
        "verdict": verdict,
        "margin": gate.margin,
        "difference": held.value,
        "ci_low": difference.ci_low,
        "ci_high": difference.ci_high,
        "worst": worst,
        "best": best,
        "p_worse": _p_worse(difference),
        "p_holm": p_holm,
        "rows": held.comparison.rows.common,
        "rows_needed": needed,
        "to_right": None if flips is None else flips.to_right,
        "to_wrong": None if flips is None else flips.to_wrong,
        "flipped": [] if flips is None else [flip.id for flip in held.comparison.examples if (flip.change or 0) < 0],
    }
    passed = gate.passes_if_open if verdict == CANNOT_TELL else verdict != WORSE
    return {
        "gate": gate.text,
        "passed": passed,
        "value": held.value,
        "reason": _reason(regression, held.comparison.rows),
        "regression": regression,
    }


def _reason(found: Regression, paired: Rows) -> str:
    """What was found, in one line; there always is one, as a gate that passes because nobody can tell must say so, and of how many
    of the run's rows it says so: those that the baseline has not, or has otherwise, are left out.
    """
    difference, whole = found["difference"], paired.common + paired.changed + paired.only_b
    rows = f"{paired.common:,}{f' of {whole:,}' if whole > paired.common else ''} row{'' if whole == 1 else 's'}"
    ends = "" if found["ci_low"] is None or found["ci_high"] is None else f" [{found['ci_low']:+.4g}, {found['ci_high']:+.4g}]"
    told = f"{difference:+.4g}{ends} against {found['baseline']} over {rows}: {found['verdict']}"
    match found["verdict"]:
        case "worse":
            return f"{told}, and by no less than the margin of {found['margin']:g} (p {found['p_holm']:.2g})"
        case "no worse":
            return f"{told} than a margin of {found['margin']:g} allows"
    needed = found["rows_needed"]
    return f"{told} at a margin of {found['margin']:g}" + (f"; about {needed:,} rows would" if needed is not None else "")


def _failed(gate: Against, reason: str) -> GateResult:
    return {"gate": gate.text, "passed": False, "value": None, "reason": reason}
