"""Scorers of users, in processes of their own: they raise, hang and die, and it costs the row they did it over."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.records import Outcome, Record
from evalsvc.scoring import check_scorer, open_scorer
from evalsvc.scoring.rows import Row
from evalsvc.scoring.workers import BATCH, HOPELESS_AFTER
from tests.scoring.records import answered, failed

SCORERS = """
import os, sys, time
from neighbour import LIMIT
from evalsvc.extending import Judged

def same(row):
    print("whatever a scorer prints")
    return Judged(prediction=row.output, correct=row.output == row.target, scores={"length": len(row.output)})

def asked(row):
    return Judged(prediction=None if row.messages is None else row.messages[0]["content"])

def hostile(row):
    match row.output:
        case "raise": raise ValueError("no \\ud800")
        case "exit": raise SystemExit(3)
        case "die": os._exit(3)
        case "hang": time.sleep(60)
        case "nonsense": return float("nan")
        case "deep": return hostile(row) or deep()
    return True

def curious(row):
    return sys.stdin.read() == "" and os.read(0, 1) == b""

def deep(n=0):
    return deep(n + 1)

class Longer:
    def __init__(self, options):
        self.than = options["than"]
    def __call__(self, row):
        return len(row.output) > self.than

async def later(row):
    return True

NUMBER = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(SCORERS, encoding="utf-8")
    (tmp_path / "neighbour.py").write_text("LIMIT = 1\n", encoding="utf-8")
    (tmp_path / "dies.py").write_text("import os\nos._exit(7)\n", encoding="utf-8")
    return tmp_path


def config(folder: Path, scorer: str, **more: object) -> EvalConfig:
    scoring = {"scorer": scorer, "timeout_s": 1.0, **more}
    fields = {"name": "n", "dataset": {"path": "d.jsonl"}, "model": {"name": "m"}, "scoring": scoring, "base_dir": folder}
    return EvalConfig.model_validate(fields)


def outcomes(folder: Path, scorer: str, records: list[Record], **more: object) -> list[tuple[str, str | None]]:
    """Outcome and message of each record; fails when they come in another order."""
    with open_scorer(config(folder, scorer, **more), ()) as opened:
        results = list(opened.scores((record, record.target, {}) for record in records))
    assert [record for record, _ in results] == records
    return [(score.outcome.value, score.error.message if score.error is not None else None) for _, score in results]


def replies(*outputs: str) -> list[Record]:
    return [answered(output, id_=str(number)) for number, output in enumerate(outputs)]


@pytest.mark.parametrize("workers", [1, 3])
def test_scores_come_in_the_order_of_the_rows(folder: Path, workers: int) -> None:
    records = replies(*("spam" if number % 3 else "ham" for number in range(5 * BATCH)))
    said = outcomes(folder, "mine.py:same", records, workers=workers)
    assert said == [("correct" if number % 3 else "wrong", None) for number in range(5 * BATCH)]


def test_what_a_scorer_does_costs_the_row_it_does_it_over(folder: Path) -> None:
    said = outcomes(folder, "mine.py:hostile", replies("a", "raise", "exit", "die", "b", "hang", "nonsense", "c"))
    assert said == [
        ("correct", None),
        ("error", "ValueError: no \ud800 (mine.py:15)"),
        ("error", "SystemExit: 3 (mine.py:16)"),
        ("error", "it ended the process it runs in (exit code 3)"),
        ("correct", None),
        ("error", "no answer within 1 s (scoring.timeout_s)"),
        ("error", "score 'score' is nan, not a finite number"),
        ("correct", None),
    ]


def test_endless_recursion_is_an_error_of_its_row(folder: Path) -> None:
    [(outcome, message)] = outcomes(folder, "mine.py:deep", replies("x"))
    assert outcome == "error"
    assert message is not None
    assert "mine.py" in message


def test_a_scorer_that_reads_standard_input_finds_nothing_there(folder: Path) -> None:
    assert outcomes(folder, "mine.py:curious", replies("a", "b")) == [("correct", None)] * 2


def test_rows_that_need_no_reading_are_not_sent(folder: Path) -> None:
    records = [failed("timeout"), answered(None, refusal="no"), *replies("die")]
    assert [outcome for outcome, _ in outcomes(folder, "mine.py:hostile", records)] == ["error", "refused", "error"]


def test_a_scorer_that_kills_its_process_every_time_is_not_tried_ten_thousand_times(folder: Path) -> None:
    said = outcomes(folder, "mine.py:hostile", replies(*["die"] * (HOPELESS_AFTER + 80)))
    assert [outcome for outcome, _ in said] == ["error"] * (HOPELESS_AFTER + 80)
    assert sum("not tried" in (message or "") for _, message in said) == 80


def test_a_scorer_sees_what_was_asked(folder: Path) -> None:
    records = [answered(messages='[{"role":"user","content":"é?"}]'.encode()), answered()]
    with open_scorer(config(folder, "mine.py:asked"), ()) as scorer:
        assert [score.prediction for _, score in scorer.scores((record, None, {}) for record in records)] == ["é?", None]


def test_a_class_is_made_with_the_options(folder: Path) -> None:
    assert [outcome for outcome, _ in outcomes(folder, "mine.py:Longer", replies("ab", "abc"), options={"than": 2})] == ["wrong", "correct"]


@pytest.mark.parametrize(
    ("scorer", "options", "why"),
    [
        ("mine.py:smae", {}, r"eval.yaml:8: .*mine.py has no 'smae'"),
        ("gone.py:f", {}, r"eval.yaml:8: there is no file"),
        ("mine.py:NUMBER", {}, "is int, which cannot be called"),
        ("mine.py:later", {}, "is async"),
        ("mine.py:same", {"a": 1}, r"is a function and takes no `scoring.options`"),
        ("mine.py:Longer", {}, r"mine.py:Longer\(options\) failed: KeyError: 'than' \(mine.py:31\)"),
        ("dies.py:f", {}, r"cannot be loaded: it ended the process it runs in \(exit code 7\), 3 times"),
        ("polite", {}, "there is no 'polite' among evalsvc.scorers"),
    ],
)
def test_a_scorer_that_cannot_be_had_is_told_before_any_row(folder: Path, scorer: str, options: dict[str, int], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        check_scorer(config(folder, scorer, options=options), "eval.yaml:8")


def test_leaving_early_ends_the_workers_at_once(folder: Path) -> None:
    began_at = time.monotonic()

    def rows() -> Iterator[Row]:
        for record in replies("a", *["hang"] * 3):
            yield record, None, {}
        raise RuntimeError("the journal is damaged")

    with pytest.raises(RuntimeError), open_scorer(config(folder, "mine.py:hostile", timeout_s=60.0), ()) as scorer:
        list(scorer.scores(rows()))
    assert time.monotonic() - began_at < 10


def test_without_a_scorer_of_the_users_nothing_is_started() -> None:
    own = EvalConfig.model_validate({"name": "n", "dataset": {"path": "d"}, "model": {"name": "m"}, "base_dir": Path()})
    check_scorer(own, "")
    with open_scorer(own, ("spam", "ham")) as scorer:
        [(_, score)] = scorer.scores([(answered(), "ham", {})])
    assert score.outcome is Outcome.WRONG
