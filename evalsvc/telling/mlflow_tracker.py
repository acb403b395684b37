"""An Entry -> a run in MLflow, found again by its key, so that telling twice makes no second one.

Where to is MLflow's own business: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME or MLFLOW_EXPERIMENT_ID, MLFLOW_TRACKING_TOKEN …
"""

import re
import time
from collections.abc import Mapping
from hashlib import blake2b
from importlib.util import find_spec
from typing import TYPE_CHECKING

from evalsvc.config.address import without_credentials
from evalsvc.errors import UsageError
from evalsvc.telling.entry import Entry

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

KEY = "evalsvc.key"
# What one call to log_batch takes, and how long names and values may be.
METRICS_A_CALL, PARAMS_A_CALL = 1000, 100
NAME_AT_MOST, VALUE_AT_MOST = 250, 500
_NOT_IN_NAMES = re.compile(r"[^\w\-. ]")


def tell(entry: Entry, environ: Mapping[str, str]) -> str:
    """Where the run is to be seen. Raises whatever MLflow raises."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param, RunTag

    if not environ.get("MLFLOW_TRACKING_URI") and find_spec("sqlalchemy") is None:
        raise UsageError("MLFLOW_TRACKING_URI is not set, and a database of its own MLflow keeps only with `pip install mlflow`")
    client = MlflowClient()
    run = _run(client, entry, _experiment(client, entry, environ))
    run_id, now_ms = run.info.run_id, round(time.time() * 1000)
    metrics = [Metric(named(name), value, now_ms, 0) for name, value in entry.metrics.items()]
    # a param is written once: MLflow refuses to change it, and what may change is a tag
    params = [Param(named(name), value[:VALUE_AT_MOST]) for name, value in entry.params.items() if named(name) not in run.data.params]
    client.log_batch(run_id, tags=[RunTag(name, value) for name, value in entry.tags.items()])
    for start in range(0, len(params), PARAMS_A_CALL):
        client.log_batch(run_id, params=params[start : start + PARAMS_A_CALL])
    for start in range(0, len(metrics), METRICS_A_CALL):
        client.log_batch(run_id, metrics=metrics[start : start + METRICS_A_CALL])
    for path in entry.files:
        client.log_artifact(run_id, str(path))
    client.set_terminated(run_id, status="FINISHED" if entry.is_complete else "KILLED", end_time=entry.ended_ms)
    return f"{without_credentials(client.tracking_uri)}/#/experiments/{run.info.experiment_id}/runs/{run_id}"


def _experiment(client: "MlflowClient", entry: Entry, environ: Mapping[str, str]) -> str:
    from mlflow.exceptions import MlflowException

    if number := environ.get("MLFLOW_EXPERIMENT_ID"):
        return number
    name = environ.get("MLFLOW_EXPERIMENT_NAME") or entry.name
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    try:
        return str(client.create_experiment(name))
    except MlflowException:
        # another run of this name was quicker
        found = client.get_experiment_by_name(name)
        if found is None:
            raise
        return str(found.experiment_id)


def _run(client: "MlflowClient", entry: Entry, experiment: str) -> "Run":
    known = client.search_runs([experiment], filter_string=f"tags.`{KEY}` = '{entry.key}'", max_results=1)
    if known:
        return known[0]
    return client.create_run(experiment, start_time=entry.started_ms, tags={KEY: entry.key}, run_name=entry.title)


def named(name: str) -> str:
    """`name` as MLflow has names; where characters had to go, a hash keeps two names apart.

    >>> named("per_class.spam.f1"), named("per_class.a/b.f1")
    ('per_class.spam.f1', 'per_class.a_b.f1-d4ca9213')
    """
    clean = _NOT_IN_NAMES.sub("_", name)
    if clean == name and len(name) <= NAME_AT_MOST:
        return name
    mark = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return f"{clean[: NAME_AT_MOST - 9]}-{mark}"
