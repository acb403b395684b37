"""What a reduction is a function of: the journal, the config, the labels, and which rows count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

from evalsvc import plugins
from evalsvc.config import EvalConfig
from evalsvc.config.keypath import Where
from evalsvc.config.secrets import with_address
from evalsvc.errors import UsageError
from evalsvc.jsonio import canonical
from evalsvc.metrics.custom import custom_metrics
from evalsvc.metrics.families.metric import AnyMetric, SumMetric
from evalsvc.metrics.families.registry import build_metrics, columns_of_metrics, wanted_metrics
from evalsvc.metrics.gates import Against, Gate, available_metrics, check_gates
from evalsvc.reduce.external import external_fingerprint
from evalsvc.rundir import Manifest, RunDir
from evalsvc.scoring.judging import check_judge
from evalsvc.scoring.label_set import resolve_labels
from evalsvc.scoring.labels import check_labels

# Raised when scoring or tallies change their meaning, so that no state of an older version is carried on.
SCORING_VERSION = 3
# How a scorer is run changes nothing of what it says.
_HOW_NOT_WHAT = {"workers", "timeout_s"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    run: RunDir
    manifest: Manifest
    config: EvalConfig
    labels: tuple[str, ...]
    metrics: tuple[AnyMetric, ...] = ()  # beside those of the outcomes

    @classmethod
    def of(cls, run: RunDir, manifest: Manifest, where: Where | None = None) -> Self:
        """UsageError when the stored config, or its scoring section, cannot be used any more; with its place, where `where` knows it."""
        config = EvalConfig.model_validate({**with_address(manifest.config, manifest.config_file), "base_dir": Path(manifest.base_dir)})
        try:
            labels = labels_of(config, manifest.dataset)
        except UsageError as error:
            raise (error if where is None else _placed(error, where)) from None
        metrics = build_metrics(config, labels, where or str)
        return cls(run=run, manifest=manifest, config=config, labels=labels, metrics=metrics)

    @property
    def expected(self) -> int:
        return int(self.manifest.dataset["rows"]) * self.config.repeats

    @property
    def gates(self) -> tuple[Gate | Against, ...]:
        config = self.config
        available = available_metrics(config.task, has_labels=bool(self.labels), own_scorer=config.scoring.scorer is not None)
        return check_gates(config.gates, positive=config.scoring.positive, labels=self.labels, available=available, slices=config.slices)

    @property
    def fold_key(self) -> str:
        """Equal keys mean that the counts of one reduction can be carried on by the next."""
        config = self.config
        scoring = config.scoring.model_dump(mode="json", exclude=_HOW_NOT_WHAT)
        scorer = _fingerprint(plugins.Kind.SCORER, config.scoring.scorer, config.base_dir)
        judge = config.judge.scale if config.task == "judge" else None
        parts = [SCORING_VERSION, config.task, scoring, scorer, self.labels, *([] if judge is None else [judge])]
        rows = config.dataset.model_dump(mode="json", include={"limit", "where", "subsample", "target", "messages", "against"})
        columns = columns_of_metrics(self.metrics)
        depends_on_data = self.manifest.data_changed or columns
        # options may name files: the signature knows what is in them
        signatures = [metric.signature for metric in self.metrics if isinstance(metric, SumMetric)]
        measured = [signatures, *((wanted.name, wanted.options) for wanted in wanted_metrics(config))] if self.metrics else None
        return digest([*parts, self.manifest.dataset["sha256"] if depends_on_data else None, rows, measured])

    @property
    def summary_key(self) -> str:
        """Equal keys mean that the same counts give the same summary."""
        config = self.config.model_dump(mode="json", include={"name", "metrics", "gates", "model", "max_error_rate", "repeats", "slices"})
        metrics = [metric.fingerprint for metric in custom_metrics(self.config)]
        looks_at_data = self.config.dataset.group is not None or self.config.slices
        data = (self.config.dataset.group, self.manifest.dataset["sha256"]) if looks_at_data else None
        return digest([self.fold_key, config, self.expected, metrics, data, external_fingerprint(self.run)])


def labels_of(config: EvalConfig, dataset: Mapping[str, Any]) -> tuple[str, ...]:
    """What rows are counted by; none where answers are texts or numbers, and where a scorer of the user's says what is correct
    and `scoring.labels` names none.
    """
    if config.task == "judge":
        check_judge(config, dataset["labels"])
    if config.task != "classification":
        return ()
    if config.scoring.scorer is not None and config.scoring.labels is None:
        return _no_labels(config)
    if not dataset.get("labels_complete", True) and config.scoring.labels is None:
        raise UsageError(
            "the data set has more than 10,000 different targets: these are texts, not labels",
            hint="name the labels in `scoring.labels`, or look whether `dataset.target` names the right column",
        )
    labels = resolve_labels(config.scoring, dataset["labels"])
    check_labels(labels, config.scoring)
    return labels


def _placed(error: UsageError, where: Where) -> UsageError:
    """The same with the line where the key that it begins with was written, or the labels should be."""
    key, _, rest = error.message.partition(": ")
    if key.startswith("scoring."):
        return UsageError(f"{where(key)}: {rest}", hint=error.hint)
    return UsageError(f"{where('scoring.labels')}: {error.message}", hint=error.hint)


def _no_labels(config: EvalConfig) -> tuple[str, ...]:
    for key in ("positive", "aliases"):
        if getattr(config.scoring, key):
            raise UsageError(
                f"scoring.{key}: with a scorer of your own there are labels only where `scoring.labels` names them",
                hint="name them all under `scoring.labels`; the scorer's `prediction` is then one of them",
            )
    return ()


def _fingerprint(kind: plugins.Kind, name: str | None, base_dir: Path) -> str | None:
    """None where there is nothing to be known; that it is gone is told by whoever loads it."""
    try:
        return None if name is None else plugins.fingerprint(kind, name, base_dir)
    except OSError:
        return None


def digest(parts: Sequence[Any]) -> str:
    return blake2b(canonical(list(parts)), digest_size=8).hexdigest()
