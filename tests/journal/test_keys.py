"""Answers found by the key of their request, against a model that a reader can check: a dict of all that was answered."""

from collections import defaultdict
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.errors import JournalDamaged, StorageFailed, UsageError
from evalsvc.journal import encode
from evalsvc.journal.keys import Answered
from evalsvc.records import Record, Reply, RowError

IDS = ("a", "b", 'with "quotes"', "é", "\ud800")


def key_of(question: str) -> str:
    return blake2b(question.encode(), digest_size=16).hexdigest()


def record(id_: str, question: str, output: str = "spam", *, repeat: int = 0, key: str | None = None, failed: bool = False) -> Record:
    return Record(
        id=id_,
        repeat=repeat,
        row_hash=bytes(8),
        key=key_of(question) if key is None else key,
        target=None,
        messages=b'[{"role":"user","content":"x"}]',
        reply=None if failed else Reply(output=output, finish_reason="stop", usage=None, latency_s=0.5),
        error=RowError(kind="timeout", http=None, code=None, message="m") if failed else None,
        attempts=1,
        waited_s=0.0,
        at="2026-11-20T02:13:44.120Z",
    )


def outputs(path: Path, *wanted: tuple[str, str]) -> list[str | None]:
    """What is found for each (id, question); None for nothing."""
    found = []
    with Answered.open(path) as answered:
        for id_, question in wanted:
            place = answered.find(key_of(question), id_)
            reply = None if place is None else answered.read(place).reply
            found.append(None if reply is None else reply.output)
    return found


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "predictions.jsonl"


records = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from(["q1", "q2", "q3"]), st.integers(0, 9), st.booleans()),
    max_size=40,
)


@settings(max_examples=60, deadline=None)
@given(records)
def test_a_row_gets_its_own_last_answer_and_a_stranger_one_of_those_to_the_same_question(told: list[tuple[str, str, int, bool]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.jsonl"
        path.write_bytes(b"".join(encode(record(id_, question, str(number), failed=failed)) for id_, question, number, failed in told))
        own = {(id_, question): str(number) for id_, question, number, failed in told if not failed}
        of_question = defaultdict[str, set[str | None]](set)
        for (_, question), number in own.items():
            of_question[question].add(number)
        for id_ in IDS:
            for question in ("q1", "q2", "q3", "never asked"):
                (found,) = outputs(path, (id_, question))
                if (id_, question) in own:
                    assert found == own[id_, question]
                else:
                    assert found in (of_question[question] or [None])
                assert outputs(path, (id_, question)) == [found], "the same each time"


def test_strangers_do_not_all_get_one_answer(journal: Path) -> None:
    journal.write_bytes(b"".join(encode(record(f"r{number}", "q", str(number))) for number in range(50)))
    found = outputs(journal, *((f"other{number}", "q") for number in range(500)))
    assert len(set(found)) == 50, "with 500 draws of 50, the odds that one is missed are 1 in 500"


def test_what_failed_and_what_was_never_asked_for_is_no_answer(journal: Path) -> None:
    journal.write_bytes(encode(record("a", "q", failed=True)) + encode(record("b", "q", key="")))
    with Answered.open(journal) as answered:
        assert len(answered) == 0
        assert answered.find(key_of("q"), "a") is None


def test_a_failure_after_an_answer_does_not_unsay_it(journal: Path) -> None:
    journal.write_bytes(encode(record("a", "q", "ham")) + encode(record("a", "q", failed=True)))
    assert outputs(journal, ("a", "q")) == ["ham"]


@pytest.mark.parametrize("tail", [b"", b'{"v":1,"id":"c","repeat":0', b"\n", bytes(100), b'{"v":1,"id":"c"\n\n', b"\0\0\n\0"])
def test_what_a_crash_left_at_the_end_is_passed_over_at_every_cut(journal: Path, tail: bytes) -> None:
    journal.write_bytes(encode(record("a", "q", "ham")) + tail)
    assert outputs(journal, ("a", "q")) == ["ham"]
    whole = encode(record("a", "q", "ham")) + encode(record("b", "p", "spam"))
    for cut in range(len(whole) - 60, len(whole)):
        journal.write_bytes(whole[:cut])
        assert outputs(journal, ("a", "q"), ("b", "p")) == ["ham", None]


def test_damage_before_the_end_is_an_error_that_says_where(journal: Path) -> None:
    lines = [encode(record(id_, "q")) for id_ in "abc"]
    journal.write_bytes(lines[0] + lines[1].replace(b"spam", b"spin") + lines[2])
    with pytest.raises(JournalDamaged, match=rf"line 2, at byte {len(lines[0])}, does not match its checksum") as caught:
        outputs(journal)
    assert "evalsvc doctor" in str(caught.value.hint)


def test_a_journal_of_a_newer_version_is_refused(journal: Path) -> None:
    from zlib import crc32

    body = encode(record("a", "q")).rpartition(b',"c"')[0].replace(b'"v":1', b'"v":2')
    journal.write_bytes(b'%b,"c":"%08x"}\n' % (body, crc32(body)))
    with pytest.raises(UsageError, match="newer evalsvc"):
        outputs(journal)


def test_a_journal_that_is_written_anew_meanwhile_is_noticed(journal: Path) -> None:
    lines = [encode(record(id_, id_)) for id_ in "ab"]
    journal.write_bytes(b"".join(lines))
    with Answered.open(journal) as answered:
        place = answered.find(key_of("b"), "b")
        assert place is not None
        journal.write_bytes(b"".join([encode(replace(record("c", "c"), id="a")), encode(record("d", "d"))]))
        with pytest.raises(JournalDamaged, match="a moment ago"):
            answered.read(place)


def test_a_journal_that_is_not_there_is_a_storage_error(journal: Path) -> None:
    with pytest.raises(StorageFailed), Answered.open(journal):
        pass
