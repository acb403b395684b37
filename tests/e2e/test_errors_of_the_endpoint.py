"""The error table against a server that really does it: retried, failed alone, or the whole run stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.desk import Desk, Ended, ended, messages_rows
from tests.e2e.server import Server, faults, free_port, serving
from tests.faults.promises import promise

# kind of failure -> the fault that makes it, once for each row
RETRIED = {
    "408": "status=408",
    "409": "status=409",
    "429": "status=429:retry_after=0.05",
    "500": "status=500",
    "502": "status=502",
    "503": "status=503",
    "529": "status=529",
    "reset": "reset",
    "cut": "cut",
    "garbage": "garbage",
    "empty choices": "empty-choices",
    "malformed": "malformed",
    "silence": "silence",
}

# kind in the journal, HTTP status, the fault that makes it
FAILED_ALONE = {
    "context_length": (400, "context-length"),
    "content_filter": (400, "blocked"),
    "request_too_large": (413, "status=413"),
    "invalid_request": (422, "status=422"),
}

# what comes for the very first row -> exit code, words in the message, how often it is asked
STOPPED_AT_ONCE = {
    "401": ("status=401", 5, "api_key_env"),
    "403": ("status=403", 5, "api_key_env"),
    "402": ("status=402", 5, "add credit"),
    "quota": ("status=429:code=insufficient_quota:type=insufficient_quota", 5, "add credit"),
    "404": ("status=404:code=:message=Not Found", 2, "base_url"),
    "301": ("status=301:code=", 2, "base_url"),
    "307": ("status=307:code=", 2, "base_url"),
}


@pytest.fixture(scope="module")
def bumpy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Ended]]:
    """A finished run over rows that each fail once in a way of their own."""
    path = tmp_path_factory.mktemp("bumpy")
    arguments = [f"--fault={fault}:times=1:match=({kind})" for kind, fault in RETRIED.items()]
    with serving(path / "calls.log", *arguments) as server:
        desk = Desk(path=path, base_url=server.url)
        smooth = messages_rows(30, "smooth")
        desk.write_rows([*smooth, *({"id": kind, "text": f"({kind}) spam", "label": "spam"} for kind in RETRIED)])
        desk.write_config(dataset={"id": "id"}, limits={"attempt_timeout_s": 2})
        yield desk, desk.run("run", "eval.yaml")


@pytest.mark.parametrize("kind", RETRIED)
def test_what_passes_is_asked_again_until_it_is_answered(kind: str, bumpy: tuple[Desk, Ended]) -> None:
    desk, end = bumpy
    record = desk.winners()[kind]
    assert end.code == 0, end.err
    assert (record["status"], record["output"]) == ("ok", f"({kind}) spam")
    assert record["attempts"] == 2
    assert desk.summary["rows"]["ok"] == 30 + len(RETRIED)


@pytest.fixture(scope="module")
def torn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Desk, Ended]]:
    """A finished run in which some rows can never be answered."""
    path = tmp_path_factory.mktemp("torn")
    arguments = [f"--fault={fault}:match=({kind})" for kind, (_, fault) in FAILED_ALONE.items()]
    with serving(path / "calls.log", *arguments) as server:
        desk = Desk(path=path, base_url=server.url)
        desk.write_rows([*messages_rows(16, "fine"), *({"id": kind, "text": f"({kind}) spam", "label": "spam"} for kind in FAILED_ALONE)])
        desk.write_config(dataset={"id": "id"}, max_error_rate=0.1)
        yield desk, desk.run("run", "eval.yaml")


@pytest.mark.parametrize("kind", FAILED_ALONE)
def test_what_is_the_row_s_own_fault_fails_it_alone_at_the_first_attempt(kind: str, torn: tuple[Desk, Ended]) -> None:
    desk, _ = torn
    record = desk.winners()[kind]
    assert (record["status"], record["attempts"]) == ("error", 1)
    assert (record["error"]["kind"], record["error"]["http"]) == (kind, FAILED_ALONE[kind][0])


def test_failed_rows_beyond_max_error_rate_are_exit_4_and_filtered_ones_do_not_count(torn: tuple[Desk, Ended]) -> None:
    desk, end = torn
    assert end.code == 4, end.err
    assert desk.summary["rows"] == {"expected": 20, "ok": 16, "error": 4, "pending": 0}
    assert (desk.summary["outcomes"]["error"], desk.summary["outcomes"]["filtered"]) == (3, 1)
    assert desk.run("run", "eval.yaml", "--set", "max_error_rate=0.15").code == 0


@pytest.mark.parametrize("case", STOPPED_AT_ONCE)
def test_what_no_row_can_survive_stops_the_run_before_a_row_is_spent(case: str, desk: Desk, server: Server, tag: str) -> None:
    fault, code, words = STOPPED_AT_ONCE[case]
    desk.write_rows(messages_rows(40, tag))
    desk.write_config(model=faults(fault), limits={"concurrency": 2})
    end = desk.run("run", "eval.yaml")
    assert end.code == code, end.err
    assert words in end.err
    assert desk.journal() == []
    assert 1 <= len(server.calls()) <= 2


def test_a_model_that_is_not_there_is_named_with_those_that_are(desk: Desk, server: Server, tag: str) -> None:
    desk.write_rows(messages_rows(40, tag))
    desk.write_config(model={"name": "ecco"}, limits={"concurrency": 2, "wait_for_endpoint_s": 0})
    end = desk.run("run", "eval.yaml")
    assert end.code == 2, end.err
    assert "ecco" in end.err
    assert "model.name" in end.err
    assert desk.journal() == []
    assert len(server.calls()) <= 2


def test_a_parameter_that_is_refused_at_the_first_row_is_traced_to_its_line_of_the_config(desk: Desk, server: Server, tag: str) -> None:
    desk.write_rows(messages_rows(40, tag))
    desk.write_config(model={"params": {"top_p": 7}, **faults("status=400:param=top_p:code=invalid_value")}, limits={"concurrency": 2})
    end = desk.run("run", "eval.yaml")
    line = 1 + (desk.path / "eval.yaml").read_text().splitlines().index('   "top_p": 7')
    assert end.code == 2, end.err
    assert f"eval.yaml:{line}" in end.err
    assert "model.params.top_p" in end.err
    assert desk.journal() == []
    assert len(server.calls()) <= 2


def test_the_same_4xx_for_each_of_the_first_twenty_rows_stops_the_run_and_all_stay_pending(desk: Desk, server: Server, tag: str) -> None:
    desk.write_rows(messages_rows(60, tag))
    desk.write_config(model=faults("status=422:message=no such thing"), limits={"concurrency": 4})
    end = desk.run("run", "eval.yaml")
    assert end.code == 2, end.err
    assert "no such thing" in end.err
    assert desk.journal() == []
    assert 20 <= len(server.calls()) <= 24

    desk.write_config()
    assert desk.run("run", "eval.yaml").code == 0
    assert desk.summary["rows"]["ok"] == 60


@promise("7.3")
@pytest.mark.parametrize("fault", ["--quota-after=10", "--revoked-after=10"])
def test_quota_or_key_lost_in_the_middle_keeps_what_was_answered_and_a_resume_completes(fault: str, tmp_path: Path, server: Server) -> None:
    """The same endpoint by its id, so that another address is the same measurement."""
    with serving(tmp_path / "calls.log", fault, "--latency=0.02") as limited:
        desk = Desk(path=tmp_path, base_url=limited.url)
        desk.write_rows(messages_rows(40, fault.strip("-")))
        desk.write_config(model={"endpoint_id": "ours"}, limits={"concurrency": 2})
        stopped = desk.run("run", "eval.yaml")
        assert stopped.code == 5, stopped.err
        assert len(desk.journal()) == 10
        assert 11 <= len(limited.calls()) <= 14
        assert desk.summary["status"] == "partial"

    desk.write_config(model={"endpoint_id": "ours", "base_url": server.url}, limits={"concurrency": 2})
    assert desk.run("run", "eval.yaml").code == 0
    assert len(server.calls()) == 30
    assert desk.summary["rows"] == {"expected": 40, "ok": 40, "error": 0, "pending": 0}


@promise("7.2")
def test_an_outage_longer_than_its_budget_is_exit_6_with_the_rest_pending(tmp_path: Path) -> None:
    with serving(tmp_path / "calls.log", "--fault=status=503:after=12") as server:
        desk = Desk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(400, "down"))
        desk.write_config(limits={"concurrency": 2, "outage_budget_s": 1, "wait_for_endpoint_s": 0})
        end = desk.run("run", "eval.yaml")
    assert end.code == 6, end.err
    assert "outage budget" in end.err
    assert "the endpoint is down (server_error: The sandbox was told to answer with 503.): asking one row at a time" in end.err
    assert "until it is back, for 1.0 s at the most (limits.outage_budget_s)" in end.err
    assert {record["status"] for record in desk.journal()} == {"ok"}
    assert len(desk.journal()) == 12


@promise("6.5")
def test_nobody_at_the_address_is_exit_6_once_wait_for_endpoint_s_is_over(tmp_path: Path) -> None:
    desk = Desk(path=tmp_path, base_url=f"http://127.0.0.1:{free_port()}/v1")
    desk.write_rows(messages_rows(4, "nobody"))
    desk.write_config(limits={"wait_for_endpoint_s": 0.2})
    end = desk.run("run", "eval.yaml")
    assert end.code == 6, end.err
    assert "wait_for_endpoint_s" in end.err
    assert "model.base_url" in end.err


def test_an_endpoint_that_comes_up_meanwhile_is_asked(tmp_path: Path) -> None:
    port = free_port()
    desk = Desk(path=tmp_path, base_url=f"http://127.0.0.1:{port}/v1")
    desk.write_rows(messages_rows(4, "late"))
    desk.write_config(limits={"wait_for_endpoint_s": 60})
    process = desk.start("run", "eval.yaml")
    assert process.stderr is not None
    while "waiting up to" not in (line := process.stderr.readline()):
        assert line, "it ended without waiting"
    with serving(tmp_path / "calls.log", f"--port={port}"):
        assert ended(process).code == 0
    assert desk.summary["rows"]["ok"] == 4


def test_the_embedded_sandbox_is_not_waited_for_to_load_a_model_and_says_which_it_has(tmp_path: Path) -> None:
    desk = Desk(path=tmp_path, base_url="sandbox")
    desk.write_rows(messages_rows(3, "nobody"))
    desk.write_config(model={"name": "gpt-9"})
    end = desk.run("run", "eval.yaml")
    assert end.code == 2
    assert "Waiting" not in end.err
    assert "set model.name to one that the endpoint lists: echo" in end.err


def test_a_server_that_wants_a_key_and_got_none_is_told_apart_from_a_wrong_key(tmp_path: Path) -> None:
    with serving(tmp_path / "calls.log", "--require-key=right") as server:
        desk = Desk(path=tmp_path, base_url=server.url)
        desk.write_rows(messages_rows(3, "keyless"))
        desk.write_config()
        without = desk.run("run", "eval.yaml")
        wrong = desk.run("run", "eval.yaml", "--set=model.api_key_env=MINE", environ={"MINE": "wrong"})
    assert (without.code, wrong.code) == (5, 5)
    assert "no key was sent" in without.err
    assert "no key was sent" not in wrong.err
