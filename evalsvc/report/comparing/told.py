"""What a difference says, before anybody has decided how it looks: numbers as words, better or worse, told or not."""

from collections.abc import Iterable, Mapping

from evalsvc.compare.nouns import Comparison, Difference
from evalsvc.metrics.names import EXTENSION, LOWER_IS_BETTER
from evalsvc.report.facts import Part, Tone
from evalsvc.report.headline import worth_a_line
from evalsvc.report.plain import one_line
from evalsvc.report.sliced import p_words
from evalsvc.report.words import NOTHING, score

# More of these is neither good nor bad.
WITHOUT_DIRECTION = frozenset({"tie_rate", "judge_first_rate"})
CANNOT_TELL = "cannot tell"
THE_SAME = "the same"


def sense(metric: str, by: float) -> Part:
    """What it means that `metric` changed `by` so much.

    >>> sense("accuracy", -0.02).text, sense("ter", -1.3).text, sense("tie_rate", 0.1).text, sense("ext.words", -2.0).text
    ('worse', 'better', 'higher', 'lower')
    """
    if metric in WITHOUT_DIRECTION or metric.startswith(EXTENSION):
        return Part("higher" if by > 0 else "lower", Tone.STRONG)
    better = (by < 0) == (metric in LOWER_IS_BETTER)
    return Part("better", Tone.GOOD) if better else Part("worse", Tone.BAD)


def signed(value: float | None, digits: int = 4) -> str:
    """A difference. Zero has no sign, neither has the one that floating point gives it.

    >>> signed(0.0217), signed(-0.0435), signed(-0.0), signed(None)
    ('+0.0217', '-0.0435', '0.0000', '–')
    """
    return score(value) if value is None else ("+" if value > 0 else "") + score(value + 0.0, digits)


def digits_of(difference: Difference) -> int:
    """As many as the two numbers themselves have: a difference of BLEU is no more exact than BLEU."""
    return 3 if max(abs(difference.a or 0.0), abs(difference.b or 0.0)) > 1 else 4


def within(difference: Difference) -> str:
    """The interval; "" where there is none."""
    low, high, digits = difference.ci_low, difference.ci_high, digits_of(difference)
    return "" if low is None or high is None else f"[{signed(low, digits)}, {signed(high, digits)}]"


def p_of(difference: Difference) -> str:
    """Corrected where there are several pairs."""
    return p_words(difference.p if difference.p_holm is None else difference.p_holm)


def numbers(difference: Difference) -> tuple[str, str, str, str, str]:
    """A, B, difference, interval and p."""
    by = signed(difference.difference, digits_of(difference))
    return score(difference.a), score(difference.b), by, within(difference), p_of(difference)


def shown_from(difference: Difference) -> str:
    """The difference that so many rows would have shown; "" where nobody knows, or where no row differs."""
    return score(difference.mde, digits_of(difference)) if difference.mde else ""


def finding(difference: Difference) -> Part:
    """Better, worse, or why that cannot be said."""
    by = difference.difference
    if by is None:
        return Part(one_line(difference.reason or NOTHING), Tone.WARN)
    if difference.is_told:
        return sense(difference.metric, by)
    if by == 0 and not difference.mde:
        return Part(THE_SAME, Tone.FAINT)
    least = shown_from(difference)
    return Part(CANNOT_TELL + (f"; would have shown ≥ {least}" if least else ""), Tone.FAINT)


def sentence(comparison: Comparison) -> Part | None:
    """What can be said of the headline metric; None where no metric is shared."""
    differences = comparison.differences
    name = comparison.headline if comparison.headline in differences else next(iter(differences), None)
    return None if name is None else _sentence(differences[name])


def _sentence(difference: Difference) -> Part:
    a, b, by, ends, p = numbers(difference)
    name, found = one_line(difference.metric), finding(difference)
    change = f"{f'{a} → {b}, {by} {ends}'.rstrip()}, p {p}"
    if difference.difference is None:
        return Part(f"{name} cannot be compared: {found.text}", found.tone)
    if difference.is_told:
        return Part(f"{name} is {found.text} in B: {change}", found.tone)
    if found.text == THE_SAME:
        return Part(f"{name} is the same in A and B: {a}", Tone.PLAIN)
    least = shown_from(difference)
    unseen = f"; a difference of {least} or more would have shown" if least else ""
    return Part(f"{name} cannot be told apart: {change}{unseen}", Tone.WARN)


def by_finding(differences: Iterable[Difference]) -> Mapping[str, list[Difference]]:
    """Those that can be told by the word for them, then the others as CANNOT_TELL; without those of which there is no more to say."""
    found: dict[str, list[Difference]] = {}
    for difference in differences:
        word = finding(difference).text.partition(";")[0]
        if difference.difference is not None and word != THE_SAME:
            found.setdefault(word, []).append(difference)
    return dict(sorted(found.items(), key=lambda item: item[0] == CANNOT_TELL))


def with_numbers(differences: Mapping[str, Difference]) -> list[Difference]:
    """Those worth a line: on one side at least there is a number."""
    return [one for one in worth_a_line(differences).values() if one.a is not None or one.b is not None]


def reasons(differences: Mapping[str, Difference]) -> list[str]:
    """Why metrics have no difference, each reason once with the metrics that it is of."""
    names: dict[str, list[str]] = {}
    for one in differences.values():
        if one.difference is None:
            names.setdefault(one_line(one.reason or "no number"), []).append(one_line(one.metric))
    return [f"{', '.join(without)}: {reason}" for reason, without in names.items()]
