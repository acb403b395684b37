"""The recipes for Kubernetes: valid, safe, in step with the exit codes and with what evalsvc reads."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import typer

from evalsvc.cli import app
from evalsvc.config import load_config
from evalsvc.telling.termination import DEFAULT as TERMINATION_LOG
from tests.deploy.advice import ADVICE, CHECKOUT, OPERATIONS, Advice
from tests.deploy.cluster import DISRUPTED, FILES, Job, action, container, documents, job_specs, the

OLDEST = "1.31"  # podFailurePolicy is stable since
VERSIONS = (OLDEST, kubernetes_validate.latest_version())  # of those that the checker brings
SPECS = job_specs()
RULES = SPECS["CronJob"]["podFailurePolicy"]["rules"]
DOES = {Advice.FAIL: "FailJob", Advice.RETRY: "Count", Advice.REQUEUE: "Ignore"}
FAILING = {code: advice for code, advice in ADVICE.items() if advice is not Advice.DONE}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", FILES)
def test_every_document_is_valid_by_the_schema_of_kubernetes(name: str, version: str) -> None:
    for document in documents(name):
        assert kubernetes_validate.validate(document, version, strict=True) in version


def keys_below(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in children:
        if isinstance(key, str):
            yield (*path, key)
        yield from keys_below(child, (*path, key))


def misspelt(document: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    changed = copy.deepcopy(document)
    place: Any = changed
    for step in path[:-1]:
        place = place[step]
    place[f"{path[-1]}s"] = place.pop(path[-1])
    return changed


def test_a_misspelt_field_would_be_found() -> None:
    """Every seventh of them, but names that are free to choose. Kind and version say which schema it is."""
    free = ("labels", "data", "requests", "limits")
    cronjob = the("CronJob")
    paths = [path for path in keys_below(cronjob) if path[0] not in ("kind", "apiVersion") and (len(path) < 2 or path[-2] not in free)]
    assert len(paths) > 80
    for path in paths[::7]:
        with pytest.raises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(misspelt(cronjob, path), OLDEST, strict=True)


def test_the_pages_give_the_same_advice() -> None:
    assert OPERATIONS == ADVICE


@pytest.mark.parametrize(("code", "advice"), FAILING.items())
def test_each_exit_code_is_treated_as_the_table_says(code: int, advice: Advice) -> None:
    assert action(RULES, code) == DOES[advice]


@pytest.mark.parametrize("code", [126, 127, 128, 134, 137, 139, 143])
def test_what_is_no_exit_code_of_ours_counts(code: int) -> None:
    """Killed for its memory, say, or an image that cannot be started: neither at once nor for ever."""
    assert action(RULES, code) == "Count"


def test_a_disruption_is_not_counted_unless_the_run_had_reached_its_own_end() -> None:
    found = {code: action(RULES, code, DISRUPTED) for code in (*FAILING, 137, 143)}
    assert found == {code: "FailJob" if FAILING.get(code) is Advice.FAIL else "Ignore" for code in found}


def test_an_endpoint_that_stays_away_is_given_up_after_the_backoff_limit() -> None:
    job = Job(name="night", spec=SPECS["CronJob"])
    assert [job.pod_ended(code) for code in (6, 75, 6, 6, 75, 75, 6, 6, 6)] == ["active"] * 9
    assert job.pod_ended(6) == "failed"


@pytest.mark.parametrize("kind", SPECS)
def test_the_exit_codes_are_written_as_the_api_wants_them(kind: str) -> None:
    """Its own checks beyond the schema: rising, no 0 with In. And each of ours is named, so that none is left to the default."""
    by_code = [rule["onExitCodes"] for rule in SPECS[kind]["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
    assert all(codes["operator"] == "In" and codes["values"] == sorted(set(codes["values"])) for codes in by_code)
    assert sorted(value for codes in by_code for value in codes["values"]) == sorted([*FAILING, 137])


def test_the_policy_names_the_container_and_what_it_needs_besides() -> None:
    for spec in SPECS.values():
        pod = spec["template"]["spec"]
        named = {rule["onExitCodes"]["containerName"] for rule in spec["podFailurePolicy"]["rules"] if "onExitCodes" in rule}
        assert named == {container(spec)["name"]}
        assert (pod["restartPolicy"], spec["podReplacementPolicy"]) == ("Never", "Failed")
        assert (spec["parallelism"], spec["completions"]) == (1, 1)


def test_the_one_job_and_that_of_each_night_are_made_of_the_same() -> None:
    once = {key: value for key, value in SPECS["Job"].items() if key != "ttlSecondsAfterFinished"}
    assert once == SPECS["CronJob"]


def test_a_night_is_over_before_the_next_one_and_two_are_never_at_once() -> None:
    spec = the("CronJob")["spec"]
    minute, hour, *days = spec["schedule"].split()
    assert (int(minute) < 60, int(hour) < 24, days) == (True, True, ["*"] * 3), "once a day"
    assert "suspend" not in spec
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] + SPECS["CronJob"]["activeDeadlineSeconds"] < 24 * 3600


def test_the_name_of_a_nights_job_fits_into_a_label_and_is_a_run_id() -> None:
    """A CronJob's controller adds a dash and the minute of the schedule."""
    assert len(the("CronJob")["metadata"]["name"]) <= 52
    [run_id] = [entry for entry in container(SPECS["CronJob"])["env"] if entry["name"] == "EVALSVC_RUN_ID"]
    assert run_id["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.labels['batch.kubernetes.io/job-name']"


@pytest.mark.parametrize("kind", SPECS)
def test_a_pod_may_do_nothing_but_evaluate(kind: str) -> None:
    pod, only = SPECS[kind]["template"]["spec"], container(SPECS[kind])
    assert pod["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False, "a service of this name would put EVALSVC_… into the environment"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert only["securityContext"] == {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
    writable = {mount["mountPath"] for mount in only["volumeMounts"] if not mount.get("readOnly")}
    assert writable == {"/eval/runs", "/tmp"}


@pytest.mark.parametrize("kind", SPECS)
def test_a_pod_is_as_the_image_expects(kind: str) -> None:
    image = (CHECKOUT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    user = SPECS[kind]["template"]["spec"]["securityContext"]
    assert f"USER {user['runAsUser']}:{user['runAsGroup']}" in image
    assert user["fsGroup"] == user["runAsGroup"], "which the volumes are made writable for"
    assert 'ENTRYPOINT ["evalsvc"]' in image
    assert "WORKDIR /eval" in image
    assert "command" not in container(SPECS[kind]), "a shell as the first process hands no signal on"
    assert container(SPECS[kind])["terminationMessagePath"] == TERMINATION_LOG
    mounted = {mount["mountPath"] for mount in container(SPECS[kind])["volumeMounts"]}
    assert {"/eval/eval.yaml", "/eval/data", "/eval/runs"} < mounted


@pytest.mark.parametrize("kind", SPECS)
def test_a_pod_has_the_memory_that_operations_md_asks_for_and_is_not_throttled(kind: str) -> None:
    resources = container(SPECS[kind])["resources"]
    assert resources["limits"] == {"memory": "1Gi"}, "up to 4,000 requests in flight"
    assert resources["requests"] == {"cpu": "1", "memory": "512Mi"}


@pytest.mark.parametrize("kind", SPECS)
def test_the_drain_ends_well_within_the_grace_period(kind: str) -> None:
    [drain] = [entry["value"] for entry in container(SPECS[kind])["env"] if entry["name"] == "EVALSVC_DRAIN_S"]
    assert float(drain) + 10 <= SPECS[kind]["template"]["spec"]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("kind", SPECS)
def test_what_is_mounted_is_there(kind: str) -> None:
    pod, only = SPECS[kind]["template"]["spec"], container(SPECS[kind])
    assert {mount["name"] for mount in only["volumeMounts"]} == {volume["name"] for volume in pod["volumes"]}
    claims = {volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"] if "persistentVolumeClaim" in volume}
    made = {document["metadata"]["name"] for document in documents("config.yaml") if document["kind"] == "PersistentVolumeClaim"}
    assert claims == made
    assert {volume["configMap"]["name"] for volume in pod["volumes"] if "configMap" in volume} == {the("ConfigMap")["metadata"]["name"]}


def test_the_config_is_one_and_the_environment_fits_it(tmp_path: Path) -> None:
    (tmp_path / "eval.yaml").write_text(the("ConfigMap")["data"]["eval.yaml"])
    environ = {entry["name"]: entry.get("value", "night-1") for entry in container(SPECS["CronJob"])["env"]}
    loaded = load_config(tmp_path / "eval.yaml", environ=environ)
    assert loaded.config.limits.drain_s == 75
    assert loaded.config.budget.runtime is None, "its end is 75, which gets a new pod at once, for ever"
    assert "EVALSVC_LOG" not in environ, "the image has it"
    folder, _, _ = environ[f"{loaded.config.model.api_key_env}_FILE"].rpartition("/")
    assert folder in {mount["mountPath"] for mount in container(SPECS["CronJob"])["volumeMounts"]}


def test_the_arguments_are_those_of_the_command_line() -> None:
    command, *rest = container(SPECS["CronJob"])["args"]
    assert command == "run"
    run: Any = typer.main.get_command(app).commands[command]  # type: ignore[attr-defined]
    options = {option for parameter in run.params for option in parameter.opts}
    assert {word for word in rest if word.startswith("-")} <= options


def test_no_secret_is_written_in_a_recipe() -> None:
    assert "Secret" not in {document["kind"] for name in FILES for document in documents(name)}
    assert "api-key" in json.dumps(container(SPECS["CronJob"])["env"])
