"""The data set changed under a run: only what is new or different is asked, and the numbers are those of the data as it is now."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.e2e.desk import Desk, Ended, fixed_parts, messages_rows, summary_of
from tests.e2e.server import Server
from tests.faults.promises import promise

pytestmark = pytest.mark.long

WITH_ID, WITHOUT_ID = "with ids", "without ids"
GONE, EDITED, RELABELLED = ("r0", "r1"), ("r2", "r3"), ("r4", "r5", "r6")


def _rows(tag: str, kind: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """The data set before and after two rows went, two were edited, three relabelled and five came."""
    before = messages_rows(20, tag)
    after = [_changed(row) for row in before if row["id"] not in GONE]
    after += [{**row, "id": f"n{row['id']}", "text": f"new {row['text']}"} for row in messages_rows(5, tag)]
    return (before, after) if kind == WITH_ID else (_without_ids(before), _without_ids(after))


def _changed(row: dict[str, str]) -> dict[str, str]:
    if row["id"] in EDITED:
        return {**row, "text": f"edited {row['text']}"}
    if row["id"] in RELABELLED:
        return {**row, "label": "ham" if row["label"] == "spam" else "spam"}
    return row


def _without_ids(rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    return [{"text": row["text"], "label": row["label"]} for row in rows]


def _asked(server: Server, run: Callable[[], Ended]) -> tuple[int, Ended]:
    """The calls of one launch that ends well, and what it said."""
    server.calls()
    end = run()
    assert end.code == 0, end.err
    return len(server.calls()), end


@promise("11.2")
@pytest.mark.parametrize(
    ("kind", "asked", "said", "asked_on_the_way_back"),
    [
        (WITH_ID, 7, "5 new · 2 changed, asked again · 2 gone · 3 relabelled", 2),
        # an edited row without an id is another row: the old one is gone, and known when it comes back
        (WITHOUT_ID, 7, "7 new · 4 gone · 3 relabelled", 0),
    ],
)
def test_changed_data_costs_only_what_changed_and_ends_with_the_numbers_of_a_fresh_run(
    kind: str, asked: int, said: str, asked_on_the_way_back: int, desk: Desk, server: Server, tag: str
) -> None:
    before, after = _rows(tag, kind)
    desk.write_config(**({"dataset": {"id": "id"}} if kind == WITH_ID else {}), gates=["recall >= 0.1"])

    desk.write_rows(before)
    calls, _ = _asked(server, lambda: desk.run("run", "eval.yaml"))
    run_dir, first = desk.run_dir, fixed_parts(desk.summary)
    assert calls == 20

    desk.write_rows(after)
    calls, end = _asked(server, lambda: desk.run("run", "eval.yaml"))
    assert calls == asked
    assert said in end.err
    assert len(desk.journal()) == 20 + asked, "what is gone or changed stays in the journal"
    _asked(server, lambda: desk.run("run", "eval.yaml", "--run-id=fresh"))
    fresh = fixed_parts(summary_of(run_dir.parent / "fresh"))
    assert fixed_parts(summary_of(run_dir)) == fresh

    desk.write_rows(before)
    calls, _ = _asked(server, lambda: desk.run("run", "eval.yaml"))
    assert calls == asked_on_the_way_back
    assert fixed_parts(summary_of(run_dir)) == first


@promise("11.2")
def test_relabelled_rows_are_scored_again_without_a_request_and_one_line_says_so(desk: Desk, server: Server, tag: str) -> None:
    rows = messages_rows(12, tag)
    desk.write_config(dataset={"id": "id"})
    desk.write_rows(rows)
    _asked(server, lambda: desk.run("run", "eval.yaml"))
    before = desk.summary["per_class"]["spam"]["support"]

    desk.write_rows({**row, "label": "ham"} if row["id"] in ("r1", "r2") else row for row in rows)
    calls, end = _asked(server, lambda: desk.run("run", "eval.yaml"))

    assert calls == 0
    assert "2 relabelled" in end.err
    assert desk.summary["per_class"]["spam"]["support"] == before - 2


@promise("11.2")
def test_a_limit_raised_asks_the_rows_beyond_and_one_lowered_counts_fewer_rows(desk: Desk, server: Server, tag: str) -> None:
    desk.write_config()
    desk.write_rows(messages_rows(30, tag))
    seen: list[tuple[int, Any]] = []
    for limit in (10, 25, 10):
        calls, _ = _asked(server, lambda limit=limit: desk.run("run", "eval.yaml", f"--limit={limit}"))  # type: ignore[misc]
        assert desk.summary["rows"]["expected"] == limit
        seen.append((calls, fixed_parts(desk.summary)))
    assert [calls for calls, _ in seen] == [10, 15, 0]
    assert seen[2][1] == seen[0][1]
