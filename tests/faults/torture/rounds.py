"""A round of scripts/torture, all of it drawn from seed and number: data, task, server, and how its launches are disturbed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

from evalsvc.rundir import LATEST
from tests.e2e.desk import Row, messages_rows
from tests.faults.strace import FOLDER, Fault

FEWEST, MOST = 20, 2_000  # rows
LONGEST_S = 15.0  # of a launch that is left alone, about
MOST_DISTURBANCES = 8
T = TypeVar("T")
LABELS: Final = {"labels": ["spam", "ham"], "positive": "spam"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A config but for name, model and limits, and rows for it. The model says what it is told."""

    name: str
    config: Mapping[str, Any]
    rows: Callable[[int], Sequence[Row]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Disturbance:
    """What happens to one launch; `kind` names a function in disturbances.py."""

    kind: str
    command: tuple[str, ...]  # of evalsvc, with {run} for the run directory
    at: float  # when, as a share of the answers that are missing; above 1: while the numbers are made; below 0: of its start
    fault: Fault | None  # for strace
    octets: int  # that are cut off, or that a file system is too small by
    lasts_s: float
    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    seed: int
    number: int
    task: Task
    rows: int  # of the data set
    concurrency: int
    server: tuple[str, ...]  # options of the sandbox
    disturbances: tuple[Disturbance, ...]

    @classmethod
    def drawn(cls, seed: int, number: int) -> "Round":
        rng = Random(f"{seed}/{number}")
        task, concurrency, latency = rng.choice(TASKS), rng.choice(CONCURRENCIES), rng.choice(LATENCIES)
        wanted = round(FEWEST * (MOST / FEWEST) ** rng.random())
        in_time = int(LONGEST_S * concurrency / (latency[1] + 0.002))
        return cls(
            seed=seed,
            number=number,
            task=task,
            rows=max(FEWEST, min(wanted, in_time)),
            concurrency=concurrency,
            server=_server(rng, latency),
            disturbances=tuple(_disturbance(rng, first=not place) for place in range(rng.randint(1, MOST_DISTURBANCES))),
        )


def _without_ids(count: int) -> Sequence[Row]:
    """Every row twice: two rows with the same text are two rows."""
    return [{"text": row["text"], "label": row["label"]} for row in messages_rows((count + 1) // 2, "twice")] * 2


def _questions(count: int) -> list[Row]:
    return [{"id": f"q{number}", "text": f"number {number % 97}", "label": f"number {number % 89}"} for number in range(count)]


def _numbers(count: int) -> list[Row]:
    return [{"id": f"n{number}", "text": f"{number * 1.25:g}", "label": f"{number}"} for number in range(count)]


def _sentences(count: int) -> list[Row]:
    return [
        {"id": f"s{number}", "text": f"the {number % 31} quick foxes jump", "label": f"the {number % 7} quick dogs jump"}
        for number in range(count)
    ]


TASKS: Final = (
    Task(name="classification", config={"dataset": {"id": "id"}, "scoring": LABELS}, rows=lambda count: messages_rows(count, "torture")),
    Task(name="classification with gates", config={"scoring": LABELS, "gates": ["recall >= 0.5"]}, rows=_without_ids),
    Task(name="classification, each row three times", config={"scoring": LABELS, "repeats": 3}, rows=lambda n: _without_ids(n // 3 + 1)),
    Task(name="qa", config={"task": "qa", "dataset": {"id": "id"}}, rows=_questions),
    Task(name="regression", config={"task": "regression", "dataset": {"id": "id"}}, rows=_numbers),
    Task(name="generation", config={"task": "generation", "dataset": {"id": "id"}, "metrics": ["chrf", "token_f1"]}, rows=_sentences),
)
CONCURRENCIES: Final = (2, 4, 8, 16, 32, 64)
LATENCIES: Final = ((0.0, 0.001), (0.002, 0.01), (0.01, 0.05), (0.05, 0.1))  # seconds, from and to
# Transient, all of them: asked often enough, every row has its answer. A byte a second ends with the attempt's time.
SERVER_FAULTS: Final = (
    "--error-rate=0.04",
    "--reset=0.03",
    "--cut=0.03",
    "--malformed=0.02",
    "--garbage=0.02",
    "--empty-choices=0.01",
    "--fault=drip:rate=0.005:times=1",
    "--fault=silence:rate=0.003:times=1",
)
LIMITS: Final = (("--rps=80", "--burst=20"), ("--rps=150", "--burst=40", "--no-retry-after"), ("--slots=8",))

# What is done to each file of a run directory, and about how often; None: to any of them, counted together.
CALLS: Final[Mapping[str | None, tuple[int, Sequence[str]]]] = {
    None: (6, ("write", "fsync", "rename")),
    "predictions.jsonl": (8, ("write", "write", "fdatasync")),
    "events.jsonl": (6, ("write",)),
    "scored.jsonl": (1, ("write", "ftruncate", "fdatasync")),
    "run.json": (3, ("write", "fsync", "rename")),
    "reduce.json": (2, ("write", "fsync", "rename")),
    **dict.fromkeys(("summary.json", "report.html", "junit.xml"), (1, ("write", "fsync", "rename"))),
    "run.lock": (1, ("ftruncate", "write")),
    FOLDER: (4, ("fsync",)),
    LATEST: (1, ("symlink", "rename")),
}

RUN: Final = ("run", "eval.yaml", "--quiet", "--run-dir", "{run}")
COMMANDS: Final = (
    (16, RUN),
    (2, (*RUN, "--retry-failed")),
    (2, ("score", "{run}")),
    (1, ("doctor", "{run}", "--repair")),
    (1, ("report", "{run}")),
)
KINDS: Final[Sequence[tuple[int, str]]] = (
    (6, "killed"),
    (6, "killed_at_a_call"),
    (4, "failing_call"),
    (3, "terminated"),
    (2, "paused"),
    (3, "torn"),
    (2, "full_disk"),
    (1, "two_at_once"),
)


def _server(rng: Random, latency: tuple[float, float]) -> tuple[str, ...]:
    faults = rng.sample(SERVER_FAULTS, rng.choice((0, 1, 2, 3)))
    limits = rng.choice(LIMITS) if rng.random() < 0.25 else ()
    return ("--latency={}..{}".format(*latency), *faults, *limits, f"--seed={rng.randrange(10_000)}")


def _weighted(rng: Random, choices: Sequence[tuple[int, T]]) -> T:
    return rng.choices([choice for _, choice in choices], [weight for weight, _ in choices])[0]


def _disturbance(rng: Random, *, first: bool) -> Disturbance:
    kind = _weighted(rng, [choice for choice in KINDS if not first or choice[1] != "torn"])
    return Disturbance(
        kind=kind,
        command=_weighted(rng, COMMANDS) if not first and kind in ("killed", "killed_at_a_call", "failing_call") else RUN,
        at=rng.choice((-rng.random(), rng.random(), rng.random(), rng.random(), 1 + rng.random())),
        fault=_fault(rng, kind),
        octets=rng.choice((rng.randrange(1, 40), rng.randrange(1, 3_000), rng.randrange(1, 200_000))),
        lasts_s=rng.uniform(0.05, 1.5),
        concurrency=rng.choice(CONCURRENCIES),
    )


def _fault(rng: Random, kind: str) -> Fault | None:
    if kind not in ("killed_at_a_call", "failing_call"):
        return None
    file, (times, calls) = rng.choice(list(CALLS.items()))
    call, nth = rng.choice(calls), rng.randint(1, times)
    if kind == "killed_at_a_call":
        return Fault(calls=(call,), does="signal=KILL", nth=nth, file=file)
    return Fault(calls=(call,), does=rng.choice(("error=EIO", "error=ENOSPC")), nth=nth, ever=rng.random() < 0.5, file=file)
