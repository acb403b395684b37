"""What became of the rows."""

from evalsvc.records import Summary
from evalsvc.report.html.markup import Html, text
from evalsvc.report.intro import outcome_tone, outcome_words
from evalsvc.report.words import count, percent


def outcomes(summary: Summary) -> Html:
    """A bar of all rows, and its key in words; "" without rows."""
    seen = {outcome: rows for outcome, rows in summary["outcomes"].items() if rows}
    total = sum(seen.values())
    if not total:
        return Html("")
    shades = _shades(tuple(seen))
    bar = "".join(f'<i class="{shades[outcome]}" style="flex:{rows}"></i>' for outcome, rows in seen.items())
    key = "".join(
        f'<li><i class="key {shades[outcome]}" aria-hidden="true"></i>{text(outcome_words(outcome, summary))} '
        f'<span class="amount">{count(rows)}</span> <span class="faint">({percent(rows, total)})</span></li>'
        for outcome, rows in seen.items()
    )
    return Html(f'<div class="shares" aria-hidden="true">{bar}</div><ul class="legend">{key}</ul>')


def _shades(seen: tuple[str, ...]) -> dict[str, str]:
    """Classes by outcome: its tone, lighter for every further one of the same tone."""
    shades: dict[str, str] = {}
    for outcome in seen:
        fill = f"of-{'faint' if outcome == 'pending' else outcome_tone(outcome).value}-fill"
        shades[outcome] = f"{fill} lighter-{sum(shade.startswith(fill) for shade in shades.values())}"
    return shades
