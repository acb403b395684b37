"""Another measurement in a directory that holds one already: refused, or made room for where that was asked for."""

from collections.abc import Mapping
from typing import Any

from evalsvc.config.identity import differences
from evalsvc.errors import IdentityDiffers
from evalsvc.journal.files import storage_failed, sync_dir, write_atomic
from evalsvc.rundir import RunDir

STOP, RERUN = "stop", "rerun"
ON_DRIFT = (STOP, RERUN)

SERVER = "the server's model"


def server_differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """What /models says of the model now and did not say before; nothing where it said nothing before.

    >>> server_differences({"id": "spam", "root": "/lora/1"}, {"id": "spam", "root": "/lora/2"})
    ['the server\\'s model.root: "/lora/1" → "/lora/2"']
    >>> server_differences({}, {"id": "spam"})
    []
    """
    return differences({SERVER: old}, {SERVER: new}) if old else []


def refusal(run: RunDir, lines: list[str]) -> IdentityDiffers:
    """The error that says in what the measurements differ, and which ways out there are."""
    return IdentityDiffers(
        f"{run.path} holds another measurement:\n" + "\n".join(f"  {line}" for line in lines),
        hint="give the new one a --run-id of its own; or set model.revision, which names weights that change under one name; "
        "or ask every row again in this directory, and keep the old answers in earlier/: --on-drift rerun",
    )


def set_aside(run: RunDir) -> RunDir:
    """Moves what was measured into earlier/<number>/, a run directory too; the derived files can be made again and go.

    run.json is only copied: until a new one replaces it, this is the old measurement with every row unanswered, so that
    a crash at any moment mixes nothing.
    """
    try:
        for derived in (run.state, run.summary, run.scored):
            derived.unlink(missing_ok=True)
        earlier = _earlier(run)
        if run.has_answers() or not earlier.journal.exists():
            _move(run, earlier)
        # also what a launch had moved when it was killed
        sync_dir(earlier.path)
        sync_dir(run.path)
    except OSError as exc:
        raise storage_failed(exc, run.path) from exc
    return earlier


def _move(run: RunDir, earlier: RunDir) -> None:
    earlier.create()
    write_atomic(earlier.manifest, run.manifest.read_bytes())  # before the answers are there: without it they are nobody's
    external = run.path / "external"  # scores from outside, of the old answers
    if external.exists():
        external.replace(earlier.path / external.name)
    if run.journal.exists():
        run.journal.replace(earlier.journal)


def _earlier(run: RunDir) -> RunDir:
    """The first number without answers, which a crash may have left; the last one with some, where `run` has none that could move."""
    number = 1
    while _numbered(run, number).journal.exists():
        number += 1
    return _numbered(run, number if run.has_answers() else max(1, number - 1))


def _numbered(run: RunDir, number: int) -> RunDir:
    return RunDir(run.path / "earlier" / str(number))
