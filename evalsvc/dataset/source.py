"""A stored file as lines of bytes: opened, decompressed, its byte order mark taken off, hashed as it is read."""

import codecs
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from hashlib import sha256
from io import BufferedReader, FileIO, RawIOBase
from pathlib import Path
from typing import IO, Protocol

from evalsvc.dataset.compression import COMPRESSIONS, CorruptError, Decompressed
from evalsvc.dataset.place import Place, Url, pure
from evalsvc.dataset.stamp import Stamp
from evalsvc.errors import StorageFailed, UsageError

BUFFER_BYTES = 1 << 18


class Stored(Protocol):
    """An open file as it is stored; here or behind a URL."""

    def stamp(self) -> Stamp: ...
    def readinto(self, buffer: memoryview, /) -> int | None: ...
    def close(self) -> None: ...


class LocalFile(FileIO):
    """A file of this machine."""

    def stamp(self) -> Stamp:
        stat = os.fstat(self.fileno())
        return Stamp(size=stat.st_size, version=str(stat.st_mtime_ns))


class _Hashed(RawIOBase):
    """A file whose bytes, as stored, go into a hash on their way."""

    def __init__(self, file: Stored) -> None:
        self._file = file
        self._sha256 = sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        size = self._file.readinto(buffer) or 0
        self._sha256.update(buffer[:size])
        return size

    def finish(self) -> bytes:
        """The digest of the whole file; what nobody read is read now."""
        while self.read(BUFFER_BYTES):
            pass
        return self._sha256.digest()


class Source:
    """One file, open for reading, as `lines` or, for formats that jump about in it, by `reopen`."""

    def __init__(self, path: Place, file: Stored) -> None:
        self.path = path
        self._file = file
        self._stored = _Hashed(file)
        self._closing = ExitStack()
        self._closing.callback(file.close)
        self.stamp = file.stamp()

    @cached_property
    def lines(self) -> BufferedReader:
        """Its decompressed lines, each with its line ending."""
        return _without_mark(self.path, _plain(self.path, self._stored))

    @property
    def would_wait(self) -> bool:
        """Whether the next bytes are still on their way; never for a file of this machine."""
        return bool(getattr(self._file, "would_wait", False))

    def reopen(self) -> IO[bytes]:
        """A second handle, to seek in, closed with the source. Hashing the file is a reading of its own then."""
        file: IO[bytes] = BufferedReader(_seekable(self.path))
        self.close_with(file.close)
        return file

    def close_with(self, close: Callable[[], object]) -> None:
        """`close` is called when the source is closed, the last of them first."""
        self._closing.callback(close)

    def close(self) -> None:
        self._closing.close()

    def finish(self) -> bytes:
        """SHA-256 of the file's bytes as stored; UsageError when they changed since it was opened."""
        digest = self._stored.finish()
        self.refuse_change(self.stamp)
        return digest

    def refuse_change(self, earlier: Stamp) -> None:
        if self._file.stamp() != earlier:
            raise changed(self.path)


@contextmanager
def open_source(path: Place) -> Iterator[Source]:
    """The file at `path`, closed at the end; its troubles become UsageError, or StorageFailed when the storage is at fault."""
    source = Source(path, _open(path))
    try:
        yield source
    except CorruptError as error:
        raise UsageError(f"{path}: the compressed file is damaged or cut: {error}", hint="Copy or compress it again.") from error
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror or error}", hint="Run the same command again.") from error
    finally:
        source.close()


def changed(path: Place) -> UsageError:
    """The error for a file that was written to between or during the passes."""
    return UsageError(f"{path} changed while it was being read", hint="Run the same command again once nothing writes to it.")


def _open(path: Place) -> Stored:
    if isinstance(path, Url):
        from evalsvc.dataset.remote import Fetched, RemoteFile

        return Fetched(RemoteFile(path))
    return _open_local(path)


def _seekable(path: Place) -> RawIOBase:
    if isinstance(path, Url):
        from evalsvc.dataset.remote import RemoteFile

        return RemoteFile(path)
    return _open_local(path)


def _open_local(path: Path) -> LocalFile:
    try:
        return LocalFile(path)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="Set `dataset.path` to a file that can be read.") from error


def _plain(path: Place, stored: RawIOBase) -> BufferedReader:
    new = COMPRESSIONS.get(pure(path).suffix.lower())
    return BufferedReader(stored if new is None else Decompressed(stored, new), BUFFER_BYTES)


def _without_mark(path: Place, lines: BufferedReader) -> BufferedReader:
    start = lines.peek(3)[:3]
    if start == codecs.BOM_UTF8:
        lines.read(3)
    elif start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UsageError(f"{path} is UTF-16; evalsvc reads UTF-8", hint=f"iconv -f UTF-16 -t UTF-8 {path.name} > utf-8-{path.name}")
    return lines
