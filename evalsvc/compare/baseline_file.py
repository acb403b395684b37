"""baseline.jsonl.gz: what of a run is enough to be held against, and no word of its texts, so that it can be committed beside the prompt.

The first line says which run it was, what its numbers mean, and the sum of all the rest, so that damage is noticed before anything
is held against it. Then comes a line for each row that counts, in the order of the ids:

    {"id":"42","repeat":0,
     "row":"<16 hex>",           of everything in the row but its target     "key":"<32 hex>"    of the request
     "target":"<16 hex>",        of the right answer                         "group":"<16 hex>"  of what it belongs to
     "outcome":"correct",
     "cell":[1,1],               labels by place: the right one, and the one found; null for none
     "said":["140","128",null],  target, answer, and rule of a judge, where these are numbers, ratings or verdicts
     "scores":{…},               by metric, of this row alone                "stats":{…}         summands of functions of sums
     "probs":[0.01,0.99]}        of each label

Keys without a value are left out. Files are made by baseline.py.
"""

import gzip
import zlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from io import BufferedIOBase
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evalsvc.compare.definitions import definitions_of
from evalsvc.compare.nouns import SideInfo
from evalsvc.compare.run_source import find, without_order
from evalsvc.compare.source import Hashes, Row, Side
from evalsvc.config import EvalConfig
from evalsvc.dataset import id_hash, target_hash
from evalsvc.errors import UsageError
from evalsvc.journal.files import storage_failed
from evalsvc.jsonio import dumps, loads
from evalsvc.metrics.families.metric import AnyMetric, mean_of
from evalsvc.metrics.families.registry import build_metrics
from evalsvc.metrics.kept import Shape
from evalsvc.metrics.names import EXTENSION
from evalsvc.records import Outcome, Record, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Uint64s = NDArray[np.uint64]

VERSION: Final = 1
KIND: Final = "evalsvc-baseline"
# Their targets and answers are numbers, ratings or verdicts, of which their metrics are made.
SAYS_NO_TEXT: Final = ("regression", "judge")
_NO_TARGET = target_hash(None).hex()
_GZIP = b"\x1f\x8b"
_AGAIN = "put it back as it was committed, or make it again with evalsvc baseline save RUN -o {} --force"
# No first line is as long, and what is packed may unpack to more than any memory holds.
_HEADER_AT_MOST, _BLOCK = 64 << 20, 1 << 20


def open_baseline(path: Path) -> Side:
    """UsageError for what is no baseline file, is not as it was saved, or cannot be read by this version."""
    with opened(path) as file:
        header = read_header(path, file)
        if header.get("sum") != sum_of(header, iter(lambda: file.read(_BLOCK), b"")):
            raise UsageError(f"{path} is not as it was saved", hint=_AGAIN.format(path))
    try:
        config = EvalConfig.model_validate({**header["config"], "base_dir": path.absolute().parent})
        labels, definitions = tuple(header["labels"]), dict(header["definitions"])
        info = SideInfo(name=header["name"], run_id=header["id"], path=str(path), summary=header["summary"], is_baseline=True)
        data = header["data"]
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: its first line is not as it was written", hint=_AGAIN.format(path)) from error
    measured, notes = _measured(config, labels)
    means = tuple(mean_of(name, signature="mean", measure=None) for name in definitions if name.startswith(EXTENSION))
    shape = Shape(labels=labels, metrics=(*measured, *means))
    there = definitions_of(config, shape)
    return Side(
        info=info,
        shape=shape,
        config=config,
        definitions={name: text for name, text in definitions.items() if name in there},
        data=data,
        source=BaselineSource(path=path, config=config, labels=labels),
        notes=notes,
    )


def _measured(config: EvalConfig, labels: tuple[str, ...]) -> tuple[tuple[AnyMetric, ...], tuple[str, ...]]:
    """A metric may need what is not here, as the file of a JSON schema: the others can be compared all the same."""
    try:
        return build_metrics(config, labels), ()
    except UsageError as error:
        return (), (f"only what comes of right and wrong can be compared with the baseline file: {error.message}",)


@contextmanager
def opened(path: Path) -> Iterator[BufferedIOBase]:
    """Unpacked. UsageError where the bytes are cut or damaged, StorageFailed where they cannot be had."""
    try:
        with path.open("rb") as file:
            packed = file.read(len(_GZIP)) == _GZIP
            file.seek(0)
            yield gzip.GzipFile(fileobj=file) if packed else file  # unpacked by hand it is as good
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UsageError(f"{path} is cut or damaged: {error}", hint=_AGAIN.format(path)) from error
    except OSError as error:
        raise storage_failed(error, path) from error


def read_header(path: Path, file: BufferedIOBase) -> dict[str, Any]:
    """UsageError for the first line of anything else."""
    try:
        header = loads(file.readline(_HEADER_AT_MOST))
        is_one = header["kind"] == KIND and isinstance(header["v"], int)
    except (ValueError, KeyError, TypeError):
        is_one = False
    if not is_one:
        raise UsageError(
            f"{path} is no baseline file",
            hint="evalsvc baseline save RUN -o FILE writes one; a run is named by its directory, NAME/ID or NAME",
        )
    if header["v"] > VERSION:
        raise UsageError(f"{path} was written by a newer evalsvc", hint="use that version, or a newer one")
    found: dict[str, Any] = header
    return found


def sum_of(header: Mapping[str, Any], rows: Iterable[bytes]) -> str:
    """32 hex digits of a first line and of all that follows it, in blocks of any size."""
    found = blake2b(dumps({key: value for key, value in header.items() if key != "sum"}), digest_size=16)
    for block in rows:
        found.update(block)
    return found.hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class BaselineSource:
    """The rows of a baseline file that was found to be as it was saved; errors as `opened`."""

    path: Path
    config: EvalConfig
    labels: tuple[str, ...]

    def _values(self) -> Iterator[dict[str, Any]]:
        with opened(self.path) as file:
            read_header(self.path, file)
            yield from map(loads, file)

    def scores(self) -> Iterator[Score]:
        return map(self._score, self._values())

    def _score(self, values: Mapping[str, Any]) -> Score:
        target, prediction, rule = self._said(values)
        probs = values.get("probs")
        return Score(
            id=values["id"],
            repeat=values["repeat"],
            target=target,
            prediction=prediction,
            outcome=Outcome(values["outcome"]),
            rule=rule,
            scores=values.get("scores"),
            stats=values.get("stats"),
            probs=None if probs is None else dict(zip(self.labels, probs, strict=True)),
        )

    def _said(self, values: Mapping[str, Any]) -> tuple[str | None, str | None, str | None]:
        """Target, prediction and rule. In the place of a target that is a text stands an empty one."""
        if "cell" in values:
            target, prediction = (None if place is None else self.labels[place] for place in values["cell"])
            return target, prediction, None
        if self.config.task in SAYS_NO_TEXT:
            target, prediction, rule = values.get("said", (None, None, None))
            return target, prediction, rule
        return "" if "target" in values else None, None, None

    def scores_at(self, places: Collection[int]) -> dict[int, Score]:
        wanted = frozenset(places)
        return {place: self._score(values) for place, values in enumerate(self._values()) if place in wanted}

    def hashes(self) -> Hashes:
        rows, samples, targets = bytearray(), bytearray(), bytearray()
        for values in self._values():
            rows += id_hash(values["id"], values["repeat"])
            samples += self._sample(values)
            targets += bytes.fromhex(values.get("target", _NO_TARGET))
        return Hashes(rows=_uint64s(rows), samples=_uint64s(samples), targets=_uint64s(targets))

    def _sample(self, values: Mapping[str, Any]) -> bytes:
        is_pair = self.config.dataset.against is not None
        return id_hash(without_order(values["id"]) if is_pair else values["id"])

    def groups(self, samples: "Uint64s") -> "Uint64s | None":
        if self.config.dataset.group is None:
            return None
        ids, groups = bytearray(), bytearray()
        for values in self._values():
            own = self._sample(values)
            ids += own
            groups += bytes.fromhex(values["group"]) if "group" in values else own
        at, _ = find(_uint64s(ids), samples)
        return _uint64s(groups)[at]

    def questions(self, rows: "Uint64s") -> "Uint64s":
        ids, questions = bytearray(), bytearray()
        for values in self._values():
            ids += id_hash(values["id"], values["repeat"])
            questions += bytes.fromhex(values["row"])
        at, _ = find(_uint64s(ids), rows)
        return _uint64s(questions)[at]

    def groups_by(self, _columns: Sequence[str]) -> "Mapping[str, NDArray[np.int32]]":
        return {}

    def order(self) -> None:
        return None

    def records(self, _rows: Collection[Row]) -> dict[Row, Record]:
        return {}


def _uint64s(content: bytearray) -> "Uint64s":
    import numpy as np

    return np.frombuffer(content, dtype="<u8")
