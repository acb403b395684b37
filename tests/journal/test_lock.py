import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from evalsvc.errors import RunInUse, StorageFailed
from evalsvc.journal import RunLock, lock_holder
from tests.faults.promises import promise
from tests.faults.small_disk import needs_small_disks

HOLD = """
import sys, time
from evalsvc.journal import RunLock
holder = {"host": "node-3", "pid": 71, "started_at": "2026-11-20T02:13:44Z", "command": "evalsvc run a.yaml"}
lock = RunLock.acquire(sys.argv[1], holder=holder)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another(path: Path) -> Iterator["subprocess.Popen[bytes]"]:
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ}
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        try:
            yield process
        finally:
            process.kill()


def mine(path: Path) -> RunLock:
    return RunLock.acquire(path, holder={"host": "here", "pid": os.getpid()})


@promise("5.1")
def test_a_run_held_by_another_process_is_refused_by_name_until_that_is_killed(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with held_by_another(path) as process:
        with pytest.raises(RunInUse) as caught:
            mine(path)
        assert caught.value.message == (
            f"{tmp_path} is in use by process 71 on host node-3 (started at 2026-11-20T02:13:44Z: evalsvc run a.yaml)"
        )
        process.send_signal(signal.SIGSTOP)
        with pytest.raises(RunInUse):
            mine(path)
        assert lock_holder(path) is not None
        process.kill()
        process.wait()
        assert lock_holder(path) is None
        with mine(path):
            assert f'"pid":{os.getpid()}' in path.read_text()


def test_a_lock_is_exclusive_within_one_process_too(tmp_path: Path) -> None:
    with mine(tmp_path / "run.lock"), pytest.raises(RunInUse):
        mine(tmp_path / "run.lock")
    mine(tmp_path / "run.lock").release()


def test_releasing_twice_does_nothing(tmp_path: Path) -> None:
    lock = mine(tmp_path / "run.lock")
    lock.release()
    with mine(tmp_path / "run.lock"):
        lock.release()
        with pytest.raises(RunInUse):
            mine(tmp_path / "run.lock")


def test_a_started_program_does_not_hold_the_lock(tmp_path: Path) -> None:
    lock = mine(tmp_path / "run.lock")
    command = [sys.executable, "-c", "import sys; print('up', flush=True); sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, close_fds=False) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"up\n"
        lock.release()
        mine(tmp_path / "run.lock").release()


@promise("5.2")
@pytest.mark.parametrize("text", ["", "torn {", '["a list"]', '{"pid": 1}' * 2, "\0" * 100])
def test_old_text_in_a_free_lock_does_not_matter(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.lock").write_text(text)
    with mine(tmp_path / "run.lock"):
        assert lock_holder(tmp_path / "run.lock") == f"process {os.getpid()} on host here"


def test_a_holder_that_has_not_signed_yet_is_another_process(tmp_path: Path) -> None:
    path = tmp_path / "run.lock"
    with mine(path):
        path.write_text("")
        with pytest.raises(RunInUse, match="in use by another process"):
            mine(path)


LOOK = "import sys; from evalsvc.journal import lock_holder; print(lock_holder(sys.argv[1]))"
READ_ONLY = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'


@promise("2.7")
@needs_small_disks()
def test_who_holds_a_lock_can_be_seen_where_nothing_may_be_written(tmp_path: Path) -> None:
    def seen() -> str:
        looking = ["unshare", "-Urm", "sh", "-c", READ_ONLY, str(tmp_path), sys.executable, "-c", LOOK, str(tmp_path / "run.lock")]
        return subprocess.run(looking, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True).stdout

    with held_by_another(tmp_path / "run.lock"):
        assert "process 71 on host node-3" in seen()
    assert seen() == "None\n"


def test_where_there_was_never_a_lock_nobody_holds_it(tmp_path: Path) -> None:
    assert lock_holder(tmp_path / "run.lock") is None


@promise("5.1")
@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS])
def test_a_file_system_without_locks_is_refused_with_what_to_do(tmp_path: Path, code: int) -> None:
    def flock(fd: int, how: int) -> None:
        raise OSError(code, os.strerror(code))

    with pytest.raises(StorageFailed, match="does not keep locks") as caught:
        RunLock.acquire(tmp_path / "run.lock", holder={}, flock=flock)
    assert "--run-dir" in (caught.value.hint or "")
    assert lock_holder(tmp_path / "run.lock", flock=flock) is None


@promise("5.1")
def test_a_file_system_that_grants_every_lock_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="does not keep locks"):
        RunLock.acquire(tmp_path / "run.lock", holder={}, flock=lambda fd, how: None)


def test_a_directory_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match=r"none/run\.lock: no such file or directory"):
        mine(tmp_path / "none" / "run.lock")


@promise("1.4")
def test_who_takes_the_lock_clears_away_what_the_last_one_was_killed_over_and_nothing_else(tmp_path: Path) -> None:
    left = [".run.json.4.tmp", ".scored.jsonl.tmp", "predictions.jsonl.repair", "quarantine/.20261120T021344Z-tail-at-0.71.tmp"]
    left += ["earlier/1/.run.json.4.tmp"]
    kept = ["run.json", ".mine.tmp", "notes.repair", "data/.x.4.tmp", "quarantine/20261120T021344Z-tail-at-0"]
    for name in (*left, *kept):
        (tmp_path / name).parent.mkdir(exist_ok=True, parents=True)
        (tmp_path / name).write_text("half")
    with mine(tmp_path / "run.lock"):
        there = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert there == {*kept, "run.lock"}


def test_who_does_not_get_the_lock_clears_nothing_away(tmp_path: Path) -> None:
    with mine(tmp_path / "run.lock"):
        (tmp_path / ".run.json.4.tmp").write_text("on its way")
        with pytest.raises(RunInUse):
            mine(tmp_path / "run.lock")
        assert (tmp_path / ".run.json.4.tmp").exists()
