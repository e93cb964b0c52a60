"""The time that the server runs on. A scaled clock lets a benchmark live through minutes in seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import anyio


@dataclass(frozen=True, slots=True)
class Clock:
    """`now` gives seconds since 1970, which processes and restarts share; `scale` is how much faster it runs.

    Waiting goes by the event loop's monotonic time, so that a set system clock does not stretch a wait.
    """

    now: Callable[[], float] = time.time
    scale: float = 1.0

    def ticks(self) -> float:
        """Monotonic seconds of this clock; only differences mean something."""
        return anyio.current_time() * self.scale

    async def sleep(self, seconds: float) -> None:
        """Sleep for so many seconds of this clock."""
        await anyio.sleep(max(0.0, seconds) / self.scale)

    def fail_after(self, seconds: float) -> AbstractContextManager[anyio.CancelScope]:
        """A scope that raises `TimeoutError` after so many seconds of this clock."""
        return anyio.fail_after(max(0.0, seconds) / self.scale)

    def move_on_after(self, seconds: float) -> anyio.CancelScope:
        """A scope that is left after so many seconds of this clock."""
        return anyio.move_on_after(max(0.0, seconds) / self.scale)


def scaled(factor: float, origin: float) -> Clock:
    """A clock that shows `origin` (seconds since 1970) then, and has run `factor` times as fast since."""
    return Clock(lambda: origin + (time.time() - origin) * factor, factor)
