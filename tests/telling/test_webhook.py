"""A webhook as a real server on loopback sees it; and a receiver that is slow, wrong or gone, which never gets in the way."""

import asyncio
import gc
import json
import socket
import ssl
import warnings
from collections.abc import Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trustme
from aiohttp import web
from yarl import URL

from evalsvc.config import EvalConfig
from evalsvc.config.identity import identity
from evalsvc.config.secrets import redacted
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps
from evalsvc.telling.delivery import Said
from evalsvc.telling.signing import HEADER
from evalsvc.telling.webhook import Target, Teller, open_post, resolve_webhook
from tests import virtual_time
from tests.endpoint.servers import http, https
from tests.endpoint.test_tls import server_side
from tests.telling.receiving import SECRET_PATH, TARGET, opening, receiving, target

MESSAGE: dict[str, Any] = {"text": "spam · Complete"}
NOON = "Sat, 21 Nov 2026 12:00:00 GMT"
ADDRESS = "https://hooks.example.com/services/T0SECRET"


def config(webhook: Mapping[str, Any] | None, **model: Any) -> EvalConfig:
    values = {"name": "n", "dataset": {"path": "d.csv"}, "model": {"name": "m", **model}, "base_dir": Path()}
    return EvalConfig.model_validate({**values, **({} if webhook is None else {"webhook": webhook})})


def posted(url: URL, *, body: bytes = b"{}", headers: Mapping[str, str] | None = None, **changes: Any) -> Said:
    async def main() -> Said:
        async with open_post(target(url=url, shown=str(url.origin()), **changes)) as post:
            return await post(body, headers or {})

    try:
        return asyncio.run(main())
    finally:
        # a handshake that failed leaves a transport to be closed in one more turn of the loop, which has none left
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


class Told:
    """What a teller said beside its messages."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.events: list[dict[str, Any]] = []

    def log(self, event: str, **fields: Any) -> None:
        self.events.append({"event": event, **fields})

    def teller(self, to: Target, **more: Any) -> Teller:
        return Teller(to, note=self.notes.append, log=self.log, clock=lambda: 1795140824.0, rng=Random(0), **more)


# whom to tell ----------------------------------------------------------------------------------------------------------


def test_without_a_webhook_nobody_is_told() -> None:
    assert resolve_webhook(config(None), {"EVALSVC_WEBHOOK_URL": ADDRESS}) is None


@pytest.mark.parametrize(
    ("webhook", "environ"),
    [
        ({}, {"EVALSVC_WEBHOOK_URL": ADDRESS, "EVALSVC_WEBHOOK_SECRET": "s"}),
        ({"url": ADDRESS}, {"EVALSVC_WEBHOOK_URL": "https://other", "EVALSVC_WEBHOOK_SECRET": "s"}),
        ({"url_env": "HOOK", "secret_env": "KEY"}, {"HOOK": ADDRESS, "KEY": "s"}),
    ],
)
def test_address_and_key_come_from_the_config_and_the_environment(webhook: dict[str, Any], environ: dict[str, str]) -> None:
    found = resolve_webhook(config(webhook), environ)
    assert found is not None
    assert (str(found.url), found.secret, found.shown) == (ADDRESS, "s", "https://hooks.example.com")
    assert (found.on, found.stall_s) == (("finish", "failure", "stall"), 600.0)
    assert "SECRET" not in repr(found)


def test_both_may_be_in_mounted_files(tmp_path: Path) -> None:
    (tmp_path / "url").write_text(f"{ADDRESS}\n")
    (tmp_path / "key").write_text("s\n")
    environ = {"EVALSVC_WEBHOOK_URL_FILE": str(tmp_path / "url"), "EVALSVC_WEBHOOK_SECRET_FILE": str(tmp_path / "key")}
    found = resolve_webhook(config({}), environ)
    assert found is not None
    assert (str(found.url), found.secret) == (ADDRESS, "s")


def test_an_address_that_is_not_set_is_bad_usage_that_names_the_variable() -> None:
    with pytest.raises(UsageError, match="nobody to tell: HOOK is not set") as caught:
        resolve_webhook(config({"url_env": "HOOK"}), {}, where=lambda key: f"eval.yaml:7: {key}")
    assert caught.value.message.startswith("eval.yaml:7: webhook")
    assert "HOOK_FILE" in str(caught.value.hint)


@pytest.mark.parametrize(
    "address", ["hooks.example.com/T0SECRET", "ftp://h/T0SECRET", "https:///T0SECRET", "https://h:99999/T0SECRET", "http://[T0SECRET"]
)
def test_what_is_no_address_is_refused_without_being_shown(address: str) -> None:
    for webhook, environ in (({"url": address}, {}), ({}, {"EVALSVC_WEBHOOK_URL": address})):
        with pytest.raises(UsageError) as caught:
            resolve_webhook(config(webhook), environ)
        assert "T0SECRET" not in caught.value.message + str(caught.value.hint)


def test_the_address_is_in_no_run_json_and_none_of_it_is_part_of_what_is_measured() -> None:
    told = config({"url": ADDRESS}, base_url="http://h/v1")
    assert "T0SECRET" not in dumps(redacted(told)).decode()
    assert EvalConfig.model_validate({**redacted(told), "base_dir": Path()}).webhook is not None, "so that it can be read again"
    with_trackers = told.model_copy(update={"report_to": ("mlflow",)})
    assert identity(with_trackers, "http://h/v1", "p") == identity(config(None, base_url="http://h/v1"), "http://h/v1", "p")


# one try ---------------------------------------------------------------------------------------------------------------


def test_a_message_comes_as_json_with_its_signature() -> None:
    async def main() -> tuple[Said, list[Any]]:
        async with receiving() as receiver, open_post(target(url=receiver.url)) as post:
            return await post(b'{"v":1}', {HEADER: "t=1,v1=ab"}), receiver.came

    said, (came,) = asyncio.run(main())
    assert said.is_taken
    assert (came.path, came.body) == (f"{SECRET_PATH}?token=QSECRET", b'{"v":1}')
    assert (came.headers["content-type"], came.headers[HEADER], came.headers["user-agent"]) == ("application/json", "t=1,v1=ab", "evalsvc")


@pytest.mark.parametrize(
    ("answer", "status", "wait_s"),
    [
        (web.Response(status=429, headers={"retry-after": "7"}), 429, 7.0),
        (
            web.Response(status=503, headers={"retry-after": "Sat, 21 Nov 2026 12:00:09 GMT", "date": "Sat, 21 Nov 2026 12:00:00 GMT"}),
            503,
            9.0,
        ),
        (web.Response(status=404, text="SECRET"), 404, None),
    ],
)
def test_what_is_not_taken_says_why_without_a_word_of_the_receiver(answer: web.Response, status: int, wait_s: float | None) -> None:
    async def main() -> Said:
        async with receiving(answer) as receiver, open_post(target(url=receiver.url, shown="http://host")) as post:
            return await post(b"{}", {})

    assert asyncio.run(main()) == Said(status=status, words=f"http://host answered {status}", retry_after_s=wait_s)


def test_a_redirect_is_not_followed() -> None:
    async def main() -> tuple[Said, int]:
        async with receiving() as elsewhere:
            moved = web.Response(status=307, headers={"location": str(elsewhere.url)})
            async with receiving(moved) as receiver, open_post(target(url=receiver.url)) as post:
                return await post(b"{}", {}), len(elsewhere.came)

    said, carried_on = asyncio.run(main())
    assert (said.status, said.may_pass, carried_on) == (307, False, 0)


def test_nobody_there_is_no_answer_and_the_address_is_not_shown() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        said = posted(URL(f"http://user:pass-SECRET@127.0.0.1:{free.getsockname()[1]}{SECRET_PATH}?token=QSECRET"))
    assert (said.status, said.may_pass) == (None, True)
    assert "refused" in said.words
    assert "SECRET" not in said.words


def test_a_receiver_that_speaks_no_http_is_no_answer_and_the_address_is_not_shown() -> None:
    with http(b"SSH-2.0-OpenSSH_9.6\r\n\r\n") as server:
        said = posted(URL(f"http://127.0.0.1:{server.port}{SECRET_PATH}?token=QSECRET"))
    assert (said.status, said.may_pass) == (None, True)
    assert "SECRET" not in said.words


def test_tls_is_that_of_the_endpoint(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with https(server_side(authority), b"HTTP/1.1 204 No Content\r\nconnection: close\r\n\r\n") as server:
        url = f"https://127.0.0.1:{server.port}{SECRET_PATH}"
        trusting = resolve_webhook(config({"url": url}, ca_file=str(tmp_path / "ca.pem")), {})
        assert trusting is not None
        assert posted(URL(url), tls=trusting.tls).status == 204
        stranger = posted(URL(url), tls=ssl.create_default_context())
        assert stranger.status is None
        assert "certificate" in stranger.words


def test_a_proxy_of_the_environment_carries_it() -> None:
    with http(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n") as proxy:
        found = resolve_webhook(config({"url": "http://hooks.invalid/x"}), {"http_proxy": f"http://127.0.0.1:{proxy.port}"})
        assert found is not None
        assert posted(found.url, proxy=found.proxy, tls=None).status == 200
    assert proxy.heads[0].startswith("POST http://hooks.invalid/x HTTP/1.1")


# beside a run ----------------------------------------------------------------------------------------------------------


async def never() -> None:
    await asyncio.Event().wait()


def test_a_message_is_delivered_with_an_id_and_noted_as_such() -> None:
    told = Told()

    async def main() -> list[Any]:
        async with receiving() as receiver:
            teller = told.teller(target(url=receiver.url))
            teller.tell("finish", lambda: MESSAGE)
            await teller.aclose(until=never())
            return receiver.came

    (came,) = asyncio.run(main())
    body = json.loads(came.body)
    assert list(body) == ["v", "event", "id", "at", "text"]
    assert (body["v"], body["event"], body["at"], body["text"]) == (1, "finish", "2026-11-20T02:13:44.000Z", MESSAGE["text"])
    assert told.events == [{"event": "webhook", "about": "finish", "id": body["id"], "delivered": True, "tries": 1}]
    assert told.notes == []


def test_only_what_was_asked_for_is_told() -> None:
    seen: list[Mapping[str, Any]] = []

    def take(message: Mapping[str, Any]) -> Said:
        seen.append(message)
        return Said(status=200, words="")

    async def main() -> None:
        teller = Told().teller(target(on=("failure",)), opens=opening(take))
        for event in ("finish", "failure", "stall"):
            teller.tell(event, lambda: MESSAGE)
        await teller.aclose(until=never())

    virtual_time.run(main)
    assert [message["event"] for message in seen] == ["failure"]


def test_a_receiver_that_is_gone_is_one_note_and_one_event_without_the_address() -> None:
    told = Told()

    async def main() -> None:
        teller = told.teller(TARGET, opens=opening(lambda _: Said(status=None, words="http://127.0.0.1:9: connection refused")))
        teller.tell("finish", lambda: MESSAGE)
        await teller.aclose(until=asyncio.sleep(1000))

    virtual_time.run(main)
    assert told.notes == ["the webhook was not told of the finish: http://127.0.0.1:9: connection refused"]
    (event,) = told.events
    assert (event["delivered"], event["tries"], event["about"]) == (False, 6, "finish")
    assert "SECRET" not in str((told.notes, told.events))


@pytest.mark.parametrize("left_s", [0.0, 2.0, 10.0])
def test_at_the_end_it_is_waited_for_no_longer_than_there_is_time(left_s: float) -> None:
    told = Told()

    async def main() -> float:
        teller = told.teller(TARGET, opens=opening(lambda _: Said(status=503, words="503", retry_after_s=60.0)))
        teller.tell("finish", lambda: MESSAGE)
        await asyncio.sleep(0.001)
        await teller.aclose(until=asyncio.sleep(left_s))
        return asyncio.get_running_loop().time()

    assert virtual_time.run(main) == pytest.approx(left_s + 0.001)
    assert [(event["delivered"], event["tries"]) for event in told.events] == [(False, 1)]
    assert told.notes == ["the webhook was not told of the finish: http://127.0.0.1:9 has not taken it in the time there was: 503"]


def test_telling_takes_no_time_of_the_run() -> None:
    async def main() -> float:
        teller = Told().teller(TARGET, opens=opening(lambda _: Said(status=None, words="gone")))
        began_at = asyncio.get_running_loop().time()
        teller.tell("stall", lambda: MESSAGE)
        took_s = asyncio.get_running_loop().time() - began_at
        await teller.aclose(until=asyncio.sleep(0))
        return took_s

    assert virtual_time.run(main) == 0.0


def test_a_second_stall_is_not_told_while_the_first_is_still_on_its_way_and_the_end_is() -> None:
    seen: list[str] = []

    def refuse(message: Mapping[str, Any]) -> Said:
        seen.append(message["event"])
        return Said(status=503, words="503", retry_after_s=40.0)

    async def main() -> None:
        teller = Told().teller(TARGET, opens=opening(refuse))
        teller.tell("stall", lambda: MESSAGE)
        await asyncio.sleep(1)
        teller.tell("stall", lambda: MESSAGE)
        teller.tell("finish", lambda: MESSAGE)
        await asyncio.sleep(1)
        await teller.aclose(until=asyncio.sleep(0))

    virtual_time.run(main)
    assert seen == ["stall", "finish"]


@pytest.mark.parametrize("bug", [ZeroDivisionError, KeyError, OSError])
def test_a_mistake_of_ours_ends_nothing(bug: type[Exception]) -> None:
    told = Told()

    def broken() -> Mapping[str, Any]:
        raise bug("SECRET")

    async def main() -> None:
        teller = told.teller(TARGET, opens=opening(lambda _: Said(status=200, words="")))
        teller.tell("finish", broken)
        await teller.aclose(until=never())

    virtual_time.run(main)
    assert told.notes == [f"the webhook was not told of the finish: a bug in evalsvc: {bug.__name__}"]


# the receiver's side ---------------------------------------------------------------------------------------------------


def verify_of_the_docs() -> Callable[..., bool]:
    """The function that docs/operations.md gives to receivers."""
    page = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
    (block,) = [part.partition("```")[0] for part in page.split("```python\n")[1:] if "def is_ours" in part]
    names: dict[str, Any] = {}
    exec(block, names)
    found: Callable[..., bool] = names["is_ours"]
    return found


def test_the_verification_in_the_docs_accepts_what_is_sent_and_nothing_else() -> None:
    is_ours, came = verify_of_the_docs(), []

    @asynccontextmanager
    async def opened(_target: Target) -> Any:
        async def post(body: bytes, headers: Mapping[str, str]) -> Said:
            came.append((body, headers[HEADER]))
            return Said(status=200, words="")

        yield post

    async def main() -> None:
        teller = Told().teller(TARGET, opens=opened)
        teller.tell("finish", lambda: MESSAGE)
        await teller.aclose(until=never())

    virtual_time.run(main)
    ((body, header),) = came
    secret, sent_at = str(TARGET.secret), 1795140824
    assert is_ours(body, header, secret, now=sent_at + 100)
    assert not is_ours(body + b" ", header, secret, now=sent_at)
    assert not is_ours(body, header, "another", now=sent_at)
    assert not is_ours(body, header, secret, now=sent_at + 1000), "too old"
    assert not is_ours(body, header.replace(str(sent_at), str(sent_at + 1)), secret, now=sent_at)
