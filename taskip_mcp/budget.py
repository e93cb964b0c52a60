"""The rate windows of one API key, held in this process.

TaskIP allows 100 requests a minute, 1000 an hour and 50 uploads an hour for one key (contract: api.rate_limits).
A request that would overrun a window waits when the window opens soon, and is refused unsent otherwise.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import anyio

from taskip_mcp.errors import BudgetError
from taskip_mcp.settings import Settings

MAX_WAIT = 20.0
"""Seconds; desktop clients cut a call at about 60, so a longer wait would only look like a hang."""


@dataclass
class Window:
    """At most `limit` requests in any `span` seconds."""

    name: str
    limit: int
    span: float
    spent: deque[float] = field(default_factory=lambda: deque[float]())

    def wait(self, now: float) -> float:
        """Seconds until a request fits; 0 when it fits now."""
        while self.spent and self.spent[0] <= now - self.span:
            self.spent.popleft()
        return 0.0 if len(self.spent) < self.limit else self.spent[0] + self.span - now


class Budget:
    """All windows of one key; one `acquire` covers them together."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._requests = (
            Window("minute", settings.limit_minute, 60.0),
            Window("hour", settings.limit_hour, 3600.0),
        )
        self._uploads = Window("upload", settings.limit_uploads, 3600.0)

    async def acquire(self, *, upload: bool = False) -> None:
        """Take one request; raises `BudgetError` when the wait would exceed `MAX_WAIT`."""
        windows = (*self._requests, self._uploads) if upload else self._requests
        while True:
            now = self._clock()
            delay, window = max(((window.wait(now), window) for window in windows), key=lambda pair: pair[0])
            if delay <= 0:
                for each in windows:
                    each.spent.append(now)
                return
            if delay > MAX_WAIT:
                raise BudgetError(_refusal(window, delay))
            await anyio.sleep(delay)


def _refusal(window: Window, delay: float) -> str:
    return (
        f"The {window.name} limit of the API key ({window.limit}) is used up; it opens again in"
        f" {math.ceil(delay)} seconds. Nothing was sent. Wait that long, then repeat the call."
    )
