"""The 8-byte hashes by which a row is known from here to the report: BLAKE2b, the same on every machine.

64 bits: the odds that any two of a million different ids share a hash are 1 in 37 million.
"""

from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from evalsvc.jsonio import canonical

HASH_BYTES = 8
_OF_NOTHING = blake2b(digest_size=HASH_BYTES)  # copied: that is faster than to make one


def row_hash(fields: Mapping[str, Any]) -> bytes:
    """Over all of a row but its target, whatever the order of its columns.

    >>> row_hash({"a": 1, "b": "x"}) == row_hash({"b": "x", "a": 1})
    True
    """
    return blake2b(canonical(fields), digest_size=HASH_BYTES).digest()


def row_id(digest: bytes, occurrence: int = 1) -> str:
    """The id of a row that has none of its own; `occurrence` counts equal rows from 1.

    >>> row_id(bytes(8)), row_id(bytes(8), 2)
    ('0000000000000000', '0000000000000000-2')
    """
    return digest.hex() if occurrence == 1 else f"{digest.hex()}-{occurrence}"


def id_hash(id: str, repeat: int = 0) -> bytes:  # noqa: A002 - the noun is called that everywhere
    """What joins data set, journal and scores: over the id and which repeat it is.

    >>> id_hash("42") == id_hash("42", 0) != id_hash("42", 1)
    True
    """
    hashing = _OF_NOTHING.copy()
    hashing.update(id.encode("utf-8", "surrogatepass"))
    digest = hashing.digest()
    if not repeat:
        return digest
    return (int.from_bytes(digest, "little") ^ repeat_mask(repeat)).to_bytes(HASH_BYTES, "little")


@lru_cache(maxsize=1024)
def repeat_mask(repeat: int) -> int:
    """What the id hash of a row's first time is XORed with for its `repeat`-th; 64 bits that look random, 0 for the first.

    So the hashes of all repeats come from those of the ids alone, a million in one operation of numpy.

    >>> id_hash("42", 3) == (int.from_bytes(id_hash("42"), "little") ^ repeat_mask(3)).to_bytes(8, "little")
    True
    """
    if not repeat:
        return 0
    return int.from_bytes(blake2b(repeat.to_bytes(8, "little"), digest_size=HASH_BYTES, person=b"repeat").digest(), "little")


def quick_hash(fields: Mapping[str, Any]) -> int:
    """Over the values of a row as they stand; another one in every process. 64 bits with a sign.

    >>> quick_hash({"a": "x", "b": [1]}) == quick_hash({"a": "x", "b": [1]}) != quick_hash({"a": "x", "b": [2]})
    True
    """
    try:
        return hash(tuple(fields.values()))
    except TypeError:  # a list or an object among them
        return int.from_bytes(row_hash(fields), "little", signed=True)


@lru_cache(maxsize=1024)  # labels are few, and each comes again and again
def target_hash(target: str | None) -> bytes:
    """Tells whether a row was relabelled; eight zero bytes stand for no target.

    >>> target_hash(None).hex()
    '0000000000000000'
    """
    if target is None:
        return bytes(HASH_BYTES)
    return blake2b(target.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()
