import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

import evalsvc
from evalsvc.metrics import OutcomeTally, classification_metrics, per_class, warnings_for
from evalsvc.metrics.gates import parse_gate
from evalsvc.metrics.outcomes import outcome_metrics
from evalsvc.metrics.verdicts.facts import Besides, ProbabilityEvidence, is_no_accident
from evalsvc.metrics.verdicts.precision import rows_needed
from evalsvc.metrics.warnings import HARM, ordered
from evalsvc.records import MetricValue, Outcome, RunWarning, Score
from tests.metrics.confusions import Counts, score, tally_of

LABELS = ("spam", "ham")
GOOD: Counts = {("spam", "spam"): 480, ("spam", "ham"): 20, ("ham", "ham"): 490, ("ham", "spam"): 10}
# Tests of these are beside the code that finds them: tests/reduce, tests/metrics/families.
FOUND_ELSEWHERE = {
    *("scorer", "few_groups", "scores_missing", "named_twice"),
    *("bleu_tokenizer", "bleu_short", "rouge_tokenizer", "judges_itself", "judge_inconsistent", "judge_position", "not_answered"),
}


def metric(value: float, low: float, high: float, n: int = 1000) -> MetricValue:
    return {"value": value, "ci_low": low, "ci_high": high, "n": n, "signature": "s"}


@dataclass(frozen=True, kw_only=True)
class Run:
    """A run with labels, by its counts; or one without, by its outcomes. `metrics` take the place of those of the counts."""

    counts: Counts = field(default_factory=lambda: GOOD)
    labels: tuple[str, ...] = LABELS
    cut: int = 0  # of the replies with a label
    outcomes: Mapping[str, int] = field(default_factory=dict)
    metrics: Mapping[str, MetricValue] = field(default_factory=dict)
    besides: Besides = field(default_factory=Besides)

    def found(self) -> list[RunWarning]:
        if self.outcomes:
            outcomes = OutcomeTally(counts=dict(self.outcomes), cut=self.cut)
            ok = sum(self.outcomes.values()) - self.outcomes.get("error", 0)
            metrics = {**outcome_metrics(outcomes, ok=ok, expected=sum(self.outcomes.values())), **self.metrics}
            return warnings_for(outcomes, metrics, {}, besides=self.besides)
        tally, rows = tally_of(self.labels, self.counts), sum(self.counts.values())
        tally.cut = self.cut
        metrics = {**classification_metrics(tally, ok=rows, expected=rows, repeats=self.besides.repeats), **self.metrics}
        return warnings_for(tally, metrics, per_class(tally), besides=self.besides)

    def kinds(self) -> list[str]:
        return [found["kind"] for found in self.found()]


def text_run(
    task: str,
    metrics: Mapping[str, MetricValue] | None = None,
    *,
    cut: int = 0,
    bent: Mapping[str, float] | None = None,
    **outcomes: int,
) -> Run:
    return Run(outcomes=outcomes, cut=cut, metrics=metrics or {}, besides=Besides(task=task, bent=bent or {}))


def served(**names: int) -> Run:
    return Run(besides=Besides(served={name.replace("_", "-"): count for name, count in names.items()}))


def probabilities(**counts: int) -> Run:
    return Run(besides=Besides(probabilities=ProbabilityEvidence(**{"rows": 1000, **counts})))


def gated(gate: str, **about: Any) -> Run:
    return Run(metrics={"accuracy": metric(0.93, 0.91, 0.95)}, besides=Besides(gates=[parse_gate(gate)], **about))


# By kind: pairs of a run that must be warned of, and the nearest one that must not.
TABLE: Mapping[str, tuple[tuple[Run, Run], ...]] = {
    "hidden_class": (
        # accuracy 0.98 that finds 12 % of a class; and 50 % of it
        (
            Run(counts={("ham", "ham"): 9800, ("spam", "spam"): 24, ("spam", "ham"): 176}),
            Run(counts={("ham", "ham"): 9800, ("spam", "spam"): 100, ("spam", "ham"): 100}),
        ),
        # half of the class is missed while accuracy is high, and while it is not
        (
            Run(counts={("ham", "ham"): 900, ("spam", "spam"): 4, ("spam", "ham"): 96}),
            Run(counts={("ham", "ham"): 895, ("ham", "spam"): 5, ("spam", "spam"): 4, ("spam", "ham"): 96}),
        ),
        # five rows, and four
        (
            Run(counts={("ham", "ham"): 980, ("spam", "spam"): 2, ("spam", "ham"): 3}),
            Run(counts={("ham", "ham"): 980, ("spam", "spam"): 1, ("spam", "ham"): 3}),
        ),
        # among many labels two of five is bad luck somewhere
        (
            Run(counts={("ham", "ham"): 900, ("ham", "spam"): 95, ("spam", "spam"): 1, ("spam", "ham"): 4}),
            Run(
                counts={("ham", "ham"): 900, ("ham", "spam"): 95, ("spam", "spam"): 2, ("spam", "ham"): 3},
                labels=(*LABELS, *(f"x{number}" for number in range(75))),
            ),
        ),
    ),
    "weak_class": (
        (
            Run(counts={("ham", "ham"): 900, ("spam", "spam"): 71, ("spam", "ham"): 29}),
            Run(counts={("ham", "ham"): 900, ("spam", "spam"): 73, ("spam", "ham"): 27}),
        ),
        # half, of a hundred rows and of six
        (
            Run(counts={("ham", "ham"): 800, ("ham", "spam"): 100, ("spam", "spam"): 50, ("spam", "ham"): 50}),
            Run(counts={("ham", "ham"): 800, ("ham", "spam"): 100, ("spam", "spam"): 3, ("spam", "ham"): 3}),
        ),
    ),
    "class_imbalance": (
        (
            Run(counts={("ham", "ham"): 850, ("spam", "spam"): 20, ("spam", "ham"): 130}),
            Run(counts={("ham", "ham"): 850, ("spam", "spam"): 21, ("spam", "ham"): 129}),
        ),
        # 98 %, and half of the rest found; or more
        (
            Run(counts={("ham", "ham"): 980, ("spam", "spam"): 10, ("spam", "ham"): 10}),
            Run(counts={("ham", "ham"): 980, ("spam", "spam"): 11, ("spam", "ham"): 9}),
        ),
        # 80.1 % of the rows, and 80 %
        (
            Run(counts={("ham", "ham"): 801, ("spam", "spam"): 9, ("spam", "ham"): 190}),
            Run(counts={("ham", "ham"): 800, ("spam", "spam"): 10, ("spam", "ham"): 190}),
        ),
    ),
    "predicts_one_class": (
        (
            Run(counts={("ham", "ham"): 500, ("spam", "ham"): 500}),
            Run(counts={("ham", "ham"): 500, ("spam", "ham"): 499, ("spam", "spam"): 1}),
        ),
        # the rows have one label too
        (Run(counts={("ham", "ham"): 500, ("spam", "ham"): 1}), Run(counts={("ham", "ham"): 501})),
    ),
    "worse_than_majority": (
        (
            Run(counts={("ham", "ham"): 250, ("ham", "spam"): 350, ("spam", "spam"): 270, ("spam", "ham"): 130}),
            Run(counts={("ham", "ham"): 320, ("ham", "spam"): 280, ("spam", "spam"): 260, ("spam", "ham"): 140}),
        ),
        # as bad, but in a handful of rows
        (
            Run(counts={("ham", "ham"): 25, ("ham", "spam"): 35, ("spam", "spam"): 15, ("spam", "ham"): 25}),
            Run(counts={("ham", "ham"): 5, ("ham", "spam"): 7, ("spam", "spam"): 3, ("spam", "ham"): 5}),
        ),
        # as many are not right, but because of errors
        (
            Run(counts={("ham", "ham"): 240, ("ham", "spam"): 360, ("spam", "spam"): 160, ("spam", "ham"): 240}),
            Run(counts={("ham", "ham"): 240, ("ham", "error"): 360, ("spam", "spam"): 160, ("spam", "error"): 240}),
        ),
        # each row asked four times is no more rows
        (
            Run(counts={("ham", "ham"): 105, ("ham", "spam"): 135, ("spam", "spam"): 85, ("spam", "ham"): 75}),
            Run(
                counts={("ham", "ham"): 105, ("ham", "spam"): 135, ("spam", "spam"): 85, ("spam", "ham"): 75},
                besides=Besides(repeats=4),
            ),
        ),
    ),
    "worse_than_chance": (
        (
            Run(counts={("ham", "ham"): 200, ("ham", "spam"): 300, ("spam", "spam"): 200, ("spam", "ham"): 300}),
            Run(counts={("ham", "ham"): 240, ("ham", "spam"): 260, ("spam", "spam"): 240, ("spam", "ham"): 260}),
        ),
    ),
    "no_better_than_chance": (
        (
            Run(counts={("ham", "ham"): 500, ("ham", "spam"): 500, ("spam", "spam"): 500, ("spam", "ham"): 500}),
            Run(counts={("ham", "ham"): 50, ("ham", "spam"): 50, ("spam", "spam"): 50, ("spam", "ham"): 50}),
        ),
        # of rows of one label alone MCC is 0 whatever the answers
        (
            Run(counts={("ham", "ham"): 500, ("ham", "spam"): 500, ("spam", "spam"): 500, ("spam", "ham"): 500}),
            Run(counts={("ham", "ham"): 900, ("ham", "spam"): 100}),
        ),
        # 0.09 is no use, 0.11 is little
        (Run(metrics={"mcc": metric(0.04, -0.01, 0.09)}), Run(metrics={"mcc": metric(0.04, -0.01, 0.11)})),
        # barely better is better
        (
            Run(counts={("ham", "ham"): 510, ("ham", "spam"): 490, ("spam", "spam"): 510, ("spam", "ham"): 490}),
            Run(counts={("ham", "ham"): 530, ("ham", "spam"): 470, ("spam", "spam"): 530, ("spam", "ham"): 470}),
        ),
    ),
    "worse_than_mean": (
        (
            text_run("regression", {"r2": metric(-0.2, -0.4, -0.01)}, scored=1000),
            text_run("regression", {"r2": metric(-0.2, -0.4, 0.0)}, scored=1000),
        ),
    ),
    "precision_recall_apart": (
        # 100 rows found nearly all, among 60 and among 30 false ones
        (
            Run(counts={("ham", "ham"): 840, ("ham", "spam"): 60, ("spam", "spam"): 95, ("spam", "ham"): 5}),
            Run(counts={("ham", "ham"): 870, ("ham", "spam"): 30, ("spam", "spam"): 95, ("spam", "ham"): 5}),
        ),
        # 20 rows, and 19
        (
            Run(counts={("ham", "ham"): 980, ("ham", "spam"): 20, ("spam", "spam"): 20}),
            Run(counts={("ham", "ham"): 980, ("ham", "spam"): 20, ("spam", "spam"): 19}),
        ),
        # shy: 70 % found, 97 % of the answers right, no quarter below accuracy; and 75 %
        (
            Run(counts={("ham", "ham"): 985, ("ham", "spam"): 15, ("spam", "spam"): 710, ("spam", "ham"): 290}),
            Run(counts={("ham", "ham"): 985, ("ham", "spam"): 15, ("spam", "spam"): 760, ("spam", "ham"): 240}),
        ),
    ),
    "served_model_changed": ((served(gpt_a=999, gpt_b=1), served(gpt_a=1000)),),
    "unparsed": (
        (
            Run(counts={**GOOD, ("ham", "unparsed"): 5, ("ham", "ambiguous"): 6}),
            Run(counts={**GOOD, ("ham", "unparsed"): 5, ("ham", "ambiguous"): 5}),
        ),
        (text_run("summarization", scored=989, unparsed=11), text_run("summarization", scored=990, unparsed=10)),
        (text_run("regression", scored=989, unparsed=11), text_run("regression", scored=990, unparsed=10)),
    ),
    "truncated": (
        (Run(counts={**GOOD, ("ham", "truncated"): 1}), Run(counts={("ham", "ham"): 2000, ("ham", "truncated"): 1})),
        # every label cut is a limit of one token; some of them is none
        (Run(cut=899), Run(cut=1000)),
        (text_run("generation", scored=1000, cut=1), text_run("generation", scored=2000, cut=1)),
        # scoring a given text asks for no answer, so that none is cut
        (text_run("generation", scored=1000, cut=1000), text_run("perplexity", scored=1000, cut=1000)),
    ),
    **{
        outcome: (
            (Run(counts={("ham", "ham"): 1998, ("ham", outcome): 1}), Run(counts={("ham", "ham"): 2000, ("ham", outcome): 1})),
            (Run(outcomes={"correct": 1998, outcome: 1}), Run(outcomes={"correct": 1999, outcome: 1})),
        )
        for outcome in ("refused", "filtered", "error")
    },
    "conflicting_rows": (
        (
            Run(besides=Besides(data_rows=1000, conflicting_rows=5, repeated_rows=5)),
            Run(besides=Besides(data_rows=1000, conflicting_rows=4, repeated_rows=5)),
        ),
        # a text may have two translations
        (
            Run(besides=Besides(data_rows=1000, conflicting_rows=5)),
            Run(outcomes={"scored": 1000}, besides=Besides(task="translation", data_rows=1000, conflicting_rows=5)),
        ),
    ),
    "repeated_rows": (
        (Run(besides=Besides(data_rows=1000, repeated_rows=10)), Run(besides=Besides(data_rows=1000, repeated_rows=9))),
        (
            Run(outcomes={"scored": 1000}, besides=Besides(task="qa", data_rows=1000, repeated_rows=10)),
            Run(outcomes={"scored": 1000}, besides=Besides(task="qa", data_rows=1000, repeated_rows=9)),
        ),
        # one prompt before many targets is many rows, for the target is part of what is asked
        (
            Run(outcomes={"scored": 1000}, besides=Besides(task="perplexity", data_rows=1000, repeated_rows=900, conflicting_rows=890)),
            Run(outcomes={"scored": 1000}, besides=Besides(task="perplexity", data_rows=1000, repeated_rows=900, conflicting_rows=891)),
        ),
    ),
    "label_without_rows": (
        (Run(labels=(*LABELS, "junk")), Run(labels=(*LABELS, "junk"), counts={**GOOD, ("junk", "junk"): 1})),
        # not while nothing is there at all, nor where the rows of one label alone have a warning of their own
        (Run(labels=(*LABELS, "junk")), Run(labels=(*LABELS, "junk"), counts={})),
        (Run(labels=(*LABELS, "junk")), Run(counts={("ham", "ham"): 1000})),
    ),
    "label_mass_low": ((probabilities(low_mass=51), probabilities(low_mass=50)),),
    "probabilities_saturated": (
        (probabilities(saturated=501, saturated_wrong=6), probabilities(saturated=500, saturated_wrong=6)),
        (probabilities(saturated=1000, saturated_wrong=11), probabilities(saturated=1000, saturated_wrong=10)),
    ),
    "probabilities_missing": ((probabilities(rows=989, without=11), probabilities(rows=990, without=10)),),
    "bent_logprobs": (
        (
            Run(metrics={"log_loss": metric(0.3, 0.2, 0.4)}, besides=Besides(bent={"top_p": 0.9})),
            Run(metrics={"log_loss": metric(0.3, 0.2, 0.4)}),
        ),
        # nothing rests on them
        (
            text_run("generation", {"generated_nll": metric(0.3, 0.29, 0.31)}, bent={"top_p": 0.9}, scored=1000),
            text_run("generation", {"rougeL": metric(0.3, 0.29, 0.31)}, bent={"top_p": 0.9}, scored=1000),
        ),
    ),
    "undecided_gate": (
        (gated("accuracy >= 0.92"), gated("accuracy >= 0.91")),
        (gated("accuracy >= 0.94"), gated("accuracy >= 0.95")),
        (gated("accuracy >= 0.92"), gated("accuracy.ci_low >= 0.92")),
        # a share of these very rows is what it is
        (
            gated("accuracy >= 0.92"),
            Run(metrics={"parse_rate": metric(0.93, 0.91, 0.95)}, besides=Besides(gates=[parse_gate("parse_rate >= 0.92")])),
        ),
    ),
    "few_rows": (
        (
            Run(counts={("ham", "ham"): 65, ("spam", "spam"): 52, ("spam", "ham"): 13}),
            Run(counts={("ham", "ham"): 75, ("spam", "spam"): 60, ("spam", "ham"): 15}),
        ),
        # the label that counts has forty rows among a thousand; and ninety
        (Run(metrics={"recall": metric(0.8, 0.65, 0.9, 40)}), Run(metrics={"recall": metric(0.8, 0.7, 0.87, 90)})),
        (
            text_run("translation", {"bleu": metric(30.0, 24.9, 35.0)}, scored=1000),
            text_run("translation", {"bleu": metric(30.0, 25.0, 35.0)}, scored=1000),
        ),
        (
            text_run("perplexity", {"perplexity": metric(20.0, 17.9, 22.0)}, scored=1000),
            text_run("perplexity", {"perplexity": metric(20.0, 18.0, 22.0)}, scored=1000),
        ),
    ),
}

CASES = [pytest.param(kind, bad, near, id=f"{kind}-{number}") for kind, pairs in TABLE.items() for number, (bad, near) in enumerate(pairs)]


@pytest.mark.parametrize(("kind", "bad", "near"), CASES)
def test_each_warning_is_given_where_it_must_be_and_not_just_beside_it(kind: str, bad: Run, near: Run) -> None:
    assert kind in bad.kinds()
    assert kind not in near.kinds()


def test_every_kind_there_is_has_its_place_and_its_runs() -> None:
    assert len(set(HARM)) == len(HARM)
    assert {*TABLE, *FOUND_ELSEWHERE} == set(HARM) >= kinds_in_the_code()


def kinds_in_the_code() -> set[str]:
    """What stands in a call of `warning`, or beside "message" in a dictionary, anywhere in the package."""
    kinds = set[str]()
    for path in Path(evalsvc.__path__[0]).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name(id="warning"), args=[ast.Constant(value=str(kind)), *_]):
                    kinds.add(kind)
                case ast.Dict(keys=[ast.Constant(value="kind"), ast.Constant(value="message"), ast.Constant(value="evidence")]) as found:
                    if isinstance(found.values[0], ast.Constant):
                        kinds.add(str(found.values[0].value))
    return kinds


def test_the_search_for_kinds_finds_those_of_both_forms() -> None:
    assert {"hidden_class", "few_groups"} <= kinds_in_the_code()


@pytest.mark.parametrize(("kind", "bad", "near"), CASES)
def test_every_warning_says_what_to_do_in_one_sentence_and_shows_its_evidence(kind: str, bad: Run, near: Run) -> None:
    [found] = [found for found in bad.found() if found["kind"] == kind][:1]
    assert found["evidence"]
    assert re.search(r"; \w|, so |: their answers", found["message"]), found["message"]
    assert not re.search(r"\. [A-Z]|\.$|  |None|nan|inf\b", found["message"]), found["message"]


def test_a_good_run_is_not_warned_of() -> None:
    assert Run().kinds() == []
    assert text_run("summarization", {"rouge1": metric(0.4, 0.38, 0.42)}, scored=1000).kinds() == []


def test_a_run_without_rows_is_not_warned_of() -> None:
    assert Run(counts={}).kinds() == []


def test_ninety_eight_percent_accuracy_that_finds_twelve_percent_of_a_class_is_called_what_it_is() -> None:
    found = {one["kind"]: one for one in TABLE["hidden_class"][0][0].found()}
    assert found["hidden_class"]["message"].startswith(
        "not fit for production: the model misses 88 of 100 `spam` (176 of 200 rows), and accuracy 0.982 hides it; gate on"
    )
    assert found["hidden_class"]["evidence"] == {"accuracy": 0.9824, "recall": {"spam": 0.12}}
    assert "98 % of the rows are `ham`: always answering `ham` would reach that" in found["class_imbalance"]["message"]
    assert next(iter(found)) == "hidden_class"


def test_a_label_that_is_missed_is_not_called_a_question_of_precision_too() -> None:
    for bad, _ in (*TABLE["hidden_class"], *TABLE["weak_class"]):
        assert not {"hidden_class", "weak_class"} <= set(bad.kinds())
        assert "precision_recall_apart" not in bad.kinds()


def test_a_data_set_of_one_label_has_one_warning_that_says_so() -> None:
    [only] = Run(counts={("ham", "ham"): 900, ("ham", "spam"): 100}).found()
    assert only["kind"] == "class_imbalance"
    assert only["message"].startswith("100 % of the rows are `ham`")
    assert only["message"].endswith("add rows of the other labels: of those nothing is measured")


def test_probabilities_that_are_sure_throughout_are_traced_to_where_they_come_from() -> None:
    [throughout] = probabilities(saturated=1000, saturated_wrong=60).found()
    [half] = probabilities(saturated=600, saturated_wrong=60).found()
    assert "temperature 1" in throughout["message"]
    assert "surer than it is good" in half["message"]


def test_what_is_counted_is_named_where_it_is_not_all_rows() -> None:
    counted = {"recall": "40 rows of the positive label leave", "precision": "40 answers with the positive label leave"}
    for name, words in counted.items():
        [few] = Run(metrics={name: metric(0.8, 0.6, 0.9, 40)}).found()
        assert few["message"].startswith(words)
    [gate] = Run(metrics={"recall": metric(0.95, 0.87, 0.98, 64)}, besides=Besides(gates=[parse_gate("recall >= 0.9")])).found()
    assert "64 rows of the positive label cannot tell" in gate["message"]


def test_what_the_model_is_too_eager_or_too_shy_with_is_said() -> None:
    eager, _, shy = (bad.found()[0]["message"] for bad, _ in TABLE["precision_recall_apart"])
    assert eager.startswith(
        "the model is too eager with `spam`: it is answered 1.6 times as often as there are rows of it, and 39 of 100 of"
    )
    assert shy.startswith("the model is too shy of `spam`: it is answered 0.72 times as often as there are rows of it, and 29 of 100 of")


def test_few_rows_are_warned_of_with_what_they_leave_open_and_how_many_it_takes() -> None:
    [forty] = [
        one for one in Run(counts={("ham", "ham"): 20, ("spam", "spam"): 18, ("spam", "ham"): 2}).found() if one["kind"] == "few_rows"
    ]
    assert "40 rows leave accuracy anywhere between 0.83 and 0.99" in forty["message"]
    assert f"for ± 0.05 about {forty['evidence']['rows_needed']} such rows are needed" in forty["message"]


def test_so_many_rows_do_make_the_interval_as_narrow() -> None:
    from evalsvc.metrics import wilson

    low, high = wilson(80, 100)
    needed = rows_needed(100, high - low, 0.1)
    low, high = wilson(0.8 * needed, needed)
    assert high - low == pytest.approx(0.1, rel=0.01)


def test_of_several_gates_that_are_open_the_one_that_passes_is_named_and_the_others_counted() -> None:
    gates = [parse_gate(f"accuracy {rest}") for rest in (">= 0.94", ">= 0.92", "<= 0.935", ">= 0.5")]
    [found] = Run(metrics={"accuracy": metric(0.93, 0.91, 0.95)}, besides=Besides(gates=gates)).found()
    assert found["message"] == (
        "the gate accuracy >= 0.92 passes at 0.93, but 1,000 rows cannot tell: the 95 % interval goes from 0.91 to 0.95; about 4,000 such "
        "rows would tell, or gate on accuracy.ci_low; 2 other gates are as open"
    )
    assert [gate["rows_needed"] for gate in found["evidence"]["gates"]] == [4000, 4000, 16_000]


def test_cut_replies_are_counted_with_and_without_a_label() -> None:
    tally = tally_of(LABELS, {**GOOD, ("ham", "truncated"): 3})
    cut = score("spam", "spam", LABELS)
    tally.update(Score(id="2", repeat=0, target="spam", prediction="spam", outcome=cut.outcome, rule="word", cut=True))
    found = warnings_for(tally, classification_metrics(tally, ok=1004, expected=1004), per_class(tally))
    assert [one["evidence"] for one in found] == [{"truncated": 3, "cut_with_label": 1}]


def test_rows_without_an_answer_are_counted_by_reason() -> None:
    found = {one["kind"]: one for one in Run(counts={**GOOD, ("ham", "refused"): 1, ("ham", "filtered"): 2, ("spam", "error"): 3}).found()}
    assert {kind: found[kind]["evidence"]["rows"] for kind in ("refused", "filtered", "error")} == {"refused": 1, "filtered": 2, "error": 3}
    assert "--retry-failed" in found["error"]["message"]


@pytest.mark.parametrize(
    ("task", "counted"),
    [
        ("qa", "counted as wrong"),
        ("summarization", "measured as empty answers"),
        ("perplexity", "in no number"),
        ("regression", "in no number"),
        ("judge", "in no number"),
    ],
)
def test_what_becomes_of_rows_without_an_answer_is_said_for_each_task(task: str, counted: str) -> None:
    [found] = text_run(task, scored=900, error=100).found()
    assert f"ended in an error and {counted}: 100 rows, 10 % of all" in found["message"]


def test_rows_over_which_a_scorer_failed_are_no_errors_of_the_endpoint() -> None:
    tally = OutcomeTally(counts={Outcome.ERROR.value: 5, Outcome.SCORED.value: 95})
    assert warnings_for(tally, {}, {}, scorer_failed=5) == []


def test_warnings_come_in_one_order_the_most_harmful_first() -> None:
    bad: Counts = {("ham", "ham"): 28, ("spam", "ham"): 2, ("ham", "unparsed"): 2, ("ham", "truncated"): 1, ("ham", "error"): 1}
    expected = ["predicts_one_class", "class_imbalance", "error", "unparsed", "truncated", "label_without_rows", "few_rows"]
    for counts in (bad, dict(reversed(list(bad.items())))):
        assert Run(counts=counts, labels=(*LABELS, "junk")).kinds() == expected
    found = Run(counts=bad).found()
    unknown: RunWarning = {"kind": "of tomorrow", "message": "", "evidence": {}}
    assert ordered([unknown, *reversed(found)]) == [*found, unknown]


@pytest.mark.parametrize(("share", "rows"), [(0.9, 5), (0.9, 50), (0.98, 200), (0.5, 30)])
def test_what_is_called_no_accident_is_one(share: float, rows: int) -> None:
    """Against the exact binomial tail: never more than one time in twenty."""
    from scipy.stats import binom

    called = [hits for hits in range(rows + 1) if is_no_accident(hits, rows, share)]
    assert called
    assert binom.cdf(max(called), rows, share) <= 0.05
    assert binom.cdf(max(called), rows, share) > 0.0001
