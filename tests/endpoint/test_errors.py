"""Every row of the error table, the bodies that real servers write, and that nothing gets past it."""

# ruff: noqa: E501 - a table reads best with one body a line

import json
import socket
import ssl
from typing import Any, cast

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given
from hypothesis import strategies as st

from evalsvc.endpoint.answer import Action
from evalsvc.endpoint.bodies import ErrorBody, read_error, redactor
from evalsvc.endpoint.errors import (
    CODE_ENDINGS,
    CODE_MEANS,
    EXCEPTION_MEANS,
    FAMILY_MEANS,
    MESSAGE_MEANS,
    MESSAGE_OVERRULES,
    STATUS_MEANS,
    Meaning,
    classify,
    classify_exception,
    meaning_of,
)
from evalsvc.errors import CredentialsRefused, EvalsvcError, ModelNotFound, UsageError
from tests.faults.promises import promise

RETRIED = [408, 409, 500, 501, 502, 503, 504, 520, 529, 599]
ROW_FAILURES = [400, 405, 406, 410, 413, 415, 422, 431, 451]


@pytest.mark.parametrize("code", sorted(CODE_MEANS))
@pytest.mark.parametrize("field", ["code", "type"])
@pytest.mark.parametrize("status", [200, 400, 403, 429, 500])
def test_an_error_code_counts_whatever_the_status_and_the_field(code: str, field: str, status: int) -> None:
    failure = classify(status, {}, json.dumps({"error": {"message": "no", field: code.upper()}}).encode(), now_s=0.0)
    meaning = CODE_MEANS[code]
    assert (failure.kind, failure.action, failure.stop) == (meaning.kind, meaning.action, meaning.stop)


@pytest.mark.parametrize("ending", sorted(CODE_ENDINGS))
def test_a_new_member_of_a_family_of_codes_is_understood(ending: str) -> None:
    assert meaning_of(429, ErrorBody(codes=(f"team{ending}",))) is CODE_ENDINGS[ending]


@pytest.mark.parametrize("status", sorted(STATUS_MEANS))
def test_a_status_without_a_body_has_its_own_row(status: int) -> None:
    assert classify(status, {}, b"", now_s=0.0).kind == STATUS_MEANS[status].kind


@pytest.mark.parametrize("status", range(200, 600))
def test_every_other_status_is_understood_by_its_family(status: int) -> None:
    if status not in STATUS_MEANS:
        assert meaning_of(status, ErrorBody()) is FAMILY_MEANS[status // 100]


@pytest.mark.parametrize(
    ("statuses", "action"),
    [
        (RETRIED, Action.RETRY),
        (ROW_FAILURES, Action.FAIL_ROW),
        ([429], Action.WAIT),
        ([401, 403, 407], Action.CONFIRM),
        ([402, 404, 301, 302, 307, 308], Action.STOP),
    ],
)
def test_what_is_done_about_a_status(statuses: list[int], action: Action) -> None:
    assert {status: classify(status, {}, b"", now_s=0.0).action for status in statuses} == dict.fromkeys(statuses, action)


def test_only_the_servers_own_trouble_counts_as_an_outage() -> None:
    outages = {status for status in range(300, 600) if classify(status, {}, b"", now_s=0.0).outage}
    assert outages == {408, *range(500, 600)}


@pytest.mark.parametrize("meaning", {*CODE_MEANS.values(), *STATUS_MEANS.values(), *FAMILY_MEANS.values(), *EXCEPTION_MEANS.values()})
def test_what_stops_a_run_names_its_exit_and_what_to_do(meaning: Meaning) -> None:
    stops = meaning.action in {Action.STOP, Action.CONFIRM}
    assert (meaning.stop is not None) == stops
    assert bool(meaning.hint) or not stops


SPOKEN: list[tuple[str, int, Any, str, Action, type[EvalsvcError] | None]] = [
    ("OpenAI", 401, {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}}, "credentials", Action.CONFIRM, CredentialsRefused),
    ("OpenAI", 429, {"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}}, "quota", Action.STOP, CredentialsRefused),
    ("OpenAI", 429, {"error": {"message": "You exceeded your current quota", "type": "insufficient_quota", "code": "credit_balance_exhausted"}}, "quota", Action.STOP, CredentialsRefused),
    ("OpenAI", 429, {"error": {"message": "limit", "type": "requests", "code": "organization_spend_limit_exceeded"}}, "quota", Action.STOP, CredentialsRefused),
    ("OpenAI", 400, {"error": {"message": "Billing hard limit has been reached", "type": "invalid_request_error", "code": "billing_hard_limit_reached"}}, "quota", Action.STOP, CredentialsRefused),
    ("OpenAI", 429, {"error": {"message": "Rate limit reached for m", "type": "tokens", "param": None, "code": "rate_limit_exceeded"}}, "rate_limit", Action.WAIT, None),
    ("OpenAI, more than a minute's tokens", 429, {"error": {"message": "Request too large for m on tokens per min", "type": "tokens", "code": "rate_limit_exceeded"}}, "request_too_large", Action.FAIL_ROW, None),
    ("OpenAI", 404, {"error": {"message": "The model `x` does not exist", "type": "invalid_request_error", "param": None, "code": "model_not_found"}}, "model_not_found", Action.STOP, ModelNotFound),
    ("OpenAI, wrong path", 404, {"error": {"message": "Invalid URL (POST /v1/v1/chat/completions)", "type": "invalid_request_error", "code": None}}, "base_url", Action.STOP, UsageError),
    ("OpenAI", 400, {"error": {"message": "This model's maximum context length is 8192 tokens.", "param": "messages", "code": "context_length_exceeded"}}, "context_length", Action.FAIL_ROW, None),
    ("OpenAI", 400, {"error": {"message": "Unsupported parameter: 'max_tokens'", "param": "max_tokens", "code": "unsupported_parameter"}}, "invalid_request", Action.FAIL_ROW, None),
    ("Azure", 400, {"error": {"code": "content_filter", "param": "prompt", "status": 400, "message": "The response was filtered", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "content_filter", Action.FAIL_ROW, None),
    ("Azure, code only inside", 400, {"error": {"code": None, "message": "filtered", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}, "content_filter", Action.FAIL_ROW, None),
    ("Azure", 404, {"error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}}, "model_not_found", Action.STOP, ModelNotFound),
    ("Azure", 404, {"error": {"code": "404", "message": "Resource not found"}}, "base_url", Action.STOP, UsageError),
    ("Azure", 429, {"error": {"code": "429", "message": "Requests have exceeded the call rate limit. Retry after 7 seconds."}}, "rate_limit", Action.WAIT, None),
    ("vLLM", 404, {"object": "error", "message": "The model `x` does not exist.", "type": "NotFoundError", "param": None, "code": 404}, "model_not_found", Action.STOP, ModelNotFound),
    ("vLLM, newer", 404, {"error": {"message": "The model `x` does not exist.", "type": "NotFoundError", "param": "model", "code": 404}}, "model_not_found", Action.STOP, ModelNotFound),
    ("vLLM", 400, {"object": "error", "message": "This model's maximum context length is 512 tokens. However, you requested 900", "type": "BadRequestError", "param": None, "code": 400}, "context_length", Action.FAIL_ROW, None),
    ("vLLM, FastAPI", 404, {"detail": "Not Found"}, "base_url", Action.STOP, UsageError),
    ("vLLM, FastAPI", 422, {"detail": [{"loc": ["body", "top_logprobs"], "msg": "not an integer", "type": "int"}]}, "invalid_request", Action.FAIL_ROW, None),
    ("vLLM", 401, {"error": "Unauthorized"}, "credentials", Action.CONFIRM, CredentialsRefused),
    ("llama.cpp", 400, {"error": {"code": 400, "message": "the request exceeds the available context size", "type": "exceed_context_size_error"}}, "context_length", Action.FAIL_ROW, None),
    ("llama.cpp", 503, {"error": {"code": 503, "message": "Loading model", "type": "unavailable_error"}}, "overloaded", Action.RETRY, None),
    ("llama.cpp", 404, {"error": {"code": 404, "message": "File Not Found", "type": "not_found_error"}}, "base_url", Action.STOP, UsageError),
    ("Ollama", 404, {"error": {"message": 'model "x" not found, try pulling it first', "type": "api_error", "param": None, "code": None}}, "model_not_found", Action.STOP, ModelNotFound),
    ("LiteLLM", 400, {"error": {"message": "litellm.ContextWindowExceededError: too long", "type": None, "param": None, "code": "400"}}, "context_length", Action.FAIL_ROW, None),
    ("LiteLLM", 400, {"error": {"message": "Invalid model name passed in model=x", "type": None, "param": None, "code": "400"}}, "model_not_found", Action.STOP, ModelNotFound),
    ("LiteLLM", 400, {"error": {"message": "Budget has been exceeded!", "type": "budget_exceeded", "param": None, "code": "400"}}, "quota", Action.STOP, CredentialsRefused),
    ("OpenRouter", 402, {"error": {"code": 402, "message": "Insufficient credits"}}, "quota", Action.STOP, CredentialsRefused),
    ("OpenRouter", 403, {"error": {"code": 403, "message": "Your chosen model requires moderation and your input was flagged", "metadata": {}}}, "content_filter", Action.FAIL_ROW, None),
    ("xAI", 429, {"code": "Some resource has been exhausted", "error": "Your team 1-2 has either used all available credits or reached its limit"}, "quota", Action.STOP, CredentialsRefused),
    ("Groq", 413, {"error": {"message": "Request too large for model `m` on tokens per minute (TPM)", "type": "tokens", "code": "rate_limit_exceeded"}}, "request_too_large", Action.FAIL_ROW, None),
    ("text-generation-inference", 422, {"error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 4096", "error_type": "validation"}, "context_length", Action.FAIL_ROW, None),
    ("text-generation-inference", 429, {"error": "Model is overloaded", "error_type": "overloaded"}, "rate_limit", Action.WAIT, None),
    ("Gemini", 429, [{"error": {"code": 429, "message": "You exceeded your current quota", "status": "RESOURCE_EXHAUSTED"}}], "rate_limit", Action.WAIT, None),
    ("Gemini", 400, [{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key.", "status": "INVALID_ARGUMENT"}}], "credentials", Action.CONFIRM, CredentialsRefused),
    ("text-generation-inference", 424, {"error": "Request failed during generation: Server error", "error_type": "generation"}, "server_error", Action.RETRY, None),
    ("a gateway", 401, {"statusCode": 401, "message": "Access denied due to missing subscription key"}, "credentials", Action.CONFIRM, CredentialsRefused),
]  # fmt: skip


@pytest.mark.parametrize(("server", "status", "body", "kind", "action", "stop"), SPOKEN)
def test_the_bodies_that_servers_write(
    server: str, status: int, body: Any, kind: str, action: Action, stop: type[EvalsvcError] | None
) -> None:
    failure = classify(status, {}, json.dumps(body).encode(), now_s=0.0)
    assert (failure.kind, failure.action, failure.stop) == (kind, action, stop), server
    assert failure.message
    assert failure.http == status


def test_every_row_of_the_message_table_is_reached_by_a_real_body() -> None:
    said = [(status, read_error(json.dumps(body).encode()).message) for _, status, body, *_ in SPOKEN]
    for statuses, pattern, meaning in MESSAGE_OVERRULES + MESSAGE_MEANS:
        assert any(status in statuses and pattern.search(message) for status, message in said), (pattern.pattern, meaning.kind)


@pytest.mark.parametrize("row", ["insufficient balance", "The model x does not exist", "your credit balance is too low"])
def test_a_row_quoted_in_a_400_does_not_stop_the_run(row: str) -> None:
    body = {"error": {"message": f"[{{'type': 'string_type', 'input': '{row}'}}]", "type": "BadRequestError", "code": 400}}
    assert classify(400, {}, json.dumps(body).encode(), now_s=0.0).action is Action.FAIL_ROW


def test_a_parameter_that_the_server_blames_is_kept() -> None:
    openai = b'{"error":{"message":"Unsupported value","param":"temperature","code":"unsupported_value"}}'
    fastapi = b'{"detail":[{"loc":["body","stream_options","x"],"msg":"extra"}]}'
    assert classify(400, {}, openai, now_s=0.0).param == "temperature"
    assert classify(422, {}, fastapi, now_s=0.0).param == "stream_options.x"


def test_a_bare_404_says_what_was_called_and_what_a_base_url_looks_like() -> None:
    failure = classify(404, {}, b"<html><title>404 Not Found</title></html>", now_s=0.0, url="http://host/chat/completions")
    assert failure.message == "http://host/chat/completions answered 404: 404 Not Found"
    assert "base_url" in (failure.hint or "")
    assert "/v1" in (failure.hint or "")


def test_a_redirect_says_where_it_points_without_the_query() -> None:
    failure = classify(308, {"location": "https://host/login?token=abc"}, b"", now_s=0.0, url="http://host/v1")
    assert "points to https://host/login:" in failure.message


def test_a_web_page_that_mentions_models_is_still_a_bare_404() -> None:
    assert classify(404, {}, b"<html>our models are great</html>", now_s=0.0).kind == "base_url"


def test_should_retry_false_ends_a_row_but_not_an_outage() -> None:
    headers = {"x-should-retry": "false"}
    assert classify(409, headers, b"", now_s=0.0).action is Action.FAIL_ROW
    assert classify(503, headers, b"", now_s=0.0).action is Action.RETRY


def test_a_rate_limit_without_retry_after_waits_for_the_exhausted_limit() -> None:
    headers = {
        "x-ratelimit-remaining-requests": "9", "x-ratelimit-reset-requests": "1s",
        "x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "6m0s",
    }  # fmt: skip
    assert classify(429, headers, b"", now_s=0.0).retry_after_s == 300.0
    assert classify(429, headers | {"retry-after": "2"}, b"", now_s=0.0).retry_after_s == 2.0
    assert classify(500, headers, b"", now_s=0.0).retry_after_s is None


KEY = ConnectionKey("host", 80, False, True, None, None, None)
PROXIED = cast(Any, None)
EXCEPTIONS: list[tuple[BaseException, str]] = [
    (aiohttp.ClientConnectorDNSError(KEY, socket.gaierror(-2, "Name or service not known")), "dns"),
    (socket.gaierror(-2, "Name or service not known"), "dns"),
    (aiohttp.ClientConnectorCertificateError(KEY, ssl.SSLCertVerificationError("self-signed")), "tls"),
    (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError("handshake")), "tls"),
    (ssl.SSLError("record"), "tls"),
    (aiohttp.ServerFingerprintMismatch(b"a", b"b", "host", 443), "tls"),
    (aiohttp.ClientConnectorError(KEY, ConnectionRefusedError(111, "refused")), "connect"),
    (aiohttp.ClientProxyConnectionError(KEY, OSError(111, "refused")), "connect"),
    (aiohttp.ConnectionTimeoutError("to host"), "connect"),
    (ConnectionRefusedError(111, "refused"), "connect"),
    (OSError(24, "Too many open files"), "connect"),
    (aiohttp.ServerDisconnectedError(), "reset"),
    (aiohttp.ClientOSError(104, "reset by peer"), "reset"),
    (aiohttp.ClientConnectionResetError("closing transport"), "reset"),
    (ConnectionResetError(104, "reset by peer"), "reset"),
    (BrokenPipeError(32, "broken pipe"), "reset"),
    (aiohttp.ClientConnectionError("closed"), "reset"),
    (aiohttp.ClientError("?"), "reset"),
    (RuntimeError("unheard of"), "reset"),
    (aiohttp.ServerTimeoutError(), "timeout"),
    (TimeoutError(), "timeout"),
    (aiohttp.ClientPayloadError("not enough data"), "cut"),
    (aiohttp.ClientResponseError(PROXIED, (), status=400, message="bad status line"), "malformed"),
    (aiohttp.http_exceptions.BadStatusLine("x"), "malformed"),
    (UnicodeError("surrogates not allowed"), "malformed"),
    (aiohttp.ClientHttpProxyError(PROXIED, (), status=407), "proxy"),
    (aiohttp.InvalidURL("x"), "base_url"),
    (aiohttp.NonHttpUrlClientError("ftp://x"), "base_url"),
]


@pytest.mark.parametrize(("exc", "kind"), EXCEPTIONS, ids=lambda value: value if isinstance(value, str) else type(value).__name__)
def test_every_way_to_lose_a_connection_is_told_apart(exc: BaseException, kind: str) -> None:
    if type(exc) is aiohttp.ClientResponseError or type(exc) is aiohttp.ClientHttpProxyError:
        exc.request_info = cast(Any, type("Info", (), {"real_url": "http://host"}))
    assert classify_exception(exc).kind == kind


def test_every_row_of_the_exception_table_is_asked() -> None:
    asked = {cls.__name__ for exc, _ in EXCEPTIONS for cls in type(exc).__mro__}
    assert set(EXCEPTION_MEANS) <= asked


@promise("6.7")
@given(
    st.integers(100, 999), st.dictionaries(st.sampled_from(["retry-after", "date", "location", "retry-after-ms"]), st.text()), st.binary()
)
def test_no_response_is_beyond_the_table(status: int, headers: dict[str, str], body: bytes) -> None:
    failure = classify(status, headers, body, now_s=1e9)
    assert len(failure.message) <= 500
    assert failure.message.isprintable()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["error", "detail", "message", "code", "type", "param", "innererror", "object", "loc", "msg", "raw"]), inner
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.integers(100, 999), JSON)
def test_no_json_is_beyond_the_table(status: int, body: Any) -> None:
    classify(status, {}, json.dumps(body).encode(), now_s=1e9)


@promise("6.7")
def test_deep_nesting_is_no_way_to_break_out() -> None:
    details = b'{"detail":' * 600 + b'"no"' + b"}" * 600  # valid JSON, and deeper than a stack is high where each level calls the next
    for body in (b"[" * 100_000, details):
        assert classify(400, {}, body, now_s=0.0).kind == "invalid_request"


CANARY = "sk-canary-0123456789"


@given(st.sampled_from(["message", "code", "type", "param"]), st.integers(0, 4_000), st.sampled_from([401, 404, 429, 500]))
def test_a_key_that_the_server_echoes_is_never_shown(field: str, padding: int, status: int) -> None:
    body = json.dumps({"error": {"message": "m", field: "x" * padding + CANARY}}).encode()
    failure = classify(status, {"location": f"http://{CANARY}/"}, body, now_s=0.0, redact=redactor([CANARY]))
    assert CANARY[:14] not in repr(failure)
