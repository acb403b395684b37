"""Data behind URLs: streamed, taken up again where the line broke, and nothing secret repeated."""

import gzip
import json
import sys
import threading
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config.document import parse_document
from evalsvc.config.load import configure
from evalsvc.config.models import DatasetConfig
from evalsvc.config.secrets import redacted, with_address
from evalsvc.dataset import Dataset, open_dataset
from evalsvc.dataset.ahead import Ahead
from evalsvc.dataset.place import Url
from evalsvc.dataset.remote import BLOCK_BYTES, RemoteFile
from evalsvc.dataset.storage import ATTEMPTS, may_pass
from evalsvc.errors import StorageFailed, UsageError
from tests.dataset.files import INPUT_AND_TARGET, WRITERS, as_jsonl, dataset, read, zst
from tests.dataset.http_server import Shelf, serving
from tests.dataset.test_parquet import as_parquet

LONG = [{"text": f"{number} {'x' * 1000}", "label": "spam" if number % 3 else "ham"} for number in range(9000)]


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with serving(Shelf()) as served:
        yield served


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalsvc.dataset.storage.FIRST_WAIT_S", 0.001)


def at(shelf: Shelf, name: str, data: bytes, **config: Any) -> Dataset:
    shelf.files[f"/{name}"] = data
    return open_dataset(DatasetConfig(path=f"{shelf.url}/{name}", **config), Path())


def ranges_asked(shelf: Shelf) -> list[str | None]:
    return [wanted for method, wanted in shelf.asked if method == "GET"]


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("compress", [bytes, gzip.compress, zst])
@pytest.mark.parametrize("ending", WRITERS)
def test_a_file_behind_a_url_is_the_file(shelf: Shelf, tmp_path: Path, ending: str, compress: Any, ranges: bool) -> None:
    shelf.ranges = ranges
    suffix = {bytes: "", gzip.compress: ".gz", zst: ".zst"}[compress]
    data = compress(WRITERS[ending]())
    survey, samples = read(at(shelf, f"Test{ending}{suffix}", data, id="id", **INPUT_AND_TARGET))
    local, expected = read(dataset(tmp_path, f"t{ending}{suffix}", data, id="id", **INPUT_AND_TARGET))
    assert samples == expected
    assert (survey.sha256, survey.row_hashes, survey.labels) == (local.sha256, local.row_hashes, local.labels)


@pytest.mark.parametrize(("ranges", "sized"), [(True, True), (False, True), (False, False)])
def test_several_blocks_come_one_after_the_other_whatever_the_server_can_do(shelf: Shelf, ranges: bool, sized: bool) -> None:
    shelf.ranges, shelf.sized = ranges, sized
    survey, samples = read(at(shelf, "t.jsonl", as_jsonl(LONG), **INPUT_AND_TARGET))
    assert survey.rows == len(samples) == len(LONG)
    assert [sample.input for sample in samples] == [row["text"] for row in LONG]


def test_no_request_asks_for_more_than_a_block(shelf: Shelf) -> None:
    at(shelf, "t.jsonl", as_jsonl(LONG)).survey()
    assert len(as_jsonl(LONG)) > 2 * BLOCK_BYTES
    for wanted in ranges_asked(shelf):
        first, _, last = (wanted or "").removeprefix("bytes=").partition("-")
        assert int(last) - int(first) < BLOCK_BYTES


def test_parquet_is_read_by_ranges(shelf: Shelf) -> None:
    rows = [{"n": number, "text": f"{number} words"} for number in range(5000)]
    survey, samples = read(at(shelf, "t.parquet", as_parquet(rows, row_group_size=1000)))
    assert [sample.fields for sample in samples] == rows
    assert survey.rows == 5000


def test_parquet_from_a_server_without_ranges_is_refused(shelf: Shelf) -> None:
    shelf.ranges = False
    rows = [{"n": number, "text": f"{number:_>9}" * 500} for number in range(3000)]
    with pytest.raises(UsageError, match="cannot send parts of a file") as caught:
        read(at(shelf, "t.parquet", as_parquet(rows, compression="none", use_dictionary=False)))
    assert "Download" in str(caught.value.hint)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_transfer_is_taken_up_where_it_broke(shelf: Shelf, ranges: bool) -> None:
    shelf.ranges = ranges
    data = at(shelf, "t.jsonl", as_jsonl(LONG), **INPUT_AND_TARGET)
    shelf.cut_after += [100_000, 1_000_000, 0]
    survey, samples = read(data)
    assert survey.rows == len(samples) == len(LONG)
    assert not shelf.cut_after


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_passing_refusal_is_waited_out(shelf: Shelf, status: int) -> None:
    data = at(shelf, "t.jsonl", as_jsonl())
    shelf.statuses += [status] * (ATTEMPTS - 1)
    assert data.survey().rows == 4


def test_a_server_that_stays_down_is_a_storage_failure_to_be_tried_later(shelf: Shelf) -> None:
    data = at(shelf, "t.jsonl", as_jsonl())
    shelf.statuses += [503] * 2 * ATTEMPTS
    with pytest.raises(StorageFailed, match=r"after 6 attempts: HTTP 503") as caught:
        data.survey()
    assert caught.value.exit_code == 9


def test_nobody_there_is_a_storage_failure(shelf: Shelf) -> None:
    with pytest.raises(StorageFailed, match="cannot be read"):
        open_dataset(DatasetConfig(path="http://127.0.0.1:9/t.jsonl"), Path()).survey()


def test_a_missing_file_is_told(shelf: Shelf) -> None:
    with pytest.raises(UsageError, match=r"there is no file http://127\.0\.0\.1:\d+/t\.jsonl"):
        open_dataset(DatasetConfig(path=f"{shelf.url}/t.jsonl"), Path()).survey()


def test_no_secret_of_an_address_is_repeated(shelf: Shelf) -> None:
    secret = f"{shelf.url.replace('http://', 'http://me:hunter2@')}/t.jsonl?version=3&X-Amz-Signature=cafe1234"
    data = open_dataset(DatasetConfig(path=secret), Path())
    shelf.files["/t.jsonl"] = b"{}\n{"
    with pytest.raises(UsageError) as malformed:
        data.survey()
    assert f"{shelf.url}/t.jsonl?version=3&X-Amz-Signature=***:2: not valid JSON" in str(malformed.value)
    shelf.statuses += [403]
    with pytest.raises(UsageError, match="access denied") as refused:
        data.survey()
    for error in (malformed.value, refused.value):
        told = f"{error} {error.hint} {error.__cause__}"
        assert "hunter2" not in told
        assert "cafe1234" not in told


def test_an_address_with_its_signature_taken_out_is_not_asked() -> None:
    with pytest.raises(UsageError, match="signature of this address was not kept"):
        open_dataset(DatasetConfig(path="https://host/t.jsonl?sig=***"), Path()).survey()


def test_a_web_page_in_place_of_data_is_told(shelf: Shelf) -> None:
    shelf.content_type = "text/html; charset=utf-8"
    with pytest.raises(UsageError, match="is a web page, not a data file"):
        at(shelf, "t.csv", b"<html>").survey()


@pytest.mark.parametrize("etags", [True, False])
def test_a_change_between_the_passes_is_noticed(shelf: Shelf, etags: bool) -> None:
    shelf.etags = etags
    data = at(shelf, "t.jsonl", as_jsonl())
    survey = data.survey()
    shelf.files["/t.jsonl"] = as_jsonl().replace(b"money", b"honey")
    with pytest.raises(UsageError, match="changed while it was being read"):
        list(data.samples(survey))


def test_rows_answered_already_are_skipped(shelf: Shelf) -> None:
    data = at(shelf, "t.jsonl", as_jsonl(), id="id")
    assert [sample.id for sample in data.samples(data.survey(), skip=b"\1\0\1\0")] == ["b", "d"]


@pytest.mark.parametrize(
    ("address", "extra"), [("gs://bucket/t.jsonl", "gs"), ("hf://datasets/me/mine/t.jsonl", "hf"), ("s3://b/t.csv", "s3")]
)
def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch, address: str, extra: str) -> None:
    for module in ("gcsfs", "huggingface_hub", "s3fs"):
        monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(import_module("fsspec.registry")._registry, extra, raising=False)
    with pytest.raises(UsageError, match=f"needs the extra '{extra}'") as caught:
        open_dataset(DatasetConfig(path=address), Path()).survey()
    assert caught.value.hint == f"pip install 'evalsvc[{extra}]'"


def test_without_fsspec_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(UsageError, match="needs the extra 'http'"):
        open_dataset(DatasetConfig(path="https://host/t.csv"), Path()).survey()


def test_another_scheme_is_told_which_there_are() -> None:
    with pytest.raises(UsageError, match="does not read ftp:// addresses"):
        open_dataset(DatasetConfig(path="ftp://host/t.csv"), Path()).survey()


def test_a_file_can_be_sought_in(shelf: Shelf) -> None:
    shelf.files["/t.bin"] = bytes(range(256))
    with RemoteFile(Url(f"{shelf.url}/t.bin")) as file:
        assert (file.seek(-6, 2), file.read(4), file.seek(10), file.read(2), file.tell()) == (
            250,
            bytes([250, 251, 252, 253]),
            10,
            b"\n\x0b",
            12,
        )
        assert (file.seek(300), file.read(5)) == (300, b"")


@pytest.mark.parametrize("error", [FileNotFoundError(), PermissionError(), IsADirectoryError()])
def test_what_cannot_pass_is_not_tried_again(error: Exception) -> None:
    assert not may_pass(error)


def test_a_thread_ahead_gives_the_items_in_order_and_then_the_error() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise OSError("the end")

    ahead = Ahead(items(), depth=2)
    assert [next(ahead) for _ in range(5)] == list(range(5))
    with pytest.raises(OSError, match="the end"):
        next(ahead)


def test_a_thread_ahead_goes_no_further_than_its_depth_and_ends_when_closed() -> None:
    taken, closed = [], threading.Event()

    def items() -> Iterator[int]:
        try:
            for number in range(100):
                taken.append(number)
                yield number
        finally:
            closed.set()

    ahead = Ahead(items(), depth=3)
    assert next(ahead) == 0
    ahead.close()
    assert closed.wait(5)
    assert len(taken) <= 5


def test_run_json_keeps_no_secret_of_an_address() -> None:
    text = json.dumps(
        {
            "name": "n",
            "dataset": {"path": "https://me:pw@host/t.csv?X-Amz-Signature=abc&v=1", "input": "t"},
            "model": {"name": "m"},
        }
    )
    config = configure(parse_document(text, file="eval.yaml"), base_dir=Path(), environ={}).config
    assert redacted(config)["dataset"]["path"] == "https://host/t.csv?X-Amz-Signature=***&v=1"


def test_what_run_json_hides_of_an_address_comes_from_the_config_file(tmp_path: Path) -> None:
    address = "https://host/t.csv?sig=abc"
    (tmp_path / "eval.yaml").write_text(json.dumps({"dataset": {"path": address}}))
    kept = {"dataset": {"path": "https://host/t.csv?sig=***", "input": "t"}}
    assert with_address(kept, str(tmp_path / "eval.yaml")) == {"dataset": {"path": address, "input": "t"}}
    other = {"dataset": {"path": "https://host/other.csv?sig=***"}}
    assert with_address(other, str(tmp_path / "eval.yaml")) == other
    assert with_address(kept, str(tmp_path / "gone.yaml")) == with_address(kept, None) == kept
