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
        earlier = _next_earlier(run)
        earlier.create()
        write_atomic(earlier.manifest, run.manifest.read_bytes())  # before the answers are there: without it they are nobody's
        external = run.path / "external"  # scores from outside, of the old answers
        if external.exists():
            external.replace(earlier.path / external.name)
        if run.journal.exists():
            run.journal.replace(earlier.journal)
        sync_dir(earlier.path)
        sync_dir(run.path)
    except OSError as exc:
        raise storage_failed(exc, run.path) from exc
    return earlier


def _next_earlier(run: RunDir) -> RunDir:
    """The first number without answers: one that a crash left without any is used again."""
    number = 1
    while (earlier := RunDir(run.path / "earlier" / str(number))).journal.exists():
        number += 1
    return earlier
