"""A config -> Run, for callers in Python."""

import asyncio
import os
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Literal

from evalsvc.config.document import Document
from evalsvc.config.load import LoadedConfig, configure, load_config
from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.library.background import Background
from evalsvc.library.runs import Run, open_run
from evalsvc.pipeline import Evaluation, RunOptions, prepare
from evalsvc.pipeline.drift import ON_DRIFT
from evalsvc.pipeline.prepare import Prepared
from evalsvc.records import Progress
from evalsvc.starting.direct import is_config

Config = str | os.PathLike[str] | Mapping[str, Any] | EvalConfig
OnProgress = Callable[[Progress], object]
OnDrift = Literal["stop", "rerun"]


def evaluate(
    config: Config,
    *,
    on_progress: OnProgress | None = None,
    run_id: str | None = None,
    run_dir: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    retry_failed: bool = False,
    on_drift: OnDrift = "stop",
    environ: Mapping[str, str] | None = None,
) -> Run:
    """Starts the evaluation or carries on where it stopped, as `evalsvc run` does, and returns the complete run.

    `config` is the path of an eval.yaml, the same as a mapping (its paths are relative to the working directory), or an
    EvalConfig. `overrides` are values by dotted key path, as in {"model.name": "gpt-4.1"}; `environ` takes the place of
    os.environ. `on_progress` is called in this thread, at most five times a second; what it raises stops the run and is
    raised here. The evaluation itself has a thread and an event loop of its own, so a loop that runs here is no obstacle.

    A failed gate raises nothing: see `Run.passed`. What stops a run raises the EvalsvcError of its exit code, whose `run_dir`
    is for `load_run`; the same call carries on. KeyboardInterrupt lets what is in flight finish and is raised then; a second
    one is raised at once.
    """
    mailbox: SimpleQueue[Progress | None] = SimpleQueue()
    prepared = _preparation(config, run_id, run_dir, overrides, environ, retry_failed=retry_failed, on_drift=on_drift)
    work = Background(prepared, mailbox.put)
    work.future.add_done_callback(lambda _: mailbox.put(None))
    try:
        _deliver(mailbox, on_progress)
    except BaseException as error:
        work.stop(f"stopped by {type(error).__name__}")
        wait([work.future])
        raise
    return _run_of(work.future.result())


async def aevaluate(
    config: Config,
    *,
    on_progress: OnProgress | None = None,
    run_id: str | None = None,
    run_dir: str | os.PathLike[str] | None = None,
    overrides: Mapping[str, Any] | None = None,
    retry_failed: bool = False,
    on_drift: OnDrift = "stop",
    environ: Mapping[str, str] | None = None,
) -> Run:
    """As `evaluate`, awaited. The caller's event loop stays free; `on_progress`, a plain function, is called in it.

    Cancelling lets what is in flight finish and ends then; cancelling once more leaves at once.
    """
    prepared = _preparation(config, run_id, run_dir, overrides, environ, retry_failed=retry_failed, on_drift=on_drift)
    listener = _Listener(on_progress)
    work = Background(prepared, listener.tell)
    listener.on_failure = work.stop
    ended = asyncio.wrap_future(work.future)
    try:
        await asyncio.wait([ended])
    except asyncio.CancelledError:
        work.stop("cancelled")
        await asyncio.wait([ended])
        ended.exception()  # seen, and of no interest to who cancels
        raise
    listener.check()
    return _run_of(ended.result())


class _Listener:
    """Hands snapshots over to the event loop it was made in, and keeps what the callback raised."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self.on_failure: Callable[[str], None] = lambda _: None
        self._on_progress = on_progress
        self._error: BaseException | None = None
        self._loop = asyncio.get_running_loop()

    def tell(self, progress: Progress) -> None:
        """From any thread."""
        if self._on_progress is not None:
            with suppress(RuntimeError):  # the caller left, and closed its loop
                self._loop.call_soon_threadsafe(self._show, progress)

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def _show(self, progress: Progress) -> None:
        if self._error is None and self._on_progress is not None:
            try:
                self._on_progress(progress)
            except BaseException as error:
                self._error = error
                self.on_failure(f"stopped by {type(error).__name__}")


def _deliver(mailbox: "SimpleQueue[Progress | None]", on_progress: OnProgress | None) -> None:
    """Calls back with each snapshot until None comes; of those that queued up meanwhile only with the newest."""
    going = True
    while going:
        newest: Progress | None = None
        for message in _all_there(mailbox):
            newest, going = (newest, False) if message is None else (message, going)
        if newest is not None and on_progress is not None:
            on_progress(newest)


def _all_there(mailbox: "SimpleQueue[Progress | None]") -> list[Progress | None]:
    """At least one message, waited for."""
    messages = [mailbox.get()]
    while not mailbox.empty():
        messages.append(mailbox.get())
    return messages


def _run_of(evaluation: Evaluation) -> Run:
    if evaluation.error is not None:
        evaluation.error.run_dir = evaluation.run.path
        raise evaluation.error
    return open_run(evaluation.run)


def _preparation(
    config: Config,
    run_id: str | None,
    run_dir: str | os.PathLike[str] | None,
    overrides: Mapping[str, Any] | None,
    environ: Mapping[str, str] | None,
    *,
    retry_failed: bool,
    on_drift: OnDrift,
) -> Callable[[], Prepared]:
    """What is left to do before the first request: reading files, and finding what is wrong in them."""
    _refuse_misused(config, on_drift)
    file = Path(config) if isinstance(config, str | os.PathLike) else None
    options = RunOptions(
        run_id=run_id,
        run_dir=None if run_dir is None else Path(run_dir),
        retry_failed=retry_failed,
        on_drift=on_drift,
        config_file=file,
    )
    variables = dict(os.environ if environ is None else environ)
    return lambda: prepare(_loaded(config, overrides or {}, variables), options)


def _refuse_misused(config: object, on_drift: str) -> None:
    """UsageError for what no type checker has looked at, and would be misread or passed over."""
    if not isinstance(config, str | os.PathLike | Mapping | EvalConfig):
        raise UsageError(
            f"config is {type(config).__name__}", hint="give the path of an eval.yaml, its content as a mapping, or an EvalConfig"
        )
    if on_drift not in ON_DRIFT:
        raise UsageError(f"on_drift is {on_drift!r}", hint=f"it is one of {', '.join(ON_DRIFT)}")


def _loaded(config: Config, overrides: Mapping[str, Any], environ: Mapping[str, str]) -> LoadedConfig:
    plain = _plain(overrides)
    if isinstance(config, str | os.PathLike):
        return load_config(_config_file(config), environ=environ, overrides=plain)
    if isinstance(config, EvalConfig):
        document = Document(file="EvalConfig", values=config.model_dump(), lines={})
        return configure(document, base_dir=config.base_dir, environ=environ, overrides=plain)
    return configure(Document(file="config", values=_plain(config), lines={}), base_dir=Path.cwd(), environ=environ, overrides=plain)


def _config_file(path: str | os.PathLike[str]) -> Path:
    """UsageError for a file that `evalsvc run` would take for data: parsed as YAML it would only be a riddle."""
    if not is_config(os.fspath(path)):
        raise UsageError(
            f"{os.fspath(path)} is no eval.yaml",
            hint="for data, `evalsvc init DATA` writes one; or give the content of one as a mapping",
        )
    return Path(path)


def _plain(value: Any) -> Any:
    """`value` as a config file could hold it: paths as text, tuples as lists.

    >>> _plain({"dataset": {"path": Path("data") / "a.csv"}, "gates": ("accuracy >= 0.5",)})
    {'dataset': {'path': 'data/a.csv'}, 'gates': ['accuracy >= 0.5']}
    """
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return os.fspath(value) if isinstance(value, os.PathLike) else value
