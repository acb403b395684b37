"""Every recorded exchange becomes what `expected.json` beside it says."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from evalsvc.endpoint.answer import Failure
from evalsvc.endpoint.apis import APIS
from evalsvc.endpoint.bodies import unredacted
from evalsvc.endpoint.errors import classify
from evalsvc.endpoint.models import read_models
from evalsvc.records import Reply, Request

RECORDED = Path(__file__).parent / "recorded"
FILES = sorted(path for path in RECORDED.glob("*/*.json") if path.name != "expected.json")
# Of each token the text, the log-probability and how many stand beside it: enough to see that none is lost or shifted.
_OF_TOKENS = ("tokens", "prompt_tokens")


def exchange(path: Path) -> tuple[Any, bytes]:
    recorded = json.loads(path.read_text())
    body = recorded["body"]
    if isinstance(body, str):
        return recorded, body.encode()
    if "event-stream" in recorded["content_type"]:
        lines = (event if isinstance(event, str) else json.dumps(event) for event in body)
        return recorded, "".join(f"data: {line}\n\n" for line in lines).encode()
    return recorded, json.dumps(body).encode()


def outcome(path: Path) -> Any:
    """What became of an exchange, in the form of `expected.json`."""
    recorded, body = exchange(path)
    if recorded["api"] == "models":
        seen = read_models(body, (recorded["request"] or {"model": "tiny-random"})["model"])
        return {"state": seen.state.value, "names": list(seen.names), "card": seen.card and dict(seen.card)}
    result = answer(recorded, body)
    if isinstance(result, Failure):
        return {"failure": result.kind, "action": result.action.value, "code": result.code}
    return _shown(result)


def answer(recorded: Any, body: bytes) -> Reply | Failure:
    api, asked = APIS[recorded["api"]], recorded["request"]
    if recorded["status"] != 200:
        return classify(recorded["status"], {}, body, now_s=0.0)
    request = Request(
        id="1", repeat=0, row_hash=bytes(8), key="0" * 32, target=None, messages=b"[]",
        body=json.dumps(asked, separators=(",", ":")).encode(), input_tokens_estimate=1,
    )  # fmt: skip
    about: dict[str, Any] = {"latency_s": 1.0, "request_id": None, "status": 200, "redact": unredacted}
    if not asked.get("stream") or api.stream is None:
        return api.parse(body, request=request, **about)
    stream = api.new_stream(request)
    stream.feed(body, 0.5)
    return stream.result(**about)


def _shown(reply: Reply) -> dict[str, Any]:
    fields = {key: value for key, value in asdict(reply).items() if value is not None and key not in {"latency_s", "ttft_s", "itl_s"}}
    for key in _OF_TOKENS:
        if key in fields:
            fields[key] = [[token["t"], token["lp"], len(token["top"])] for token in fields[key]]
    return fields


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recorded_exchange_becomes_what_is_expected(path: Path) -> None:
    expected = json.loads((path.parent / "expected.json").read_text())
    assert path.name in expected, f"{path.parent.name}/expected.json does not say what should become of {path.name}"
    assert outcome(path) == expected[path.name]


def test_there_is_nothing_expected_that_is_not_there() -> None:
    for listing in RECORDED.glob("*/expected.json"):
        assert set(json.loads(listing.read_text())) <= {path.name for path in listing.parent.glob("*.json")}
