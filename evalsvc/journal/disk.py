"""The journal file, written and synced by two threads of its own, so that lines go on being written during an fdatasync."""

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, Self


class JournalFile(Protocol):
    """Where lines go. All methods raise OSError; `sync` may run beside `write`."""

    async def write(self, data: memoryview, /) -> int:
        """Appends a part of `data`, and says how many bytes."""

    async def sync(self) -> None:
        """Returns when everything written before the call is on the disk."""

    async def close(self) -> None: ...


class DiskFile:
    """A JournalFile over aiofiles. The event loop's own threads are left to what resolves host names."""

    __slots__ = ("_file", "_sync_thread", "_write_thread")

    def __init__(self, file: Any, write_thread: ThreadPoolExecutor, sync_thread: ThreadPoolExecutor) -> None:
        self._file = file
        self._write_thread = write_thread
        self._sync_thread = sync_thread

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Opens `path` at its end."""
        import aiofiles

        write_thread = ThreadPoolExecutor(1, thread_name_prefix="journal-write")
        try:
            file = await aiofiles.open(path, "ab", buffering=0, executor=write_thread)
        except BaseException:
            write_thread.shutdown(wait=False)
            raise
        return cls(file, write_thread, ThreadPoolExecutor(1, thread_name_prefix="journal-sync"))

    async def write(self, data: memoryview, /) -> int:
        written: int = await self._file.write(data)
        return written

    async def sync(self) -> None:
        await asyncio.get_running_loop().run_in_executor(self._sync_thread, os.fdatasync, self._file.fileno())

    async def close(self) -> None:
        # not through `async with`: aiofiles would then close in the event loop's threads
        try:
            await self._file.close()
        finally:
            self._write_thread.shutdown(wait=False)
            self._sync_thread.shutdown(wait=False)
