"""The arithmetic of a plan: what it says before there is an answer, and what answers change."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import EvalConfig, Price
from evalsvc.pipeline.history import History, Ratio, spent_before
from evalsvc.pipeline.planning import ASSUMED_LATENCY_S, Forecast, Lengths, doubt, forecast, refusal
from evalsvc.records import Request, Usage
from evalsvc.report.plan import Span
from tests.faults.promises import promise
from tests.scoring.records import answered


def config(**changes: Any) -> EvalConfig:
    model = {"name": "m", "max_output_tokens": 5, "price": {"input": 1.0, "output": 2.0}, **changes.pop("model", {})}
    return EvalConfig.model_validate({"name": "n", "dataset": {"path": "d"}, "model": model, "base_dir": Path(), **changes})


REQUEST = Request(id="r", repeat=0, row_hash=bytes(8), key="", target=None, messages=b"hi", body=b"", input_tokens_estimate=1)


def lengths(rows: int = 100, *, estimate: int = 10, size: int = 40) -> Lengths:
    request = Request(
        id="r", repeat=0, row_hash=bytes(8), key="", target=None, messages=b" " * size, body=b"", input_tokens_estimate=estimate
    )
    return Lengths.of(iter([request] * rows))


def ahead(config: EvalConfig, history: History | None = None, *, to_ask: int = 100, spent: Usage | None = None) -> Forecast:
    return forecast(config, lengths(min(to_ask, 100)), history or History(), rows=to_ask, done=0, to_ask=to_ask, spent=spent or Usage())


def pairs(n: int, x: float, y: float) -> Ratio:
    return Ratio.of([(x, y)] * n)


def test_rows_without_an_answer_to_judge_need_no_request_and_no_history_is_made_of_them() -> None:
    looked = Lengths.of(iter([REQUEST, None, REQUEST, None]))
    assert (looked.rows, looked.requests_of(1000)) == (2, 500)
    record = answered("1", finish_reason="not_asked")
    assert record.reply is not None
    unasked = replace(record, reply=replace(record.reply, usage=Usage()))
    assert History.of([unasked]) == History()
    assert History.of([replace(unasked, reply=replace(record.reply, usage=Usage(), finish_reason="stop"))]).answers == 1


def test_before_any_answer_input_is_four_bytes_a_token_and_output_is_what_the_model_may_write() -> None:
    plan = ahead(config())
    assert plan.input == Span(low=600, likely=1000, high=2000)
    assert plan.output == Span(low=100, likely=500, high=500)
    assert plan.usd is not None
    assert (plan.usd.low, plan.usd.likely, plan.usd.high) == pytest.approx((0.0008, 0.002, 0.003))


def test_without_a_limit_nobody_knows_the_most_that_a_run_may_cost() -> None:
    plan = ahead(config(model={"max_output_tokens": None}))
    assert plan.output.high is None
    assert plan.usd is not None
    assert plan.usd.high is None


def test_answers_replace_guesses_and_the_more_there_are_the_surer_it_is() -> None:
    def measured(n: int) -> History:
        return History(answers=n, input_per_byte=pairs(n, 40, 20), output_per_answer=pairs(n, 1, 2), latency_s=pairs(n, 1, 0.5))

    few, many = ahead(config(), measured(10)), ahead(config(), measured(1000))
    assert few.input.likely == many.input.likely == 2000
    assert few.output.likely == many.output.likely == 200
    assert many.input.high is not None
    assert few.input.high is not None
    assert few.input.low < many.input.low < 2000 < many.input.high < few.input.high
    assert (many.pace.latency_s, many.pace.measured) == (0.5, True)


def test_where_the_journal_keeps_no_prompts_input_goes_by_the_mean_answer() -> None:
    plan = ahead(config(), History(answers=50, input_per_answer=pairs(50, 1, 31), output_per_answer=pairs(50, 1, 1)))
    assert plan.input.likely == 3100


def test_output_is_never_more_than_the_model_may_write() -> None:
    plan = ahead(config(), History(answers=3, input_per_answer=pairs(3, 1, 1), output_per_answer=Ratio.of([(1, 1), (1, 5), (1, 5)])))
    assert plan.output.high == 500


def test_a_sample_of_the_rows_speaks_for_all_of_them_less_surely() -> None:
    request = lengths().messages
    mixed = Lengths(rows=100, estimate=1000, messages=Ratio.of([(1, 20), (1, 60)] * 50))
    assert request.error < mixed.messages.error
    plan = forecast(config(), mixed, History(), rows=10_000, done=0, to_ask=10_000, spent=Usage())
    assert plan.input.likely == 100_000
    assert plan.input.low < 60_000


@pytest.mark.parametrize(
    ("limits", "seconds", "set_by"),
    [
        ({"concurrency": 10}, 10 * ASSUMED_LATENCY_S, "limits.concurrency"),
        ({"requests_per_minute": 20}, 300, "limits.requests_per_minute"),
        ({"tokens_per_minute": 150}, 600, "limits.tokens_per_minute"),
        ({"requests_per_minute": 20, "tokens_per_minute": 150_000}, 300, "limits.requests_per_minute"),
    ],
)
def test_the_slowest_limit_sets_the_pace(limits: dict[str, int], seconds: float, set_by: str) -> None:
    pace = ahead(config(limits=limits)).pace
    assert (pace.seconds, pace.set_by) == (seconds, set_by)


@promise("9.1")
def test_a_budget_that_cannot_reach_to_the_end_is_refused_with_both_numbers_and_what_would_fit() -> None:
    error = refusal(ahead(config(budget={"tokens": 650})))
    assert error is not None
    assert error.exit_code == 11
    assert "650 tokens" in error.message
    assert "700 tokens" in error.message
    assert error.hint is not None
    assert "budget.tokens to 2,500 tokens" in error.hint
    assert "--limit 26" in error.hint


def test_a_budget_that_may_do_is_not_refused_but_noted_and_one_that_will_do_is_neither() -> None:
    doubtful, enough = ahead(config(budget={"tokens": 2000})), ahead(config(budget={"tokens": 2500}))
    assert (refusal(doubtful), refusal(enough)) == (None, None)
    assert [cover.line.verdict for cover in (*doubtful.covers, *enough.covers)] == ["doubtful", "enough"]
    assert "up to 2,500 tokens" in doubt(doubtful.covers[0])


def test_what_was_paid_before_is_left_out_of_what_is_left() -> None:
    plan = ahead(config(budget={"usd": 0.002}), spent=Usage(input=1500))
    assert plan.covers[0].left == pytest.approx(0.0005)
    assert refusal(plan) is not None


def test_a_complete_run_needs_nothing() -> None:
    plan = forecast(config(budget={"tokens": 0}), lengths(0), History(), rows=5, done=5, to_ask=0, spent=Usage(input=9))
    assert (plan.input.high, plan.output.high, plan.pace.seconds) == (0, 0, 0)
    assert refusal(plan) is None


def test_a_price_of_zero_is_no_missing_price() -> None:
    assert ahead(config(model={"price": Price(input=0.0, output=0.0)})).usd == Span(low=0, likely=0, high=0)


@promise("9.1")
def test_what_was_paid_is_what_the_better_witness_says(tmp_path: Path) -> None:
    journal = tmp_path / "predictions.jsonl"
    events: list[dict[str, Any]] = [
        {"event": "launch"},
        {"event": "counters", "spent": {"input": 10, "output": 1}},
        {"event": "counters", "spent": {"input": 30, "output": 3}},
        {"event": "launch"},
        {"event": "counters", "spent": {"input": 5, "output": 1}},
    ]
    assert spent_before(journal, events) == Usage(input=35, output=4)
    in_a_message = b'{"messages":[{"usage":{"input":7,"output":7,"cached":0,"reasoning":0}}],'
    line = in_a_message + b'"usage":{"input":20,"output":2,"cached":1,"reasoning":0}}\n'
    journal.write_bytes(line * 2 + b'{"usage":null}\n{"torn')
    assert spent_before(journal, events) == Usage(input=40, output=4, cached=2)
