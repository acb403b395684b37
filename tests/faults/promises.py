"""What evalsvc promises when things go wrong: docs/promises.md is this table with the tests that are marked with its lines.

`@promise("1.1")` on a test, or on a class, says that it proves line 1.1. Every line has a test; scripts/gen-promises writes the page.
"""

from collections.abc import Mapping
from typing import Final

import pytest

HEADINGS: Final[Mapping[int, str]] = {
    1: "Killed",
    2: "Storage that fails",
    3: "Power loss",
    4: "A damaged journal",
    5: "Two processes",
    6: "Replies that are none",
    7: "Refusals, and storms of them",
    8: "Signals and terminals",
    9: "Budgets",
    10: "The clock",
    11: "Another measurement, other data",
    12: "Secrets",
    13: "Scarce resources and large inputs",
    14: "Older and newer versions",
}

PROMISES: Final[Mapping[str, str]] = {
    "1.1": "SIGKILL at any write, sync, rename, truncate or unlink in the run directory: the same command again ends with one winning record a row and the same summary.",
    "1.2": "The same, when the launch that is killed is itself the one that carries on.",
    "1.3": "No answer that was accepted is paid for twice: a kill costs at most what was in flight.",
    "1.4": "Nothing that a killed run started outlives it, and nothing that it left half-written stays.",
    "2.1": "A write or sync that fails once with EIO or ENOSPC ends the launch with 9; accepted records stay; the same command completes.",
    "2.2": "Likewise when every write or sync from then on fails, also while a run is carried on.",
    "2.3": "A full disk, of whatever size: no row is lost, and the run completes once there is room.",
    "2.4": "A file system that becomes read-only in the middle: exit 9, and the run completes once it can be written again.",
    "2.5": "An fdatasync that failed is never tried again.",
    "3.1": "After a power loss at any moment, in any state that the disk may legally be left in, the same command completes with the same numbers.",
    "3.2": "No record that was reported durable is lost; at most those are that were accepted after the last completed sync began.",
    "3.3": "run.json and the derived files are the old or the new ones, never a part.",
    "4.1": "A journal cut at any byte, with trailing NULs, half a character, CRLF or blank lines: whole records stay, the rest is put into quarantine and asked again.",
    "4.2": "A flipped bit anywhere in the journal is found: exit 10, and no number is given.",
    "4.3": "`doctor --repair` moves damaged lines to quarantine, and the next launch asks those rows again.",
    "5.1": "A run directory that is in use, also by a stopped process, is refused with 8 before any request, and the message names the holder.",
    "5.2": "A lock that nobody holds is taken, whatever its file says.",
    "6.1": "A reply cut at any byte, or reset, is never scored.",
    "6.2": "Silence and one byte a second end with the attempt's deadline, and no row outlives its own.",
    "6.3": "A reply of 100 MB or without end is cut in bounded memory: `response_too_large`.",
    "6.4": "HTML with status 200, invalid UTF-8, lone surrogates, a gzip bomb, duplicate keys, wrong types: each is classified, none stops the run.",
    "6.5": "DNS failure, a refused connection, an expired certificate: told by name, with what to do.",
    "6.6": "The last three rows of a thousand that are never answered end with the row's deadline; the run ends.",
    "6.7": "No body whatever makes the client crash or hang.",
    "7.1": "A storm of 429s: the pace of the server is found, every row is answered, no retry is used up.",
    "7.2": "Thirty minutes of 5xx: every row is answered, none has failed. For ever: exit 6, the rest pending.",
    "7.3": "A key that is revoked, or a quota that is used up, in the middle: stopped within one request a worker, unfinished rows pending, a new key completes.",
    "8.1": "SIGTERM and SIGINT in every phase end the launch within the drain time, with 75; the same command completes.",
    "8.2": "A second signal leaves at once.",
    "8.3": "Closed stdout or stderr, a pipe that nobody reads, no terminal: the run goes on and its exit code tells.",
    "9.1": "A budget of USD or tokens is checked against the plan before the first request, and exceeded by no more than what was in flight: exit 11, and a larger one completes the run.",
    "9.2": "A maximum runtime ends the launch with 75; the same command carries on.",
    "10.1": "A clock that jumps by a day, forward or back, and a suspended process change no deadline and no pace.",
    "11.1": "A named directory that holds another measurement is refused with 7 and the differences; `--on-drift rerun` asks again.",
    "11.2": "Rows that are new or changed are asked, vanished ones leave the metrics, changed targets cost nothing.",
    "11.3": "A changed scoring section needs no request.",
    "12.1": "A key, from wherever it came, is in no file, message or page, neither plain nor in base64.",
    "13.1": "Too few file descriptors: concurrency is lowered and said; the run completes.",
    "13.2": "A memory limit: the run stays below it whatever the number of rows; where it cannot, it ends with a message and completes with more.",
    "13.3": "A regular expression of the config that never ends is bounded in time.",
    "13.4": "A row of 10 MB, ids of 10,000 characters and 1,000 labels are measured like any others.",
    "14.1": "A run directory that an older version wrote opens, shows the same numbers and is carried on.",
    "14.2": "One that a newer version wrote is refused in words, and left as it is.",
}


def promise(*lines: str) -> pytest.MarkDecorator:
    """Says which lines of the table a test proves; KeyError for a line that is not there."""
    for line in lines:
        PROMISES[line]
    return pytest.mark.promise(*lines)
