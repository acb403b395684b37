"""A comparison as one HTML file that fetches nothing."""

from evalsvc import __version__
from evalsvc.compare.nouns import Comparison, Field
from evalsvc.report.comparing.ranking import heading
from evalsvc.report.comparing.sides import label
from evalsvc.report.html.comparison import COMPARISON_STYLE, comparison_section
from evalsvc.report.html.document import document
from evalsvc.report.html.markup import text
from evalsvc.report.html.several import several_sections


def as_page(what: Comparison | Field) -> str:
    if isinstance(what, Field):
        title, about, body = "Comparison", heading(what), "".join(several_sections(what))
    else:
        title, about, body = f"{label(what.b)} (B) against {label(what.a)} (A)", "", comparison_section(what)
    return document(
        title=f"{title} – evalsvc",
        heading=f'<h1>{text(title)}</h1><p class="about">{text(about)}</p>',
        body=body,
        foot=f"<p>evalsvc {text(__version__)}</p>",
        style=COMPARISON_STYLE,
    )
