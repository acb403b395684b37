import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
NEEDED = ("bash", "dirname", "basename", "cat")


@pytest.fixture
def bare_machine(tmp_path: Path) -> tuple[Path, Path]:
    """A fresh clone in a folder with a space in its name, and a PATH without any Python."""
    clone, commands = tmp_path / "a clone", tmp_path / "bin"
    shutil.copytree(CHECKOUT / "scripts", clone / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", clone)
    commands.mkdir()
    for name in NEEDED:
        (commands / name).symlink_to(shutil.which(name) or pytest.skip(f"{name} is not installed"))
    return clone, commands


def _quickstart(clone: Path, commands: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    script = [str(commands / "bash"), str(clone / "scripts" / "quickstart"), *arguments]
    return subprocess.run(script, cwd="/", env={"PATH": str(commands)}, capture_output=True, text=True, timeout=60, check=False)


def _add_python(commands: Path, script: str) -> None:
    fake = commands / "python3.11"
    fake.write_text(f"#!{commands / 'bash'}\n{script}\n", encoding="utf-8")
    fake.chmod(0o755)


def test_without_a_new_enough_python_the_quickstart_says_what_to_install(bare_machine: tuple[Path, Path]) -> None:
    done = _quickstart(*bare_machine)
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr
    assert "try: " in done.stderr


def test_a_name_without_an_interpreter_behind_it_is_no_python(bare_machine: tuple[Path, Path]) -> None:
    _add_python(bare_machine[1], "exit 127")
    done = _quickstart(*bare_machine)
    assert done.returncode == 2
    assert "needs Python 3.11 or newer" in done.stderr


def test_a_python_that_cannot_make_environments_is_told_by_the_package_to_install(bare_machine: tuple[Path, Path]) -> None:
    clone, commands = bare_machine
    _add_python(commands, f'case "$*" in *ensurepip*) exit 1;; esac\nexec {os.fspath(sys.executable)!r} "$@"')
    done = _quickstart(clone, commands)
    assert done.returncode == 2
    assert "python3.11-venv" in done.stderr
    assert not (clone / ".venv").exists()
