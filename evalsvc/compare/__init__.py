"""Runs, paired by row.

side.py ─► pairing.py ─► evidence.py ─► statistics ─► comparing.py ─► Comparison

nouns.py        what a comparison says, ready to be shown or written as JSON
side.py         a run directory or a baseline file, as comparisons read them: source.py says what a side is, run_source.py reads runs
baseline.py     what of a run is enough to be held against, without a word of its texts; baseline_file.py is the format
definitions.py  which number a metric is, however its interval is had
pairing.py      which rows both sides have, and which only one
evidence.py     what one side has of the common rows, numbered alike on both sides
differences.py  which interval and test each metric has: proportions.py, resampled.py, student.py, own.py, significance.py, groups.py
flips.py        the rows that came out another way
comparing.py    two sides -> Comparison; several runs -> Field
history.py      the runs of a name, one after the other
regression.py   a Comparison -> the verdict of a gate
"""
