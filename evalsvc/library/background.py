"""One evaluation in a thread and an event loop of its own: it runs the same from a script, a notebook cell and a server.

Nothing of the caller's is touched: no signal handler, no event loop, no terminal, no setting of the garbage collector.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress

from evalsvc.errors import Stopped
from evalsvc.pipeline import Evaluation, StopSwitch, evaluate
from evalsvc.pipeline.loop import new_loop
from evalsvc.pipeline.prepare import Prepared
from evalsvc.records import Progress
from evalsvc.report import Exchange, RunIntro

_log = logging.getLogger("evalsvc")


class Background:
    """Starts at once. `tell` gets every snapshot, in the thread of the evaluation; `future` how it ended."""

    def __init__(self, prepare: Callable[[], Prepared], tell: Callable[[Progress], None]) -> None:
        self.future: Future[Evaluation] = Future()
        self._prepare = prepare
        self._tell = tell
        self._stop = StopSwitch()
        self._loop = new_loop()
        self.future.set_running_or_notify_cancel()  # from here on only the evaluation itself can end it
        # a daemon, for who leaves without waiting: every accepted answer is on the disk by then
        threading.Thread(target=self._run, name="evalsvc", daemon=True).start()

    def stop(self, reason: str) -> None:
        """Asks it to end, with what is in flight waited for; it goes on until `future` is done."""
        error = Stopped(reason, hint="the same call carries on where it stopped")
        with suppress(RuntimeError):  # its loop is closed: it has ended by itself
            self._loop.call_soon_threadsafe(self._stop.pull, error)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                ended = runner.run(self._evaluate())
        except BaseException as error:
            self.future.set_exception(error)
        else:
            self.future.set_result(ended)

    async def _evaluate(self) -> Evaluation:
        return await evaluate(self._prepare(), _Watching(self._tell), self._stop)


class _Watching:
    """The view of a program: snapshots for its callback, words for its log."""

    def __init__(self, tell: Callable[[Progress], None]) -> None:
        self._tell = tell

    def start(self, run: RunIntro) -> None:
        for note in run.notes:
            self.note(note)

    def note(self, text: str) -> None:
        _log.info("%s", text)

    def first_exchange(self, exchange: Exchange) -> None:
        pass

    def update(self, progress: Progress) -> None:
        self._tell(progress)

    def close(self) -> None:
        pass
