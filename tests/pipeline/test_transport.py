"""Which transport a config gets, ready to be asked."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config import load_config
from evalsvc.endpoint.answer import Failure
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.sdk import SdkAsk
from evalsvc.errors import UsageError
from evalsvc.pipeline.prepare import Prepared, RunOptions, prepare
from evalsvc.pipeline.transport import open_ask
from tests.endpoint.servers import Listening, http

MODELS = b'{"data": [{"id": "m"}]}'
ANSWER = b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(MODELS), MODELS)


def prepared(folder: Path, environ: dict[str, str] | None = None, **model: Any) -> Prepared:
    (folder / "data.jsonl").write_text('{"text": "hello", "label": "a"}\n')
    config = {"name": "x", "dataset": {"path": "data.jsonl", "input": "text", "target": "label"}, "model": {"name": "m", **model}}
    (folder / "eval.yaml").write_text(json.dumps(config, indent=1))
    return prepare(load_config(folder / "eval.yaml", environ=environ or {}), RunOptions(run_dir=folder / "run"))


def opened(prepared: Prepared) -> tuple[object, bytes | Failure]:
    async def look() -> tuple[object, bytes | Failure]:
        async with open_ask(prepared, prepared.base_url, 4) as ask:
            return ask, await ask.get("models", timeout_s=5.0)

    return asyncio.run(look())


@pytest.mark.parametrize(("client", "kind"), [("http", HttpAsk), ("sdk", SdkAsk)])
def test_the_client_of_the_config_carries_the_requests(tmp_path: Path, client: str, kind: type) -> None:
    with http(ANSWER) as server:
        ask, seen = opened(prepared(tmp_path, client=client, base_url=f"http://127.0.0.1:{server.port}/v1"))
    assert isinstance(ask, kind)
    assert seen == MODELS


def azure(folder: Path, server: Listening, environ: dict[str, str], **azure: str) -> Prepared:
    base_url = f"http://127.0.0.1:{server.port}"
    return prepared(folder, environ, client="azure", base_url=base_url, azure={"api_version": "2024-10-21", **azure})


def test_azure_is_signed_with_its_key(tmp_path: Path) -> None:
    with http(ANSWER) as server:
        opened(azure(tmp_path, server, {"AZURE_OPENAI_API_KEY": "k-1"}))
    assert server.heads[0].startswith("GET /openai/models?api-version=2024-10-21 ")
    assert "api-key: k-1" in server.heads[0].lower()


def test_azure_is_signed_with_a_token_of_the_users_own_function(tmp_path: Path) -> None:
    (tmp_path / "tokens.py").write_text("def fetch():\n    return 'entra'\n")
    with http(ANSWER) as server:
        opened(azure(tmp_path, server, {"AZURE_OPENAI_API_KEY": "k-1"}, token_provider="tokens.py:fetch"))
    assert "authorization: bearer entra" in server.heads[0].lower()
    assert "k-1" not in server.heads[0]


def test_certificates_that_are_not_there_are_refused_where_they_were_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:\d+ .*nowhere\.pem cannot be read"):
        opened(prepared(tmp_path, base_url="https://127.0.0.1:9/v1", ca_file="nowhere.pem"))
