"""The error table: what every status, error code, connection error and unusable body means, and what is done about it.

Read it top down, for that is the order in which it is asked: an error code says more than a message, a message more than
a status, a status more than its family. Sources: OpenAI API reference, "Error codes"; Azure OpenAI "Content filtering";
the error responses of vLLM, llama.cpp, text-generation-inference, LiteLLM and OpenRouter.

Pure: bytes, headers and exceptions in, a Failure out. Nothing here raises.
"""

import os
import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from evalsvc.endpoint.answer import Action, Failure, Redact
from evalsvc.endpoint.bodies import ErrorBody, read_error, tidy, unredacted
from evalsvc.endpoint.limits import exhausted_reset_s, read_allowance, retry_after_s
from evalsvc.errors import CredentialsRefused, EvalsvcError, ModelNotFound, UsageError


@dataclass(frozen=True, slots=True)
class Meaning:
    """One row of the table: how it is called in journal and summary, and what is done."""

    kind: str
    action: Action
    stop: type[EvalsvcError] | None = None  # what STOP and CONFIRM raise
    hint: str | None = None
    outage: bool = False  # counts towards the circuit breaker


KEY_HINT = "Check the key: model.api_key_env names the environment variable that holds it, and the key must be allowed to use this model."
_PROVIDER_HINT = "Check model.azure.token_provider: it must give a token whenever it is asked for one. See docs/endpoints.md#azure"
_QUOTA_HINT = "Raise the limit or add credit with the provider, then run the same command again: what was answered is kept."
_MODEL_HINT = "Check model.name: it must be one of the names that the endpoint lists under /models."
_DEPLOYMENT_HINT = "Check model.azure.deployment (default: model.name): it is the name that was given to the deployment, not the model's."
_URL_HINT = (
    "Check model.base_url: it is the address without /chat/completions and usually ends in /v1, as in http://localhost:8000/v1; "
    "and whether the server has the API that model.api names."
)
_PROXY_HINT = "Check the proxy variables (HTTPS_PROXY, HTTP_PROXY, NO_PROXY): the proxy wants credentials."
_TUNNEL_HINT = "The proxy opens no tunnel to this host: have it allowed there, or put the host into NO_PROXY."
_PROXY_GONE_HINT = "Check the proxy variables (HTTPS_PROXY, HTTP_PROXY, NO_PROXY): is the proxy running?"
_TLS_HINT = "Is something between here and the server that breaks TLS connections?"
_CA_HINT = "For a private certificate authority, let model.ca_file or SSL_CERT_FILE name its certificate: see docs/endpoints.md#tls"
_DATES_HINT = "The server needs a certificate that is valid today; and look whether this machine's clock is right."
_HOST_HINT = "Use the host name in model.base_url that the server's certificate is made out to."
_NO_TLS_HINT = "Whoever answers there does not speak TLS: check the port in model.base_url, and whether it should begin with http://."
_OLD_TLS_HINT = "TLS 1.2 is the least that evalsvc speaks; the server, or the proxy before it, must be brought up to date."
_CLIENT_CERTIFICATE_HINT = "The server wants a client certificate, and evalsvc has none to show: put a proxy between that has one."
_SCORING_HINT = (
    "Task perplexity needs a server that tells the logprobs of a prompt: vLLM (api: completions or chat), SGLang (api: completions). "
    "llama-server and OpenAI's chat API do not. See docs/metrics.md#perplexity"
)

_RETRY, _WAIT, _FAIL_ROW, _CONFIRM, _STOP = Action.RETRY, Action.WAIT, Action.FAIL_ROW, Action.CONFIRM, Action.STOP

RATE_LIMIT: Final = Meaning("rate_limit", _WAIT)
TIMEOUT: Final = Meaning("timeout", _RETRY, outage=True)
CONFLICT: Final = Meaning("conflict", _RETRY)
SERVER_ERROR: Final = Meaning("server_error", _RETRY, outage=True)
OVERLOADED: Final = Meaning("overloaded", _RETRY, outage=True)
CONTEXT_LENGTH: Final = Meaning("context_length", _FAIL_ROW)
CONTENT_FILTER: Final = Meaning("content_filter", _FAIL_ROW)
INVALID_REQUEST: Final = Meaning("invalid_request", _FAIL_ROW)
TOO_LARGE: Final = Meaning("request_too_large", _FAIL_ROW)
CREDENTIALS: Final = Meaning("credentials", _CONFIRM, CredentialsRefused, KEY_HINT)
NO_TOKEN: Final = Meaning("credentials", _CONFIRM, CredentialsRefused, _PROVIDER_HINT)
PROXY: Final = Meaning("proxy", _CONFIRM, CredentialsRefused, _PROXY_HINT)
NO_TUNNEL: Final = Meaning("proxy", _CONFIRM, UsageError, _TUNNEL_HINT)
QUOTA: Final = Meaning("quota", _STOP, CredentialsRefused, _QUOTA_HINT)
MODEL_NOT_FOUND: Final = Meaning("model_not_found", _STOP, ModelNotFound, _MODEL_HINT)
NO_DEPLOYMENT: Final = Meaning("model_not_found", _STOP, ModelNotFound, _DEPLOYMENT_HINT)
BASE_URL: Final = Meaning("base_url", _STOP, UsageError, _URL_HINT)
CONNECT: Final = Meaning("connect", _RETRY, outage=True)
PROXY_GONE: Final = Meaning("connect", _RETRY, hint=_PROXY_GONE_HINT, outage=True)
DNS: Final = Meaning("dns", _RETRY, hint="Check the host name in model.base_url.", outage=True)
TLS: Final = Meaning("tls", _RETRY, hint=_TLS_HINT, outage=True)
# Asking again does not change a certificate. CONFIRM, because one of several servers behind an address may be the only bad one.
UNTRUSTED: Final = Meaning("tls", _CONFIRM, UsageError, _CA_HINT)
OUT_OF_DATE: Final = Meaning("tls", _CONFIRM, UsageError, _DATES_HINT)
OTHER_HOST: Final = Meaning("tls", _CONFIRM, UsageError, _HOST_HINT)
NO_TLS: Final = Meaning("tls", _CONFIRM, UsageError, _NO_TLS_HINT)
OLD_TLS: Final = Meaning("tls", _CONFIRM, UsageError, _OLD_TLS_HINT)
CLIENT_CERTIFICATE: Final = Meaning("tls", _CONFIRM, UsageError, _CLIENT_CERTIFICATE_HINT)
RESET: Final = Meaning("reset", _RETRY, outage=True)
CUT: Final = Meaning("cut", _RETRY)
MALFORMED: Final = Meaning("malformed", _RETRY)
RESPONSE_TOO_LARGE: Final = Meaning("response_too_large", _FAIL_ROW)
# No number must come of it. CONFIRM, because one of several servers behind an address may be the only one that cannot.
NOT_SCORED: Final = Meaning("prompt_not_scored", _CONFIRM, UsageError, _SCORING_HINT)

# error.code, error.type, error.status or innererror.code, compared in lower case, whatever the HTTP status.
CODE_MEANS: Final[Mapping[str, Meaning]] = {
    "insufficient_quota": QUOTA,
    "credit_balance_exhausted": QUOTA,
    "billing_hard_limit_reached": QUOTA,
    "billing_not_active": QUOTA,
    "billing_error": QUOTA,
    "quota_exceeded": QUOTA,
    "budget_exceeded": QUOTA,  # LiteLLM
    "insufficient_credits": QUOTA,
    "invalid_api_key": CREDENTIALS,
    "incorrect_api_key": CREDENTIALS,
    "account_deactivated": CREDENTIALS,
    "authentication_error": CREDENTIALS,
    "permission_denied": CREDENTIALS,
    "permission_error": CREDENTIALS,
    "unsupported_country_region_territory": CREDENTIALS,
    "context_length_exceeded": CONTEXT_LENGTH,
    "exceed_context_size_error": CONTEXT_LENGTH,  # llama.cpp
    "contextwindowexceedederror": CONTEXT_LENGTH,  # LiteLLM
    "content_filter": CONTENT_FILTER,
    "content_policy_violation": CONTENT_FILTER,
    "contentpolicyviolationerror": CONTENT_FILTER,  # LiteLLM
    "responsibleaipolicyviolation": CONTENT_FILTER,  # Azure, under innererror
    "invalid_prompt": CONTENT_FILTER,  # OpenAI's reasoning models, for prompts flagged by its usage policy
    "model_not_found": MODEL_NOT_FOUND,
    "modelnotfound": MODEL_NOT_FOUND,
    "deploymentnotfound": NO_DEPLOYMENT,  # Azure
    "unknown_url": BASE_URL,  # OpenAI
    "rate_limit_exceeded": RATE_LIMIT,
    "rate_limit_error": RATE_LIMIT,
    "ratelimitreached": RATE_LIMIT,  # Azure
    "resource_exhausted": RATE_LIMIT,  # Gemini
    "overloaded_error": OVERLOADED,
    "generation": SERVER_ERROR,  # text-generation-inference, and the next
    "incomplete_generation": SERVER_ERROR,
    "server_error": SERVER_ERROR,
    "internal_error": SERVER_ERROR,
}

# Families of codes that grow a member now and then: organization_spend_limit_exceeded, project_spend_limit_exceeded, …
CODE_ENDINGS: Final[Mapping[str, Meaning]] = {
    "_spend_limit_exceeded": QUOTA,
    "_usage_limit_exceeded": QUOTA,
}

Words = tuple[frozenset[int], re.Pattern[str], Meaning]


def _words(statuses: set[int], pattern: str, meaning: Meaning) -> Words:
    return frozenset(statuses), re.compile(pattern, re.IGNORECASE), meaning


# What a message says for these statuses, asked before the codes, because the code beside it is misleading.
MESSAGE_OVERRULES: Final[tuple[Words, ...]] = (
    # more tokens in this one request than a whole minute allows, sent as rate_limit_exceeded: waiting would never end
    _words({413, 429}, r"^request too large", TOO_LARGE),
)

# What a message says for these statuses where no code is known. The first that fits. Those that stop a run are anchored at
# the start: some servers quote the row in their message, and a row may contain any words.
MESSAGE_MEANS: Final[tuple[Words, ...]] = (
    _words({400, 413, 422}, r"maximum context length|context ?(?:length|window|size)|longer than the .{0,20}model length", CONTEXT_LENGTH),
    _words({400, 422}, r"inputs.{0,3}tokens.{0,40}max_new_tokens.{0,20}must be", CONTEXT_LENGTH),  # text-generation-inference
    _words({400, 403}, r"content management policy|content policy|input was flagged|requires moderation", CONTENT_FILTER),
    _words({400}, r"^api key (?:not valid|not found|expired)", CREDENTIALS),  # Gemini
    _words({400, 403, 429}, r"^your (?:credit balance is too low|team .{0,80}all available credits)", QUOTA),  # Anthropic, xAI
    _words({404}, r"\b(?:model|deployment|adapter|lora)s?\b|no endpoints found", MODEL_NOT_FOUND),
    _words({400}, r"^(?:the )?model .{0,200}(?:does not exist|not found)|^.{0,20}invalid model name", MODEL_NOT_FOUND),
)

STATUS_MEANS: Final[Mapping[int, Meaning]] = {
    400: INVALID_REQUEST,
    401: CREDENTIALS,
    402: QUOTA,
    403: CREDENTIALS,
    404: BASE_URL,
    407: PROXY,
    408: TIMEOUT,
    409: CONFLICT,
    413: TOO_LARGE,
    422: INVALID_REQUEST,
    429: RATE_LIMIT,
    503: OVERLOADED,
    504: TIMEOUT,
    529: OVERLOADED,
}

# Every other status, by its first digit. 2xx comes here when its body is an error without a code that is known.
FAMILY_MEANS: Final[Mapping[int, Meaning]] = {
    2: MALFORMED,
    3: BASE_URL,
    4: INVALID_REQUEST,
    5: SERVER_ERROR,
}

# Exceptions of the HTTP client, the event loop and the operating system, by class name, so that the table needs none of
# them imported. The class itself is asked first, then the classes it derives from.
EXCEPTION_MEANS: Final[Mapping[str, Meaning]] = {
    "ClientConnectorDNSError": DNS,
    "gaierror": DNS,
    "ClientConnectorCertificateError": UNTRUSTED,
    "ClientSSLError": TLS,
    "ServerFingerprintMismatch": TLS,
    "SSLError": TLS,
    "ConnectionTimeoutError": CONNECT,
    "ClientHttpProxyError": NO_TUNNEL,
    "ClientProxyConnectionError": PROXY_GONE,
    "ClientConnectorError": CONNECT,
    "ConnectionRefusedError": CONNECT,
    "ServerTimeoutError": TIMEOUT,
    "ServerDisconnectedError": RESET,
    "ConnectionError": RESET,
    "TimeoutError": TIMEOUT,
    "ClientOSError": RESET,
    "ClientConnectionError": RESET,
    "ClientPayloadError": CUT,
    "InvalidURL": BASE_URL,
    "NonHttpUrlClientError": BASE_URL,
    "ClientResponseError": MALFORMED,  # a status line or headers that are not HTTP
    "HttpProcessingError": MALFORMED,
    "UnicodeError": MALFORMED,  # a head of a response whose words are no text
    "ClientError": RESET,
    "OSError": CONNECT,
}

# What a proxy answers in place of a tunnel, asked before the class of the exception: it cannot reach the server just now,
# or wants to know who we are. Every other: it will not, however often it is asked.
TUNNEL_MEANS: Final[Mapping[int, Meaning]] = {
    407: PROXY,
    429: CONNECT,
    500: CONNECT,
    502: CONNECT,
    503: CONNECT,
    504: CONNECT,
}

# What OpenSSL calls the end of a handshake (ssl.SSLError.reason), asked before the class of the exception around it.
TLS_REASON_MEANS: Final[Mapping[str, Meaning]] = {
    "CERTIFICATE_VERIFY_FAILED": UNTRUSTED,
    "WRONG_VERSION_NUMBER": NO_TLS,
    "TLSV1_ALERT_PROTOCOL_VERSION": OLD_TLS,
    "UNSUPPORTED_PROTOCOL": OLD_TLS,
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": CLIENT_CERTIFICATE,
}

# Why a certificate was refused, by OpenSSL's X509_V_ERR_… number; every other: nobody known has signed it.
CERTIFICATE_MEANS: Final[Mapping[int, Meaning]] = {
    9: OUT_OF_DATE,  # not valid yet
    10: OUT_OF_DATE,
    62: OTHER_HOST,
    64: OTHER_HOST,  # an IP address
}


def classify(
    status: int, headers: Mapping[str, str], body: bytes, *, now_s: float, url: str = "the endpoint", redact: Redact = unredacted
) -> Failure:
    """What a response other than a good 2xx means. `headers` ignores case or is in lower case; `now_s` is Unix time.

    `x-should-retry: false` turns a retry of a 4xx into the row's failure.

    >>> classify(503, {}, b"", now_s=0.0).kind
    'overloaded'
    """
    error = read_error(body)
    meaning = meaning_of(status, error)
    if meaning.action is Action.RETRY and status < 500 and headers.get("x-should-retry") == "false":
        meaning = INVALID_REQUEST
    wait_s = retry_after_s(headers, now_s=now_s)
    if wait_s is None and meaning is RATE_LIMIT:
        wait_s = exhausted_reset_s(read_allowance(headers))
    words = error.message or f"HTTP {status} {_phrase(status)}".rstrip()
    if meaning is BASE_URL:
        words = f"{url} answered {status}{_location(headers)}: {words}"
    return failure(meaning, words, http=status, error=error, retry_after_s=wait_s, redact=redact)


def classify_error(status: int, error: ErrorBody, *, redact: Redact = unredacted) -> Failure:
    """What an error inside the body of a 2xx means: the status that the body repeats counts, `status` without one."""
    meaning = meaning_of(error.status or status, error)
    return failure(meaning, error.message or "an error without a message", http=error.status or status, error=error, redact=redact)


def classify_exception(exc: BaseException, *, url: str = "the endpoint", redact: Redact = unredacted) -> Failure:
    """What a failure below HTTP means. An exception that the table does not know counts as a lost connection.

    >>> classify_exception(TimeoutError()).kind
    'timeout'
    """
    names = [cls.__name__ for cls in type(exc).__mro__]
    ended = _handshake_error(exc)
    by_class = next((EXCEPTION_MEANS[name] for name in names if name in EXCEPTION_MEANS), RESET)
    meaning = _by_handshake(ended) or _by_tunnel(exc, names) or by_class
    words = _tls_words(ended) if ended is not None else _proxy_words(exc, names) or _system_words(exc)
    return failure(meaning, f"{url}: {words or names[0]}", http=None, redact=redact)


def _handshake_error(exc: BaseException) -> ssl.SSLError | None:
    """OpenSSL's own error in what aiohttp made of it; None also for one that OpenSSL gave no reason for."""
    around = (exc, *(getattr(exc, name, None) for name in ("os_error", "certificate_error", "__cause__")))
    return next((error for error in around if isinstance(error, ssl.SSLError) and getattr(error, "reason", None)), None)


def _by_handshake(error: ssl.SSLError | None) -> Meaning | None:
    if isinstance(error, ssl.SSLCertVerificationError) and error.verify_code in CERTIFICATE_MEANS:
        return CERTIFICATE_MEANS[error.verify_code]
    return TLS_REASON_MEANS.get(error.reason) if error is not None else None


def _by_tunnel(exc: BaseException, names: Sequence[str]) -> Meaning | None:
    return TUNNEL_MEANS.get(getattr(exc, "status", 0)) if "ClientHttpProxyError" in names else None


def _proxy_words(exc: BaseException, names: Sequence[str]) -> str | None:
    """What the proxy said, or that it is the proxy who is not there; its URL, which may hold a name, stays out."""
    if "ClientHttpProxyError" in names:
        return f"the proxy answered {getattr(exc, 'status', 0)} {getattr(exc, 'message', '')}".rstrip()
    if "ClientProxyConnectionError" in names:
        return f"the proxy at {getattr(exc, 'host', '?')}:{getattr(exc, 'port', '?')}: {_system_words(exc)}"
    return None


def _tls_words(error: ssl.SSLError) -> str:
    """What the two ends could not agree on, without OpenSSL's line numbers."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the server's certificate is refused: {error.verify_message.rstrip('.')}"
    return f"no TLS connection: {error.reason.replace('_', ' ').lower()}"


def _system_words(exc: BaseException) -> str:
    """aiohttp wraps what the system said in its own terms; the system's are shorter, and known to everybody."""
    cause: BaseException = getattr(exc, "os_error", exc)
    strerror = getattr(cause, "strerror", None)
    if isinstance(strerror, str) and "Connect call failed" in strerror:
        return os.strerror(getattr(cause, "errno", 0) or 0).lower()
    return f"{type(exc).__name__}: {exc}" if str(exc) else ""


def meaning_of(status: int, error: ErrorBody) -> Meaning:
    """The row of the table for a status and what the body said; every pair has one.

    >>> meaning_of(429, ErrorBody(codes=("insufficient_quota",))).action
    <Action.STOP: 'stop'>
    """
    said = _by_message(MESSAGE_OVERRULES, status, error) or _by_code(error.codes) or _by_message(MESSAGE_MEANS, status, error)
    return said or STATUS_MEANS.get(status) or FAMILY_MEANS.get(status // 100, MALFORMED)


def failure(
    meaning: Meaning,
    message: str,
    *,
    http: int | None,
    error: ErrorBody | None = None,
    retry_after_s: float | None = None,
    redact: Redact = unredacted,
) -> Failure:
    """The Failure of a row of the table, with every text from outside made fit to be shown."""
    code, param = (error.codes[0] if error.codes else None, error.param) if error else (None, None)
    return Failure(
        kind=meaning.kind,
        action=meaning.action,
        http=http,
        code=None if code is None else tidy(code, redact, limit=100),
        message=tidy(message, redact),
        param=None if param is None else tidy(param, redact, limit=100),
        retry_after_s=retry_after_s,
        outage=meaning.outage,
        stop=meaning.stop,
        hint=meaning.hint,
    )


def _by_code(codes: tuple[str, ...]) -> Meaning | None:
    for code in map(str.lower, codes):
        if code in CODE_MEANS:
            return CODE_MEANS[code]
        for ending, meaning in CODE_ENDINGS.items():
            if code.endswith(ending):
                return meaning
    return None


def _by_message(table: tuple[Words, ...], status: int, error: ErrorBody) -> Meaning | None:
    if not error.structured:
        return None  # a proxy's page: its words are not about this request
    text = error.message[:2000]
    return next((meaning for statuses, pattern, meaning in table if status in statuses and pattern.search(text)), None)


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def _location(headers: Mapping[str, str]) -> str:
    target = headers.get("location", "").partition("?")[0]
    return f" and points to {target}" if target else ""
