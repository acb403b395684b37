"""What a run's warnings rest on beside its numbers reaches them: the data set, the server, the gates, the probabilities."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from evalsvc.dataset import open_dataset
from evalsvc.records import Record, RunWarning
from evalsvc.reduce.fold import fold_journal
from evalsvc.reduce.graded import grade
from evalsvc.reduce.numbers import numbers
from evalsvc.reduce.plan import Plan
from evalsvc.reduce.verdicts import run_warnings
from evalsvc.rundir import Manifest, RunDir
from tests.reduce.cases import FIRST, IDS, Answered, append, config_of, make_run, records, samples


def answered(tmp_path: Path, served: list[str], rows: int = len(IDS)) -> list[Record]:
    known = {"first": samples(tmp_path / "known", FIRST)}
    made = records([Answered(id=id_, reply=FIRST.labels[id_]) for id_ in IDS[:rows]], known)
    return [
        replace(record, reply=replace(record.reply, model=served[index % len(served)])) for index, record in enumerate(made) if record.reply
    ]


def warned(run: RunDir, **config: Any) -> dict[str, RunWarning]:
    manifest = Manifest.read(run)
    assert manifest is not None
    plan = Plan.of(run, replace(manifest, config={**manifest.config, **config}))
    fold = fold_journal(plan)
    graded = grade(plan, fold.scored_bytes)
    found = numbers(plan, fold, graded)
    return {one["kind"]: one for one in run_warnings(plan, fold.tallies, graded, found.metrics, found.per_class)}


def test_the_names_that_the_server_gave_reach_the_warnings(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    append(run, answered(tmp_path, ["a", "a", "b"]))
    assert warned(run)["served_model_changed"]["evidence"] == {"served": {"a": 6, "b": 2}, "names": 2}
    append(run, answered(tmp_path, ["a"]))  # asked again, by one model alone
    assert "served_model_changed" not in warned(run)


def test_repeated_rows_of_the_data_set_reach_the_warnings(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    append(run, answered(tmp_path, ["a"]))
    assert "repeated_rows" not in warned(run)  # a manifest of old does not say
    manifest = Manifest.read(run)
    assert manifest is not None
    survey = open_dataset(config_of(tmp_path).dataset, tmp_path).survey()
    counts = {"repeated_rows": survey.repeated_rows, "conflicting_rows": survey.conflicting_rows}
    replace(manifest, dataset={**manifest.dataset, **counts}).write(run)
    found = warned(run)
    assert (found["repeated_rows"]["evidence"]["rows"], found["conflicting_rows"]["evidence"]["rows"]) == (7, 1)
    assert list(found).index("conflicting_rows") < list(found).index("repeated_rows") < list(found).index("few_rows")


def test_gates_are_called_undecided_only_once_the_run_is_complete(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    append(run, answered(tmp_path, ["a"], rows=7))
    gate = "recall >= 0.6"  # five of five
    assert "undecided_gate" not in warned(run, gates=[gate])
    append(run, answered(tmp_path, ["a"])[7:])
    assert warned(run, gates=[gate])["undecided_gate"]["evidence"]["gates"][0]["gate"] == gate
