"""What of the image can be seen without an engine; scripts/image-test builds and runs it."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

CHECKOUT = Path(__file__).resolve().parents[2]
LOCKS = ("requirements.txt", "build-requirements.txt")
PINNED = re.compile(r"^(?P<name>[a-z0-9._-]+)==(?P<version>[^ ;\\]+)(?P<marker> ;[^\\]*)? \\$", re.MULTILINE)
EXTRAS = ("parquet", "http", "s3", "gs", "hf", "azure", "json", "prices")


def pinned(lock: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for match in PINNED.finditer((CHECKOUT / "deploy/image" / lock).read_text()):
        found.setdefault(canonicalize_name(match["name"]), []).append(match["version"])
    return found


def instructions() -> list[str]:
    """The Dockerfile's, one line each, without comments."""
    lines = [line for line in (CHECKOUT / "Dockerfile").read_text().splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return "\n".join(lines).replace("\\\n", " ").splitlines()


def test_what_the_project_needs_is_pinned_in_a_version_that_it_accepts() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    wanted = [
        *project["project"]["dependencies"],
        *(needed for extra in EXTRAS for needed in project["project"]["optional-dependencies"][extra]),
    ]
    for lock, needs in (("requirements.txt", wanted), ("build-requirements.txt", project["build-system"]["requires"])):
        versions = pinned(lock)
        for need in map(Requirement, needs):
            found = versions.get(canonicalize_name(need.name), [])
            assert found, f"{need.name} is not in {lock}: scripts/lock"
            assert all(need.specifier.contains(version) for version in found), f"{need} is {found} in {lock}: scripts/lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_pin_has_its_hashes_and_no_address(lock: str) -> None:
    text = (CHECKOUT / "deploy/image" / lock).read_text()
    pins = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)
    assert all(PINNED.match(pin) and "--hash=sha256:" in pin for pin in pins if pin.strip())
    assert "://" not in text


def test_the_last_stage_is_what_a_cluster_asks_for() -> None:
    lines = instructions()
    last = lines[max(at for at, line in enumerate(lines) if line.startswith("FROM ")) :]
    assert {"USER 65532:65532", "STOPSIGNAL SIGTERM", 'ENTRYPOINT ["evalsvc"]', "WORKDIR /eval"} <= set(last)
    assert [line for line in last if line.startswith("COPY ")] == [
        "COPY --from=build /opt/evalsvc /opt/evalsvc",
        "COPY LICENSE /usr/share/doc/evalsvc/LICENSE",
    ]
    assert not any("pip" in line or "venv" in line for line in last)
    assert not any(line.startswith("CMD ") for line in last), "a job that lost its arguments has not passed"
    assert [re.findall("--no-install-recommends ([^&]+)", line)[0].split() for line in last if "apt-get" in line] == [
        ["python3", "ca-certificates"]
    ]
    assert any(re.search(r"^ENV .*\bEVALSVC_LOG=json\b", line) for line in last)


def test_nothing_is_installed_but_what_is_pinned_unless_an_extra_was_asked_for() -> None:
    installs = [command for line in instructions() for command in line.split("&&") if re.search(r"/pip .*\binstall ", command)]
    assert len(installs) == 4
    assert all(re.search(r"--require-hashes|--no-index|EXTRAS", install) for install in installs)


def test_nothing_gets_into_the_build_that_is_not_named() -> None:
    first, *others = [line for line in (CHECKOUT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert first == "*"
    assert others[-1] == "**/.env*", "the last line that fits counts"
    assert {line for line in others if line.startswith("!")} == {"!LICENSE", "!README.md", "!pyproject.toml", "!evalsvc", "!deploy/image"}


@pytest.mark.parametrize("script", ["image-test", "lock"])
def test_a_script_says_how_it_is_used(script: str) -> None:
    asked = subprocess.run([CHECKOUT / "scripts" / script, "--help"], capture_output=True, text=True, check=True)
    assert asked.stdout.startswith(f"usage: scripts/{script}")
