"""A run as a data set: which run is meant, and what follows from it for the config. Its rows: run_rows.py."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from evalsvc.config.models import DatasetConfig, EvalConfig
from evalsvc.config.secrets import with_address
from evalsvc.dataset.place import is_url
from evalsvc.errors import JournalDamaged, StorageFailed, UsageError
from evalsvc.jsonio import loads

if TYPE_CHECKING:
    from evalsvc.dataset.dataset import Dataset

FORMAT = "run"
ORDERS = ("ab", "ba")
ROW_ID = "row_id"
_JOURNAL, _MANIFEST, _LATEST = "predictions.jsonl", "run.json", "latest"

# Opens the data set of a run, and the file of `dataset.join`: dataset.open_dataset.
Open = Callable[[DatasetConfig, Path], "Dataset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run directory, as far as its answers are concerned."""

    folder: Path
    manifest: Mapping[str, Any]  # run.json; empty where there is none

    @classmethod
    def find(cls, named: str, base_dir: Path) -> Self | None:
        """The run that `named` means, looked for beside the config file and where we are; None when it is no run.

        `latest` is followed here, once. UsageError for a run without answers.
        """
        if is_url(named):
            return None
        for path in (base_dir / named, Path(named)):
            for folder in (path.parent if path.name == _JOURNAL else path, path / _LATEST):
                if (folder / _JOURNAL).is_file():
                    return cls(folder=folder.resolve(), manifest=_manifest(folder / _MANIFEST))
                if (folder / _MANIFEST).is_file():
                    raise UsageError(f"`dataset.path`: the run {folder} has no answers yet", hint="Let it answer some rows first.")
        return None

    @property
    def journal(self) -> Path:
        return self.folder / _JOURNAL

    @property
    def config(self) -> EvalConfig | None:
        """That of its last launch; None where run.json has none that can be used."""
        if "config" not in self.manifest:
            return None
        values = with_address(self.manifest["config"], self.manifest.get("config_file"))
        try:
            return EvalConfig.model_validate({**values, "base_dir": Path(self.manifest["base_dir"])})
        except ValueError:
            return None

    @property
    def repeats(self) -> int | None:
        """None where nobody can tell without reading the journal."""
        return None if (config := self.config) is None else config.repeats

    @property
    def key(self) -> str:
        """Which measurement it is, the same wherever it lies, and however far it has come."""
        return f"{self.manifest.get('name', self.folder.parent.name)}/{self.manifest.get('id', self.folder.name)}"

    @property
    def origin(self) -> dict[str, Any]:
        """Which run it is, for the run.json of whoever reads it."""
        identity = self.manifest.get("identity", {})
        about = {key: identity.get(key) for key in ("model", "revision", "endpoint")}
        name, id_ = self.manifest.get("name", self.folder.parent.name), self.manifest.get("id", self.folder.name)
        return {"path": str(self.folder), "name": name, "id": id_, **about}

    def data(self, open_data: Open) -> "Dataset | None":
        """Its data set; None where that is not to be found any more."""
        config = self.config
        try:
            return None if config is None else open_data(config.dataset, config.base_dir)
        except UsageError:
            return None

    @property
    def outputs_are_its_data(self) -> bool:
        """Whether the answers came from a file (`evalsvc score FILE`): its `dataset.input` is the column with the answers."""
        return "answers" in self.manifest.get("identity", {})


def runs_of(config: DatasetConfig, base_dir: Path) -> tuple[Run, ...]:
    """The run that is judged and the one it is held against; none where the data set is no run. UsageError for what cannot be."""
    run = Run.find(config.path, base_dir) if config.format in (None, FORMAT) else None
    if run is None:
        _refuse_what_is_for_runs(config)
        return ()
    if config.id is not None or config.columns is not None:
        key = "id" if config.id is not None else "columns"
        raise UsageError(f"`dataset.{key}`: the rows of a run have ids and columns of their own", hint="Remove it.")
    if config.against is None:
        return (run,)
    other = Run.find(config.against, base_dir)
    if other is None:
        raise UsageError(f"`dataset.against`: {config.against} is no run", hint="Name one as `dataset.path` does: runs/NAME/latest")
    if other.folder == run.folder:
        raise UsageError(f"`dataset.against`: {other.folder} is the run of `dataset.path` itself", hint="Name another run.")
    if config.subsample is not None or (config.limit or 0) % 2:
        key = "subsample" if config.subsample is not None else "limit"
        hint = "Use dataset.where, or limit the two runs." if key == "subsample" else "Each pair is two rows: give an even number."
        raise UsageError(f"`dataset.{key}` would take pairs apart", hint=hint)
    return run, other


def pinned(config: DatasetConfig, base_dir: Path, open_data: Open) -> DatasetConfig:
    """`config` with the very runs that it means by now, and the groups in which their rows come; unchanged for any other data set.

    `latest` will be another run tomorrow, and what was judged today is that of today. Both orders of a pair, and all repeats
    of a row, are no independent draws: they are one group, unless the run's own data set names larger ones.
    """
    runs = runs_of(config, base_dir)
    if not runs:
        return config
    where = {"path": str(runs[0].folder)} | ({"against": str(runs[1].folder)} if len(runs) > 1 else {})
    return config.model_copy(update={**where, "group": config.group or _group(runs, open_data)})


def _group(runs: Sequence[Run], open_data: Open) -> str | None:
    own = runs[0].config
    if own is not None and own.dataset.group is not None and runs[0].data(open_data) is not None:
        return own.dataset.group
    return ROW_ID if len(runs) > 1 or runs[0].repeats != 1 else None


def _refuse_what_is_for_runs(config: DatasetConfig) -> None:
    if config.format == FORMAT:
        raise UsageError(
            f"`dataset.path`: {config.path} is no run", hint="Name a run's folder, as evalsvc list shows them: runs/NAME/latest"
        )
    for key in ("against", "join"):
        if getattr(config, key) is not None:
            raise UsageError(
                f"`dataset.{key}` is for the answers of a run, and {config.path} is no run",
                hint="A file of answers becomes a run by `evalsvc score FILE --output COLUMN`.",
            )


def _manifest(path: Path) -> Mapping[str, Any]:
    try:
        values: Mapping[str, Any] = loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise StorageFailed(f"{path}: {error.strerror or error}", hint="Run the same command again.") from error
    except ValueError as error:
        raise JournalDamaged(f"{path} is not JSON: {error}", hint="put it back from a backup") from error
    return values
