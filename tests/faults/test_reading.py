"""What only reads needs no place to write: a run directory on a read-only file system, copied to another place."""

import subprocess
from pathlib import Path

import pytest

from evalsvc.deriving.derive import derive_run
from tests.e2e.desk import COMMAND, environment
from tests.faults.promises import promise
from tests.faults.small_disk import needs_small_disks
from tests.faults.test_versions import contents, golden

READING = (
    "show spam/present",
    "list",
    "history spam",
    "doctor spam/present",
    "compare spam/present spam/present",
    "report spam/present -o ../page.html",
    "prune --keep 1",
)
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && cd "$0" && exec "$@"'


@pytest.mark.long
@promise("2.7")
@needs_small_disks()
def test_commands_that_only_read_need_no_place_to_write(tmp_path: Path) -> None:
    run = golden("present", tmp_path / "before")
    derive_run(run)
    run.lock.write_text("{}\n")
    desk = (tmp_path / "before").rename(tmp_path / "after")
    before = contents(desk)
    for words in READING:
        command = ["unshare", "-Urm", "sh", "-c", READ_ONLY, str(desk), *COMMAND, *words.split()]
        done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stderr}"
    assert contents(desk) == before
    assert (tmp_path / "page.html").exists()
