"""The names of metrics: which tasks have them, which are shown when none is named, and in what range they lie."""

from collections.abc import Mapping
from math import inf
from typing import Final

AVERAGES = ("macro", "micro", "weighted")
# Of the count table: every run with labels has them.
CLASSIFICATION = (
    "accuracy",
    "balanced_accuracy",
    *(f"{metric}_{average}" for average in AVERAGES for metric in ("precision", "recall", "f1")),
    "mcc",
    "kappa",
    "parse_rate",
    "coverage",
)
# Of the outcomes alone; accuracy where something says which answers are right.
WITHOUT_LABELS = ("accuracy", "parse_rate", "coverage")
OF_POSITIVE = ("precision", "recall", "f1")
# Shares of rows with status ok, or of all rows: "on parsed rows only" means nothing for them.
OF_ROWS = ("parse_rate", "coverage")
OF_OUTCOMES = frozenset({*CLASSIFICATION, *OF_POSITIVE})

PROBABILITIES = ("log_loss", "brier", "ece", "roc_auc", "average_precision", "label_mass")
MATCHES = ("exact_match", "normalised_match", "token_f1", "numeric_match", "json_valid", "json_schema", "regex_match", "pass_at_k")
OVERLAP = ("bleu", "chrf", "chrf_pp", "ter", "rouge1", "rouge2", "rougeL", "rougeLsum")
GENERATED = ("generated_nll", "generated_perplexity")
LIKELIHOOD = ("target_nll", "perplexity", "bits_per_byte", "word_perplexity")
REGRESSION = ("mae", "rmse", "r2", "pearson", "spearman")
JUDGE = ("judge_score", "win_rate", "tie_rate", "judge_consistency", "judge_first_rate", "judge_kappa", "answer_rate")
TEXTS = (*MATCHES, *OVERLAP, *GENERATED)

# Names that stand for several metrics with the same options.
GROUPS: Final[Mapping[str, tuple[str, ...]]] = {"rouge": ("rouge1", "rouge2", "rougeL", "rougeLsum")}

# What a task offers beside the metrics of its outcomes.
OFFERED: Final[Mapping[str, tuple[str, ...]]] = {
    "classification": (*PROBABILITIES, *GENERATED),
    "generation": TEXTS,
    "translation": TEXTS,
    "summarization": TEXTS,
    "qa": TEXTS,
    "perplexity": LIKELIHOOD,
    "regression": (*REGRESSION, *GENERATED),
    "judge": JUDGE,
}
# What is shown when `metrics` names none.
SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "classification": (),
    "generation": ("exact_match", "normalised_match", "token_f1", "rougeL"),
    "translation": ("bleu", "chrf", "ter"),
    "summarization": ("rouge1", "rouge2", "rougeL", "rougeLsum"),
    "qa": ("exact_match", "normalised_match", "token_f1"),
    "perplexity": LIKELIHOOD,
    "regression": REGRESSION,
    "judge": (),
}
# Shares of rows: each says of an answer whether it is right.
TELL_RIGHT = ("exact_match", "normalised_match", "numeric_match", "json_valid", "json_schema", "regex_match")
# The metric that says which answers are right, where `scoring.correct` names none.
CORRECT: Final[Mapping[str, str]] = {"qa": "normalised_match"}

# From where to where; all others from 0 to 1.
RANGE: Final[Mapping[str, tuple[float, float]]] = {
    **dict.fromkeys(("mcc", "kappa", "pearson", "spearman", "judge_kappa"), (-1.0, 1.0)),
    **dict.fromkeys(("bleu", "chrf", "chrf_pp"), (0.0, 100.0)),
    **dict.fromkeys(("generated_perplexity", "perplexity", "word_perplexity"), (1.0, inf)),
    **dict.fromkeys(("ter", "log_loss", "generated_nll", "target_nll", "bits_per_byte", "mae", "rmse"), (0.0, inf)),
    "brier": (0.0, 2.0),
    "judge_score": (-inf, inf),
    "r2": (-inf, 1.0),
}
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "ece", "ter", "mae", "rmse", *GENERATED, *LIKELIHOOD})
EXTENSION = "ext."
# What people call them elsewhere.
ALSO_CALLED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("acc", "pass_rate"), "accuracy"),
    **dict.fromkeys(("em", "exact", "exactmatch"), "exact_match"),
    **dict.fromkeys(("squad_f1",), "token_f1"),
    **dict.fromkeys(("auc", "auroc", "rocauc"), "roc_auc"),
    **dict.fromkeys(("ap", "auprc", "pr_auc"), "average_precision"),
    **dict.fromkeys(("loss", "nll", "cross_entropy"), "log_loss"),
    **dict.fromkeys(("ppl",), "perplexity"),
    **dict.fromkeys(("bpb",), "bits_per_byte"),
    **dict.fromkeys(("chrf++", "chrfpp", "chrf2++"), "chrf_pp"),
    **dict.fromkeys(("matthews", "matthews_corrcoef"), "mcc"),
    **dict.fromkeys(("mse", "rmsd"), "rmse"),
    **dict.fromkeys(("r", "correlation"), "pearson"),
    **dict.fromkeys(("pass@k", "passk"), "pass_at_k"),
    **dict.fromkeys(("sacrebleu",), "bleu"),
}


def range_of(metric: str) -> tuple[float, float]:
    """The least and the greatest value there can be."""
    return RANGE.get(metric, (0.0, 1.0))


def expanded(name: str) -> tuple[str, ...]:
    """The metrics that `name` stands for: itself, or those of the group."""
    return GROUPS.get(name, (name,))
