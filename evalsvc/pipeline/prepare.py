"""Everything that can be wrong without sending a request, checked before one is sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsvc.config import EvalConfig
from evalsvc.config.address import SANDBOX, resolve_base_url
from evalsvc.config.identity import identity, identity_digest
from evalsvc.config.keypath import Where
from evalsvc.config.load import LoadedConfig
from evalsvc.config.secrets import resolve_api_key
from evalsvc.dataset import Dataset, open_dataset
from evalsvc.errors import UsageError
from evalsvc.metrics.gates import check_gates, check_metrics
from evalsvc.prompt import Prompt, RequestBuilder
from evalsvc.rundir import RUNS, RunDir
from evalsvc.sandbox.settings import arguments


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the command line says beside the config."""

    run_id: str | None = None
    run_dir: Path | None = None
    retry_failed: bool = False
    config_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """One launch, all of its names known to be good."""

    loaded: LoadedConfig
    options: RunOptions
    identity: dict[str, Any]
    run_id: str
    run: RunDir
    dataset: Dataset
    builder: RequestBuilder
    base_url: str  # as configured: the literal "sandbox" where that is asked for
    api_key: str | None
    sandbox: list[str] | None  # the embedded server's arguments

    @property
    def config(self) -> EvalConfig:
        return self.loaded.config


def prepare(loaded: LoadedConfig, options: RunOptions) -> Prepared:
    """UsageError for the first station that cannot work with its part of the config."""
    config, where = loaded.config, loaded.where
    base_url = resolve_base_url(config, loaded.environ, where=where)
    prompt = Prompt.load(config.prompt, config.base_dir, target_column=config.dataset.target, where=where)
    if config.prompt.user is None and config.prompt.messages is None and config.dataset.input is None:
        raise UsageError("nothing says what the model is asked", hint="name the column under dataset.input, or write prompt.user")
    _check_names(config, where)
    measured = identity(config, base_url, prompt.fingerprint)
    run_id = options.run_id or identity_digest(measured)
    return Prepared(
        loaded=loaded,
        options=options,
        identity=measured,
        run_id=run_id,
        run=RunDir(options.run_dir or RUNS / config.name / _file_name(run_id)),
        dataset=open_dataset(config.dataset, config.base_dir),
        builder=RequestBuilder(config, base_url, prompt, where=where),
        base_url=base_url,
        api_key=None if base_url == SANDBOX else resolve_api_key(config, loaded.environ, where=where),
        sandbox=_sandbox(config, where("model.sandbox")) if base_url == SANDBOX else None,
    )


def _check_names(config: EvalConfig, where: Where) -> None:
    """Metrics and gates, refused with the place where they were written."""
    positive, labels = config.scoring.positive, config.scoring.labels
    with _placed(where("metrics"), "metrics"):
        check_metrics(config.metrics, positive=positive)
    for index, gate in enumerate(config.gates):
        with _placed(where(f"gates[{index}]"), "gates"):
            check_gates([gate], positive=positive, labels=labels)


@contextmanager
def _placed(place: str, key: str) -> Iterator[None]:
    """Puts `place` in front of a refusal, instead of the bare key."""
    try:
        yield
    except UsageError as error:
        raise type(error)(f"{place}: {error.message.removeprefix(f'{key}: ')}", hint=error.hint) from error


def _file_name(run_id: str) -> str:
    if not run_id or run_id.startswith(".") or "/" in run_id or "\0" in run_id or len(run_id) > 200:
        raise UsageError(f"{run_id!r} cannot be a run id, it names a folder", hint="use letters, digits, dots, dashes and underscores")
    return run_id


def _sandbox(config: EvalConfig, where: str) -> list[str]:
    try:
        return arguments(config.model.sandbox or {}, config.base_dir)
    except ValueError as error:
        raise UsageError(f"{where}: {error}", hint="evalsvc sandbox --help lists what it can do") from error
