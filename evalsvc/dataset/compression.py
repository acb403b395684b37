"""Bytes out of .gz and .zst, where a cut file is an error and never a shorter data set."""

import zlib
from collections.abc import Callable
from io import RawIOBase
from typing import Protocol

# Small, because a few bytes of zstd can stand for megabytes of equal rows.
CHUNK_BYTES = 8192


class CorruptError(Exception):
    """The compressed bytes are cut or damaged."""


class Decompressor(Protocol):
    """One gzip member or one zstd frame, fed piece by piece."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


def new_gzip() -> Decompressor:
    return zlib.decompressobj(wbits=31)  # 31: gzip framing, checksum verified


def new_zstd() -> Decompressor:
    import zstandard

    return zstandard.ZstdDecompressor().decompressobj()


COMPRESSIONS: dict[str, Callable[[], Decompressor]] = {".gz": new_gzip, ".zst": new_zstd}


class Decompressed(RawIOBase):
    """The plain bytes of a compressed stream of one or many members, for a BufferedReader to read from.

    CorruptError when a member is cut or its bytes are damaged. (`zstandard`'s own stream reader ends without a word on a cut file.)
    """

    def __init__(self, stored: RawIOBase, new: Callable[[], Decompressor]) -> None:
        self._stored = stored
        self._new = new
        self._member: Decompressor | None = None
        self._plain = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        while not self._plain:
            data = self._stored.read(CHUNK_BYTES)
            if not data:
                return self._end()
            self._plain = memoryview(b"".join(self._feed(data)))
        size = min(len(buffer), len(self._plain))
        buffer[:size] = self._plain[:size]
        self._plain = self._plain[size:]
        return size

    def _feed(self, data: bytes) -> list[bytes]:
        plain = []
        while data:
            if self._member is None:
                # zeros may pad what follows a member; none begins with one
                data = data.lstrip(b"\0")
                if not data:
                    break
                self._member = self._new()
            plain.append(_decompress(self._member, data))
            if not self._member.eof:
                break
            data, self._member = self._member.unused_data, None
        return plain

    def _end(self) -> int:
        if self._member is not None:
            raise CorruptError("it ends in the middle")
        return 0


def _decompress(member: Decompressor, data: bytes) -> bytes:
    try:
        return member.decompress(data)
    except Exception as error:  # zlib.error or ZstdError; naming the latter would import zstandard for every file
        raise CorruptError(str(error)) from error
