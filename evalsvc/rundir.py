"""A run directory: which file is what, and run.json, the only one of them that says what was measured.

runs/<name>/<run id>/ holds one measurement; runs/<name>/latest points to the newest.
"""

import errno
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from shlex import quote
from typing import Any, Self

from evalsvc.config.identity import identity_digest
from evalsvc.errors import EvalsvcError, JournalDamaged, UsageError
from evalsvc.journal.files import storage_failed, sync_dir, write_atomic
from evalsvc.jsonio import canonical, loads

RUNS = Path("runs")
LATEST = "latest"
VERSION = 1


@dataclass(frozen=True, slots=True)
class RunDir:
    path: Path

    @property
    def manifest(self) -> Path:
        return self.path / "run.json"

    @property
    def journal(self) -> Path:
        return self.path / "predictions.jsonl"

    @property
    def scored(self) -> Path:
        return self.path / "scored.jsonl"

    @property
    def summary(self) -> Path:
        return self.path / "summary.json"

    @property
    def report(self) -> Path:
        return self.path / "report.html"

    @property
    def junit(self) -> Path:
        return self.path / "junit.xml"

    @property
    def state(self) -> Path:
        return self.path / "reduce.json"

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def quarantine(self) -> Path:
        return self.path / "quarantine"

    @property
    def lock(self) -> Path:
        return self.path / "run.lock"

    @property
    def typed(self) -> str:
        """Its path as a shell takes it, for commands that are shown."""
        return quote(str(self.path))

    def create(self) -> None:
        """Directories that it makes are on the disk when it returns: what is in one that is not would go with it.

        Raises StorageFailed where the directory can be neither made nor written to.
        """
        try:
            missing = [path for path in (self.path, *self.path.parents) if not path.exists()]
            self.path.mkdir(parents=True, exist_ok=True)
            for path in missing:
                sync_dir(path.parent)
            if not os.access(self.path, os.W_OK | os.X_OK):
                raise OSError(_why_unwritable(self.path), "not writable")
        except OSError as exc:
            raise storage_failed(exc, self.path) from exc

    def has_answers(self) -> bool:
        try:
            return self.journal.stat().st_size > 0
        except FileNotFoundError:
            return False

    def point_latest(self) -> None:
        """`latest` beside this run now points to it; a file system without links goes without."""
        link = self.path.parent / LATEST
        temp = link.with_name(f".{LATEST}.{os.getpid()}")
        with suppress(OSError):
            if link.is_symlink() or not link.exists():
                # of launches that were killed here; one that is at it now loses, and ours is as new
                for left in link.parent.glob(f".{LATEST}.*"):
                    left.unlink(missing_ok=True)
                temp.symlink_to(self.path.name)
                temp.replace(link)
        with suppress(OSError):
            temp.unlink()  # where it could be made and not be moved


def _why_unwritable(path: Path) -> int:
    """The errno that a write to `path` would meet."""
    return errno.EROFS if os.statvfs(path).f_flag & os.ST_RDONLY else errno.EACCES


def command_of(run: RunDir, manifest: "Manifest", *, config_file: str) -> str:
    """The command that carries `run` on, from a shell that knows nothing of it. Typed without its name, it might start another run."""
    if run.path.name != manifest.id or run.path.parent.name != manifest.name:
        named = f" --run-dir {run.typed}"
    else:
        named = "" if manifest.id == identity_digest(manifest.identity) else f" --run-id {quote(manifest.id)}"
    return f"evalsvc run {quote(manifest.config_file or config_file)}{named}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """run.json: what this run measures, how it is to be scored, and every launch so far."""

    id: str
    name: str
    identity: Mapping[str, Any]
    config: Mapping[str, Any]  # resolved, secrets redacted
    config_file: str | None
    base_dir: str
    dataset: Mapping[str, Any]  # sha256, rows, labels: as of the last launch
    data_changed: bool = False  # the journal holds answers to more than one state of the data set
    server: Mapping[str, Any] = field(default_factory=dict)  # what /models said of the model
    price_source: str = ""  # where the price in `config` is from
    versions: Mapping[str, str] = field(default_factory=dict)
    launches: tuple[Mapping[str, Any], ...] = ()
    saved_as: tuple[str, ...] = ()  # baseline files that were made of it
    v: int = VERSION

    @property
    def began_at(self) -> str:
        """When the first launch began, in UTC; "" where none did."""
        return str(self.launches[0].get("started_at", "")) if self.launches else ""

    @classmethod
    def read(cls, run: RunDir) -> Self | None:
        """None when there is no run.json. UsageError when a newer evalsvc wrote it, JournalDamaged when it cannot be read."""
        try:
            values = loads(run.manifest.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise storage_failed(exc, run.manifest) from exc
        except ValueError as exc:
            raise JournalDamaged(f"{run.manifest} is not JSON: {exc}", hint="put it back from a backup, or start a new run") from exc
        try:
            if values.get("v", 0) > VERSION:
                raise UsageError(f"{run.manifest} was written by a newer evalsvc", hint="use that version, or a newer one")
            known = {name: values[name] for name in cls.__slots__ if name in values}  # what a later version adds is passed over
            return cls(**{**known, **{name: tuple(values.get(name, ())) for name in ("launches", "saved_as")}})
        except (AttributeError, TypeError) as exc:
            raise JournalDamaged(
                f"{run.manifest} is not a run manifest: {exc}", hint="put it back from a backup, or start a new run"
            ) from exc

    def write(self, run: RunDir) -> None:
        values = {name: getattr(self, name) for name in self.__slots__}
        write_atomic(run.manifest, canonical({**values, "launches": list(self.launches), "saved_as": list(self.saved_as)}) + b"\n")

    def launched(self, **launch: Any) -> Self:
        return replace(self, launches=(*self.launches, launch))

    def landed(self, **end: Any) -> Self:
        """The last launch, with how it ended."""
        return replace(self, launches=(*self.launches[:-1], {**self.launches[-1], **end}))


def find_run(named: str | None, *, root: Path = RUNS) -> RunDir:
    """The run that a command was given: a directory, `name/id`, `name` (its latest) or nothing (the newest of all).

    UsageError when there is none, with those there are.
    """
    candidates = [Path(named), root / named, Path(named) / LATEST, root / named / LATEST] if named else []
    for path in candidates:
        if RunDir(path).manifest.is_file():
            return RunDir(path.parent / path.readlink() if path.name == LATEST and path.is_symlink() else path)
    runs = list(all_runs(root))
    if named is None and runs:
        return runs[0]
    known = ", ".join(str(run.path) for run in runs[:5])
    what = f"{named} is no run directory" if named else f"there is no run under {root}/"
    raise UsageError(what, hint=f"runs here: {known}" if known else "start one with evalsvc run eval.yaml")


def all_runs(root: Path = RUNS) -> Iterator[RunDir]:
    """Every run below `root`, the most recently changed first."""
    manifests = [path for path in root.glob("*/*/run.json") if path.parent.name != LATEST]
    for path in sorted(manifests, key=lambda path: path.stat().st_mtime, reverse=True):
        yield RunDir(path.parent)


def newest_before(run: RunDir, is_wanted: Callable[[RunDir], bool]) -> RunDir | None:
    """Of the runs beside `run` that began before it, the newest one that is wanted."""
    path = run.path.absolute()
    began_at = _began_at(run)
    beside = [RunDir(other.parent) for other in path.parent.glob("*/run.json") if other.parent != path and not other.parent.is_symlink()]
    earlier = [(when, other.path) for other in beside if (when := _began_at(other)) and when < began_at and is_wanted(other)]
    return RunDir(max(earlier)[1]) if earlier else None


def _began_at(run: RunDir) -> str:
    """ "" for one that is damaged, or of a newer program."""
    try:
        manifest = Manifest.read(run)
    except EvalsvcError:
        return ""
    return "" if manifest is None else manifest.began_at
