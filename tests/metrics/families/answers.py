"""What metrics are asked about: configs, answers and scores, made up."""

from typing import Any

from evalsvc.config.models import EvalConfig
from evalsvc.metrics.families.metric import Setting, Wanted
from evalsvc.records import Outcome, Reply, Score
from evalsvc.scoring.measures import Answer


def config(task: str = "generation", **more: Any) -> EvalConfig:
    return EvalConfig.model_validate({"name": "c", "dataset": {"path": "d.jsonl"}, "model": {"name": "m"}, "task": task, **more})


def setting(task: str = "generation", **more: Any) -> Setting:
    made = config(task, **more)
    return Setting(task=task, repeats=made.repeats, config=made)


def wanted(name: str, **options: Any) -> Wanted:
    return Wanted(name=name, options=options, place="eval.yaml:9 (metrics[0])")


def answer(text: str, *references: str, output: str | None = None, finish_reason: str = "stop") -> Answer:
    reply = Reply(output=text if output is None else output, finish_reason=finish_reason, usage=None, latency_s=0.1)
    return Answer(text=text, references=references, reply=reply)


def score(prediction: str | None, target: str | None = "x", outcome: Outcome = Outcome.SCORED, *, id_: str = "1", repeat: int = 0) -> Score:
    return Score(id=id_, repeat=repeat, target=target, prediction=prediction, outcome=outcome, rule=None)
