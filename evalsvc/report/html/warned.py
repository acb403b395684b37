"""What a number on its own would hide, the most harmful first."""

from evalsvc.records import Summary
from evalsvc.report.html.markup import Html, folded, text
from evalsvc.report.words import some

OPEN = 3


def warnings(summary: Summary) -> Html:
    """The first few to be read at once, the others a click away; "" without any."""
    items = [f"<li>{text(warning['message'])}</li>" for warning in summary["warnings"]]
    others = _list(items[OPEN:])
    return Html(_list(items[:OPEN]) + folded(f"{some(len(items) - OPEN, 'more warning')}", others))


def _list(items: list[str]) -> str:
    return f'<ul class="warnings">{"".join(items)}</ul>' if items else ""
