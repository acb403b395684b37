"""The rows that came out another way, with what both models said."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalsvc.compare.baseline import save_baseline
from evalsvc.compare.flips import MOST_CHARS, flips, most_changed
from evalsvc.compare.nouns import Flip
from evalsvc.compare.side import Side, open_side
from evalsvc.rundir import RunDir
from tests.compare.runs import Answer, labels_but, make_run, reduced, rows_of


def told(a: Side, b: Side, *ids: str, outputs: bool = True) -> tuple[Flip, ...]:
    places = [{score.id: place for place, score in enumerate(side.source.scores())} for side in (a, b)]
    at_a, at_b = ([of[id_] for id_ in ids] for of in places)
    return flips(a, b, at_a, at_b, [-1.0] * len(ids), outputs=outputs)


def run_of(folder: Path, name: str, answer: Answer, **config: Any) -> RunDir:
    return make_run(folder / name, name, rows_of(9), answer, **config)


def test_those_that_got_worse_come_first_then_the_larger_change_then_the_lower_number() -> None:
    changes = np.array([0.5, -0.1, np.nan, 0.0, -0.9, 0.5, 0.7, -0.1])
    assert most_changed(changes, 99, lower_is_better=False) == [4, 1, 7, 6, 0, 5]
    assert most_changed(changes, 2, lower_is_better=False) == [4, 1]
    assert most_changed(changes, 99, lower_is_better=True) == [6, 0, 5, 4, 1, 7]
    assert most_changed(np.zeros(3), 5, lower_is_better=False) == []


def test_a_flip_has_both_answers_both_outcomes_and_the_question(tmp_path: Path) -> None:
    a = run_of(tmp_path, "a", labels_but("r1"))
    b = run_of(tmp_path, "b", lambda sample, _: "I would say spam" if sample.id == "r3" else str(sample.target))
    assert told(open_side(a.path), open_side(b.path), "r3", "r1") == (
        Flip(
            id="r3",
            repeat=0,
            target="ham",
            outcome_a="correct",
            outcome_b="wrong",
            prediction_a="ham",
            prediction_b="spam",
            change=-1.0,
            output_a="ham",
            output_b="I would say spam",
            prompt="asked text 3",
        ),
        Flip(
            id="r1",
            repeat=0,
            target="spam",
            outcome_a="wrong",
            outcome_b="correct",
            prediction_a="ham",
            prediction_b="spam",
            change=-1.0,
            output_a="ham",
            output_b="spam",
            prompt="asked text 1",
        ),
    )


def test_a_row_in_error_has_no_output(tmp_path: Path) -> None:
    a, b = run_of(tmp_path, "a", labels_but()), run_of(tmp_path, "b", lambda sample, _: None)
    (flip,) = told(open_side(a.path), open_side(b.path), "r1")
    assert (flip.outcome_b, flip.output_b, flip.prediction_b) == ("error", None, None)


def test_of_a_row_that_was_asked_again_the_answer_that_counts_is_shown(tmp_path: Path) -> None:
    a, b, again = (run_of(tmp_path, name, labels_but(*wrong)) for name, wrong in (("a", ()), ("b", ("r1",)), ("again", ())))
    b.journal.write_bytes(b.journal.read_bytes() + again.journal.read_bytes().splitlines(keepends=True)[1])
    reduced(b)
    (flip,) = told(open_side(a.path), open_side(b.path), "r1")
    assert (flip.outcome_b, flip.output_b) == ("correct", "spam")


@pytest.mark.parametrize("id_", ["plain", 'with "quotes"', "ünï", "line\nend", "\ud800"])
def test_answers_are_found_whatever_is_in_an_id(tmp_path: Path, id_: str) -> None:
    rows = [*rows_of(3), {"id": id_, "text": "this one", "label": "ham"}]
    a, b = (make_run(tmp_path / name, name, rows, labels_but()) for name in "ab")
    (flip,) = told(open_side(a.path), open_side(b.path), id_)
    assert (flip.id, flip.output_a, flip.output_b, flip.prompt) == (id_, "ham", "ham", "asked this one")


def test_repeats_of_a_row_are_told_apart(tmp_path: Path) -> None:
    run = run_of(tmp_path, "a", lambda sample, repeat: f"{repeat} spam", repeats=3)
    side = open_side(run.path)
    (flip,) = flips(side, side, [12], [12], [0.0], outputs=True)
    assert (flip.repeat, flip.output_a) == (1, "1 spam")


def test_long_texts_are_cut(tmp_path: Path) -> None:
    a, b = (run_of(tmp_path, name, lambda *_: "x" * 5000, task="qa", scoring={}) for name in "ab")
    (flip,) = told(open_side(a.path), open_side(b.path), "r1")
    for text in (flip.output_a, flip.output_b, flip.prediction_a):
        assert text == "x" * (MOST_CHARS - 1) + "…"


def test_without_outputs_no_journal_is_read(tmp_path: Path) -> None:
    a, b = run_of(tmp_path, "a", labels_but("r1")), run_of(tmp_path, "b", labels_but())
    sides = open_side(a.path), open_side(b.path)
    a.journal.unlink()
    b.journal.unlink()
    (flip,) = told(*sides, "r1", outputs=False)
    assert (flip.prediction_a, flip.prediction_b, flip.output_a, flip.prompt) == ("ham", "spam", None, None)


@pytest.mark.parametrize("config", [{}, {"task": "qa", "scoring": {}}])
def test_a_baseline_file_shows_no_output_and_the_right_answer_is_the_runs(tmp_path: Path, config: dict[str, Any]) -> None:
    a, b = run_of(tmp_path, "a", labels_but("r1"), **config), run_of(tmp_path, "b", labels_but(), **config)
    file = open_side(save_baseline(a, tmp_path / "baseline.jsonl.gz").path)
    for sides in ((file, open_side(b.path)), (open_side(b.path), file)):
        (flip,) = told(*sides, "r1")
        assert flip.target == "spam"
        assert {flip.output_a, flip.output_b} == {None, "spam"}
    (flip,) = told(file, file, "r1")
    assert (flip.target, flip.prompt) == ("spam" if not config else None, None)
