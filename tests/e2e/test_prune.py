"""`evalsvc prune`, as it is typed."""

from tests.e2e.desk import Desk, messages_rows


def test_old_runs_go_when_it_is_said_and_the_next_night_still_has_its_baseline(desk: Desk, tag: str) -> None:
    desk.write_rows(messages_rows(6, tag))
    for number, gate in enumerate(["recall >= 0", "recall >= 0", "accuracy <= 0.1"], start=1):
        # the last one fails its gate, so the second is what the next night is held against
        desk.write_config(dataset={"id": "id"}, gates=[gate])
        desk.run("run", "eval.yaml", "--run-id", f"n{number}")

    nothing = desk.run("prune")
    assert nothing.code == 2
    assert "--keep" in nothing.err
    planned = desk.run("prune", "--keep", "1", environ={"COLUMNS": "120"})
    assert planned.code == 0, planned.err
    assert "would delete 1 of 3 runs" in planned.out
    assert len(desk.run_dirs) == 3

    done = desk.run("prune", "spam", "--keep", "1", "--yes", "--json")
    (found,) = done.events
    assert [run["run"] for run in found["runs"] if run["is_doomed"]] == ["spam/n1"]
    assert [path.name for path in desk.run_dirs] == ["n2", "n3"]
    assert (desk.path / "runs/spam/latest").resolve().name == "n3"
