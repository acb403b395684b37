"""Record -> Score: which label a reply means, and what that makes of its row. No request and no file; a scorer of the
user's own runs in processes of its own.
"""

from evalsvc.scoring.classify import Classifier, Scorer
from evalsvc.scoring.label_set import resolve_labels
from evalsvc.scoring.labels import Found, LabelFinder
from evalsvc.scoring.rows import RowScorer, check_scorer, open_scorer
from evalsvc.scoring.tasks import make_scorer

__all__ = ["Classifier", "Found", "LabelFinder", "RowScorer", "Scorer", "check_scorer", "make_scorer", "open_scorer", "resolve_labels"]
