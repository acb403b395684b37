import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.dataset.hashes import id_hash, target_hash
from evalsvc.errors import JournalDamaged, StorageFailed, UsageError
from evalsvc.journal import ERROR, OK, Scan, encode, read_records, scan
from evalsvc.journal.read import records_at
from evalsvc.records import Record
from tests.journal.cases import answered, failed, write
from tests.journal.test_line import line_with, records


def naive(records: list[Record]) -> tuple[bytes, bytes, bytes, bytes, tuple[int, ...]]:
    """What a scan is to find, record by record."""
    offsets, at = [], 0
    for record in records:
        offsets.append(at)
        at += len(encode(record))
    last = {(record.id, record.repeat): number for number, record in enumerate(records)}
    return (
        b"".join(id_hash(record.id, record.repeat) for record in records),
        b"".join(record.row_hash for record in records),
        bytes(OK if record.error is None else ERROR for record in records),
        b"".join(target_hash(record.target) for record in records),
        tuple(offsets[n] for n, record in enumerate(records) if last[record.id, record.repeat] != n),
    )


def columns(found: Scan) -> tuple[bytes, bytes, bytes, bytes | None, tuple[int, ...]]:
    return found.id_hashes, found.row_hashes, found.statuses, found.target_hashes, found.superseded


few_ids = st.sampled_from(["1", "2", "ü", 'a"b', "\ud800"])
plain = st.builds(
    lambda id_, repeat, fails, target: (failed if fails else answered)(id_, repeat=repeat, target=target),
    few_ids,
    st.integers(0, 1),
    st.booleans(),
    st.sampled_from([None, "", "ham", "né", "\\"]),
)


@settings(deadline=None)
@given(st.lists(plain | records(), max_size=12))
def test_a_scan_finds_what_reading_every_record_finds(tmp_path_factory: pytest.TempPathFactory, given_: list[Record]) -> None:
    path = tmp_path_factory.getbasetemp() / "scan.jsonl"
    lines = write(path, given_)
    found = scan(path, with_targets=True)
    assert columns(found) == naive(given_)
    assert (found.records, found.size, found.torn, found.damaged) == (len(given_), sum(map(len, lines)), 0, ())
    assert [record for _, record in read_records(path)] == given_


def test_a_scan_across_blocks_and_beyond_the_small_case_finds_the_same(tmp_path: Path) -> None:
    given_ = [answered(str(n % 4500), prompt="x" * (n % 50) * 10) for n in range(5000)]
    given_[2500] = answered("long", prompt="y" * 1_500_000)
    write(tmp_path / "j", given_)
    assert columns(scan(tmp_path / "j", with_targets=True)) == naive(given_)


def test_target_hashes_are_kept_only_where_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "j", [answered()])
    assert scan(tmp_path / "j").target_hashes is None


def test_a_scan_from_an_offset_sees_what_lies_behind_it(tmp_path: Path) -> None:
    lines = write(tmp_path / "j", [answered("1"), answered("1"), answered("2"), answered("2")])
    start = len(lines[0])
    found = scan(tmp_path / "j", start=start)
    assert (found.start, found.records) == (start, 3)
    assert found.superseded == (sum(map(len, lines[:2])),)


def test_damage_is_told_with_line_offset_and_reason(tmp_path: Path) -> None:
    lines = write(tmp_path / "j", [answered(str(n)) for n in range(6)])
    lines[1] = lines[1].replace(b"spam", b"spun")
    lines[3] = b"\n"
    lines[4] = lines[4].replace(b"\n", b"\r\n")
    (tmp_path / "j").write_bytes(b"".join(lines))
    found = scan(tmp_path / "j")
    assert found.records == 3
    assert [(each.line_number, each.offset, each.length) for each in found.damaged] == [
        (n + 1, sum(map(len, lines[:n])), len(lines[n])) for n in (1, 3, 4)
    ]
    assert [each.reason.split(";")[0] for each in found.damaged] == [
        "does not match its checksum",
        "is blank",
        "ends in a carriage return, NULs or blanks",
    ]
    later = scan(tmp_path / "j", start=len(lines[0]))
    assert later.damaged == found.damaged


def test_a_damaged_record_supersedes_nothing(tmp_path: Path) -> None:
    lines = write(tmp_path / "j", [answered("1"), answered("1"), answered("1"), answered("2")])
    lines[2] = lines[2].replace(b"spam", b"spun")
    (tmp_path / "j").write_bytes(b"".join(lines))
    assert scan(tmp_path / "j").superseded == (0,)


def test_equal_hashes_of_different_ids_supersede_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules["evalsvc.journal.scan"], "id_hash", lambda id_, repeat=0: bytes(8))
    lines = write(tmp_path / "j", [answered("1"), answered("2"), answered("1", repeat=1), answered("2")])
    assert scan(tmp_path / "j").superseded == (len(lines[0]),)


def test_a_newer_journal_is_refused(tmp_path: Path) -> None:
    (tmp_path / "j").write_bytes(encode(answered()) + line_with(v=2))
    with pytest.raises(UsageError, match="newer"):
        scan(tmp_path / "j")
    with pytest.raises(UsageError, match="newer"):
        list(read_records(tmp_path / "j"))


def test_a_missing_journal_is_named(tmp_path: Path) -> None:
    for read in (scan, lambda path: list(read_records(path))):
        with pytest.raises(StorageFailed, match=r"gone\.jsonl: no such file"):
            read(tmp_path / "gone.jsonl")


def test_records_come_with_their_offsets_from_start_to_stop(tmp_path: Path) -> None:
    lines = write(tmp_path / "j", [answered(str(n)) for n in range(5)])
    starts = [sum(map(len, lines[:n])) for n in range(5)]
    found = list(read_records(tmp_path / "j", start=starts[1], stop=starts[4]))
    assert [(offset, record.id) for offset, record in found] == [(starts[n], str(n)) for n in (1, 2, 3)]


def test_a_line_that_stop_or_the_end_of_the_file_cuts_is_not_read(tmp_path: Path) -> None:
    lines = write(tmp_path / "j", [answered("1"), answered("2")])
    assert len(list(read_records(tmp_path / "j", stop=len(lines[0]) + 20))) == 1
    (tmp_path / "j").write_bytes((lines[0] + lines[1])[:-1])
    assert len(list(read_records(tmp_path / "j"))) == 1


def test_skipped_offsets_are_not_even_decoded(tmp_path: Path) -> None:
    lines = write(tmp_path / "j", [answered(str(n)) for n in range(5)])
    starts = [sum(map(len, lines[:n])) for n in range(5)]
    broken = [*lines[:2], b"x" * (len(lines[2]) - 1) + b"\n", *lines[3:]]
    (tmp_path / "j").write_bytes(b"".join(broken))
    found = read_records(tmp_path / "j", start=starts[1], skip_offsets=frozenset({starts[4], starts[2], starts[0]}))
    assert [record.id for _, record in found] == ["1", "3"]


def test_a_damaged_line_stops_the_reader_with_where_it_is_and_what_to_type(tmp_path: Path) -> None:
    lines = write(tmp_path / "predictions.jsonl", [answered(str(n)) for n in range(3)])
    (tmp_path / "predictions.jsonl").write_bytes(lines[0] + lines[1].replace(b"spam", b"spun") + lines[2])
    with pytest.raises(JournalDamaged) as caught:
        list(read_records(tmp_path / "predictions.jsonl", start=len(lines[0])))
    assert f"line 2, at byte {len(lines[0])}, does not match its checksum" in caught.value.message
    assert f"evalsvc doctor {tmp_path} --repair" in (caught.value.hint or "")


def test_records_are_read_from_where_they_stand_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "predictions.jsonl"
    all_records = [answered(str(number)) for number in range(3)]
    write(path, all_records)
    starts = [sum(len(encode(record)) for record in all_records[:number]) for number in range(3)]
    assert list(records_at(path, reversed(starts))) == all_records[::-1]
    with pytest.raises(JournalDamaged, match=f"line 2, at byte {starts[1] + 1}"):
        list(records_at(path, [starts[0], starts[1] + 1]))
