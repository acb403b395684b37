"""What bounded a run, and the one setting to change: `timing.bounded_by` of summary.json, from the `counters` of its launches."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median_low
from typing import Any, Final

from evalsvc.config import EvalConfig
from evalsvc.records import Cause

SHORTEST_S: Final = 3.0  # of asking, for a verdict
FEW_FAILURES: Final = 0.05  # of the attempts
FEW_REFUSALS: Final = 0.05  # of the time spent waiting after them
OWN_WORK: Final = 0.5  # of the client's time; with less CPU than that it was mostly kept from it
UNTRIED: Final = 64  # with so many or fewer in flight nothing has shown whether more helps: the pool begins with all of them
GONE: Final = "the config has that limit no longer"  # a later launch may have another

Event = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the launches told together."""

    config: EvalConfig
    seconds: Mapping[str, float]
    limit: int  # in flight at most, as it mostly was
    ceiling: int  # the last launch's
    ceilings: str  # of all launches, in words
    rows_per_s: float
    cpu_s: float
    rate_limited: int
    failed: int  # attempts that failed for other reasons
    attempts: int

    def share(self, cause: str) -> float:
        return self.seconds.get(cause, 0.0) / sum(self.seconds.values())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Told:
    """`saw` is the evidence; `setting` what to change to `value`, `unless` what it means if that does not help; without a setting,
    `instead` has words.
    """

    saw: str
    setting: str | None = None
    value: float | str | bool | None = None
    unless: str | None = None
    instead: str = "the config holds nothing back"


def bounded_by(last: Sequence[Event], counters: Iterable[Event], config: EvalConfig) -> dict[str, Any] | None:
    """Of the `last` counters of each launch, and of all; None where no launch told, as in runs of older versions."""
    asked = _asked(last, counters, config)
    if asked is None:
        return None
    longest = max(asked.seconds, key=lambda cause: (asked.seconds[cause], cause))
    short = sum(asked.seconds.values()) < SHORTEST_S or longest == Cause.RAMP
    cause = None if short else Cause(longest)
    told = _Told(saw="too short to tell") if cause is None else _WORDS[cause](asked)
    return {
        "cause": cause,
        "share": None if cause is None else round(asked.share(cause), 3),
        "setting": told.setting,
        "value": told.value,
        "message": told.saw if cause is None else f"{told.saw}; {_advice(told)}",
        "seconds": asked.seconds,
    }


def _asked(last: Sequence[Event], counters: Iterable[Event], config: EvalConfig) -> _Asked | None:
    seconds: Counter[str] = Counter()
    for launch in last:
        seconds.update({cause: spent for cause, spent in launch.get("bounded_s", {}).items() if cause in _WORDS})
    told = [event for event in counters if "ceiling" in event]
    if not told or not seconds.total():
        return None
    wall_s = sum(launch.get("wall_s", 0.0) for launch in last)
    by_error: Counter[str] = Counter()
    for launch in last:
        by_error.update(launch.get("by_error", {}))
    rate_limited = sum(launch.get("rate_limited", 0) for launch in last)
    return _Asked(
        config=config,
        seconds={cause: round(spent, 3) for cause, spent in sorted(seconds.items())},
        limit=median_low(event["concurrency"] for event in told),
        ceiling=told[-1]["ceiling"],
        ceilings=_span([event["ceiling"] for event in told]),
        rows_per_s=sum(launch.get("rows", 0) for launch in last) / wall_s if wall_s else 0.0,
        cpu_s=sum(launch.get("cpu_s", 0.0) for launch in last),
        rate_limited=rate_limited,
        failed=by_error.total() - rate_limited,
        attempts=sum(launch.get("attempts", 0) for launch in last),
    )


def _span(counts: Sequence[int]) -> str:
    """
    >>> _span([1000, 1000]), _span([4, 2])
    ('1,000', '2 to 4')
    """
    least, most = min(counts), max(counts)
    return f"{most:,}" if least == most else f"{least:,} to {most:,}"


def _advice(told: _Told) -> str:
    if told.setting is None:
        return f"nothing to change: {told.instead}"
    return f"try {told.setting}: {_value(told.value)}" + (f"; {told.unless}" if told.unless else "")


def _value(value: float | str | bool | None) -> str:
    """
    >>> _value(2000), _value(2.5), _value(False), _value("http")
    ('2,000', '2.5', 'false', 'http')
    """
    return str(value).lower() if isinstance(value, bool) else f"{value:,}" if isinstance(value, int | float) else str(value)


# each cause in words ---------------------------------------------------------------------------------------------


def _percent(asked: _Asked, cause: Cause) -> str:
    return f"{100 * asked.share(cause):.0f} % of the time"


def _refused(asked: _Asked) -> str:
    return f"{asked.rate_limited:,} request{'' if asked.rate_limited == 1 else 's'} refused (429)"


def _client(asked: _Asked) -> _Told:
    if asked.cpu_s < OWN_WORK * asked.seconds[Cause.CLIENT]:
        used = asked.cpu_s / sum(asked.seconds.values())
        saw = f"this machine: {_percent(asked, Cause.CLIENT)} there was work to do, with {100 * used:.0f} % of a core to do it"
        return _Told(saw=saw, instead="other processes, a CPU limit or a slow disk held it up")
    saw = f"the client: busy {_percent(asked, Cause.CLIENT)}, at {asked.rows_per_s:,.0f} rows a second"
    if asked.config.model.client == "sdk":
        return _Told(saw=saw, setting="model.client", value="http")
    if asked.config.model.stream:
        return _Told(saw=saw, setting="model.stream", value=False)
    return _Told(saw=saw, instead="one process uses one core; two runs of half the rows each (dataset.where) use two")


def _concurrency(asked: _Asked) -> _Told:
    all_of_them = "one" if asked.ceilings == "1" else f"all {asked.ceilings}"
    saw = f"limits.concurrency: {all_of_them} in flight {_percent(asked, Cause.CONCURRENCY)}"
    if asked.share(Cause.RATE_LIMIT) > FEW_REFUSALS:
        return _Told(saw=f"{saw}, {_refused(asked)}", instead="the server's rate limit is close to it")
    if asked.ceiling < (wanted := asked.config.limits.concurrency):
        return _Told(saw=f"open files: {saw}, of {wanted:,} asked for", setting="ulimit -n", value=2 * wanted)
    unless = "if that is no faster, it is the server" if asked.ceiling <= UNTRIED else None
    return _Told(saw=saw, setting="limits.concurrency", value=2 * asked.ceiling, unless=unless)


def _server(asked: _Asked) -> _Told:
    saw = f"the server: {_percent(asked, Cause.SERVER)} with {asked.limit:,} of {asked.ceilings} in flight"
    if asked.failed > FEW_FAILURES * asked.attempts:
        return _Told(saw=f"{saw}, {asked.failed:,} of {asked.attempts:,} attempts failed", instead="its own log says why")
    return _Told(saw=f"{saw}, more brought no more answers a second", instead="it is the server that needs more")


def _rate_limit(asked: _Asked) -> _Told:
    saw = f"the server's rate limit: waiting for it {_percent(asked, Cause.RATE_LIMIT)}, {_refused(asked)}"
    return _Told(saw=f"{saw}, {asked.rows_per_s:,.3g} rows a second", instead="ask for a higher quota")


def _per_minute(asked: _Asked, cause: Cause, most: int | None) -> _Told:
    setting = f"limits.{cause}"
    saw = f"{setting}: waiting for it {_percent(asked, cause)}"
    if most is None:
        return _Told(saw=saw, instead=GONE)
    if asked.rate_limited:
        return _Told(saw=f"{saw}, {_refused(asked)}", instead="the server itself allows no more")
    return _Told(saw=saw, setting=setting, value=2 * most)


def _requests_per_minute(asked: _Asked) -> _Told:
    return _per_minute(asked, Cause.REQUESTS_PER_MINUTE, asked.config.limits.requests_per_minute)


def _tokens_per_minute(asked: _Asked) -> _Told:
    return _per_minute(asked, Cause.TOKENS_PER_MINUTE, asked.config.limits.tokens_per_minute)


def _outage(asked: _Asked) -> _Told:
    return _Told(saw=f"the endpoint: not there {_percent(asked, Cause.OUTAGE)}", instead="look why it was down")


def _data(asked: _Asked) -> _Told:
    saw = f"the data set: the next rows were still on their way {_percent(asked, Cause.DATA)}"
    return _Told(saw=saw, setting="dataset.path", value="a copy on this machine")


def _disk(asked: _Asked) -> _Told:
    saw = f"the disk: answers waited to be written {_percent(asked, Cause.DISK)}"
    if asked.config.journal.prompts:
        return _Told(saw=saw, setting="journal.prompts", value=False)
    return _Told(saw=saw, setting="--run-dir", value="a faster disk")


def _budget(asked: _Asked) -> _Told:
    budget = asked.config.budget
    name, most = ("usd", budget.usd) if budget.usd is not None else ("tokens", budget.tokens)
    saw = f"the budget: what was left of it held requests back {_percent(asked, Cause.BUDGET)}"
    if most is None:
        return _Told(saw=saw, instead=GONE)
    return _Told(saw=saw, setting=f"budget.{name}", value=2 * most)


def _tail(asked: _Asked) -> _Told:
    saw = f"the last answers: {_percent(asked, Cause.TAIL)} nothing was left to send"
    return _Told(saw=saw, instead="it took as long as the slowest of them")


_WORDS: Final[Mapping[str, Callable[[_Asked], _Told]]] = {
    Cause.CLIENT: _client,
    Cause.CONCURRENCY: _concurrency,
    Cause.SERVER: _server,
    Cause.RATE_LIMIT: _rate_limit,
    Cause.REQUESTS_PER_MINUTE: _requests_per_minute,
    Cause.TOKENS_PER_MINUTE: _tokens_per_minute,
    Cause.OUTAGE: _outage,
    Cause.DATA: _data,
    Cause.DISK: _disk,
    Cause.BUDGET: _budget,
    Cause.RAMP: _tail,  # alone it is too short to tell
    Cause.TAIL: _tail,
}
