"""The event loop that an evaluation runs in."""

import asyncio


def new_loop() -> asyncio.AbstractEventLoop:
    """A loop that nobody runs yet: uvloop's where there is one."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
