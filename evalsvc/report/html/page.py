"""The whole page of a run, section by section."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path, PurePath

from evalsvc import __version__
from evalsvc.journal.files import write_atomic
from evalsvc.report.html.charts import chart_sections, running_sections
from evalsvc.report.html.classes import classes
from evalsvc.report.html.comparison import COMPARISON_STYLE, comparison_section
from evalsvc.report.html.contents import Page
from evalsvc.report.html.document import document
from evalsvc.report.html.first import about, first_screen
from evalsvc.report.html.markup import Html, beside, section, text
from evalsvc.report.html.matrix import confusion_matrix
from evalsvc.report.html.reproduce import reproduce
from evalsvc.report.html.rows import ROWS_STYLE, rows_script, rows_section
from evalsvc.report.html.slices import slices
from evalsvc.report.html.thresholds import thresholds
from evalsvc.report.html.took import took
from evalsvc.report.plain import one_line
from evalsvc.rundir import Manifest


def write_report(path: Path, page: Page) -> None:
    """`page` as one file that needs nothing else; StorageFailed where it cannot be written."""
    write_atomic(path, render(page).encode())


def render(page: Page) -> str:
    """What there is no data for is left out."""
    summary = page.summary
    sections = [
        "" if page.comparison is None else comparison_section(page.comparison),
        beside(
            section(
                "confusion",
                "Confusion matrix",
                confusion_matrix(summary, {(row.target, row.prediction or row.outcome) for row in page.rows}),
            ),
            section("labels", "Labels", classes(summary)),
        ),
        *chart_sections(summary),
        section("slices", "Slices", slices(summary)),
        section("thresholds", "Thresholds", thresholds(summary)),
        section("took", "What it took", took(summary)),
        *running_sections(summary),
        rows_section(page.rows, summary=summary, run_dir=page.run_dir),
        section("reproduce", "How to reproduce", reproduce(page)),
    ]
    name = one_line(summary["name"])
    first = first_screen(summary, passed=page.passed, positive=page.manifest.config["scoring"].get("positive"))
    return document(
        title=f"{name} – evalsvc",
        heading=f'<h1>{text(name)}</h1><p class="about">{about(summary, *_data_and_day(page.manifest))}</p>',
        body=f"{first}{contents(''.join(sections))}{''.join(sections)}",
        style=(ROWS_STYLE if page.rows else "") + (COMPARISON_STYLE if page.comparison else ""),
        script=rows_script() if page.rows else "",
        foot=f"<p>{text(f'evalsvc {__version__} · {page.run_dir}')}</p>",
    )


def _data_and_day(manifest: Manifest) -> Iterator[str]:
    judged = manifest.identity.get("judged")
    yield f"answers of {', '.join(judged)}" if judged else PurePath(str(manifest.config["dataset"]["path"])).name
    days = [str(launch[key])[:10] for launch in manifest.launches for key in ("started_at", "ended_at") if launch.get(key)]
    if days:
        yield max(days)


_HEADED = re.compile(r'<section id="([\w-]+)"[^>]*><h2[^>]*>([^<]*)</h2>')


def contents(sections: str) -> Html:
    """Links to the sections, as `markup.section` makes them."""
    links = "".join(f'<a href="#{ident}">{text(unescape(heading))}</a>' for ident, heading in _HEADED.findall(sections))
    return Html(f'<nav aria-label="Contents">{links}</nav>' if links else "")
