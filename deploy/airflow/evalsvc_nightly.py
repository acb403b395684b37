"""One evaluation a night. Needs Airflow 3 with its standard provider, and evalsvc on the worker's PATH.

Tries of one night carry on the same run; the next night is a new measurement. A task that is cleared carries on too, or says that
its run is complete. docs/operations.md, "Schedulers", says what to adapt.
"""

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.sdk import DAG, BaseOperator
from airflow.sdk.exceptions import AirflowException, AirflowFailException

# The same command would end the same way: no further try.
FINAL = {
    2: "bad usage, config or data set",
    3: "a quality gate failed",
    4: "too many rows in error, or stopped as hopeless",
    5: "credentials, quota or billing refused",
    7: "the run directory holds another measurement",
    10: "journal damaged; see evalsvc doctor",
    11: "budget spent",
}


class EvalsvcOperator(BaseOperator):
    """`evalsvc run eval.yaml` in `folder`, which holds eval.yaml and gets runs/; gives the metrics by name.

    All workers that may get the task must see the same `folder`, on a file system with locks: name their `queue`.
    """

    template_fields = ("measurement",)

    def __init__(self, *, folder: str, measurement: str = "{{ run_id }}", **operator: Any) -> None:
        super().__init__(**operator)
        self.folder = folder
        self.measurement = measurement
        self.hook = SubprocessHook()

    def execute(self, context: Mapping[str, Any]) -> dict[str, float | None]:  # noqa: ARG002 - Airflow's signature
        environ = {**os.environ, "EVALSVC_RUN_ID": self.measurement, "EVALSVC_LOG": "json"}
        ended = self.hook.run_command(["evalsvc", "run", "eval.yaml"], env=environ, cwd=self.folder)
        if ended.exit_code in FINAL:
            raise AirflowFailException(f"evalsvc: exit {ended.exit_code}: {FINAL[ended.exit_code]}")
        if ended.exit_code:
            raise AirflowException(f"evalsvc: exit {ended.exit_code}; the next try carries on")
        result = json.loads(ended.output)  # the last line
        return {name: metric["value"] for name, metric in result["metrics"].items()}

    def on_kill(self) -> None:
        # what is in flight may finish, for as long as limits.drain_s says
        self.hook.send_sigterm()


with DAG(
    "evalsvc_nightly",
    schedule="0 1 * * *",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=22),
):
    EvalsvcOperator(
        task_id="evaluate",
        folder="/srv/evaluations/spam",
        retries=8,  # Airflow counts every try, those that a signal stopped too
        retry_delay=timedelta(minutes=5),  # longer than limits.drain_s: a try that was stopped holds the run directory until then
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(hours=1),
    )
