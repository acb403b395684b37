"""docs/endpoints.md: every snippet is a config that loads, and every anchor that is pointed to is there."""

import re
from pathlib import Path

import pytest

from evalsvc.config import load_config
from evalsvc.sandbox.settings import arguments

CHECKOUT = Path(__file__).parents[2]
PAGE = (CHECKOUT / "docs" / "endpoints.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```yaml\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
DATA = "name: snippet\ndataset: {path: rows.csv, input: text, target: label}\n"
POINTERS = re.compile(r"docs/endpoints\.md#([\w-]+)")


def slug(heading: str) -> str:
    """The anchor that a heading is given by itself.

    >>> slug("revision and endpoint_id"), slug("llama.cpp")
    ('revision-and-endpoint_id', 'llamacpp')
    """
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


HEADINGS = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```$", "", PAGE, flags=re.MULTILINE | re.DOTALL), flags=re.MULTILINE)
ANCHORS = {slug(heading) for heading in HEADINGS}


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_a_snippet_loads_beside_a_data_set(snippet: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("text,label\na,b\n")
    config = tmp_path / "eval.yaml"
    config.write_text(DATA + snippet)
    loaded = load_config(config, environ={}).config
    assert loaded.model.name
    if loaded.model.sandbox is not None:
        assert arguments(loaded.model.sandbox, tmp_path)


def test_every_server_of_the_table_has_its_snippet() -> None:
    named = re.findall(r"^\| \[[^]]+\]\(#([\w-]+)\)", PAGE, flags=re.MULTILINE)
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    shown = {slug(section.partition("\n")[0]) for section in sections if "```yaml" in section}
    assert len(set(named)) == 9
    assert set(named) <= shown


def test_anchors_within_the_page_are_there() -> None:
    assert set(re.findall(r"\]\(#([\w-]+)\)", PAGE)) <= ANCHORS


def test_hints_point_to_anchors_that_are_there() -> None:
    sources = "".join(path.read_text(encoding="utf-8") for path in (CHECKOUT / "evalsvc").rglob("*.py"))
    assert set(POINTERS.findall(sources)) <= ANCHORS
