"""What the answers that a run has already tell of those to come, and what they cost."""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import sqrt
from pathlib import Path
from typing import Any, Self

from evalsvc.journal.blocks import whole_lines
from evalsvc.journal.files import storage_failed
from evalsvc.journal.read import read_records
from evalsvc.jsonio import dumps, loads
from evalsvc.pipeline.budget import BYTES_PER_TOKEN
from evalsvc.records import Record, Usage
from evalsvc.scoring.judging import NOT_ASKED

LOOK_AT_MOST = 20_000  # records; more would not make an estimate better

# The last one of a line is the record's own: what stands behind it is plain text, whose quotes are escaped.
_USAGE = re.compile(rb'"usage":\{"input":(\d+),"output":(\d+),"cached":(\d+),"reasoning":(\d+)\}')
_MARK = b'"usage":{'
_UNMETERED = b'"usage":null'
_NOT_SENT = b',"attempts":0,'  # quotes in texts are escaped


@dataclass(frozen=True, slots=True, kw_only=True)
class Ratio:
    """y over x from pairs of them, as sums; the estimator of survey sampling (Cochran 1977, chapter 6)."""

    n: int = 0
    x: float = 0.0
    y: float = 0.0
    xx: float = 0.0
    xy: float = 0.0
    yy: float = 0.0

    @classmethod
    def of(cls, pairs: Iterable[tuple[float, float]]) -> Self:
        n, x, y, xx, xy, yy = 0, 0.0, 0.0, 0.0, 0.0, 0.0
        for a, b in pairs:
            n, x, y, xx, xy, yy = n + 1, x + a, y + b, xx + a * a, xy + a * b, yy + b * b
        return cls(n=n, x=x, y=y, xx=xx, xy=xy, yy=yy)

    @property
    def value(self) -> float:
        return self.y / self.x

    @property
    def error(self) -> float:
        """Relative, at about 95 %; a share of 1/n on top keeps a handful of equal pairs from looking exact.

        >>> Ratio.of([(1, 2), (1, 2), (1, 2), (1, 2)]).error
        0.25
        """
        if self.n < 2 or self.y <= 0:
            return 1.0
        r = self.value
        residual = max(self.yy - 2 * r * self.xy + r * r * self.xx, 0.0) / (self.n - 1)
        return min(2 * sqrt(residual / self.n) / (self.y / self.n) + 1 / self.n, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is known from answers; each ratio is None without any."""

    answers: int = 0
    input_per_byte: Ratio | None = None  # input tokens by bytes of the messages; None too where the journal keeps no prompts
    input_per_answer: Ratio | None = None
    output_per_answer: Ratio | None = None
    latency_s: Ratio | None = None  # an answer's

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        seen = [record for record in records if record.reply is None or record.reply.finish_reason != NOT_ASKED]
        metered = [(record.messages, record.reply.usage) for record in seen if record.reply is not None and record.reply.usage is not None]
        return cls(
            answers=len(metered),
            input_per_byte=_ratio((len(messages), usage.input) for messages, usage in metered if messages),
            input_per_answer=_ratio((1.0, usage.input) for _, usage in metered),
            output_per_answer=_ratio((1.0, usage.output) for _, usage in metered),
            latency_s=_ratio((1.0, latency) for latency in _latencies(seen)),
        )


def _ratio(pairs: Iterable[tuple[float, float]]) -> Ratio | None:
    ratio = Ratio.of(pairs)
    return ratio if ratio.n and ratio.x > 0 and ratio.y > 0 else None


def _latencies(records: Iterable[Record]) -> Iterator[float]:
    for record in records:
        if record.reply is not None and record.reply.latency_s is not None:
            yield record.reply.latency_s


def read_history(journal: Path) -> History:
    """From the first answers of the journal; a History of nothing where there is none."""
    if not journal.exists():
        return History()
    return History.of(record for _, record in islice(read_records(journal), LOOK_AT_MOST))


def spent_before(journal: Path, events: Iterable[Mapping[str, Any]]) -> Usage:
    """What all launches paid: by the journal or by their counters, whichever knows more.

    The counters know of failed attempts too, but a killed launch takes the last seconds of its own with it.
    """
    return max(_of_journal(journal), _of_counters(events), key=lambda usage: usage.input + usage.output)


def _of_journal(path: Path) -> Usage:
    """Of every whole line, superseded ones too, but not of answers that were taken over. Raises StorageFailed."""
    totals = [0, 0, 0, 0]
    try:
        with path.open("rb", buffering=0) as file:
            for _, lines in whole_lines(file, 0):
                for line in lines:
                    found = _USAGE.match(line, max(line.rfind(_MARK), 0))
                    if found and line.find(_NOT_SENT, found.end()) < 0:
                        totals = [total + int(number) for total, number in zip(totals, found.groups(), strict=True)]
                    elif not found and _UNMETERED in line and _NOT_SENT not in line:
                        guess = _guessed(line)
                        totals = [totals[0] + guess.input, totals[1] + guess.output, *totals[2:]]
    except FileNotFoundError:
        return Usage()
    except OSError as exc:
        raise storage_failed(exc, os.fspath(path)) from exc
    return Usage(input=totals[0], output=totals[1], cached=totals[2], reasoning=totals[3])


def _guessed(line: bytes) -> Usage:
    """What an answer cost whose server did not say: four bytes a token, of the prompt where the journal keeps it, and of the output."""
    try:
        record = loads(line)
        if record["status"] != "ok":
            return Usage()
        prompt, output = record["messages"] or "", record["output"] or ""
        return Usage(input=len(dumps(prompt)) // BYTES_PER_TOKEN, output=len(dumps(output)) // BYTES_PER_TOKEN + 1)
    except (ValueError, KeyError, TypeError):
        return Usage()


def _of_counters(events: Iterable[Mapping[str, Any]]) -> Usage:
    """The last counters of each launch, added up."""
    total, last = Usage(), Usage()
    for event in events:
        if event.get("event") == "launch":
            total, last = total + last, Usage()
        elif event.get("event") == "counters":
            last = Usage(**{name: int(number) for name, number in event.get("spent", {}).items() if name in Usage.__slots__})
    return total + last
