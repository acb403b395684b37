"""Where requests go and what goes with them: URLs, constant headers, the proxy and the secrets among all that.

Pure functions of the config and the environment; they raise UsageError for what can never work.
"""

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Final
from urllib.parse import unquote

from aiohttp import encode_basic_auth
from yarl import URL

from evalsvc.errors import UsageError

_SECRET_WORDS = ("auth", "key", "token", "secret", "passw", "credential", "cookie", "sig")
_PROXY_HINT = "Check HTTPS_PROXY, HTTP_PROXY and ALL_PROXY."
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
# RFC 9110, section 5.6.2
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OF_THE_TRANSPORT: Final = frozenset({"content-length", "transfer-encoding"})
_EXAMPLE = "A base URL looks like https://api.openai.com/v1 or http://localhost:8000/v1."


def parse_base_url(base_url: str) -> URL:
    """`base_url` as given; UsageError when it is no http(s) URL with a host."""
    try:
        url = URL(base_url.strip())
        host = _host_of(url)
    except ValueError as exc:
        raise UsageError(f"model.base_url is not a URL: {base_url!r} ({exc})", hint=_EXAMPLE) from exc
    if url.scheme not in {"http", "https"} or not host:
        raise UsageError(f"model.base_url is not an http(s) URL: {base_url!r}", hint=_EXAMPLE)
    return url


def _host_of(url: URL) -> str | None:
    """ValueError for a name or number that no resolver could be asked for; left to it, that would look like a fault of our own."""
    host = url.host
    if host is None:
        return None
    host.encode("idna")
    if host.rpartition(".")[2].isdecimal():
        ip_address(host)
    return host


def endpoint_url(base: URL, path: str) -> URL:
    """`base` with `path` below it; a query (Azure's api-version) stays, credentials go into a header instead.

    >>> str(endpoint_url(URL("https://user:pw@host/v1/?api-version=1"), "chat/completions"))
    'https://host/v1/chat/completions?api-version=1'
    """
    return base.with_user(None).with_path(f"{base.raw_path.rstrip('/')}/{path}", encoded=True, keep_query=True)


def shown(url: URL) -> str:
    """`url` for messages: without credentials and query.

    >>> shown(URL("http://user:pw@host:8000/v1?key=abc"))
    'http://host:8000/v1'
    """
    return str(url.with_user(None).with_query(None).with_fragment(None))


def request_headers(base: URL, headers: Mapping[str, str], api_key: str | None, user_agent: str) -> dict[str, str]:
    """The headers of every request, names in lower case. What the config writes wins over the key, the key over credentials in the URL.

    Accept-Encoding is identity: replies are small, and a compressed bomb is one thing less to guard against.
    """
    own = {"accept": "application/json", "accept-encoding": "identity", "content-type": "application/json", "user-agent": user_agent}
    if api_key and api_key.strip():
        own["authorization"] = f"Bearer {api_key.strip()}"
    elif base.user is not None:
        own["authorization"] = encode_basic_auth(base.user, base.password or "")
    merged = own | {name.strip().lower(): value.strip() for name, value in headers.items()}
    refuse_unsendable(merged)
    return merged


def refuse_unsendable(headers: Mapping[str, str]) -> None:
    """UsageError for what would break out of its header, cannot be written into one by each transport, or says where the body ends."""
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not value.isascii() or any(ord(char) < 32 or ord(char) == 127 for char in value):
            raise UsageError(f"the header {name!r} has characters that HTTP does not allow", hint="Check model.headers and the key.")
        if name in _OF_THE_TRANSPORT:
            raise UsageError(f"the header {name!r} is the transport's to write", hint="Take it out of model.headers.")


def proxy_for(url: URL, environ: Mapping[str, str]) -> URL | None:
    """The proxy that HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY (either case) name for `url`.

    Never one for loopback, which no proxy can reach. Asked once: aiohttp's `trust_env` asks in a thread for every request.

    >>> proxy_for(URL("https://host/v1"), {"https_proxy": "http://proxy:3128", "NO_PROXY": "example.org"})
    URL('http://proxy:3128')
    """
    named = next((value for name in (f"{url.scheme}_proxy", "all_proxy") if (value := _either_case(environ, name))), None)
    host = url.host or ""
    if named is None or host in _LOOPBACK or _bypassed(host, _either_case(environ, "no_proxy") or ""):
        return None
    try:
        proxy = URL(named if "://" in named else f"http://{named}")
        proxy_host = _host_of(proxy)
    except ValueError as exc:
        raise UsageError("the proxy variable does not hold a URL", hint=_PROXY_HINT) from exc
    if proxy.scheme not in {"http", "https"}:
        raise UsageError(
            f"{proxy.scheme} proxies are not supported: {shown(proxy)}", hint="Name an http proxy, or put the host into NO_PROXY."
        )
    if not proxy_host or any(map(str.isspace, proxy_host)):
        raise UsageError("the proxy variable holds a URL without a host", hint=_PROXY_HINT)
    return proxy


def proxy_credentials(proxy: URL | None) -> dict[str, str]:
    """The header with which a proxy is told who asks; empty where its URL names nobody.

    >>> proxy_credentials(URL("http://user:pw@proxy:3128"))
    {'proxy-authorization': 'Basic dXNlcjpwdw=='}
    """
    if proxy is None or proxy.user is None:
        return {}
    return {"proxy-authorization": encode_basic_auth(proxy.user, proxy.password or "")}


def secrets_of(base: URL, headers: Mapping[str, str], api_key: str | None, proxy: URL | None) -> Iterable[str]:
    """Every text that must not be echoed: the key, credentials in URLs, and headers and query fields that sound like one."""
    found = {api_key.strip()} if api_key else set()
    for url in (base, proxy):
        if url is not None and url.user is not None:
            basic = encode_basic_auth(url.user, url.password or "")
            found |= {text for text in (url.password, url.raw_password, basic.rpartition(" ")[2]) if text}
    fields = [*headers.items(), *base.query.items()]
    for name, value in fields:
        if any(word in name.lower() for word in _SECRET_WORDS):
            found |= {value, unquote(value), value.rpartition(" ")[2]}  # with and without "Bearer "
    return found


def _either_case(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name) or environ.get(name.upper()) or None


def _bypassed(host: str, no_proxy: str) -> bool:
    """Whether the comma-separated NO_PROXY covers `host`: itself, a parent domain, or everything."""
    entries = (entry.strip().lower().lstrip(".") for entry in no_proxy.split(","))
    return any(entry == "*" or (entry and (host == entry or host.endswith("." + entry))) for entry in entries)
