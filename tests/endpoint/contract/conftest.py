"""The transports, as one parameter of every test that asks for `transport`."""

import pytest

from tests.endpoint.contract.transports import TRANSPORTS, Transport


@pytest.fixture(params=TRANSPORTS)
def transport(request: pytest.FixtureRequest) -> Transport:
    return TRANSPORTS[request.param]
