"""The derived files of a run, brought up to date with its journal: numbers, gates, report. No request is sent.

derive.py       reduce ─► gates against baselines ─► summary.json ─► report.html, junit.xml
__main__.py     the same as a process of its own, beside a run
"""

from evalsvc.deriving.derive import derive_run

__all__ = ["derive_run"]
