"""What is drawn of the rows: the same bytes however they came, and the same picture as anybody else would draw."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from evalsvc import jsonio
from evalsvc.dataset import id_hash
from evalsvc.journal import encode
from evalsvc.metrics.corners import corners
from evalsvc.metrics.kept import SlicedKept
from evalsvc.metrics.odds import UNITS_PER_NAT
from evalsvc.metrics.ranked import RankTally
from evalsvc.metrics.tally import OutcomeTally
from evalsvc.records import Record, Reply, RowError, Summary
from evalsvc.reduce.charts import POINTS_OF_A_CURVE, POINTS_OF_ALL, curves_of
from evalsvc.reduce.fold import fold_journal
from evalsvc.reduce.graded import grade, keep_part
from evalsvc.reduce.run import join_scores, plan_of, reduce_run
from evalsvc.rundir import RunDir
from tests.reduce.extensions import make_run, rows_of

LOGPROBS = {"name": "m", "params": {"logprobs": True, "top_logprobs": 5}}
SPAM = {"labels": ["spam", "ham"], "positive": "spam", "operating_point": {"recall": 0.8}}
THREE = ("spam", "ham", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a row was answered."""

    id: str
    target: str
    output: str | None  # None: it failed
    probs: Mapping[str, float] | None = None


def append(run: RunDir, answers: Sequence[Said]) -> None:
    with run.journal.open("ab") as file:
        file.writelines(encode(_record(one)) for one in answers)


def _record(said: Said) -> Record:
    nats = {label: log(probability) for label, probability in (said.probs or {}).items()}
    tokens = [{"t": said.output, "lp": nats[said.output], "top": list(map(list, nats.items()))}] if nats and said.output else None
    reply = None if said.output is None else Reply(output=said.output, finish_reason="stop", usage=None, latency_s=0.1, tokens=tokens)
    return Record(
        id=said.id,
        repeat=0,
        row_hash=bytes(8),
        key="0" * 32,
        target=said.target,
        messages=None,
        reply=reply,
        error=RowError(kind="timeout", http=None, code=None, message="no") if reply is None else None,
        attempts=1,
        waited_s=0.0,
        at="2026-11-20T02:13:44.120Z",
    )


def classified(n: int, labels: Sequence[str] = ("spam", "ham"), *, lost: float = 0.0, seed: int = 1) -> list[Said]:
    random = Random(seed)
    return [_classified(random, f"r{number}", labels, lost) for number in range(n)]


def _classified(random: Random, id_: str, labels: Sequence[str], lost: float) -> Said:
    target = labels[0] if random.random() < 0.3 else random.choice(labels[1:])
    if random.random() < lost:
        return Said(id=id_, target=target, output=None)
    weights = {label: exp(random.gauss(1.2 if label == target else 0.0, 1.0)) for label in labels}
    probs = {label: weight / sum(weights.values()) for label, weight in weights.items()}
    return Said(id=id_, target=target, output=max(probs, key=probs.__getitem__), probs=probs)


def run_of(path: Path, answers: Sequence[Said], **config: Any) -> RunDir:
    path.mkdir(parents=True, exist_ok=True)
    rows = [{"id": one.id, "text": "x", "label": one.target} for one in sorted(answers, key=lambda one: one.id)]
    run = make_run(path, rows, **config)
    append(run, answers)
    return run


def summary_of(path: Path, answers: Sequence[Said], **config: Any) -> Summary:
    return reduce_run(run_of(path, answers, **config)).summary


def spam_summary(path: Path, answers: Sequence[Said]) -> Summary:
    return summary_of(path, answers, scoring=SPAM, model=LOGPROBS)


def charts(summary: Summary) -> dict[str, Any]:
    return summary["charts"]


# curves ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def answers() -> list[Said]:
    return classified(600, lost=0.06)


@pytest.fixture(scope="module")
def summary(answers: list[Said], tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return spam_summary(tmp_path_factory.mktemp("spam"), answers)


def test_each_point_of_a_curve_counts_the_rows_from_its_threshold_on(answers: list[Said], summary: Summary) -> None:
    curve = charts(summary)["curves"]["spam"]
    odds = {one.id: log(one.probs["spam"] / one.probs["ham"]) for one in answers if one.probs is not None}
    for least, hits, alarms in zip(curve["log_odds"], curve["true_positives"], curve["false_positives"], strict=True):
        called = [one for one in answers if odds.get(one.id, -999) >= least - 1e-9]
        assert hits == sum(one.target == "spam" for one in called)
        assert alarms == len(called) - hits
    # rows without an answer are called nothing, and are there all the same
    assert curve["positives"] == sum(one.target == "spam" for one in answers)
    assert curve["positives"] + curve["negatives"] == 600


def test_of_rows_with_an_answer_the_curves_are_those_of_scikit_learn(tmp_path: Path) -> None:
    answers = classified(400)
    curve = charts(spam_summary(tmp_path, answers))["curves"]["spam"]
    right, said = [one.target == "spam" for one in answers], [(one.probs or {})["spam"] for one in answers]
    fall_out, recall, _ = roc_curve(right, said, drop_intermediate=False)
    theirs = set(zip(fall_out.round(9).tolist(), recall.round(9).tolist(), strict=True))
    assert {(round(x, 9), round(y, 9)) for x, y in roc(curve)} <= theirs
    precision, recall, _ = precision_recall_curve(right, said)
    theirs = set(zip(recall.round(9).tolist(), precision.round(9).tolist(), strict=True))
    assert {(round(x, 9), round(y, 9)) for x, y in precision_recall(curve)} <= theirs
    assert roc(curve)[-1] == (1.0, 1.0)


def roc(curve: Mapping[str, Any]) -> list[tuple[float, float]]:
    pairs = zip(curve["false_positives"], curve["true_positives"], strict=True)
    return [(0.0, 0.0), *((alarms / curve["negatives"], hits / curve["positives"]) for alarms, hits in pairs)]


def precision_recall(curve: Mapping[str, Any]) -> list[tuple[float, float]]:
    pairs = zip(curve["false_positives"], curve["true_positives"], strict=True)
    return [(hits / curve["positives"], hits / (hits + alarms)) for alarms, hits in pairs]


def test_the_area_under_the_drawn_curve_is_roc_auc_with_rows_lost_too(summary: Summary) -> None:
    curve = charts(summary)["curves"]["spam"]
    x, y = zip(*roc(curve), strict=True)
    assert x[-1] < 1 > y[-1]
    assert auc(x, y) == pytest.approx(summary["metrics"]["roc_auc"]["value"], abs=0.005)
    assert curve["roc_auc"] == summary["metrics"]["roc_auc"]["value"]
    assert curve["average_precision"] == summary["metrics"]["average_precision"]["value"]


def ranked(labels: Sequence[str], n: int, apart: float, seed: int = 1) -> RankTally:
    random, tally = Random(seed), RankTally.empty(tuple(labels))
    tally.read = tally.rows = n
    for _ in range(n):
        own = random.random() < 0.1
        for label in labels:
            tally.odds[label].update(int(random.gauss(apart if own else -apart, 2.0) * UNITS_PER_NAT), of_label=own)
    return tally


@pytest.mark.parametrize(("n", "apart"), [(60, 1.0), (3_000, 0.0), (3_000, 1.0), (20_000, 2.0)])
def test_a_drawn_curve_has_few_points_and_runs_where_the_full_one_does(n: int, apart: float) -> None:
    tally = ranked(["a"], n, apart)
    [curve] = curves_of(tally, None, OutcomeTally.empty(), None).values()
    full = tally.odds["a"].curve()
    hits, alarms = full.own[::-1].cumsum(), full.others[::-1].cumsum()
    assert len(curve["log_odds"]) <= POINTS_OF_A_CURVE
    assert (curve["true_positives"][-1], curve["false_positives"][-1]) == (full.support, full.support_others)
    assert farthest(np.append(0, alarms) / full.support_others, np.append(0, hits) / full.support, roc(curve)) <= 0.005
    assert farthest(hits / full.support, hits / (hits + alarms), precision_recall(curve)) <= 0.005
    x, y = zip(*roc(curve), strict=True)
    assert auc(x, y) == pytest.approx(curve["roc_auc"], abs=0.005)


def farthest(x: np.ndarray[Any, Any], y: np.ndarray[Any, Any], line: list[tuple[float, float]]) -> float:
    """How far from a line the farthest of some points is."""
    start, stop = np.array(line[:-1]), np.array(line[1:])
    way = stop - start
    length = np.maximum((way**2).sum(axis=1), 1e-300)
    worst = 0.0
    for point in np.column_stack([x, y]):
        along = np.clip(((point - start) * way).sum(axis=1) / length, 0, 1)
        worst = max(worst, float((((start + along[:, None] * way) - point) ** 2).sum(axis=1).min() ** 0.5))
    return worst


def test_many_labels_share_what_room_there_is_and_the_largest_are_drawn() -> None:
    labels = [f"l{number}" for number in range(12)]
    tally = ranked(labels, 1500, 0.2)
    for number, label in enumerate(labels):
        for _ in range(10 * number):
            tally.odds[label].update(None, of_label=True)
    curves = curves_of(tally, None, OutcomeTally.empty(), None)
    assert list(curves) == labels[4:]
    assert sum(len(curve["log_odds"]) for curve in curves.values()) <= POINTS_OF_ALL
    assert len(jsonio.dumps(curves)) < 40_000


def test_a_ragged_curve_is_drawn_more_roughly_but_not_with_more_points() -> None:
    x = np.linspace(0, 1, 1000)
    assert len(corners(x, np.array([0.0, 0.5] * 500), 0.002)) == 1000
    tally = RankTally.empty(("a",))
    tally.read = tally.rows = 2
    for number in range(4000):
        tally.odds["a"].update(number * UNITS_PER_NAT // 100, of_label=number % 40 < 20)
    [curve] = curves_of(tally, None, OutcomeTally.empty(), None).values()
    assert POINTS_OF_A_CURVE / 4 < len(curve["log_odds"]) <= POINTS_OF_A_CURVE


def test_marks_are_the_answers_and_the_thresholds_of_the_table(answers: list[Said], summary: Summary) -> None:
    marks = {mark["kind"]: mark for mark in charts(summary)["curves"]["spam"]["marks"]}
    assert list(marks) == ["answers", "operating_point", "best_f1"]
    spam = summary["per_class"]["spam"]
    assert (marks["answers"]["recall"], marks["answers"]["precision"]) == (spam["recall"], spam["precision"])
    alarms = sum(one.output == "spam" != one.target for one in answers)
    assert marks["answers"]["false_positive_rate"] == alarms / sum(one.target == "ham" for one in answers)
    table = summary["thresholds"]
    assert table is not None
    for kind, point in (("operating_point", table["operating_point"]["point"]), ("best_f1", table["best_f1"])):
        assert all(marks[kind][name] == point[name] for name in ("recall", "precision", "threshold", "log_odds"))
    assert marks["operating_point"]["recall"] >= 0.8


def test_without_a_positive_label_each_one_is_drawn_against_all_others(tmp_path: Path) -> None:
    answers = classified(300, THREE)
    summary = summary_of(tmp_path, answers, scoring={"labels": list(THREE)}, model=LOGPROBS)
    curves = charts(summary)["curves"]
    assert list(curves) == list(THREE)
    mean = sum(curve["roc_auc"] for curve in curves.values()) / 3
    assert mean == pytest.approx(summary["metrics"]["roc_auc"]["value"], abs=1e-12)
    assert [mark["kind"] for mark in curves["ham"]["marks"]] == ["answers"]
    assert "probability" not in charts(summary)


def test_of_three_labels_the_positive_one_alone_is_drawn(tmp_path: Path) -> None:
    scoring = {"labels": list(THREE), "positive": "other"}
    assert list(charts(summary_of(tmp_path, classified(60, THREE), scoring=scoring, model=LOGPROBS))["curves"]) == ["other"]


def test_labels_that_no_row_has_have_no_curve(tmp_path: Path) -> None:
    scoring = {"labels": ["spam", "ham", "never"]}
    summary = summary_of(tmp_path, classified(40, THREE[:2]), scoring=scoring, model=LOGPROBS)
    assert list(charts(summary)["curves"]) == ["spam", "ham"]


# probabilities ---------------------------------------------------------------------------------------------------


def test_reliability_has_the_bins_of_ece(answers: list[Said], summary: Summary) -> None:
    reliability = charts(summary)["reliability"]
    known = [(max(one.probs.values()), one.output == one.target) for one in answers if one.probs is not None]
    assert reliability["rows"] == len(known) == sum(one["rows"] for one in reliability["bins"])
    for one in reliability["bins"]:
        inside = [(confidence, right) for confidence, right in known if one["low"] < confidence <= one["high"]]
        assert one["rows"] == len(inside)
        assert one["confidence"] == pytest.approx(np.mean([confidence for confidence, _ in inside]), abs=1e-9)
        assert one["right"] == pytest.approx(np.mean([right for _, right in inside]), abs=1e-12)
        assert one["ci_low"] <= one["right"] <= one["ci_high"]
    gaps = sum(one["rows"] * abs(one["confidence"] - one["right"]) for one in reliability["bins"]) / len(known)
    assert gaps == pytest.approx(summary["metrics"]["ece"]["value"], abs=1e-12)
    assert reliability["ece"] == summary["metrics"]["ece"]["value"]


def test_bins_that_are_very_many_are_joined(tmp_path: Path) -> None:
    metrics = [{"ece": {"bins": 1000}}]
    summary = summary_of(tmp_path, classified(300), scoring={"labels": ["spam", "ham"]}, model=LOGPROBS, metrics=metrics)
    bins = charts(summary)["reliability"]["bins"]
    assert len(bins) <= 50
    assert all(one["high"] - one["low"] == pytest.approx(0.02) for one in bins)
    assert sum(one["rows"] for one in bins) == 300
    assert "curves" not in charts(summary)


def test_rows_are_counted_by_their_log_odds_and_the_ends_hold_what_lies_beyond(answers: list[Said], summary: Summary) -> None:
    raw = charts(summary)["probability"]
    odds = [(log(one.probs["spam"] / one.probs["ham"]), one.target == "spam") for one in answers if one.probs is not None]
    edges = [-np.inf, *raw["log_odds"][1:-1], np.inf]
    for side, own in (("positives", True), ("negatives", False)):
        assert raw[side] == np.histogram([value for value, is_own in odds if is_own is own], edges)[0].tolist()
    assert 0.0 in raw["log_odds"]
    assert len(raw[side]) <= 30
    assert raw["log_odds"][0] == -raw["log_odds"][-1]


@pytest.mark.parametrize("nats", [0.0, 0.3, 7.0, 60.0])
def test_however_sure_a_model_is_its_probabilities_have_few_bins(nats: float, tmp_path: Path) -> None:
    odds = [nats * (1 - 2 * (number % 2)) for number in range(20)]
    probs = [{"spam": exp(min(0.0, one)) / (1 + exp(-abs(one))), "ham": exp(min(0.0, -one)) / (1 + exp(-abs(one)))} for one in odds]
    answers = [Said(id=f"r{number}", target="ham", output="spam", probs=one) for number, one in enumerate(probs)]
    answers.append(Said(id="last", target="spam", output="spam", probs={"spam": 0.5, "ham": 0.5}))
    raw = charts(spam_summary(tmp_path, answers))["probability"]
    assert 2 <= len(raw["negatives"]) <= 30
    assert (sum(raw["negatives"]), sum(raw["positives"])) == (20, 1)


# numbers of single rows ------------------------------------------------------------------------------------------


def test_the_scores_of_texts_are_spread_between_their_ends(tmp_path: Path) -> None:
    said = {"r0": "red fox", "r1": "fox", "r2": "cat", "r3": None}
    answers = [Said(id=id_, target="red fox", output=output) for id_, output in said.items()]
    summary = summary_of(tmp_path, answers, task="qa")
    scores = charts(summary)["scores"]
    assert list(scores) == ["token_f1"]
    assert (scores["token_f1"]["edges"][0], scores["token_f1"]["edges"][-1], len(scores["token_f1"]["counts"])) == (0, 1, 20)
    # 0.67 of one word of two, nothing of another one and of the row that failed
    assert [(place, rows) for place, rows in enumerate(scores["token_f1"]["counts"]) if rows] == [(0, 2), (13, 1), (19, 1)]


@pytest.mark.parametrize(
    ("task", "metrics", "name", "ends"),
    [
        ("summarization", ["rouge1", "rougeL"], "rougeL", (0, 1)),
        ("translation", ["bleu", "chrf", "ter"], "sentence_chrf", (0, 100)),
        ("translation", ["bleu"], "sentence_bleu", (0, 100)),
        ("generation", ["exact_match"], None, None),
    ],
)
def test_one_score_of_a_task_is_drawn(
    task: str, metrics: list[str], name: str | None, ends: tuple[float, float] | None, tmp_path: Path
) -> None:
    answers = [Said(id=f"r{number}", target="the cat sat on the mat", output=text) for number, text in enumerate(("the cat sat", "dogs"))]
    scores = charts(summary_of(tmp_path, answers, task=task, metrics=metrics)).get("scores", {})
    assert list(scores) == ([] if name is None else [name])
    assert ends is None or (scores[name]["edges"][0], scores[name]["edges"][-1]) == ends


def test_regression_draws_what_is_off_and_some_rows(tmp_path: Path) -> None:
    random = Random(1)
    answers = [
        Said(id=f"r{number}", target=str(number), output="no idea" if number % 50 == 7 else f"{number + random.gauss(0, 5):.3f}")
        for number in range(450)
    ]
    number_of = {one.id: (float(one.target), float(one.output or "")) for one in answers if one.output != "no idea"}
    lowest = sorted(number_of, key=lambda id_: int.from_bytes(id_hash(id_), "little"))[:300]
    drawn = charts(summary_of(tmp_path, answers, task="regression"))
    points = drawn["points"]
    assert points["rows"] == 441
    assert list(zip(points["targets"], points["predictions"], strict=True)) == [number_of[id_] for id_ in lowest]
    residual = drawn["scores"]["residual"]
    assert sum(residual["counts"]) + residual["below"] + residual["above"] == 441
    expected = np.histogram([said - target for target, said in number_of.values()], residual["edges"])[0]
    assert np.abs(expected - np.array(residual["counts"])).sum() <= 2


def test_ratings_have_a_bar_each(tmp_path: Path) -> None:
    said = ["Rating: 1", "Rating: 5", "Rating: 5", "Rating: 2", "who knows"]
    answers = [Said(id=f"r{number}", target="3", output=text) for number, text in enumerate(said)]
    judge = {"scale": [1, 5], "rubric": "good?"}
    scores = charts(summary_of(tmp_path, answers, task="judge", judge=judge))["scores"]["judge_score"]
    assert (scores["ratings"], scores["counts"]) == ([1, 2, 3, 4, 5], [1, 1, 0, 0, 2])
    assert scores["edges"] == [0.5, 1.5, 2.5, 3.5, 4.5, 5.5]


def test_scores_from_files_are_spread_too_unless_they_are_yes_or_no(tmp_path: Path) -> None:
    labels = [("spam", "ham")[number % 2] for number in range(40)]
    run = make_run(tmp_path, rows_of(labels))
    append(run, [Said(id=f"r{number}", target=label, output="spam") for number, label in enumerate(labels)])
    file = tmp_path / "more.csv"
    file.write_text("id,comet,liked\n" + "".join(f"r{number},{number / 40},{number % 2}\n" for number in range(40)), encoding="utf-8")
    join_scores(run, file, ())
    scores = charts(reduce_run(run).summary)["scores"]
    assert list(scores) == ["ext.comet"]
    assert sum(scores["ext.comet"]["counts"]) == 40


# all of it -------------------------------------------------------------------------------------------------------


def test_plain_labels_draw_nothing_and_take_no_second_pass(tmp_path: Path) -> None:
    answers = [Said(id=f"r{number}", target="spam", output="ham") for number in range(5)]
    run = run_of(tmp_path, answers, scoring={"labels": ["spam", "ham"]})
    assert reduce_run(run).summary["charts"] == {}
    plan = plan_of(run)
    assert grade(plan, fold_journal(plan).scored_bytes).kept is None


def test_labels_that_share_a_token_draw_no_curve(tmp_path: Path) -> None:
    labels = ["positive", "possible"]
    probs = {"pos": 0.9, "x": 0.1}
    answers = [Said(id=f"r{number}", target=labels[number % 2], output="pos", probs=probs) for number in range(6)]
    scoring = {"labels": labels, "positive": "positive", "aliases": {"positive": ["pos"]}}
    assert charts(summary_of(tmp_path, answers, scoring=scoring, model=LOGPROBS)) == {}


TASKS: dict[str, tuple[Mapping[str, Any], list[Said]]] = {
    "labels": ({"scoring": SPAM, "model": LOGPROBS}, classified(150, lost=0.1)),
    "numbers": (
        {"task": "regression"},
        [Said(id=f"r{number}", target=str(number % 7), output=str(number * 0.37 % 5)) for number in range(120)],
    ),
    "texts": ({"task": "qa"}, [Said(id=f"r{number}", target="a b c", output="a b c"[: number % 6]) for number in range(60)]),
}


@pytest.mark.parametrize("task", TASKS)
def test_order_repetition_and_kills_change_no_byte(task: str, tmp_path: Path) -> None:
    config, answers = TASKS[task]
    seen = set()
    for seed in range(3):
        random = Random(seed)
        run = run_of(tmp_path / str(seed), random.sample(answers, len(answers)), **config)
        if seed:
            reduce_run(run)
            append(run, random.sample(answers, 20))
        seen.add(jsonio.dumps(reduce_run(run).summary["charts"]))
    assert len(seen) == 1


@pytest.mark.parametrize("task", TASKS)
def test_parts_by_other_processes_draw_the_same(task: str, tmp_path: Path) -> None:
    config, answers = TASKS[task]
    run = run_of(tmp_path, answers, **config)
    plan = plan_of(run)
    size = fold_journal(plan).scored_bytes
    whole = grade(plan, size).kept
    assert whole is not None
    cut = plan.run.scored.read_bytes().index(b"\n", size // 3) + 1
    parts = [
        SlicedKept.from_state(jsonio.loads(keep_part(plan, start, stop, tmp_path)), whole.all.shape)
        for start, stop in ((0, cut), (cut, size))
    ]
    assert parts[0].merge(parts[1]) == parts[1].merge(parts[0]) == whole
