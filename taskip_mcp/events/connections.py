"""Connections to the listener for webhooks, which anybody may open.

There are not too many, each must come to the point, and one that has not shown the secret makes room: nobody without it
can keep deliveries out by holding connections, idle, slow or still sending what was refused.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable
from typing import Protocol, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

logger = logging.getLogger(__name__)

CONNECTIONS = 200
"""Connections to the listener: those to TaskIP need file descriptors too."""

FIRST_SECONDS = 10.0
"""Seconds in which a connection must bring its first request."""

BETWEEN = 60.0
"""Seconds between two lines in the log about too many connections."""

QUIET = logging.getLogger(f"{__name__}.strangers")
"""For what uvicorn says of requests that are none: anybody could fill the log."""
QUIET.setLevel(logging.ERROR)


class Guest(Protocol):
    """A connection."""

    def abort(self) -> None:
        """Close it at once."""
        ...


class Crowd:
    """The connections there are, in the order in which they came."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._all: dict[Guest, None] = {}
        self._strangers: dict[Guest, None] = {}
        self._said = -math.inf

    @property
    def dense(self) -> bool:
        """Whether there is little room left."""
        return len(self._all) > self._most * 3 // 4

    def enter(self, guest: Guest, now: float) -> None:
        """One that comes. Where there is no room the oldest stranger goes; it may be the one that comes."""
        self._all[guest] = self._strangers[guest] = None
        if len(self._all) > self._most:
            self._say(now)
            oldest = next(iter(self._strangers))
            self.leave(oldest)
            oldest.abort()

    def trust(self, guest: Guest) -> None:
        """One that has shown the secret."""
        self._strangers.pop(guest, None)

    def leave(self, guest: Guest) -> None:
        """One that goes."""
        self._all.pop(guest, None)
        self._strangers.pop(guest, None)

    def _say(self, now: float) -> None:
        if now - self._said >= BETWEEN:
            self._said = now
            logger.warning(
                "more than %d connections to the listener for webhooks: the oldest are closed that have not shown the"
                " secret",
                self._most,
            )


def protocol(crowd: Crowd, knows: Callable[[str], bool], patience: float) -> type[H11Protocol]:
    """How uvicorn handles a connection; `knows` tells whether a path holds the secret."""

    class Connection(H11Protocol):
        hurry: asyncio.TimerHandle | None = None
        trusted = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] uvicorn's own signature
            self.logger = QUIET
            super().connection_made(transport)
            self.hurry = self.loop.call_later(patience, self.give_up)
            crowd.enter(self, self.loop.time())

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            # No scope before the first request, whatever uvicorn says of its type.
            if not self.trusted and cast("object", self.scope) and knows(self.scope["path"]):
                self.trusted = True
                crowd.trust(self)

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            crowd.leave(self)
            if self.hurry:
                self.hurry.cancel()

        def abort(self) -> None:
            self.transport.abort()

        def give_up(self) -> None:
            if cast("object", self.cycle) is None:  # no request yet
                self.transport.close()

    return Connection
