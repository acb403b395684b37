"""Rows that claim one id: found by their hashes, then looked up in the files to say where they are."""

from collections.abc import Iterator
from itertools import islice

from evalsvc.dataset.hashes import HASH_BYTES, id_hash
from evalsvc.dataset.layout import Layout
from evalsvc.dataset.occurrences import repeats
from evalsvc.dataset.selection import picker
from evalsvc.dataset.source import open_source
from evalsvc.errors import UsageError

SHOWN = 10


def refuse_duplicate_ids(layout: Layout, id_hashes: bytes | bytearray, chosen: bytearray | None) -> None:
    """UsageError that lists the first ids that occur more than once, with the lines they are on."""
    suspects: set[bytes] = set()
    extra_rows = 0
    for ordinal, _ in repeats(id_hashes):
        extra_rows += 1
        if len(suspects) < SHOWN:
            suspects.add(bytes(id_hashes[ordinal * HASH_BYTES : (ordinal + 1) * HASH_BYTES]))
    if not suspects:
        return
    places: dict[str, list[str]] = {}
    for id_, place in _places(layout, suspects, chosen):
        places.setdefault(id_, []).append(place)
    listed = [f"  {id_!r}: {_and(found)}" for id_, found in places.items() if len(found) > 1]
    # none when only the hashes are equal, which is no fault of the file's
    if listed:
        more = ["  …"] if extra_rows > len(listed) and len(listed) == SHOWN else []
        raise UsageError(
            "\n".join([f"{extra_rows} rows have the id (column {layout.columns.id!r}) of an earlier row:", *listed, *more]),
            hint="Make the ids unique, or remove `dataset.id`: ids are then hashes of the rows.",
        )


def _places(layout: Layout, suspects: set[bytes], chosen: bytearray | None) -> Iterator[tuple[str, str]]:
    """(id, file:line) of every row whose id hash is one of `suspects`."""
    pick, left = picker(chosen), layout.limit
    for path in layout.files:
        with open_source(path) as source:
            reader = pick(path, layout.reader(source))
            for line, raw in islice(reader.raws, left):
                id_ = layout.columns.id_of(path, line, reader.parse(line, raw))
                left = None if left is None else left - 1
                if id_ is not None and id_hash(id_) in suspects:
                    yield id_, f"{path}:{line}"


def _and(places: list[str]) -> str:
    """
    >>> _and(["a:1", "a:2"]), _and(["a:1", "a:2", "a:3"])
    ('a:1 and a:2', 'a:1, a:2 and 1 more')
    """
    return " and ".join(places) if len(places) == 2 else f"{places[0]}, {places[1]} and {len(places) - 2} more"
