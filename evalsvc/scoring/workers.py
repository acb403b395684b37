"""Processes that run a user's scorer. What it does to them costs the row it did it over, and nothing else."""

import select
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeVar

from evalsvc.errors import UsageError
from evalsvc.extending import Judged
from evalsvc.jsonio import dumps, loads
from evalsvc.scoring.custom import ScorerSpec
from evalsvc.scoring.judged import Verdict

BATCH = 64
# Loading a large model takes a while; a scorer that is not there by then never will be.
START_WITHIN_S = 300.0
TRIES_TO_START = 3
# So many rows in a row that killed or hung their worker, and the others are not tried: a night has 10,000 such rows.
HOPELESS_AFTER = 20

T = TypeVar("T")
Rows = Sequence[dict[str, Any]]


class WorkerLost(Exception):
    """A worker is dead, or hangs and is about to be; the message says which."""


class Worker:
    """One process. Not to be shared between threads."""

    def __init__(self, spec: ScorerSpec) -> None:
        # -P: nothing in the working directory is a module. A session of its own: Ctrl-C is for whoever reduces
        command = [sys.executable, "-P", "-m", "evalsvc.scoring.worker"]
        self._process = subprocess.Popen(  # noqa: S603
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True
        )
        assert self._process.stdout is not None  # noqa: S101
        self._poll = select.poll()
        self._poll.register(self._process.stdout, select.POLLIN)
        self._unread = b""
        self._lines: deque[bytes] = deque()
        try:
            self._send(asdict(spec))
            first = loads(self._line(START_WITHIN_S))
        except BaseException:
            self.kill()
            raise
        if "failed" in first:
            self.kill()
            raise UsageError(first["failed"], hint=first["hint"])

    def judge(self, rows: Rows, timeout_s: float) -> Iterator[Verdict]:
        """A verdict for each row, as it comes; WorkerLost over the first row that has none."""
        self._send(rows)
        for _ in rows:
            yield _verdict(loads(self._line(timeout_s)))

    def end(self) -> None:
        """From any thread: whoever waits for it meets WorkerLost."""
        self._process.kill()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _send(self, value: Any) -> None:
        pipe = self._process.stdin
        assert pipe is not None  # noqa: S101
        try:
            rest = memoryview(dumps(value) + b"\n")
            while rest:
                rest = rest[pipe.write(rest) :]
        except BrokenPipeError:
            raise WorkerLost(self._how_it_died()) from None

    def _line(self, within_s: float) -> bytes:
        """Waits for `within_s` seconds at most since the last look: what a busy reader left lying counts as just come."""
        give_up_at = time.monotonic() + within_s
        while not self._lines:
            self._read(give_up_at, within_s)
        return self._lines.popleft()

    def _read(self, give_up_at: float, within_s: float) -> None:
        pipe = self._process.stdout
        assert pipe is not None  # noqa: S101
        if not self._poll.poll(max(0.0, give_up_at - time.monotonic()) * 1000):
            raise WorkerLost(f"no answer within {within_s:g} s (scoring.timeout_s)")
        more = pipe.read(1 << 16)
        if not more:
            raise WorkerLost(self._how_it_died())
        *whole, self._unread = (self._unread + more).split(b"\n")
        self._lines.extend(whole)

    def _how_it_died(self) -> str:
        code = self._process.wait()
        return f"it ended the process it runs in ({f'signal {-code}' if code < 0 else f'exit code {code}'})"


def _verdict(told: dict[str, Any]) -> Verdict:
    return Verdict.failed(told["error"]) if "error" in told else Verdict(judged=Judged(**told))


class ScorerPool:
    """`workers` processes of one scorer, started when first needed. A context manager: leaving it ends them all."""

    def __init__(self, spec: ScorerSpec, *, workers: int, timeout_s: float) -> None:
        self._spec = spec
        self._timeout_s = timeout_s
        self._size = workers
        self._idle: deque[Worker] = deque()
        self._threads = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="scorer")
        self._busy: set[Worker] = set()
        self._closing = False
        self._lost_in_a_row = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._closing = True
        for worker in tuple(self._busy):
            worker.end()
        self._threads.shutdown(cancel_futures=True)
        while self._idle:
            self._idle.pop().kill()

    def check(self) -> None:
        """UsageError when the scorer cannot be had at all."""
        self._idle.append(self._started())

    def map(self, items: Iterable[T], row_of: Callable[[T], dict[str, Any] | None]) -> Iterator[tuple[T, Verdict | None]]:
        """Every item with its verdict, in order; None for those that have no row. A few batches are under way at a time."""
        source, under_way = iter(items), deque[tuple[list[T], Future[list[Verdict | None]]]]()
        while True:
            while len(under_way) < 2 * self._size and (batch := list(islice(source, BATCH))):
                rows = [row_of(item) for item in batch]
                under_way.append((batch, self._threads.submit(self._judge, rows)))
            if not under_way:
                return
            batch, verdicts = under_way.popleft()
            yield from zip(batch, verdicts.result(), strict=True)

    def _judge(self, rows: Sequence[dict[str, Any] | None]) -> list[Verdict | None]:
        asked = [row for row in rows if row is not None]
        verdicts = iter(self._verdicts(asked))
        return [None if row is None else next(verdicts) for row in rows]

    def _verdicts(self, rows: Rows) -> list[Verdict]:
        done: list[Verdict] = []
        while len(done) < len(rows):
            if self._closing or self._lost_in_a_row >= HOPELESS_AFTER:
                why = f"not tried, as the {HOPELESS_AFTER} rows before it ended or hung the scorer's process"
                return done + [Verdict.failed(why)] * (len(rows) - len(done))
            done += self._with_a_worker(rows[len(done) :])
        return done

    def _with_a_worker(self, rows: Rows) -> list[Verdict]:
        """Verdicts for the first rows: all of them, or up to the one that cost a worker."""
        done: list[Verdict] = []
        worker = self._idle.pop() if self._idle else self._started()
        self._busy.add(worker)
        try:
            for verdict in worker.judge(rows, self._timeout_s):
                done.append(verdict)
                self._lost_in_a_row = 0
        except WorkerLost as lost:
            worker.kill()
            self._lost_in_a_row += 1
            return [*done, Verdict.failed(str(lost))]
        finally:
            self._busy.discard(worker)
        self._idle.append(worker)
        return done

    def _started(self) -> Worker:
        why = ""
        for _ in range(TRIES_TO_START):
            try:
                return Worker(self._spec)
            except WorkerLost as lost:
                why = str(lost)
        raise UsageError(
            f"{self._spec.place}: {self._spec.name} cannot be loaded: {why}, {TRIES_TO_START} times",
            hint="load it in a Python of your own to see why; docs/extending.md#a-scorer",
        )
