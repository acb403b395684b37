"""The verdict on what bounded a run: the cause that took most of the time, its evidence, and the one setting to change."""

from collections.abc import Mapping
from typing import Any

import pytest

from evalsvc.config import EvalConfig
from evalsvc.records import Cause
from evalsvc.reduce.bounded import SHORTEST_S, bounded_by


def counters(seconds: Mapping[str, float], **fields: Any) -> dict[str, Any]:
    """As a launch of 1,000 rows leaves them that had 1,000 requests in flight at most."""
    wall_s = sum(seconds.values())
    told: dict[str, Any] = {"wall_s": wall_s, "cpu_s": wall_s, "rows": 1_000, "attempts": 1_000, "rate_limited": 0, "by_error": {}}
    return {"event": "counters", **told, "concurrency": 64, "ceiling": 1_000, "bounded_s": dict(seconds), **fields}


def config(model: Mapping[str, Any] | None = None, **changes: Any) -> EvalConfig:
    values = {"name": "n", "dataset": {"path": "d.jsonl", "input": "i", "target": "t"}, "model": {"name": "m", **(model or {})}, **changes}
    return EvalConfig.model_validate(values)


def verdict(*launches: dict[str, Any], config: EvalConfig) -> dict[str, Any]:
    told = bounded_by(launches, launches, config)
    assert told is not None
    return told


def mostly(cause: Cause) -> dict[str, float]:
    other = "client" if cause is Cause.TAIL else "tail"
    return {other: 20.0, cause.value: 80.0}


LIMITS = {"requests_per_minute": 600, "tokens_per_minute": 9000}
SAYS: Mapping[Cause, tuple[dict[str, Any], str | None, Any, str]] = {
    Cause.CLIENT: ({}, None, None, "busy 80 % of the time, at 10 rows a second; nothing to change: one process uses one core"),
    Cause.CONCURRENCY: ({}, "limits.concurrency", 2_000, "all 1,000 in flight 80 % of the time; try limits.concurrency: 2,000"),
    Cause.SERVER: ({}, None, None, "64 of 1,000 in flight, more brought no more answers a second; nothing to change"),
    Cause.RATE_LIMIT: ({}, None, None, "0 requests refused (429), 10 rows a second; nothing to change: ask for a higher quota"),
    Cause.REQUESTS_PER_MINUTE: ({"limits": LIMITS}, "limits.requests_per_minute", 1_200, "try limits.requests_per_minute: 1,200"),
    Cause.TOKENS_PER_MINUTE: ({"limits": LIMITS}, "limits.tokens_per_minute", 18_000, "try limits.tokens_per_minute: 18,000"),
    Cause.OUTAGE: ({}, None, None, "the endpoint: not there 80 % of the time"),
    Cause.DATA: ({}, "dataset.path", "a copy on this machine", "try dataset.path: a copy on this machine"),
    Cause.DISK: ({}, "journal.prompts", False, "try journal.prompts: false"),
    Cause.BUDGET: ({"budget": {"usd": 2.5}}, "budget.usd", 5.0, "try budget.usd: 5.0"),
    Cause.TAIL: ({}, None, None, "80 % of the time nothing was left to send"),
}


@pytest.mark.parametrize("cause", SAYS)
def test_the_cause_that_took_most_of_the_time_is_named_with_the_one_setting_to_change(cause: Cause) -> None:
    changes, setting, value, words = SAYS[cause]
    told = verdict(counters(mostly(cause)), config=config(**changes))
    assert (told["cause"], told["share"], told["setting"], told["value"]) == (cause, 0.8, setting, value)
    assert words in told["message"]


@pytest.mark.parametrize(
    ("changes", "fields", "cause", "words"),
    [
        ({"model": {"client": "sdk"}}, {}, Cause.CLIENT, "try model.client: http"),
        ({"model": {"stream": True}}, {}, Cause.CLIENT, "try model.stream: false"),
        ({"limits": {"concurrency": 5_000}}, {}, Cause.CONCURRENCY, "of 5,000 asked for; try ulimit -n: 10,000"),
        ({}, {"cpu_s": 7.0}, Cause.CLIENT, "this machine: 80 % of the time there was work to do, with 7 % of a core to do it; nothing"),
        ({"limits": {"concurrency": 64}}, {"ceiling": 64}, Cause.CONCURRENCY, "concurrency: 128; if that is no faster, it is the server"),
        ({"limits": {"concurrency": 1}}, {"ceiling": 1}, Cause.CONCURRENCY, ": one in flight 80 % of the time; try limits.concurrency: 2"),
        ({}, {"by_error": {"timeout": 300}}, Cause.SERVER, "300 of 1,000 attempts failed; nothing to change: its own log says why"),
        (
            {"limits": LIMITS},
            {"rate_limited": 3},
            Cause.REQUESTS_PER_MINUTE,
            "3 requests refused (429); nothing to change: the server itself allows no more",
        ),
        ({"journal": {"prompts": False}}, {}, Cause.DISK, "try --run-dir: a faster disk"),
        ({"budget": {"tokens": 1_000}}, {}, Cause.BUDGET, "try budget.tokens: 2,000"),
    ],
)
def test_the_setting_is_the_one_that_this_config_can_change(
    changes: dict[str, Any], fields: dict[str, Any], cause: Cause, words: str
) -> None:
    assert words in verdict(counters(mostly(cause), **fields), config=config(**changes))["message"]


@pytest.mark.parametrize("seconds", [{"client": SHORTEST_S - 0.1}, {"ramp": 60.0, "tail": 30.0}])
def test_of_a_run_that_was_over_before_anything_could_be_told_nothing_is_said(seconds: dict[str, float]) -> None:
    told = verdict(counters(seconds), config=config())
    assert (told["cause"], told["setting"], told["message"]) == (None, None, "too short to tell")


def test_more_at_once_is_no_advice_where_the_server_has_begun_to_refuse() -> None:
    told = verdict(counters({"concurrency": 80.0, "rate_limit": 20.0}, rate_limited=1), config=config())
    assert "1 request refused (429); nothing to change: the server's rate limit is close to it" in told["message"]


def test_the_launches_of_a_run_are_judged_together() -> None:
    outages = counters({"outage": 40.0, "server": 20.0}), counters({"outage": 60.0, "stop": 900.0, "from_the_future": 900.0})
    launches: list[dict[str, Any]] = [counters({"server": 50.0}), {}, *outages]
    told = verdict(*launches, config=config())
    assert (told["cause"], told["seconds"]) == (Cause.OUTAGE, {"outage": 100.0, "server": 70.0})


@pytest.mark.parametrize(
    ("cause", "launches", "words"),
    [
        (Cause.CONCURRENCY, [{"ceiling": 2}, {"ceiling": 4}], "all 2 to 4 in flight 80 % of the time; try limits.concurrency: 8"),
        (Cause.CONCURRENCY, [{"ceiling": 2}, {"ceiling": 1}], "all 1 to 2 in flight"),
        (Cause.SERVER, [{"ceiling": 1_000}, {"ceiling": 32}], "64 of 32 to 1,000 in flight"),
        (Cause.REQUESTS_PER_MINUTE, [{}], "requests_per_minute: waiting for it 80 % of the time; nothing to change: the config has that"),
        (Cause.TOKENS_PER_MINUTE, [{"rate_limited": 1}], "80 % of the time; nothing to change: the config has that limit no longer"),
        (Cause.BUDGET, [{}], "held requests back 80 % of the time; nothing to change: the config has that limit no longer"),
    ],
)
def test_what_held_back_an_earlier_launch_alone_is_told_as_it_was(cause: Cause, launches: list[dict[str, Any]], words: str) -> None:
    """The config is the last launch's, and may have other limits."""
    ceiling = launches[-1].get("ceiling", 1_000)
    told = verdict(*(counters(mostly(cause), **fields) for fields in launches), config=config(limits={"concurrency": ceiling}))
    assert words in told["message"]


def test_a_run_of_an_older_version_has_no_verdict() -> None:
    assert bounded_by([{"event": "counters", "wall_s": 100.0, "rows": 7}], [], config()) is None
