"""Over TLS with a private authority, and every way in which two ends cannot agree, for both transports."""

import asyncio
import socket
import ssl
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from evalsvc.endpoint.answer import Action, Failure
from evalsvc.endpoint.errors import CERTIFICATE_MEANS, TLS_REASON_MEANS, classify_exception
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.sdk import SdkAsk
from evalsvc.endpoint.tls import tls_context
from evalsvc.errors import UsageError
from evalsvc.records import Reply, Request
from tests.endpoint.contract.answers import ANSWERS, WORDS
from tests.endpoint.servers import Listening, https, listening
from tests.faults.promises import promise

AskFor = Callable[..., HttpAsk | SdkAsk]
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@pytest.fixture
def answer(completion_bytes: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%b" % (len(completion_bytes), completion_bytes)


def server_side(authority: trustme.CA, name: str = "127.0.0.1", **options: Any) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **options).configure_cert(context)
    return context


def only(context: ssl.SSLContext, version: ssl.TLSVersion) -> ssl.SSLContext:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
        context.minimum_version = context.maximum_version = version
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context


def asked(ask_for: AskFor, server: AbstractContextManager[Listening], request: Request, **options: Any) -> Reply | Failure:
    async def attempt(port: int) -> Reply | Failure:
        async with ask_for(f"https://127.0.0.1:{port}/v1", **options) as ask:
            return (await ask(request)).result

    with server as there:
        return asyncio.run(attempt(there.port))


def failure_of(ask_for: AskFor, server: AbstractContextManager[Listening], request: Request, **options: Any) -> Failure:
    result = asked(ask_for, server, request, **options)
    assert isinstance(result, Failure), result
    return result


def test_a_private_authority_is_trusted_where_model_ca_file_names_it(
    ask_for: AskFor, authority: trustme.CA, ca_file: Path, request_: Request, answer: bytes
) -> None:
    result = asked(ask_for, https(server_side(authority), answer), request_, tls=tls_context({}, ca_file))
    assert isinstance(result, Reply), result
    assert result.output == "spam"


def test_a_private_authority_is_trusted_where_ssl_cert_file_names_it(
    ask_for: AskFor, authority: trustme.CA, ca_file: Path, request_: Request, answer: bytes
) -> None:
    """Also from .env, which the process's own variables do not have."""
    environ = {"SSL_CERT_FILE": str(ca_file)}
    assert isinstance(asked(ask_for, https(server_side(authority), answer), request_, environ=environ), Reply)


def test_a_stream_comes_over_tls(ask_for: AskFor, authority: trustme.CA, ca_file: Path, request_: Request) -> None:
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(event), event) for event in WORDS["chat"].events("a text"))
    stream = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    result = asked(ask_for, https(server_side(authority), stream), request_, tls=tls_context({}, ca_file), stream=True)
    assert isinstance(result, Reply), result
    assert result.output == ANSWERS["a text"].reply.output
    assert result.ttft_s is not None


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_is_spoken_from_1_2_on(
    ask_for: AskFor, authority: trustme.CA, ca_file: Path, request_: Request, answer: bytes, version: ssl.TLSVersion
) -> None:
    server = https(only(server_side(authority), version), answer)
    assert isinstance(asked(ask_for, server, request_, tls=tls_context({}, ca_file)), Reply)


def stops(failure: Failure) -> bool:
    """At the first answer of a run, rather than after half an hour of waiting for better times."""
    return (failure.kind, failure.action, failure.stop, failure.outage) == ("tls", Action.CONFIRM, UsageError, False)


@promise("6.5")
def test_an_unknown_authority_stops_the_run_and_names_the_two_places_for_it(
    ask_for: AskFor, authority: trustme.CA, request_: Request, answer: bytes
) -> None:
    failure = failure_of(ask_for, https(server_side(authority), answer), request_)
    assert stops(failure)
    assert failure.message.endswith("the server's certificate is refused: unable to get local issuer certificate")
    assert "model.ca_file" in (failure.hint or "")
    assert "SSL_CERT_FILE" in (failure.hint or "")


@promise("6.5")
def test_a_certificate_for_another_host_is_told_from_an_unknown_one(
    ask_for: AskFor, authority: trustme.CA, ca_file: Path, request_: Request, answer: bytes
) -> None:
    failure = failure_of(ask_for, https(server_side(authority, "model.example"), answer), request_, tls=tls_context({}, ca_file))
    assert stops(failure)
    assert "not valid for '127.0.0.1'" in failure.message
    assert "model.base_url" in (failure.hint or "")


@promise("6.5")
def test_a_certificate_that_has_expired_is_said_to_have(
    ask_for: AskFor, authority: trustme.CA, ca_file: Path, request_: Request, answer: bytes
) -> None:
    server = https(server_side(authority, not_after=LONG_AGO), answer)
    failure = failure_of(ask_for, server, request_, tls=tls_context({}, ca_file))
    assert stops(failure)
    assert "certificate has expired" in failure.message
    assert "clock" in (failure.hint or "")


def test_a_server_of_tls_1_1_is_refused(ask_for: AskFor, authority: trustme.CA, ca_file: Path, request_: Request, answer: bytes) -> None:
    server = https(only(server_side(authority), ssl.TLSVersion.TLSv1_1), answer)
    failure = failure_of(ask_for, server, request_, tls=tls_context({}, ca_file))
    assert stops(failure)
    assert "protocol version" in failure.message
    assert "TLS 1.2" in (failure.hint or "")


def test_https_to_a_server_of_plain_http_says_which_of_the_two_it_is(ask_for: AskFor, request_: Request) -> None:
    def puzzled(connection: socket.socket, seen: Listening) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")

    failure = failure_of(ask_for, listening(puzzled), request_)
    assert stops(failure)
    assert "http://" in (failure.hint or "")


def test_a_server_that_wants_a_client_certificate_is_told_apart(
    ask_for: AskFor, authority: trustme.CA, ca_file: Path, request_: Request, answer: bytes
) -> None:
    context = server_side(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    failure = failure_of(ask_for, https(context, answer), request_, tls=tls_context({}, ca_file))
    # with TLS 1.3 the refusal may come as a mere reset, when the request was quicker
    assert failure.kind in {"tls", "reset"}
    if failure.kind == "tls":
        assert "client certificate" in (failure.hint or "")


@pytest.mark.parametrize("reason", TLS_REASON_MEANS)
def test_every_end_of_a_handshake_is_understood_inside_what_the_http_client_made_of_it(reason: str) -> None:
    inner, outer = ssl.SSLError(1, "handshake"), OSError(1, "cannot connect")
    inner.reason, outer.__cause__ = reason, inner
    meaning = TLS_REASON_MEANS[reason]
    for exc in (inner, outer):
        failure = classify_exception(exc, url="https://host")
        assert (failure.kind, failure.action, failure.stop, failure.hint) == (meaning.kind, meaning.action, meaning.stop, meaning.hint)


@pytest.mark.parametrize("code", CERTIFICATE_MEANS)
def test_every_known_fault_of_a_certificate_has_its_hint(code: int) -> None:
    exc = ssl.SSLCertVerificationError(1, "certificate verify failed")
    exc.reason, exc.verify_code, exc.verify_message = "CERTIFICATE_VERIFY_FAILED", code, "no good"
    failure = classify_exception(exc, url="https://host")
    assert (failure.hint, failure.message) == (CERTIFICATE_MEANS[code].hint, "https://host: the server's certificate is refused: no good")


def test_what_stops_over_tls_names_its_exit_and_what_to_do() -> None:
    for meaning in (*TLS_REASON_MEANS.values(), *CERTIFICATE_MEANS.values()):
        assert meaning.stop is UsageError
        assert meaning.hint


@pytest.mark.parametrize(("text", "words"), [(None, "No such file"), ("not a certificate", "holds no certificate")])
def test_a_file_without_certificates_is_bad_usage_and_says_where_it_was_named(tmp_path: Path, text: str | None, words: str) -> None:
    path = tmp_path / "ca.pem"
    if text is not None:
        path.write_text(text)
    with pytest.raises(UsageError, match=f"eval.yaml:7: .*{words}"):
        tls_context({}, path, place="eval.yaml:7")
    with pytest.raises(UsageError, match=f"SSL_CERT_FILE: .*{words}"):
        tls_context({"SSL_CERT_FILE": str(path)})
