"""What a response, or the lack of one, means: the same words and the same table whichever client carried it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from evalsvc.endpoint.answer import Failure, Redact
from evalsvc.endpoint.errors import RESPONSE_TOO_LARGE, classify, classify_exception, failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """`url` is what messages call the address, `latency_s` how long the attempt took."""

    redact: Redact
    wall_clock: Callable[[], float]  # Unix time, for a Retry-After that is a date

    def refused(self, status: int, headers: Mapping[str, str], body: bytes, *, url: str, latency_s: float) -> Failure:
        """For a status other than 2xx. `headers` ignores case."""
        refused = classify(status, headers, body, now_s=self.wall_clock(), url=url, redact=self.redact)
        return replace(refused, latency_s=latency_s)

    def lost(self, exc: BaseException, *, url: str, latency_s: float, timeout_s: float) -> Failure:
        """For an attempt that brought no response, or only a part of one. A bare TimeoutError is our own deadline."""
        if type(exc) is TimeoutError and not exc.args:
            exc = TimeoutError(f"no complete answer within {timeout_s:g} s")
        return replace(classify_exception(exc, url=url, redact=self.redact), latency_s=latency_s)

    def too_large(self, limit_bytes: int, *, status: int, latency_s: float) -> Failure:
        words = f"the response is larger than {limit_bytes} bytes"
        return replace(failure(RESPONSE_TOO_LARGE, words, http=status), latency_s=latency_s)
