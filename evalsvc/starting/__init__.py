"""The first step: a look at somebody's data, and an eval.yaml to start from.

data ─► look (sniffing, column, roles) ─► draft ─► yaml_text ─► eval.yaml

look.py         one reading of all rows: sniffing.py tells the format, column.py what a column holds, roles.py what it is for
tasks.py        which task the rows are for, and what a first config says of it
asking.py       whom to ask: what the environment points at, else the sandbox
draft.py        what was seen -> a config document and its comments
yaml_text.py    a document and comments -> YAML
first_config.py `evalsvc init`: all of these, and what is told on the terminal
direct.py       `evalsvc run DATA`: flags in place of a config
moved.py        a document as it reads from another folder
"""

from evalsvc.starting.yaml_text import render

__all__ = ["render"]
