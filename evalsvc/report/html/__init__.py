"""report.html: one file that holds all it shows, fetches nothing and runs no script but its own.

contents.py   what a page is made from          page.py       the whole page, section by section
document.py   the HTML around sections          markup.py     text, tables, sections
style.py      colours and type                  notebook.py   what a notebook shows of it

first.py      the first screen: the verdict, then gates.py, numbers.py, outcomes.py, warned.py
below it      matrix.py, classes.py, charts/, slices.py, thresholds.py, rows.py, comparison.py, took.py, reproduce.py
"""
