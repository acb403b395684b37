"""Durations, Retry-After and rate-limit headers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.endpoint.answer import Allowance
from evalsvc.endpoint.limits import exhausted_reset_s, parse_duration, read_allowance, retry_after_s
from tests.faults.promises import promise

NOW_S = 1_700_000_000.0  # Tue, 14 Nov 2023 22:13:20 GMT


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1.0), ("6m0s", 360.0), ("120ms", 0.12), ("1h2m3.5s", 3723.5), ("7", 7.0), ("0.25", 0.25), (" 3 ", 3.0), ("5.", 5.0),
        ("250µs", 0.00025), ("8.64s", 8.64),
        ("", None), ("soon", None), ("nan", None), ("inf", None), ("-1", None), ("1e9", None), ("1_000", None), ("1s!", None), ("s", None),
        ("2026-11-20T00:00:00Z", None), ("9" * 400, None),
    ],
)  # fmt: skip
def test_durations_as_servers_write_them(text: str, seconds: float | None) -> None:
    assert parse_duration(text) == (None if seconds is None else pytest.approx(seconds))


@promise("10.1")
@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2.0),
        ({"retry-after": "86400"}, 300.0),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after-ms": "odd", "retry-after": "9"}, 9.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT"}, 30.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:50 GMT", "date": "Tue, 14 Nov 2023 22:13:45 GMT"}, 5.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:00:00 GMT"}, 0.0),
        ({"retry-after": "whenever"}, None),
        ({"retry-after": ""}, None),
    ],
)
def test_when_to_come_back(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers, now_s=NOW_S) == seconds


@promise("7.1")
@given(st.text(), st.text(), st.text())
def test_no_header_can_break_the_wait_or_stretch_it(after: str, after_ms: str, date: str) -> None:
    wait_s = retry_after_s({"retry-after": after, "retry-after-ms": after_ms, "date": date}, now_s=NOW_S)
    assert wait_s is None or 0.0 <= wait_s <= 300.0


def test_the_allowance_is_read_as_openai_sends_it() -> None:
    headers = {
        "x-ratelimit-limit-requests": "500", "x-ratelimit-remaining-requests": "499", "x-ratelimit-reset-requests": "120ms",
        "x-ratelimit-limit-tokens": "30000", "x-ratelimit-remaining-tokens": "-12", "x-ratelimit-reset-tokens": "6m0s",
    }  # fmt: skip
    assert read_allowance(headers) == Allowance(
        requests_limit=500.0,
        requests_remaining=499.0,
        requests_reset_s=0.12,
        tokens_limit=30000.0,
        tokens_remaining=0.0,
        tokens_reset_s=360.0,
    )


def test_a_server_without_limits_gives_no_allowance() -> None:
    assert read_allowance({"content-type": "application/json"}) is None


def test_a_reset_given_as_a_point_in_time_is_not_taken_for_a_duration() -> None:
    allowance = read_allowance({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "1700000000"})
    assert allowance == Allowance(requests_remaining=0.0)


def test_only_a_limit_with_nothing_left_says_how_long_to_wait() -> None:
    assert exhausted_reset_s(None) is None
    assert exhausted_reset_s(Allowance(requests_remaining=1, requests_reset_s=9)) is None
    assert exhausted_reset_s(Allowance(requests_remaining=0, requests_reset_s=9, tokens_remaining=0, tokens_reset_s=4)) == 9
    assert exhausted_reset_s(Allowance(requests_remaining=0)) is None
