"""What a reduction is a function of: the journal, the config, the labels, and which rows count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, Self

from evalsvc.config import EvalConfig
from evalsvc.errors import UsageError
from evalsvc.jsonio import canonical
from evalsvc.rundir import Manifest, RunDir
from evalsvc.scoring.label_set import resolve_labels

# Raised when scoring or tallies change their meaning, so that no state of an older version is carried on.
SCORING_VERSION = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    run: RunDir
    manifest: Manifest
    config: EvalConfig
    labels: tuple[str, ...]

    @classmethod
    def of(cls, run: RunDir, manifest: Manifest) -> Self:
        """UsageError when the stored config, or its scoring section, cannot be used any more."""
        config = EvalConfig.model_validate({**manifest.config, "base_dir": Path(manifest.base_dir)})
        return cls(run=run, manifest=manifest, config=config, labels=labels_of(config, manifest.dataset))

    @property
    def expected(self) -> int:
        return int(self.manifest.dataset["rows"]) * self.config.repeats

    @property
    def fold_key(self) -> str:
        """Equal keys mean that the counts of one reduction can be carried on by the next."""
        config = self.config
        parts = [SCORING_VERSION, config.task, config.scoring.model_dump(mode="json"), self.labels]
        return _digest([*parts, self.manifest.dataset["sha256"] if self.manifest.data_changed else None, config.dataset.limit])

    @property
    def summary_key(self) -> str:
        """Equal keys mean that the same counts give the same summary."""
        config = self.config.model_dump(mode="json", include={"name", "metrics", "gates", "model", "max_error_rate"})
        return _digest([self.fold_key, config, self.expected])


def labels_of(config: EvalConfig, dataset: Mapping[str, Any]) -> tuple[str, ...]:
    if not dataset.get("labels_complete", True) and config.scoring.labels is None:
        raise UsageError(
            "the data set has more than 10,000 different targets: these are texts, not labels",
            hint="name the labels in `scoring.labels`, or look whether `dataset.target` names the right column",
        )
    return resolve_labels(config.scoring, dataset["labels"])


def _digest(parts: Sequence[Any]) -> str:
    return blake2b(canonical(list(parts)), digest_size=8).hexdigest()
