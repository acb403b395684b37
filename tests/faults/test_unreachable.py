"""Nobody at the address, or not whom it should be: the command says who, why, and what to do, and spends no row on it."""

import asyncio
import datetime
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trustme

from evalsvc.endpoint.answer import Action, Failure
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.sdk import SdkAsk
from evalsvc.records import Request
from tests.e2e.desk import COMMAND, Ended, environment, messages_rows
from tests.e2e.server import serving
from tests.faults.canary import CANARY
from tests.faults.desk import KEY_VARIABLE, FaultDesk, without_key
from tests.faults.promises import promise

REQUEST = Request(id="1", repeat=0, row_hash=bytes(8), key="0" * 32, target=None, messages=b"[]", body=b"{}", input_tokens_estimate=1)
ALONE = ("unshare", "--user", "--map-root-user", "--net")  # in a network that has nothing, not even a name server
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)


class WithoutNames(asyncio.SelectorEventLoop):
    """Asks no name server: it has heard of no name."""

    def __init__(self, error: socket.gaierror) -> None:
        super().__init__()
        self._error = error

    async def getaddrinfo(self, *_: Any, **__: Any) -> Any:
        raise self._error


def asked(desk: FaultDesk, *before: str) -> Ended:
    """The command line, perhaps started by another command."""
    keys = environment({KEY_VARIABLE: CANARY})
    command = [*before, *COMMAND, "run", "eval.yaml"]
    done = subprocess.run(command, cwd=desk.path, env=keys, capture_output=True, text=True, timeout=60, check=False)
    return without_key(Ended(code=done.returncode, out=done.stdout, err=done.stderr))


@promise("6.5")
@pytest.mark.parametrize(
    "error",
    [
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    ],
)
@pytest.mark.parametrize("transport", [HttpAsk, SdkAsk])
def test_a_name_that_cannot_be_found_is_an_outage_and_named(transport: type[HttpAsk | SdkAsk], error: socket.gaierror) -> None:
    async def attempt() -> Failure:
        async with transport(base_url="http://model.invalid/v1", attempt_timeout_s=5, concurrency=1, environ={}) as ask:
            result = (await ask(REQUEST)).result
        assert isinstance(result, Failure)
        return result

    with asyncio.Runner(loop_factory=lambda: WithoutNames(error)) as runner:
        failure = runner.run(attempt())
    assert (failure.kind, failure.action, failure.outage) == ("dns", Action.RETRY, True)
    assert "model.invalid" in failure.message
    assert "model.base_url" in (failure.hint or "")


@promise("6.5")
@pytest.mark.skipif(
    subprocess.run([*ALONE, "true"], capture_output=True, check=False).returncode != 0, reason="no network namespace can be made here"
)
def test_the_command_says_which_name_cannot_be_found(tmp_path: Path) -> None:
    desk = FaultDesk(path=tmp_path, base_url="http://model.invalid/v1")
    desk.write_rows(messages_rows(3, "nameless"))
    desk.write_config(limits={"wait_for_endpoint_s": 0.2, "outage_budget_s": 0.2})
    end = asked(desk, *ALONE)
    assert end.code == 6, end.err
    assert "model.invalid" in end.err
    assert "model.base_url" in end.err
    assert desk.journal_lines() == 0


# what is wrong with the certificate -> (what it was issued for, words of the message, words of the hint)
CERTIFICATES: Mapping[str, tuple[str, Mapping[str, Any], str, str]] = {
    "expired": ("127.0.0.1", {"not_after": LONG_AGO}, "certificate has expired", "clock"),
    "made out to another": ("model.example", {}, "not valid for '127.0.0.1'", "model.base_url"),
}


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return authority


@promise("6.5")
@pytest.mark.parametrize("wrong", ["expired", pytest.param("made out to another", marks=pytest.mark.long)])
def test_the_command_says_what_is_wrong_with_a_certificate(tmp_path: Path, authority: trustme.CA, wrong: str) -> None:
    name, dates, words, hint = CERTIFICATES[wrong]
    authority.issue_cert(name, **dates).private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "server.pem"))
    with serving(tmp_path / "calls.log", f"--tls-cert={tmp_path / 'server.pem'}", "--tls-key=" + str(tmp_path / "server.pem")) as server:
        desk = FaultDesk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(3, "certified"))
        desk.write_config(model={"ca_file": "ca.pem"}, limits={"wait_for_endpoint_s": 600})
        end = asked(desk)
    assert end.code == 2, end.err
    assert words in end.err
    assert hint in end.err
    assert desk.journal_lines() == 0
