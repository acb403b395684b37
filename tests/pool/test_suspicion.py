"""Failures that may mean that every row would fail alike."""

from collections.abc import Mapping

from evalsvc.endpoint.answer import Action, Failure
from evalsvc.errors import CredentialsRefused, UsageError
from evalsvc.pool.job import Job
from evalsvc.pool.suspicion import ALIKE_AT_START, Doubt, FirstRows, Verdict, stop_error
from tests.pool.servers import request


def job(number: int = 0) -> Job:
    return Job(request(number), arrived_at=0.0)


def bad(kind: str = "invalid_request", *, http: int | None = 400, code: str | None = None, param: str | None = None) -> Failure:
    return Failure(kind=kind, action=Action.FAIL_ROW, http=http, code=code, message="no such thing", param=param)


def refusal() -> Failure:
    return Failure(
        kind="auth", action=Action.CONFIRM, http=401, code=None, message="bad key", stop=CredentialsRefused, hint="set OPENAI_API_KEY"
    )


def first_rows(paths: Mapping[str, str] | None = None) -> FirstRows:
    return FirstRows(lambda path: f"{path} (eval.yaml, line 9)", paths or {})


def test_the_twentieth_row_that_fails_alike_stops_the_run() -> None:
    subject = first_rows()
    verdicts = [subject.on_failure(job(number), bad()) for number in range(ALIKE_AT_START)]
    assert verdicts == [Verdict.HOLD] * (ALIKE_AT_START - 1) + [Verdict.STOP]
    assert "20 rows" in subject.error().message
    assert "no such thing" in subject.error().message


def test_rows_that_fail_differently_fail_for_themselves() -> None:
    subject = first_rows()
    subject.on_failure(job(), bad())
    assert subject.on_failure(job(), bad(code="other")) is Verdict.WRITE
    assert len(subject.release()) == 1
    assert all(subject.on_failure(job(), bad()) is Verdict.WRITE for _ in range(50))


def test_a_success_gives_the_held_rows_their_final_word() -> None:
    subject, held = first_rows(), job()
    subject.on_failure(held, bad())
    assert [row for row, _ in subject.on_success()] == [held]
    assert all(subject.on_failure(job(), bad()) is Verdict.WRITE for _ in range(50))


def test_filtered_rows_are_never_held_against_the_config() -> None:
    subject = first_rows()
    assert all(subject.on_failure(job(), bad("content_filter")) is Verdict.WRITE for _ in range(50))


def test_failures_without_a_4xx_are_never_held_against_the_config() -> None:
    subject = first_rows()
    assert all(subject.on_failure(job(), bad(http=http)) is Verdict.WRITE for http in (None, 200, 500) * 10)


def test_a_400_that_names_a_parameter_of_the_config_stops_at_the_first_row() -> None:
    subject = first_rows({"top_logprobs": "model.params.top_logprobs"})
    assert subject.on_failure(job(), bad(param="top_logprobs")) is Verdict.STOP
    error = subject.error()
    assert isinstance(error, UsageError)
    assert "`top_logprobs`" in error.message
    assert "model.params.top_logprobs (eval.yaml, line 9)" in (error.hint or "")


def test_a_400_that_names_something_of_the_row_does_not() -> None:
    subject = first_rows({"top_logprobs": "model.params.top_logprobs"})
    assert subject.on_failure(job(), bad(param="messages[0].content")) is Verdict.HOLD


def test_one_refusal_only_raises_a_doubt() -> None:
    subject = Doubt()
    assert subject.on_refusal(job(), refusal(), started_at=1.0, now=2.0) is Verdict.HOLD
    assert subject.open


def test_a_refusal_of_another_row_sent_later_confirms_it() -> None:
    subject = Doubt()
    subject.on_refusal(job(0), refusal(), started_at=1.0, now=2.0)
    assert subject.on_refusal(job(1), refusal(), started_at=2.0, now=3.0) is Verdict.STOP


def test_refusals_of_rows_sent_earlier_confirm_nothing_and_are_asked_again() -> None:
    subject, suspect, bystander = Doubt(), job(0), job(1)
    subject.on_refusal(suspect, refusal(), started_at=1.0, now=2.0)
    assert subject.on_refusal(bystander, refusal(), started_at=1.5, now=2.5) is Verdict.HOLD
    alone, others = subject.settle()
    assert alone is not None
    assert alone[0] is suspect
    assert others == [bystander]
    assert not subject.open


def test_a_doubt_settled_twice_gives_nothing_the_second_time() -> None:
    subject = Doubt()
    subject.on_refusal(job(), refusal(), started_at=1.0, now=2.0)
    subject.settle()
    assert subject.settle() == (None, [])


def test_what_stops_the_run_is_the_class_that_the_failure_names() -> None:
    error = stop_error(refusal())
    assert isinstance(error, CredentialsRefused)
    assert (error.message, error.hint) == ("bad key", "set OPENAI_API_KEY")
