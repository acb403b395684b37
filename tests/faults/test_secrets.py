"""A key, put in every place that a key can come from, against a server that gives back all that it was told: it is nowhere.

What a test's runs left on the disk is looked through after each test; the streams of each command here.
"""

import base64
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.faults.canary import CANARY, is_in
from tests.faults.desk import KEY_VARIABLE, FaultDesk
from tests.faults.mirror import mirror
from tests.faults.promises import promise

HOST = "model.invalid"  # only the proxy can reach it
ROWS = ("error 1", "page 2", "broken 3", *(f"answer {number}" for number in range(4, 8)))
RUN = ("run", "eval.yaml", "--verbose")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with mirror() as url:
        yield url


@pytest.fixture
def desk(tmp_path: Path, address: str) -> FaultDesk:
    desk = FaultDesk(path=tmp_path, base_url=f"{address}/v1")
    desk.write_rows([{"id": text, "text": text, "label": "spam"} for text in ROWS])
    desk.write_config(limits={"max_retries": 0, "concurrency": 4}, max_error_rate=1.0, report_to=[])
    return desk


def through(address: str) -> dict[str, str]:
    """The environment of a proxy that wants a password."""
    return {"HTTP_PROXY": address.replace("//", f"//user:{CANARY}@"), "NO_PROXY": ""}


def config_says(desk: FaultDesk, **model: object) -> None:
    desk.write_config(model=model, limits={"max_retries": 0, "concurrency": 4}, max_error_rate=1.0, gates=["parse_rate >= 0.1"])


def taken_from_a_file(desk: FaultDesk) -> dict[str, str]:
    (desk.path / "api-key.secret").write_text(f"{CANARY}\n")
    return {KEY_VARIABLE: "", "OPENAI_API_KEY": "", f"{KEY_VARIABLE}_FILE": str(desk.path / "api-key.secret")}


@promise("12.1")
@pytest.mark.parametrize("output", [pytest.param("--json", id="json"), pytest.param("--verbose", id="text", marks=pytest.mark.long)])
def test_a_server_that_gives_back_every_header_gets_no_key_into_file_or_stream(desk: FaultDesk, address: str, output: str) -> None:
    """Key, secret headers, the proxy's password, the webhook's address and key: all from the environment and the command line."""
    config_says(desk, base_url=f"http://{HOST}/v1")
    environ = {
        **through(address),
        "EVALSVC_WEBHOOK__ON": "[finish, failure]",
        # as its own variable, and as what the config says
        "EVALSVC_WEBHOOK__URL" if output == "--json" else "EVALSVC_WEBHOOK_URL": f"http://{HOST}/{CANARY}?token={CANARY}",
        "EVALSVC_WEBHOOK_SECRET": CANARY,
        "EVALSVC_MODEL__HEADERS__X-API-KEY": CANARY,
        "GITHUB_STEP_SUMMARY": str(desk.path / "step.md"),
        "EVALSVC_TERMINATION_LOG": str(desk.path / "termination.log"),
        "EVALSVC_LOG": "json" if output == "--json" else "",
    }
    (desk.path / "termination.log").touch()
    given = ("--set", f"model.headers.x-auth={CANARY}", "--set", f"model.headers.cookie=session={CANARY}")
    done = desk.run("run", "eval.yaml", output, *given, environ=environ)
    assert done.code == 0, done.err
    assert desk.summary["rows"] == {"expected": 7, "ok": 4, "error": 3, "pending": 0}
    assert all("[redacted]" in record["output"] for record in desk.journal() if record["status"] == "ok")
    assert (desk.run_dir / "junit.xml").stat().st_size
    assert (desk.path / "termination.log").stat().st_size
    shown = desk.run("show", environ=environ)
    assert shown.code == 0, shown.err


@promise("12.1")
@pytest.mark.long
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client": "sdk"}, id="OpenAI's SDK"),
        pytest.param({"client": "azure", "azure": {"deployment": "d", "api_version": "2024-10-21"}}, id="Azure"),
        pytest.param({"headers": {"Authorization": f"Bearer {CANARY}"}, "api_key_env": None}, id="a header in the config"),
        pytest.param({"params": {"extra_body": {"api_key": CANARY}, "session-token": CANARY}}, id="parameters"),
        pytest.param({"client": "sdk", "params": {"extra_headers": {"x-key": CANARY}}}, id="a header among the parameters"),
        pytest.param({"stream": True}, id="streams"),
    ],
)
def test_another_way_to_send_a_key_gets_it_nowhere_either(desk: FaultDesk, address: str, changes: Mapping[str, object]) -> None:
    config_says(desk, **changes)
    done = desk.run(*RUN, environ={"AZURE_OPENAI_API_KEY": CANARY})
    literal = CANARY in json.dumps(changes)
    if literal:  # the user's own file
        (desk.path / "eval.yaml").unlink()
    assert done.code in {0, 2, 4}, done.err


@promise("12.1")
@pytest.mark.long
def test_a_token_that_a_function_gives_is_in_no_answer_either(desk: FaultDesk, address: str) -> None:
    (desk.path / "tokens.py").write_text(f"import os\n\n\ndef give():\n    return os.environ['{KEY_VARIABLE}']\n")
    azure = {"deployment": "d", "api_version": "2024-10-21", "token_provider": "tokens.py:give"}
    config_says(desk, base_url=address, client="azure", azure=azure, api_key_env=None)
    assert desk.run(*RUN).code == 0
    assert all("[redacted]" in record["output"] for record in desk.journal() if record["status"] == "ok")


@promise("12.1")
@pytest.mark.long
def test_a_judge_with_a_key_of_its_own_and_a_baseline_tell_none(desk: FaultDesk) -> None:
    assert desk.run(*RUN).code == 0
    assert desk.run("baseline", "save", "spam", "--out", "baseline.jsonl").code == 0
    judge = {"name": "judged", "task": "judge", "judge": {"rubric": "Good?", "scale": [1, 5]}, "dataset": {"path": str(desk.run_dir)}}
    model = {"name": "echo", "base_url": desk.base_url, "api_key_env": "JUDGE_KEY"}
    (desk.path / "judge.yaml").write_text(json.dumps({**judge, "model": model}))
    judged = desk.run("run", "judge.yaml", "--verbose", environ={KEY_VARIABLE: "", "OPENAI_API_KEY": "", "JUDGE_KEY": CANARY})
    assert judged.code == 0, judged.err


@promise("12.1")
@pytest.mark.long
def test_the_models_that_a_server_lists_are_told_without_the_key(desk: FaultDesk) -> None:
    desk.write_rows([{"id": "1", "text": "missing 1", "label": "spam"}])
    desk.write_config(model={"name": "other"}, limits={"wait_for_endpoint_s": 1})
    refused = desk.run(*RUN)
    assert refused.code == 2, refused.err
    assert refused.err.count("[redacted]") >= 2  # while it waits for the model, and at its end


@promise("12.1")
@pytest.mark.long
@pytest.mark.parametrize("place", ["file", "dotenv"])
def test_a_key_from_a_file_is_nowhere_else(desk: FaultDesk, place: str) -> None:
    if place == "file":
        environ = taken_from_a_file(desk)
    else:
        (desk.path / ".env").write_text(f"DOTENV_KEY={CANARY}\n")
        config_says(desk, api_key_env="DOTENV_KEY")
        environ = {KEY_VARIABLE: "", "OPENAI_API_KEY": ""}
    assert desk.run(*RUN, environ=environ).code == 0


@promise("12.1")
@pytest.mark.long
def test_what_signs_the_address_of_the_data_is_in_no_file_and_on_no_stream(desk: FaultDesk, address: str) -> None:
    data = f"{address}/data.csv?X-Amz-Signature={CANARY}"
    done = desk.run("run", data, "--input=text", "--target=label", "--model=echo", f"--base-url={address}/v1", "--verbose")
    assert done.code == 0, done.err
    assert "X-Amz-Signature=***" in (desk.run_dir / "eval.yaml").read_text()


MISTAKES: dict[str, tuple[str, ...]] = {
    "a base URL with a password": ("--set", f"model.base_url=http://user:{CANARY}@host/v1"),
    "a base URL with a query": ("--set", f"model.base_url=http://host/v1?key={CANARY}"),
    "no URL at all": ("--set", f"model.base_url=ftp://host/v1?key={CANARY}"),
    "the key in place of its variable": ("--set", f"model.api_key_env={CANARY}"),
    "headers that are no mapping": ("--set", f"model.headers=Bearer {CANARY}"),
    "a header that is no text": ("--set", f"model.headers={{x-key: [{CANARY}]}}"),
    "a header that cannot be sent": ("--set", f"model.headers.x-key={CANARY}\x07"),
    "brackets that stay open": ("--set", f"model.headers={{x-key: '{CANARY}"),
    "an unknown key": ("--set", f"model.apikey={CANARY}"),
    "a colon for the equals sign": ("--set", f"model.headers.x-auth: {CANARY}"),
    "a blank for the equals sign": ("--set", "model.headers.x-auth", CANARY),
    "the key in place of a section": ("--set", f"model={CANARY}"),
    "an address in place of a section": ("--set", f"webhook=http://host/{CANARY}"),
    "a webhook that is no URL": ("--set", f"webhook.url={CANARY}", "--set", "webhook.on=[finish]"),
    "data behind an address that signs": ("--set", f"dataset.path=http://127.0.0.1:9/test.csv?X-Amz-Signature={CANARY}"),
    "data behind a password": ("--set", f"dataset.path=http://user:{CANARY}@127.0.0.1:9/test.csv"),
}


@promise("12.1")
@pytest.mark.long
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_key_in_the_wrong_place_is_refused_without_being_shown(desk: FaultDesk, mistake: str) -> None:
    refused = desk.run(*RUN, *MISTAKES[mistake])
    assert refused.code == (9 if mistake.startswith("data behind") else 2), refused.err
    assert refused.out == ""


@promise("12.1")
@pytest.mark.long
def test_a_key_in_place_of_the_path_of_its_file_is_refused_without_being_shown(desk: FaultDesk) -> None:
    refused = desk.run(*RUN, environ={KEY_VARIABLE: "", "OPENAI_API_KEY": "", f"{KEY_VARIABLE}_FILE": CANARY})
    assert refused.code == 2, refused.err
    assert f"{KEY_VARIABLE}_FILE: the file that it names cannot be read: No such file or directory" in refused.err


@promise("12.1")
def test_the_command_to_type_next_hides_what_was_typed(desk: FaultDesk) -> None:
    desk.write_config(limits={"max_retries": 0}, max_error_rate=1.0)
    model = f"model={{name: echo, base_url: '{desk.base_url}', headers: {{x-key: {CANARY}}}}}"
    data = f"dataset.path='http://user:{CANARY}@{desk.base_url.split('/')[2]}/data.csv'"
    planned = desk.run("plan", "eval.yaml", "--set", f"model.headers.x-api-key={CANARY}", "--set", model, "--set", data)
    assert planned.code == 0, planned.err
    assert "--set 'model.headers.x-api-key=***' --set 'model=***'" in planned.out


@promise("12.1")
def test_the_search_finds_a_key_in_each_of_its_spellings() -> None:
    half = CANARY[len(CANARY) // 2 :]
    spelled = [CANARY, half, half.encode().hex(), *(base64.b64encode(f"{'x' * shift}{CANARY}".encode()).decode() for shift in range(3))]
    assert all(is_in(f"before {spelling} after") for spelling in spelled)
    assert not is_in(f"{CANARY[:6]}…{CANARY[-2:]}")
