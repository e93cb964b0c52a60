"""Events for the tests of what shows them: a store in memory, and a backend that has it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path
from typing import Any

import anyio
import httpx

from taskip_mcp import arguments, calls, own, turn
from taskip_mcp.call import Backend
from taskip_mcp.client import TaskipClient
from taskip_mcp.clock import Clock
from taskip_mcp.errors import StateError
from taskip_mcp.events import Event, EventStore, feed
from taskip_mcp.events.body import event_of
from taskip_mcp.files import Files
from taskip_mcp.routes import RouteBook
from taskip_mcp.settings import Settings
from taskip_mcp.show import Answer
from tests.support import BASE

assert feed  # registers its tools

AT = 1_770_000_000.0
"""A moment in February 2026."""

HURRY = Clock(now=lambda: AT, scale=500.0)
"""A clock on which waiting takes no time to speak of."""


class Kept(EventStore):
    """An `EventStore` in memory. `fails` is raised by whatever reads; `waits` counts how often somebody waited."""

    def __init__(self, clock: Clock = HURRY) -> None:
        self.events: list[Event] = []
        self.fails: StateError | None = None
        self.waits = 0
        self._clock = clock
        self._digests: set[bytes] = set()
        self._arrival = anyio.Event()

    async def add(self, raw: bytes, name: str) -> int | None:
        digest = sha256(raw).digest()
        if digest in self._digests:
            return None
        self._digests.add(digest)
        return self._keep(event_of(len(self.events) + 1, self._clock.now(), name, raw))

    def put(self, name: str, at: float = AT, /, **data: Any) -> int:
        """Keep an event, as it is documented."""
        raw = json.dumps({"event": name, "data": data}).encode()
        return self._keep(event_of(len(self.events) + 1, at, name, raw))

    def _keep(self, event: Event) -> int:
        self.events.append(event)
        arrival, self._arrival = self._arrival, anyio.Event()
        arrival.set()
        return event.seq

    async def after(
        self,
        seq: int,
        *,
        names: Sequence[str] = (),
        groups: Sequence[str] = (),
        records: Sequence[str] = (),
        limit: int = 100,
    ) -> Sequence[Event]:
        self._check()
        found = [
            event for event in self.events if event.seq > seq and (not records or event.record in records)
        ]
        found = [event for event in found if not names or event.name in names]
        return [event for event in found if not groups or event.group in groups][:limit]

    async def since(self, at: float) -> int:
        self._check()
        return next((event.seq - 1 for event in self.events if event.at >= at), len(self.events))

    async def last(self) -> int:
        self._check()
        return len(self.events)

    async def changed(self, seq: int, seconds: float) -> bool:
        self._check()
        self.waits += 1
        with self._clock.move_on_after(seconds):
            while len(self.events) <= seq:
                await self._arrival.wait()
        return len(self.events) > seq

    async def aclose(self) -> None:
        pass

    def _check(self) -> None:
        if self.fails:
            raise self.fails


def api(
    store: EventStore,
    handler: httpx.AsyncBaseTransport | Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(
        500
    ),
    clock: Clock = HURRY,
    **settings: Any,
) -> Backend:
    """A backend with these events; `handler` is its TaskIP."""
    given = Settings(
        secret_key="test-key-1234567890",
        base_url=BASE,
        files_dir=Path("/nonexistent"),
        limit_minute=100_000,
        limit_hour=100_000,
        **settings,
    )
    transport = handler if isinstance(handler, httpx.AsyncBaseTransport) else httpx.MockTransport(handler)
    backend = Backend(TaskipClient(given, transport, clock=clock), RouteBook(), Files(given))
    backend.events = store
    return backend


def time_of(
    backend: Backend, seconds: float | None = None, tell: turn.Tell | None = None
) -> AbstractContextManager[turn.Turn]:
    """The time of one call, in seconds of its clock; a minute of ours, on any clock, unless a test is about it."""
    clock = backend.client.clock
    return turn.begin(clock, 60.0 * clock.scale if seconds is None else seconds, tell)


async def ask(backend: Backend, tool: str, **given: Any) -> dict[str, Any]:
    """The result of one of the server's own tools."""
    found = own.tools()[tool]
    with time_of(backend):
        return await own.perform(backend, found, arguments.validate(found, given))


async def shown(backend: Backend, tool: str, **given: Any) -> Answer:
    """The result as a client gets it."""
    with time_of(backend):
        return await calls.perform(backend, tool, "server", given)


def records(answer: dict[str, Any]) -> list[str]:
    """The ids of the records that an answer tells of."""
    return [row["record"] for row in answer["items"]]
