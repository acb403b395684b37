"""An API of the user's own, made safe: what its code raises or returns by mistake costs one row, never the run.

The row fails for good: asking again costs money and the same code would look at the same kind of answer.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from evalsvc.endpoint.answer import Action, Failure, Redact
from evalsvc.endpoint.errors import MALFORMED, failure
from evalsvc.endpoint.stream import Assembler, Parse
from evalsvc.plugins import prints_to_stderr
from evalsvc.records import Reply, Request, Usage


def guarded_parse(parse: Parse, name: str) -> Parse:
    """`parse`, with a Failure in place of everything but a Reply or a Failure."""

    def parse_safely(
        body: bytes, *, request: Request | None, latency_s: float, request_id: str | None, status: int, redact: Redact
    ) -> Reply | Failure:
        try:
            with prints_to_stderr():
                result = parse(body, request=request, latency_s=latency_s, request_id=request_id, status=status, redact=redact)
        except (Exception, SystemExit) as error:
            return _failed(name, f"{type(error).__name__}: {error}", latency_s, status, redact)
        return _checked(result, name, latency_s, status, redact)

    return parse_safely


class GuardedAssembler:
    """Fulfils Assembler by another one, until that raises: then the stream has ended and is no answer."""

    def __init__(self, assembler: Assembler, name: str) -> None:
        self._assembler = assembler
        self._name = name
        self._raised: str | None = None

    @property
    def finished(self) -> bool:
        return self._raised is not None or bool(self._assembler.finished)

    @property
    def ended(self) -> bool:
        return self._raised is not None or bool(self._assembler.ended)

    @property
    def usage(self) -> Usage | None:
        return self._assembler.usage

    def take(self, value: Mapping[str, Any], type_: str) -> bool:
        try:
            return self._raised is None and bool(self._assembler.take(value, type_))
        except Exception as error:
            self._raised = f"{type(error).__name__}: {error}"
            return False

    def result(self, start: bytes, *, latency_s: float, request_id: str | None, status: int, redact: Redact) -> Reply | Failure:
        if self._raised is None:
            try:
                result = self._assembler.result(start, latency_s=latency_s, request_id=request_id, status=status, redact=redact)
                return _checked(result, self._name, latency_s, status, redact)
            except Exception as error:
                self._raised = f"{type(error).__name__}: {error}"
        return _failed(self._name, self._raised, latency_s, status, redact)


def _checked(result: object, name: str, latency_s: float, status: int, redact: Redact) -> Reply | Failure:
    if isinstance(result, Reply | Failure):
        return result
    return _failed(name, f"it gave {type(result).__name__} in place of a Reply or a Failure", latency_s, status, redact)


def _failed(name: str, why: str, latency_s: float, status: int, redact: Redact) -> Failure:
    words = f"the API {name} cannot read this answer: {why}"
    return replace(failure(MALFORMED, words, http=status, redact=redact), action=Action.FAIL_ROW, latency_s=latency_s)
