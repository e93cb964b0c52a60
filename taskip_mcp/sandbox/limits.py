"""TaskIP's rate limits: 1000 requests an hour, 100 a minute, 50 uploads an hour, for each key."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from taskip_mcp.sandbox.rules import Problem


class TooMany(Problem):
    """429 with the seconds to wait."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, {"message": "Too Many Attempts."}, {"Retry-After": str(seconds)})


@dataclass
class Window:
    """At most `limit` requests in `span` seconds."""

    limit: int
    span: float
    spent: deque[float] = field(default_factory=lambda: deque[float]())

    def remaining(self, now: float) -> int:
        """What is left now."""
        while self.spent and self.spent[0] <= now - self.span:
            self.spent.popleft()
        return self.limit - len(self.spent)

    def opens(self, now: float) -> float:
        """When the oldest request leaves the window."""
        return self.spent[0] + self.span if self.spent else now + self.span


class Limits:
    """The windows of every key."""

    def __init__(self, *, enabled: bool, minute: int = 100, hour: int = 1000, uploads: int = 50) -> None:
        self.enabled = enabled
        self.minute, self.hour, self.uploads = minute, hour, uploads
        self._keys: dict[tuple[str, str], Window] = {}

    def reset(self) -> None:
        """Forget every request."""
        self._keys.clear()

    def _window(self, key: str, name: str, limit: int, span: float) -> Window:
        return self._keys.setdefault((key, name), Window(limit, span))

    def count(self, key: str, method: str, path: str, now: float, *, upload: bool) -> None:
        """Count a request; raises `TooMany` when a window is full. A refused request costs nothing."""
        if not self.enabled:
            return
        windows = [
            self._window(key, "minute", self.minute, 60.0),
            self._window(key, "hour", self.hour, 3600.0),
        ]
        if upload:
            windows.append(self._window(key, "uploads", self.uploads, 3600.0))
        if method == "POST" and path.startswith("/quotation/sent/"):
            windows.append(self._window(key, "quotation.sent", 10, 60.0))
        full = [window for window in windows if window.remaining(now) <= 0]
        if full:
            raise TooMany(math.ceil(max(window.opens(now) for window in full) - now))
        for window in windows:
            window.spent.append(now)

    def headers(self, key: str, now: float) -> dict[str, str]:
        """``X-RateLimit-*``; they describe the hour. None where there is no limit."""
        if not self.enabled:
            return {}
        hour = self._window(key, "hour", self.hour, 3600.0)
        return {
            "X-RateLimit-Limit": str(self.hour),
            "X-RateLimit-Remaining": str(max(0, hour.remaining(now))),
            "X-RateLimit-Reset": str(math.ceil(hour.opens(now))),
        }
