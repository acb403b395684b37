import asyncio
import errno
import gc
import threading
from collections.abc import Awaitable, Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pytest
import uvloop

from evalsvc.errors import StorageFailed
from evalsvc.journal import JournalWriter, encode, read_records
from evalsvc.journal.writer import BATCH_BYTES, BATCH_RECORDS
from evalsvc.records import Record
from tests import virtual_time
from tests.faults.promises import promise
from tests.journal.cases import answered

T = TypeVar("T")


class SlowDisk:
    """A file whose writes and syncs take as long, or fail as often, as a test says. Times are the event loop's."""

    def __init__(self, *, write_s: float = 0.0, sync_s: float = 0.0, takes: int = 1 << 30, fail_write: int = 0, fail_sync: int = 0) -> None:
        self.write_s, self.sync_s, self.takes = write_s, sync_s, takes
        self.fail_write, self.fail_sync = fail_write, fail_sync  # which call fails, from 1; 0: none
        self.data = b""
        self.writes: list[float] = []
        self.syncs: list[tuple[float, int]] = []  # when each began, and how many bytes were written then
        self.closed = False

    async def write(self, data: memoryview, /) -> int:
        assert not self.closed
        self.writes.append(now())
        await asyncio.sleep(self.write_s)
        if len(self.writes) == self.fail_write:
            raise OSError(errno.ENOSPC, "No space left on device")
        part = bytes(data[: self.takes])
        self.data += part
        return len(part)

    async def sync(self) -> None:
        assert not self.closed
        self.syncs.append((now(), len(self.data)))
        await asyncio.sleep(self.sync_s)
        if len(self.syncs) == self.fail_sync:
            raise OSError(errno.EIO, "Input/output error")

    async def close(self) -> None:
        self.closed = True


class Seen:
    """What the writer told."""

    def __init__(self) -> None:
        self.accepted: list[tuple[str, float]] = []
        self.batches: list[int] = []
        self.failures: list[StorageFailed] = []

    def on_accepted(self, records: Sequence[Record]) -> None:
        self.accepted += [(record.id, now()) for record in records]
        self.batches.append(len(records))

    def on_failure(self, failure: StorageFailed) -> None:
        self.failures.append(failure)

    @property
    def ids(self) -> list[str]:
        return [id_ for id_, _ in self.accepted]


def now() -> float:
    return asyncio.get_running_loop().time()


def with_writer(disk: SlowDisk, body: Callable[[JournalWriter, Seen], Awaitable[T]]) -> T:
    """Runs `body` in virtual time with a writer on `disk`, and checks that closing leaves nothing open."""

    async def main() -> T:
        seen = Seen()
        writer = JournalWriter(disk, Path("predictions.jsonl"), seen.on_accepted, on_failure=seen.on_failure)
        try:
            return await body(writer, seen)
        finally:
            try:
                await writer.aclose()
            except StorageFailed:
                assert writer.failure is not None
            assert disk.closed

    return virtual_time.run(main)


def records(count: int) -> list[Record]:
    return [answered(str(n)) for n in range(count)]


def test_an_answer_is_accepted_within_50_ms_after_it_came() -> None:
    async def body(writer: JournalWriter, seen: Seen) -> None:
        came = {}
        for record in records(300):
            came[record.id] = now()
            writer.append(record)
            await asyncio.sleep(0.003)
        await asyncio.sleep(0.05)
        assert max(at - came[id_] for id_, at in seen.accepted) <= 0.05
        assert seen.ids == list(came)

    with_writer(SlowDisk(write_s=0.005), body)


def test_answers_that_come_together_are_written_together() -> None:
    disk = SlowDisk(write_s=0.001)

    async def body(writer: JournalWriter, seen: Seen) -> None:
        for record in records(1000):
            writer.append(record)
            await asyncio.sleep(0.0002)
        await writer.drain()

    with_writer(disk, body)
    assert len(disk.writes) <= 12
    assert disk.data == b"".join(map(encode, records(1000)))


def test_a_batch_is_bounded_in_records_and_in_bytes() -> None:
    async def body(writer: JournalWriter, seen: Seen) -> list[int]:
        for record in records(BATCH_RECORDS + 1):
            writer.append(record)
        await writer.drain()
        for n in range(3):
            writer.append(answered(str(n), prompt="x" * (BATCH_BYTES // 2)))
        await writer.drain()
        return seen.batches

    assert with_writer(SlowDisk(), body) == [BATCH_RECORDS, 1, 2, 1]


@promise("2.3")
def test_short_writes_are_continued() -> None:
    disk = SlowDisk(takes=7)

    async def body(writer: JournalWriter, seen: Seen) -> None:
        for record in records(5):
            writer.append(record)
        await writer.drain()
        assert seen.ids == list("01234")

    with_writer(disk, body)
    assert disk.data == b"".join(map(encode, records(5)))


def test_nothing_is_counted_before_it_is_written() -> None:
    async def body(writer: JournalWriter, seen: Seen) -> None:
        for record in records(3):
            writer.append(record)
        assert (writer.backlog, writer.accepted, writer.durable) == (3, 0, 0)
        await asyncio.sleep(1.0)
        assert (writer.backlog, writer.accepted, seen.ids) == (3, 0, [])
        await asyncio.sleep(1.1)
        assert (writer.backlog, writer.accepted, writer.durable) == (0, 3, 0)
        await asyncio.sleep(0.5)
        assert (writer.backlog, writer.accepted, writer.durable) == (0, 3, 3)

    with_writer(SlowDisk(write_s=2.0, sync_s=0.4), body)


@promise("3.2")
def test_durable_is_what_was_accepted_before_the_sync_began() -> None:
    async def body(writer: JournalWriter, seen: Seen) -> None:
        writer.append(answered("0"))
        await asyncio.sleep(0.1)  # accepted at 0.02, and its sync runs until 0.52
        writer.append(answered("1"))
        await asyncio.sleep(0.5)
        assert (writer.accepted, writer.durable) == (2, 1)
        await asyncio.sleep(1.0)
        assert writer.durable == 2

    with_writer(SlowDisk(sync_s=0.5), body)


def test_while_anything_is_unsynced_a_sync_starts_every_second_and_else_none() -> None:
    disk = SlowDisk(sync_s=0.1)

    async def body(writer: JournalWriter, seen: Seen) -> None:
        for record in records(500):
            writer.append(record)
            await asyncio.sleep(0.01)
        await asyncio.sleep(100)

    with_writer(disk, body)
    starts = [at for at, _ in disk.syncs]
    assert [round(later - earlier, 3) for earlier, later in pairwise(starts)] == [1.0] * 5
    assert disk.syncs[-1][1] == len(disk.data)


def test_writes_go_on_during_a_slow_sync() -> None:
    disk = SlowDisk(sync_s=60)

    async def body(writer: JournalWriter, seen: Seen) -> None:
        for record in records(100):
            writer.append(record)
            await asyncio.sleep(0.1)
        assert (len(disk.syncs), writer.durable) == (1, 0)
        assert writer.accepted >= 99

    with_writer(disk, body)


def test_drain_makes_all_that_was_appended_durable_at_once() -> None:
    async def body(writer: JournalWriter, seen: Seen) -> None:
        for record in records(10):
            writer.append(record)
        await writer.drain()
        assert (writer.accepted, writer.durable, round(now(), 3)) == (10, 10, 0.003)
        writer.append(answered("late"))
        await writer.drain()
        assert (writer.durable, round(now(), 3)) == (11, 0.006)
        await writer.drain()
        assert round(now(), 3) == 0.006

    with_writer(SlowDisk(write_s=0.001, sync_s=0.002), body)


@promise("2.1")
def test_a_failed_write_is_the_last_one() -> None:
    disk = SlowDisk(write_s=0.001, fail_write=2)

    async def body(writer: JournalWriter, seen: Seen) -> None:
        writer.append(answered("0"))
        await writer.drain()
        writer.append(answered("1"))
        with pytest.raises(StorageFailed, match=r"predictions\.jsonl: no space left on the device \(ENOSPC\)") as caught:
            await writer.drain()
        assert "run the same command again" in (caught.value.hint or "")
        writer.append(answered("2"))
        await asyncio.sleep(10)
        with pytest.raises(StorageFailed):
            await writer.drain()
        assert (seen.ids, seen.failures) == (["0"], [writer.failure])
        assert (writer.accepted, writer.dropped, writer.backlog) == (1, 2, 0)

    with_writer(disk, body)
    assert len(disk.writes) == 2


@promise("2.5")
def test_a_failed_sync_is_the_last_one_and_its_records_are_not_durable() -> None:
    disk = SlowDisk(sync_s=0.1, fail_sync=2)

    async def body(writer: JournalWriter, seen: Seen) -> None:
        for record in records(200):
            writer.append(record)
            await asyncio.sleep(0.05)
        with pytest.raises(StorageFailed, match="EIO"):
            await writer.drain()
        assert writer.durable == 1 < writer.accepted < 40
        assert writer.accepted + writer.dropped == 200
        assert len(seen.failures) == 1

    with_writer(disk, body)
    assert len(disk.syncs) == 2


def test_a_file_that_takes_nothing_fails_rather_than_spins() -> None:
    async def body(writer: JournalWriter, seen: Seen) -> None:
        writer.append(answered())
        with pytest.raises(StorageFailed):
            await writer.drain()

    with_writer(SlowDisk(takes=0), body)


def test_a_drain_that_is_cancelled_loses_nothing() -> None:
    disk = SlowDisk(write_s=1, sync_s=1)

    async def body(writer: JournalWriter, seen: Seen) -> None:
        for record in records(3):
            writer.append(record)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await writer.drain()
        assert writer.accepted == 0
        await writer.drain()
        assert writer.durable == 3

    with_writer(disk, body)
    assert disk.data == b"".join(map(encode, records(3)))


def test_a_close_that_is_cancelled_goes_on_to_its_end() -> None:
    disk = SlowDisk(write_s=1, sync_s=1)

    async def body(writer: JournalWriter, seen: Seen) -> None:
        writer.append(answered())
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await writer.aclose()
        await writer.aclose()
        assert (writer.durable, disk.closed) == (1, True)

    with_writer(disk, body)


def test_what_comes_after_the_close_is_dropped() -> None:
    async def body(writer: JournalWriter, seen: Seen) -> None:
        await writer.aclose()
        writer.append(answered())
        assert (writer.dropped, writer.backlog) == (1, 0)

    with_writer(SlowDisk(), body)


def test_a_bug_in_on_accepted_comes_out_of_drain() -> None:
    async def main() -> None:
        def buggy(_: Sequence[Record]) -> None:
            raise ZeroDivisionError

        writer = JournalWriter(SlowDisk(), Path("j"), buggy)
        writer.append(answered())
        for wait in (writer.drain, writer.aclose):
            with pytest.raises(ZeroDivisionError):
                await wait()

    virtual_time.run(main)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_on_a_real_disk_every_record_is_there_in_order(tmp_path: Path, run: Callable[[Awaitable[None]], None]) -> None:
    path = tmp_path / "j"
    path.write_bytes(encode(answered("before")))

    async def main() -> None:
        counted: list[str] = []
        async with JournalWriter.open(path, lambda batch: counted.extend(record.id for record in batch)) as writer:
            for record in records(2500):
                writer.append(record)
            await writer.drain()
            assert (writer.accepted, writer.durable, len(counted)) == (2500, 2500, 2500)
            assert {"journal-write_0", "journal-sync_0"} <= {thread.name for thread in threading.enumerate()}
            writer.append(answered("last"))
        assert [record.id for _, record in read_records(path)] == ["before", *map(str, range(2500)), "last"]
        assert counted[-1] == "last"

    run(main())
    gc.collect()  # a file left open would warn here


def test_leaving_the_block_by_an_error_writes_what_came_and_lets_the_error_out(tmp_path: Path) -> None:
    async def main() -> None:
        async with JournalWriter.open(tmp_path / "j", lambda _: None) as writer:
            writer.append(answered())
            raise KeyError

    with pytest.raises(KeyError):
        asyncio.run(main())
    assert len(list(read_records(tmp_path / "j"))) == 1


def test_a_cancelled_run_writes_what_came(tmp_path: Path) -> None:
    async def main() -> None:
        async with asyncio.timeout(0.01), JournalWriter.open(tmp_path / "j", lambda _: None) as writer:
            writer.append(answered())
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert len(list(read_records(tmp_path / "j"))) == 1


@promise("2.3")
def test_a_full_device_fails_in_words() -> None:
    async def main() -> None:
        failures: list[StorageFailed] = []
        async with JournalWriter.open("/dev/full", lambda _: None, on_failure=failures.append) as writer:
            writer.append(answered())
            with pytest.raises(StorageFailed, match=r"/dev/full: no space left on the device \(ENOSPC\)"):
                await writer.drain()
            assert len(failures) == 1

    with pytest.raises(StorageFailed):
        asyncio.run(main())


def test_a_journal_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    async def main() -> None:
        async with JournalWriter.open(tmp_path / "none" / "j", lambda _: None):
            pass

    with pytest.raises(StorageFailed, match="none/j: no such file or directory"):
        asyncio.run(main())
