"""What response headers say about limits and about when to come back.

retry-after-ms: 1500                       milliseconds, OpenAI and Azure; the most exact, so it is asked first
Retry-After: 2 | Fri, 20 Nov 2026 …        RFC 9110 section 10.2.3
x-ratelimit-{limit,remaining,reset}-{requests,tokens}    OpenAI's "rate limits in headers"; resets as 1s, 6m0s, 120ms
"""

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from evalsvc.endpoint.answer import Allowance

LONGEST_WAIT_S = 300.0
_LONGEST_RESET_S = 86_400.0
_NUMBER = re.compile(r"\d{1,15}(?:\.\d{0,15})?")
_PART = re.compile(r"(\d{1,15}(?:\.\d{0,15})?)(h|ms|m|us|µs|ns|s)")
_UNIT_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}


def parse_duration(text: str) -> float | None:
    """Seconds in a Go duration or a plain number of seconds; None when it is neither.

    >>> parse_duration("1h2m3.5s"), parse_duration("120ms"), parse_duration("6m0s"), parse_duration("2.5"), parse_duration("soon")
    (3723.5, 0.12, 360.0, 2.5, None)
    """
    text = text.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNIT_S[unit] for number, unit in parts)


def retry_after_s(headers: Mapping[str, str], *, now_s: float) -> float | None:
    """How long the server asks to be left alone, clamped to [0, 300] s; None when it names no time.

    A date counts from the response's own Date header, because the clocks may differ, and from `now_s` (Unix time) without one.
    The clamp keeps a mistaken header from parking a run: after it the server may say the same again.

    >>> retry_after_s({"retry-after": "7200"}, now_s=0.0)
    300.0
    """
    milliseconds = parse_duration(headers.get("retry-after-ms", ""))
    if milliseconds is not None:
        return clamp_wait(milliseconds / 1000)
    text = headers.get("retry-after", "")
    seconds = parse_duration(text)
    if seconds is None:
        at_s = _unix_time(text)
        seconds = None if at_s is None else at_s - (_unix_time(headers.get("date", "")) or now_s)
    return None if seconds is None else clamp_wait(seconds)


def clamp_wait(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST_WAIT_S)


def exhausted_reset_s(allowance: Allowance | None) -> float | None:
    """When a rate-limited caller may come back: the later reset among the limits with nothing left, clamped as above."""
    if allowance is None:
        return None
    pairs = (
        (allowance.requests_remaining, allowance.requests_reset_s),
        (allowance.tokens_remaining, allowance.tokens_reset_s),
    )
    resets = [reset for remaining, reset in pairs if reset is not None and remaining is not None and remaining <= 0]
    return clamp_wait(max(resets)) if resets else None


def read_allowance(headers: Mapping[str, str]) -> Allowance | None:
    """The x-ratelimit-* headers; None when there is none of them, which is the usual case and must cost next to nothing.

    A reset further away than a day is a point in time and not a duration, so it is None.
    """
    if not any(name in headers for name in _TELLTALES):
        return None
    return Allowance(
        requests_limit=_amount(headers, "x-ratelimit-limit-requests"),
        requests_remaining=_amount(headers, "x-ratelimit-remaining-requests"),
        requests_reset_s=_reset(headers, "x-ratelimit-reset-requests"),
        tokens_limit=_amount(headers, "x-ratelimit-limit-tokens"),
        tokens_remaining=_amount(headers, "x-ratelimit-remaining-tokens"),
        tokens_reset_s=_reset(headers, "x-ratelimit-reset-tokens"),
    )


_TELLTALES = (
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-limit-requests",
    "x-ratelimit-limit-tokens",
)


def _amount(headers: Mapping[str, str], name: str) -> float | None:
    text = headers.get(name, "").strip()
    negative = text.startswith("-")  # Azure reports an overdrawn allowance as -1
    if not _NUMBER.fullmatch(text.removeprefix("-")):
        return None
    return 0.0 if negative else float(text)


def _reset(headers: Mapping[str, str], name: str) -> float | None:
    seconds = parse_duration(headers.get(name, ""))
    return seconds if seconds is not None and seconds <= _LONGEST_RESET_S else None


def _unix_time(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
