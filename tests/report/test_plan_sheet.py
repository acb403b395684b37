"""What `plan --ask` shows of the rows that it asked."""

import io
from dataclasses import replace

import pytest

from evalsvc.report.plan import Asked, Estimate, PlanSheet, Span, plan_facts, print_plan

ASKED = Asked(id="1", input="a long question " * 9, reply="a long reply " * 9, extracted="negative", target="positive", outcome="truncated")
NOTHING = Span(low=0, likely=0, high=0)
SHEET = PlanSheet(
    name="x",
    run_dir="runs/x/1",
    model="m",
    endpoint="e",
    rows=1,
    repeats=1,
    done=1,
    to_ask=0,
    looked_at=1,
    answers=1,
    input=NOTHING,
    output=NOTHING,
    output_at_most=None,
    usd=None,
    price_source="none",
    seconds=0,
    set_by="limits.concurrency",
    latency_s=1,
    latency_measured=True,
    runtime_s=None,
    budgets=(),
    asked=(ASKED,),
)


def test_a_metric_with_a_long_name_stands_whole() -> None:
    estimate = Estimate(metric="word_perplexity", value=2.5, low=2.0, high=3.0, rows=7)
    (fact,) = [fact for fact in plan_facts(replace(SHEET, estimate=estimate)) if "so far" in str(fact)]
    assert (fact.label, fact.parts[0].text) == ("metric", "word_perplexity 2.500 [2.000, 3.000]")


def test_rows_without_an_answer_to_judge_are_not_among_those_to_ask() -> None:
    (rows,) = [fact for fact in plan_facts(replace(SHEET, rows=10, done=1, to_ask=6, unasked=3)) if fact.label == "rows"]
    said = [part.text for part in rows.parts]
    assert said == ["10", "1 finished earlier", "6 to ask", "3 without an answer to judge, which cost nothing"]


@pytest.mark.parametrize("width", [80, 120])
def test_labels_and_outcomes_stand_whole_and_long_texts_give_way_to_them(width: int) -> None:
    screen = io.StringIO()
    print_plan(SHEET, stdout=screen, environ={"COLUMNS": str(width)}, next_steps=())
    row = screen.getvalue().splitlines()[2]
    assert row.startswith("  truncated  positive  negative   a long")
    assert len(row) <= width
