"""A few rows out of many: spread evenly, the same each time, and none that is done."""

from evalsvc.dataset import Survey, id_hash
from evalsvc.pipeline.picking import pick
from evalsvc.pipeline.resume import Resume


def survey(rows: int) -> Survey:
    hashes = b"".join(id_hash(f"r{number}") for number in range(rows))
    return Survey(
        rows=rows,
        sha256="",
        labels={},
        labels_complete=True,
        without_target=0,
        id_hashes=hashes,
        row_hashes=hashes,
        target_hashes=None,
        duplicate_texts=0,
        stamps=(),
    )


def chosen(skip: bytes) -> list[int]:
    return [index for index, skipped in enumerate(skip) if not skipped]


def test_a_larger_pick_holds_a_smaller_one_and_both_are_spread_over_the_data() -> None:
    some = chosen(pick(Resume(skip=None), survey(1000), repeats=1, n=20))
    more = chosen(pick(Resume(skip=None), survey(1000), repeats=1, n=100))
    assert (len(some), len(more)) == (20, 100)
    assert set(some) < set(more)
    assert {row // 250 for row in more} == {0, 1, 2, 3}


def test_rows_that_are_done_are_passed_over() -> None:
    done = bytes([1] * 90 + [0] * 10)
    assert chosen(pick(Resume(skip=done), survey(100), repeats=1, n=20)) == list(range(90, 100))


def test_first_repeats_come_before_second_ones() -> None:
    assert chosen(pick(Resume(skip=None), survey(4), repeats=3, n=6))[:4] == [0, 1, 2, 3]
    first_done = bytes([1, 1, 1, 1, 0, 0, 0, 0])
    assert len(chosen(pick(Resume(skip=first_done), survey(4), repeats=2, n=3))) == 3
