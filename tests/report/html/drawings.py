"""Drawings as they stand on a page, read again."""

import re
from collections.abc import Iterator
from xml.etree import ElementTree

from evalsvc.report.html.svg.panel import FONT, LETTER


def pictures(html: str) -> list[ElementTree.Element]:
    """The drawings but for those of legends; each is XML too."""
    return [ElementTree.fromstring(svg) for svg in re.findall(r"<svg viewBox[^>]*role=.*?</svg>", html)]


def tips(picture: ElementTree.Element) -> list[str]:
    return [shape.text or "" for shape in picture.iterfind(".//*/title")]


def numbers_in(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split() for point in re.split("[ML]", path) if point)]


def boxes(picture: ElementTree.Element) -> Iterator[tuple[float, float, float, float, str]]:
    """About where each text stands: left, top, right, bottom."""
    for words in picture.iter("text"):
        x, y, width = float(words.get("x", 0)), float(words.get("y", 0)), len(words.text or "") * LETTER * FONT
        left = x - {"end": width, "middle": width / 2}.get(words.get("text-anchor", ""), 0.0)
        yield left, y - 0.75 * FONT, left + width, y + 0.2 * FONT, words.text or ""


def check_layout(picture: ElementTree.Element) -> None:
    _, _, width, height = map(float, picture.get("viewBox", "").split())
    written = list(boxes(picture))
    for left, top, right, bottom, words in written:
        assert left >= -1, words
        assert right <= width + 1, words
        assert 0 <= top <= bottom <= height, words
    for place, one in enumerate(written):
        for other in written[place + 1 :]:
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (one[4], other[4])
