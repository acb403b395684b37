"""A stored file as lines of bytes: opened, decompressed, its byte order mark taken off, hashed as it is read."""

import codecs
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from io import BufferedReader, FileIO, RawIOBase
from pathlib import Path
from typing import Self

from evalsvc.dataset.compression import COMPRESSIONS, CorruptError, Decompressed
from evalsvc.errors import StorageFailed, UsageError

BUFFER_BYTES = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What changes when a file is written to."""

    size: int
    modified_ns: int

    @classmethod
    def of(cls, file: FileIO) -> Self:
        stat = os.fstat(file.fileno())
        return cls(size=stat.st_size, modified_ns=stat.st_mtime_ns)


class _Hashed(RawIOBase):
    """A file whose bytes, as stored, go into a hash on their way."""

    def __init__(self, file: FileIO) -> None:
        self._file = file
        self._sha256 = sha256()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        size = self._file.readinto(buffer)
        self._sha256.update(buffer[:size])
        return size

    def finish(self) -> bytes:
        """The digest of the whole file; what nobody read is read now."""
        while self.read(BUFFER_BYTES):
            pass
        return self._sha256.digest()


class Source:
    """One file, open for reading; `lines` gives its decompressed lines, each with its line ending."""

    def __init__(self, path: Path, file: FileIO) -> None:
        self.path = path
        self._file = file
        self._stored = _Hashed(file)
        self.stamp = Stamp.of(file)
        self.lines = _without_mark(path, _plain(path, self._stored))

    def finish(self) -> bytes:
        """SHA-256 of the file's bytes as stored; UsageError when they changed since it was opened."""
        digest = self._stored.finish()
        self.refuse_change(self.stamp)
        return digest

    def refuse_change(self, earlier: Stamp) -> None:
        if Stamp.of(self._file) != earlier:
            raise changed(self.path)


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """The file at `path`, closed at the end; its troubles become UsageError, or StorageFailed when the storage is at fault."""
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", hint="Set `dataset.path` to a file that can be read.") from error
    with file:
        try:
            yield Source(path, file)
        except CorruptError as error:
            raise UsageError(f"{path}: the compressed file is damaged or cut: {error}", hint="Copy or compress it again.") from error
        except OSError as error:
            raise StorageFailed(f"{path}: {error.strerror or error}", hint="Run the same command again.") from error


def changed(path: Path) -> UsageError:
    """The error for a file that was written to between or during the passes."""
    return UsageError(f"{path} changed while it was being read", hint="Run the same command again once nothing writes to it.")


def _plain(path: Path, stored: RawIOBase) -> BufferedReader:
    new = COMPRESSIONS.get(path.suffix.lower())
    return BufferedReader(stored if new is None else Decompressed(stored, new), BUFFER_BYTES)


def _without_mark(path: Path, lines: BufferedReader) -> BufferedReader:
    start = lines.peek(3)[:3]
    if start == codecs.BOM_UTF8:
        lines.read(3)
    elif start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise UsageError(f"{path} is UTF-16; evalsvc reads UTF-8", hint=f"iconv -f UTF-16 -t UTF-8 {path.name}")
    return lines
