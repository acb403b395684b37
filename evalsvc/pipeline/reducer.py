"""The reducer as a child process: started early, so that its imports are over when the last answer is in."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

from evalsvc.journal.files import storage_failed
from evalsvc.reduce.parts import death

WHO = "the process that makes the numbers"


class Reducer:
    """One child process over one run directory."""

    def __init__(self, run_dir: Path) -> None:
        """StorageFailed where the system has no room for another process."""
        try:
            # a session of its own: Ctrl-C at the terminal is the run's business. -P: nothing in the working directory is a module
            self._process = subprocess.Popen(  # noqa: S603
                [sys.executable, "-P", "-m", "evalsvc.deriving", str(run_dir), str(os.getpid())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                start_new_session=True,
            )
        except OSError as exc:
            raise storage_failed(exc, WHO) from exc
        self._begun = False

    def begin(self) -> None:
        """Has it count what is in the journal by now, so that less is left for `reduce`. A second call does nothing."""
        if not self._begun and self._process.stdin is not None:
            self._begun = True
            with suppress(BrokenPipeError):  # `reduce` tells what it died of
                os.write(self._process.stdin.fileno(), b"count\n")

    async def reduce(self, *, until: Awaitable[object] | None = None) -> bool:
        """Brings the derived files up to date; False when `until` was over first and it was broken off, which loses nothing.

        Raises what the child died of.
        """
        going = asyncio.ensure_future(asyncio.to_thread(self._process.communicate, b"go\n"))
        over = asyncio.ensure_future(_never() if until is None else until)
        try:
            await asyncio.wait({going, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            over.cancel()
        if not going.done():
            going.cancel()
            self.dismiss()
            return False
        said, _ = going.result()
        if self._process.returncode:
            raise death(WHO, said, self._process.returncode)
        return True

    def dismiss(self) -> None:
        """Ends it where it stands: everything it writes is either whole or not there."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


async def _never() -> None:
    await asyncio.Event().wait()
