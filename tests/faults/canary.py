"""A key that must be nowhere: looked for, plain and in base64, in everything that a test has made."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import quote

CANARY: Final = "sk-canary-3f9b1d77c0e84a52"
# Files in which a test itself puts the key.
GIVEN: Final = (".env", "api-key.secret")


def spellings(key: str) -> tuple[bytes, ...]:
    """The halves of the key, plain, percent-encoded, JSON-escaped and in hex, and its base64 at each of the three places that it can
    have in a longer text.
    """
    middle = len(key) // 2
    found: set[bytes] = set()
    for half in (key[:middle], key[middle:]):
        found |= {half.encode(), quote(half, safe="").encode(), json.dumps(half)[1:-1].encode(), half.encode().hex().encode()}
    for shift in range(3):
        whole = base64.b64encode(bytes(shift) + key.encode())
        # the first and last characters depend on what stands beside
        found |= {whole[4:-4], whole[4:-4].replace(b"+", b"-").replace(b"/", b"_")}
    return tuple(sorted(found))


SPELLINGS: Final = spellings(CANARY)


def is_in(content: bytes | str) -> bool:
    """
    >>> is_in("Authorization: Basic " + base64.b64encode(f"user:{CANARY}".encode()).decode()), is_in("sk-other")
    (True, False)
    """
    data = content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content
    return any(spelling in data for spelling in SPELLINGS)


def leaks(folder: Path) -> Iterator[Path]:
    """The files below `folder` that hold the key, and those whose name does."""
    for path in sorted(folder.rglob("*")):
        if path.name in GIVEN or path.is_symlink() or not path.is_file():
            continue
        if is_in(str(path.relative_to(folder))) or is_in(path.read_bytes()):
            yield path
