"""Which runs may go, and how they go: by name the last ones are kept, and every one that another may still be held against.

What is deleted is moved to runs/<name>/.pruned/<id> first, in one step, where no command looks for runs: whoever is killed
in the middle leaves no half run that looks whole. The next prune clears that away.
"""

import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from evalsvc.compare.regression import may_be_baseline
from evalsvc.errors import EvalsvcError, RunInUse, UsageError
from evalsvc.journal.files import storage_failed, sync_dir
from evalsvc.journal.lock import RunLock, lock_holder
from evalsvc.records import Summary
from evalsvc.reduce.run import known_summary
from evalsvc.report.pruned import Fate, Pruning
from evalsvc.rundir import LATEST, RUNS, Manifest, RunDir

PRUNED = ".pruned"
_OF_THE_DISK = "lost+found"
DAY_S = 86_400.0
_HERE = RunDir(Path())
# What evalsvc itself puts into a run directory; a run that holds anything else is not deleted.
_FILES = frozenset(
    path.name
    for path in (
        *(_HERE.manifest, _HERE.journal, _HERE.scored, _HERE.summary, _HERE.report, _HERE.junit, _HERE.state, _HERE.events, _HERE.lock),
        Path("eval.yaml"),
    )
)
# Folders whose content is evalsvc's whatever it is called.
_FOLDERS = frozenset({_HERE.quarantine.name, "external", ".parts"})
_EARLIER = "earlier"
_GONE = "gone by now"
_TEMPORARY = re.compile(r"\.?(?P<of>.+?)(\.\d+)?\.(tmp|repair)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What may go. Where both `keep` and `days` are given, only what both let go."""

    keep: int | None = None  # so many of the last complete runs of each name stay
    days: float | None = None  # whatever is younger stays
    partial: bool = False  # runs that could be carried on may go too


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A run on the disk, and what forbids to delete it."""

    run: RunDir
    name: str
    began_at: str
    ended_s: float  # seconds since 1970
    octets: int
    is_complete: bool
    may_be_baseline: bool  # by its gates
    protected: str | None  # why it stays whatever the rule says
    names: frozenset[str]  # what others call it
    needs: Mapping[str, str]  # what it calls others, and why it needs them

    @property
    def label(self) -> str:
        return f"{self.name}/{self.run.path.name}"


def find_runs(root: Path = RUNS) -> list[Found]:
    """Every run below `root`, by name and then the oldest first. No link is followed; runs elsewhere (--run-dir) are not seen."""
    found = (
        _found(RunDir(path), folder.name)
        for folder in _names(root)
        for path in _entries(folder)
        if not path.name.startswith(".") and path.name != LATEST and not path.is_symlink() and (path / _HERE.manifest).is_file()
    )
    return sorted(filter(None, found), key=lambda one: (one.name, one.began_at, one.run.path.name))


def _names(root: Path) -> list[Path]:
    """The folders that hold the runs of a name. runs/ may be a disk of its own, and has a folder then that only root can read."""
    mine = (path for path in _entries(root) if path.name != _OF_THE_DISK and not path.name.startswith("."))
    return [path for path in mine if path.is_dir() and not path.is_symlink()]


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise storage_failed(error, folder) from error


def _found(run: RunDir, name: str) -> Found | None:
    """None where another prune has taken it away by now."""
    summary, octets = known_summary(run), sum(map(_size, _files(run.path)))
    try:
        changed_s = run.manifest.stat().st_mtime
    except FileNotFoundError:
        return None
    unread = Found(
        run=run,
        name=name,
        began_at="",
        ended_s=changed_s,
        octets=octets,
        is_complete=False,
        may_be_baseline=False,
        protected=None,
        names=frozenset({f"{name}/{run.path.name}", str(run.path.resolve())}),
        needs={},
    )
    try:
        manifest = Manifest.read(run)
    except EvalsvcError:
        manifest = None
    holder = lock_holder(run.lock)
    if manifest is None or holder is not None:
        return replace(unread, protected="its run.json cannot be read" if manifest is None else f"in use by {holder}")
    return replace(
        unread,
        began_at=manifest.began_at,
        ended_s=_ended_s(manifest) or changed_s,
        is_complete=summary is not None and summary["status"] == "complete",
        may_be_baseline=may_be_baseline(run),
        protected=_protected(run, manifest),
        names=unread.names | {f"{manifest.name}/{manifest.id}"},
        needs=_needs(manifest, summary),
    )


def _files(folder: Path) -> Iterator[Path]:
    """All that lies below, links as what they are."""
    for path in _entries(folder):
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        else:
            yield path


def _size(path: Path) -> int:
    """In bytes; 0 for what is gone by now, as are the temporary files of a run under way."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return 0


def _ended_s(manifest: Manifest) -> float | None:
    last: Mapping[str, Any] = manifest.launches[-1] if manifest.launches else {}
    at = last.get("ended_at") or last.get("started_at")
    return None if at is None else datetime.fromisoformat(str(at)).timestamp()


def _protected(run: RunDir, manifest: Manifest) -> str | None:
    if manifest.saved_as:
        return f"saved as the baseline {manifest.saved_as[-1]}"
    link = run.path.parent / LATEST
    if link.is_symlink() and link.resolve() == run.path.resolve():
        return f"{LATEST} points to it"
    foreign = next(_foreign(run.path), None)
    return None if foreign is None else f"it holds what evalsvc did not put there: {foreign.relative_to(run.path)}"


def _foreign(folder: Path) -> Iterator[Path]:
    """What is not evalsvc's in a run directory."""
    for path in _entries(folder):
        if path.is_symlink() or not path.is_dir():
            if path.is_symlink() or not _is_ours(path.name):
                yield path
        elif path.name == _EARLIER:
            for earlier in _entries(path):
                yield from _foreign(earlier) if earlier.is_dir() and not earlier.is_symlink() else [earlier]
        elif path.name in _FOLDERS:
            yield from (one for one in _files(path) if one.is_symlink())
        else:
            yield path


def _is_ours(name: str) -> bool:
    temporary = _TEMPORARY.fullmatch(name)
    return name in _FILES or (temporary is not None and temporary["of"] in _FILES)


def _needs(manifest: Manifest, summary: Summary | None) -> dict[str, str]:
    """What its gates were held against, and whose answers are its data."""
    baselines = [gate["regression"]["baseline"] for gate in summary["gates"] if "regression" in gate] if summary is not None else []
    judged = [f"{run['name']}/{run['id']}" for run in manifest.dataset.get("runs", ())]
    return {**dict.fromkeys(judged, "its answers are the data of"), **dict.fromkeys(baselines, "it is the baseline of")}


def fates(found: Sequence[Found], rule: Rule, *, now_s: float, only: str | None = None) -> list[Fate]:
    """What becomes of each run; of one name, where `only` is that. `found` are all runs, for those of other names may need these.

    A baseline of a run that stays is kept too, but not that one's own baseline: else no night that was held against the one
    before it would ever go.
    """
    considered = [one for one in found if only in (None, one.name)]
    stays = {one.label: reason for one in considered if (reason := _stays(one, found, rule, now_s)) is not None}
    needed = {
        name: f"{why} {one.label}" for one in found if one.label in stays or only not in (None, one.name) for name, why in one.needs.items()
    }
    reasons = [stays.get(one.label) or next((needed[name] for name in sorted(one.names) if name in needed), None) for one in considered]
    return [
        Fate(
            run=one.label,
            path=str(one.run.path),
            age_s=now_s - one.ended_s,
            octets=one.octets,
            is_doomed=reason is None,
            reason=reason or _lets_go(rule),
        )
        for one, reason in zip(considered, reasons, strict=True)
    ]


def _stays(one: Found, found: Sequence[Found], rule: Rule, now_s: float) -> str | None:
    """Why it is kept; None where the rule lets it go."""
    complete = [other for other in found if other.name == one.name and other.is_complete]
    good = [other for other in complete if other.may_be_baseline]
    if one.protected is not None:
        return one.protected
    if good and one == good[-1]:
        return "the newest that no gate failed, which the next run may be held against"
    if not one.is_complete and not rule.partial:
        return "not complete: it can be carried on (--partial lets it go)"
    if rule.keep is not None and len([other for other in complete if other.began_at > one.began_at]) < rule.keep:
        return f"one of the last {rule.keep}"
    if rule.days is not None and now_s - one.ended_s < rule.days * DAY_S:
        return f"younger than {rule.days:g} days"
    return None


def _lets_go(rule: Rule) -> str:
    words = [
        f"not one of the last {rule.keep}" if rule.keep is not None else "",
        f"older than {rule.days:g} days" if rule.days is not None else "",
    ]
    return ", ".join(filter(None, words))


def prune(rule: Rule, *, name: str | None, now_s: float, holder: Mapping[str, Any], yes: bool, root: Path = RUNS) -> Pruning:
    """Looks at all runs below `root`, or at those of `name`, and with `yes` deletes what may go.

    UsageError without anything to go by, and for a name without runs; StorageFailed where the disk refuses.
    """
    if rule.keep is None and rule.days is None:
        raise UsageError("nothing says which runs may go", hint="--keep 10 keeps the last ten of each name, --days 30 those of a month")
    found = find_runs(root)
    if name is not None and not any(one.name == name for one in found):
        known = ", ".join(dict.fromkeys(one.name for one in found)) or "none"
        raise UsageError(f"there is no run of {name!r} under {root}/", hint=f"names here: {known}")
    decided = fates(found, rule, now_s=now_s, only=name)
    cleared = [_no_link(folder / PRUNED) for folder in _names(root) if name in (None, folder.name)]
    leftovers = [path for folder in cleared for path in _entries(folder)]
    octets = sum(_size(path) for folder in leftovers for path in _files(folder))
    if yes:
        for folder in leftovers:
            _clear(folder)
        decided = [_delete(fate, holder) if fate.is_doomed else fate for fate in decided]
        for folder in cleared:
            with suppress(OSError):
                folder.rmdir()
    return Pruning(fates=decided, leftovers=[str(path) for path in leftovers], leftover_octets=octets, is_done=yes)


def _no_link(folder: Path) -> Path:
    if folder.is_symlink():
        raise UsageError(f"{folder} is a link, and what it points to may be anybody's", hint="remove the link")
    return folder


def _delete(fate: Fate, holder: Mapping[str, Any]) -> Fate:
    """The fate that it had after all: a run that somebody has taken up meanwhile stays."""
    run = RunDir(Path(fate.path))
    doomed = run.path.parent / PRUNED / run.path.name
    if not run.manifest.exists():
        return replace(fate, is_doomed=False, reason=_GONE)
    try:
        with RunLock.acquire(run.lock, holder=holder):
            manifest = Manifest.read(run)
            reason = _GONE if manifest is None else _protected(run, manifest)
            if reason is not None:
                return replace(fate, is_doomed=False, reason=reason)
            doomed.parent.mkdir(exist_ok=True)
            run.path.rename(doomed)
            sync_dir(doomed.parent)
            sync_dir(run.path.parent)
    except RunInUse as error:
        return replace(fate, is_doomed=False, reason=error.message)
    except OSError as error:
        raise storage_failed(error, run.path) from error
    _clear(doomed)
    return fate


def _clear(doomed: Path) -> None:
    """Removes what was moved away; another prune may be at it too."""
    try:
        with suppress(FileNotFoundError):
            shutil.rmtree(doomed)
    except OSError as error:
        raise storage_failed(error, doomed) from error
