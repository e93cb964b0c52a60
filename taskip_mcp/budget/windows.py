"""What a rate window is, and what a store of windows does. Plain data; no I/O.

TaskIP allows one key 100 requests a minute, 1000 an hour, 50 uploads an hour, and 10 a minute of the second quotation
sender (contract: api.rate_limits). Its windows slide or are fixed, nobody says: a request that is counted for a whole
window after its *answer* is out of TaskIP's count in either case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

MINUTE = "minute"
HOUR = "hour"
UPLOADS = "uploads"
QUOTATION_SENDS = "quotation_sends"

SOON = 0.05
"""Seconds until another look where only an answer that is on its way can help."""

PROBE = 5.0
"""Seconds for which a reopened window lets one request go ahead of the others."""

LONGEST_CLOSURE = 86_400.0
"""Seconds; a longer Retry-After is taken for a mistake."""

LATE = 5.0
"""Seconds until a request that nobody waits for any more has reached TaskIP, if it does."""

RECENT = 60.0
"""Seconds; what another program used since an observation that is no older counts for the minute as well."""


HIDDEN = 2
"""Requests of other programs that each of ours may hide while it is on its way: room is kept for as many.

What the last answer counts is compared with all that we count. One of ours that it does not count yet stands for one of
another program's that it does; and of one that is sent after it, no answer has told.
"""


@dataclass(frozen=True, slots=True)
class Window:
    """At most `limit` requests in any `span` seconds."""

    name: str
    limit: int
    span: float


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether a request may leave; if not, in how many seconds to ask again, and which window holds it back."""

    granted: bool
    delay: float = 0.0
    window: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What an answer says about the windows. All fields are empty where there was no answer.

    `limit`, `remaining` and `reset_in` (seconds) are TaskIP's ``X-RateLimit-*``; they describe the hour. `closed` is
    the window that a 429 means, `closed_for` the seconds of its Retry-After (None: until the window's own reset).
    `late` is by how many seconds TaskIP may have counted the request after it was given up.
    """

    limit: int | None = None
    remaining: int | None = None
    reset_in: float | None = None
    closed: str = ""
    closed_for: float | None = None
    late: float = 0.0


UNANSWERED = Seen(late=LATE)
"""What is seen of a request that nobody waits for any more."""


@dataclass(frozen=True, slots=True)
class WindowState:
    """One window as it is shown: `foreign` requests came from other programs with the same key."""

    window: str
    limit: int
    span: float
    used: int
    foreign: int
    opens_in: float

    @property
    def left(self) -> int:
        """Requests that may leave now."""
        return 0 if self.opens_in > 0 else max(0, self.limit - self.used)


class StoreError(Exception):
    """The store cannot be used; its words are for the caller."""


class Store(Protocol):
    """Where the requests of every account are counted. Each call is one atomic step for all windows.

    `account` is the hash of key and address; `grant` names one request.
    """

    async def take(self, account: str, windows: Sequence[Window], grant: str, *, hold: float) -> Taken:
        """Count the request in all windows, or in none.

        `hold` is how long it may be on its way (seconds): no answer comes after that. What a crash left then stays
        taken for one more window, as what was given up does, but no more room is kept for it (`HIDDEN`).
        """
        ...

    async def give_back(self, account: str, grant: str) -> None:
        """The request did not leave."""
        ...

    async def settle(self, account: str, windows: Sequence[Window], grant: str, seen: Seen) -> None:
        """The answer is there, or given up: the place is free one window from now. `windows` are all of the key."""
        ...

    async def wait(self, account: str, windows: Sequence[Window], ahead: int) -> Taken:
        """When the request behind `ahead` others could leave; takes nothing."""
        ...

    async def show(self, account: str, windows: Sequence[Window]) -> list[WindowState]:
        """All windows as they are now."""
        ...

    async def once(self, account: str, nonce: str, seconds: float) -> bool:
        """Whether no other replica has used the nonce; from now on it is used, for `seconds`."""
        ...

    async def aclose(self) -> None:
        """Let go of files and connections."""
        ...


def opening(frees: Sequence[float], window: Window, now: float, ahead: int) -> float:
    """When the request behind `ahead` others fits into a window whose places become free at `frees` (sorted).

    Places that are free already go first; who comes after all of them waits for another turn of the window.
    """
    free = max(0, window.limit - len(frees))
    times = [now] * free + list(frees[max(0, len(frees) - window.limit) :])
    turn, place = divmod(ahead, window.limit)
    return max(now, times[place]) + turn * window.span
