"""Score -> Tally -> number with interval. Tallies are exact sums, so any order and any sharding give the same digits."""

from evalsvc.metrics.classification import classification_metrics, confusion_matrix, per_class
from evalsvc.metrics.gates import Gate, check_gates, check_metrics, evaluate_gate, parse_gate, undecided
from evalsvc.metrics.intervals import wilson
from evalsvc.metrics.tally import ConfusionTally, LatencySketch, OutcomeTally, ServedTally, Tally, UsageTally
from evalsvc.metrics.warnings import warnings_for

__all__ = [
    "ConfusionTally",
    "Gate",
    "LatencySketch",
    "OutcomeTally",
    "ServedTally",
    "Tally",
    "UsageTally",
    "check_gates",
    "check_metrics",
    "classification_metrics",
    "confusion_matrix",
    "evaluate_gate",
    "parse_gate",
    "per_class",
    "undecided",
    "warnings_for",
    "wilson",
]
