"""Pages to look at, and what a reader finds on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from evalsvc.config import EvalConfig
from evalsvc.records import Summary
from evalsvc.report.html.contents import Page
from evalsvc.report.html.page import render
from evalsvc.rundir import Manifest
from tests.report.cases import summary

CONFIG: Mapping[str, Any] = {
    "name": "spam-ft-v3",
    "dataset": {"path": "data/test.jsonl", "input": "text", "target": "label"},
    "prompt": {"system": "Answer with one word:\nspam or ham.", "user": "{{ text }}"},
    "model": {"name": "ft:abc123", "revision": "r7", "max_output_tokens": 3},
    "scoring": {"labels": ["spam", "ham"], "positive": "spam"},
    "gates": ["recall >= 0.80"],
}
VOID = frozenset({"meta", "link", "input", "br", "hr", "img", "wbr", "col"})


def manifest(config: Mapping[str, Any] | None = None, **changes: Any) -> Manifest:
    values: dict[str, Any] = {
        "id": "1a2b3c4d",
        "name": "spam-ft-v3",
        "identity": {"model": "ft:abc123", "revision": "r7", "endpoint": "https://api.test/v1", "api": "chat", "prompt": "22824cf4"},
        "config": EvalConfig.model_validate({**CONFIG, **(config or {})}).model_dump(mode="json"),
        "config_file": "eval.yaml",
        "base_dir": "/here",
        "dataset": {"sha256": "5" * 64, "rows": 5574, "without_target": 0, "labels": {}, "labels_complete": True},
        "server": {"id": "ft:abc123"},
        "price_source": "model.price",
        "versions": {"evalsvc": "0.1.0", "python": "3.11.7"},
        "launches": (
            {"started_at": "2026-11-20T22:00:00.000Z", "ended_at": "2026-11-21T02:00:00.000Z", "reason": "complete", "exit_code": 3},
        ),
    }
    return Manifest(**{**values, **changes})


def page(of: Summary | None = None, *, exit_code: int | None = 3, about: Manifest | None = None, **changes: Any) -> Page:
    given = {"run_dir": "runs/spam/1a2b3c4d", **changes}
    return Page(summary=of or summary(), manifest=about or manifest(), exit_code=exit_code, **given)


def rendered(of: Summary | None = None, **changes: Any) -> str:
    return render(page(of, **changes))


@dataclass
class Table:
    """A table as it stands: whether its cells head anything, and their texts."""

    caption: str = ""
    rows: list[list[str]] = field(default_factory=list)
    unscoped: int = 0  # header cells that do not say what they head


class Reader(HTMLParser):
    """What there is on a page; every tag must be closed, in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []  # tag, name, value
        self.headings: list[tuple[int, str]] = []
        self.tables: list[Table] = []
        self.feed(html)
        self.close()
        assert self.open == []

    @property
    def text(self) -> str:
        """What is there to be read, its blanks as one."""
        return " ".join(" ".join(self.words).split())

    def of(self, name: str) -> list[str]:
        return [value for _, named, value in self.attributes if named == name]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)
        if tag in ("h1", "h2", "h3", "h4"):
            self.headings.append((int(tag[1]), ""))
        if tag == "table":
            self.tables.append(Table())
        if tag == "tr":
            self.tables[-1].rows.append([])
        if tag in ("td", "th"):
            self.tables[-1].rows[-1].append("")
            self.tables[-1].unscoped += tag == "th" and "scope" not in dict(attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if {"style", "script"} & set(self.open):
            return
        self.words.append(data)
        if self.open and self.open[-1] in ("h1", "h2", "h3", "h4"):
            self.headings[-1] = (self.headings[-1][0], self.headings[-1][1] + data)
        if "caption" in self.open:
            self.tables[-1].caption += data
        elif {"td", "th"} & set(self.open):
            self.tables[-1].rows[-1][-1] += data

    def table(self, caption: str) -> Table:
        """The one whose caption begins so."""
        return next(one for one in self.tables if one.caption.startswith(caption))


def read(of: Summary | None = None, **changes: Any) -> Reader:
    return Reader(rendered(of, **changes))
