import sys
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import pytest

from evalsvc.errors import UsageError
from evalsvc.metrics.families import matches
from evalsvc.metrics.families.metric import SumMetric
from tests.metrics.families.answers import answer, setting, wanted

PERSON = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}}}


def built(name: str, **options: Any) -> SumMetric:
    return matches.build(wanted(name, **options), setting())


def worth(metric: SumMetric, text: str) -> float:
    assert metric.measure is not None
    measured = metric.measure(answer(text))
    assert measured is not None
    return measured.scores[metric.name]


@pytest.mark.parametrize("text", ['{"a": 1}', "[1, 2]", '"text"', "42", "null", ' {"a": "\\ud800"}\n', '```json\n{"a": 1}\n```', "9" * 400])
def test_json_is_valid(text: str) -> None:
    assert worth(built("json_valid"), text) == 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{'a': 1}",
        '{"a": 1,}',
        '{"a": NaN}',
        "[Infinity]",
        '{"a": 1} done',
        'Here: {"a": 1}',
        '{"a": 1',
        "{a: 1}",
        "01",
        "True",
        '"a\nb"',
    ],
)
def test_what_is_nearly_json_is_not(text: str) -> None:
    assert worth(built("json_valid"), text) == 0


def test_an_object_may_be_asked_for() -> None:
    objects = built("json_valid", object=True)
    assert [worth(objects, text) for text in ('{"a": 1}', "[1]", "42")] == [1, 0, 0]


@pytest.mark.parametrize(
    ("text", "fits"),
    [('{"name": "Ada", "age": 36}', 1), ('{"age": 36}', 0), ('{"name": "Ada", "age": -1}', 0), ('{"name": 1}', 0), ("[]", 0), ("{", 0)],
)
def test_an_answer_has_the_shape_of_the_schema_or_not(text: str, fits: int) -> None:
    assert worth(built("json_schema", schema=PERSON), text) == fits


def test_a_schema_may_stand_in_a_file_beside_the_config(tmp_path: Path) -> None:
    (tmp_path / "person.json").write_text('{"type": "object", "required": ["name"]}')
    metric = matches.build(wanted("json_schema", schema={"file": "person.json"}), setting(base_dir=tmp_path))
    assert [worth(metric, text) for text in ('{"name": 1}', "{}")] == [1, 0]
    same = matches.build(wanted("json_schema", schema={"required": ["name"], "type": "object"}), setting())
    assert metric.signature == same.signature


def test_parts_of_a_schema_may_refer_to_each_other() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    metric = built("json_schema", schema={"$ref": "#/$defs/node", "$defs": {"node": node}})
    assert [worth(metric, text) for text in ('{"next": {"next": {}}}', '{"next": {"next": 1}}')] == [1, 0]


def test_an_answer_too_deep_to_be_looked_through_does_not_fit() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}
    metric = built("json_schema", schema={"$ref": "#/$defs/node", "$defs": {"node": node}})
    assert worth(metric, '{"next":' * 900 + "{}" + "}" * 900) == 0


def test_an_older_dialect_is_read_as_it_was() -> None:
    old = {"$schema": "http://json-schema.org/draft-04/schema#", "type": "number", "minimum": 0, "exclusiveMinimum": True}
    metric = built("json_schema", schema=old)
    assert "draft-04" in metric.signature
    assert [worth(metric, text) for text in ("0", "1")] == [0, 1]


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (None, "needs a `schema`"),
        ({"type": "objekt"}, "at /type"),
        ({"properties": {"a": {"pattern": "("}}}, "at /properties/a/pattern"),
        ({"$schema": "https://example.com/mine"}, "no dialect"),
        ({"$ref": "#/$defs/gone"}, "leads to nothing"),
        ({"properties": {"a": {"$ref": "https://example.com/b.json"}}}, "leads to nothing"),
        ({"$ref": "#"}, "leads back to itself"),
        ({"file": "gone.json"}, "cannot be read"),
    ],
)
def test_a_schema_that_cannot_be_followed_is_found_out_before_the_run(schema: Any, message: str) -> None:
    with pytest.raises(UsageError, match=r"eval\.yaml:9.*" + message):
        built("json_schema", schema=schema)


def test_a_reference_within_a_part_of_its_own_is_found_out_at_the_row_and_nothing_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "b.json").write_text("{}")
    schema = {"properties": {"a": {"$id": f"{tmp_path.as_uri()}/a.json", "$ref": "b.json"}}}
    metric = built("json_schema", schema=schema)
    with catch_warnings():
        simplefilter("ignore")  # with which jsonschema fetches what it was not given
        with pytest.raises(UsageError, match="cannot be followed"):
            worth(metric, '{"a": 1}')


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jsonschema", None)
    with pytest.raises(UsageError) as raised:
        built("json_schema", schema=PERSON)
    assert raised.value.hint == "pip install 'evalsvc[json]'"
