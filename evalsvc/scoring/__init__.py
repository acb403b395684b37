"""Record -> Score: which label a reply means, and what that makes of its row. Pure; no request, no clock, no file."""

from evalsvc.scoring.classify import Classifier, Scorer, make_scorer
from evalsvc.scoring.label_set import resolve_labels
from evalsvc.scoring.labels import Found, LabelFinder

__all__ = ["Classifier", "Found", "LabelFinder", "Scorer", "make_scorer", "resolve_labels"]
