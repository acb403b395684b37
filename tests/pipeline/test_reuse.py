"""Answers of another run: which may be taken over, which are, and what the journal says of them."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from evalsvc.config.identity import identity_digest
from evalsvc.errors import JournalDamaged, Stopped, UsageError
from evalsvc.journal import encode
from evalsvc.journal.events import read_events
from evalsvc.pipeline.history import spent_before
from evalsvc.pipeline.launch import Launch, take_up
from evalsvc.pipeline.planning import draw_up
from evalsvc.pipeline.prepare import Prepared
from evalsvc.pipeline.reusable import refusal, refuse_other_server
from evalsvc.pipeline.reuse import ROWS_AT_ONCE, take_over, taking_over
from evalsvc.pipeline.stop import StopSwitch
from evalsvc.records import Record, Usage
from evalsvc.report import QuietView
from evalsvc.report.intro import Reused
from evalsvc.rundir import Manifest, RunDir
from tests.pipeline.answering import AT, NOW, answered, journal_of, launched, prepared, rows

OURS: dict[str, Any] = {"model": "m", "revision": "r1", "endpoint": "e", "api": "chat", "max_output_tokens": 3, "params": {}, "prompt": "p"}


@pytest.fixture
def monday(tmp_path: Path) -> RunDir:
    """Ten rows answered, two of them with an error."""
    return answered(prepared(tmp_path, rows(10), "monday"), failing=["r3", "r4"])


def reusing(
    folder: Path, data: list[dict[str, str]], named: RunDir, *, run: str = "tuesday", forced: bool = False, **more: Any
) -> Prepared:
    return prepared(folder, data, run, options={"reuse": str(named.path), "reuse_anyway": forced, **more.pop("options", {})}, **more)


def taken(launch: Prepared, *, make_stop: Callable[[], StopSwitch] = StopSwitch) -> Launch:
    """What is left of a launch once the answers are taken over."""

    async def main() -> Launch:
        assert launch.reusable is not None
        return await take_over(taking_over(launched(launch), launch.reusable), launch.reusable, QuietView(), make_stop())

    return asyncio.run(main())


class StopsAtTheFifthLook(StopSwitch):
    looks = 0

    def check(self) -> None:
        self.looks += 1
        if self.looks == 5:
            self.pull(Stopped("stopped"))
        super().check()


def by_row(run: RunDir) -> dict[tuple[str, int], Record]:
    return {(record.id, record.repeat): record for record in journal_of(run)}


# which run -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [{"prompt": "another"}, {"repeats": 3}, {"judged": ["x/1"]}, {}])
def test_what_shows_in_the_requests_themselves_is_no_reason_to_refuse(other: dict[str, Any]) -> None:
    assert refusal("spam/1", {**OURS, **other}, OURS, forced=False) is None


@pytest.mark.parametrize("forced", [False, True])
@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"model": "n"}, 'model: "n" → "m"'),
        ({"endpoint": "f"}, 'endpoint: "f" → "e"'),
        ({"api": "responses"}, 'api: "responses" → "chat"'),
        ({"max_output_tokens": None}, "max_output_tokens: not given → 3"),
        ({"params": {"seed": 1}}, "params.seed: 1 → not given"),
        ({"azure": {"deployment": "d"}}, 'azure: {"deployment":"d"} → not given'),
    ],
)
def test_where_no_request_could_be_the_same_it_is_refused_at_once_and_force_does_not_help(
    other: dict[str, Any], words: str, forced: bool
) -> None:
    error = refusal("spam/1", {**OURS, **other}, OURS, forced=forced)
    assert error is not None
    assert error.exit_code == 2
    assert "spam/1" in error.message
    assert words in error.message


@pytest.mark.parametrize(
    ("theirs", "ours", "words"),
    [
        (None, None, "model.revision is set neither there nor here"),
        ("r1", None, 'model.revision is "r1" there and not set here'),
        (None, "r1", 'model.revision is not set there and "r1" here'),
        ("r0", "r1", 'other weights gave its answers: model.revision "r0" → "r1"'),
    ],
)
def test_another_or_an_unknown_revision_is_refused_unless_forced(theirs: str | None, ours: str | None, words: str) -> None:
    identities = {**OURS, "revision": theirs}, {**OURS, "revision": ours}
    error = refusal("spam/1", *identities, forced=False)
    assert error is not None
    assert words in error.message
    assert "--reuse-anyway" in str(error.hint)
    assert refusal("spam/1", *identities, forced=True) is None


def test_a_server_that_has_something_else_behind_the_name_by_now_is_refused_unless_forced(tmp_path: Path) -> None:
    monday = answered(prepared(tmp_path, rows(2), "monday"), server={"id": "m", "root": "/lora/1"})
    reusable = reusing(tmp_path, rows(2), monday).reusable
    assert reusable is not None
    refuse_other_server(reusable, {"id": "m", "root": "/lora/1"})
    with pytest.raises(UsageError, match=r'model\.root: "/lora/1" → "/lora/2"'):
        refuse_other_server(reusable, {"id": "m", "root": "/lora/2"})
    refuse_other_server(replace(reusable, forced=True), {"id": "m", "root": "/lora/2"})


def test_the_server_that_gave_the_answers_is_the_one_that_must_give_the_others(tmp_path: Path) -> None:
    card = {"id": "m", "root": "/lora/1"}
    monday = answered(prepared(tmp_path, rows(2), "monday"), server=card)
    assert taken(reusing(tmp_path, rows(3), monday)).manifest.server == card
    assert taken(reusing(tmp_path, rows(3), monday, run="forced", forced=True)).manifest.server == {}


def test_a_run_that_does_not_exist_and_force_without_a_run_are_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere is no run directory"):
        reusing(tmp_path, rows(1), RunDir(Path("nowhere")))
    with pytest.raises(UsageError, match="not whose"):
        prepared(tmp_path, rows(1), "tuesday", options={"reuse_anyway": True})


def test_a_run_that_is_named_by_what_it_became_itself_goes_on_with_the_run_that_it_began_with(tmp_path: Path, monday: RunDir) -> None:
    latest = tmp_path / "latest"
    latest.symlink_to("monday")
    first = prepared(tmp_path, rows(10), "tuesday", options={"reuse": str(latest)})
    taking = taking_over(launched(first), first.reusable) if first.reusable else None
    assert taking is not None
    taking.manifest.write(first.run)
    latest.unlink()
    latest.symlink_to("tuesday")
    again = prepared(tmp_path, rows(10), "tuesday", options={"reuse": str(latest)}).reusable
    assert again is not None
    assert again.run.path.resolve() == monday.path.resolve()


def test_a_run_cannot_be_taken_over_by_itself(monday: RunDir, tmp_path: Path) -> None:
    assert prepared(tmp_path, rows(10), "monday", options={"reuse": str(monday.path)}).reusable is None


# which answers -------------------------------------------------------------------------------------------------------


def test_answers_to_the_same_question_are_taken_over_and_errors_new_and_edited_rows_are_left_to_ask(tmp_path: Path, monday: RunDir) -> None:
    data = [{**row, "text": "edited"} if row["id"] == "r7" else row for row in rows(12)]
    launch = taken(reusing(tmp_path, data, monday))
    written = by_row(launch.prepared.run)
    assert {id_ for id_, _ in written} == {f"r{number}" for number in range(10)} - {"r3", "r4", "r7"}
    assert launch.to_ask == 5
    assert launch.resume.done == 7
    assert launch.reused == Reused(run="spam/monday", rows=7)
    samples = launch.prepared.dataset.samples(launch.survey, skip=launch.resume.skip)
    assert [sample.id for sample in samples] == ["r3", "r4", "r7", "r10", "r11"]


def test_a_record_taken_over_is_the_old_answer_to_the_new_row_and_nothing_was_sent_for_it(tmp_path: Path, monday: RunDir) -> None:
    data = [{**row, "id": f"new-{row['id']}", "label": "spam"} for row in rows(10)]
    launch = taken(reusing(tmp_path, data, monday))
    old, new = by_row(monday)["r2", 0], by_row(launch.prepared.run)["new-r2", 0]
    (row_hash,) = {sample.row_hash for sample in launch.prepared.dataset.samples(launch.survey) if sample.id == "new-r2"}
    assert new == replace(old, id="new-r2", target="spam", row_hash=row_hash, attempts=0, waited_s=0.0)
    assert (new.at, new.reply, new.messages) == (AT, old.reply, old.messages)


def test_prompts_are_kept_as_this_run_keeps_them(tmp_path: Path) -> None:
    silent = answered(prepared(tmp_path, rows(1), "silent"))
    silent.journal.write_bytes(b"".join(encode(replace(record, messages=None)) for record in journal_of(silent)))
    (kept,) = journal_of(taken(reusing(tmp_path, rows(1), silent, run="keeps")).prepared.run)
    assert json.loads(kept.messages or b"") == [{"role": "user", "content": "message 0"}]
    (bare,) = journal_of(taken(reusing(tmp_path, rows(1), silent, run="bare", journal={"prompts": False})).prepared.run)
    assert bare.messages is None


def test_each_repeat_has_the_answer_of_its_own(tmp_path: Path) -> None:
    twice = answered(prepared(tmp_path, rows(3), "twice", repeats=2, model={"params": {"seed": 5}}))
    records = [replace(record, reply=replace(record.reply, output=f"try {record.repeat}")) for record in journal_of(twice) if record.reply]
    twice.journal.write_bytes(b"".join(map(encode, records)))
    launch = taken(reusing(tmp_path, rows(3), twice, repeats=3, model={"params": {"seed": 5}}))
    written = by_row(launch.prepared.run)
    assert {row: record.reply and record.reply.output for row, record in written.items()} == {
        (f"r{number}", repeat): f"try {repeat}" for number in range(3) for repeat in range(2)
    }
    assert [repeat for repeat, _ in launch.resume.passes(3, 3)] == [2]


def test_rows_that_ask_the_same_keep_their_own_answers(tmp_path: Path) -> None:
    alike = [{**row, "text": "the same"} for row in rows(20)]
    before = answered(prepared(tmp_path, alike, "before"))
    launch = taken(reusing(tmp_path, alike, before))
    outputs = {id_: record.reply.output for (id_, _), record in by_row(launch.prepared.run).items() if record.reply}
    assert outputs == {row["id"]: row["label"] for row in alike}


def test_forced_over_another_revision_the_questions_are_compared_as_that_run_asked_them_and_keep_their_keys(
    tmp_path: Path, monday: RunDir
) -> None:
    launch = taken(reusing(tmp_path, rows(10), monday, forced=True, model={"revision": "r2"}))
    assert launch.reused == Reused(run="spam/monday", rows=8)
    assert launch.manifest.launches[-1]["reused"]["revision"] == "r1"
    assert by_row(launch.prepared.run)["r1", 0].key == by_row(monday)["r1", 0].key
    # so that nobody takes them for answers of r2 later
    third = taken(reusing(tmp_path, rows(10), launch.prepared.run, run="third", model={"revision": "r2"}))
    assert third.reused == Reused(run="spam/tuesday", rows=0)


def test_rows_that_this_run_has_are_not_looked_up_but_failed_ones_to_be_asked_again_are(tmp_path: Path, monday: RunDir) -> None:
    mine = answered(prepared(tmp_path, rows(10), "tuesday"), failing=["r0", "r4"])
    kept = journal_of(mine)[:6]
    mine.journal.write_bytes(b"".join(map(encode, kept)))
    launch = taken(reusing(tmp_path, rows(10), monday, options={"retry_failed": True}))
    added = [record.id for record in journal_of(mine)[6:]]
    assert added == ["r0", "r6", "r7", "r8", "r9"], "r4 failed there too"
    assert launch.to_ask == 1
    again = taken(reusing(tmp_path, rows(10), monday))
    assert (again.reused, again.to_ask) == (Reused(run="spam/monday", rows=0), 0), "without --retry-failed, r4 is done"


def test_a_limit_takes_over_no_more_than_it_asks_for(tmp_path: Path, monday: RunDir) -> None:
    data = {"path": "data.jsonl", "input": "text", "target": "label", "id": "id", "limit": 2}
    launch = taken(reusing(tmp_path, rows(10), monday, dataset=data))
    assert [record.id for record in journal_of(launch.prepared.run)] == ["r0", "r1"]
    assert launch.to_ask == 0


def test_a_run_without_answers_gives_none(tmp_path: Path) -> None:
    empty = launched(prepared(tmp_path, rows(2), "empty")).prepared.run
    launch = taken(reusing(tmp_path, rows(2), empty))
    assert (launch.reused, launch.to_ask) == (Reused(run="spam/empty", rows=0), 2)


def test_damage_in_the_other_journal_is_an_error_of_its_own_and_a_torn_end_is_none(tmp_path: Path, monday: RunDir) -> None:
    whole = monday.journal.read_bytes()
    monday.journal.write_bytes(whole[:-5])
    assert taken(reusing(tmp_path, rows(10), monday)).to_ask == 3
    monday.journal.write_bytes(whole.replace(b'"ham"', b'"hum"', 1))
    with pytest.raises(JournalDamaged, match=str(monday.journal)):
        taken(reusing(tmp_path, rows(10), monday, run="wednesday"))


# how it goes on ------------------------------------------------------------------------------------------------------


def test_stopped_in_the_middle_the_next_launch_ends_with_the_same_journal(tmp_path: Path) -> None:
    many = rows(7 * ROWS_AT_ONCE)
    before = answered(prepared(tmp_path, many, "before"))
    with pytest.raises(Stopped):
        taken(reusing(tmp_path, many, before), make_stop=StopsAtTheFifthLook)
    tuesday = RunDir(tmp_path / "tuesday")
    written = len(journal_of(tuesday))
    assert written == 4 * ROWS_AT_ONCE
    launch = taken(reusing(tmp_path, many, before))
    assert launch.reused == Reused(run="spam/before", rows=len(many) - written)
    records = journal_of(tuesday)
    assert [record.id for record in records] == [row["id"] for row in many]
    assert launch.to_ask == 0


def test_run_json_names_the_source_before_the_first_record_is_there(tmp_path: Path, monday: RunDir) -> None:
    launch = reusing(tmp_path, rows(10), monday)
    assert launch.reusable is not None
    begun = taking_over(launched(launch), launch.reusable)
    path = str(monday.path.absolute())
    assert begun.manifest.launches[-1]["reused"] == {"run": "spam/monday", "revision": "r1", "path": path, "rows": None}
    assert begun.reused is None


def test_what_is_taken_over_was_not_paid_for_here(tmp_path: Path, monday: RunDir) -> None:
    paid = spent_before(monday.journal, read_events(monday.events))
    assert paid == Usage(input=240, output=8)
    run = taken(reusing(tmp_path, rows(10), monday)).prepared.run
    assert spent_before(run.journal, read_events(run.events)) == Usage()


def test_a_plan_counts_what_would_be_taken_over_and_writes_nothing(tmp_path: Path, monday: RunDir) -> None:
    data = [{**row, "text": "edited"} if row["id"] == "r7" else row for row in rows(12)]
    ahead = draw_up(reusing(tmp_path, data, monday))
    assert (ahead.rows, ahead.to_ask, ahead.unasked) == (12, 5, 7)
    assert not (tmp_path / "tuesday").exists()
    assert draw_up(prepared(tmp_path, data, "tuesday")).unasked == 0


def test_neither_reuse_nor_webhook_nor_trackers_are_part_of_what_is_measured(tmp_path: Path, monday: RunDir) -> None:
    plain = prepared(tmp_path, rows(1), "tuesday")
    told = reusing(tmp_path, rows(1), monday, webhook={"url": "http://127.0.0.1:9/x"})
    assert identity_digest(plain.identity) == identity_digest(told.identity)


def test_a_manifest_says_what_was_taken_over_after_the_launch_has_ended(tmp_path: Path, monday: RunDir) -> None:
    launch = taken(reusing(tmp_path, rows(10), monday))
    launch.manifest.landed(ended_at=AT, exit_code=0).write(launch.prepared.run)
    found = Manifest.read(launch.prepared.run)
    assert found is not None
    assert found.launches[-1]["reused"]["rows"] == 8
    assert take_up(launch.prepared, NOW).reused is None, "a later launch takes over its own"
