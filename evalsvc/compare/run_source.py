"""The rows of a run directory, as comparisons read them."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING

from evalsvc.compare.source import Hashes, Row
from evalsvc.dataset import id_hash, open_dataset, target_hash
from evalsvc.dataset.runs import ORDERS
from evalsvc.errors import EvalsvcError
from evalsvc.journal.blocks import whole_lines
from evalsvc.journal.line import DamagedLine, decode
from evalsvc.journal.scan import scan
from evalsvc.jsonio import loads
from evalsvc.metrics.names import EXTENSION
from evalsvc.records import Record, Score
from evalsvc.reduce.external import External, load_external
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.scored import BUFFER, score_of, scores_in
from evalsvc.reduce.view import Fields

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Uint64s = NDArray[np.uint64]

# How nearly every line of scored.jsonl, and of the journal, begins.
_SCORED = re.compile(rb'\{"id":"([^"\\]*)","repeat":([0-9]+),"target":(?:null|"([^"\\]*)"),')
_JOURNALLED = re.compile(rb'\{"v":1,"id":"([^"\\]*)","repeat":([0-9]+),')


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSource:
    """`scored_bytes` of scored.jsonl belong to the first `offset` bytes of the journal; what was written since is not looked at."""

    plan: Plan
    offset: int
    scored_bytes: int

    def scores(self) -> Iterator[Score]:
        """Scores that are nobody's metric are called ext.<name>, as the summary calls their means."""
        scores = scores_in(self.plan.run.scored, self.scored_bytes)
        files = load_external(self.plan.run)
        if not files and not self._has_own_scorer:
            return scores
        return (self._extended(score, files) for score in scores)

    @property
    def _has_own_scorer(self) -> bool:
        return self.plan.config.scoring.scorer is not None

    def _extended(self, score: Score, files: Collection[External]) -> Score:
        own = score.scores or {}
        named = {EXTENSION + name: value for name, value in own.items()} if self._has_own_scorer else dict(own)
        for file in files:
            named |= {EXTENSION + name: value for name, value, _ in file.of(score.id, score.repeat)}
        return replace(score, scores=named or None)

    def scores_at(self, places: Collection[int]) -> dict[int, Score]:
        wanted, files = frozenset(places), load_external(self.plan.run)
        with self.plan.run.scored.open("rb", buffering=BUFFER) as file:
            return {place: self._extended(score_of(line), files) for place, line in enumerate(file) if place in wanted}

    def hashes(self) -> Hashes:
        import numpy as np

        pairs = self.plan.config.dataset.against is not None
        rows, targets, samples = bytearray(), bytearray(), bytearray()
        for id_, repeat, target in self._heads():
            own = id_hash(id_)
            rows += id_hash(id_, repeat) if repeat else own
            samples += id_hash(without_order(id_)) if pairs else own
            targets += target_hash(target)
        of_rows, of_samples, of_targets = (np.frombuffer(column, dtype="<u8") for column in (rows, samples, targets))
        return Hashes(rows=of_rows, samples=of_samples, targets=of_targets)

    def _heads(self) -> Iterator[tuple[str, int, str | None]]:
        """Id, repeat and target of each row."""
        with self.plan.run.scored.open("rb", buffering=0) as file:
            lines = chain.from_iterable(block for _, block in whole_lines(file, 0, self.scored_bytes))
            yield from map(_head, lines)

    def groups(self, samples: "Uint64s") -> "Uint64s | None":
        import numpy as np

        config = self.plan.config
        if config.dataset.group is None:
            return None
        ids, groups = bytearray(), bytearray()
        try:
            dataset = open_dataset(config.dataset, config.base_dir)
            for sample in dataset.samples(dataset.survey()):
                own = id_hash(sample.id)
                ids += own
                groups += own if sample.group is None else id_hash(f"group {sample.group}")
        except (EvalsvcError, OSError):
            return None
        at, there = find(np.frombuffer(ids, dtype="<u8"), samples)
        return np.where(there, np.frombuffer(groups, dtype="<u8")[at], samples)

    def questions(self, rows: "Uint64s") -> "Uint64s":
        """Of a row that was asked several times, what was asked last."""
        import numpy as np

        journal = scan(self.plan.run.journal)
        at, _ = find(np.frombuffer(journal.id_hashes, dtype="<u8"), rows)
        questions: Uint64s = np.frombuffer(journal.row_hashes, dtype="<u8")[at]
        return questions

    def groups_by(self, columns: Sequence[str]) -> "Mapping[str, NDArray[np.int32]]":
        import numpy as np

        config = self.plan.config
        try:
            dataset = open_dataset(config.dataset, config.base_dir)
            fields = Fields.of(dataset, dataset.survey(), columns)
        except (EvalsvcError, OSError):
            return {}
        ids = np.frombuffer(b"".join(id_hash(id_) for id_, *_ in self._heads()), dtype="<u8")
        at, there = find(np.frombuffer(fields.ids, dtype=np.uint64), ids)
        found: dict[str, NDArray[np.int32]] = {}
        for column, codes, texts in zip(columns, fields.codes, fields.texts, strict=True):
            of_text = np.array([-1 if text is None else code for code, text in enumerate(texts)], dtype=np.int32)
            found[column] = np.where(there, of_text[np.frombuffer(codes, dtype=np.uint32)[at]], np.int32(-1))
        return found

    def order(self) -> "Uint64s | None":
        import numpy as np

        config, known = self.plan.config, self.plan.manifest.dataset["sha256"]
        try:
            dataset = open_dataset(config.dataset, config.base_dir)
            survey = None if dataset.is_remote else dataset.survey()
        except (EvalsvcError, OSError):
            return None
        return None if survey is None or survey.sha256 != known else np.frombuffer(bytes(survey.id_hashes), dtype="<u8")

    def records(self, rows: Collection[Row]) -> dict[Row, Record]:
        """Of each row the last one; a damaged line is none."""
        wanted = {(id_.encode("utf-8", "surrogatepass"), b"%d" % repeat) for id_, repeat in rows}
        found: dict[Row, Record] = {}
        with self.plan.run.journal.open("rb", buffering=0) as file:
            for line in chain.from_iterable(block for _, block in whole_lines(file, 0, self.offset)):
                head = _JOURNALLED.match(line)
                if head is None or head.groups() in wanted:
                    with suppress(DamagedLine):
                        record = decode(line)
                        if (record.id, record.repeat) in rows:
                            found[record.id, record.repeat] = record
        return found


def _head(line: bytes) -> tuple[str, int, str | None]:
    found = _SCORED.match(line)
    if found is None:
        values = loads(line)
        return values["id"], values["repeat"], values["target"]
    id_, repeat, target = found.groups()
    return id_.decode(), int(repeat), None if target is None else target.decode()


def without_order(id_: str) -> str:
    """
    >>> without_order("42#1#ba"), without_order("42")
    ('42#1', '42')
    """
    bare, _, order = id_.rpartition("#")
    return bare if order in ORDERS else id_


def find(known: "Uint64s", wanted: "Uint64s") -> "tuple[NDArray[np.intp], NDArray[np.bool_]]":
    """Where in `known` each of `wanted` stands for the last time, and whether it stands there at all; any place where it does not.

    >>> import numpy as np
    >>> at, there = find(np.array([7, 5, 7], dtype="<u8"), np.array([7, 6], dtype="<u8"))
    >>> int(at[0]), there.tolist()
    (2, [True, False])
    """
    import numpy as np

    order = np.argsort(known, kind="stable")
    at = order[np.maximum(np.searchsorted(known[order], wanted, side="right"), 1) - 1]
    return at, known[at] == wanted
