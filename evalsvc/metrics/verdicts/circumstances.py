"""Guards over what the numbers rest on: the data set, the server, the probabilities."""

from collections.abc import Iterator

from evalsvc.metrics.names import GENERATED, PROBABILITIES
from evalsvc.metrics.verdicts.facts import Facts, ProbabilityEvidence, percent, rows_of, warning
from evalsvc.records import RunWarning

# Repeated rows count twice or more: from a hundredth of the rows on, intervals are visibly too narrow.
_REPEATED_SHARE = 0.01
# Half a point of accuracy that no model can reach.
_CONFLICTING_SHARE = 0.005
# One answer in twenty for which the class probabilities are shares of a remainder.
_LOW_MASS_SHARE = 0.05
# Half of all answers at one end: a threshold between 0.001 and 0.999 does not tell them apart.
_SATURATED_SHARE = 0.5
# Ten times as many wrong ones as a probability of 0.999 allows.
_SATURATED_WRONG = 0.01
# As for the parse rate.
_WITHOUT_SHARE = 0.01
_SHOWN_NAMES = 5
_OF_LOGPROBS = (*PROBABILITIES, *GENERATED)


def served_model_changed(facts: Facts) -> Iterator[RunWarning]:
    served = facts.besides.served
    if len(served) < 2:
        return
    shown = ", ".join(f"`{name}` ({rows_of(count, 'answer', 'answers')})" for name, count in list(served.items())[:_SHOWN_NAMES])
    more = f" and {len(served) - _SHOWN_NAMES} more" if len(served) > _SHOWN_NAMES else ""
    yield warning(
        "served_model_changed",
        f"more than one model answered: the server called itself {shown}{more}; the numbers are of a mixture, so ask for a model by its "
        "dated name and run again",
        served=dict(list(served.items())[:_SHOWN_NAMES]),
        names=len(served),
    )


def conflicting_rows(facts: Facts) -> Iterator[RunWarning]:
    """Of labels alone: one text may well have several good translations, or be given several ratings."""
    rows, conflicting = facts.besides.data_rows, facts.besides.conflicting_rows
    if facts.labels and rows and conflicting >= _CONFLICTING_SHARE * rows:
        yield warning(
            "conflicting_rows",
            f"{conflicting:,} of {rows_of(rows)} equal an earlier row and have another label: one text cannot be both, so accuracy "
            f"above {percent(1 - conflicting / rows)} would be luck; settle these labels",
            rows=conflicting,
            share=conflicting / rows,
        )


def repeated_rows(facts: Facts) -> Iterator[RunWarning]:
    rows, repeated = facts.besides.data_rows, facts.besides.repeated_rows
    if facts.besides.task == "perplexity":  # the target is part of what is asked
        repeated -= facts.besides.conflicting_rows
    if rows and repeated >= _REPEATED_SHARE * rows:
        yield warning(
            "repeated_rows",
            f"{repeated:,} of {rows_of(rows)} equal an earlier row ({percent(repeated / rows)}): their answers count again and again, and "
            "the intervals are narrower than they should be; remove them, or name what they share in dataset.group",
            rows=repeated,
            share=repeated / rows,
        )


def label_mass_low(facts: Facts) -> Iterator[RunWarning]:
    of = facts.besides.probabilities
    if of is not None and of.rows and of.low_mass > _LOW_MASS_SHARE * of.rows:
        yield warning(
            "label_mass_low",
            f"in {percent(of.low_mass / of.rows)} of the answers the labels together have less than half of the probability: what is left "
            "went to other words, and the class probabilities are shares of a remainder; ask for the label alone, or name the other "
            "spellings in scoring.aliases",
            rows=of.low_mass,
            share=of.low_mass / of.rows,
        )


def probabilities_saturated(facts: Facts) -> Iterator[RunWarning]:
    """Being sure is no fault of a model that is right."""
    of = facts.besides.probabilities
    if of is None or not of.rows or of.saturated <= _SATURATED_SHARE * of.rows:
        return
    if of.saturated_wrong > _SATURATED_WRONG * of.saturated:
        yield warning(
            "probabilities_saturated",
            f"{percent(of.saturated / of.rows)} of the answers are given with a probability above 0.999, and {of.saturated_wrong:,} of "
            f"them are wrong ({percent(of.saturated_wrong / of.saturated)}): {_why_saturated(of)}",
            saturated=of.saturated,
            share=of.saturated / of.rows,
            wrong=of.saturated_wrong,
        )


def _why_saturated(of: ProbabilityEvidence) -> str:
    if of.saturated == of.rows:
        return (
            "behind a reasoning text the answer is a foregone conclusion, and some servers give the logprobs of what temperature 0 "
            "leaves; ask for the label alone, with temperature 1, before anything is read from these probabilities"
        )
    return (
        "the model is surer than it is good, so do not read its probabilities as chances, and choose thresholds on data that are not these"
    )


def probabilities_missing(facts: Facts) -> Iterator[RunWarning]:
    of = facts.besides.probabilities
    if of is not None and of.rows and of.without > _WITHOUT_SHARE * (of.rows + of.without):
        share = of.without / (of.rows + of.without)
        yield warning(
            "probabilities_missing",
            f"{percent(share)} of the answers have no class probabilities ({of.without:,}), so log_loss, brier, ece and the curves leave "
            f"them out; {_why_missing(of.shared, of.without)}",
            rows=of.without,
            share=share,
        )


def _why_missing(shared: int, without: int) -> str:
    if shared:
        return f"in {shared:,} of {without:,} labels begin with the same token, so rename labels until each begins its own way"
    return "see whether the endpoint sends logprobs with alternatives for every answer (top_logprobs), and the label stands in it"


def bent_logprobs(facts: Facts) -> Iterator[RunWarning]:
    """Only where a number rests on them."""
    bent = facts.besides.bent
    resting = [name for name in _OF_LOGPROBS if (metric := facts.metrics.get(name)) is not None and metric["value"] is not None]
    if bent and resting:
        sent = ", ".join(f"{name}: {value}" for name, value in bent.items())
        yield warning(
            "bent_logprobs",
            f"{resting[0]} rests on logprobs that were asked for with {sent}: many servers then give those of the bent distribution and "
            "not the model's own; ask with temperature 1 and no cut, or look up what this server gives",
            params=dict(bent),
            metrics=resting,
        )
