"""Thousands of requests at once, under every limit there is."""

from evalsvc.pool.counters import Counters, PoolView
from evalsvc.pool.dispatcher import Hooks, Pool, PoolSettings
from evalsvc.pool.job import Finished
from evalsvc.pool.retry import RetryPolicy

__all__ = ["Counters", "Finished", "Hooks", "Pool", "PoolSettings", "PoolView", "RetryPolicy"]
