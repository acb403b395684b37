"""What carries requests, each behind the same door. To try another one on the whole contract, add its row."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from evalsvc.endpoint.answer import Ask
from evalsvc.endpoint.apis import Api
from evalsvc.endpoint.azure import AzureDoor
from evalsvc.endpoint.http import HttpAsk
from evalsvc.endpoint.sdk import SdkAsk

# (base URL, API, whether to stream) -> something to ask, as long as it is open
Transport = Callable[[str, Api, bool], AbstractAsyncContextManager[Ask]]

SETTINGS: dict[str, Any] = {"attempt_timeout_s": 5.0, "concurrency": 4, "environ": {}, "wall_clock": lambda: 0.0}


def http(base_url: str, api: Api, stream: bool) -> AbstractAsyncContextManager[Ask]:
    return HttpAsk(base_url=base_url, api=api, stream=stream, **SETTINGS)


def sdk(base_url: str, api: Api, stream: bool) -> AbstractAsyncContextManager[Ask]:
    return SdkAsk(base_url=base_url, api=api, stream=stream, **SETTINGS)


def azure(base_url: str, api: Api, stream: bool) -> AbstractAsyncContextManager[Ask]:
    door = AzureDoor(resource=base_url, deployment="m", api_version="2024-10-21", api_key="k")
    return SdkAsk(base_url=base_url, api=api, stream=stream, door=door, **SETTINGS)


TRANSPORTS: dict[str, Transport] = {"http": http, "sdk": sdk, "azure": azure}
