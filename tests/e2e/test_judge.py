"""A judge's run over the answers of other runs: killed, resumed, carried on. The echo is the judge: prompts say what it says."""

from typing import Any

import pytest

from tests.e2e.desk import Desk, Ended, ended, fixed_parts, summary_of, until
from tests.e2e.server import Server, faults

pytestmark = pytest.mark.long

RATES = "Rating: {{ output | last }}"
COMPARES = "Verdict: {{ 'tie' if output_a == output_b else 'A' if output_a > output_b else 'B' }}"


def write_rows(desk: Desk, tag: str, count: int = 12) -> None:
    """Answers that the echo gives end with a digit from 1 to 5; people say the same, but for every fourth row."""
    rows = [{"id": f"r{n}", "text": f"{tag} {n} is 0", "kind": "odd" if n % 2 else "even"} for n in range(count)]
    desk.write_rows([{**row, "text": f"{tag} {n} {1 + n % 5}"} for n, row in enumerate(rows)])
    people = [f"r{n},{1 + (n + (n % 4 == 0)) % 5}\n" for n in range(count)]
    (desk.path / "people.csv").write_text("id,human\n" + "".join(people))


def answers(desk: Desk, name: str, user: str = "{{ text }}", **changes: Any) -> Ended:
    """A run whose answers are to be judged."""
    dataset = {"path": "data.jsonl", "input": None, "target": None, "id": "id", **changes.pop("dataset", {})}
    desk.write_config(
        name=name, task="generation", dataset=dataset, prompt={"user": user}, scoring={"labels": None, "positive": None}, **changes
    )
    end = desk.run("run", "eval.yaml")
    assert end.code == 0, end.err
    return end


def judges(desk: Desk, user: str = RATES, *, path: str = "runs/ft/latest", **changes: Any) -> None:
    dataset = {"path": path, "input": None, "target": None, **changes.pop("dataset", {})}
    desk.write_config(
        **{
            "name": "judged",
            "task": "judge",
            "dataset": dataset,
            "prompt": {"user": user},
            "scoring": {"labels": None, "positive": None},
            **changes,
        }
    )


def judged(desk: Desk) -> dict[str, Any]:
    return summary_of(desk.path / "runs" / "judged" / "latest")


def ok(end: Ended) -> Ended:
    assert end.code == 0, end.err
    return end


def test_a_rubric_rates_each_answer_and_is_held_against_people(desk: Desk, server: Server, tag: str) -> None:
    write_rows(desk, tag)
    answers(desk, "ft")
    judges(desk, dataset={"target": "human", "join": {"path": "people.csv"}}, slices=["kind"], gates=["judge_score >= 2"])
    end = ok(desk.run("run", "eval.yaml"))

    metrics = judged(desk)["metrics"]
    assert metrics["judge_score"]["value"] == pytest.approx(sum(1 + n % 5 for n in range(12)) / 12)
    assert metrics["judge_score"]["slices"].keys() == {"kind"}
    assert 0 < metrics["judge_kappa"]["value"] < 1
    assert metrics["judge_kappa"]["n"] == 12
    assert metrics["answer_rate"]["value"] == 1
    assert "judge_kappa" in end.out


def test_a_verdict_that_cannot_be_read_is_unscored_and_an_answer_that_is_missing_is_the_worst(desk: Desk, server: Server, tag: str) -> None:
    write_rows(desk, tag)
    answers(desk, "ft", "{{ '<think>' if id == 'r4' else text }}")
    judges(desk, "{{ 'no idea' if row_id == 'r1' else 'Rating: 5' }}")
    server.calls()
    end = ok(desk.run("run", "eval.yaml"))

    assert len(server.calls()) == 11, "nobody asks about an answer that is not there"
    found = judged(desk)
    assert (found["outcomes"]["scored"], found["outcomes"]["unparsed"]) == (11, 1)
    assert (found["metrics"]["judge_score"]["value"], found["metrics"]["judge_score"]["n"]) == (51 / 11, 11)
    assert found["metrics"]["answer_rate"]["value"] == 11 / 12
    assert found["calls"]["attempts"] == 11
    assert "1 of 12 answers are missing" in end.err


def test_pairs_are_asked_in_both_orders_and_a_run_that_did_not_answer_loses(desk: Desk, server: Server, tag: str) -> None:
    write_rows(desk, tag)
    answers(desk, "ft", "{{ text if id == 'r0' else text ~ ' and more' }}")
    answers(desk, "base", "{{ '<think>' if id == 'r5' else text }}")
    judges(desk, COMPARES, dataset={"against": "runs/base/latest"})
    server.calls()
    ok(desk.run("run", "eval.yaml"))

    assert len(server.calls()) == 22
    metrics = judged(desk)["metrics"]
    assert (metrics["win_rate"]["value"], metrics["win_rate"]["n"]) == (11.5 / 12, 12)
    assert metrics["tie_rate"]["value"] == 1 / 12
    assert (metrics["judge_consistency"]["value"], metrics["judge_consistency"]["n"]) == (1, 11)
    assert metrics["judge_first_rate"]["value"] == 0.5

    judges(desk, "Verdict: A", dataset={"against": "runs/base/latest"}, name="partial")
    ok(desk.run("run", "eval.yaml"))
    metrics = summary_of(desk.path / "runs" / "partial" / "latest")["metrics"]
    assert (metrics["win_rate"]["value"], metrics["judge_consistency"]["value"], metrics["judge_first_rate"]["value"]) == (6.5 / 12, 0, 1)


def test_a_judge_that_is_killed_carries_on_and_pays_for_no_verdict_twice(desk: Desk, server: Server, tag: str) -> None:
    write_rows(desk, tag, 60)
    answers(desk, "ft", "{{ '<think>' if id == 'r7' else text }}")
    judges(desk, model=faults("latency=0.1..0.12"), limits={"concurrency": 4})
    server.calls()
    process = desk.start("run", "eval.yaml")
    try:
        until(lambda: (desk.path / "runs/judged/latest/predictions.jsonl").exists() and _lines(desk) >= 10)
    finally:
        process.kill()
        ended(process)
    before = _lines(desk)
    assert 10 <= before < 60
    judges(desk)
    first = len(server.calls())
    ok(desk.run("run", "eval.yaml"))
    assert _lines(desk) == 60
    assert first + len(server.calls()) <= 59 + 4 + 4 * 10 * 50 // 1000, "what was in flight may be asked twice, nothing else"
    resumed = fixed_parts(judged(desk))
    ok(desk.run("run", "eval.yaml", "--run-id", "fresh"))
    assert fixed_parts(summary_of(desk.path / "runs/judged/fresh")) == resumed


def _lines(desk: Desk) -> int:
    return (desk.path / "runs/judged/latest/predictions.jsonl").read_bytes().count(b"\n")


def test_when_the_judged_run_goes_on_only_its_new_answers_are_judged(desk: Desk, server: Server, tag: str) -> None:
    write_rows(desk, tag, 20)
    answers(desk, "ft", dataset={"limit": 8})
    judges(desk)
    server.calls()
    ok(desk.run("run", "eval.yaml"))
    assert len(server.calls()) == 8

    answers(desk, "ft")
    judges(desk)
    server.calls()
    ok(desk.run("run", "eval.yaml"))
    assert len(server.calls()) == 12
    assert judged(desk)["rows"]["expected"] == 20
    resumed = fixed_parts(judged(desk))
    ok(desk.run("run", "eval.yaml", "--run-id", "fresh"))
    assert fixed_parts(summary_of(desk.path / "runs/judged/fresh")) == resumed


def test_scoring_again_needs_neither_a_request_nor_the_judge(desk: Desk, server: Server, tag: str) -> None:
    write_rows(desk, tag)
    answers(desk, "ft")
    answers(desk, "base", "{{ text }} and less")
    judges(desk, COMPARES, dataset={"against": "runs/base/latest"})
    ok(desk.run("run", "eval.yaml"))
    before = fixed_parts(judged(desk))
    run = desk.path / "runs" / "judged" / "latest"
    for name in ("summary.json", "scored.jsonl", "reduce.json"):
        (run / name).unlink()
    server.calls()
    ok(desk.run("score", "runs/judged/latest"))
    assert fixed_parts(judged(desk)) == before
    assert server.calls() == []


def test_judging_another_run_under_one_name_is_another_measurement(desk: Desk, server: Server, tag: str) -> None:
    write_rows(desk, tag)
    answers(desk, "ft")
    answers(desk, "base", "{{ text }}")
    for name in ("ft", "base"):
        judges(desk, path=f"runs/{name}/latest")
        ok(desk.run("run", "eval.yaml"))
    assert len([path for path in desk.run_dirs if path.parent.name == "judged"]) == 2


def test_a_label_that_fits_no_scale_is_refused_before_anything_is_asked(desk: Desk, server: Server, tag: str) -> None:
    write_rows(desk, tag)
    answers(desk, "ft")
    judges(desk, dataset={"target": "kind"})
    server.calls()
    end = desk.run("run", "eval.yaml")
    assert end.code == 2
    assert "none is among ratings on the scale" in end.err
    assert server.calls() == []
