"""Where a data file is: a path of this machine, or a URL."""

import re
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath
from urllib.parse import urlsplit

from evalsvc.config.address import shown_url

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")


@dataclass(frozen=True, slots=True)
class Url:
    """A file that fsspec reads. As text it is what may be shown: without password and signature."""

    address: str = field(repr=False)  # as it was written, or as a glob found it

    def __str__(self) -> str:
        return shown_url(self.address)

    @property
    def scheme(self) -> str:
        return self.address.partition("://")[0].lower()

    @property
    def is_http(self) -> bool:
        return self.scheme in ("http", "https")

    @property
    def pure(self) -> PurePosixPath:
        """Its path alone, for name and endings.

        >>> Url("https://host/data/test.jsonl.gz?sig=abc").pure.name, Url("s3://bucket/a?b.csv").pure.name
        ('test.jsonl.gz', 'a?b.csv')
        """
        path = urlsplit(self.address).path if self.is_http else self.address.partition("://")[2]
        return PurePosixPath(path)

    @property
    def name(self) -> str:
        return self.pure.name

    @property
    def holds_secrets(self) -> bool:
        return str(self) != self.address


Place = Path | Url


def is_url(text: str) -> bool:
    """
    >>> is_url("s3://bucket/test.jsonl"), is_url("data/test.jsonl"), is_url("C://x")
    (True, False, False)
    """
    return _URL.match(text) is not None


def pure(place: Place) -> PurePath:
    return place.pure if isinstance(place, Url) else place
