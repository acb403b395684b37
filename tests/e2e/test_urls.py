"""A run whose data are behind a URL."""

import json

import pytest

from tests.dataset.http_server import Shelf, serving
from tests.e2e.desk import Desk, messages_rows

pytestmark = pytest.mark.long

SECRET = "c0ffee-signature"


@pytest.mark.parametrize("ranges", [True, False])
def test_data_behind_a_signed_address_are_evaluated_resumed_and_rescored(desk: Desk, tag: str, ranges: bool) -> None:
    rows = messages_rows(60, tag)
    with serving(Shelf(ranges=ranges)) as shelf:
        shelf.files["/t.jsonl"] = as_jsonl(rows[:40])
        desk.write_config(dataset={"path": f"{shelf.url}/t.jsonl?sig={SECRET}", "id": "id"})
        first = desk.run("run", "eval.yaml")
        assert first.code == 0, first.err
        # a row less, a row relabelled, others new: the reducer has to read the data again, and only run.json is left of the address
        shelf.files["/t.jsonl"] = as_jsonl([{**rows[1], "label": "ham"}, *rows[2:]])
        second = desk.run("run", "eval.yaml")
        assert second.code == 0, second.err
    assert len(desk.journal()) == 60
    assert desk.summary["rows"]["expected"] == 59
    told = "".join([first.out, first.err, second.out, second.err, *(path.read_text() for path in desk.run_dir.iterdir() if path.is_file())])
    assert SECRET not in told


def test_a_server_that_is_gone_ends_the_run_with_9_and_nothing_asked(desk: Desk) -> None:
    desk.write_config(dataset={"path": "http://127.0.0.1:9/t.jsonl"})
    ended = desk.run("run", "eval.yaml")
    assert ended.code == 9
    assert "cannot be read, after 6 attempts" in ended.err


def as_jsonl(rows: list[dict[str, str]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()
