"""A round played: disturbed launches until all is answered, then one that is left alone; and what came of it."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.e2e.desk import COMMAND, Ended, summary_of
from tests.e2e.server import serving
from tests.faults.canary import leaks
from tests.faults.desk import KEY_VARIABLE, FaultDesk
from tests.faults.oracle import Reference, accepted_lines, changed, left_over, lost, paid_twice, processes_in
from tests.faults.torture.disturbances import DISTURBANCES, Field, torn
from tests.faults.torture.launching import run_in
from tests.faults.torture.rounds import RUN, Disturbance, Round

AT_MOST = 8  # launches that are left alone: a server with faults may leave a row in error
BAD_USAGE = 2
SHORT: Final = 240  # characters of what is shown of a launch that went wrong
RETRY: Final = (*RUN, "--retry-failed")


@dataclass(slots=True, kw_only=True)
class Told:
    """What a round did, and what was not as it should be: `lost` records, `changed` numbers, and the rest of `wrong` in words."""

    steps: list[str] = field(default_factory=list)
    launches: int = 0
    kills: int = 0
    faults: int = 0
    rows: int = 0
    calls: int = 0
    lost: int = 0
    changed: int = 0
    wrong: list[str] = field(default_factory=list)


def play(round_: Round, folder: Path, clean_url: str, told: Told) -> None:
    """Plays in `folder`, which it makes; `clean_url` is of a server without faults. What came of it is put into `told`, what was wrong too.

    AssertionError where a launch does not end, or tells the key.
    """
    alone = _desk(round_, folder / "left-alone", clean_url)
    began_at = time.monotonic()
    end = _launch(alone, folder / "left-alone" / "run", RUN)
    took_s = time.monotonic() - began_at
    if end.code not in (0, 3):
        told.wrong.append(f"left alone it ended with {end.code}: {_brief(end)}")
        return
    reference = Reference.of(alone.path / "run")
    told.rows = len(reference.rows)
    with serving(folder / "calls.log", *round_.server) as server:
        desk = _desk(round_, folder / "disturbed", server.url)
        size = (alone.path / "run" / "predictions.jsonl").stat().st_size
        place = Field(desk=desk, run_dir=desk.path / "run", left_alone_s=took_s, journal_bytes=size, complete=end.code)
        for disturbance in round_.disturbances:
            _disturb(place, disturbance, told)
            told.kills, told.faults = place.kills, place.faults
        _complete(place, told)
    told.calls = (folder / "calls.log").read_bytes().count(b"\n")
    if not told.wrong:
        _judge(place, reference, told)


def _desk(round_: Round, path: Path, url: str) -> FaultDesk:
    path.mkdir(parents=True)
    desk = FaultDesk(path=path, base_url=url)
    desk.write_rows(round_.task.rows(round_.rows))
    config = {
        "name": "torture",
        "model": {"name": "echo", "base_url": url, "api_key_env": KEY_VARIABLE},
        "limits": {"concurrency": round_.concurrency, "attempt_timeout_s": 2, "drain_s": 3, "wait_for_endpoint_s": 60},
        "max_error_rate": 1.0,
        "stop_if": None,
        **round_.task.config,
        "dataset": {"path": "data.jsonl", "input": "text", "target": "label", **round_.task.config.get("dataset", {})},
    }
    (path / "eval.yaml").write_text(json.dumps(config))
    return desk


def _disturb(place: Field, what: Disturbance, told: Told) -> None:
    if _is_complete(place) and what.command == RUN and what.octets % 3:
        # else there would be little left to disturb
        told.steps.append(torn(place, what).words)
    done = DISTURBANCES[what.kind](place, what)
    told.launches += 1
    told.steps.append(done.words)
    allowed = {place.complete, *done.allowed, *(() if what.command[0] == "run" else (0, BAD_USAGE))}
    if done.end.code not in allowed:
        told.wrong.append(f"{done.words}: ended with {done.end.code}, not one of {sorted(allowed)}: {_brief(done.end)}")
    _look(place, done.words, done.end, told)


def _is_complete(place: Field) -> bool:
    try:
        return bool(summary_of(place.run_dir)["status"] == "complete")
    except FileNotFoundError:
        return False


def _look(place: Field, words: str, end: Ended, told: Told) -> None:
    """After every launch: nothing that was accepted is gone, and nothing was said that is a bug."""
    if "Traceback" in end.err:
        report = place.desk.path / f"bug-{told.launches}.txt"
        report.write_text(end.err)
        told.wrong.append(f"{words}: a bug: {_brief(end)} (whole: {report})")
    gone = lost(place.accepted, place.run_dir)
    told.lost += len(gone)
    if gone:
        told.wrong.append(f"{words}: {len(gone)} records lost, as {gone[0][:SHORT]!r}")
    place.accepted = set(accepted_lines(place.run_dir))


def _complete(place: Field, told: Told) -> None:
    """Launches that are left alone, until every row has its answer."""
    command: Sequence[str] = RUN
    for _ in range(AT_MOST):
        end = _launch(place.desk, place.run_dir, command)
        told.launches += 1
        _look(place, "left alone", end, told)
        if end.code != place.complete:
            told.wrong.append(f"left alone it then ended with {end.code}, not {place.complete}: {_brief(end)}")
            return
        rows = summary_of(place.run_dir)["rows"]
        if rows["error"] == 0 == rows["pending"]:
            return
        command = RETRY
    told.wrong.append(f"{AT_MOST} launches left rows without an answer")


def _judge(place: Field, reference: Reference, told: Told) -> None:
    differences = changed(place.run_dir, reference)
    told.changed = len(differences)
    told.wrong += differences
    told.wrong += [f"row {row} was asked again although its answer was there" for row in paid_twice(place.run_dir)[:3]]
    told.wrong += [f"{name} was left behind" for name in left_over(place.run_dir)]
    told.wrong += [f"process {number} was left behind" for number in processes_in(place.desk.path)]
    told.wrong += [f"the key is in {path}" for path in leaks(place.desk.path)]


def _launch(desk: FaultDesk, run_dir: Path, command: Sequence[str]) -> Ended:
    return run_in(desk.path, [*COMMAND, *(word.format(run=run_dir) for word in command)])


def _brief(end: Ended) -> str:
    """The end of what it said."""
    return " ".join(end.err.split())[-SHORT:]
