"""Everything that can be wrong without sending a request, checked before one is sent."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from evalsvc.config import EvalConfig
from evalsvc.config.address import SANDBOX, resolve_base_url
from evalsvc.config.azure import AzureTarget, resolve_azure
from evalsvc.config.identity import identity, identity_digest
from evalsvc.config.keypath import Where
from evalsvc.config.load import LoadedConfig
from evalsvc.config.secrets import resolve_api_key
from evalsvc.dataset import Dataset, open_dataset
from evalsvc.dataset.questions import conversations_in
from evalsvc.dataset.runs import pinned, runs_of
from evalsvc.endpoint.apis import Api, resolve_api
from evalsvc.errors import UsageError
from evalsvc.metrics.custom import check_custom_metrics, custom_metrics
from evalsvc.metrics.families.registry import build_metrics
from evalsvc.metrics.gates import available_metrics, check_gates, check_metrics
from evalsvc.metrics.logprobs import check_logprobs
from evalsvc.pipeline.budget import runtime_s
from evalsvc.pipeline.price import Priced, price_of
from evalsvc.pipeline.reusable import Reusable, find_reusable
from evalsvc.prompt import RequestBuilder, load_prompt
from evalsvc.prompt.likelihood import with_least_output
from evalsvc.rundir import LATEST, RUNS, RunDir
from evalsvc.sandbox.settings import arguments
from evalsvc.scoring import check_scorer
from evalsvc.telling.trackers import check_trackers
from evalsvc.telling.webhook import Target, resolve_webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """What the command line says beside the config."""

    run_id: str | None = None
    run_dir: Path | None = None
    retry_failed: bool = False
    on_drift: Literal["stop", "rerun"] = "stop"  # where the run directory holds another measurement
    ask_only: int | None = None  # so many of the rows to ask, spread over all of them
    reuse: str | None = None  # the run whose answers are taken over
    reuse_anyway: bool = False  # whatever the weights that gave them
    sends: bool = True  # without anything to send, no key is needed
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
    api: Api
    builder: RequestBuilder
    reusable: Reusable | None
    base_url: str  # as configured: the literal "sandbox" where that is asked for
    api_key: str | None
    azure: AzureTarget | None
    sandbox: list[str] | None  # the embedded server's arguments
    webhook: Target | None
    price_source: str  # where `config.model.price` is from, or why there is none

    @property
    def config(self) -> EvalConfig:
        return self.loaded.config


def prepare(loaded: LoadedConfig, options: RunOptions) -> Prepared:
    """UsageError for the first station that cannot work with its part of the config."""
    base_url = resolve_base_url(loaded.config, loaded.environ, where=loaded.where)
    priced = price_of(loaded.config.model, base_url, datetime.now(UTC))
    loaded = _with_price(loaded, priced)
    loaded = _with_runs(replace(loaded, config=with_least_output(loaded.config)))
    config, where = loaded.config, loaded.where
    api = resolve_api(config, where)
    _check_question(config)
    prompt = load_prompt(config, where=where)
    check_names(config, where)
    _check_budget(config, where, priced)
    if options.sends:
        check_trackers(config.report_to, where=where)
    azure = resolve_azure(config, loaded.environ, where=where)
    judged = [run.key for run in runs_of(config.dataset, config.base_dir)]
    measured = identity(config, base_url, prompt.fingerprint, azure=azure, judged=judged)
    run_id = options.run_id or identity_digest(measured)
    run = RunDir(_folder(options.run_dir) or RUNS / config.name / _file_name(run_id))

    def builder_of(revision: str | None) -> RequestBuilder:
        model = config.model.model_copy(update={"revision": revision})
        return RequestBuilder(config.model_copy(update={"model": model}), base_url, prompt, payload=api.payload, where=where)

    return Prepared(
        loaded=loaded,
        options=options,
        identity=measured,
        run_id=run_id,
        run=run,
        dataset=open_dataset(config.dataset, config.base_dir, sends_input=any(turn.template is None for turn in prompt.turns)),
        api=api,
        builder=builder_of(config.model.revision),
        reusable=_reusable(options, run, measured, builder_of),
        base_url=base_url,
        api_key=resolve_api_key(config, loaded.environ, where=where) if options.sends and base_url != SANDBOX else None,
        azure=azure,
        sandbox=_sandbox(config, where("model.sandbox")) if base_url == SANDBOX else None,
        webhook=resolve_webhook(config, loaded.environ, where=where) if options.sends else None,
        price_source=priced.source,
    )


def _reusable(
    options: RunOptions, run: RunDir, measured: Mapping[str, Any], builder_of: Callable[[str | None], RequestBuilder]
) -> Reusable | None:
    if options.reuse is not None:
        return find_reusable(options.reuse, run, measured, forced=options.reuse_anyway, builder_of=builder_of)
    if options.reuse_anyway:
        raise UsageError("--reuse-anyway says how to take answers over, but not whose", hint="name the run: --reuse RUN --reuse-anyway")
    return None


def _with_price(loaded: LoadedConfig, priced: Priced) -> LoadedConfig:
    """The price becomes part of the config, so that it is kept with the run, and no later station has to look for one."""
    model = loaded.config.model.model_copy(update={"price": priced.price})
    return replace(loaded, config=loaded.config.model_copy(update={"model": model}))


def _with_runs(loaded: LoadedConfig) -> LoadedConfig:
    """A run as data set is named by its folder from here on: `latest` will be another one."""
    dataset = pinned(loaded.config.dataset, loaded.config.base_dir, open_dataset)
    return replace(loaded, config=loaded.config.model_copy(update={"dataset": dataset}))


def _check_budget(config: EvalConfig, where: Where, priced: Priced) -> None:
    runtime_s(config.budget, place=where("budget.runtime"))
    if config.budget.usd is not None and priced.price is None:
        raise UsageError(
            f"{where('budget.usd')}: a budget in dollars needs a price; {priced.source}",
            hint="set model.price: {input: …, output: …} in USD per million tokens, or budget.tokens in place of budget.usd",
        )


def _check_question(config: EvalConfig) -> None:
    prompt, dataset = config.prompt, config.dataset
    if config.task == "judge" and runs_of(dataset, config.base_dir):
        return
    if prompt.user is None and prompt.messages is None and dataset.input is None and dataset.messages is None:
        column = conversations_in(open_dataset(dataset, config.base_dir).layout)
        hint = "name the column under dataset.input, or write prompt.user"
        if column is not None:
            hint = f"the column {column!r} looks like conversations: dataset: {{messages: {column}}}"
        raise UsageError("nothing says what the model is asked", hint=hint)


def check_names(config: EvalConfig, where: Where) -> None:
    """Metrics and gates, refused with the place where they were written; and what stands behind their names."""
    check_numbers(config, where)
    build_metrics(config, config.scoring.labels or (), where)
    check_logprobs(config, where)
    check_custom_metrics(config, where)
    check_scorer(config, where("scoring.scorer"))


def check_numbers(config: EvalConfig, where: Where) -> None:
    """Names of metrics and gates, refused with the place where they were written."""
    positive, labels = config.scoring.positive, config.scoring.labels
    own_scorer = config.scoring.scorer is not None
    classifies = config.task == "classification"
    if positive is not None and not classifies:
        hint = "take it out, or set `task: classification`"
        raise UsageError(f"{where('scoring.positive')}: it names a label, and with `task: {config.task}` there are none", hint=hint)
    has_labels = classifies and (labels is not None or not own_scorer)
    available = available_metrics(config.task, has_labels=has_labels, own_scorer=own_scorer)
    own = [metric.written for metric in custom_metrics(config, where)]
    with _placed(where("metrics"), "metrics"):
        check_metrics(config.metrics, positive=positive, available=available, custom=own)
    for index, gate in enumerate(config.gates):
        with _placed(where(f"gates[{index}]"), "gates"):
            check_gates([gate], positive=positive, labels=labels, available=available, slices=config.slices)


@contextmanager
def _placed(place: str, key: str) -> Iterator[None]:
    """Puts `place` in front of a refusal, instead of the bare key."""
    try:
        yield
    except UsageError as error:
        raise type(error)(f"{place}: {error.message.removeprefix(f'{key}: ')}", hint=error.hint) from error


def _folder(run_dir: Path | None) -> Path | None:
    with suppress(OSError):  # which the run directory has words for
        if run_dir is not None and run_dir.is_file():
            raise UsageError(f"{run_dir} cannot be a run directory (--run-dir, EVALSVC_RUN_DIR): it is a file", hint="name a folder")
    return run_dir


def _file_name(run_id: str) -> str:
    if not run_id or run_id.startswith(".") or "/" in run_id or "\0" in run_id or len(os.fsencode(run_id)) > 200 or run_id == LATEST:
        what = "points to the newest run" if run_id == LATEST else "names a folder"
        raise UsageError(
            f"{run_id!r} cannot be a run id (--run-id, EVALSVC_RUN_ID): it {what}", hint="use letters, digits, dots, dashes and underscores"
        )
    return run_id


def _sandbox(config: EvalConfig, where: str) -> list[str]:
    try:
        return arguments(config.model.sandbox or {}, config.base_dir)
    except ValueError as error:
        raise UsageError(f"{where}: {error}", hint="evalsvc sandbox --help lists what it can do") from error
