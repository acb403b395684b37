"""The data set station: a file, or several, to Samples, streamed in two passes.

open_dataset ─► Dataset.survey()    first pass: count, labels, duplicates, hashes; every row is checked
             └► Dataset.samples()   second pass: the Samples, in file order

locate.py       path, glob or URL -> places (place.py) and their format
source.py       a stored file -> lines of bytes; compression.py takes the bytes out of .gz and .zst
remote.py       a file behind a URL, fetched ahead in a thread (ahead.py); storage.py knows the stores, their extras and errors
reader.py       the role of a format; jsonl.py, delimited.py, parquet.py and own.py fulfil it, formats.py lists them
columns.py      which column is the input, the target, the id; conversation.py knows a row's own messages
selection.py    which rows are asked: condition.py has `where`, draw.py `subsample`
questions.py    what each row asks, for examples that must not ask it too
hashes.py       the 8-byte hashes by which all later stations know a row; occurrences.py counts equal ones
"""

from evalsvc.dataset.dataset import Dataset, open_dataset
from evalsvc.dataset.hashes import id_hash, repeat_mask, row_hash, target_hash
from evalsvc.dataset.survey import Survey

__all__ = ["Dataset", "Survey", "id_hash", "open_dataset", "repeat_mask", "row_hash", "target_hash"]
