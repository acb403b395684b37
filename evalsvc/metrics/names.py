"""The names of metrics: those that exist, those that need `scoring.positive`, those whose station is not built yet."""

AVERAGES = ("macro", "micro", "weighted")
CLASSIFICATION = (
    "accuracy",
    "balanced_accuracy",
    *(f"{metric}_{average}" for average in AVERAGES for metric in ("precision", "recall", "f1")),
    "mcc",
    "kappa",
    "parse_rate",
    "coverage",
)
WITHOUT_LABELS = ("accuracy", "parse_rate", "coverage")
OF_POSITIVE = ("precision", "recall", "f1")
# Shares of rows with status ok, or of all rows: "on parsed rows only" means nothing for them.
OF_ROWS = ("parse_rate", "coverage")
# From -1 to 1; all others from 0 to 1.
SIGNED = ("mcc", "kappa")
LATER = (
    *("log_loss", "brier", "ece", "roc_auc", "average_precision"),
    *("exact_match", "token_f1", "bleu", "chrf", "ter", "rouge1", "rouge2", "rougeL", "rougeLsum", "numeric_match", "json_valid"),
    *("generated_nll", "generated_perplexity", "target_nll", "perplexity", "bits_per_byte"),
    *("mae", "rmse", "r2", "pearson", "spearman", "pass_at_k"),
)
EXTENSION = "ext."
