"""The derived files of a run, brought up to date with its journal: numbers, gates, report. No request is sent.

derive.py       reduce ─► gates against baselines ─► summary.json ─► report.html, junit.xml
page.py         a run directory -> what its report shows
verdict.py      what a finished run says to a scheduler, and what to type next
__main__.py     the same as a process of its own, beside a run
"""
