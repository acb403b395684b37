"""One frozen tree of settings from file, environment and flags."""

from evalsvc.config.load import LoadedConfig, load_config
from evalsvc.config.models import (
    Budget,
    DatasetConfig,
    EvalConfig,
    JournalConfig,
    Limits,
    ModelConfig,
    Price,
    PromptConfig,
    Scoring,
    StopIf,
)

__all__ = [
    "Budget",
    "DatasetConfig",
    "EvalConfig",
    "JournalConfig",
    "Limits",
    "LoadedConfig",
    "ModelConfig",
    "Price",
    "PromptConfig",
    "Scoring",
    "StopIf",
    "load_config",
]
