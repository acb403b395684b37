"""What the numbers rest on and what they cost."""

from evalsvc.records import Summary
from evalsvc.report.facts import SEPARATOR
from evalsvc.report.footing import footing
from evalsvc.report.html.markup import Html, table


def took(summary: Summary) -> Html:
    """Model, tokens and money, calls, latency and time, as far as they are known."""
    rows = [(fact.label, SEPARATOR.join(part.text for part in fact.parts)) for fact in footing(summary)]
    return table(("what", "value"), rows, caption="Calls, tokens and time", words=(1,), kind="facts")
