"""Every metric of every task, found in the registry: the laws of tallies, its range, its signature, its page.

merge is associative and commutative, and an empty tally changes nothing
any order, any shards: equal tallies and the same digits
the state goes through JSON and back
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from evalsvc.config import EvalConfig
from evalsvc.jsonio import dumps, loads
from evalsvc.metrics.families.metric import AnyMetric, OwnMetric, SumMetric
from evalsvc.metrics.families.registry import build_metrics, measuring_of
from evalsvc.metrics.names import OFFERED, range_of
from evalsvc.metrics.sums import SumTally
from evalsvc.records import MetricValue, Record, Reply, RowError, Score, Usage
from evalsvc.reduce.scored import score_of, scored_line
from evalsvc.scoring.tasks import make_scorer

# What a metric or a task cannot be built without.
OPTIONS: Mapping[str, Mapping[str, Any]] = {"regex_match": {"pattern": "a"}, "json_schema": {"schema": {"type": "object"}}}
MORE: Mapping[str, Mapping[str, Any]] = {
    "classification": {
        "scoring": {"labels": ["spam", "ham"], "positive": "spam"},
        "model": {"name": "m", "params": {"logprobs": True, "top_logprobs": 2}},
    },
    "judge": {"judge": {"scale": [1, 5], "rubric": "good?"}},
}
WORDS = ("a", "b c", "spam", "ham", "The end.", "3", "{}", "straße", "東京", "4.5 km")
CASES = [(task, metric) for task, offered in OFFERED.items() for metric in offered]
# Metrics of pairs want a second run beside the first.
OF_PAIRS = ("win_rate", "tie_rate", "judge_consistency", "judge_first_rate")

every_metric = pytest.mark.parametrize(("task", "name"), CASES, ids=[f"{task}-{name}" for task, name in CASES])


def config_of(task: str, name: str) -> EvalConfig:
    fields: dict[str, Any] = {
        "name": "x",
        "dataset": {"path": "x.jsonl", "input": "text", "target": "target"},
        "model": {"name": "m"},
        "task": task,
        "metrics": [{name: dict(OPTIONS[name])} if name in OPTIONS else name],
        "repeats": 2,
        **MORE.get(task, {}),
    }
    if name in OF_PAIRS:
        fields["dataset"]["against"] = "runs/other"
        fields["judge"] = {}
    if name == "pass_at_k" and task != "qa":
        fields["scoring"] = {**fields.get("scoring", {}), "correct": "exact_match"}
    return EvalConfig.model_validate(fields)


def target(task: str, random: Random) -> str:
    if task == "classification":
        return random.choice(("spam", "ham"))
    if task == "regression":
        return str(random.randrange(50) / 4)
    if task == "judge":
        return str(random.randrange(1, 6))
    return " ".join(random.choices(WORDS, k=random.randrange(1, 9)))


def verdict(random: Random) -> Reply:
    """What a judge says of an answer, or of a pair."""
    said = random.choice((f"Good.\nRating: {random.randrange(1, 6)}", f"Verdict: {random.choice(('A', 'B', 'tie'))}", "no idea"))
    return Reply(output=said, finish_reason="stop", usage=None, latency_s=0.1)


def scored_prompt(right: str, random: Random) -> Reply:
    """What an endpoint tells of a prompt that ends with the right answer."""
    prompt: list[dict[str, Any]] = [{"t": "Answer:", "lp": None, "top": []}, {"t": right, "lp": -random.random() * 9, "top": []}]
    return Reply(output="", finish_reason="length", usage=None, latency_s=0.1, prompt_tokens=prompt)


def reply(task: str, right: str, random: Random) -> Reply:
    if task == "judge":
        return verdict(random)
    if task == "perplexity":
        return scored_prompt(right, random)
    said = right if random.random() < 0.5 else target(task, random)
    other = "ham" if said == "spam" else "spam"
    lp = -random.random()
    tokens = [{"t": said, "lp": lp, "top": [[said, lp], [other, -3.0]]}]
    output = random.choice((said, said, said, "", f"<think>{said}"))
    return Reply(
        output=output, finish_reason="stop", usage=Usage(input=1, output=1), latency_s=0.1, tokens=tokens if output == said else None
    )


def id_of(name: str, number: int) -> str:
    """Two rows of an id: its repeats, or the two orders of a pair."""
    return f"{number // 2}#{('ab', 'ba')[number % 2]}" if name in OF_PAIRS else str(number // 2)


def record(task: str, name: str, number: int, random: Random) -> Record:
    right = target(task, random)
    failed = random.random() < 0.1
    return Record(
        id=id_of(name, number),
        repeat=0 if name in OF_PAIRS else number % 2,
        row_hash=b"",
        key="",
        target=right,
        messages=None,
        reply=None if failed else reply(task, right, random),
        error=RowError(kind="timeout", http=None, code=None, message="") if failed else None,
        attempts=1,
        waited_s=0.0,
        at="",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A metric, and rows that were scored for it, as scored.jsonl gives them back."""

    metric: AnyMetric
    scores: tuple[Score, ...]

    def tally(self, scores: Sequence[Score]) -> Any:
        tally = self.empty()
        for score in scores:
            tally.update(score, cluster=int(score.id.partition("#")[0]))
        return tally

    def empty(self) -> Any:
        return self.metric.empty() if isinstance(self.metric, OwnMetric) else SumTally.empty([self.metric])

    def again(self, tally: Any) -> Any:
        state = loads(dumps(tally.state()))
        return self.metric.from_state(state) if isinstance(self.metric, OwnMetric) else SumTally.from_state(state, [self.metric])


def measured(task: str, name: str, *, rows: int = 60) -> Measured:
    config, random = config_of(task, name), Random(f"{task} {name}")
    labels = config.scoring.labels or ()
    metrics = build_metrics(config, labels)
    metric = next(one for one in metrics if name in (one.names if isinstance(one, OwnMetric) else (one.name,)))
    scorer, measuring = make_scorer(config, labels), measuring_of(config, metrics)
    scores = [measuring.add(scorer.score(one), one, {}) for one in (record(task, name, number, random) for number in range(rows))]
    return Measured(metric=metric, scores=tuple(score_of(scored_line(score)) for score in scores))


def seen(tally: Any) -> tuple[Any, Any]:
    return tally.state(), tally.value()


@every_metric
def test_the_laws_of_tallies_hold(task: str, name: str) -> None:
    of = measured(task, name)
    first, second, third = (of.tally(of.scores[start : start + 20]) for start in (0, 20, 40))
    whole, before = of.tally(of.scores), (seen(first), seen(second))
    assert seen(of.tally(of.scores[::-1])) == seen(whole)
    assert seen(first.merge(second).merge(third)) == seen(first.merge(second.merge(third))) == seen(third.merge(first).merge(second))
    assert seen(first.merge(second).merge(third)) == seen(whole)
    assert seen(whole.merge(of.empty())) == seen(whole) == seen(of.empty().merge(whole))
    assert (seen(first), seen(second)) == before
    again = of.again(first)
    assert seen(again) == seen(first)
    for score in of.scores[20:]:
        again.update(score, cluster=int(score.id.partition("#")[0]))
    assert seen(again) == seen(whole)
    assert seen(of.again(of.empty())) == seen(of.empty())


def values(of: Measured, name: str) -> Iterator[float | None]:
    """The metric over all rows, over none, over those without an answer, over one."""
    unanswered = [replace(score) for score in of.scores if score.prediction is None]
    for scores in (of.scores, [], unanswered, of.scores[:1]):
        value = of.tally(scores).value()[name]
        yield value["value"] if isinstance(value, dict) else value


@every_metric
def test_every_value_lies_in_its_range_and_none_is_made_up(task: str, name: str) -> None:
    of = measured(task, name)
    found = list(values(of, name))
    low, high = range_of(name)
    assert found[0] is not None
    assert found[1] is None
    assert all(low <= value <= high for value in found if value is not None)


@every_metric
def test_the_signature_says_which_version_of_what_it_is(task: str, name: str) -> None:
    of = measured(task, name)
    value: MetricValue | None = None if isinstance(of.metric, SumMetric) else of.tally(of.scores).value()[name]
    signature = of.metric.signature if isinstance(of.metric, SumMetric) else value["signature"] if value is not None else ""
    assert "v:" in signature or "version:" in signature


@pytest.mark.parametrize("name", sorted({name for offered in OFFERED.values() for name in offered}))
def test_every_metric_has_its_line_in_the_page(name: str) -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
    assert f"`{name}`" in page
