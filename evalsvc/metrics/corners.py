"""Which points a line must go through, so that it runs as if it went through all of them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def corners(x: "Floats", y: "Floats", within: float) -> list[int]:
    """Places of points, the first and the last among them, so that no other is farther than `within` from the line between its
    neighbours (Ramer 1972; Douglas and Peucker 1973).

    >>> import numpy as np
    >>> corners(np.array([0.0, 0.1, 0.2, 0.6, 1.0]), np.array([0.0, 0.4, 0.8, 0.9, 1.0]), 0.001)
    [0, 2, 4]
    """
    kept = {0, len(x) - 1}
    open_ = [(0, len(x) - 1)]
    while open_:
        first, last = open_.pop()
        if last - first < 2:
            continue
        away = _away(x, y, first, last)
        farthest = int(away.argmax())
        if away[farthest] > within * within:
            middle = first + 1 + farthest
            kept.add(middle)
            open_ += [(first, middle), (middle, last)]
    return sorted(kept)


def _away(x: "Floats", y: "Floats", first: int, last: int) -> "Floats":
    """The squares of the distances of the points between two from the line that joins these."""
    import numpy as np

    across, up = x[last] - x[first], y[last] - y[first]
    from_x, from_y = x[first + 1 : last] - x[first], y[first + 1 : last] - y[first]
    length = across * across + up * up
    along = np.clip((from_x * across + from_y * up) / length, 0.0, 1.0) if length else 0.0
    squares: Floats = (from_x - along * across) ** 2 + (from_y - along * up) ** 2
    return squares
