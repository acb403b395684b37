"""HTTPS with a private authority, and nothing older than TLS 1.2."""

import ssl
from pathlib import Path

import aiohttp
import pytest
import trustme

from evalsvc.sandbox.embed import SandboxFailed, start_sandbox
from tests.sandbox.client import Received, ask, conversing, question


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def certificate(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificate and key in one file."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(path)
    return path


def asked_over(tls: ssl.SSLContext, url: str) -> Received:
    async def talk(_plain: aiohttp.ClientSession) -> Received:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=tls)) as session:
            return await ask(session, url, question())

    return conversing(talk)


def test_a_client_that_trusts_the_authority_gets_its_answer(authority: trustme.CA, certificate: Path) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    with start_sandbox([f"--tls-cert={certificate}"]) as sandbox:
        assert sandbox.url.startswith("https://127.0.0.1:")
        assert asked_over(trusting, sandbox.url).json["choices"][0]["message"]["content"] == "hello there"
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            asked_over(ssl.create_default_context(), sandbox.url)


def test_a_key_may_be_in_a_file_of_its_own(authority: trustme.CA, tmp_path: Path) -> None:
    issued = authority.issue_cert("127.0.0.1")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    with start_sandbox([f"--tls-cert={tmp_path / 'cert.pem'}", f"--tls-key={tmp_path / 'key.pem'}"]) as sandbox:
        assert sandbox.url.startswith("https://")


def test_old_tls_is_refused(authority: trustme.CA, certificate: Path) -> None:
    old = ssl.create_default_context()
    authority.configure_trust(old)
    with pytest.warns(DeprecationWarning, match="TLSVersion"):
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with start_sandbox([f"--tls-cert={certificate}"]) as sandbox, pytest.raises(aiohttp.ClientConnectorError):
        asked_over(old, sandbox.url)


def test_a_certificate_without_its_key_is_said(authority: trustme.CA, tmp_path: Path) -> None:
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with pytest.raises(SandboxFailed, match=r"ca\.pem: not a certificate and its key"):
        start_sandbox([f"--tls-cert={tmp_path / 'ca.pem'}"])
    with pytest.raises(SandboxFailed, match="No such file"):
        start_sandbox(["--tls-cert=/nowhere/cert.pem"])
