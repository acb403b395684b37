"""A page as a list of things to do: files to write and commands to type, each with what the page says comes of it."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>\w+)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEREDOC = re.compile(r"<<'(\w+)'$")
_NUMBER = re.compile(r"\d[\d.,:TZ-]*")
CUT = "…"


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block and the comment over it: `run`, `run: exit 3`, `run by …`, `file: NAME` or `shown: WHY`."""

    mark: str | None
    language: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Write:
    """A file that the reader is told to have."""

    name: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command as it is typed, and the lines that the page shows for it."""

    text: str
    exit_code: int
    shown: list[str] = field(default_factory=list)


def blocks(page: str) -> list[Block]:
    return [Block(mark=found["mark"], language=found["language"], body=found["body"]) for found in _BLOCK.finditer(page)]


def steps(page: str) -> Iterator[Write | Command]:
    """What a test can do as the page tells it, in its order.

    >>> [step] = steps("<!-- run: exit 2 -->\\n```console\\n$ false\\nno\\n```\\n")
    >>> step.text, step.exit_code, step.shown
    ('false', 2, ['no'])
    """
    for block in blocks(page):
        match (block.mark or "").partition(": "):
            case ("file", _, name):
                yield Write(name=name, text=block.body)
            case ("run", _, how):
                yield from _commands(block.body, exit_code=int(how.removeprefix("exit ") or 0))


def _commands(body: str, *, exit_code: int) -> Iterator[Command]:
    command: Command | None = None
    lines = iter(body.splitlines())
    for line in lines:
        if line.startswith("$ "):
            if command is not None:
                yield command
            command = Command(text="\n".join(_typed(line.removeprefix("$ "), lines)), exit_code=exit_code)
        elif command is not None:
            command.shown.append(line)
    if command is not None:
        yield command


def _typed(first: str, lines: Iterator[str]) -> Iterator[str]:
    """The command's own lines: one, or all of a here-document."""
    yield first
    if here := _HEREDOC.search(first):
        for line in lines:
            yield line
            if line == here[1]:
                return


def missing(shown: list[str], output: str) -> list[str]:
    """The lines shown that did not come, in their order; numbers and spacing may differ, and … stands for anything.

    >>> missing(["a  12 rows", "…", "b"], "a 7 rows\\nx\\nb\\n"), missing(["b", "a"], "a\\nb\\n")
    ([], ['a'])
    """
    came = iter([_shape(line) for line in output.splitlines()])
    return [line for line in shown if line.strip() not in ("", CUT) and _shape(line) not in came]


def _shape(line: str) -> str:
    return " ".join(_NUMBER.sub("#", line).split())


def typed(command: Command, folder: Path) -> subprocess.CompletedProcess[str]:
    """What comes of `command` in a bash of its own, with nothing of ours in its environment; both streams in one."""
    ours = ("EVALSVC_", "OPENAI_", "COLUMNS", "PYTEST_", "PYTHON", "GITHUB_")
    kept = {name: value for name, value in os.environ.items() if not name.upper().startswith(ours)}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "-c", command.text],
        cwd=folder,
        env={**kept, "PATH": path, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
