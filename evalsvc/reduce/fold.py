"""journal -> tallies: one streaming pass, carried on from where the last one stopped.

What is kept besides the tallies is 8 bytes a row, to notice rows that were asked again. Those are rare, so they are not
looked for beforehand: their older records are taken back out of the tallies afterwards, as scored.jsonl says they were
counted, which is exact, because tallies are integers.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from evalsvc.journal.files import storage_failed, write_atomic
from evalsvc.journal.line import CHECKSUM_BYTES
from evalsvc.journal.read import read_records, refuse_newer
from evalsvc.journal.scan import scan
from evalsvc.jsonio import dumps, loads
from evalsvc.prompt.likelihood import scores_target
from evalsvc.records import Record
from evalsvc.reduce.custom import CustomStates, fold_custom
from evalsvc.reduce.joined import Joined, joined
from evalsvc.reduce.parts import ranges_of, take_parts
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.room import processes_here
from evalsvc.reduce.scored import drop_lines, ids_in, open_scored, score_of, to_disk
from evalsvc.reduce.taking import Tallies, target_of, view_of
from evalsvc.rundir import RunDir
from evalsvc.scoring.outcomes import is_cut

# A process takes half a second to start. In less than so many bytes it does not make good for that: of labels that are read off,
# and of texts that are measured, at a fraction of the speed.
_WORTH_A_PROCESS, _WORTH_ONE_WHERE_MEASURED = 32 << 20, 1 << 20
VERSION = 1  # of reduce.json
_KEPT = ("offset", "scored_bytes", "superseded", "custom")


@dataclass(slots=True, kw_only=True)
class Fold:
    """The tallies, and how much of the journal is in them."""

    tallies: Tallies
    offset: int  # of the journal: all records before it are in
    scored_bytes: int = 0  # of scored.jsonl: its lines for those records
    superseded: list[int] = field(default_factory=list)  # offsets of records that were taken back
    custom: CustomStates = field(default_factory=dict)  # of the user's metrics, by name
    read: int = 0  # records read by this call

    @classmethod
    def empty(cls, plan: Plan) -> "Fold":
        return cls(tallies=Tallies.empty(plan), offset=0)

    def expected(self, plan: Plan) -> int:
        """Rows there should be: as many as the last launch counted, and more where the data set got rows back since that it once had."""
        return max(plan.expected, self.tallies.ok + self.tallies.error)


def load_fold(plan: Plan) -> Fold | None:
    """The fold of the last reduction; None when there is none, or none that this plan can carry on."""
    try:
        state = loads(plan.run.state.read_bytes())
        usable = state["v"] == VERSION and state["fold_key"] == plan.fold_key and is_of(plan.run, state)
        fields = {name: state[name] for name in _KEPT}
        return Fold(tallies=Tallies.from_state(state["tallies"]), **fields) if usable else None
    except (OSError, ValueError, KeyError, TypeError):
        return None  # derived, so a damaged one is simply made again


def is_of(run: RunDir, state: Mapping[str, Any]) -> bool:
    """Whether `state`, as reduce.json has it, is of this journal and this scored.jsonl: one that lost its end, and grew again, is another.

    OSError, KeyError or TypeError for what is no state.
    """
    return bool(state["last"] == _last(run.journal, state["offset"]) and state["scored_bytes"] <= _size(run.scored))


def _last(journal: Path, offset: int) -> str | None:
    """The end of the line that ends at `offset`, which holds its checksum; None where no line does."""
    if offset == 0:
        return ""
    with journal.open("rb") as file:
        file.seek(max(0, offset - CHECKSUM_BYTES - 1))
        end = file.read(CHECKSUM_BYTES + 1)
    return end.decode("ascii", "replace") if len(end) > CHECKSUM_BYTES and end.endswith(b"\n") else None


def save_fold(plan: Plan, fold: Fold, *, summary_key: str | None) -> None:
    """`summary_key`: of the summary that has been written of this fold; a kill between the two leaves one that is known to be old."""
    fields = {name: getattr(fold, name) for name in _KEPT}
    last = _last(plan.run.journal, fold.offset)
    state = {"v": VERSION, "fold_key": plan.fold_key, "summary_key": summary_key, **fields, "last": last, "tallies": fold.tallies.state()}
    write_atomic(plan.run.state, dumps(state) + b"\n")


def fold_journal(plan: Plan) -> Fold:
    """Brings the fold, and scored.jsonl with it, up to the end of the journal, and saves it."""
    refuse_newer(plan.run.journal)
    fold = load_fold(plan)
    if fold is not None:
        with suppress(ValueError, KeyError, TypeError):  # of a scored.jsonl that is damaged
            return _brought_up(plan, fold)
    forget(plan.run)
    return _brought_up(plan, Fold.empty(plan))


def forget(run: RunDir) -> None:
    """The next fold begins with the first record. Raises StorageFailed."""
    try:
        run.state.unlink(missing_ok=True)
    except OSError as exc:
        raise storage_failed(exc, run.state) from exc


def _brought_up(plan: Plan, fold: Fold) -> Fold:
    try:
        with open_scored(plan.run.scored, fold.scored_bytes) as scored:
            seen = ids_in(plan.run.scored, fold.scored_bytes)
            _take_in(plan, fold, scored, seen)
            to_disk(scored)  # before a state says how much of it there is
        # of changed data an older record may fit a row whose last one does not: no repeat shows it
        if plan.manifest.data_changed or _has_repeats(seen):
            _take_back(plan, fold)
        fold.custom = fold_custom(plan, fold.custom, offset=fold.offset, scored_bytes=fold.scored_bytes, superseded=fold.superseded)
    except OSError as exc:
        raise storage_failed(exc, plan.run.scored) from exc
    save_fold(plan, fold, summary_key=None)
    return fold


def _take_in(plan: Plan, fold: Fold, scored: BinaryIO, seen: bytearray) -> None:
    size = _size(plan.run.journal)
    if fold.offset == size:
        return
    own_scorer = plan.config.scoring.scorer is not None  # it has processes of its own
    at_least = _WORTH_ONE_WHERE_MEASURED if plan.metrics else _WORTH_A_PROCESS
    ranges = ranges_of(plan.run.journal, fold.offset, size, at_least=at_least, processes=1 if own_scorer else processes_here())
    taken = take_parts(plan, ranges, scored, seen, fold.tallies)
    fold.tallies, fold.offset, fold.read = taken.tallies, taken.end, taken.read
    fold.scored_bytes += taken.scored_bytes


def _take_back(plan: Plan, fold: Fold) -> None:
    """Takes out what later records replaced: exactly once each, whichever call met it."""
    view = view_of(plan)
    superseded = [offset for offset in scan(plan.run.journal).superseded if offset < fold.offset]
    known = set(fold.superseded)
    taken = defaultdict[tuple[str, int], deque[Record]](deque)
    for offset in superseded:
        if offset not in known:
            _, record = next(read_records(plan.run.journal, start=offset))
            if target_of(record, view) is not ...:
                taken[record.id, record.repeat].append(record)
    fold.superseded = superseded

    def take_back(row: tuple[str, int], line: bytes) -> bool:
        """The oldest lines of a row are those of its oldest records."""
        if row not in taken or not taken[row]:
            return False
        record = taken[row].popleft()
        # replies that are asked for one token only are all cut, and counted as none
        cut = is_cut(record) and not scores_target(plan.config)
        fold.tallies.update(record, score_of(line, cut=cut), -1)
        return True

    if taken:
        # a kill between the two files must not leave a state that counts bytes of the old one
        plan.run.state.unlink(missing_ok=True)
        fold.scored_bytes, gaps = drop_lines(plan.run.scored, take_back)
        examples = fold.tallies.examples
        fold.tallies.examples = examples.without(gaps) or examples.again(_rows(plan, fold))


def _rows(plan: Plan, fold: Fold) -> Iterator[Joined]:
    return joined(plan.run, offset=fold.offset, scored_bytes=fold.scored_bytes, superseded=fold.superseded, prompts=False)


def _has_repeats(hashes: bytearray) -> bool:
    import numpy as np

    ordered = np.sort(np.frombuffer(hashes, dtype=np.uint64))
    return bool((ordered[1:] == ordered[:-1]).any())


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
