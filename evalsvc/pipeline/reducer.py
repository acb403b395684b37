"""The reducer as a child process: started early, so that its imports are over when the last answer is in."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable
from pathlib import Path

from evalsvc.errors import EvalsvcError
from evalsvc.jsonio import loads
from evalsvc.reduce.parts import DIED_OF


class Reducer:
    """One child process over one run directory."""

    def __init__(self, run_dir: Path) -> None:
        # a session of its own: Ctrl-C at the terminal is the run's business. -P: nothing in the working directory is a module
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", "-m", "evalsvc.deriving", str(run_dir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )

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
            raise _failure(said, self._process.returncode)
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


def _failure(said: bytes, exit_code: int) -> EvalsvcError:
    try:
        told = loads(said)
        return DIED_OF.get(exit_code, EvalsvcError)(told["message"], hint=told["hint"])
    except (ValueError, KeyError, TypeError):
        return EvalsvcError(f"the reducer died with {exit_code}", hint="the predictions are safe; evalsvc score does the same again")
