"""summary.json: its fixed parts know nothing of the day, and what it says adds up."""

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from evalsvc.config import Price
from evalsvc.deriving.derive import derive_run, is_up_to_date
from evalsvc.errors import UsageError
from evalsvc.records import Sample
from evalsvc.reduce.fold import fold_journal
from evalsvc.reduce.run import read_summary
from evalsvc.reduce.summary import cost_usd
from evalsvc.rundir import RunDir
from tests.e2e.desk import FIXED_PARTS
from tests.reduce.cases import FIRST, IDS, Answered, append, make_run, records, samples
from tests.reduce.test_fold import plan_of

ANSWERS = [
    *(Answered(id=id_, reply=reply) for id_, reply in zip(IDS[:6], ["spam", "ham", "no idea", "spam or ham", "spam", "ham"], strict=True)),
    Answered(id=IDS[6], reply=None),
    Answered(id=IDS[7], reply="spam", finish_reason="length"),
]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Sample]]:
    return {"first": samples(tmp_path_factory.mktemp("known"), FIRST)}


def _fixed(summary: Any) -> dict[str, bytes]:
    return {part: orjson.dumps(summary[part]) for part in FIXED_PARTS}


def test_the_order_of_arrival_and_what_was_asked_twice_change_no_byte_of_the_fixed_parts(
    tmp_path: Path, known: dict[str, dict[str, Sample]]
) -> None:
    seen = []
    for seed in range(6):
        rng = Random(seed)
        shuffled = rng.sample(ANSWERS, len(ANSWERS))
        earlier = [Answered(id=id_, reply=rng.choice(["spam", "ham", None])) for id_ in rng.sample(IDS, seed)]
        run = make_run(tmp_path / str(seed))
        append(run, records([*earlier, *shuffled[:3]], known))
        if seed % 2:
            derive_run(run)
        append(run, records(shuffled[3:], known))
        seen.append(_fixed(derive_run(run)))
    assert seen == seen[:1] * 6


def test_rows_without_a_record_are_pending_and_gates_are_not_judged(tmp_path: Path, known: dict[str, dict[str, Sample]]) -> None:
    run = make_run(tmp_path)
    append(run, records(ANSWERS[:3], known))
    summary = derive_run(run)
    assert summary["status"] == "partial"
    assert summary["rows"] == {"expected": 8, "ok": 3, "error": 0, "pending": 5}
    assert [gate["passed"] for gate in summary["gates"]] == [None]
    assert sum(summary["outcomes"].values()) == 8


def test_rows_that_the_data_set_got_back_since_the_last_launch_are_expected_too(
    tmp_path: Path, known: dict[str, dict[str, Sample]]
) -> None:
    half = replace(FIRST, texts=dict.fromkeys(IDS[:4], "first"))
    run = make_run(tmp_path, half, data_changed=True)
    append(run, records(ANSWERS, known))
    assert derive_run(run)["rows"]["expected"] == 4
    run.state.unlink()
    (tmp_path / "data.jsonl").write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in FIRST.rows()))
    summary = derive_run(run)
    assert summary["rows"] | {"error": 0, "ok": 0} == {"expected": 8, "ok": 0, "error": 0, "pending": 0}
    assert summary["metrics"]["coverage"]["n"] == 8


def test_an_empty_journal_has_a_summary_too(tmp_path: Path) -> None:
    summary = derive_run(make_run(tmp_path))
    assert summary["rows"] == {"expected": 8, "ok": 0, "error": 0, "pending": 8}
    assert summary["metrics"]["accuracy"]["value"] is None


def test_a_summary_is_up_to_date_until_the_journal_grows(tmp_path: Path, known: dict[str, dict[str, Sample]]) -> None:
    run = make_run(tmp_path)
    assert not is_up_to_date(run, plan_of(run))
    append(run, records(ANSWERS[:3], known))
    summary = derive_run(run)
    assert is_up_to_date(run, plan_of(run))
    assert read_summary(run) == summary
    append(run, records(ANSWERS[3:], known))
    assert not is_up_to_date(run, plan_of(run))


def test_a_directory_without_a_manifest_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no run\.json"):
        derive_run(RunDir(tmp_path))


def test_cached_input_costs_what_the_price_says_or_as_much_as_any_input() -> None:
    usage = {"input": 1_000_000, "cached": 400_000, "output": 100_000, "reasoning": 0}
    assert cost_usd(usage, None) is None
    assert cost_usd(usage, Price(input=1.0, output=2.0)) == pytest.approx(1.2)
    assert cost_usd(usage, Price(input=1.0, output=2.0, cached=0.5)) == pytest.approx(1.0)


def test_a_kill_between_the_fold_and_the_summary_leaves_no_summary_that_passes_for_new(
    tmp_path: Path, known: dict[str, dict[str, Sample]]
) -> None:
    run = make_run(tmp_path)
    append(run, records(ANSWERS, known))
    derive_run(run)
    fold_journal(plan_of(run))
    assert not is_up_to_date(run, plan_of(run))
