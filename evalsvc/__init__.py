"""evalsvc: run a labelled test set through a model overnight, and trust the numbers in the morning."""

__version__ = "0.1.0"
