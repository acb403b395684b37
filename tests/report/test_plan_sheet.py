"""What `plan --ask` shows of the rows that it asked."""

import io

import pytest

from evalsvc.report.plan import Asked, PlanSheet, Span, print_plan

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


@pytest.mark.parametrize("width", [80, 120])
def test_labels_and_outcomes_stand_whole_and_long_texts_give_way_to_them(width: int) -> None:
    screen = io.StringIO()
    print_plan(SHEET, stdout=screen, environ={"COLUMNS": str(width)}, next_steps=())
    row = screen.getvalue().splitlines()[2]
    assert row.startswith("  truncated  positive  negative   a long")
    assert len(row) <= width
