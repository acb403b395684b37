"""The browser of rows: the data it is filled from, what can be read without it, and its script and style.

<p>            how many rows of how many, and how they were chosen
#rows-browser  empty; browser.js fills it
table          the first rows, for paper and for browsers without JavaScript
#rows-data     JSON
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from shlex import quote
from typing import Any, Final
from urllib.parse import urlencode

from evalsvc.metrics.names import LOWER_IS_BETTER
from evalsvc.records import Outcome, Summary
from evalsvc.report.facts import SEPARATOR
from evalsvc.report.html.markup import Html, folded, note, section, table, text
from evalsvc.report.html.row_data import rows_data, script_json
from evalsvc.report.html.shown import ShownRow
from evalsvc.report.intro import outcome_tone, outcome_words
from evalsvc.report.plain import shorten
from evalsvc.report.words import count, some

ROWS_ID: Final = "rows"
IN_THE_TABLE: Final = 20
_WIDTH, _ID_WIDTH = 240, 40
# Of what is not its own, the style uses the colours of style.py.
ROWS_STYLE: Final = """
.rows-form{display:flex;flex-wrap:wrap;gap:.5rem 1.1rem;align-items:end;margin:1rem 0 .4rem}
.rows-form label{display:flex;flex-direction:column;font-size:.87em;color:var(--faint);min-width:0}
.rows-form .wide{flex:1 1 16rem}
.rows-form select,.rows-form input,#rows-browser button{font:inherit;color:var(--ink);background:var(--paper);border:1px solid var(--faint);
border-radius:3px;padding:.3rem .5rem;min-height:2.2rem;max-width:100%}
.rows-form select{max-width:16rem} .rows-form input{width:100%}
#rows-browser button{cursor:pointer;font-size:.87em} #rows-browser button:hover{background:var(--panel)}
.rows-status{font-size:.87em;color:var(--faint);margin:.2rem 0 .6rem}
.rows-shared{margin:.8rem 0} .rows-shared .lines{max-width:62em;margin-top:0!important}
.rows-list{list-style:none;margin:0;padding:0;border-bottom:1px solid var(--line)}
.rows-list li{padding:.7rem 0 .8rem;border-top:1px solid var(--line);scroll-margin-top:1rem}
.row-head{display:flex;flex-wrap:wrap;gap:.1rem 1rem;align-items:baseline;margin-bottom:.4rem;overflow-wrap:anywhere}
.row-outcome{font-weight:650} .row-facts{font-size:.87em}
.row-texts{display:grid;grid-auto-flow:column;grid-auto-columns:minmax(0,1fr);gap:.5rem 1.5rem}
.row-texts.of-short{grid-template-columns:minmax(0,4fr) minmax(0,2fr) minmax(0,1fr)}
.row-part{max-height:13.3em;overflow:hidden} li.open .row-part{max-height:none}
.row-label,.row-role{font-size:.87em;color:var(--faint)} .row-role{margin-top:.35em}
#rows-browser .lines{white-space:pre-wrap;overflow-wrap:anywhere}
#rows-browser .row-texts .lines+.lines{margin-top:.4em;padding-top:.4em;border-top:1px dotted var(--line)}
#rows-browser del,#rows-browser ins{background:color-mix(in srgb,var(--bad) 12%,transparent);text-decoration:line-through 1px var(--bad)}
#rows-browser ins{background:color-mix(in srgb,var(--good) 12%,transparent);
text-decoration:underline 2px var(--good);text-underline-offset:.15em}
#rows-browser .row-open{border:0;padding:0;min-height:1.9rem;color:var(--accent);text-decoration:underline;background:none}
.rows-more{display:block;margin:.9rem auto 0} .rows-more[hidden]{display:none}
::highlight(found-in-rows){background-color:color-mix(in srgb,var(--warn) 40%,transparent)}
table.rows td,table.rows th{vertical-align:top;overflow-wrap:anywhere;min-width:5em} table.rows td:nth-child(2){min-width:11em}
@media (max-width:48rem){.row-texts{grid-auto-flow:row;grid-template-columns:minmax(0,1fr)}
.row-texts.of-short{grid-template-columns:repeat(2,minmax(0,1fr))} .of-short>:first-child:nth-last-child(3){grid-column:1/-1}
.rows-form label{flex:1 1 9rem} .rows-form select{max-width:none}}
@media screen{.rows-live .rows-plain{display:none}}
"""

# Of more different answers than this, a list to choose from helps nobody, unless they are labels.
_MOST_CHOICES = 12


def rows_section(rows: Sequence[ShownRow], *, summary: Summary, run_dir: str) -> str:
    """A section of a page, which needs `rows_script` and `ROWS_STYLE`; "" without rows."""
    if not rows:
        return ""
    return section(
        ROWS_ID,
        "Rows",
        _chosen(rows, summary),
        '<div id="rows-browser" class="no-print"></div>',
        f'<div class="rows-plain">{_table(rows, summary)}</div>',
        folded("All rows", _commands(run_dir)),
        f'<script type="application/json" id="rows-data">{script_json(_data(rows, summary))}</script>',
    )


def rows_script() -> str:
    """JavaScript, to stand behind the section: it fills `#rows-browser`, and shows what the fragment of the address asks for."""
    return Path(__file__).with_name("browser.js").read_text("utf-8")


def rows_link(**wanted: str) -> str:
    """The fragment that opens the browser with filters set: `outcome`, `target`, `predicted` (a label, or the outcome without one),
    `q` (what to search).

    >>> rows_link(target="spam", predicted="ham & eggs")
    '#rows?target=spam&predicted=ham+%26+eggs'
    """
    return f"#{ROWS_ID}?{urlencode(wanted, errors='replace')}"


def _chosen(rows: Sequence[ShownRow], summary: Summary) -> str:
    shown, there = Counter(row.outcome for row in rows), summary["outcomes"]
    total = sum(there.values()) - there.get("pending", 0)
    if len(rows) == total:
        return note(f"All {some(total, 'row')}.", _unprompted(rows))
    shares = [f"{count(shown[outcome])} of {count(there[outcome])} {outcome_words(outcome, summary)}" for outcome in _ordered(shown)]
    has_worst = shown[Outcome.SCORED] and not summary["confusion_matrix"]
    how = "Those with the lowest hash of their id, which is the same draw every time" + (
        ", and the worst of what has a score and no right and wrong." if has_worst else "."
    )
    return note(f"{count(len(rows))} of {some(total, 'row')}: {SEPARATOR.join(shares)}. {how}", _unprompted(rows))


def _ordered(outcomes: Counter[str]) -> Iterator[str]:
    """Those that occur, in the order in which summaries have them."""
    return (outcome.value for outcome in Outcome if outcomes[outcome.value])


def _unprompted(rows: Sequence[ShownRow]) -> str:
    return "" if any(row.messages for row in rows) else "The journal of this run keeps no prompts (journal.prompts: false)."


def _table(rows: Sequence[ShownRow], summary: Summary) -> Html:
    shown = rows[:IN_THE_TABLE]
    caption = f"The first {count(len(shown))} of {some(len(rows), 'row')}" if len(shown) < len(rows) else some(len(rows), "row")
    lines = [_line(row, summary) for row in shown]
    return table(("outcome", "row", "prompt", "reply", "target"), lines, caption=caption, words=range(5), kind="rows")


def _line(row: ShownRow, summary: Summary) -> list[str]:
    asked = row.messages[-1].text if row.messages else ""
    said = row.error or row.refusal or row.reply or row.prediction or ""
    named = f"{row.id} #{row.repeat}" if row.repeat else row.id
    right = row.target or " / ".join(row.references)
    return [outcome_words(row.outcome, summary), shorten(named, _ID_WIDTH), *(shorten(words, _WIDTH) for words in (asked, said, right))]


def _commands(run_dir: str) -> Html:
    scored, journal = (quote(f"{run_dir}/{name}") for name in ("scored.jsonl", "predictions.jsonl"))
    lines = (
        f"jq -c 'select(.outcome==\"wrong\")' {scored}",
        f"jq 'select(.id==\"…\") | {{messages, output, reasoning, error}}' {journal}",
    )
    return Html("<pre>" + "\n".join(map(text, lines)) + "</pre>")


def _data(rows: Sequence[ShownRow], summary: Summary) -> dict[str, Any]:
    has_labels = bool(summary["confusion_matrix"])
    outcomes = list(_ordered(Counter(row.outcome for row in rows)))
    scores = dict.fromkeys(name for row in rows for name in row.scores)
    return {
        **rows_data(rows),
        "by_target": has_labels,
        "by_prediction": has_labels or _repeats([row.prediction for row in rows]),
        "outcomes": {outcome: {"words": outcome_words(outcome, summary), "tone": outcome_tone(outcome).value} for outcome in outcomes},
        "lower_is_better": [name for name in scores if name.removeprefix("sentence_") in LOWER_IS_BETTER],
    }


def _repeats(predictions: Sequence[str | None]) -> bool:
    """Whether the same few answers come again and again: ratings, verdicts."""
    different = set(predictions) - {None}
    return 1 < len(different) <= _MOST_CHOICES and len(different) * 4 <= len(predictions)
