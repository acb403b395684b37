import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evalsvc.errors import JournalDamaged, RunInUse, StorageFailed
from evalsvc.journal import Opened, RunLock, doctor, doctor_repair, encode, open_for_append, read_records
from tests.faults.promises import promise
from tests.journal.cases import answered, failed, write

NOW = datetime(2026, 11, 20, 2, 13, 44, tzinfo=UTC)
ESCAPED = answered("ü\u2028", output='日本語 "quoted"\n\x00 \\ 🙂')


def opened(path: Path) -> Opened:
    return open_for_append(path, path.parent / "quarantine", now=NOW)


def ids(path: Path) -> list[str]:
    return [record.id for _, record in read_records(path)]


def quarantined(path: Path) -> list[bytes]:
    return [each.read_bytes() for each in sorted((path.parent / "quarantine").glob("*"))]


def append(path: Path, id_: str) -> None:
    with path.open("ab") as file:
        file.write(encode(answered(id_)))


@promise("4.1")
def test_a_journal_cut_at_every_byte_of_its_last_records_keeps_every_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    given = [answered("0"), answered("1"), ESCAPED, failed("\ud800"), answered("4", output="\udfff é")]
    lines = write(path, given)
    ends = [sum(map(len, lines[: n + 1])) for n in range(len(lines))]
    whole = path.read_bytes()
    for size in range(ends[1], ends[-1] + 1):
        path.write_bytes(whole[:size])
        result = opened(path)
        # a record that lacks only its newline is whole
        expected = [given[n].id for n in range(len(given)) if ends[n] - 1 <= size]
        append(path, "next")
        assert ids(path) == [*expected, "next"]
        assert result.scan.records == len(expected)
        assert result.cut == sum(len(each.read_bytes()) for each in result.quarantined)
        assert not opened(path).cut


TAILS = {
    "nothing": (b"", ["0", "1"]),
    "half a record": (encode(answered("2"))[:100], ["0", "1"]),
    "half a character": (encode(ESCAPED)[: encode(ESCAPED).index("ü".encode()) + 1], ["0", "1"]),
    "NULs": (bytes(4096), ["0", "1"]),
    "half a record, then NULs": (encode(answered("2"))[:100] + bytes(500), ["0", "1"]),
    "a record with a hole": (encode(answered("2"))[:100] + bytes(200) + encode(answered("2"))[300:], ["0", "1"]),
    "blank lines": (b"\n\n \r\n", ["0", "1"]),
    "blank lines, then half a record": (b"\n\n" + encode(answered("2"))[:50], ["0", "1"]),
    "a lone carriage return": (b"\r", ["0", "1"]),
    "a record without newline": (encode(answered("2"))[:-1], ["0", "1", "2"]),
    "a record, then NULs": (encode(answered("2"))[:-1] + bytes(9), ["0", "1", "2"]),
    "a record in CRLF": (encode(answered("2"))[:-1] + b"\r\n", ["0", "1", "2"]),
    "a record in CRLF, then blank lines": (encode(answered("2"))[:-1] + b"\r\n\r\n", ["0", "1", "2"]),
    "a record in CRLF, then half a record": (encode(answered("2"))[:-1] + b"\r\n" + encode(answered("3"))[:50], ["0", "1", "2"]),
}


@promise("4.1")
@pytest.mark.parametrize("name", TAILS)
def test_a_torn_tail_is_repaired_and_what_is_cut_is_kept(tmp_path: Path, name: str) -> None:
    tail, expected = TAILS[name]
    path = tmp_path / "j"
    clean = b"".join(write(path, [answered("0"), answered("1")]))
    path.write_bytes(clean + tail)
    result = opened(path)
    assert ids(path) == expected
    assert (result.scan.records, result.scan.torn, result.scan.size) == (len(expected), 0, path.stat().st_size)
    kept = path.read_bytes()[len(clean) :].removesuffix(b"\n")
    assert quarantined(path) == ([tail[len(kept) :]] if tail[len(kept) :] else [])
    before = path.read_bytes()
    assert opened(path).cut == 0
    assert path.read_bytes() == before


def test_a_missing_journal_is_made_empty(tmp_path: Path) -> None:
    result = opened(tmp_path / "j")
    assert (result.scan.records, result.cut, (tmp_path / "j").read_bytes()) == (0, 0, b"")


def test_a_journal_of_one_cut_line_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(b'{"v":1,"id"')
    assert opened(tmp_path / "j").cut == 11
    assert (tmp_path / "j").read_bytes() == b""
    assert quarantined(tmp_path / "j") == [b'{"v":1,"id"']


def test_two_repairs_in_one_second_keep_both_tails(tmp_path: Path) -> None:
    for tail in (b"first", b"second"):
        (tmp_path / "j").write_bytes(tail)
        opened(tmp_path / "j")
    assert sorted(quarantined(tmp_path / "j")) == [b"first", b"second"]


class Killed(BaseException):
    pass


def killed_at(nth: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nth call that changes the disk does not happen, and nothing after it."""
    left = [nth]

    def dying(real: Callable[..., object]) -> Callable[..., object]:
        def call(*args: object, **kwargs: object) -> object:
            left[0] -= 1
            if left[0] <= 0:
                raise Killed
            return real(*args, **kwargs)

        return call

    for module, name in (("os", "write"), ("os", "ftruncate"), ("os", "fsync"), ("os", "fdatasync"), ("pathlib.Path", "replace")):
        target = Path if module == "pathlib.Path" else __import__("os")
        monkeypatch.setattr(target, name, dying(getattr(target, name)))


@promise("1.2")
@pytest.mark.parametrize("tail", [encode(ESCAPED)[:90], encode(answered("2"))[:-1] + bytes(5), b"\n\n"], ids=["cut", "padded", "blank"])
def test_a_repair_killed_at_any_step_is_finished_by_the_next(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "j"
    for nth in range(1, 20):
        clean = b"".join(write(path, [answered("0"), answered("1")]))
        path.write_bytes(clean + tail)
        shutil.rmtree(tmp_path / "quarantine", ignore_errors=True)
        with pytest.MonkeyPatch.context() as patch:
            killed_at(nth, patch)
            try:
                opened(path)
            except Killed:
                finished = False
            else:
                finished = True
        opened(path)
        kept = path.read_bytes()[len(clean) :].removesuffix(b"\n")
        assert ids(path) == (["0", "1", "2"] if kept else ["0", "1"])
        assert tail[len(kept) :] in quarantined(path)
        if finished:
            return
    raise AssertionError("a repair takes fewer steps than that")


def damage(path: Path, which: int) -> list[bytes]:
    lines = write(path, [answered(str(n)) for n in range(6)])
    lines[which] = lines[which].replace(b"spam", b"spun")
    path.write_bytes(b"".join(lines))
    return lines


@pytest.mark.parametrize("which", range(6))
def test_damage_before_the_tail_is_refused_and_left_alone(tmp_path: Path, which: int) -> None:
    path = tmp_path / "predictions.jsonl"
    damage(path, which)
    before = path.read_bytes()
    with pytest.raises(JournalDamaged, match=rf"predictions\.jsonl: line {which + 1}, at byte \d+, does not match its checksum") as caught:
        opened(path)
    assert f"evalsvc doctor {tmp_path} --repair" in (caught.value.hint or "")
    assert path.read_bytes() == before
    assert not (tmp_path / "quarantine").exists()


def test_a_whole_journal_in_crlf_is_refused_rather_than_asked_again(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    path.write_bytes(b"".join(write(path, [answered(str(n)) for n in range(3)])).replace(b"\n", b"\r\n"))
    with pytest.raises(JournalDamaged, match=r"carriage return.* \(and 1 more\)"):
        opened(path)
    assert doctor_repair(tmp_path, NOW).records == 3
    assert ids(path) == ["0", "1", "2"]


def test_doctor_counts_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    lines = write(path, [answered("1"), failed("2"), answered("1"), answered("3"), answered("4")])
    lines[3] = lines[3].replace(b"spam", b"spun")
    path.write_bytes(b"".join(lines) + b"torn")
    before = path.read_bytes()
    found = doctor(tmp_path)
    assert (found.records, found.rows, found.errors, found.superseded, found.torn) == (4, 3, 1, 1, 4)
    assert [(each.line_number, each.reason) for each in found.damaged] == [(4, "does not match its checksum")]
    assert not found.healthy
    assert found.locked_by is None
    assert path.read_bytes() == before


def test_doctor_names_who_is_in_the_run_directory(tmp_path: Path) -> None:
    write(tmp_path / "predictions.jsonl", [answered()])
    with RunLock.acquire(tmp_path / "run.lock", holder={"pid": 71, "host": "node-3"}):
        assert doctor(tmp_path).locked_by == "process 71 on host node-3"
        with pytest.raises(RunInUse):
            doctor_repair(tmp_path, NOW)


@promise("4.3")
@pytest.mark.parametrize("which", range(6))
def test_repair_moves_damaged_lines_to_quarantine_and_keeps_all_others(tmp_path: Path, which: int) -> None:
    path = tmp_path / "predictions.jsonl"
    lines = damage(path, which)
    path.write_bytes(path.read_bytes() + b"torn")
    (tmp_path / "reduce.json").write_text("{}")
    result = doctor_repair(tmp_path, NOW)
    assert result.healthy
    assert path.read_bytes() == b"".join(line for n, line in enumerate(lines) if n != which)
    assert [each.read_bytes() for each in result.quarantined] == [lines[which], b"torn"]
    assert not (tmp_path / "reduce.json").exists()
    assert opened(path).scan.records == 5


@promise("4.3")
def test_repair_gives_records_their_line_end_back(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    lines = write(path, [answered(str(n)) for n in range(4)])
    path.write_bytes(lines[0] + lines[1][:-1] + b"\r\n" + b"\n" + lines[2][:-1] + bytes(7) + b"\n" + lines[3])
    result = doctor_repair(tmp_path, NOW)
    assert path.read_bytes() == b"".join(lines)
    assert (result.mended, result.records) == (2, 4)


def test_repairing_a_healthy_journal_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    write(path, [answered()])
    (tmp_path / "reduce.json").write_text("{}")
    before = path.read_bytes()
    assert doctor_repair(tmp_path, NOW).quarantined == ()
    assert path.read_bytes() == before
    assert (tmp_path / "reduce.json").exists()


def test_doctor_without_a_journal_says_so(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match=r"predictions\.jsonl: no such file"):
        doctor(tmp_path)


def test_a_file_in_the_place_of_the_quarantine_is_named_and_the_journal_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    damage(path, 2)
    (tmp_path / "quarantine").touch()
    before = path.read_bytes()
    with pytest.raises(StorageFailed, match=r"quarantine: is a file where a directory is expected"):
        doctor_repair(tmp_path, NOW)
    assert path.read_bytes() == before
    path.write_bytes(before[: before.index(b"\n") + 40])
    with pytest.raises(StorageFailed, match=r"quarantine: is a file where a directory is expected"):
        opened(path)
    assert [each.name for each in tmp_path.iterdir() if "repair" in each.name] == []
