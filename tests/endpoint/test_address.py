"""Proxies, URLs and how many files may be open."""

import resource

import pytest
from yarl import URL

from evalsvc.endpoint.address import endpoint_url, proxy_for, request_headers
from evalsvc.endpoint.ceiling import concurrency_ceiling, raise_open_files
from evalsvc.errors import UsageError
from tests.faults.promises import promise

HTTPS = {"HTTPS_PROXY": "http://proxy:3128"}


@pytest.mark.parametrize(
    ("url", "environ", "proxy"),
    [
        ("https://host/v1", {}, None),
        ("https://host/v1", HTTPS, "http://proxy:3128"),
        ("http://host/v1", HTTPS, None),
        ("http://host/v1", {"http_proxy": "proxy:3128"}, "http://proxy:3128"),
        ("https://host/v1", {"all_proxy": "http://all:1"}, "http://all:1"),
        ("https://host/v1", HTTPS | {"NO_PROXY": "*"}, None),
        ("https://a.example.org/v1", HTTPS | {"no_proxy": "x, .example.org"}, None),
        ("https://a.example.org/v1", HTTPS | {"no_proxy": "ple.org"}, "http://proxy:3128"),
        ("https://localhost:8000/v1", HTTPS, None),
        ("https://127.0.0.1/v1", HTTPS, None),
    ],
)
def test_the_proxy_is_the_one_the_environment_names(url: str, environ: dict[str, str], proxy: str | None) -> None:
    assert proxy_for(URL(url), environ) == (None if proxy is None else URL(proxy))


def test_a_proxy_of_another_kind_is_bad_usage_and_keeps_its_password() -> None:
    with pytest.raises(UsageError, match="socks5") as caught:
        proxy_for(URL("https://host"), {"HTTPS_PROXY": "socks5://user:pw@proxy"})
    assert "pw" not in caught.value.message


@pytest.mark.parametrize("named", ["http://", "not a host", "http://:3128"])
def test_a_proxy_variable_without_a_host_is_bad_usage(named: str) -> None:
    with pytest.raises(UsageError, match="proxy variable"):
        proxy_for(URL("https://host"), {"HTTPS_PROXY": named})


@pytest.mark.parametrize(
    ("name", "value"),
    [("X A", "b"), ("", "x"), ("X:A", "b"), ("X-A", "\r\nX-B: c".join("ab")), ("X-A", "é"), ("é", "x"), ("Content-Length", "3")],
)
def test_a_header_that_cannot_be_sent_or_would_break_the_request_is_bad_usage(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"the header {name.lower()!r}"):
        request_headers(URL("http://h/v1"), {name: value}, None, "agent")


@pytest.mark.parametrize("base", ["http://h/v1", "http://h/v1/", "http://u:p@h/v1"])
def test_the_path_goes_below_the_base_url(base: str) -> None:
    assert str(endpoint_url(URL(base), "models")) == "http://h/v1/models"


@promise("13.1")
@pytest.mark.parametrize(("asked", "soft", "ceiling"), [(1000, 1024, 960), (100, 1024, 100), (1000, 32, 1), (9, -1, 9)])
def test_the_ceiling_leaves_files_for_everything_else(asked: int, soft: int, ceiling: int) -> None:
    assert concurrency_ceiling(asked, soft_limit=soft) == ceiling


@promise("13.1")
def test_the_soft_limit_is_raised_as_far_as_allowed_and_never_lowered() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        assert raise_open_files(1) == soft
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        assert raise_open_files(300) == 300
        if hard != resource.RLIM_INFINITY:
            assert raise_open_files(hard + 1) == hard
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
