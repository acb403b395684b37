"""Which labels there are, and that the data set agrees."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from evalsvc.config.models import Scoring
from evalsvc.errors import UsageError
from evalsvc.scoring.vocabulary import forms_of

MOST_UNNAMED_LABELS = 1000
_SHOWN = 5


def resolve_labels(scoring: Scoring, seen: Mapping[str, int]) -> tuple[str, ...]:
    """`scoring.labels` as configured, else the data set's targets by code point; `seen` counts the rows of each target.

    UsageError when a target is not among the labels, when there are fewer than two or too many to be labels, and when
    `positive` or an alias names none of them.

    >>> resolve_labels(Scoring(), {"spam": 2, "ham": 5})
    ('ham', 'spam')
    """
    labels = scoring.labels if scoring.labels is not None else _labels_of_the_data(seen)
    _refuse_strangers(labels, seen)
    for key, named in (("positive", [scoring.positive] if scoring.positive is not None else []), ("aliases", list(scoring.aliases))):
        for label in named:
            if label not in labels:
                raise UsageError(f"scoring.{key}: {label!r} is not one of the labels{_did_you_mean(label, labels)}", hint=_are(labels))
    return tuple(labels)


def _labels_of_the_data(seen: Mapping[str, int]) -> Sequence[str]:
    if len(seen) < 2:
        only = f"only the target {next(iter(seen))!r}" if seen else "no targets"
        raise UsageError(
            f"the data set has {only}, and classification needs at least two labels",
            hint="name them all under `scoring.labels`, or name another column under `dataset.target`",
        )
    if len(seen) > MOST_UNNAMED_LABELS:
        raise UsageError(
            f"the data set has {len(seen):,} different targets, more than the {MOST_UNNAMED_LABELS:,} that are taken for labels",
            hint="is `task: classification` meant, and is `dataset.target` the right column? If both are, name them under `scoring.labels`",
        )
    return sorted(seen)


def _refuse_strangers(labels: Sequence[str], seen: Mapping[str, int]) -> None:
    strangers = sorted(seen.keys() - set(labels), key=lambda target: (-seen[target], target))
    if not strangers:
        return
    shown = "; ".join(f"{target!r} ({_rows(seen[target])}){_did_you_mean(target, labels)}" for target in strangers[:_SHOWN])
    more = f"; and {len(strangers) - _SHOWN:,} more" if len(strangers) > _SHOWN else ""
    raise UsageError(
        f"the data set has targets that are not among `scoring.labels`: {shown}{more}",
        hint=f"{_remedy(strangers, labels)}; {_are(labels)}",
    )


def _rows(number: int) -> str:
    return f"{number:,} row{'' if number == 1 else 's'}"


def _remedy(strangers: Sequence[str], labels: Sequence[str]) -> str:
    """Another spelling of a label cannot be one beside it: no reply could tell them apart."""
    forms = forms_of([*labels, *strangers])
    known = {forms[label] for label in labels}
    if all(forms[stranger] in known for stranger in strangers):
        return "give each label one spelling in the data"
    return "add them to `scoring.labels` or correct the data"


def _did_you_mean(name: str, labels: Sequence[str]) -> str:
    by_folded = {label.casefold(): label for label in labels}
    near = get_close_matches(name.casefold(), by_folded, n=1)
    return f", did you mean {by_folded[near[0]]!r}?" if near else ""


def _are(labels: Sequence[str]) -> str:
    more = f" and {len(labels) - _SHOWN:,} more" if len(labels) > _SHOWN else ""
    return f"the labels are {', '.join(map(repr, labels[:_SHOWN]))}{more}"
