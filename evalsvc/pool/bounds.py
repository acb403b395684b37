"""What the time of asking went to: every moment to one cause."""

from evalsvc.records import Cause

BUSY = 0.9  # of a core: more than that of one core, one event loop cannot use


class Bounds:
    """Seconds by cause since `now`. All times are seconds of one monotonic clock."""

    def __init__(self, now: float) -> None:
        self._cause = Cause.CLIENT
        self._at = self._window_began = now
        self._cpu_s = 0.0
        self._settled: dict[Cause, float] = {}
        self._window: dict[Cause, float] = {}

    def turn(self, now: float, cause: Cause) -> None:
        """From `now` on time goes to `cause`."""
        window = self._window
        window[self._cause] = window.get(self._cause, 0.0) + now - self._at
        self._at, self._cause = now, cause

    def settle(self, now: float, *, cpu_s: float) -> None:
        """`cpu_s` is what the process has used so far. Where it was busy since the last call, nothing else held it back."""
        self.turn(now, self._cause)
        busy = cpu_s - self._cpu_s >= BUSY * (now - self._window_began)
        window = {Cause.CLIENT: sum(self._window.values())} if busy else self._window
        for cause, seconds in window.items():
            self._settled[cause] = self._settled.get(cause, 0.0) + seconds
        self._window, self._window_began, self._cpu_s = {}, now, cpu_s

    def not_ramp(self, cause: Cause) -> None:
        """What counted as ramp up to the last `settle` was `cause`: known only when the ramp has led nowhere."""
        if ramp := self._settled.pop(Cause.RAMP, 0.0):
            self._settled[cause] = self._settled.get(cause, 0.0) + ramp

    def seconds(self) -> dict[str, float]:
        """Up to the last `settle`, to the millisecond; what took none is left out."""
        rounded = ((cause.value, round(seconds, 3)) for cause, seconds in sorted(self._settled.items()))
        return {cause: seconds for cause, seconds in rounded if seconds}
