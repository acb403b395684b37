"""The DAG for Airflow: which exit codes get another try; and with a real Airflow, where there is one, its nights.

Airflow is large and pins what it needs, so it is none of our dependencies: AIRFLOW_PYTHON names the interpreter of an environment
that has it (python -m venv FOLDER; FOLDER/bin/pip install 'apache-airflow==3.3.*').
"""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.advice import ADVICE, DEPLOY, Advice
from tests.e2e.desk import Desk, environment, messages_rows
from tests.e2e.server import Server, serving

DAG = DEPLOY / "airflow" / "evalsvc_nightly.py"
AIRFLOW = os.environ.get("AIRFLOW_PYTHON") or None
needs_airflow = pytest.mark.skipif(AIRFLOW is None, reason="AIRFLOW_PYTHON does not name a Python with apache-airflow")
ROWS = 40


def test_no_further_try_for_what_would_end_the_same_way() -> None:
    [final] = [
        node.value
        for node in ast.parse(DAG.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FINAL"
    ]
    assert set(ast.literal_eval(final)) == {code for code, advice in ADVICE.items() if advice is Advice.FAIL}


# Loads the DAG as Airflow does, then lets its task try until it has an end. Airflow's own `dag.test` knows no retries, so the tries
# of a night are made here, with the operator as it is and what Airflow would have put into its templates.
PLAY = """
import json, os, sys
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowException, AirflowFailException

bag = DagBag(sys.argv[1])
assert not bag.import_errors, bag.import_errors
[dag] = bag.dags.values()
[task] = dag.tasks
facts = {"catchup": dag.catchup, "at_once": dag.max_active_runs, "retries": task.retries, "templates": list(task.template_fields)}
facts |= {"measurement": task.measurement, "retry_delay_s": task.retry_delay.total_seconds()}
task.folder = os.getcwd()
ends = []
for night, changes in json.loads(sys.argv[2]):
    os.environ.update(changes)
    task.measurement = task.render_template(facts["measurement"], {"run_id": night})
    try:
        ends.append(task.execute({}))
    except AirflowFailException as error:
        ends.append(f"failed: {error}")
    except AirflowException as error:
        ends.append(f"another try: {error}")
print(json.dumps({**facts, "ends": ends}), file=sys.stderr)
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "calls.log", "--latency=0.1") as server:
        yield server


def played(desk: Desk, nights: list[tuple[str, dict[str, str]]]) -> dict[str, Any]:
    assert AIRFLOW is not None
    bin_ = desk.path / "bin"
    bin_.mkdir()
    (bin_ / "evalsvc").write_text(f'#!/bin/bash\nexec {sys.executable} -m evalsvc "$@"\n')
    (bin_ / "evalsvc").chmod(0o755)
    environ = environment(
        {"PATH": f"{bin_}:/usr/bin:/bin", "AIRFLOW_HOME": str(desk.path / "airflow"), "AIRFLOW__CORE__LOAD_EXAMPLES": "false"}
    )
    done = subprocess.run(
        [AIRFLOW, "-c", PLAY, str(DAG.parent), json.dumps(nights)], cwd=desk.path, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return found


@needs_airflow
@pytest.mark.long
def test_the_tries_of_one_night_carry_on_and_the_next_night_is_a_new_measurement(tmp_path: Path, server: Server) -> None:
    desk = Desk(path=tmp_path, base_url=server.url)
    desk.write_rows(messages_rows(ROWS, "flow"))
    desk.write_config(dataset={"id": "id"}, limits={"concurrency": 4})
    one, two = "scheduled__2026-11-20T01:00:00+00:00", "scheduled__2026-11-21T01:00:00+00:00"
    found = played(
        desk,
        [
            (one, {"EVALSVC_BUDGET__RUNTIME": "0.5s"}),
            (one, {"EVALSVC_BUDGET__RUNTIME": "1h"}),
            (two, {"EVALSVC_GATES": '["recall >= 0.99"]'}),
        ],
    )
    assert (found["catchup"], found["at_once"], found["templates"]) == (False, 1, ["measurement"])
    assert found["retries"] > 5
    assert found["retry_delay_s"] > 25, "limits.drain_s"
    stopped, passed, gate = found["ends"]
    assert stopped == "another try: evalsvc: exit 75; the next try carries on"
    assert 0.8 < passed["accuracy"] < 0.9
    assert gate == "failed: evalsvc: exit 3: a quality gate failed"
    assert [path.name for path in desk.run_dirs] == [one, two]
    assert len(server.calls()) == 2 * ROWS
