"""evalsvc as a library, for scripts, notebooks and services. What is public is listed in `evalsvc/__init__.py`.

evaluating.py   a config -> Run, blocking or awaited
background.py   one evaluation in a thread and event loop of its own
runs.py         a run directory -> Run
rows.py         journal and scores -> Rows, joined as they stream by
page.py         a Run as a notebook shows it
"""
