"""Rows that came out another way, in words."""

from collections.abc import Iterator

from evalsvc.compare.nouns import Comparison, Flip, Flips
from evalsvc.records import Outcome
from evalsvc.report.comparing.told import sense
from evalsvc.report.facts import Part, Tone
from evalsvc.report.plain import one_line
from evalsvc.report.sliced import p_words
from evalsvc.report.words import count, score


def counts(flips: Flips) -> Iterator[Part]:
    """The four numbers of the table that McNemar's test is on, and its p."""
    yield Part(f"right in both {count(flips.both_right)}")
    yield Part(f"wrong in both {count(flips.both_wrong)}")
    yield Part(f"turned right {count(flips.to_right)}", Tone.GOOD if flips.to_right else Tone.FAINT)
    yield Part(f"turned wrong {count(flips.to_wrong)}", Tone.BAD if flips.to_wrong else Tone.FAINT)
    yield Part(f"p {p_words(flips.p)} (mid-p McNemar)")


def row_name(flip: Flip) -> str:
    """The id; with its number where it is not the first repeat.

    >>> row_name(Flip(id="q-1", repeat=2, target=None, outcome_a="", outcome_b="", prediction_a="", prediction_b="", change=None))
    'q-1 #3'
    """
    return one_line(flip.id) + (f" #{flip.repeat + 1}" if flip.repeat else "")


def turn(flip: Flip, comparison: Comparison) -> Part:
    """What became of the row."""
    if flip.outcome_a == Outcome.CORRECT and flip.outcome_b != Outcome.CORRECT:
        return Part("turned wrong", Tone.BAD)
    if flip.outcome_b == Outcome.CORRECT and flip.outcome_a != Outcome.CORRECT:
        return Part("turned right", Tone.GOOD)
    if not flip.change:
        return Part("changed", Tone.PLAIN)
    metric = comparison.headline or ""
    return Part(f"{'rose' if flip.change > 0 else 'fell'} by {score(abs(flip.change))}", sense(metric, flip.change).tone)


def answer(prediction: str | None, output: str | None, outcome: str) -> str:
    """What counted as the answer; the outcome in brackets where nothing did.

    >>> answer("spam", "It is spam.", "correct"), answer(None, "Guten Tag", "scored"), answer(None, "I can't", "refused")
    ('spam', 'Guten Tag', '(refused)')
    """
    if prediction is None and outcome == Outcome.SCORED:
        prediction = output
    return f"({outcome})" if prediction is None else prediction
