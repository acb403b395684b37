"""What `init` makes of the files that people have; every config that it writes loads."""

import gzip
import json
import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from evalsvc.config import EvalConfig, load_config
from evalsvc.dataset import open_dataset
from evalsvc.errors import StorageFailed, UsageError
from evalsvc.prompt import Prompt
from evalsvc.starting.asking import Fetch
from evalsvc.starting.first_config import Started, first_config
from evalsvc.starting.roles import are_labels
from evalsvc.starting.sniffing import is_header

REVIEWS = [{"text": f"review number {number} of many", "sentiment": "good" if number % 3 else "bad"} for number in range(30)]
CHATS = [{"messages": [{"role": "user", "content": row["text"]}, {"role": "assistant", "content": row["sentiment"]}]} for row in REVIEWS]

TOOL_CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
}
CALLED: dict[str, Any] = {"messages": [{"role": "user", "content": "call f"}, TOOL_CALL]}


def as_jsonl(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def nobody(url: str, key: str | None) -> bytes | None:
    return None


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Started]:
    """Writes a data file into a folder of its own, and starts from it there."""
    monkeypatch.chdir(tmp_path)

    def started(name: str, data: bytes, *, environ: Mapping[str, str] | None = None, fetch: Fetch = nobody, force: bool = False) -> Started:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(data)
        return first_config(name, Path("eval.yaml"), force=force, environ=environ or {}, fetch=fetch)

    return started


def written() -> EvalConfig:
    """The config as the pipeline would take it: loaded, its data surveyed, its prompt rendered for every row."""
    config = load_config(Path("eval.yaml"), environ={}).config
    data = open_dataset(config.dataset, config.base_dir)
    prompt = Prompt.load(config.prompt, config.base_dir, target_column=config.dataset.target, messages_column=config.dataset.messages)
    for sample in data.samples(data.survey()):
        prompt.messages(sample)
    return config


def test_labels_are_told_to_the_model_and_the_rarer_of_two_is_looked_for(start: Callable[..., Started]) -> None:
    told = "\n".join(start("reviews.jsonl", as_jsonl(REVIEWS)).lines)
    config = written()
    assert (config.name, config.dataset.input, config.dataset.target) == ("reviews", "text", "sentiment")
    assert config.prompt.system == "Answer with one word: bad or good."
    assert (config.scoring.labels, config.scoring.positive) == (("bad", "good"), "bad")
    assert config.model.base_url == "sandbox"
    assert "30 rows, 2 columns" in told
    assert "good 66.7%, bad 33.3%" in told
    assert told.endswith("next: evalsvc run eval.yaml")


@pytest.mark.parametrize("ending", ["tsv", "tsv.gz", "txt"])
def test_a_file_without_column_names_gets_some(start: Callable[..., Started], ending: str) -> None:
    lines = "".join(f"{row['sentiment']}\t{row['text']}\n" for row in REVIEWS).encode()
    started = start(f"data/reviews.{ending}", gzip.compress(lines) if ending.endswith("gz") else lines)
    config = written()
    assert config.dataset.columns == ("label", "text")
    assert (config.dataset.input, config.dataset.target) == ("text", "label")
    assert "no line with their names" in started.lines[0]


def test_conversations_are_asked_as_they_are(start: Callable[..., Started]) -> None:
    start("chats.jsonl", as_jsonl(CHATS))
    config = written()
    assert (config.dataset.messages, config.dataset.target, config.prompt.system) == ("messages", None, None)
    assert config.scoring.labels == ("bad", "good")


def test_conversations_whose_answer_is_no_text_are_left_out_and_told(start: Callable[..., Started]) -> None:
    start("chats.jsonl", as_jsonl([*CHATS, CALLED]))
    config = written()
    assert open_dataset(config.dataset, config.base_dir).survey().rows == len(CHATS)
    assert "# Left out: 1 conversation whose answer is no text" in Path("eval.yaml").read_text(encoding="utf-8")


def test_conversations_without_an_answer_have_no_right_answers(start: Callable[..., Started]) -> None:
    started = start("chats.jsonl", as_jsonl([{"messages": chat["messages"][:1]} for chat in CHATS]))
    assert "predictions only" in "\n".join(started.lines)
    assert written().scoring.scorer == "scorer.py:length"


def test_rows_without_the_input_are_left_out_and_the_sandbox_learns_nothing_from_them(start: Callable[..., Started]) -> None:
    start("reviews.jsonl", as_jsonl([*REVIEWS, {"sentiment": "good"}]))
    config = written()
    assert open_dataset(config.dataset, config.base_dir).survey().rows == len(REVIEWS)
    assert (config.model.name, config.model.sandbox) == ("echo", None)


def test_a_column_that_only_some_rows_have_is_nothing_in_the_others_prompt(start: Callable[..., Started]) -> None:
    rows = [{"headline": f"a headline {n}", "lead": f"a lead of it {n}", "label": "ab"[n % 2]} for n in range(30)]
    start("news.jsonl", as_jsonl([*rows, {"lead": "only a lead", "label": "a"}]))
    assert written().prompt.user == "headline: {{ headline | default('') }}\nlead: {{ lead }}"


def test_the_index_that_pandas_writes_is_a_column_without_a_name(start: Callable[..., Started]) -> None:
    lines = "".join(f"{number},{row['text']},{row['sentiment']}\n" for number, row in enumerate(REVIEWS))
    start("reviews.csv", f",text,label\n{lines}".encode())
    config = written()
    assert (config.dataset.columns, config.scoring.labels) == (None, ("bad", "good"))


def test_parquet_is_read_by_its_own_names(start: Callable[..., Started], tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([{"idx": number, **row} for number, row in enumerate(REVIEWS)]), tmp_path / "r.parquet")
    start("r.parquet", (tmp_path / "r.parquet").read_bytes())
    config = written()
    assert (config.dataset.id, config.dataset.input, config.dataset.target) == ("idx", "text", "sentiment")


def test_odd_column_names_and_labels_survive_yaml_and_templates(start: Callable[..., Started]) -> None:
    rows = [
        {'the "text": of it': f"words and {{{{ braces }}}} {n}", "id": n % 2, "Class: {{x}}": ["yes", "a: b", "{{ no }}"][n % 3]}
        for n in range(30)
    ]
    start("odd.jsonl", as_jsonl(rows))
    config = written()
    assert config.dataset.input == 'the "text": of it'
    assert set(config.scoring.labels or ()) == {"yes", "a: b", "{{ no }}"}


def test_several_texts_are_put_together_by_the_prompt(start: Callable[..., Started]) -> None:
    rows = [{"premise": f"A man number {n} eats", "hypothesis": f"Somebody eats {n} times", "gold": "yn"[n % 2]} for n in range(20)]
    start("pairs.jsonl", as_jsonl(rows))
    assert written().prompt.user == "premise: {{ premise }}\nhypothesis: {{ hypothesis }}"


def test_right_answers_that_are_texts_are_a_task_with_texts_and_it_is_told_that_this_is_a_guess(start: Callable[..., Started]) -> None:
    rows = [{"question": f"What is {n} + 1?", "answer": f"It is {n + 1}, I think."} for n in range(20)]
    started = start("qa.jsonl", as_jsonl(rows))
    config = written()
    assert (config.task, config.scoring.scorer, config.scoring.labels) == ("qa", None, None)
    assert [str(file) for file in started.files] == ["eval.yaml"]
    assert "task    qa: a guess, to be changed in eval.yaml" in "\n".join(started.lines)
    assert "Or is it classification, generation" in Path("eval.yaml").read_text()


def test_rows_without_a_right_answer_are_asked_all_the_same(start: Callable[..., Started]) -> None:
    start("questions.jsonl", as_jsonl([{"question": f"What is {n} plus one?"} for n in range(20)]))
    config = written()
    assert (config.dataset.target, config.scoring.scorer) == (None, "scorer.py:length")


def test_nothing_is_overwritten_unless_forced(start: Callable[..., Started]) -> None:
    start("reviews.jsonl", as_jsonl(REVIEWS))
    Path("eval.yaml").write_text("mine")
    with pytest.raises(UsageError, match="is there already"):
        start("reviews.jsonl", as_jsonl(REVIEWS))
    assert Path("eval.yaml").read_text() == "mine"
    start("reviews.jsonl", as_jsonl(REVIEWS), force=True)
    assert written().name == "reviews"


def test_where_there_is_no_room_the_old_config_stays_and_nothing_else(start: Callable[..., Started]) -> None:
    start("reviews.jsonl", as_jsonl(REVIEWS))
    Path("eval.yaml").write_text("mine")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        with pytest.raises(StorageFailed, match=r"eval\.yaml: the file is larger than allowed here"):
            first_config("reviews.jsonl", Path("eval.yaml"), force=True, environ={}, fetch=nobody)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert Path("eval.yaml").read_text() == "mine"
    assert {path.name for path in Path().iterdir()} == {"eval.yaml", "reviews.jsonl"}


def test_a_scorer_that_is_there_keeps_the_config_from_being_written(start: Callable[..., Started]) -> None:
    Path("scorer.py").write_text("mine")
    with pytest.raises(UsageError, match=r"scorer\.py is there already"):
        start("questions.jsonl", as_jsonl([{"question": "What is one plus one?"}]))
    assert not Path("eval.yaml").exists()


def test_a_server_in_the_environment_is_asked_for_its_first_model(start: Callable[..., Started]) -> None:
    asked: list[tuple[str, str | None]] = []

    def listing(url: str, key: str | None) -> bytes:
        asked.append((url, key))
        return b'{"data": [{"id": "my-adapter"}, {"id": "base"}]}'

    environ = {"OPENAI_BASE_URL": "http://localhost:8000/v1/", "OPENAI_API_KEY": "k"}
    start("reviews.jsonl", as_jsonl(REVIEWS), environ=environ, fetch=listing)
    model = written().model
    assert (model.name, model.base_url, model.api_key_env) == ("my-adapter", "http://localhost:8000/v1", "OPENAI_API_KEY")
    assert asked == [("http://localhost:8000/v1/models", "k")]
    assert "\nk\n" not in Path("eval.yaml").read_text()


def test_of_several_models_the_others_are_told_and_where_a_key_would_be_named(start: Callable[..., Started]) -> None:
    listed = b'{"data": [{"id": "embedder"}, {"id": "chatter"}]}'
    environ = {"OPENAI_BASE_URL": "http://localhost:8000/v1"}
    told = "\n".join(start("reviews.jsonl", as_jsonl(REVIEWS), environ=environ, fetch=lambda url, key: listed).lines)
    assert "asks embedder at http://localhost:8000/v1 (OPENAI_BASE_URL); it has also chatter" in told
    assert "  # api_key_env: OPENAI_API_KEY" in Path("eval.yaml").read_text()


def test_a_server_that_lists_nothing_may_want_a_key(start: Callable[..., Started]) -> None:
    told = "\n".join(start("reviews.jsonl", as_jsonl(REVIEWS), environ={"OPENAI_BASE_URL": "http://localhost:8000/v1"}).lines)
    assert "put the name into model.name; if it wants a key, export OPENAI_API_KEY" in told


def test_a_key_alone_means_openai(start: Callable[..., Started]) -> None:
    Path(".env").write_text("OPENAI_API_KEY=k")
    start("reviews.jsonl", as_jsonl(REVIEWS))
    assert (written().model.base_url, written().model.sandbox) == ("", None)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"text,label\n", "no rows"),
        ("a.csv", "text,label\n".encode("utf-16"), "is UTF-16"),
        ("a.csv", b"text;label\nhi;ham\n", "separated by semicolons"),
        ("a.csv", b"text\tlabel\nhi\tham\n", "separated by tabs"),
        ("a.jsonl", b"{}\n{", "a.jsonl:2: not valid JSON"),
        ("a.csv", b"text,text,label\nhi there,you,ham\nbye now,you,spam\n", "the column 'text' is named twice"),
        ("a.jsonl", b'{"conversations": [{"from": "human", "value": "hi"}]}\n', "ShareGPT"),
        ("a.jsonl", as_jsonl([*CHATS, {"messages": []}]), "a.jsonl:31: the conversation in 'messages' is an empty list"),
        ("a.jsonl", as_jsonl([{"messages": [CALLED["messages"][0], TOOL_CALL]}]), "no answer in 'messages' has a text"),
        ("a.xlsx", b"PK", "does not read .xlsx"),
        ("eval.yaml", b"name: x", "is a config already"),
    ],
)
def test_what_cannot_be_read_is_told_and_nothing_is_written(start: Callable[..., Started], name: str, data: bytes, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        start(name, data)
    assert said in str(caught.value)
    assert caught.value.hint
    assert name == "eval.yaml" or not Path("eval.yaml").exists()


@pytest.mark.parametrize(
    ("first", "rest", "header"),
    [
        (["text", "label"], [["hi", "ham"]], True),
        (["ham", "hi there"], [["spam", "win"], ["ham", "bye"]], False),
        (["1", "a text"], [["2", "another"]], False),
        (["label", "label"], [["a", "b"]], True),  # which whoever reads the file refuses
        (["", "label"], [["0", "b"], ["1", "c"]], True),  # pandas' index
        (["", ""], [["a", "b"]], False),
        (["praise", "this one is a whole sentence, and so no name"], [["bug", "it broke"]], False),
        (["only"], [], True),
    ],
)
def test_a_first_line_names_columns_unless_it_looks_like_data(first: list[str], rest: list[list[str]], header: bool) -> None:
    assert is_header(first, rest) is header


def test_labels_are_few_short_and_come_again() -> None:
    assert are_labels({"a": 1, "b": 1})
    assert not are_labels({"a": 5})
    assert not are_labels({f"answer {n}": 1 for n in range(10)})
    assert not are_labels({f"label {n}": 9 for n in range(51)})
    assert not are_labels({"a" * 61: 9, "b": 9})


def test_spellings_of_one_label_are_one_label_and_what_to_correct_is_told(start: Callable[..., Started]) -> None:
    spelled = {3: " good", 4: "Good", 6: "BAD"}
    rows = [{**row, "sentiment": spelled.get(number, row["sentiment"])} for number, row in enumerate(REVIEWS)]
    told = "\n".join(start("reviews.jsonl", as_jsonl(rows)).lines)
    config = written()
    assert config.scoring.labels == ("bad", "good")
    assert config.prompt.system == "Answer with one word: bad or good."
    assert "correct reviews.jsonl, or the run is refused: 'good' also as ' good' (1 row); 'good' also as 'Good' (1 row)" in told
    assert "'bad' also as 'BAD' (1 row)" in told


def test_stars_are_labels_of_their_own(start: Callable[..., Started]) -> None:
    rows = [{"text": row["text"], "label": "*" * (1 + number % 3)} for number, row in enumerate(REVIEWS)]
    start("stars.jsonl", as_jsonl(rows))
    assert written().scoring.labels == ("*", "**", "***")


def test_a_mistyped_data_file_is_told_before_a_config_that_is_there(start: Callable[..., Started]) -> None:
    start("reviews.jsonl", as_jsonl(REVIEWS))
    with pytest.raises(UsageError, match=r"no file reviws\.jsonl"):
        first_config("reviws.jsonl", Path("eval.yaml"), force=False, environ={}, fetch=nobody)
