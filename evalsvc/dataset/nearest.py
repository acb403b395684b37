"""The name that was probably meant."""

from collections.abc import Iterable


def nearest(name: str, among: Iterable[str]) -> str | None:
    """The closest of `among`, case aside, or None when none is close.

    >>> nearest("Txet", ["text", "label"])
    'text'
    """
    from difflib import get_close_matches

    folded = {other.casefold(): other for other in among}
    found = get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return folded[found[0]] if found else None
