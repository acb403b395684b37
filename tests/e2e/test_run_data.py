"""`evalsvc run DATA`: a file and a few flags, no config; and the config that was used, to go on from."""

import json
from pathlib import Path

import pytest

from tests.e2e.desk import Desk, messages_rows
from tests.e2e.server import Server

pytestmark = pytest.mark.long

USAGE = 2


@pytest.fixture
def flags(desk: Desk, server: Server, tag: str) -> list[str]:
    """The command for a CSV of 12 rows, whose only text column is `text`."""
    rows = [f'{row["id"]},"{row["text"]}",{row["label"]}' for row in messages_rows(12, tag)]
    (desk.path / "My messages.v2.csv").write_text("\n".join(["id,text,label", *rows]) + "\n")
    return ["run", "My messages.v2.csv", "--target=label", "--model=echo", f"--base-url={server.url}"]


def test_a_file_and_flags_are_an_evaluation_and_the_same_command_resumes_it(flags: list[str], desk: Desk, server: Server) -> None:
    first = desk.run(*flags, "--id=id")
    assert first.code == 0
    assert desk.run_dir.parent.name == "My-messages"
    assert f"this evaluation as a config: {desk.run_dir.relative_to(desk.path)}/eval.yaml" in first.err
    assert {record["id"] for record in desk.journal()} == {f"r{number}" for number in range(12)}
    server.calls()
    again = desk.run(*flags, "--id=id")
    assert (again.code, "complete since" in again.err, server.calls()) == (0, True, [])


def test_the_config_that_was_used_is_the_same_evaluation_from_anywhere(flags: list[str], desk: Desk, server: Server) -> None:
    assert desk.run(*flags).code == 0
    server.calls()
    file = desk.run_dir / "eval.yaml"
    assert "complete since" in desk.run("run", str(file.relative_to(desk.path))).err
    assert "complete since" in desk.run("run", str(file)).err
    assert server.calls() == []
    assert len(desk.run_dirs) == 1


def test_the_labels_are_told_to_the_model_and_a_limit_tells_it_the_same(flags: list[str], desk: Desk) -> None:
    assert desk.run(*flags, "--limit=1").code == 0
    assert desk.run(*flags).code == 0
    (record, *_) = desk.journal()
    assert record["messages"][0] == {"role": "system", "content": "Answer with one of these and nothing else: ham, spam."}
    assert len(desk.journal()) == 12


def test_a_prompt_of_ones_own_is_sent_as_it_is(flags: list[str], desk: Desk) -> None:
    assert desk.run(*flags, "--system=Say it.", "--prompt={{ text }} {{ id }}", "--id=id", "--limit=1").code == 0
    system, user = desk.journal()[0]["messages"]
    assert system["content"] == "Say it."
    assert user["content"].endswith(" r0")


def test_a_key_in_a_header_reaches_no_file(flags: list[str], desk: Desk) -> None:
    assert desk.run(*flags, "--limit=1", "--set=model.headers.Authorization=Bearer s3cr3t").code == 0
    holding = [path for path in desk.run_dir.rglob("*") if path.is_file() and b"s3cr3t" in path.read_bytes()]
    assert holding == [path for path in holding if path.name == "run.lock"]


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ("--model", ("--model NAME", "--base-url")),
        ("--target", ("--target", "id, text, label")),
    ],
)
def test_what_only_the_user_can_know_is_asked_for(without: str, words: tuple[str, ...], flags: list[str], desk: Desk) -> None:
    end = desk.run(*(flag for flag in flags if not flag.startswith(without)))
    assert end.code == USAGE
    assert [word for word in words if word not in end.err] == []
    assert desk.run_dirs == []


def test_of_several_columns_of_text_none_is_guessed(flags: list[str], desk: Desk) -> None:
    (desk.path / "two.csv").write_text("title,body,label\nan offer,claim it now,spam\nsee you,at lunch then,ham\n")
    end = desk.run("run", "two.csv", *flags[2:])
    assert end.code == USAGE
    assert "2 columns may be meant: title, body" in end.err
    assert "--input" in end.err


def test_flags_beside_a_config_are_refused_with_the_way_to_override_one(flags: list[str], desk: Desk) -> None:
    desk.write_config()
    end = desk.run("run", "eval.yaml", "--model=other", "--target=label")
    assert end.code == USAGE
    assert "--target, --model" in end.err
    assert "--set model.name=" in end.err


def test_data_can_be_planned_before_it_is_run(flags: list[str], desk: Desk, server: Server) -> None:
    end = desk.run("plan", *flags[1:])
    assert end.code == 0
    assert "12 to ask" in end.out
    assert server.calls() == []
    assert not (desk.path / "runs").exists()


def test_another_measurement_in_the_directory_keeps_its_config(flags: list[str], desk: Desk) -> None:
    assert desk.run(*flags, "--run-dir=mine").code == 0
    before = Path(desk.path / "mine/eval.yaml").read_text()
    assert desk.run(*flags, "--run-dir=mine", "--system=Other.").code == 7
    assert Path(desk.path / "mine/eval.yaml").read_text() == before


def test_scoring_again_goes_by_the_config_that_was_written(flags: list[str], desk: Desk) -> None:
    assert desk.run(*flags).code == 0
    file = desk.run_dir / "eval.yaml"
    file.write_text(file.read_text() + 'gates: ["accuracy >= 0.999"]\n')
    end = desk.run("score", "--json")
    assert end.code == 3
    assert json.loads(end.out.splitlines()[-1])["gates"][0]["gate"] == "accuracy >= 0.999"


def test_the_config_that_was_written_finds_a_scorer_of_ones_own(flags: list[str], desk: Desk) -> None:
    (desk.path / "mine.py").write_text("def half(row): return 0.5\n")
    assert desk.run(*flags, "--set=scoring.scorer=mine.py:half").code == 0
    end = desk.run("run", str(desk.run_dir / "eval.yaml"))
    assert (end.code, "complete since" in end.err) == (0, True)


def test_a_mistyped_file_is_told_before_flags_that_are_missing(flags: list[str], desk: Desk) -> None:
    end = desk.run("run", "My messages.v3.csv")
    assert end.code == USAGE
    assert "there is no file My messages.v3.csv" in end.err


def test_labels_that_no_reply_can_tell_apart_are_refused_before_anything_is_said(flags: list[str], desk: Desk, server: Server) -> None:
    (desk.path / "spelled.csv").write_text("text,label\nan offer,spam\nsee you,ham\nanother offer,Spam\n")
    end = desk.run("run", "spelled.csv", *flags[2:])
    assert end.code == USAGE
    assert "'Spam' and 'spam' are the same" in end.err
    assert "in flight at most" not in end.err
    assert server.calls() == []
