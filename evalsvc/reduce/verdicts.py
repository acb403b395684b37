"""All warnings of a run: what its numbers, its rows, its data set and its server have to say, each found where it is known."""

from collections.abc import Iterator, Mapping
from typing import Any

from evalsvc.metrics.families.metric import SumMetric
from evalsvc.metrics.gates import Gate
from evalsvc.metrics.verdicts.facts import Besides, ProbabilityEvidence
from evalsvc.metrics.warnings import ordered, warnings_for
from evalsvc.records import MetricValue, RunWarning
from evalsvc.reduce.graded import Graded
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.taking import Tallies


def run_warnings(
    plan: Plan,
    tallies: Tallies,
    graded: Graded,
    metrics: Mapping[str, MetricValue],
    per_class: Mapping[str, Mapping[str, float | int | None]],
) -> list[RunWarning]:
    """The most harmful first. `metrics` and `per_class` are those of `tallies` and `graded`."""
    besides = _besides(plan, tallies, graded)
    of_numbers = warnings_for(tallies.outcomes, metrics, per_class, scorer_failed=graded.failures.rows, besides=besides)
    return ordered([*of_numbers, *graded.warnings(), *_of_families(plan, graded, metrics)])


def _besides(plan: Plan, tallies: Tallies, graded: Graded) -> Besides:
    config, data = plan.config, plan.manifest.dataset
    return Besides(
        task=config.task,
        repeats=config.repeats,
        served=tallies.served.value(),
        data_rows=int(data["rows"]),
        # runs of old, and answers that were asked elsewhere, do not say
        repeated_rows=data.get("repeated_rows") or 0,
        conflicting_rows=data.get("conflicting_rows") or 0,
        probabilities=_probabilities(graded),
        bent=_bent(config.model.params),
        gates=_gates(plan, tallies),
    )


def _gates(plan: Plan, tallies: Tallies) -> tuple[Gate, ...]:
    """None while the run is partial: they are not decided either."""
    if tallies.ok + tallies.error < plan.expected:
        return ()
    return tuple(gate for gate in plan.gates if isinstance(gate, Gate) and gate.slice is None)


def _bent(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Greedy decoding bends nothing: a server that gave logprobs of it would give zeros alone."""
    from evalsvc.metrics.families.likelihood import bent_by

    return {} if params.get("temperature") == 0 else bent_by(params)


def _probabilities(graded: Graded) -> ProbabilityEvidence | None:
    from evalsvc.metrics.ranked import RankTally

    own = () if graded.kept is None else graded.kept.all.own
    return next((ProbabilityEvidence.of(tally.evidence()) for tally in own if isinstance(tally, RankTally)), None)


def _of_families(plan: Plan, graded: Graded, metrics: Mapping[str, MetricValue]) -> Iterator[RunWarning]:
    if plan.config.task == "judge":
        from evalsvc.metrics.families.judged import judge_warnings

        yield from judge_warnings(metrics, judge=plan.config.model.name, judged=plan.manifest.dataset.get("runs") or ())
    for metric, sums in _sums(graded):
        if metric.name == "bleu":
            from evalsvc.metrics.families.bleu_guards import doubts

            yield from doubts(metric.signature, sums)
        if metric.name == "rouge_letters":
            from evalsvc.metrics.families.rouge import letters_lost

            yield from letters_lost(sums)


def _sums(graded: Graded) -> Iterator[tuple[SumMetric, list[int]]]:
    if graded.kept is not None:
        tally = graded.kept.all.sums
        for metric, place in tally.places():
            yield metric, tally.all[place]
