"""One table of options serves the command line and the config."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.sandbox import faults
from evalsvc.sandbox.settings import OPTIONS, SandboxSettings, arguments, settings_from

BASE = Path("/somewhere")


def configured(**mapping: Any) -> SandboxSettings:
    return settings_from(arguments(mapping, BASE))


def test_nothing_asked_for_is_the_default() -> None:
    assert configured() == SandboxSettings()


def test_a_config_mapping_becomes_settings() -> None:
    assert configured(
        train="data/train.tsv",
        columns=["label", "text"],
        input="text",
        target="label",
        model_name=["a", "b"],
        latency="0.05..0.15",
        slots=64,
        rpm=600,
        error_rate=0.02,
        no_retry_after=True,
        call_log="/tmp/calls",
    ) == SandboxSettings(
        train=BASE / "data/train.tsv",
        columns=("label", "text"),
        model_name=("a", "b"),
        slots=64,
        rpm=600.0,
        faults=(faults.parse("latency=0.05..0.15"), faults.parse("error-rate=0.02")),
        retry_after=False,
        call_log=Path("/tmp/calls"),
    )


def test_a_fault_without_a_value_strikes_always() -> None:
    assert configured(fault=["reset", "status=503:times=2"]).faults == (faults.parse("reset"), faults.parse("status=503:times=2"))
    assert configured(silence=True).faults == (faults.parse("silence"),)


def test_what_is_null_or_false_is_not_asked_for() -> None:
    assert configured(rpm=None, no_retry_after=False, until_stdin_closes=False) == SandboxSettings()


def test_every_option_sets_a_setting_of_its_own() -> None:
    known = set(SandboxSettings.__dataclass_fields__)
    assert {option.setting or option.name.replace("-", "_") for option in OPTIONS} == known


@pytest.mark.parametrize(
    ("mapping", "complaint"),
    [
        ({"latencey": 1}, r"unknown key 'latencey'; did you mean 'latency'\?"),
        ({"zzz": 1}, "unknown key 'zzz'; known are host, port, train"),
        ({"no_retry_after": "yes"}, "no-retry-after: true or false is expected"),
    ],
)
def test_a_wrong_key_is_refused_with_the_nearest(mapping: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        arguments(mapping, BASE)


@pytest.mark.parametrize(
    ("argv", "complaint"),
    [
        (["--model-name=x"], "needs --train"),
        (["--rpm=1", "--rps=1"], "give one of them"),
        (["--tls-key=key.pem"], "goes with --tls-cert"),
        (["--quirks=vlm"], "did you mean 'vllm'?"),
        (["--slots=0"], "a whole number above 0"),
        (["--rpm=-1"], "a number above 0"),
        (["--latency=soon"], "latency"),
        (["--fault=rest=0.1"], "did you mean 'reset'?"),
        (["--lat=1"], "unrecognized arguments"),
    ],
)
def test_nonsense_on_the_command_line_exits_with_two(argv: list[str], complaint: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        settings_from(argv)
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err


def test_help_names_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        settings_from(["--help"], prog="evalsvc sandbox")
    said = capsys.readouterr().out
    assert caught.value.code == 0
    assert all(f"--{option.name}" in said for option in OPTIONS)
