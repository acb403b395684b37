"""Runs, paired by row.

side.py ─► pairing.py ─► evidence.py ─► statistics ─► comparing.py ─► Comparison

nouns.py        what a comparison says, ready to be shown or written as JSON
side.py         a run directory or a baseline file, as comparisons read them
baseline.py     baseline.jsonl.gz: what of a run is enough to be held against, without a word of its texts
pairing.py      which rows both sides have, and which only one
evidence.py     what one side has of the common rows, numbered alike on both sides
comparing.py    two sides -> Comparison; several runs -> Field
history.py      the runs of a name, one after the other
regression.py   a Comparison -> the verdict of a gate
"""
