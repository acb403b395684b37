"""The endpoint's address and the key that it gets."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import DatasetConfig, EvalConfig, ModelConfig
from evalsvc.config.address import endpoint_identity, resolve_base_url
from evalsvc.config.secrets import redacted, resolve_api_key
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps

OPENAI = "https://api.openai.com/v1"


def config(**model: Any) -> EvalConfig:
    return EvalConfig(name="x", dataset=DatasetConfig(path="a.csv"), model=ModelConfig(**{"name": "m", **model}))


@pytest.mark.parametrize(
    ("written", "environ", "url"),
    [
        ("http://localhost:8000/v1/", {}, "http://localhost:8000/v1"),
        ("http://localhost:8000/v1", {"OPENAI_BASE_URL": "http://other"}, "http://localhost:8000/v1"),
        ("sandbox", {}, "sandbox"),
        ("", {"OPENAI_BASE_URL": "http://other/v1/"}, "http://other/v1"),
        ("", {"OPENAI_BASE_URL": ""}, OPENAI),
        ("", {}, OPENAI),
        ("http://[::1]:80", {}, "http://[::1]:80"),
    ],
)
def test_the_base_url_is_the_configs_else_the_environments_else_openais(written: str, environ: dict[str, str], url: str) -> None:
    assert resolve_base_url(config(base_url=written), environ) == url


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:8000/v1", "not an http"),
        ("ftp://host/v1", "not an http"),
        ("http:///v1", "not an http"),
        ("http://host:port/v1", "not an http"),
        ("http://[::1/v1", "not an http"),
        ("http://ho st/v1", "not an http"),
        ("Sandbox", "not an http"),
        ("https://me:hunter2@host/v1", "user name or password"),
        ("me:hunter2@host", "not an http"),
        ("https://host/v1?key=hunter2", "query"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_where_it_stands(url: str, said: str) -> None:
    with pytest.raises(UsageError, match=said) as in_config:
        resolve_base_url(config(base_url=url), {}, where=lambda key: f"eval.yaml:3 ({key})")
    with pytest.raises(UsageError, match=said) as in_environment:
        resolve_base_url(config(), {"OPENAI_BASE_URL": url})
    assert in_config.value.message.startswith("eval.yaml:3 (model.base_url): ")
    assert in_environment.value.message.startswith("OPENAI_BASE_URL: ")
    assert "hunter2" not in in_config.value.message


def test_an_endpoint_is_its_id_else_its_url_without_credentials() -> None:
    assert endpoint_identity(config(endpoint_id="cluster-a"), OPENAI) == "cluster-a"
    assert endpoint_identity(config(), OPENAI) == OPENAI
    assert endpoint_identity(config(), "sandbox") == "sandbox"
    assert endpoint_identity(config(), "https://me:pw@host:1/v1") == "https://host:1/v1"


def test_openai_gets_its_own_key_and_other_hosts_get_none() -> None:
    environ = {"OPENAI_API_KEY": "sk-1"}
    assert resolve_api_key(config(), environ) == "sk-1"
    assert resolve_api_key(config(base_url="http://localhost:8000/v1"), environ) is None
    assert resolve_api_key(config(base_url="https://api.openai.com.evil.example/v1"), environ) is None
    assert resolve_api_key(config(base_url="sandbox"), environ) is None
    assert resolve_api_key(config(), {**environ, "OPENAI_BASE_URL": "http://other/v1"}) is None


def test_a_named_variable_is_used_for_any_host() -> None:
    named = config(base_url="http://localhost:8000/v1", api_key_env="MY_KEY")
    assert resolve_api_key(named, {"MY_KEY": "k", "OPENAI_API_KEY": "sk-1"}) == "k"


def test_a_key_may_be_a_mounted_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("  sk-mounted\n", encoding="utf-8")
    assert resolve_api_key(config(), {"OPENAI_API_KEY_FILE": str(tmp_path / "key")}) == "sk-mounted"
    assert resolve_api_key(config(), {"OPENAI_API_KEY_FILE": str(tmp_path / "key"), "OPENAI_API_KEY": "direct"}) == "direct"


@pytest.mark.parametrize(("content", "said"), [(None, "cannot be read"), (b" \n", "is empty"), (b"\xff\xfe", "cannot be read")])
def test_a_mounted_file_that_holds_no_key_is_refused(tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(UsageError, match=said) as caught:
        resolve_api_key(config(), {"OPENAI_API_KEY_FILE": str(tmp_path / "key")})
    assert "OPENAI_API_KEY_FILE" in caught.value.message


def test_a_missing_key_says_what_to_export() -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set") as caught:
        resolve_api_key(config(), {"OPENAI_API_KEY": ""})
    assert "export OPENAI_API_KEY=" in str(caught.value.hint)


def test_a_named_variable_that_is_not_set_is_named_with_its_line() -> None:
    with pytest.raises(UsageError) as caught:
        resolve_api_key(config(api_key_env="MY_KEY"), {}, where=lambda key: f"eval.yaml:3 ({key})")
    assert caught.value.message == "eval.yaml:3 (model.api_key_env): no API key: MY_KEY is not set"


def test_a_key_in_place_of_a_variables_name_is_not_shown() -> None:
    with pytest.raises(UsageError) as caught:
        resolve_api_key(config(api_key_env="hf_abcDEF"), {})
    assert "hf_abcDEF" not in f"{caught.value.message} {caught.value.hint}"


@pytest.mark.parametrize("key", ["sk-secret\nX: y", "sk-secret\r", "sk-secret“", "\x00sk-secret", "sk-secret\x7f"])
def test_a_key_that_no_header_can_carry_is_refused_unseen(key: str) -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY holds a line break or a character") as caught:
        resolve_api_key(config(), {"OPENAI_API_KEY": key})
    assert "sk-secret" not in f"{caught.value.message} {caught.value.hint}"


def test_what_is_written_down_of_a_config_holds_no_secret() -> None:
    headers = {"Authorization": "Bearer hunter2", "X-API-Key": "hunter2", "Cookie": "hunter2", "X-Team": "red"}
    written = redacted(
        config(headers=headers, base_url="https://me:hunter2@host/v1", params={"max_tokens": 5, "extra_body": {"api_key": "k1"}})
    )
    assert "hunter2" not in dumps(written).decode()
    assert written["model"]["headers"] == {"Authorization": "***", "X-API-Key": "***", "Cookie": "***", "X-Team": "red"}
    assert written["model"]["params"] == {"max_tokens": 5, "extra_body": {"api_key": "***"}}
    assert "base_dir" not in written
