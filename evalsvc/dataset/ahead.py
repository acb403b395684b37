"""Work done ahead in a thread, so that who consumes it rarely waits for a network."""

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """The items of an iterator that runs in a thread of its own, at most `depth` items before its consumer.

    What the iterator raises is raised here, after the items before it. The iterator is used and closed by its thread alone;
    `close` does not wait for it, since it may hang in a read for a minute.
    """

    def __init__(self, items: Iterator[T], *, depth: int) -> None:
        self._items = items
        self._depth = depth
        self._ready: deque[T] = deque()
        self._failure: BaseException | None = None
        self._ended = self._closed = False
        self._changed = threading.Condition()
        threading.Thread(target=self._work, name="evalsvc-read-ahead", daemon=True).start()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        with self._changed:
            self._changed.wait_for(lambda: self._ready or self._ended)
            if self._ready:
                self._changed.notify_all()
                return self._ready.popleft()
        if self._failure is not None:
            raise self._failure
        raise StopIteration

    @property
    def would_wait(self) -> bool:
        """Whether the next item is not there yet."""
        return not self._ready and not self._ended

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._ready.clear()
            self._changed.notify_all()

    def _work(self) -> None:
        failure: BaseException | None = None
        try:
            for item in self._items:
                if not self._hand_over(item):
                    break
        except BaseException as error:  # it belongs to the consumer, whatever it is
            failure = error
        finally:
            close = getattr(self._items, "close", None)
            if close is not None:
                close()
            with self._changed:
                self._failure, self._ended = failure, True
                self._changed.notify_all()

    def _hand_over(self, item: T) -> bool:
        """False when nobody wants any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or len(self._ready) < self._depth)
            self._ready.append(item)
            self._changed.notify_all()
            return not self._closed
