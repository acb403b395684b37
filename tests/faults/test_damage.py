"""Bytes that are not what was written: in the journal they are found, in what is derived from it they are made again."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from evalsvc.cli import app
from evalsvc.config import load_config
from evalsvc.deriving.derive import derive_run, is_up_to_date
from evalsvc.errors import JournalDamaged
from evalsvc.journal import doctor, doctor_repair, encode, read_records
from evalsvc.journal.line import SECTOR_BYTES
from evalsvc.pipeline.launch import take_up
from evalsvc.pipeline.prepare import RunOptions, prepare
from evalsvc.reduce.fold import fold_journal
from evalsvc.reduce.run import plan_of
from tests.e2e.desk import fixed_parts, summary_of
from tests.faults.promises import promise
from tests.faults.test_versions import contents, golden
from tests.journal.cases import answered, failed, write
from tests.journal.test_repair import NOW, ids, opened, quarantined

SEED = int(os.environ.get("DAMAGE_SEED", "20261121"))


def flipped(content: bytes, bit: int) -> bytes:
    at, mask = bit // 8, 1 << bit % 8
    return content[:at] + bytes([content[at] ^ mask]) + content[at + 1 :]


def looks_torn(content: bytes, damaged: bytes) -> bool:
    """Whether the flip is one that a crash might have left: in the last line a NUL, or no newline."""
    last = content.rindex(b"\n", 0, -1) + 1
    return not damaged.endswith(b"\n") or b"\0" in damaged[last:]


@promise("4.2")
def test_every_single_bit_of_a_journal_is_found_when_it_is_flipped(tmp_path: Path) -> None:
    """No record that was touched is read, and only in the last line a flip may be taken for a crash: its row is asked again."""
    path = tmp_path / "predictions.jsonl"
    given = [failed("1", messages=None), answered("2", output="a b\n\x00", messages=None)]
    content = b"".join(write(path, given))
    for bit in range(len(content) * 8):
        damaged = flipped(content, bit)
        put(path, damaged, bit // 8)
        if looks_torn(content, damaged):
            assert opened(path).cut > 0
            assert ids(path) == ["1"]
            path.write_bytes(content)
        else:
            with pytest.raises(JournalDamaged):
                opened(path)
            assert path.read_bytes() == damaged
            put(path, content, bit // 8)


def put(path: Path, content: bytes, at: int) -> None:
    """One byte of `content` in its place: a file that is written whole again six thousand times takes most of a minute."""
    with path.open("r+b", buffering=0) as file:
        file.seek(at)
        file.write(content[at : at + 1])


@promise("4.2", "4.3")
def test_what_a_flipped_bit_damaged_goes_to_quarantine_and_no_other_record_with_it(tmp_path: Path) -> None:
    print(f"DAMAGE_SEED={SEED}")
    lines = [encode(answered(str(number), messages=None)) for number in range(5)]
    content = b"".join(lines)
    for number, bit in enumerate(Random(SEED).sample(range(len(content) * 8), 60)):
        run = tmp_path / str(number)
        run.mkdir()
        path = run / "predictions.jsonl"
        path.write_bytes(flipped(content, bit))
        result = doctor_repair(run, NOW)
        left = path.read_bytes().splitlines(keepends=True)
        assert result.healthy
        # a newline that is gone joins two records, and nobody can tell which of the two a reader would have meant
        assert len(left) >= 3
        assert set(left) <= set(lines)
        cut = b"".join(quarantined(path))
        assert cut
        assert len(cut) + len(b"".join(left)) == len(content)


def pages_lost(content: bytes, rng: Random) -> Iterator[bytes]:
    """`content` with sectors that never reached the disk: one, several in a row, one behind the other, and what a line began in the
    middle of one whose earlier state did.
    """
    sectors = range(SECTOR_BYTES, len(content) - SECTOR_BYTES, SECTOR_BYTES)
    for chosen in ([at] for at in sectors):
        yield without(content, chosen)
    for _ in range(20):
        yield without(content, rng.sample(sectors, 3))
    for line in content.splitlines(keepends=True)[1:-1]:
        yield without(content, [content.index(line)])


def without(content: bytes, starts: list[int]) -> bytes:
    found = bytearray(content)
    for at in starts:
        length = SECTOR_BYTES - at % SECTOR_BYTES
        found[at : at + length] = bytes(length)
    return bytes(found)


@promise("3.1", "4.1")
def test_what_never_reached_the_disk_is_moved_away_wherever_it_is(tmp_path: Path) -> None:
    """No person is needed for what only a power loss makes; every whole record stays."""
    path = tmp_path / "predictions.jsonl"
    lines = write(path, [answered(str(number), prompt="x" * 300) for number in range(12)])
    content = path.read_bytes()
    for damaged in pages_lost(content, Random(SEED)):
        path.write_bytes(damaged)
        whole = [line for line in damaged.splitlines(keepends=True) if line in lines]
        seen = doctor(tmp_path)
        assert seen.unwritten or seen.torn
        assert not seen.damaged
        assert not seen.healthy
        result = opened(path)
        assert path.read_bytes() == b"".join(whole)
        assert (result.scan.records, result.cut) == (len(whole), len(damaged) - len(b"".join(whole)))
        assert not opened(path).cut


@promise("4.2")
@pytest.mark.parametrize("hole", [(700, 1), (700, 512), (1024, 100), (1023, 1)])
def test_nuls_that_no_power_loss_leaves_are_damage(tmp_path: Path, hole: tuple[int, int]) -> None:
    path = tmp_path / "predictions.jsonl"
    content = bytearray(b"".join(write(path, [answered(str(number), prompt="x" * 300) for number in range(6)])))
    start, length = hole
    content[start : start + length] = bytes(length)
    path.write_bytes(content)
    with pytest.raises(JournalDamaged, match="holds NUL bytes"):
        opened(path)


SPOILT: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "zeros": lambda content: bytes(len(content)),
    "a hole": lambda content: content[: len(content) // 2] + bytes(len(content) - len(content) // 2),
    "garbage": lambda content: b"\xff{]" * (len(content) // 3),
}


@promise("4.4")
@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("name", ["reduce.json", "scored.jsonl", "summary.json", "events.jsonl"])
def test_a_derived_file_that_is_damaged_is_made_again(tmp_path: Path, name: str, how: str) -> None:
    run = golden("present", tmp_path)
    then = fixed_parts(derive_run(run))
    file = run.path / name
    file.write_bytes(SPOILT[how](file.read_bytes()))
    if name in ("reduce.json", "summary.json"):
        assert not is_up_to_date(run, plan_of(run))
    assert fixed_parts(derive_run(run)) == then
    assert fixed_parts(summary_of(run.path)) == then
    assert len(run.scored.read_bytes().splitlines()) == 12


@promise("3.1", "4.4")
def test_numbers_of_a_journal_that_lost_its_end_and_grew_again_are_not_carried_on(tmp_path: Path) -> None:
    """Derived while the end was in memory only; after a power loss that is asked again, and the answer is another of the same length."""
    run = golden("present", tmp_path)
    derive_run(run)
    records = [record for _, record in read_records(run.journal)]
    reply, size = records[-1].reply, run.journal.stat().st_size
    assert reply is not None
    assert reply.output is not None
    other = replace(records[-1], reply=replace(reply, output=reply.output.replace("spam", "spim")), at="2026-11-21T15:00:00.000Z")
    run.journal.write_bytes(b"".join(map(encode, [*records[:-1], other])))
    assert run.journal.stat().st_size == size
    assert not is_up_to_date(run, plan_of(run))
    now = fixed_parts(derive_run(run))
    run.state.unlink()
    assert fixed_parts(derive_run(run)) == now
    assert summary_of(run.path)["outcomes"]["unparsed"] == 1


@promise("4.4")
@pytest.mark.parametrize("how", [*SPOILT, "of another kind"])
def test_a_summary_that_cannot_be_read_ends_no_command_that_looks_at_many_runs(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run, _ = golden("reports", tmp_path), golden("present", tmp_path)
    run.summary.write_bytes(b"{}" if how == "of another kind" else SPOILT[how](run.summary.read_bytes()))
    monkeypatch.chdir(tmp_path)
    for command in ("list", "list --json", "history spam", "prune --keep 1", f"plan eval.yaml --run-dir {run.path}"):
        with pytest.raises(SystemExit) as ended:
            app(command.split())
        told = capfd.readouterr()
        assert ended.value.code in (0, None), told.err
        assert "present" in told.out or command.startswith("plan")
    with pytest.raises(SystemExit) as ended:
        app(["show", str(run.path)])
    assert ended.value.code == 2
    assert "summary.json is damaged" in capfd.readouterr().err


def test_numbers_that_a_killed_launch_went_beyond_are_shown_as_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = golden("present", tmp_path)
    monkeypatch.chdir(tmp_path)
    older = "the run went on after these numbers were made"

    def said() -> str:
        with pytest.raises(SystemExit):
            app(["show", str(run.path)])
        return capfd.readouterr().err

    derive_run(run)
    assert older not in said()
    with run.journal.open("ab") as journal:
        journal.write(b'{"v":1,"id":"torn')
    assert older not in said()
    run.journal.write_bytes(run.journal.read_bytes()[: -len(b'{"v":1,"id":"torn')] + encode(failed("another")))
    assert f"{older}; evalsvc score {run.path}" in said()
    fold_journal(plan_of(run))  # and killed before the summary
    assert older in said()
    derive_run(run)
    assert older not in said()


@promise("4.4")
@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("command", ["run eval.yaml --run-dir RUN", "score RUN", "compare RUN RUN"])
def test_a_run_json_that_cannot_be_read_is_refused_and_nothing_is_changed(
    tmp_path: Path, how: str, command: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = golden("present", tmp_path)
    run.manifest.write_bytes(SPOILT[how](run.manifest.read_bytes()))
    before = contents(tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        app(command.replace("RUN", str(run.path)).split())
    said = capfd.readouterr().err
    assert ended.value.code == JournalDamaged.exit_code, said
    assert "run.json is not JSON" in said
    assert "start a new run" in said
    assert contents(tmp_path) == before


@promise("4.2")
@pytest.mark.parametrize("at", [0, 5, 11])
def test_no_number_is_made_of_a_line_that_is_damaged(tmp_path: Path, at: int) -> None:
    run = golden("present", tmp_path)
    lines = run.journal.read_bytes().splitlines(keepends=True)
    lines[at] = flipped(lines[at], lines[at].index(b'"output"') * 8 + 80)
    run.journal.write_bytes(b"".join(lines))
    before = run.summary.read_bytes()
    run.state.unlink()
    with pytest.raises(JournalDamaged, match=f"line {at + 1}, .* does not match its checksum"):
        derive_run(run)
    assert run.summary.read_bytes() == before


@promise("4.2", "4.3")
def test_a_flipped_bit_stops_every_command_until_it_is_repaired_and_its_row_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    run = golden("present", tmp_path)
    then, content = fixed_parts(derive_run(run)), run.journal.read_bytes()
    monkeypatch.chdir(tmp_path)
    lines, at = content.splitlines(keepends=True), 5
    damaged = content.replace(lines[at], flipped(lines[at], lines[at].index(b'"output"') * 8 + 80))
    run.journal.write_bytes(damaged)

    for command in (["run", "eval.yaml", f"--run-dir={run.path}"], ["score", str(run.path)], ["compare", str(run.path), str(run.path)]):
        with pytest.raises(SystemExit) as stopped:
            app(command)
        said = capfd.readouterr().err
        assert stopped.value.code == JournalDamaged.exit_code, said
        assert "does not match its checksum" in said
        assert f"evalsvc doctor {run.path} --repair" in said
        assert run.journal.read_bytes() == damaged
    doctor_repair(run.path, NOW)
    prepared = prepare(load_config(tmp_path / "eval.yaml", environ={}), RunOptions(run_dir=run.path))
    launch = take_up(prepared, NOW)
    assert (launch.resume.done, launch.to_ask) == (11, 1)
    launch.manifest.write(run)
    with run.journal.open("ab") as journal:
        journal.write(lines[at])
    assert fixed_parts(derive_run(run)) == then
