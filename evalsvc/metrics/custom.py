"""Metrics of the user's own: found by name, and kept from doing harm. Whatever they raise becomes the reason why there is no value."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite
from pathlib import Path
from typing import Any, Self, TypeVar

from evalsvc import plugins
from evalsvc.config.keypath import Where
from evalsvc.config.models import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.extending import JudgedRow, Tally
from evalsvc.jsonio import canonical, loads
from evalsvc.metrics.names import EXTENSION, GROUPS, OF_OUTCOMES, OFFERED
from evalsvc.plugins import prints_to_stderr
from evalsvc.records import MetricValue

_METHODS = ("empty", "update", "merge", "state", "from_state", "value")
_BUILT_IN = tuple({*OF_OUTCOMES, *GROUPS, *(name for offered in OFFERED.values() for name in offered)})
_HINT = "docs/extending.md#a-metric has one that works"

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomMetric:
    """A metric that the config names and evalsvc does not have."""

    written: str  # as in the config
    options: Mapping[str, Any]
    base_dir: Path
    place: str

    @property
    def name(self) -> str:
        """As summary.json has it: ext. and the name of the class, or of the entry point."""
        return EXTENSION + self.written.rpartition(":")[2]

    @property
    def fingerprint(self) -> str:
        """Changes when the metric may count otherwise; that its file is gone is told by `load`."""
        try:
            code = plugins.fingerprint(plugins.Kind.METRIC, self.written, self.base_dir)
        except OSError:
            code = ""
        return blake2b(canonical([code, self.options]), digest_size=8).hexdigest()

    def load(self) -> type[Tally]:
        """UsageError for what is no metric."""
        found = plugins.load(plugins.Kind.METRIC, self.written, self.base_dir, place=self.place, built_in=_BUILT_IN)
        missing = [method for method in _METHODS if not callable(getattr(found, method, None))]
        if missing or not isinstance(found, type):
            raise UsageError(f"{self.place}: {self.written} is no metric: it has no {', '.join(missing) or 'class'}", hint=_HINT)
        return found


def named(metric: str | Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The name and the options of an item of `metrics:`; UsageError for a mapping that has not exactly one name."""
    if isinstance(metric, str):
        return metric, {}
    if len(metric) != 1:
        raise UsageError(f"metrics: {dict(metric)!r} names {len(metric)} metrics", hint='write one a line: - "metrics.py:Name": {options}')
    [(name, options)] = metric.items()
    return name, options


def is_built_in(name: str) -> bool:
    """Whether `name` is for gates.check_metrics to judge. What is neither a file nor installed is: it knows the nearest name."""
    return name in _BUILT_IN or not (plugins.is_in_file(name) or name in plugins.installed(plugins.Kind.METRIC))


def custom_metrics(config: EvalConfig, where: Where = str) -> tuple[CustomMetric, ...]:
    """The metrics of `config` that evalsvc does not have itself. UsageError for two of one name."""
    found: dict[str, CustomMetric] = {}
    for index, item in enumerate(config.metrics):
        written, options = named(item)
        if not is_built_in(written):
            metric = CustomMetric(written=written, options=options, base_dir=config.base_dir, place=where(f"metrics[{index}]"))
            if found.setdefault(metric.name, metric) is not metric:
                raise UsageError(f"{metric.place}: two metrics would be {metric.name}", hint="give one of the classes another name")
    return tuple(found.values())


def check_custom_metrics(config: EvalConfig, where: Where) -> None:
    """UsageError, with its place, for a metric that cannot be loaded, or cannot be empty with its options."""
    for metric in custom_metrics(config, where):
        guarded = Guarded.of(metric)
        if guarded.broken is not None:
            raise UsageError(f"{metric.place}: {metric.written}: {guarded.broken}", hint=_HINT)


@dataclass(slots=True, kw_only=True)
class Guarded:
    """A tally of the user's; `broken` says why it no longer counts."""

    fingerprint: str = ""
    tally: Tally | None = None
    broken: str | None = None

    @classmethod
    def of(cls, metric: CustomMetric, state: bytes | None = None) -> Self:
        """An empty tally, or the one that goes on from `state`. UsageError when there is no such metric."""
        found, guarded = metric.load(), cls(fingerprint=metric.fingerprint)
        guarded.tally = guarded._try("empty" if state is None else "from_state", lambda: _begin(found, metric.options, state))
        return guarded

    def update(self, rows: Iterable[JudgedRow]) -> None:
        with prints_to_stderr():
            for row in rows:
                if self.tally is None or self.broken is not None:
                    return
                try:
                    self.tally.update(row)
                except (Exception, SystemExit) as error:
                    self.broken = f"update failed on row {row.id!r}: {type(error).__name__}: {error}"

    def state(self) -> bytes | None:
        """JSON to go on from; None for a tally that has none, which is then built from all rows again."""
        tally = self.tally
        return None if tally is None or self.broken is not None else Guarded()._try("state", lambda: canonical(dict(tally.state())))

    def metric(self, n: int) -> MetricValue:
        """In the shape of summary.json; `n` are the rows it saw."""
        tally = self.tally
        said = None if tally is None or self.broken is not None else self._try("value", lambda: _read(tally.value()))
        values: Mapping[str, Any] = said or {"value": None}
        metric: MetricValue = {
            "value": values["value"],
            "ci_low": values.get("ci_low"),
            "ci_high": values.get("ci_high"),
            "n": int(values.get("n") or n),
            "signature": f"custom:{self.fingerprint}",
        }
        if metric["value"] is None:
            metric["reason"] = self.broken or "it gave no value"
        return metric

    def _try(self, what: str, work: Callable[[], T]) -> T | None:
        try:
            with prints_to_stderr():
                return work()
        except (Exception, SystemExit) as error:
            self.broken = f"{what} failed: {type(error).__name__}: {error}"
            return None


def _begin(found: type[Tally], options: Mapping[str, Any], state: bytes | None) -> Tally:
    return found.empty(dict(options)) if state is None else found.from_state(loads(state))


_PARTS: Sequence[str] = ("value", "ci_low", "ci_high", "n")


def _read(said: object) -> dict[str, float | None]:
    """Value and interval of what `value()` gave; ValueError for what is no number."""
    values: Mapping[str, Any] = said if isinstance(said, Mapping) else {"value": said}
    if "value" not in values or not set(values) <= set(_PARTS):
        raise ValueError(f"it gave {said!r}; a number, None, or a mapping of {', '.join(_PARTS)}")
    return {name: _finite(value) for name, value in values.items()}


def _finite(value: Any) -> float | None:
    if value is None:
        return None
    number = float(value)
    if not isfinite(number):
        raise ValueError(f"{number} is not a finite number")
    return number
