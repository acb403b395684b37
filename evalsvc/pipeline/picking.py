"""A few of the rows that are still to be asked, spread over the whole data set and the same each time."""

from evalsvc.dataset import Survey
from evalsvc.pipeline.resume import Resume


def pick(resume: Resume, survey: Survey, *, repeats: int, n: int) -> bytes:
    """A `skip` for all repeats that leaves at most `n` rows to ask: those whose ids have the smallest hashes.

    That is a random sample of the rows, as ids are hashed evenly, and a larger `n` keeps the rows of a smaller one. A
    further repeat of a row comes after the first of all others.
    """
    import numpy as np

    order = np.argsort(np.frombuffer(survey.id_hashes, dtype="<u8"), kind="stable")
    skip = np.ones(survey.rows * repeats, dtype=np.uint8)
    left = n
    for repeat, known in resume.passes(survey.rows, repeats):
        open_rows = order if known is None else order[np.frombuffer(known, dtype=np.uint8)[order] == 0]
        chosen = open_rows[:left]
        skip[repeat * survey.rows + chosen] = 0
        left -= len(chosen)
    return skip.tobytes()
