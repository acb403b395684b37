import errno
import os
from pathlib import Path

import pytest

from evalsvc.errors import StorageFailed
from evalsvc.journal import storage_failed, write_atomic
from tests.faults.promises import promise


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    for data in (b"first", b"", b"second" * 100_000):
        write_atomic(tmp_path / "summary.json", data)
        assert (tmp_path / "summary.json").read_bytes() == data
    assert [each.name for each in tmp_path.iterdir()] == ["summary.json"]


@promise("2.1")
@pytest.mark.parametrize("step", ["write", "fsync", "open"])
def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    write_atomic(tmp_path / "summary.json", b"old")

    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(StorageFailed, match=r"summary\.json: no space left on the device"):
        write_atomic(tmp_path / "summary.json", b"new")
    monkeypatch.undo()
    assert (tmp_path / "summary.json").read_bytes() == b"old"
    assert [each.name for each in tmp_path.iterdir()] == ["summary.json"]


@promise("2.3")
def test_short_writes_of_a_file_are_continued(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that is nearly full takes a part; what it says to the rest counts."""
    real = os.write
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
        write_atomic(tmp_path / "summary.json", b"some twenty bytes of it")
    assert (tmp_path / "summary.json").read_bytes() == b"some twenty bytes of it"


@promise("2.1")
@pytest.mark.parametrize("code", sorted(errno.errorcode))
def test_every_disk_error_says_where_what_and_what_to_do(code: int) -> None:
    failure = storage_failed(OSError(code, os.strerror(code)), "runs/a/predictions.jsonl")
    assert failure.exit_code == 9
    assert failure.message.startswith("runs/a/predictions.jsonl: ")
    assert errno.errorcode[code] in failure.message
    assert failure.hint


def test_an_error_without_a_number_keeps_its_words() -> None:
    assert storage_failed(OSError("odd"), "a").message == "a: odd"
