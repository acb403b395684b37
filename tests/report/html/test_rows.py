"""The section of rows without a browser: what is read, what is cut, and that text stays text. tests/browser opens it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from evalsvc.errors import JournalDamaged, UsageError
from evalsvc.journal import encode
from evalsvc.jsonio import loads
from evalsvc.records import Record, Reply, RowError, Summary, Usage
from evalsvc.reduce.run import reduce_run
from evalsvc.report.html.row_data import rows_data, script_json, shared_ends
from evalsvc.report.html.rows import ROWS_STYLE, rows_link, rows_script, rows_section
from evalsvc.report.html.shown import MOST_BYTES, ShownMessage, ShownRow, shortened, shown_rows
from evalsvc.rundir import RunDir
from tests.reduce.extensions import make_run, rows_of

HOSTILE = (
    "<script>window.pwned = 1</script>",
    "</script><script>window.pwned = 1</script>",
    "<!--<script>",
    '"><img src=x onerror="window.pwned = 1">',
    "\u2028\u2029 & \ud800 \x00\x1b[31m \u202eright to left",
    "__proto__",
)


def asked(*texts: str) -> tuple[ShownMessage, ...]:
    return tuple(ShownMessage(role="user" if place else "system", text=text) for place, text in enumerate(texts))


def record(number: int, output: str | None = "spam", *, prompt: str | None = "hello", **reply: Any) -> Record:
    """An answer to row r<number> of `make_run`, or its failure."""
    failed = output is None
    messages = [{"role": "system", "content": "One word."}, {"role": "user", "content": prompt}]
    return Record(
        id=f"r{number}",
        repeat=0,
        row_hash=bytes(8),
        key="0" * 32,
        target="spam",
        messages=None if prompt is None else script_json(messages).encode(),
        reply=None if failed else Reply(output=output, finish_reason="stop", usage=Usage(input=7, output=2), latency_s=0.25, **reply),
        error=RowError(kind="context_length", http=400, code="too_long", message="no") if failed else None,
        attempts=1,
        waited_s=0.0,
        at="2026-11-20T02:13:44.120Z",
    )


def reduced(path: Path, records: Sequence[Record], **config: Any) -> tuple[RunDir, Summary]:
    run = make_run(path, rows_of(["spam"] * len(records)), **config)
    run.journal.write_bytes(b"".join(map(encode, records)))
    return run, reduce_run(run).summary


def section_of(path: Path, records: Sequence[Record], **config: Any) -> str:
    run, summary = reduced(path, records, **config)
    return rows_section(shown_rows(run), summary=summary, run_dir="runs/n/one")


class Elements(HTMLParser):
    """What a browser would make of it: tags, and the text in each."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: dict[str, str] = {}
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.texts[self.tags[-1]] = self.texts.get(self.tags[-1], "") + data


LABELS = {"scoring": {"labels": ["spam", "ham"]}}


def test_a_row_is_shown_as_it_was_asked_answered_and_scored(tmp_path: Path) -> None:
    run, _ = reduced(tmp_path, [record(0, "ham", reasoning="hm"), record(1, None), record(2)], **LABELS)
    wrong, failed, correct = shown_rows(run)
    assert wrong == ShownRow(
        id="r0",
        outcome="wrong",
        target="spam",
        prediction="ham",
        rule="exact",
        messages=asked("One word.", "hello"),
        reply="ham",
        reasoning="hm",
        finish_reason="stop",
        latency_s=0.25,
        tokens=(7, 2),
    )
    assert (failed.outcome, failed.reply, failed.error) == ("error", None, "context_length, HTTP 400, too_long: no")
    assert correct.outcome == "correct"


def test_right_answers_that_are_texts_are_shown_one_by_one(tmp_path: Path) -> None:
    run = make_run(tmp_path, [{"id": "r0", "text": "x", "label": '["Paris", "the city of Paris"]'}], task="qa")
    run.journal.write_bytes(encode(replace(record(0, "Rome"), target='["Paris", "the city of Paris"]')))
    reduce_run(run)
    (row,) = shown_rows(run)
    assert (row.references, row.target) == (("Paris", "the city of Paris"), None)
    assert row.scores["token_f1"] == 0


def test_rows_of_a_run_that_was_not_scored_are_refused(tmp_path: Path) -> None:
    run = make_run(tmp_path, rows_of(["spam"]), **LABELS)
    with pytest.raises(UsageError, match="no scores yet"):
        shown_rows(run)


def test_a_row_that_is_not_what_was_written_is_not_shown(tmp_path: Path) -> None:
    run, _ = reduced(tmp_path, [record(0), record(1)], **LABELS)
    first, second = run.journal.read_bytes().splitlines(keepends=True)
    run.journal.write_bytes(first + second.replace(b"hello", b"hullo"))
    with pytest.raises(JournalDamaged, match="line 2, at byte"):
        shown_rows(run)


@pytest.mark.parametrize("change", [lambda lines: lines[::-1], lambda lines: [b"{" + line[1:].replace(b":", b";") for line in lines]])
def test_scores_of_another_journal_are_told_apart(change: Callable[[list[bytes]], list[bytes]], tmp_path: Path) -> None:
    run, _ = reduced(tmp_path, [record(0), record(1)], **LABELS)
    run.scored.write_bytes(b"".join(change(run.scored.read_bytes().splitlines(keepends=True))))
    with pytest.raises(UsageError, match="does not belong"):
        shown_rows(run)


def test_what_models_and_users_wrote_ends_no_element(tmp_path: Path) -> None:
    records = [record(number, text, prompt=text, reasoning=text) for number, text in enumerate(HOSTILE)]
    html = section_of(tmp_path, records, **LABELS)
    found = Elements(html)
    assert found.tags.count("script") == 1
    assert "img" not in found.tags
    data = loads(found.texts["script"])
    replies = {row["id"]: row["reply"] for row in data["rows"]}
    assert [replies[f"r{number}"] for number in (0, 1, 2, 3, 5)] == [*HOSTILE[:4], HOSTILE[5]]
    assert replies["r4"] == "\u2028\u2029 & \ud800 ␀␛[31m ⟨U+202E⟩right to left"
    html.encode()  # a page is UTF-8: nothing in it is half a character


def test_data_never_ends_its_script_element() -> None:
    for text in HOSTILE:
        assert not re.search(r"[<>&\u2028\u2029]", script_json([text]))
        assert loads(script_json([text])) == [text]


def test_the_script_makes_no_markup_and_fits_into_a_script_element() -> None:
    script = rows_script()
    for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch(", "</script", "<!--"):
        assert word not in script
    assert "</style" not in ROWS_STYLE


def test_long_texts_keep_both_ends_and_say_what_is_missing() -> None:
    row = shortened(ShownRow(id="r0", outcome="wrong", reply="a" * 80 + "b" * 1000 + "c" * 20, messages=asked("short", "d" * 130)), 90)
    assert row.reply is not None
    assert re.fullmatch(r"a{60}\n\[… 1,010 characters left out …\]\nb{10}c{20}", row.reply)
    assert row.left_out == 1010 + 40
    assert row.messages is not None
    assert row.messages[0].text == "short"


def test_of_a_long_conversation_the_ends_are_shown() -> None:
    row = shortened(ShownRow(id="r0", outcome="wrong", messages=asked(*map(str, range(30)))), 100)
    assert row.messages is not None
    assert [message.text for message in row.messages] == ["0", "1", "18 more messages", *map(str, range(20, 30))]


def test_line_ends_of_windows_are_line_ends_and_other_controls_are_seen() -> None:
    assert shortened(ShownRow(id="r0", outcome="wrong", reply="a\r\nb\tc\x07\r\x9b"), 100).reply == "a\nb\tc␇␍\ufffd"


def test_what_turns_text_around_or_is_not_seen_is_spelt_out_and_what_scripts_need_stays() -> None:
    row = shortened(ShownRow(id="r0", outcome="unparsed", reply="\u202emaps\u202c \ufeffham\u200b"), 100)
    assert row.reply == "⟨U+202E⟩maps⟨U+202C⟩ ⟨U+FEFF⟩ham⟨U+200B⟩"
    joined = "\u0646\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 \U0001f468\u200d\U0001f469 \u200f!"
    assert shortened(ShownRow(id="r0", outcome="wrong", reply=joined), 100).reply == joined


def test_however_long_the_answers_are_a_page_holds_them(tmp_path: Path) -> None:
    run, summary = reduced(tmp_path, [record(number, "ham <&> " * 9000, prompt="p" * 9000) for number in range(300)], task="qa")
    rows = shown_rows(run)
    assert len(rows) == 200
    assert all(row.left_out > 70_000 for row in rows)
    assert len(rows_section(rows, summary=summary, run_dir="r").encode()) < MOST_BYTES + 100_000


def test_rows_that_fit_nowhere_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evalsvc.report.html.shown.MOST_BYTES", 20_000)
    run, _ = reduced(tmp_path, [record(number, "ham " * 900, prompt="p" * 9000) for number in range(100)], task="qa")
    rows = shown_rows(run)
    assert 10 < len(rows) < 100
    assert len(script_json(rows_data(rows))) <= 20_000


def test_what_all_rows_are_asked_stands_there_once() -> None:
    template = "Read this text with care, and say of what it speaks. " * 3
    rows = [
        ShownRow(id=str(number), outcome="wrong", messages=asked("system", f"{template}\nText: {number}\nends\n{template}"))
        for number in range(3)
    ]
    data = rows_data(rows)
    assert data["shared"] == [{"role": "system", "text": "system"}]
    assert (data["before"], data["after"]) == (f"{template}\n", f"\nends\n{template}")
    assert [row["messages"] for row in data["rows"]] == [[{"role": "user", "text": f"Text: {number}"}] for number in range(3)]


@pytest.mark.parametrize("texts", [[], ["one"], ["a\n" * 100] * 3, ["x" * 300, "x" * 300], ["", "a"], ["\n" * 150, "\n" * 200]])
def test_beginning_and_end_in_common_never_overlap(texts: list[str]) -> None:
    before, after = shared_ends(texts)
    assert all(len(before) + len(after) <= len(text) and text.startswith(before) and text.endswith(after) for text in texts)


def test_one_row_shares_nothing() -> None:
    data = rows_data([ShownRow(id="0", outcome="wrong", messages=asked("system", "question"))])
    assert data["shared"] == []
    assert len(data["rows"][0]["messages"]) == 2


def test_how_many_of_how_many_are_shown_is_said(tmp_path: Path) -> None:
    html = section_of(tmp_path, [record(0, "ham"), *(record(number) for number in range(1, 300))], **LABELS)
    assert "188 of 300 rows: 187 of 299 correct · 1 of 1 wrong" in html
    (tmp_path / "small").mkdir()
    assert "All 2 rows." in section_of(tmp_path / "small", [record(0), record(1, "ham")], **LABELS)


def test_without_prompts_in_the_journal_the_page_says_so(tmp_path: Path) -> None:
    assert "keeps no prompts" in section_of(tmp_path, [record(0, prompt=None)], **LABELS)


def test_without_a_script_the_first_failures_are_a_table(tmp_path: Path) -> None:
    html = section_of(tmp_path, [record(number, "<b>ham" if number < 30 else "spam") for number in range(60)], **LABELS)
    table = html[html.index("<table") : html.index("</table>")]
    assert "The first 20 of 60 rows" in table
    assert table.count("<tr>") == 21
    assert table.count("&lt;b&gt;ham") == 20


def test_the_commands_name_files_as_a_shell_takes_them_and_no_rows_are_no_section(tmp_path: Path) -> None:
    run, summary = reduced(tmp_path, [record(0)], **LABELS)
    assert rows_section([], summary=summary, run_dir="r") == ""
    html = rows_section(shown_rows(run), summary=summary, run_dir="runs/it's mine")
    assert "&#x27;runs/it&#x27;&quot;&#x27;&quot;&#x27;s mine/scored.jsonl&#x27;" in html


def test_a_link_says_what_is_wanted() -> None:
    assert rows_link(target="a&b", predicted="\ud800 c#") == "#rows?target=a%26b&predicted=%3F+c%23"
