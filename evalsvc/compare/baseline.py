"""A run directory -> baseline.jsonl.gz, as baseline_file.py describes it."""

import gzip
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from evalsvc.compare.baseline_file import KIND, SAYS_NO_TEXT, VERSION, opened, read_header, sum_of
from evalsvc.compare.nouns import SideInfo
from evalsvc.compare.run_source import find
from evalsvc.compare.side import open_side
from evalsvc.compare.source import Side
from evalsvc.config import EvalConfig
from evalsvc.dataset import id_hash
from evalsvc.errors import UsageError
from evalsvc.journal.files import check_place, write_atomic
from evalsvc.journal.read import read_records
from evalsvc.jsonio import dumps
from evalsvc.records import Score
from evalsvc.rundir import Manifest, RunDir
from evalsvc.scoring.figures import number_of
from evalsvc.scoring.judging import is_label, scale_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Uint64s = NDArray[np.uint64]

# What of a summary says nothing of single rows, nor of slices of them.
_OF_SUMMARY: Final = ("v", "name", "status", "rows", "outcomes", "usage", "cost_usd", "calls", "latency_s", "ttft_s", "timing", "run")
# What of a config its metrics, and the meaning of its rows, depend on.
_OF_CONFIG: Final = ("name", "task", "scoring", "metrics", "repeats", "gates")
_KEY_BYTES: Final = 16
_OF_MODEL: Final = ("name", "api", "params")
_OF_DATASET: Final = ("path", "against", "input", "target", "id", "messages", "group")


# Id, repeat, and the line of the row.
_Line = tuple[str, int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """What a save came to."""

    path: Path
    run: SideInfo
    rows: int
    size: int  # bytes
    replaced: str | None  # NAME/ID of the run that the file was of before


def save_baseline(run: RunDir, path: Path, *, force: bool = False) -> Saved:
    """Writes the baseline file of `run`, and into its run.json that there is one, so that nobody prunes it. The caller holds its lock.

    UsageError for a run that is not complete, and for a file there that is no baseline, unless forced; else as `open_side`.
    """
    side, manifest = open_side(run.path), Manifest.read(run)
    assert manifest is not None  # noqa: S101 - open_side has read it
    if side.info.summary["status"] != "complete" and not force:
        raise UsageError(
            f"{side.info.label} is not complete: {side.info.summary['rows']['pending']:,} rows have no answer yet",
            hint="let it finish first; or save what there is with --force: only rows that it has can be compared later",
        )
    check_place(path)
    replaced = _replaced(path, force=force)
    lines = sorted(_lines(side, run))
    content = _packed(_header(side, manifest, len(lines)), [line + b"\n" for *_, line in lines])
    write_atomic(path, content)
    if str(path.absolute()) not in manifest.saved_as:
        _remember(run, replace(manifest, saved_as=(*manifest.saved_as, str(path.absolute()))))
    return Saved(path=path, run=side.info, rows=len(lines), size=len(content), replaced=replaced)


def _remember(run: RunDir, manifest: Manifest) -> None:
    """Writes run.json, and leaves its time as it is: it tells which run is the newest, and that is none by being saved."""
    stat = run.manifest.stat()
    manifest.write(run)
    with suppress(OSError):
        os.utime(run.manifest, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _replaced(path: Path, *, force: bool) -> str | None:
    """The run that the file is of; None where there is none."""
    if not path.exists():
        return None
    try:
        with opened(path) as file:
            header = read_header(path, file)
    except UsageError as error:
        if force:
            return None
        hint = "name another file with -o, or overwrite it with --force"
        raise UsageError(f"{path} is there already, and is no baseline file", hint=hint) from error
    return f"{header.get('name')}/{header.get('id')}"


def _packed(header: Mapping[str, Any], lines: list[bytes]) -> bytes:
    buffer = BytesIO()
    # without a name and a time of its own, so that equal rows are an equal file
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as file:
        file.write(dumps({**header, "sum": sum_of(header, lines)}) + b"\n")
        file.writelines(lines)
    return buffer.getvalue()


def _header(side: Side, manifest: Manifest, rows: int) -> dict[str, Any]:
    summary = side.info.summary
    metrics = {name: {key: value for key, value in metric.items() if key != "slices"} for name, metric in summary["metrics"].items()}
    nothing: dict[str, Any] = {"per_class": {}, "confusion_matrix": None, "thresholds": None, "gates": [], "warnings": []}
    return {
        "v": VERSION,
        "kind": KIND,
        "name": manifest.name,
        "id": manifest.id,
        "saved_at": _ended_at(manifest),
        "rows": rows,
        "labels": side.shape.labels,
        "definitions": side.definitions,
        "data": side.data,
        "config": _config(manifest.config),
        "summary": {**{key: summary.get(key) for key in _OF_SUMMARY}, "metrics": metrics, **nothing},
    }


def _ended_at(manifest: Manifest) -> str | None:
    """When the last launch ended, or began where nothing says when it ended: not the hour of saving, which the rows do not depend on."""
    last = manifest.launches[-1] if manifest.launches else {}
    return last.get("ended_at") or last.get("started_at")


def _config(config: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{key: config[key] for key in _OF_CONFIG},
        "judge": {"scale": config["judge"]["scale"]},
        "model": {key: config["model"][key] for key in _OF_MODEL},
        "dataset": {key: config["dataset"][key] for key in _OF_DATASET},
    }


def _lines(side: Side, run: RunDir) -> Iterator[_Line]:
    hashes = side.source.hashes()
    questions, keys = _asked(run, hashes.rows)
    groups = side.source.groups(hashes.samples)
    said = _said_in(side.config)
    places = {label: place for place, label in enumerate(side.shape.labels)}
    for index, score in enumerate(side.source.scores()):
        row = {
            "id": score.id,
            "repeat": score.repeat,
            "row": questions[index].tobytes().hex(),
            "key": keys[index].tobytes().hex(),
            "target": None if score.target is None else hashes.targets[index].tobytes().hex(),
            "group": None if groups is None else groups[index].tobytes().hex(),
            "outcome": score.outcome,
            "cell": [places.get(score.target or ""), places.get(score.prediction or "")] if places else None,
            "said": None if said is None else said(score),
            "scores": score.scores,
            "stats": score.stats,
            "probs": None if score.probs is None else [score.probs[label] for label in places],
        }
        yield score.id, score.repeat, dumps({key: value for key, value in row.items() if value is not None})


def _asked(run: RunDir, rows: "Uint64s") -> "tuple[Uint64s, NDArray[np.void]]":
    """Of each row the hash of what was asked, and the key of the request; of one that was asked again, those of the last time."""
    import numpy as np

    ids, questions, keys = bytearray(), bytearray(), bytearray()
    for _, record in read_records(run.journal, prompts=False):
        ids += id_hash(record.id, record.repeat)
        questions += record.row_hash
        keys += bytes.fromhex(record.key).ljust(_KEY_BYTES, b"\0")  # answers that were asked for elsewhere have none
    at, _ = find(np.frombuffer(ids, dtype="<u8"), rows)
    return np.frombuffer(questions, dtype="<u8")[at], np.frombuffer(keys, dtype=f"V{_KEY_BYTES}")[at]


def _said_in(config: EvalConfig) -> Callable[[Score], list[str | None]] | None:
    """Reads target, answer and rule of a row; None where they may be texts. A target that is none of what it should be is left out."""
    if config.scoring.scorer is not None or config.task not in SAYS_NO_TEXT:
        return None
    numbers, scale, judges = config.scoring.numbers, scale_of(config), config.task == "judge"

    def target_of(score: Score) -> str | None:
        if score.target is None:
            return None
        number = number_of(score.target, decimal=numbers.decimal, percent=numbers.percent)
        return score.target if (is_label(score.target, scale) if judges else number is not None) else None

    return lambda score: [target_of(score), score.prediction, score.rule if judges else None]
