"""What becomes of a failed row, as one table; and the heap in which rows wait."""

import pytest

from evalsvc.endpoint.answer import Action, Failure
from evalsvc.pool.delayed import DelayHeap
from evalsvc.pool.job import Job
from evalsvc.pool.retry import Again, Final, PutAside, RetryPolicy, decide
from tests.pool.servers import request

POLICY = RetryPolicy(max_retries=3, row_deadline_s=100.0)


def decided(
    action: Action,
    *,
    retries: int = 0,
    charged_s: float = 0.0,
    outage: bool = False,
    last_try: bool = False,
    jitter: float = 0.5,
    retry_after_s: float | None = None,
) -> Again | PutAside | Final:
    failure = Failure(kind="server_error", action=action, http=500, code=None, message="", retry_after_s=retry_after_s)
    return decide(failure, retries=retries, charged_s=charged_s, policy=POLICY, outage=outage, last_try=last_try, jitter=jitter)


# (what is known of the row, what becomes of it)
TABLE = [
    (decided(Action.RETRY), Again(wait_s=0.25, charged=True)),
    (decided(Action.RETRY, retries=2), Again(wait_s=1.0, charged=True)),
    (decided(Action.RETRY, retries=3), PutAside()),
    (decided(Action.RETRY, retries=3, last_try=True), Final(kind="server_error")),
    (decided(Action.RETRY, last_try=True), Final(kind="server_error")),
    (decided(Action.RETRY, charged_s=100.0), Final(kind="deadline")),
    (decided(Action.RETRY, charged_s=99.9), Again(wait_s=0.25, charged=True)),
    (decided(Action.RETRY, retries=3, charged_s=100.0), Final(kind="deadline")),
    (decided(Action.RETRY, retries=9, charged_s=999.0, outage=True), Again(wait_s=0.25, charged=False)),
    (decided(Action.RETRY, last_try=True, outage=True), Again(wait_s=0.25, charged=False)),
    (decided(Action.WAIT), Again(wait_s=0.25, charged=False)),
    (decided(Action.WAIT, retries=9, charged_s=999.0, last_try=True), Again(wait_s=0.25, charged=False)),
    (decided(Action.FAIL_ROW), Final(kind="server_error")),
    (decided(Action.FAIL_ROW, outage=True), Final(kind="server_error")),
]


@pytest.mark.parametrize(("step", "expected"), TABLE)
def test_every_case_of_the_table(step: Again | PutAside | Final, expected: Again | PutAside | Final) -> None:
    assert step == expected


@pytest.mark.parametrize("retries", range(12))
def test_back_off_has_full_jitter_and_is_bounded(retries: int) -> None:
    policy = RetryPolicy(max_retries=20, row_deadline_s=1e9)
    failure = Failure(kind="reset", action=Action.RETRY, http=None, code=None, message="")

    def wait_s(jitter: float) -> float:
        step = decide(failure, retries=retries, charged_s=0.0, policy=policy, outage=False, last_try=False, jitter=jitter)
        assert isinstance(step, Again)
        return step.wait_s

    assert wait_s(0.0) == 0.0
    assert wait_s(0.5) == pytest.approx(min(0.5 * 2**retries, 60.0) / 2)


def test_a_server_that_names_a_time_with_its_error_is_not_asked_earlier() -> None:
    assert decided(Action.RETRY, retry_after_s=20.0) == Again(wait_s=20.0, charged=True)


def test_rows_come_back_when_they_are_due_the_earliest_first() -> None:
    heap, (first, second, third) = DelayHeap(), [Job(request(number), arrived_at=0.0) for number in range(3)]
    heap.push(2.0, second)
    heap.push(1.0, first)
    heap.push(2.0, third)
    assert heap.wait_s(0.5) == pytest.approx(0.5)
    assert heap.pop_due(0.9) is None
    assert [heap.pop_due(2.0) for _ in range(4)] == [first, second, third, None]
    assert heap.wait_s(2.0) == float("inf")
