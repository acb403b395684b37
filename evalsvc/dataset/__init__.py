"""The data set station: a file, or several, to Samples, streamed in two passes.

open_dataset ─► Dataset.survey()    first pass: count, labels, duplicates, hashes; every row is checked
             └► Dataset.samples()   second pass: the Samples, in file order

locate.py       path or glob -> files and their format
source.py       a stored file -> lines of bytes; compression.py takes the bytes out of .gz and .zst
reader.py       the role of a format; jsonl.py and delimited.py fulfil it, formats.py lists them
columns.py      which column is the input, the target, the id
hashes.py       the 8-byte hashes by which all later stations know a row; occurrences.py counts equal ones
"""

from evalsvc.dataset.dataset import Dataset, open_dataset
from evalsvc.dataset.hashes import id_hash, row_hash, target_hash
from evalsvc.dataset.survey import Survey

__all__ = ["Dataset", "Survey", "id_hash", "open_dataset", "row_hash", "target_hash"]
