"""A file behind a URL as a file that can be read and sought, taken up again where the line broke."""

from collections.abc import Callable, Iterator
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader, RawIOBase
from typing import IO, Any

from evalsvc.dataset.ahead import Ahead
from evalsvc.dataset.place import Url
from evalsvc.dataset.stamp import Stamp
from evalsvc.dataset.storage import file_system, patiently, version_of
from evalsvc.errors import UsageError

BLOCK_BYTES = 1 << 22
BLOCKS_AHEAD = 2


class RemoteFile(RawIOBase):
    """Each read is one request for a range, tried again when it fails for a passing reason.

    A server that knows no ranges is read as one stream instead: from its start again after an error, and never backwards.
    UsageError or StorageFailed for what cannot be mended.
    """

    def __init__(self, url: Url, *, sleep: Callable[[float], None] | None = None) -> None:
        self._file: IO[bytes] | None = None  # first, for `close` comes even after an error here
        self.url = url
        self._files = file_system(url)
        self._sleep = sleep
        self._at = 0
        self._streams = False  # learned when a range is asked for and the whole file comes
        self._info = self._look()
        _refuse_web_page(url, self._info)

    @property
    def size(self) -> int | None:
        size = self._info.get("size")
        return size if isinstance(size, int) else None

    def stamp(self) -> Stamp:
        """What the store says of the file now."""
        info = self._look()
        return Stamp(size=info.get("size"), version=version_of(info))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self.size is not None

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        base = {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self.size or 0}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        if self.size is not None and self._at >= self.size:
            return 0
        data = patiently(self.url, lambda: self._read(len(buffer)), sleep=self._sleep)
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def close(self) -> None:
        self._let_go()
        super().close()

    def _look(self) -> dict[str, Any]:
        return patiently(self.url, lambda: dict(self._files.info(self.url.address)), sleep=self._sleep)

    def _read(self, size: int) -> bytes:
        """Some bytes from here; none only at the end of a file whose size is not known."""
        try:
            if self._file is None:
                self._file = self._files.open(self.url.address, "rb", **self._how())
            self._go_to(self._file)
            data: bytes = self._file.read(size)
        except ValueError as error:  # fsspec's word for a server that ignores ranges
            self._let_go()
            self._streams = True
            raise EOFError(str(error)) from error
        except BaseException:
            self._let_go()
            raise
        if not data and self.size is not None:
            self._let_go()
            raise EOFError(f"it ended at byte {self._at} of {self.size}")
        return data

    def _how(self) -> dict[str, Any]:
        if self._streams:
            return {"block_size": 0}
        known = {"size": self.size} if self.url.is_http else {}  # else fsspec asks for it once more
        return {"block_size": BLOCK_BYTES, "cache_type": "none", **known}

    def _go_to(self, file: IO[bytes]) -> None:
        if file.tell() == self._at:
            return
        if not self._streams and self.size is not None:
            file.seek(self._at)
            return
        if file.tell() > self._at:
            raise _needs_ranges(self.url)
        while (left := self._at - file.tell()) > 0:
            if not file.read(min(left, BLOCK_BYTES)):
                raise EOFError(f"it ended before byte {self._at}")

    def _let_go(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            file.close()


class Fetched(RawIOBase):
    """The bytes of a remote file in order, a few blocks fetched ahead in a thread.

    A read waits only while not one block is there; `would_wait` tells. Memory: at most four blocks of 4 MB.
    """

    def __init__(self, file: RemoteFile) -> None:
        self._file = file
        self._blocks: Ahead[bytes] | None = None  # from the first read on: some formats only want the stamp
        self._block = memoryview(b"")

    @property
    def would_wait(self) -> bool:
        return self._blocks is not None and not self._block and self._blocks.would_wait

    def stamp(self) -> Stamp:
        return self._file.stamp()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        if self._blocks is None:
            self._blocks = Ahead(_blocks(self._file), depth=BLOCKS_AHEAD)
        while not self._block:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._block = memoryview(block)
        size = min(len(buffer), len(self._block))
        buffer[:size] = self._block[:size]
        self._block = self._block[size:]
        return size

    def close(self) -> None:
        if self._blocks is not None:
            self._blocks.close()
        super().close()


def _blocks(file: RemoteFile) -> Iterator[bytes]:
    # buffered, so that the small pieces of a stream add up to blocks
    with BufferedReader(file, BLOCK_BYTES) as stored:
        while block := stored.read(BLOCK_BYTES):
            yield block


def _needs_ranges(url: Url) -> UsageError:
    return UsageError(
        f"{url}: the server cannot send parts of a file, which this format needs", hint="Download the file and name it in `dataset.path`."
    )


def _refuse_web_page(url: Url, info: dict[str, Any]) -> None:
    if info.get("mimetype") == "text/html":
        raise UsageError(f"{url} is a web page, not a data file", hint="Use the address of the raw file, as a download link has it.")
