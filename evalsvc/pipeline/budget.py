"""What may still be spent. Pure: told of every request and answer, it says whether one more fits.

The rule: no request starts when what is spent, plus what the requests in flight and this one will probably cost, is more
than the budget. So it is exceeded at most by what requests in flight cost more than was to be expected.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

from evalsvc.config import Budget, Price
from evalsvc.errors import BudgetSpent, UsageError
from evalsvc.records import Reply, Request, Usage
from evalsvc.reduce.summary import cost_usd

# Tokens of an answer that nobody has limited, until one has been seen. High, so that a small budget starts with few rows.
FIRST_GUESS_OUTPUT = 1_000
BYTES_PER_TOKEN = 4

_SPAN = re.compile(r"(?:(\d+(?:\.\d+)?)d)?(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?")
_UNITS_S = (86_400.0, 3_600.0, 60.0, 1.0)


def seconds(text: str, *, place: str) -> float:
    """A time span as `budget.runtime` has it; UsageError, with the `place` it stands at, for anything else.

    >>> seconds("90s", place="here"), seconds("1h30m", place="here"), seconds("0.5h", place="here"), seconds("2d", place="here")
    (90.0, 5400.0, 1800.0, 172800.0)
    """
    found = _SPAN.fullmatch(text.strip().lower())
    total = sum(float(number) * unit for number, unit in zip(found.groups(), _UNITS_S, strict=True) if number) if found else 0.0
    if total <= 0:
        raise UsageError(f"{place}: {text!r} is no time span", hint='Write it as in "90s", "45m", "6h" or "1h30m".')
    return total


def usd(usage: Usage, price: Price) -> float:
    """What `usage` costs.

    >>> usd(Usage(input=2_000_000, output=500_000, cached=1_000_000), Price(input=1.0, output=2.0, cached=0.5))
    2.5
    """
    counts = {"input": usage.input, "output": usage.output, "cached": usage.cached}
    return cost_usd(counts, price) or 0.0


def tokens(usage: Usage) -> int:
    return usage.input + usage.output


def runtime_s(budget: Budget, *, place: str = "budget.runtime") -> float | None:
    return None if budget.runtime is None else seconds(budget.runtime, place=place)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """One limit of the budget, and what counts against it."""

    key: str
    amount: float
    of: Callable[[Usage], float]
    shown: Callable[[float], str]


def limits_of(budget: Budget, price: Price | None) -> Iterator[Limit]:
    """The limits that are set. `price` may be None only without `budget.usd`."""
    if budget.usd is not None and price is not None:
        known = price
        yield Limit(key="budget.usd", amount=budget.usd, of=lambda usage: usd(usage, known), shown=lambda amount: f"${amount:,.4g}")
    if budget.tokens is not None:
        yield Limit(key="budget.tokens", amount=budget.tokens, of=tokens, shown=lambda amount: f"{amount:,.0f} tokens")


@dataclass(slots=True, kw_only=True)
class Purse:
    """One launch's money. `spent` begins with what earlier launches paid."""

    limits: tuple[Limit, ...]
    spent: Usage
    output_at_most: int | None
    answers: int = 0  # metered ones, from which is learned what an answer costs
    output_seen: int = 0
    input_seen: int = 0
    estimate_seen: int = 0
    in_flight: int = 0
    estimate_in_flight: int = 0

    @classmethod
    def of(
        cls, budget: Budget, price: Price | None, *, spent: Usage, output_at_most: int | None, answers: int = 0, output_seen: int = 0
    ) -> Self:
        """`answers` and their tokens are those of earlier launches."""
        limits = tuple(limits_of(budget, price))
        return cls(limits=limits, spent=spent, output_at_most=output_at_most, answers=answers, output_seen=output_seen)

    def exceeded_by(self, request: Request) -> Limit | None:
        """The limit that would probably be exceeded if `request` were sent now; None when it may go."""
        if not self.limits:
            return None
        then = self.spent + self._expected(self.estimate_in_flight + request.input_tokens_estimate, self.in_flight + 1)
        return next((limit for limit in self.limits if limit.of(then) > limit.amount), None)

    def take(self, request: Request) -> None:
        """`request` is on its way."""
        self.in_flight += 1
        self.estimate_in_flight += request.input_tokens_estimate

    def settle(self, request: Request, usage: Usage | None, reply: Reply | None) -> None:
        """`request` came back, or was given up. An answer without `usage` was paid for too, nobody says how dearly."""
        self.in_flight -= 1
        self.estimate_in_flight -= request.input_tokens_estimate
        if usage is not None:
            self.spent += usage
            self._learn(request, usage)
        elif reply is not None:
            guess = self._expected(request.input_tokens_estimate, 0)
            self.spent += Usage(input=guess.input, output=len((reply.output or "").encode(errors="replace")) // BYTES_PER_TOKEN + 1)

    def _learn(self, request: Request, usage: Usage) -> None:
        self.answers += 1
        self.output_seen += usage.output
        self.input_seen += usage.input
        self.estimate_seen += request.input_tokens_estimate

    def _expected(self, estimate: int, requests: int) -> Usage:
        """What `requests` with together `estimate` tokens of input will probably cost."""
        ratio = self.input_seen / self.estimate_seen if self.estimate_seen else 1.0
        return Usage(input=round(estimate * ratio), output=round(requests * self._output_mean()))

    def _output_mean(self) -> float:
        if self.answers:
            return self.output_seen / self.answers
        return FIRST_GUESS_OUTPUT if self.output_at_most is None else min(self.output_at_most, FIRST_GUESS_OUTPUT)


def spent_error(limit: Limit, spent: Usage, rows_left: int) -> BudgetSpent:
    """What ends a run over its budget."""
    rows = "1 row is" if rows_left == 1 else f"{rows_left:,} rows are"
    paid = limit.shown(limit.of(spent))
    return BudgetSpent(
        f"{limit.key} {limit.shown(limit.amount)} is spent: {paid} paid, the next row would not fit, and {rows} left",
        hint=f"raise {limit.key} and run again: the same command asks only what is left",
    )
