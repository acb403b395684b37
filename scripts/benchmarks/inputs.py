"""What the cases work on, made on the spot: data sets, configs, request bodies, a journal."""

import csv
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from benchmarks.stub import MODEL
from evalsvc.config import load_config
from evalsvc.dataset import open_dataset
from evalsvc.journal.line import encode
from evalsvc.prompt import Prompt, RequestBuilder
from evalsvc.records import Record, Reply, Request, Usage

LABELS = ("spam", "ham")
SYSTEM = "Answer with one word: spam or ham."


def row(number: int) -> dict[str, str]:
    """60 to 100 bytes as JSON, every one different."""
    return {"text": f"message {number}: call {number * 7919 % 1_000_003} now" + " please" * (number % 5), "label": LABELS[number % 2]}


def write_rows(path: Path, rows: range, *, mode: str = "w") -> Path:
    """A data set in the format of the ending of `path`."""
    with path.open(mode, newline="") as file:
        if path.suffix == ".jsonl":
            file.writelines(orjson.dumps(row(number)).decode() + "\n" for number in rows)
        else:
            table = csv.DictWriter(file, ["text", "label"], delimiter="\t" if path.suffix == ".tsv" else ",", lineterminator="\n")
            table.writeheader()
            table.writerows(map(row, rows))
    return path


def write_config(path: Path, data: Path, *, port: int, concurrency: int, rest: Mapping[str, Any] | None = None, **model: Any) -> Path:
    """An eval.yaml; JSON is YAML. `model` is what its `model` says besides, `rest` what stands in the place of other keys."""
    config: dict[str, Any] = {
        "name": "bench",
        "dataset": {"path": str(data), "input": "text", "target": "label"},
        "prompt": {"system": SYSTEM},
        "model": {"name": MODEL, "base_url": f"http://127.0.0.1:{port}/v1", "endpoint_id": "bench", "max_output_tokens": 3, **model},
        "scoring": {"labels": list(LABELS)},
        "limits": {"concurrency": concurrency},
        **(rest or {}),
    }
    path.write_bytes(orjson.dumps(config))
    return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    authority: Path  # what a client has to trust
    server: Path  # certificate and key of 127.0.0.1


def certificates(folder: Path) -> Certificates:
    """A certificate authority of one's own, and what it vouches for."""
    import trustme  # noqa: PLC0415 - slow to load, and one case needs it

    folder.mkdir()
    made = Certificates(authority=folder / "ca.pem", server=folder / "server.pem")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(made.authority))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(made.server))
    return made


def requests(config_file: Path) -> Iterator[Request]:
    """What `evalsvc run` would send."""
    loaded = load_config(config_file, environ=os.environ)
    config = loaded.config
    prompt = Prompt.load(config.prompt, config.base_dir, target_column=config.dataset.target, where=loaded.where)
    builder = RequestBuilder(config, config.model.base_url, prompt, where=loaded.where)
    dataset = open_dataset(config.dataset, config.base_dir)
    return map(builder.build, dataset.samples(dataset.survey()))


def write_bodies(path: Path, config_file: Path) -> Path:
    with path.open("wb") as file:
        file.writelines(request.body + b"\n" for request in requests(config_file))
    return path


def reply(output: str = "spam", tokens: Sequence[Mapping[str, Any]] | None = None) -> Reply:
    return Reply(
        output=output,
        finish_reason="stop",
        usage=Usage(input=31, output=1),
        latency_s=0.25,
        model=MODEL,
        request_id="chatcmpl-0",
        tokens=tokens,
    )


def append_answers(journal: Path, config_file: Path, *, skip: int, replies: Callable[[int], Reply] = lambda _: reply()) -> None:
    """The journal lines that a run would have written for all rows after the first `skip`; `replies` are given their number."""
    with journal.open("ab") as file:
        numbered = islice(enumerate(requests(config_file)), skip, None)
        file.writelines(encode(_answered(request, replies(number))) for number, request in numbered)


def _answered(request: Request, reply: Reply) -> Record:
    return Record(
        id=request.id,
        repeat=request.repeat,
        row_hash=request.row_hash,
        key=request.key,
        target=request.target,
        messages=request.messages,
        reply=reply,
        error=None,
        attempts=1,
        waited_s=0.0,
        at="2026-01-01T00:00:00.000Z",
    )
