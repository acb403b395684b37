"""The rows of a run: records of the journal beside the lines of scored.jsonl that were made of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from evalsvc.errors import UsageError
from evalsvc.journal.read import read_records
from evalsvc.records import Record
from evalsvc.reduce.scored import lines_in
from evalsvc.rundir import RunDir


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """One row that counts."""

    journal: int  # where its line begins there
    record: Record
    scored: int  # and in scored.jsonl
    line: bytes


def joined(run: RunDir, *, offset: int, scored_bytes: int, superseded: Iterable[int], prompts: bool = True) -> Iterator[Joined]:
    """Every row that the first `scored_bytes` of scored.jsonl say of the first `offset` bytes of the journal, in the order in which they
    were answered; memory does not grow with rows. `superseded`: offsets of records that later ones replaced.

    Apart where the two files do not belong together.
    """
    records = read_records(run.journal, stop=offset, skip_offsets=superseded, prompts=prompts)
    for scored, line, row in lines_in(run.scored, scored_bytes):
        # records of rows that are gone or have changed since have no score
        found = next(((journal, record) for journal, record in records if (record.id, record.repeat) == row), None)
        if found is None:
            raise apart(run)
        yield Joined(journal=found[0], record=found[1], scored=scored, line=line)


class Apart(UsageError):
    """A scored.jsonl that is not of this journal, or that is damaged."""


def apart(run: RunDir) -> Apart:
    return Apart(f"{run.scored} does not belong to {run.journal}", hint=f"evalsvc score {run.typed} makes it again")
