"""The buckets in a time of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.sandbox.limits import Bucket, Limits
from evalsvc.sandbox.server import limits
from evalsvc.sandbox.settings import SandboxSettings
from evalsvc.sandbox.wire import Declined, WireError


def refused(given: Limits, now: float, tokens: int = 1) -> WireError | None:
    try:
        given.admit(tokens, now)
    except Declined as declined:
        return declined.error
    return None


@given(gaps_s=st.lists(st.floats(0, 3), max_size=200), rps=st.floats(0.5, 50), burst=st.floats(1, 100))
def test_never_more_than_the_burst_and_the_pace_are_admitted(gaps_s: list[float], rps: float, burst: float) -> None:
    given = limits(SandboxSettings(rps=rps, burst=burst), 0.0)
    now, admitted = 0.0, 0
    for gap_s in gaps_s:
        now += gap_s
        admitted += refused(given, now) is None
        assert admitted <= burst + rps * now + 1e-6


def test_a_refused_call_may_come_again_when_it_was_told_to() -> None:
    given = limits(SandboxSettings(rps=2, burst=1), 0.0)
    assert refused(given, 0.0) is None
    error = refused(given, 0.25)
    assert error is not None
    assert (error.status, error.code, error.type) == (429, "rate_limit_exceeded", "requests")
    assert error.headers == {"retry-after": "1", "retry-after-ms": "250"}
    assert refused(given, 0.5) is None


def test_a_call_refused_for_its_tokens_costs_no_request() -> None:
    given = limits(SandboxSettings(rps=1, burst=2, tpm=60, token_burst=10), 0.0)
    assert refused(given, 0.0, tokens=10) is None
    error = refused(given, 0.0, tokens=4)
    assert error is not None
    assert (error.type, error.headers["retry-after"]) == ("tokens", "4")
    assert given.headers(0.0)["x-ratelimit-remaining-requests"] == "1"


def test_a_call_larger_than_the_bucket_passes_when_it_is_full() -> None:
    given = limits(SandboxSettings(tpm=60), 0.0)
    assert refused(given, 0.0, tokens=1000) is None
    assert refused(given, 59.0, tokens=1000) is not None
    assert refused(given, 60.0, tokens=1000) is None


def test_every_limit_is_told_in_three_headers() -> None:
    given = limits(SandboxSettings(rpm=120, tpm=6000), 0.0)
    given.admit(100, 0.0)
    assert given.headers(0.0) == {
        "x-ratelimit-limit-requests": "120",
        "x-ratelimit-remaining-requests": "1",
        "x-ratelimit-reset-requests": "500ms",
        "x-ratelimit-limit-tokens": "6000",
        "x-ratelimit-remaining-tokens": "5900",
        "x-ratelimit-reset-tokens": "1s",
    }


def test_a_server_may_keep_its_limits_to_itself() -> None:
    given = limits(SandboxSettings(rpm=60, retry_after=False, ratelimit_headers=False), 0.0)
    assert refused(given, 0.0) is None
    error = refused(given, 0.0)
    assert error is not None
    assert error.headers == {}
    assert given.headers(0.0) == {}


def test_without_limits_nothing_is_refused_or_told() -> None:
    given = limits(SandboxSettings(), 0.0)
    assert all(refused(given, 0.0, tokens=10**9) is None for _ in range(1000))
    assert given.headers(0.0) == {}


@pytest.mark.parametrize(
    ("settings", "burst"), [(SandboxSettings(rpm=30), 1), (SandboxSettings(rps=7), 7), (SandboxSettings(rpm=600, burst=3), 3)]
)
def test_the_burst_is_a_seconds_worth_unless_told(settings: SandboxSettings, burst: float) -> None:
    given = limits(settings, 0.0)
    assert sum(refused(given, 0.0) is None for _ in range(20)) == burst


def test_a_bucket_does_not_overflow() -> None:
    bucket = Bucket.full("requests", 60, 5, 0.0)
    bucket.fill(1e9)
    assert bucket.level == 5
