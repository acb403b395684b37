"""Thousands of requests at once, under every limit there is."""

from evalsvc.pool.counters import Counters, PoolView
from evalsvc.pool.dispatcher import Pool
from evalsvc.pool.job import Finished
from evalsvc.pool.retry import RetryPolicy
from evalsvc.pool.settings import FreeOfCharge, Hooks, Payer, PoolSettings

__all__ = ["Counters", "Finished", "FreeOfCharge", "Hooks", "Payer", "Pool", "PoolSettings", "PoolView", "RetryPolicy"]
