"""Which resources a delivery makes stale, and who is told.

A client hears that it should read a resource again, never what the delivery says: that is not to be believed. So it
does no harm to tell too often, and an address is left out only where it is certain that nothing can have changed.
"""

from __future__ import annotations

import logging
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import cast
from urllib.parse import quote, unquote

import anyio
import anyio.lowlevel

from taskip_mcp.errors import StateError
from taskip_mcp.events import EVENTS, Event, EventStore

logger = logging.getLogger(__name__)

RECORD, PROJECT = "{record}", "{project}"

FEED = "taskip://events"

ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "contact": ("taskip://contacts/{record}", "taskip://contacts"),
    "company": ("taskip://companies/{record}", "taskip://companies"),
    "invoice": (
        "taskip://invoices/{record}", "taskip://invoices/{record}/pdf", "taskip://invoices",
    ),
    "quotation": ("taskip://quotations/{record}", "taskip://quotations"),
    "ticket": (
        "taskip://tickets/{record}", "taskip://tickets/{record}/attachments", "taskip://tickets",
        "taskip://ticket-analytics",
    ),
    "project": (
        "taskip://projects/{record}", "taskip://projects/{record}/activity", "taskip://projects", "taskip://activity",
    ),
    "task": (
        "taskip://projects/{project}/tasks/{record}", "taskip://projects/{project}/board",
        "taskip://projects/{project}", "taskip://projects/{project}/activity", "taskip://projects", "taskip://tasks",
        "taskip://activity",
    ),
}  # fmt: skip
"""Group of an event -> the record, its list, and what else of `resources.TEMPLATES` sums it up, without queries."""

CASCADES: Mapping[str, tuple[str, ...]] = {
    # A deleted company takes its contacts and projects with it (contract company.delete).
    "company.deleted": (
        "taskip://contacts", "taskip://contacts/{contact}", "taskip://projects", "taskip://projects/{project}",
    ),
}  # fmt: skip

CLIENTS = "taskip://client-overview"
OVERVIEWS: Mapping[str, tuple[str, ...]] = {
    "invoice": (CLIENTS, "taskip://overdue-invoices"),
    **dict.fromkeys(("contact", "company", "quotation", "ticket", "project"), (CLIENTS,)),
}
"""Answers across groups that may read differently then."""

IDENTIFIER = re.compile(r"[\w.-]{1,64}", re.ASCII)
PLACEHOLDER = re.compile(r"\{(\w+)\}")


# --- what an event is about -------------------------------------------------------------------------------


def project_of(event: Event) -> str:
    """The project that an event names beside its record; empty where it names none, or nothing that can be an id."""
    data = event.body.get("data")
    found = cast("Mapping[str, object]", data).get("project_id") if isinstance(data, Mapping) else None
    return _identifier(str(found)) if isinstance(found, int | str) and not isinstance(found, bool) else ""


def _identifier(text: str) -> str:
    return text if IDENTIFIER.fullmatch(text) else ""


def _templates(event: Event) -> tuple[str, ...]:
    own = *ADDRESSES.get(event.group, ()), *CASCADES.get(event.name, ())
    return (*own, *OVERVIEWS.get(event.group, ()), FEED)


def _values(event: Event) -> dict[str, str]:
    """What stands for the placeholders; empty what the event does not tell."""
    return {"record": _identifier(event.record), "project": project_of(event)}


def uris(event: Event) -> list[str]:
    """The addresses that an event makes stale, as far as it tells their ids; without queries."""
    values = _values(event)
    made: list[str] = []
    for template in _templates(event):
        if all(values.get(name) for name in PLACEHOLDER.findall(template)):
            made.append(PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=""), template))
    return made


def concerns(event: Event, uri: str) -> bool:
    """Whether a resource may read differently after an event. Queries do not matter: any page may have changed."""
    path = uri.partition("?")[0].partition("#")[0].rstrip("/").split("/")
    values = _values(event)
    return any(_fits(template.split("/"), path, values) for template in _templates(event))


def _fits(template: Sequence[str], path: Sequence[str], values: Mapping[str, str]) -> bool:
    return len(template) == len(path) and all(
        _same(values.get(part[1:-1], ""), unquote(own)) if part.startswith("{") else part == own
        for part, own in zip(template, path, strict=True)
    )


def _same(told: str, asked: str) -> bool:
    """Whether two ids may be of one record: projects and tickets have a number and a uuid, and either is used."""
    return not told or told == asked or told.isdecimal() != asked.isdecimal()


# --- who is told ------------------------------------------------------------------------------------------


def _root(uri: str) -> str:
    return uri.partition("?")[0].partition("://")[2].partition("/")[0]


class Watched:
    """The addresses that clients want to hear of, counted: several may watch one."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self.began = 0.0
        """When the first of those that watch now began."""
        self._now = now
        self._counts: Counter[str] = Counter()
        self._some = anyio.Event()

    def add(self, uri: str) -> None:
        """Somebody watches it."""
        if not self._counts:
            self.began = self._now()
            self._some.set()
        self._counts[uri] += 1

    def remove(self, uri: str) -> None:
        """Somebody does no more."""
        self._counts[uri] -= 1
        if self._counts[uri] <= 0:
            del self._counts[uri]
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
        found = list(events)
        roots = {_root(template) for event in found for template in _templates(event)}
        # Most addresses are of groups in which nothing happened: these are left out without a closer look.
        near = [uri for uri in self._counts if _root(uri) in roots]
        return [uri for uri in near if any(concerns(event, uri) for event in found)]


BATCH = 100
"""Events that are read at a time; each may have 256 KiB."""

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
