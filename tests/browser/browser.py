"""Headless Chromium, spoken to over a pipe in the DevTools protocol (https://chromedevtools.github.io/devtools-protocol/).

Synchronous: each call waits for its answer, and what the page reports meanwhile is kept.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WHY_SKIPPED = "needs Chromium (Debian's package `chromium`), which is not installed"
PATIENCE_S = 60.0
ENDS_WITHIN_S = 20.0

# A page that fetches nothing has no use for the network, and a test machine has no use for what Chromium does by itself.
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_OURS = ("file:", "data:", "blob:", "about:")
# The pipe is at 3 and 4, where Chromium looks for it.
_AT_3_AND_4 = 'exec "$@" 3<&"$READ" 4>&"$WRITE"'


@dataclass(slots=True)
class Browser:
    """One tab. `errors` are exceptions, failed policies and console errors of the pages opened so far."""

    _write: int
    _read: int
    _session: str = ""
    _number: int = 0
    _unread: bytes = b""
    _loaded: bool = False
    requests: dict[str, str] = field(default_factory=dict)  # URLs by request, those of the pages themselves included
    errors: list[str] = field(default_factory=list)

    def open(self, page: Path, fragment: str = "") -> None:
        """Loads a file from scratch and waits until all of it is there."""
        self._loaded = False
        # from elsewhere: another fragment of the same file would load nothing
        self.call("Page.navigate", url="about:blank")
        self._wait_for_load()
        self._loaded = False
        self.call("Page.navigate", url=page.absolute().as_uri() + fragment)
        self._wait_for_load()

    def fetched(self) -> list[str]:
        """What was asked for by now that is no file and holds no data itself, and that no policy stopped."""
        self.evaluate("new Promise(done => setTimeout(done))")
        return [url for url in self.requests.values() if not url.startswith(_OURS)]

    def evaluate(self, expression: str) -> Any:
        """The value of JavaScript, promises awaited; AssertionError where it throws."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """What is to be read in each element that fits `selector`."""
        found: list[str] = self.evaluate(f"[...document.querySelectorAll({json.dumps(selector)})].map(one => one.innerText)")
        return found

    def count(self, selector: str) -> int:
        found: int = self.evaluate(f"document.querySelectorAll({json.dumps(selector)}).length")
        return found

    def resize(self, width: int, height: int = 900) -> None:
        """The size of the window in CSS pixels; a width of less than 600 is a phone."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def show_as(self, *, scheme: str = "light", medium: str = "screen") -> None:
        """`scheme`: light or dark; `medium`: screen or print."""
        self.call("Emulation.setEmulatedMedia", media=medium, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def press(self, key: str) -> None:
        """A key by its DOM name: Tab, Enter, a."""
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowDown": 40}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, text=text, windowsVirtualKeyCode=codes.get(key, 0))

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        told = self.call("Page.captureScreenshot", captureBeyondViewport=whole, format="png")
        path.write_bytes(base64.b64decode(told["data"]))

    def call(self, method: str, **params: Any) -> Any:
        """One command of the protocol."""
        self._number += 1
        number = self._number
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._send(json.dumps(message).encode() + b"\0")
        while True:
            told = self._next()
            if told.get("id") == number:
                assert "error" not in told, (method, told["error"])
                return told["result"]
            self._take(told)

    def attach(self) -> None:
        """Opens the tab."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def close(self) -> None:
        os.close(self._write)
        os.close(self._read)

    def _wait_for_load(self) -> None:
        while not self._loaded:
            self._take(self._next())

    def _take(self, event: Mapping[str, Any]) -> None:
        params = event.get("params", {})
        match event.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requests[params["requestId"]] = params["request"]["url"]
            case "Network.loadingFailed" if params.get("blockedReason"):
                self.requests.pop(params["requestId"], None)
            case "Runtime.exceptionThrown":
                self.errors.append(json.dumps(params["exceptionDetails"]))
            case "Runtime.consoleAPICalled" if params["type"] in ("error", "assert"):
                self.errors.append(json.dumps(params["args"]))
            case "Log.entryAdded" if params["entry"]["level"] == "error":
                self.errors.append(params["entry"]["text"])

    def _send(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._write, rest) :]

    def _next(self) -> dict[str, Any]:
        give_up_at = time.monotonic() + PATIENCE_S
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._read], [], [], max(0.0, give_up_at - time.monotonic()))
            assert ready, f"Chromium said nothing for {PATIENCE_S:g} s"
            more = os.read(self._read, 1 << 20)
            assert more, "Chromium ended"
            self._unread += more
        line, _, self._unread = self._unread.partition(b"\0")
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def browsing(profile: Path) -> Iterator[Browser]:
    """A Chromium that ends with the block; it keeps its things in the folder `profile`."""
    assert PROGRAM is not None, WHY_SKIPPED
    (its_read, our_write), (our_read, its_write) = _pipe(), _pipe()
    command = ["bash", "-c", _AT_3_AND_4, "bash", PROGRAM, *_OPTIONS, f"--user-data-dir={profile}"]
    environ = {**os.environ, "HOME": str(profile), "READ": str(its_read), "WRITE": str(its_write)}
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, env=environ, pass_fds=(its_read, its_write), stdin=quiet, stdout=quiet, stderr=quiet) as process:
        os.close(its_read)
        os.close(its_write)
        browser = Browser(our_write, our_read)
        try:
            browser.attach()
            browser.resize(1280)
            yield browser
        finally:
            # it ends when nobody holds the other end of its pipe
            browser.close()
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(ENDS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()


def _pipe() -> tuple[int, int]:
    """Ends to read and to write, both far from 3 and 4."""
    low = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low)
    for end in low:
        os.close(end)
    return high[0], high[1]
