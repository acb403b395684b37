"""journal -> Summary: incremental, in bounded memory, away from the event loop."""

from evalsvc.reduce.run import reduce_run

__all__ = ["reduce_run"]
