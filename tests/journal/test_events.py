from pathlib import Path

import pytest

from evalsvc.errors import StorageFailed
from evalsvc.journal import EventLog, read_events

AT = 1795140824.12


def test_events_come_back_in_order_with_their_time(tmp_path: Path) -> None:
    ticks = iter([AT, AT + 1])
    with EventLog(tmp_path / "events.jsonl", clock=lambda: next(ticks)) as log:
        log.emit("launch", command="evalsvc run a.yaml", label="\ud800")
        log.emit("limit", concurrency=64, reason="429")
    assert list(read_events(tmp_path / "events.jsonl")) == [
        {"at": "2026-11-20T02:13:44.120Z", "event": "launch", "command": "evalsvc run a.yaml", "label": "\ud800"},
        {"at": "2026-11-20T02:13:45.120Z", "event": "limit", "concurrency": 64, "reason": "429"},
    ]


def test_a_log_cut_at_any_byte_keeps_its_whole_events_and_takes_new_ones(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with EventLog(path, clock=lambda: AT) as log:
        log.emit("one")
        log.emit("two", text="é")
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        kept = [each["event"] for each in read_events(path)]
        assert kept == ["one"] * (size >= first - 1) + ["two"] * (size >= len(whole) - 1)
        with EventLog(path, clock=lambda: AT) as log:
            log.emit("next")
        assert [each["event"] for each in read_events(path)] == [*kept, "next"]


def test_a_missing_log_holds_no_events(tmp_path: Path) -> None:
    assert list(read_events(tmp_path / "events.jsonl")) == []


def test_a_line_that_is_no_event_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(b'\n[1]\n\xff\n{"event":"a"}\n')
    assert list(read_events(tmp_path / "events.jsonl")) == [{"event": "a"}]


def test_closing_twice_does_nothing(tmp_path: Path) -> None:
    log = EventLog(tmp_path / "events.jsonl", clock=lambda: AT)
    log.close()
    log.close()


def test_a_log_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="is a directory"):
        EventLog(tmp_path, clock=lambda: AT)
    with EventLog("/dev/full", clock=lambda: AT) as log, pytest.raises(StorageFailed, match="no space left"):
        log.emit("launch")
