"""One Chromium for all pages that are looked at."""

from collections.abc import Iterator

import pytest

from tests.browser.browser import PROGRAM, WHY_SKIPPED, Browser, browsing


@pytest.fixture(scope="session")
def shared_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip(WHY_SKIPPED)
    with browsing(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture
def browser(shared_browser: Browser) -> Browser:
    """A tab at desktop width, light, that has asked for nothing yet."""
    shared_browser.resize(1280)
    shared_browser.show_as()
    shared_browser.requests.clear()
    shared_browser.errors.clear()
    return shared_browser
