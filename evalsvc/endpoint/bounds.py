"""What bounds every transport alike: sizes and times that no config needs to know."""

from collections.abc import Mapping
from typing import Final

MAX_RESPONSE_BYTES: Final = 16 * 1024 * 1024
ERROR_BODY_BYTES: Final = 64 * 1024
LARGE_BODY_BYTES: Final = 1024 * 1024  # above it aiohttp warns about plain bytes
KEEPALIVE_S: Final = 4.0  # uvicorn and vLLM close idle sockets after 5 s: a request sent into a closing one is lost
LINGER_S: Final = 0.5  # how long an answered stream may take to close in good order; then its connection is given up
STREAM_ACCEPT: Final[Mapping[str, str]] = {"accept": "text/event-stream, application/json"}
