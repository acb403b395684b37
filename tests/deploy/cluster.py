"""As much of Kubernetes as one pod at a time needs: the recipes as they are written, a Job's controller, and a kubelet of plain processes.

The controller follows the documented rules of `podFailurePolicy`, `backoffLimit` and `podReplacementPolicy: Failed`; nothing here has
been run by a real cluster.
"""

import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from ruamel.yaml import YAML

from tests.deploy.advice import DEPLOY
from tests.faults.desk import FaultDesk

FILES: Final = ("config.yaml", "cronjob.yaml", "job.yaml")
CONTAINER: Final = "evalsvc"
DISRUPTED: Final = ("DisruptionTarget",)

Fields = Mapping[str, Any]


def documents(name: str) -> list[dict[str, Any]]:
    return list(YAML(typ="safe", pure=True).load_all((DEPLOY / "kubernetes" / name).read_text(encoding="utf-8")))


def the(kind: str) -> dict[str, Any]:
    """The only document of this kind; for claims, of which there are two, use `documents`."""
    [found] = [document for name in FILES for document in documents(name) if document["kind"] == kind]
    return found


def job_specs() -> dict[str, dict[str, Any]]:
    """What a Job of each recipe is made of."""
    return {"Job": the("Job")["spec"], "CronJob": the("CronJob")["spec"]["jobTemplate"]["spec"]}


def container(job_spec: Fields) -> dict[str, Any]:
    [found] = job_spec["template"]["spec"]["containers"]
    assert isinstance(found, dict)
    return found


def action(rules: Sequence[Fields], exit_code: int, conditions: Collection[str] = ()) -> str:
    """What becomes of a pod that failed: the first rule that fits, else it counts. 0 is never looked at by exit code."""
    return next((rule["action"] for rule in rules if _fits(rule, exit_code, conditions)), "Count")


def _fits(rule: Fields, exit_code: int, conditions: Collection[str]) -> bool:
    if "onPodConditions" in rule:
        return any(pattern["type"] in conditions and pattern["status"] == "True" for pattern in rule["onPodConditions"])
    codes = rule["onExitCodes"]
    if exit_code == 0 or codes["containerName"] != CONTAINER:
        return False
    among = exit_code in codes["values"]
    return among if codes["operator"] == "In" else not among


@dataclass(slots=True, kw_only=True)
class Job:
    """One Job's controller. `state` is "active" (it wants a pod), "complete" or "failed"."""

    name: str
    spec: Fields
    state: str = "active"
    counted: int = 0

    def pod_ended(self, exit_code: int, conditions: Collection[str] = ()) -> str:
        """The state after its pod ended, by a shell's exit code (137 for SIGKILL)."""
        assert self.state == "active"
        if exit_code == 0:
            self.state = "complete"
            return self.state
        done = action(self.spec["podFailurePolicy"]["rules"], exit_code, conditions)
        self.counted += done == "Count"
        if done == "FailJob" or self.counted > self.spec["backoffLimit"]:
            self.state = "failed"
        return self.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubelet:
    """Starts a Job's pods with `desk` as their /eval and the environment of the image. `secrets` says where what they mount lies here."""

    desk: FaultDesk
    secrets: Mapping[str, str]
    more: Mapping[str, str] = field(default_factory=dict)  # environment that a test adds

    def pod(self, job: Job) -> "subprocess.Popen[str]":
        made_of = container(job.spec)
        labels = {"batch.kubernetes.io/job-name": job.name, "job-name": job.name}
        environ = {entry["name"]: _value(entry, labels) for entry in made_of["env"]}
        mounted = {name: self.secrets.get(value, value) for name, value in environ.items()}
        return self.desk.start(*made_of["args"], environ={"EVALSVC_LOG": "json", **mounted, **self.more})


def _value(entry: Fields, labels: Mapping[str, str]) -> str:
    if "value" in entry:
        return str(entry["value"])
    path = entry["valueFrom"]["fieldRef"]["fieldPath"]
    assert path.startswith("metadata.labels['"), path
    return labels[path.removeprefix("metadata.labels['").removesuffix("']")]


def shell_code(process: "subprocess.Popen[str]") -> int:
    """How a container's runtime tells the end of `process`."""
    code = process.wait()
    return 128 - code if code < 0 else code
