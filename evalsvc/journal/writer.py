"""The one writer of predictions.jsonl.

    append -> pending -> write() returned: accepted -> fdatasync returned: durable

Two tasks: one writes batches of whole lines, the other makes them durable meanwhile.
"""

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Self

from evalsvc.errors import StorageFailed
from evalsvc.journal.disk import DiskFile, JournalFile
from evalsvc.journal.files import storage_failed
from evalsvc.journal.line import encode
from evalsvc.journal.pending import Batch, Pending
from evalsvc.records import Record

# Of the 50 ms within which an answer is to be written, this much is spent on waiting for others to write with it.
COALESCE_S = 0.02
SYNC_EVERY_S = 1.0
# Each write is a trip to another thread and back, which takes a busy loop long: a batch holds what a second brings.
BATCH_RECORDS = 5000
BATCH_BYTES = 8 << 20

OnAccepted = Callable[[Sequence[Record]], None]
OnFailure = Callable[[StorageFailed], None]


def _no_one_to_tell(_: StorageFailed) -> None:
    return


class JournalWriter:
    """Appends records to a journal that `open_for_append` left clean.

    `on_accepted` gets each batch in the order of `append`, once its write() has returned; it runs on the event loop, and
    what it raises ends the writer and comes out of `drain`. The first write or fdatasync that fails is the last one tried:
    `failure` is set, `on_failure` is called once, and what is not written by then, or comes later, counts as in flight.
    """

    def __init__(
        self,
        file: JournalFile,
        path: Path,
        on_accepted: OnAccepted,
        *,
        on_failure: OnFailure = _no_one_to_tell,
        coalesce_s: float = COALESCE_S,
        sync_every_s: float = SYNC_EVERY_S,
    ) -> None:
        """Begins to write into `file`, which `aclose` closes. `open` is the usual way in."""
        self.accepted = 0  # records written
        self.durable = 0  # of them known to be on the disk
        self.dropped = 0  # records not written because of a failure
        self.failure: StorageFailed | None = None
        self._file, self._path = file, path
        self._on_accepted, self._on_failure = on_accepted, on_failure
        self._coalesce_s, self._sync_every_s = coalesce_s, sync_every_s
        self._pending = Pending(max_records=BATCH_RECORDS, max_bytes=BATCH_BYTES)
        self._being_written = 0
        self._going = True
        self._due: asyncio.TimerHandle | None = None
        self._write_now, self._sync_now = asyncio.Event(), asyncio.Event()
        self._unsynced, self._changed = asyncio.Event(), asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._tasks = (self._loop.create_task(self._keep_writing()), self._loop.create_task(self._keep_syncing()))
        self._finishing: asyncio.Task[None] | None = None
        for task in self._tasks:
            task.add_done_callback(lambda _: self._stop())

    @classmethod
    @asynccontextmanager
    async def open(
        cls, path: str | os.PathLike[str], on_accepted: OnAccepted, *, on_failure: OnFailure = _no_one_to_tell
    ) -> AsyncIterator[Self]:
        """A writer at the end of the journal at `path`; leaving the block makes everything durable. Raises StorageFailed."""
        path = Path(path)
        try:
            file = await DiskFile.open(path)
        except OSError as exc:
            raise storage_failed(exc, path) from exc
        writer = cls(file, path, on_accepted, on_failure=on_failure)
        try:
            yield writer
        finally:
            await writer.aclose()

    @property
    def backlog(self) -> int:
        """Records appended and not yet written."""
        return self._pending.count + self._being_written

    def append(self, record: Record) -> None:
        """Takes `record` to be written within 50 ms; neither waits nor raises for the disk's sake."""
        if not self._going:
            self.dropped += 1
            return
        if self._pending.add(encode(record), record):
            self._write_now.set()
        elif self._due is None:
            self._due = self._loop.call_later(self._coalesce_s, self._write_now.set)

    async def drain(self) -> None:
        """Returns when everything appended so far is durable. Raises StorageFailed."""
        target = self.accepted + self.backlog
        while self.durable < target and self._going:
            self._write_now.set()
            self._sync_now.set()
            await self._changed.wait()
        self._raise_what_ended_it()

    async def aclose(self) -> None:
        """Drains and closes; a second call waits for the first. Goes on to its end in the background when it is cancelled."""
        if self._finishing is None:
            self._finishing = self._loop.create_task(self._finish())
        await asyncio.shield(self._finishing)

    async def _finish(self) -> None:
        try:
            await self.drain()
        finally:
            self._stop()
            # both end by themselves: a write or sync on its way still uses the file
            await asyncio.wait(self._tasks)
            with suppress(OSError):  # fdatasync has had the last word on every record
                await self._file.close()

    async def _keep_writing(self) -> None:
        while self._going:
            await self._write_now.wait()
            self._write_now.clear()
            self._disarm()
            # what comes in meanwhile waits for its own turn, or every write would carry one line
            target = self.accepted + self.backlog
            while self._going and self.accepted < target and (batch := self._pending.take()):
                await self._write(batch)

    async def _write(self, batch: Batch) -> None:
        self._being_written = len(batch.records)
        try:
            await self._write_whole(b"".join(batch.lines))
        except OSError as exc:
            self._fail(exc)
        count, self._being_written = self._being_written, 0
        if self.failure is not None:
            self.dropped += count
            return
        self.accepted += count
        self._unsynced.set()
        self._on_accepted(batch.records)
        self._tell_waiters()

    async def _write_whole(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            written = await self._file.write(rest)
            if not written:
                raise OSError(errno.EIO, "write() took nothing")
            rest = rest[written:]

    async def _keep_syncing(self) -> None:
        while self._going:
            await self._unsynced.wait()
            if not self._going:
                return
            next_at = self._loop.time() + self._sync_every_s
            await self._sync_once()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(next_at):
                    await self._sync_now.wait()
            self._sync_now.clear()

    async def _sync_once(self) -> None:
        covered = self.accepted
        try:
            await self._file.sync()
        except OSError as exc:
            # never again: the kernel may have dropped the pages, and a second call would say that all is well
            self._fail(exc)
            return
        self.durable = covered
        if self.accepted == covered:
            self._unsynced.clear()
        self._tell_waiters()

    def _fail(self, exc: OSError) -> None:
        if self.failure is None:
            self.failure = storage_failed(exc, self._path)
            self.failure.__cause__ = exc
            self._stop()
            self._on_failure(self.failure)

    def _stop(self) -> None:
        self._going = False
        self.dropped += self._pending.clear()
        self._disarm()
        for event in (self._write_now, self._sync_now, self._unsynced):
            event.set()
        self._tell_waiters()

    def _disarm(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None

    def _tell_waiters(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def _raise_what_ended_it(self) -> None:
        if self.failure is not None:
            raise self.failure
        for task in self._tasks:
            if task.done() and (bug := task.exception()) is not None:
                raise bug
