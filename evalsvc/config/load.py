"""eval.yaml, the environment and `--set` -> one frozen, checked EvalConfig."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from evalsvc.config import overlay
from evalsvc.config.document import Document, read_document
from evalsvc.config.dotenv import read_dotenv
from evalsvc.config.keypath import KeyPath, Provenance
from evalsvc.config.models import EvalConfig
from evalsvc.config.problems import one_error, unknown_key, usage_error


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedConfig:
    """A config, the variables that hold its secrets, and where each of its settings was written."""

    config: EvalConfig
    environ: Mapping[str, str]  # what `.env` beside the file says, with the process's own variables over it
    provenance: Provenance

    def where(self, key_path: str) -> str:
        """Where to change `key_path`: "eval.yaml:12 (model.params.seed)", "EVALSVC_MODEL__NAME", "--set model.name=…".

        A key that is absent is where its nearest parent is.
        """
        return self.provenance.where(key_path)


Overrides = Sequence[str] | Mapping[str, Any]  # `--set` assignments, or values by dotted key path


def load_config(path: Path, *, environ: Mapping[str, str], overrides: Overrides = ()) -> LoadedConfig:
    """The config at `path`, under the EVALSVC_ variables, under the `overrides`.

    Raises UsageError with file, line and key path for everything that is wrong.
    """
    return configure(read_document(path), base_dir=path.parent, environ=environ, overrides=overrides)


def configure(document: Document, *, base_dir: Path, environ: Mapping[str, str], overrides: Overrides = ()) -> LoadedConfig:
    """As `load_config`, for a document that is already there; `base_dir` is where its paths and its `.env` are."""
    dotenv_path = base_dir / ".env"
    dotenv = read_dotenv(dotenv_path)
    everything = MappingProxyType({**dotenv, **environ})
    changes = [
        *overlay.from_environment(everything, values=document.values, dotenv=str(dotenv_path), of_dotenv=dotenv.keys() - environ.keys()),
        *(overlay.from_mapping(overrides) if isinstance(overrides, Mapping) else overlay.from_flags(overrides)),
    ]
    values, origins = overlay.apply(document.values, changes)
    provenance = Provenance(file=document.file, lines=_without(document.lines, origins), overrides=origins)
    config = _checked(values, base_dir=base_dir, provenance=provenance)
    return LoadedConfig(config=config, environ=everything, provenance=provenance)


def _without(lines: Mapping[KeyPath, int], overridden: Collection[KeyPath]) -> dict[KeyPath, int]:
    """The lines of what the file still says: what stood below an overridden key went with it."""
    return {path: line for path, line in lines.items() if not any(path[: len(above)] == above for above in overridden)}


def _checked(values: Mapping[str, object], *, base_dir: Path, provenance: Provenance) -> EvalConfig:
    if "base_dir" in values:  # a field of the model that is no key of the file
        raise one_error([unknown_key(("base_dir",), provenance.where)], file=provenance.file)
    try:
        return EvalConfig.model_validate({**values, "base_dir": base_dir})
    except ValidationError as error:
        # pydantic's own words quote the values, keys too: no traceback shows them
        raise usage_error(error, file=provenance.file, where=provenance.where) from None
