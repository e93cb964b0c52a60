"""Who is told of what a delivery makes stale (`taskip_mcp.events.addresses`).

A client hears that it should read a resource again, never what the delivery says: that is not to be believed.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterable
from contextlib import contextmanager

import anyio
import anyio.lowlevel

from taskip_mcp.errors import StateError
from taskip_mcp.events import EVENTS, Event, EventStore
from taskip_mcp.events.addresses import Path, Stale, path_of, project_of

logger = logging.getLogger(__name__)


class Watched:
    """The addresses that clients want to hear of, counted: several may watch one."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.began = 0.0
        """When the first of those that watch now began."""
        self._now = now
        self._counts: Counter[str] = Counter()
        self._paths: dict[str, Path] = {}
        self._some = anyio.Event()

    def add(self, uri: str) -> None:
        """Somebody watches it."""
        if not self._counts:
            self.began = self._now()
            self._some.set()
        self._counts[uri] += 1
        self._paths[uri] = path_of(uri)

    def remove(self, uri: str) -> None:
        """Somebody does no more."""
        self._counts[uri] -= 1
        if self._counts[uri] <= 0:
            del self._counts[uri], self._paths[uri]
        if not self._counts:
            self._some = anyio.Event()

    @contextmanager
    def during(self, uris: Iterable[str]) -> Generator[None]:
        """Watch some for a while."""
        mine = list(dict.fromkeys(uris))
        for uri in mine:
            self.add(uri)
        try:
            yield
        finally:
            for uri in mine:
                self.remove(uri)

    @property
    def any(self) -> bool:
        """Whether somebody watches anything."""
        return bool(self._counts)

    async def wait(self) -> None:
        """Until somebody watches something."""
        await self._some.wait()

    def stale(self, events: Iterable[Event]) -> list[str]:
        """The watched addresses that events concern, as they were asked for."""
        found = Stale(events)
        return [uri for uri, path in self._paths.items() if path in found]


BATCH = 100
"""Events that are read at a time."""

BATCHES = 50
"""Batches that are told of together, so that a burst is one notice for each address."""

PAUSE, AFTER_FAILURE = 0.2, 5.0
PERIOD = 10.0
SLACK = 1.0
"""Seconds by which clocks of processes and stores may differ: rather once too often than not at all."""


def _nothing(group: str) -> None:
    """Nobody keeps anything that could be stale."""


async def follow(
    open_store: Callable[[], EventStore],
    watched: Watched,
    tell: Callable[[str], Awaitable[None]],
    arrived: Callable[[str], None] = _nothing,
) -> None:
    """Tell of each watched address that became stale, for as long as the process lives; also of events that another
    process received. Does nothing, and opens nothing, while nobody watches. `arrived` hears the groups of events.
    """
    seq = 0
    while True:
        await watched.wait()
        try:
            store = open_store()
            seq = max(seq, await cursor_at(store, watched.began - SLACK))
            while watched.any:
                if await store.changed(seq, PERIOD):
                    seq, stale = await _news(store, seq, watched, arrived)
                    for uri in stale:
                        await tell(uri)
                    await anyio.sleep(PAUSE)
        except StateError as error:
            logger.warning("events cannot be followed: %s", error)
            await anyio.sleep(AFTER_FAILURE)
        except Exception:  # what runs beside it is the server
            logger.exception("events cannot be followed")
            await anyio.sleep(AFTER_FAILURE)


class Again:
    """Tells once more of a delivery that is there already. It is no event of its own, but TaskIP's times are of whole
    seconds: the very same body may be of a second change, which came after somebody had read the first one."""

    def __init__(self, watched: Watched, tell: Callable[[str], Awaitable[None]]) -> None:
        self._watched, self._tell = watched, tell
        self._waiting: dict[tuple[str, str, str], Event] = {}
        self._some = anyio.Event()

    def put(self, event: Event) -> None:
        """It came again."""
        self._waiting[event.name, event.record, project_of(event)] = event
        self._some.set()

    async def run(self) -> None:
        """Tell, for as long as the process lives; of a burst once."""
        while True:
            await self._some.wait()
            await anyio.sleep(PAUSE)
            waiting, self._waiting, self._some = self._waiting, {}, anyio.Event()
            for uri in self._watched.stale(waiting.values()):
                await self._tell(uri)


async def cursor_at(store: EventStore, at: float) -> int:
    """The cursor before the first event of this time or later. A store may look in two steps: what comes between them
    is not passed."""
    last = await store.last()
    return min(last, await store.since(at))


async def _news(
    store: EventStore, seq: int, watched: Watched, arrived: Callable[[str], None]
) -> tuple[int, list[str]]:
    """The new cursor, and the addresses to tell of, each once."""
    stale: dict[str, None] = {}
    for _ in range(BATCHES):
        batch = await store.after(seq, limit=BATCH)
        stale |= dict.fromkeys(watched.stale(batch))
        await anyio.lowlevel.checkpoint()  # a burst must not keep other calls waiting
        for group in {event.group for event in batch} & EVENTS.keys():
            arrived(group)
        if batch:
            seq = batch[-1].seq
        if len(batch) < BATCH:
            break
    return seq, list(stale)
