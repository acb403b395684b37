"""What tells that a file was written to."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """Equal while a file is the same; `version` is its time of change, or what a store says of its content."""

    size: int | None
    version: str
