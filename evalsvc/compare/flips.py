"""The rows that came out another way, worst first, with what both sides said."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from evalsvc.compare.nouns import Flip
from evalsvc.compare.source import Row, Side
from evalsvc.dataset.conversation import last_user_text
from evalsvc.jsonio import loads
from evalsvc.records import Record, Score

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]

MOST_CHARS: Final = 2_000


def most_changed(changes: "Floats", count: int, *, lower_is_better: bool) -> list[int]:
    """The numbers of at most `count` rows that changed: those that got worse first, the larger change before the smaller, then by number.

    >>> import numpy as np
    >>> most_changed(np.array([0.0, 1.0, -0.5, np.nan, -1.0]), 3, lower_is_better=False)
    [4, 2, 1]
    """
    import numpy as np

    gains = -changes if lower_is_better else changes
    changed = np.flatnonzero(np.nan_to_num(gains))
    order = np.lexsort((changed, -np.abs(gains[changed]), gains[changed] > 0))
    numbers: list[int] = changed[order[:count]].tolist()
    return numbers


def flips(
    a: Side, b: Side, places_a: Sequence[int], places_b: Sequence[int], changes: Sequence[float], *, outputs: bool
) -> tuple[Flip, ...]:
    """The rows at these places, in this order. `outputs`: with what the models said, for which both journals are looked through."""
    scores_a, scores_b = a.source.scores_at(places_a), b.source.scores_at(places_b)
    pairs = [(scores_a[at_a], scores_b[at_b]) for at_a, at_b in zip(places_a, places_b, strict=True)]
    rows = {(score.id, score.repeat) for score, _ in pairs} if outputs else set[Row]()
    records_a, records_b = (side.source.records(rows) if rows else {} for side in (a, b))
    return tuple(_flip(pair, change, records_a, records_b) for pair, change in zip(pairs, changes, strict=True))


def _flip(scores: tuple[Score, Score], change: float, records_a: Mapping[Row, Record], records_b: Mapping[Row, Record]) -> Flip:
    of_a, of_b = scores
    row = of_a.id, of_a.repeat
    record_a, record_b = records_a.get(row), records_b.get(row)
    return Flip(
        id=of_a.id,
        repeat=of_a.repeat,
        target=_cut(of_b.target or of_a.target or None),  # a baseline file has nothing in the place of a text
        outcome_a=of_a.outcome.value,
        outcome_b=of_b.outcome.value,
        prediction_a=_cut(of_a.prediction),
        prediction_b=_cut(of_b.prediction),
        change=change,
        output_a=_output(record_a),
        output_b=_output(record_b),
        prompt=_prompt(record_b) or _prompt(record_a),
    )


def _output(record: Record | None) -> str | None:
    return None if record is None or record.reply is None else _cut(record.reply.output)


def _prompt(record: Record | None) -> str | None:
    """What the user said last."""
    if record is None or record.messages is None:
        return None
    messages = loads(record.messages)
    return _cut(last_user_text(messages)) if any(message["role"] == "user" for message in messages) else None


def _cut(text: str | None) -> str | None:
    return text if text is None or len(text) <= MOST_CHARS else f"{text[: MOST_CHARS - 1]}…"
