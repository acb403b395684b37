import re
from functools import cache
from pathlib import Path

import pytest

from tests.docs.test_pages import CHECKOUT, PAGES

TOLD = re.compile(r"\b(docs/[\w/-]+\.md)(#[\w-]+)?")
LINKED = re.compile(r"\]\((?!https?:)([^)#\s]*)(#[^)\s]+)\)")
HEADING = re.compile(r"^#{1,6} +(.+?)\s*$", re.MULTILINE)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
SOURCES = sorted((CHECKOUT / "evalsvc").rglob("*.py"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """As GitHub makes them of headings: lower case, punctuation dropped, spaces to dashes."""
    headings = HEADING.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    return frozenset("#" + re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def is_there(page: Path, anchor: str) -> bool:
    return page.is_file() and (not anchor or anchor in anchors(page))


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.relative_to(CHECKOUT)))
def test_what_the_code_tells_to_read_is_there(source: Path) -> None:
    told = TOLD.findall(source.read_text(encoding="utf-8"))
    assert [page + anchor for page, anchor in told if not is_there(CHECKOUT / page, anchor)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(CHECKOUT)))
def test_links_into_a_page_lead_to_a_heading(page: Path) -> None:
    links = LINKED.findall(FENCED.sub("", page.read_text(encoding="utf-8")))
    assert [there + anchor for there, anchor in links if not is_there((page.parent / there) if there else page, anchor)] == []
