"""Data in an S3-compatible store, as moto serves one on loopback."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config.models import DatasetConfig
from evalsvc.dataset import Dataset, open_dataset
from evalsvc.errors import UsageError
from tests.dataset.files import INPUT_AND_TARGET, ROWS, as_jsonl, dataset, read, zst
from tests.dataset.test_parquet import as_parquet

BUCKET = "test-sets"
Put = Callable[[str, bytes], None]


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.stop()


@pytest.fixture
def put(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Put:
    """Puts an object into a bucket that the environment's credentials may read."""
    import boto3

    keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {"AWS_ENDPOINT_URL": endpoint, "AWS_EC2_METADATA_DISABLED": "true", **keys}.items():
        monkeypatch.setenv(name, value)
    client: Any = boto3.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return lambda key, data: client.upload_fileobj(io.BytesIO(data), BUCKET, key)


def at(path: str, **config: Any) -> Dataset:
    return open_dataset(DatasetConfig(path=path, **config), Path())


@pytest.mark.parametrize(
    ("key", "data"), [("one/t.jsonl", as_jsonl()), ("one/t.jsonl.zst", zst(as_jsonl())), ("one/t.parquet", as_parquet())]
)
def test_an_object_is_read_as_the_file_would_be(put: Put, tmp_path: Path, key: str, data: bytes) -> None:
    put(key, data)
    survey, samples = read(at(f"s3://{BUCKET}/{key}", id="id", **INPUT_AND_TARGET))
    local, expected = read(dataset(tmp_path, Path(key).name, data, id="id", **INPUT_AND_TARGET))
    assert samples == expected
    assert survey.sha256 == local.sha256


def test_a_pattern_matches_objects_in_the_order_of_their_keys(put: Put) -> None:
    for number, row in enumerate(ROWS):
        put(f"many/{number}.jsonl", as_jsonl([row]))
    put("many/notes.md", b"#")
    _, samples = read(at(f"s3://{BUCKET}/many/*.jsonl", id="id"))
    assert [sample.id for sample in samples] == ["a", "b", "c", "d"]


def test_a_missing_object_and_a_pattern_without_a_match_are_told(put: Put) -> None:
    for path, said in (("no.jsonl", "there is no file"), ("no/*.jsonl", "no file matches")):
        with pytest.raises(UsageError, match=said):
            at(f"s3://{BUCKET}/{path}").survey()


def test_an_object_that_is_replaced_between_the_passes_is_noticed(put: Put) -> None:
    put("changing.jsonl", as_jsonl())
    data = at(f"s3://{BUCKET}/changing.jsonl")
    survey = data.survey()
    put("changing.jsonl", as_jsonl(ROWS[:2]))
    with pytest.raises(UsageError, match="changed while it was being read"):
        next(data.samples(survey))


def test_without_credentials_the_variables_are_named(put: Put, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    put("t.jsonl", as_jsonl())
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    with pytest.raises(UsageError, match="access denied") as caught:
        at(f"s3://{BUCKET}/t.jsonl").survey()
    assert "AWS_ACCESS_KEY_ID" in str(caught.value.hint)
