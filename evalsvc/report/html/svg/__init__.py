"""Small drawings: an axis, a line, some bars. All text of the user's is escaped, all colours are those of the page.

axes.py      values -> ticks and their labels          panel.py     a plane between two axes, and what is drawn on it
picture.py   panels -> one <svg> that says in words what is to be seen
"""
