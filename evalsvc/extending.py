"""What scorers and metrics of your own are made of. docs/extending.md has each protocol with an example that runs.

Importing this loads nothing else of evalsvc, so that a file of yours can be tested on its own.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoredRow:
    """An answered row, as a scorer sees it."""

    id: str
    repeat: int = 0
    target: str | None = None
    output: str = ""  # empty where the reply had no text
    messages: Sequence[Mapping[str, Any]] | None = None  # what was asked; None with `journal: {prompts: false}`
    finish_reason: str | None = None  # "length": the reply was cut
    tokens: Sequence[Mapping[str, Any]] | None = None  # [{"t": token, "lp": nats, "top": [[token, nats], …]}, …]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a scorer says of a row. With nothing in it: no answer was found.

    Where `scoring.labels` names labels, `prediction` is one of them and decides what is correct; `correct` may be left out.
    """

    prediction: str | None = None  # the answer found, as scored.jsonl shows it
    correct: bool | None = None  # None: there is no right or wrong
    scores: Mapping[str, float] = field(default_factory=dict)  # each is reported as ext.<name>


class Scorer(Protocol):
    """A function of a row; or an object of a class that is made once in each process, as `Class(scoring.options)`.

    True and False mean `correct`, a number means {"score": number}. Called in worker processes; what it raises costs the row.
    """

    def __call__(self, row: ScoredRow, /) -> Judged | bool | float: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRow:
    """A row with its outcome, as a metric sees it. Every row with a final record comes once, errors included."""

    id: str
    repeat: int = 0
    target: str | None = None
    output: str = ""
    finish_reason: str | None = None
    prediction: str | None = None
    outcome: str = "scored"  # correct, wrong, scored, unparsed, ambiguous, refused, truncated, filtered, error
    scores: Mapping[str, float] = field(default_factory=dict)


class Tally(Protocol):
    """A metric: what is kept of the rows, and the number it comes to. `check_tally` holds one to these laws.

    merge is associative and commutative, and an empty tally changes nothing
    the same rows in any order, in however many merged parts, give the same value and state
    from_state(state()) goes on as the tally would have, and the state is JSON
    """

    @classmethod
    def empty(cls, options: Mapping[str, Any], /) -> Self:
        """`options` as the config has them: `metrics: [{"file.py:Name": {options}}]`."""
        ...

    def update(self, row: JudgedRow, /) -> None:
        """Take one more row in."""
        ...

    def merge(self, other: Self, /) -> Self:
        """The tally of both; neither is changed."""
        ...

    def state(self) -> Mapping[str, Any]:
        """All of it as JSON, options included."""
        ...

    @classmethod
    def from_state(cls, state: Mapping[str, Any], /) -> Self: ...

    def value(self) -> float | Mapping[str, float | None] | None:
        """The number, None where there is none, or {"value": …, "ci_low": …, "ci_high": …, "n": …}; only value is needed."""
        ...


def check_tally(metric: type[Tally], rows: Sequence[JudgedRow], options: Mapping[str, Any] | None = None) -> None:
    """AssertionError, in words, for the first law of Tally that `metric` breaks on `rows`; give it a dozen unlike ones.

    Floats that are summed as they come break the second law in the last digits: sum integers, or fractions.Fraction.
    """

    def of(part: Sequence[JudgedRow]) -> Tally:
        tally = metric.empty(dict(options or {}))
        for row in part:
            tally.update(row)
        return tally

    third = len(rows) // 3
    first, second, rest, whole = of(rows[:third]), of(rows[third : 2 * third]), of(rows[2 * third :]), of(rows)
    before = _seen(first), _seen(second)
    laws: dict[str, tuple[Any, Any]] = {
        "rows in another order give another value": (_seen(of(rows[::-1])), _seen(whole)),
        "merged parts differ from the whole": (_seen(first.merge(second).merge(rest)), _seen(whole)),
        "merge is not associative": (_seen(first.merge(second.merge(rest))), _seen(whole)),
        "merge is not commutative": (_seen(rest.merge(second.merge(first))), _seen(whole)),
        "an empty tally merged in changes the value": (_seen(whole.merge(of([]))), _seen(whole)),
        "a tally merged into an empty one differs": (_seen(of([]).merge(whole)), _seen(whole)),
        "merge changes the tallies that it merges": ((_seen(first), _seen(second)), before),
        "from_state(state()) is another tally": (_seen(_through_json(metric, whole)), _seen(whole)),
        "a tally restored from its state goes on differently": (_seen(_and_more(_through_json(metric, first), rows[third:])), _seen(whole)),
    }
    for broken, (found, wanted) in laws.items():
        if found != wanted:
            raise AssertionError(f"{metric.__name__}: {broken}: {found} in place of {wanted}")


def _seen(tally: Tally) -> str:
    """Value and state as text: equal tallies show the same."""
    return json.dumps({"value": tally.value(), "state": tally.state()}, sort_keys=True)


def _through_json(metric: type[Tally], tally: Tally) -> Tally:
    return metric.from_state(json.loads(json.dumps(tally.state())))


def _and_more(tally: Tally, rows: Sequence[JudgedRow]) -> Tally:
    for row in rows:
        tally.update(row)
    return tally
