"""Webhooks of the sandbox: what happened is told to an address, or to a function, after the answer and in order.

TaskIP documents a POST with a JSON body, no signature and no retries (contract: api.webhooks). So a delivery that fails
is counted, and gone. The address holds the receiver's secret: it stands in no message.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import datetime

import anyio
import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from taskip_mcp.sandbox.store import Row

logger = logging.getLogger(__name__)

Sink = Callable[[bytes], Awaitable[object] | None]
"""Takes one body; raises when it was not taken."""
CAPACITY = 10_000
"""Bodies that wait at most; what happens beyond is dropped, and counted."""
FORM = "use http://host:port/path or https://host/path"
KEY = "taskip.webhooks"
"""Where the bodies of a request wait for its answer, in the ASGI scope."""


def body(event: str, data: Row, now: datetime) -> bytes:
    """The documented envelope, with a time as its sample has it."""
    return json.dumps(
        {"event": event, "timestamp": now.strftime("%Y-%m-%dT%H:%M:%SZ"), "data": data}
    ).encode()


class Webhooks:
    """Deliveries to one sink. They wait until `run` takes them, so that no request waits for a receiver."""

    def __init__(self, sink: Sink, *, capacity: int = CAPACITY) -> None:
        self.sent = self.failed = self.dropped = 0
        self._sink, self._capacity = sink, capacity
        self._waiting: deque[bytes] = deque()
        self._more, self._busy = anyio.Event(), False
        self._told = False

    @property
    def pending(self) -> int:
        """Deliveries that wait or are on their way."""
        return len(self._waiting) + self._busy

    def put(self, raw: bytes) -> None:
        """Deliver it when its turn comes."""
        if len(self._waiting) >= self._capacity:
            self.dropped += 1
            return
        self._waiting.append(raw)
        self._more.set()

    async def run(self) -> None:
        """Deliver until cancelled."""
        while True:
            while self._waiting:
                await self._deliver(self._waiting.popleft())
            self._more = anyio.Event()
            await self._more.wait()

    async def drained(self) -> None:
        """Wait until nothing is pending."""
        while self.pending:
            await anyio.sleep(0.01)

    async def _deliver(self, raw: bytes) -> None:
        self._busy = True
        try:
            if (taking := self._sink(raw)) is not None:
                await taking
        except Exception as error:
            self.failed += 1
            self._complain(error)
        else:
            self.sent += 1
            self._told = False
        finally:
            self._busy = False

    def _complain(self, error: Exception) -> None:
        """Once, until a delivery is taken again: a receiver that is down would fill the screen."""
        if not self._told:
            self._told = True
            why = str(error) if isinstance(error, NotTakenError) else type(error).__name__
            logger.warning("a webhook was not delivered (%s); it is not sent again", why)


class NotTakenError(Exception):
    """The receiver answered something else than 2xx."""


class Post:
    """A sink that posts to an address. One connection each: a kept one that the receiver closes would lose the next."""

    def __init__(self, url: str, *, seconds: float = 10.0) -> None:
        """Raises `ValueError` for what is no http or https address."""
        try:
            self._url = httpx.URL(url)
        except httpx.InvalidURL:
            raise ValueError(FORM) from None
        parts, plain = self._url, url.isascii() and url.isprintable() and " " not in url
        if parts.scheme not in {"http", "https"} or not parts.host or parts.userinfo or not plain:
            raise ValueError(FORM)
        if parts.port is not None and not 0 < parts.port < 65_536:
            raise ValueError(FORM)
        self._seconds = seconds
        self._http = httpx.AsyncClient(
            headers={
                "User-Agent": "TaskIP-sandbox",
                "Content-Type": "application/json",
                "Connection": "close",
            },
            limits=httpx.Limits(max_keepalive_connections=0),
            timeout=None,
            trust_env=False,  # no proxy stands between it and this machine
            verify=ssl.create_default_context(),
        )

    async def __call__(self, raw: bytes) -> None:
        """Send one body; raises `NotTakenError`, or whatever the network has to say."""
        with anyio.fail_after(self._seconds):
            # What follows the head of the answer is of no interest, however long it is.
            async with self._http.stream("POST", self._url, content=raw) as answer:
                if not answer.is_success:
                    raise NotTakenError(f"status {answer.status_code}")


class AfterAnswer:
    """Middleware that hands over what a request left in its scope once the answer is out, or has failed to be."""

    def __init__(self, app: ASGIApp, webhooks: Webhooks) -> None:
        self.app, self.webhooks = app, webhooks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        bodies: list[bytes] = []
        scope[KEY] = bodies
        try:
            await self.app(scope, receive, send)
        finally:
            for raw in bodies:
                self.webhooks.put(raw)
