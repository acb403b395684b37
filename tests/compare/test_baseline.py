"""A run as a file that later runs are held against: all its numbers, none of its texts."""

import gzip
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from evalsvc.compare.baseline import save_baseline
from evalsvc.compare.side import open_side
from evalsvc.compare.source import Side
from evalsvc.dataset import id_hash
from evalsvc.errors import UsageError
from evalsvc.jsonio import dumps, loads
from evalsvc.metrics.kept import Buckets, Kept
from evalsvc.rundir import Manifest, all_runs
from tests.compare.runs import DATASET, Answer, labels_but, make_run, reduced, reply_of, rows_of
from tests.faults.promises import promise

SECRET = "Quetzalcoatl"
TEXTS = [
    {"id": f"q{number}", "text": f"{SECRET} asked {number}", "label": f"{SECRET} answer {number}", "topic": "ab"[number % 2]}
    for number in range(40)
]
NUMBERS = [{"id": f"n{number}", "text": f"{SECRET} {number}", "label": f"{number},5"} for number in range(30)]
RATINGS = [{"id": f"j{number}", "text": f"{SECRET} {number}", "label": str(1 + number % 5)} for number in range(30)]
LOGPROBS: dict[str, Any] = {"model": {"name": "m", "params": {"logprobs": True, "top_logprobs": 2}}}


def with_probabilities(sample: Any, _: int) -> Any:
    says = "spam" if int(sample.id[1:]) % 4 else "ham"
    other = "ham" if says == "spam" else "spam"
    top = [[says, -0.1 - int(sample.id[1:]) / 100], [other, -2.5]]
    return reply_of(says, tokens=[{"t": says, "lp": top[0][1], "top": top}])


def half_of_it(sample: Any, repeat: int) -> str:
    return str(sample.target) if (int(sample.id[1:]) + repeat) % 3 else f"{SECRET} something else"


CASES: dict[str, tuple[list[dict[str, str]], Answer, dict[str, Any]]] = {
    "classification": (rows_of(30), labels_but("r1", "r6"), {}),
    "probabilities": (rows_of(30), with_probabilities, LOGPROBS),
    "unreadable": (rows_of(9), lambda sample, _: None if sample.id == "r4" else "neither" if sample.id == "r5" else "spam", {}),
    "qa": (TEXTS, half_of_it, {"task": "qa", "scoring": {}}),
    "translation": (TEXTS, half_of_it, {"task": "translation", "scoring": {}, "metrics": ["bleu", "chrf", "ter"]}),
    "summarization": (TEXTS, half_of_it, {"task": "summarization", "scoring": {}}),
    "pass_at_k": (
        TEXTS,
        half_of_it,
        {"task": "qa", "scoring": {}, "repeats": 3, "metrics": ["accuracy", {"pass_at_k": {"k": 2}}]},
    ),
    "regression": (
        NUMBERS,
        lambda sample, _: f"about {1 + int(sample.id[1:])},25",
        {"task": "regression", "scoring": {"numbers": {"decimal": ","}}},
    ),
    "judge": (RATINGS, lambda sample, _: f"{SECRET} is fine.\nRating: {1 + int(sample.id[1:]) % 3}", {"task": "judge", "scoring": {}}),
}


def kept(side: Side) -> dict[str, Any]:
    """All that any metric of the side is made of."""
    tally = Kept.empty(side.shape)
    for score in side.source.scores():
        hashed = int.from_bytes(id_hash(score.id), "little")
        tally.update(score, Buckets(hashed, hashed % 256, hashed))
    return tally.state()


@pytest.mark.parametrize("task", CASES)
def test_all_that_metrics_are_made_of_comes_back_from_the_file(tmp_path: Path, task: str) -> None:
    rows, answer, config = CASES[task]
    run = make_run(tmp_path, "one", rows, answer, **config)
    saved = save_baseline(run, tmp_path / "baseline.jsonl.gz")
    this, file = open_side(run.path), open_side(saved.path)
    assert kept(file) == kept(this)
    assert kept(this)["cells"]
    assert file.definitions == this.definitions
    assert file.data == this.data
    assert file.info.is_baseline
    assert {**this.info.summary["metrics"]} == {**file.info.summary["metrics"]}


@pytest.mark.parametrize("task", CASES)
def test_every_row_has_the_hashes_that_it_has_in_the_run(tmp_path: Path, task: str) -> None:
    rows, answer, config = CASES[task]
    run = make_run(tmp_path, "one", rows, answer, **config)
    this, file = open_side(run.path), open_side(save_baseline(run, tmp_path / "baseline.jsonl.gz").path)
    seen = []
    for side in (this, file):
        hashes = side.source.hashes()
        columns = (hashes.rows, hashes.samples, hashes.targets, side.source.questions(hashes.rows))
        seen.append({tuple(row) for row in zip(*(column.tolist() for column in columns), strict=True)})
    assert seen[0] == seen[1]
    assert len(seen[0]) == len(rows) * config.get("repeats", 1)


@pytest.mark.parametrize("task", CASES)
def test_no_text_of_a_prompt_a_reply_or_a_target_is_in_it(tmp_path: Path, task: str) -> None:
    rows, answer, config = CASES[task]
    saved = save_baseline(make_run(tmp_path, "one", rows, answer, **config), tmp_path / "baseline.jsonl.gz")
    content = gzip.decompress(saved.path.read_bytes())
    assert SECRET.encode() not in content
    assert b"asked" not in content
    assert str(tmp_path).encode() not in content


def test_a_line_has_what_the_docs_say_of_it(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(4), labels_but("r2"))
    saved = save_baseline(run, tmp_path / "baseline.jsonl.gz")
    header, *lines = [loads(line) for line in gzip.decompress(saved.path.read_bytes()).splitlines()]
    assert (header["kind"], header["v"], header["name"], header["id"], header["rows"]) == ("evalsvc-baseline", 1, "made", "one", 4)
    assert header["labels"] == ["spam", "ham"]
    assert header["saved_at"] == "2026-11-20T10:00:00Z"
    assert header["summary"]["run"]["model"] == "m"
    record = loads(run.journal.read_bytes().splitlines()[2])
    target = open_side(run.path).source.hashes().targets[2].tobytes().hex()
    assert lines[2] == {
        "id": "r2",
        "repeat": 0,
        "row": record["row"],
        "key": record["key"],
        "target": target,
        "outcome": "wrong",
        "cell": [0, 1],
    }
    assert saved.size == saved.path.stat().st_size


def test_the_same_answers_in_another_order_are_the_same_file(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(20), labels_but("r3"))
    first = save_baseline(run, tmp_path / "first.jsonl.gz").path.read_bytes()
    assert first[3:8] == bytes(5)  # neither a name nor a time in gzip's own header
    lines = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(b"".join(reversed(lines)))
    run.state.unlink()
    reduced(run)
    assert save_baseline(run, tmp_path / "second.jsonl.gz").path.read_bytes() == first


def test_of_a_row_that_was_asked_again_the_last_answer_is_kept(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(3), labels_but("r1"))
    again = make_run(tmp_path / "again", "one", rows_of(3), labels_but())
    run.journal.write_bytes(run.journal.read_bytes() + again.journal.read_bytes().splitlines(keepends=True)[1])
    reduced(run)
    file = open_side(save_baseline(run, tmp_path / "baseline.jsonl.gz").path)
    assert [score.outcome for score in file.source.scores()] == ["correct"] * 3


def test_groups_are_kept_as_hashes(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", TEXTS, half_of_it, task="qa", scoring={}, dataset={**DATASET, "group": "topic"})
    file = open_side(save_baseline(run, tmp_path / "baseline.jsonl.gz").path)
    (tmp_path / "data.jsonl").unlink()
    groups = file.source.groups(file.source.hashes().samples)
    assert groups is not None
    assert len(set(groups.tolist())) == 2


def test_the_run_remembers_that_it_was_saved_and_only_once(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(3), labels_but())
    before = Manifest.read(run)
    assert before is not None
    assert before.saved_as == ()
    for _ in range(2):
        save_baseline(run, tmp_path / "baseline.jsonl.gz")
    after = Manifest.read(run)
    assert after is not None
    assert after.saved_as == (str(tmp_path / "baseline.jsonl.gz"),)
    assert open_side(run.path).info.run_id == "one"


def test_an_old_run_that_is_saved_is_no_newer_for_it(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, name, rows_of(3), labels_but()) for name in ("old", "new")]
    for seconds, run in enumerate(runs, start=1):
        os.utime(run.manifest, (seconds, seconds))
    save_baseline(runs[0], tmp_path / "baseline.jsonl.gz")
    assert [run.path.name for run in all_runs(tmp_path / "runs")] == ["new", "old"]


def test_a_run_that_is_not_complete_is_refused_unless_forced(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(10), labels_but(), keep=6)
    with pytest.raises(UsageError, match="4 rows have no answer yet"):
        save_baseline(run, tmp_path / "baseline.jsonl.gz")
    assert not (tmp_path / "baseline.jsonl.gz").exists()
    assert save_baseline(run, tmp_path / "baseline.jsonl.gz", force=True).rows == 6


def test_only_a_baseline_file_is_overwritten_and_it_is_said_of_which_run_it_was(tmp_path: Path) -> None:
    one, two = (make_run(tmp_path, name, rows_of(3), labels_but()) for name in ("one", "two"))
    path = tmp_path / "baseline.jsonl.gz"
    assert save_baseline(one, path).replaced is None
    assert save_baseline(two, path).replaced == "made/one"
    path.write_text("my notes")
    with pytest.raises(UsageError, match="is there already, and is no baseline file"):
        save_baseline(one, path)
    assert path.read_text() == "my notes"
    assert save_baseline(one, path, force=True).replaced is None
    assert open_side(path).info.run_id == "one"


@pytest.mark.parametrize("path", [".", "nowhere/baseline.jsonl.gz"])
def test_what_cannot_be_a_file_is_refused(tmp_path: Path, path: str) -> None:
    run = make_run(tmp_path, "one", rows_of(3), labels_but())
    for force in (False, True):
        with pytest.raises(UsageError, match="cannot be written"):
            save_baseline(run, tmp_path / path, force=force)


def test_a_cut_file_is_refused_wherever_it_is_cut(tmp_path: Path) -> None:
    saved = save_baseline(make_run(tmp_path, "one", rows_of(30), labels_but()), tmp_path / "baseline.jsonl.gz")
    whole = saved.path.read_bytes()
    for size in range(0, len(whole), 97):
        saved.path.write_bytes(whole[:size])
        with pytest.raises(UsageError, match=r"baseline\.jsonl\.gz (is cut or damaged|is no baseline file)"):
            open_side(saved.path)


def test_a_file_that_is_not_as_it_was_saved_is_refused_before_anything_is_held_against_it(tmp_path: Path) -> None:
    saved = save_baseline(make_run(tmp_path, "one", rows_of(5), labels_but()), tmp_path / "baseline.jsonl.gz")
    whole = gzip.decompress(saved.path.read_bytes())
    header, *lines = whole.splitlines(keepends=True)
    one_less, twice = b"".join([header, *lines[:-1]]), b"".join([header, *lines, lines[0]])
    others = [bytes(whole[:at]) + b"7" + bytes(whole[at + 1 :]) for at in range(0, len(whole), 13) if whole[at] != ord("7")]
    for content in (one_less, twice, whole.replace(b"correct", b"wrong"), *others):
        saved.path.write_bytes(content)
        with pytest.raises(UsageError) as refused:
            open_side(saved.path)
        assert refused.value.hint


def test_what_was_unpacked_by_hand_is_as_good(tmp_path: Path) -> None:
    saved = save_baseline(make_run(tmp_path, "one", rows_of(5), labels_but()), tmp_path / "baseline.jsonl.gz")
    scores = list(open_side(saved.path).source.scores())
    saved.path.write_bytes(gzip.decompress(saved.path.read_bytes()))
    assert list(open_side(saved.path).source.scores()) == scores


def test_a_damaged_file_is_saved_anew_by_the_command_that_is_named(tmp_path: Path) -> None:
    run = make_run(tmp_path, "one", rows_of(5), labels_but())
    saved = save_baseline(run, tmp_path / "baseline.jsonl.gz")
    saved.path.write_bytes(saved.path.read_bytes()[:100])
    with pytest.raises(UsageError) as refused:
        open_side(saved.path)
    assert (refused.value.hint or "").endswith(f"evalsvc baseline save RUN -o {saved.path} --force")
    save_baseline(run, saved.path, force=True)
    assert open_side(saved.path).info.run_id == "one"


@pytest.mark.parametrize(
    "content", [b"", b"{}\n", b'{"kind":"something"}\n', b"id,text\n1,a\n", gzip.compress(b'{"id":"1"}\n', mtime=0), b"\x1f\x8bnot gzip"]
)
def test_a_file_of_anything_else_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.jsonl.gz"
    path.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        open_side(path)
    assert "evalsvc baseline save RUN -o" in (refused.value.hint or "")


@promise("14.2")
def test_a_file_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "baseline.jsonl.gz"
    path.write_bytes(dumps({"v": 2, "kind": "evalsvc-baseline"}) + b"\n")
    with pytest.raises(UsageError, match="written by a newer evalsvc"):
        open_side(path)


def test_where_a_metric_cannot_be_built_right_and_wrong_are_left(tmp_path: Path) -> None:
    (tmp_path / "schema.json").write_text('{"type": "object"}')
    config: dict[str, Any] = {
        "task": "generation",
        "scoring": {"correct": "exact_match"},
        "metrics": ["exact_match", {"json_schema": {"schema": {"file": "schema.json"}}}],
    }
    run = make_run(tmp_path, "one", TEXTS, half_of_it, **config)
    saved = save_baseline(run, tmp_path / "baseline.jsonl.gz")
    (tmp_path / "elsewhere").mkdir()
    shutil.move(saved.path, tmp_path / "elsewhere" / "baseline.jsonl.gz")
    file = open_side(tmp_path / "elsewhere" / "baseline.jsonl.gz")
    assert file.shape.metrics == ()
    assert "only what comes of right and wrong" in file.notes[0]
    assert set(file.definitions) == {"accuracy", "parse_rate", "coverage"}
