"""The numbers that are shown while a run goes on."""

from pathlib import Path

import pytest

from evalsvc.config import EvalConfig, StopIf
from evalsvc.metrics.intervals import wilson
from evalsvc.metrics.tally import ConfusionTally
from evalsvc.pipeline.live import Live
from evalsvc.pool import Counters, PoolView
from evalsvc.records import Progress, Record, Reply, RowError, Usage
from evalsvc.scoring.tasks import make_scorer

LABELS = ("spam", "ham")
CONFIG = EvalConfig.model_validate(
    {
        "name": "n",
        "dataset": {"path": "d.jsonl"},
        "model": {"name": "m", "price": {"input": 1, "output": 2}},
        "scoring": {"labels": list(LABELS)},
        "base_dir": Path(),
    }
)


def watching(*, expected: int = 100, done: int = 0, failed: int = 0, confusion: ConfusionTally | None = None) -> Live:
    empty = ConfusionTally.empty(LABELS)
    return Live(CONFIG, make_scorer(CONFIG, LABELS), confusion or empty, expected=expected, done=done, failed=failed, now=0.0)


def seen(live: Live, at: float, *, counters: Counters | None = None) -> Progress:
    view = PoolView(in_flight=3, limit=8, delayed=1, waiting_for=None)
    return live.progress(at, view, counters or Counters(), accepted=live.rows, durable=live.rows)


def answer(output: str | None, *, latency_s: float = 0.2, finish_reason: str = "stop") -> Record:
    failed = output is None
    return Record(
        id="1",
        repeat=0,
        row_hash=bytes(8),
        key="0" * 32,
        target="spam",
        messages=None,
        reply=None if failed else Reply(output=output, finish_reason=finish_reason, usage=None, latency_s=latency_s),
        error=RowError(kind="invalid_request", http=422, code=None, message="no") if failed else None,
        attempts=1,
        waited_s=0.0,
        at="2026-11-20T02:13:44.120Z",
    )


def test_before_the_first_answer_nothing_is_known_and_nothing_is_zero_by_accident() -> None:
    progress = seen(watching(), 1.0)
    assert (progress.done, progress.rows_per_s) == (0, 0.0)
    assert (progress.eta_s, progress.accuracy, progress.p50_s) == (None, None, None)


def test_accuracy_has_errors_in_its_denominator_and_the_interval_of_the_final_number() -> None:
    live = watching()
    live.take([answer("spam"), answer("spam"), answer("ham"), answer(None)])
    progress = seen(live, 1.0)
    assert progress.accuracy == 0.5
    assert (progress.accuracy_low, progress.accuracy_high) == wilson(2, 4)
    assert (progress.done, progress.errors, progress.launch_done) == (4, 1, 4)


def test_rows_of_earlier_launches_are_done_and_counted_but_not_in_the_rate() -> None:
    confusion = ConfusionTally.empty(LABELS)
    scorer = make_scorer(CONFIG, LABELS)
    for _ in range(3):
        confusion.update(scorer.score(answer("ham")))
    live = watching(done=30, failed=2, confusion=confusion)
    live.take([answer("spam")])
    progress = seen(live, 2.0)
    assert (progress.done, progress.errors, progress.launch_done) == (31, 2, 1)
    assert progress.accuracy == 0.25
    assert progress.rows_per_s == 0.5
    assert progress.eta_s == pytest.approx(69 / 0.5)


def test_the_rate_is_that_of_the_last_seconds() -> None:
    live = watching(expected=10_000)
    live.take([answer("spam")] * 1000)
    for second in range(1, 40):
        live.take([answer("spam")] * 10)
        progress = seen(live, float(second))
    assert progress.rows_per_s == pytest.approx(10.0)


def test_money_is_that_of_everything_sent_retries_included() -> None:
    counters = Counters()
    counters.spend(Usage(input=2_000_000, output=500_000))
    assert seen(watching(), 1.0, counters=counters).cost_usd == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("unusable", "hopeless"),
    [(["no idea"] * 4, True), ([None] * 4, True), (["no idea"] * 3 + ["spam"], True), (["no idea"] * 2 + ["ham"] * 2, False)],
)
def test_a_run_is_hopeless_when_more_than_the_allowed_share_is_unusable(unusable: list[str | None], hopeless: bool) -> None:
    live = watching()
    live.take([answer(output) for output in unusable])
    assert (live.is_hopeless(StopIf(unusable_share=0.5, after=4)) is not None) == hopeless


def test_nothing_is_hopeless_before_enough_rows_or_without_stop_if() -> None:
    live = watching()
    live.take([answer("no idea")] * 3)
    assert live.is_hopeless(StopIf(unusable_share=0.5, after=4)) is None
    assert live.is_hopeless(None) is None
