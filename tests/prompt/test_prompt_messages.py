"""Rows become conversations, and a template that cannot be filled says which, where and for which row."""

from pathlib import Path
from typing import Any

import pytest

from evalsvc.config.models import Message, PromptConfig, PromptFile
from evalsvc.errors import UsageError
from evalsvc.prompt import Prompt
from evalsvc.records import Sample


def sample(fields: dict[str, Any], *, id: str = "42", input: Any = None) -> Sample:  # noqa: A002 as the field is called
    return Sample(id=id, row_hash=b"8 bytes!", fields=fields, input=input, target="spam")


def load(config: PromptConfig, base_dir: Path = Path()) -> Prompt:
    return Prompt.load(config, base_dir, target_column="label", where=lambda key: f"eval.yaml:5 ({key})")


def user(template: str, fields: dict[str, Any], *, input: Any = None) -> str:  # noqa: A002
    return str(load(PromptConfig(user=template)).messages(sample(fields, input=input))[-1]["content"])


def refusal(template: str, fields: dict[str, Any]) -> str:
    with pytest.raises(UsageError) as caught:
        user(template, fields)
    return caught.value.message


def test_system_and_user_become_two_messages() -> None:
    prompt = load(PromptConfig(system="One word.", user="{{ text }}"))
    assert prompt.messages(sample({"text": "hi"})) == [{"role": "system", "content": "One word."}, {"role": "user", "content": "hi"}]


def test_a_whole_conversation_keeps_its_order() -> None:
    turns = (Message(role="user", content="{{ a }}"), Message(role="assistant", content="ok"), Message(role="user", content="{{ id }}"))
    messages = load(PromptConfig(messages=turns)).messages(sample({"a": "x"}))
    assert [(message["role"], message["content"]) for message in messages] == [("user", "x"), ("assistant", "ok"), ("user", "42")]


@pytest.mark.parametrize(("value", "text"), [("hi", "hi"), (5, "5"), (True, "true"), ({"b": 1}, '{"b":1}'), (["a"], '["a"]')])
def test_without_a_prompt_the_user_message_is_the_input(value: Any, text: str) -> None:
    assert load(PromptConfig()).messages(sample({"text": value}, input=value)) == [{"role": "user", "content": text}]


def test_without_a_prompt_a_row_without_input_is_refused() -> None:
    with pytest.raises(UsageError, match="row '42' has no input"):
        load(PromptConfig()).messages(sample({"text": "hi"}))


def test_chat_messages_as_input_are_pointed_to_dataset_messages() -> None:
    with pytest.raises(UsageError, match="the input is a list of chat messages") as caught:
        load(PromptConfig()).messages(sample({}, input=[{"role": "user", "content": "hi"}]))
    assert "dataset.messages" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{{ row['my column'] }}", "mine"),
        ("{{ input }} {{ id }}", "the input 42"),
        ("{{ row.input }} {{ row['id'] }} {{ row.row }}", "a column b column c column"),
        ("{{ missing | default('none') }}", "none"),
        ("{% if missing is defined %}x{% endif %}.", "."),
        ("{{ flag }} {{ null }}. {{ many }}", 'true . ["é",{"a":1}]'),
        ("{{ many | tojson }}", '["é",{"a":1}]'),
        ("{{ html }}", "<b>&'"),
        ("{% for i in range(2) %}{{ i }}{% endfor %}", "01"),
        ("{% set ns = namespace(n=1) %}{{ ns.n }}", "1"),
        ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(html) }}", "[<b>&']"),
        ("line\n", "line"),
        ("{# nothing #}", ""),
        ("{{ '{{' }}", "{{"),
        ("{{ joiner }}", "a column called as one of Jinja's functions"),
    ],
)
def test_a_template_sees_columns_and_its_own_names(template: str, text: str) -> None:
    fields = {
        "my column": "mine",
        "input": "a column",
        "id": "b column",
        "row": "c column",
        "flag": True,
        "null": None,
        "many": ["é", {"a": 1}],
        "html": "<b>&'",
        "joiner": "a column called as one of Jinja's functions",
    }
    assert user(template, fields, input="the input") == text


def test_a_column_called_input_is_seen_where_the_config_names_no_other() -> None:
    assert user("{{ input }}", {"input": "the column"}) == "the column"


def test_a_lone_surrogate_goes_through() -> None:
    assert user("<{{ text }}>", {"text": "\ud800"}) == "<\ud800>"


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ texx }}", "eval.yaml:5 (prompt.user): the template names texx, which row '42' does not have; did you mean text?"),
        ("{{ row['texx'] }}", "names texx, which row '42' does not have; did you mean text?"),
        ("{{ row.zzzz }}", "names zzzz, which row '42' does not have; its columns: text, number"),
        ("a\n{{ texx }}", "eval.yaml:5 (prompt.user), line 2 of the template: the template names texx"),
        ("{{ input }}", "names input, which row '42' does not have"),
        ("{{ row['label'] }}", "names label, the target column; the target is never visible to a template"),
        ("{{ 1 / 0 }}", "the template fails on row '42': ZeroDivisionError"),
        ("{{ text + 1 }}", "the template fails on row '42': TypeError"),
        ("{{ text.__class__.__mro__ }}", "fails on row '42': "),
        ("{{ row.update({}) }}", "the template fails on row '42': SecurityError"),
        ("{% include 'x' %}", "the template fails on row '42': "),
    ],
)
def test_a_template_that_fails_on_a_row_is_named_with_it(template: str, said: str) -> None:
    assert said in refusal(template, {"text": "hi", "number": 1})


def test_a_template_that_names_the_target_is_refused_before_any_row() -> None:
    with pytest.raises(UsageError, match="names label, the target column"):
        load(PromptConfig(user="{% if false %}{{ label }}{% endif %}"))


def test_a_variable_of_the_template_may_be_called_as_the_target() -> None:
    assert user("{% set label = text %}{{ label }}", {"text": "hi"}) == "hi"


@pytest.mark.parametrize("template", ["{{ text", "{% if x %}", "{% nope %}", "{{ x | random }}", "{{ x | nope }}"])
def test_a_template_that_is_not_valid_is_refused_with_its_place(template: str) -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:5 \(prompt\.user\), line 2 of the template: "):
        load(PromptConfig(user=f"first\n{template}"))


def test_a_template_may_be_a_file_and_its_errors_name_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "u.j2").write_text("Is this spam?\n{{ text }}\n", encoding="utf-8")
    prompt = load(PromptConfig(user=PromptFile(file="u.j2")), tmp_path)
    assert prompt.messages(sample({"text": "hi"}))[0]["content"] == "Is this spam?\nhi"
    with pytest.raises(UsageError, match=r"u\.j2:2: the template names text, which row '7' does not have"):
        prompt.messages(sample({"txt": "hi"}, id="7"))


def test_a_template_file_that_is_not_valid_is_refused_with_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "u.j2").write_text("a\nb {{ text }\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"u\.j2:2: "):
        load(PromptConfig(user=PromptFile(file="u.j2")), tmp_path)


def test_a_template_file_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:5 \(prompt\.system\.file\): the template .*u\.j2 cannot be read: No such file"):
        load(PromptConfig(system=PromptFile(file="u.j2")), tmp_path)


def test_the_fingerprint_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    (tmp_path / "u.j2").write_text("{{ text }}", encoding="utf-8")
    inline = load(PromptConfig(user="{{ text }}")).fingerprint
    assert load(PromptConfig(user=PromptFile(file="u.j2")), tmp_path).fingerprint == inline
    assert load(PromptConfig(messages=(Message(role="user", content="{{ text }}"),))).fingerprint == inline
    others = [PromptConfig(), PromptConfig(user="{{ text }}!"), PromptConfig(system="x", user="{{ text }}")]
    roles = PromptConfig(messages=(Message(role="system", content="{{ text }}"),))
    assert len({inline, *(load(other).fingerprint for other in [*others, roles])}) == 5


def test_another_input_column_is_another_prompt_where_a_template_sees_the_input() -> None:
    def fingerprint(user: str | None, column: str) -> str:
        return Prompt.load(PromptConfig(user=user), Path(), target_column=None, input_column=column).fingerprint

    assert fingerprint(None, "text") != fingerprint(None, "title")
    assert fingerprint("{{ input }}", "text") != fingerprint("{{ input }}", "title")
    assert fingerprint("{{ text }}", "text") == fingerprint("{{ text }}", "title")
