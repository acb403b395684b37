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
    15: "In a container",
}

PROMISES: Final[Mapping[str, str]] = {
    "1.1": "SIGKILL at any write, sync, rename, truncate or unlink on a file of the run directory: the same command again ends with one winning record a row and the same summary. (The tests draw a few of these moments; `scripts/torture --every` goes through all but those on files in `quarantine/`.)",
    "1.2": "The same, when the launch that is killed is itself the one that carries on, over a torn journal, for failed rows, with the answers of another run (`--reuse`) or for another measurement in the same directory (`--on-drift rerun`); and for `score` and `doctor --repair`. `baseline save` and `init` leave the old file or the new one, and beside it perhaps a hidden one that nobody needs (`.NAME.<number>.tmp`).",
    "1.3": "No answer that was accepted is paid for twice: a kill costs at most what was in flight.",
    "1.4": "Nothing that a killed run started outlives it, and nothing that it left half-written stays once the next command has taken up the run.",
    "2.1": "A write, sync or rename that fails once with EIO or ENOSPC, in any file of a run directory and whichever process does it, ends the launch with 9 and names the file; accepted records stay; the same command completes. What was answered and not yet written was in flight, and is asked again.",
    "2.2": "Likewise when all of that file's writes or syncs from then on fail, also while the end of a journal is repaired.",
    "2.3": "A full disk, of whatever size: no row is lost, and the same command completes once there is room.",
    "2.4": "A read-only file system is told with 9 before anything is asked. One that becomes so in the middle ends the launch with 9 (injected: the kernel remounts none that has open files). The same command completes once it can be written again.",
    "2.5": "An fdatasync that failed is never tried again, and no request starts after it.",
    "2.6": "A result that standard output has no room for: exit 9, with words on stderr. Messages that stderr has no room for change nothing.",
    "2.7": "A run directory that may only be read, and was copied to another place, can be read: `show`, `list`, `history`, `doctor`, `compare`, `report -o`, and `prune` without `--yes`.",
    "3.1": "After a power loss at any moment, also while a launch repairs what an earlier one left, the same command completes with the same numbers: proven on a model of a disk, with the recorded calls of a real run and a draw of the states that it may legally be left in (pages lost in any order, names lost until their directory is synced). What is durable is looked for in all states of that recording.",
    "3.2": "No record that was reported durable is lost, nor any of a run that ended as complete; at most those are that were accepted after the last completed sync began.",
    "3.3": "run.json and the derived files are the old or the new ones, never a part.",
    "4.1": "A journal cut at any byte, with trailing NULs, half a character, a last line in CRLF, blank lines, or with sectors that never reached the disk: whole records stay, the rest is put into quarantine and asked again.",
    "4.2": "A flipped bit anywhere in the journal is found by `run`, by `doctor` and wherever that line is read: exit 10, and no number is made of it. (What `score`, `compare`, `report` and `show` give without reading it are numbers that were made before, of the whole record.) In the last line one that looks like a crash (a NUL, or no newline) sends that line to quarantine, and its row is asked again.",
    "4.3": "`doctor --repair` moves damaged lines to quarantine, and the next launch asks those rows again; a record whose line end alone is wrong gets it back.",
    "4.4": "A derived file that is cut, zeroed or garbled is made again from the journal, and what looks at many runs passes over it; a run.json that cannot be read is refused with 10, and nothing is changed. Neither has a checksum: a flipped bit that leaves them readable is not noticed.",
    "5.1": "A run directory that is in use, also by a stopped process, is refused with 8 before any request, and the message names the holder. So is, with 9, a file system that keeps no locks or grants every one.",
    "5.2": "A lock that nobody holds is taken, whatever its file says.",
    "6.1": "A reply cut at any byte of its head or its body, or reset, is asked for again and never scored. Of a body that ends with its connection only the JSON tells its end.",
    "6.2": "Silence and one byte a second end with the attempt's deadline, also where nobody accepts or reads; no row is tried beyond its own, which stands still under a rate limit or an outage.",
    "6.3": "A reply of 100 MB or without end is cut at 16 MiB, a stream at 64: `response_too_large`. Memory grew by 20 MiB, for a stream by 73; a thousand of them at a time were not measured.",
    "6.4": "HTML with status 200, invalid UTF-8, lone surrogates, bombs of gzip, duplicate keys, wrong types, nesting without end: each is classified, none stops the run.",
    "6.5": "DNS failure, a refused connection, a certificate that has expired or is made out to another: told by name, with what to do.",
    "6.6": "The last three rows of a thousand that are never answered end with the row's deadline; the run ends.",
    "6.7": "No body, stream, head or error whatever makes the client crash or hang: thousands of real replies, spoilt.",
    "6.8": "What a server says unasked on a connection that is kept is no answer to the next row. Only what arrives after that row was asked cannot be told from its answer.",
    "7.1": "A storm of 429s: the pace of the server is found, every row is answered, no retry is used up.",
    "7.2": "Thirty minutes of 5xx: every row is answered, none has failed. For ever: exit 6, the rest pending. Once a hundred rows or a twentieth are left, a 500 or a silence counts as their own, and they fail after their retries.",
    "7.3": "A key that is revoked, or a quota that is used up, in the middle: stopped within one request a worker, and one more to confirm a refused key; unfinished rows pending, a new key completes.",
    "7.4": "A server that is killed in the middle and comes back at its address costs no row.",
    "7.5": "A redirect is not followed, so that the key goes to no other host.",
    "8.1": "SIGTERM, SIGINT and a terminal that hangs up end `evalsvc run` within `limits.drain_s`, from the first of its own lines (Python's start, some hundredths of a second, comes before) to the last of its numbers, with 75, whatever is in flight and however much was never counted; the same command completes. Only the start of an embedded sandbox is waited for, and of a `drain_s` below 10 the numbers have 2 s all the same.",
    "8.2": "A second signal leaves at once, with 75. Once the numbers are there, a first one ends the wait for webhook and trackers and leaves the exit code alone.",
    "8.3": "Closed stdout or stderr, a pipe whose reader is gone or has stalled, no terminal, one that goes away: the run goes on and its exit code tells. The result on stdout waits for its reader, as any program's does.",
    "8.4": "Ctrl-C ends a command that only reads as it ends any program (130 in a shell), without a traceback.",
    "9.1": "A budget of USD or tokens is checked against the plan before the first request, and exceeded by no more than what was in flight: exit 11, and a larger one completes the run. What killed launches were answered counts; an answer without usage counts four bytes a token. What a kill hides: the failed attempts of its last five seconds.",
    "9.2": "A maximum runtime ends the launch with 75, as a signal does; the same command carries on.",
    "10.1": "A time of day that jumps by a day, forward or back, changes no deadline, no pace and no number: it is read for labels alone. The order of runs (`history`, the run before) goes by those labels.",
    "10.2": "A process that is suspended (SIGSTOP, a sleeping machine) loses no row and makes up for nothing: an attempt's time stands still. `--max-runtime` and an outage that had begun before go on, by the monotonic clock.",
    "11.1": "A named directory that holds another measurement is refused with 7 and the differences; `--on-drift rerun` asks again.",
    "11.2": "Rows that are new or changed are asked, vanished ones leave the metrics, changed targets cost nothing.",
    "11.3": "A changed scoring section needs no request.",
    "12.1": "A key from the environment, a `…_FILE`, `.env`, a function that gives tokens, a header in the config or by `--set`, a password in the URL of a proxy, the address and key of a webhook, a signed data URL: half of it is in no file and on no stream, plain, percent-encoded, in hex or the whole in base64, also when a server gives back every header in errors, answers (a secret of 16 characters and more), ids and its list of models, when the config is wrong, and with `--verbose`. Not covered: what a row itself holds, a key in the path of a base URL or in a header or parameter whose name does not sound like one, a key in `model.params` that the server gives back, or one that it cuts into several tokens of log-probabilities, what a function of your own says as it fails, what OpenAI's SDK logs with OPENAI_LOG=debug, core dumps, and the traceback of a bug.",
    "13.1": "Too few file descriptors: concurrency is lowered and said at the start; where they become few in the middle, no row fails.",
    "13.2": "A limit of the address space that is enough for 1,000 rows is enough for 20,000 (more is measured, not tested); where it is too small, or the process of the numbers is killed, exit 9 with what to do, and the same command completes with more. Below 100 MB Python or one of its C libraries may abort first, in words of its own or none.",
    "13.3": "A regular expression of the config that `re` would never end on gives the same answer in time that grows with the text alone; where it cannot (backreferences), exit 2 and no number. In a thread (the Python API) nothing can end `re`: there a pattern that looks dangerous is followed in that way from the start, and one with backreferences may hang.",
    "13.4": "A row of 10 MB, ids of 10,000 characters and 1,000 labels are measured like any others.",
    "14.1": "A run directory that an older version wrote opens, shows the same numbers and is carried on. One of the first format whose prompt uses `{{ input }}` is shown and scored, but refused with 7 when it is to be carried on: which column that was is not in it.",
    "14.2": "One whose run.json, or whose last record, a newer version wrote is refused in words and left as it is; so are its summary and a baseline file. A reduce.json of a newer version is made again.",
    "15.1": "With EVALSVC_LOG=json a `run` leaves, however it ends, one JSON result on stdout, JSON lines on stderr, and a summary of at most 4,096 bytes in /dev/termination-log where that can be written. A second signal leaves no result, one in the first moments neither (the first process of a container may not even get it, while Python starts); SIGKILL none of all. A command line without a command is told like that of a `run`.",
    "15.2": "Run id, run directory, maximum runtime, drain time and every key of the config can come from the environment; a value that is wrong is refused with the name of its variable, a run directory that cannot be made with its path.",
}


def promise(*lines: str) -> pytest.MarkDecorator:
    """Says which lines of the table a test proves; KeyError for a line that is not there."""
    for line in lines:
        PROMISES[line]
    return pytest.mark.promise(*lines)
