"""Rows of lists that were read to look something up, kept for a minute. Nothing here knows what they are of."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from math import inf
from typing import Any

import anyio

from taskip_mcp.wire import JsonObject

KEEP = 60.0
"""Seconds for which rows are used again."""

MOST = 64
"""Lists whose rows are kept."""

Key = tuple[Any, str]
"""A list, and what was searched in it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of a list. `broken` is a page that failed, so that they are not kept."""

    rows: list[JsonObject]
    complete: bool = True
    reason: str = ""
    broken: bool = False


@dataclass(eq=False)
class _Entry:
    at: float
    writes: int
    listing: Listing | None = None
    done: anyio.Event = field(default_factory=anyio.Event)


class Lookups:
    """The rows that one API key has read for names; who wants what is just being read waits for it.

    A `Key` is of a list and what was searched in it. The start of one, such as its first page, is kept apart from all
    that is read of it; each serves for the other where it shows as much.
    """

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[Key, bool], _Entry] = OrderedDict()
        self._writes = 0
        self._written: dict[str, int] = {}

    def forget(self, group: str) -> None:
        """A write in this group has ended: what was read before may not be so any more."""
        self._writes += 1
        self._written[group] = self._writes

    async def rows(
        self,
        key: Key,
        groups: Iterable[str],
        since: float,
        now: float,
        read: Callable[[], Awaitable[Listing]],
        *,
        start: bool = False,
    ) -> tuple[Listing, float]:
        """The rows under `key` and when they were asked for: kept ones, if not older than `since`, or by `read`.

        A read that fails for one is tried by the next who waits: its reason may be that caller's own time.
        """
        while True:
            entry = self._serving(key, start, groups, since, now)
            if entry is None:
                return await self._lead((key, start), now, read)
            if entry.listing is None:
                await entry.done.wait()
            if entry.listing is not None:
                return entry.listing, entry.at

    def kept(self, of: Any, groups: Iterable[str], now: float) -> list[tuple[str, Listing]]:
        """What is kept of a list, each with what was searched in it, the newest last."""
        found = [
            (entry.at, search, entry.listing)
            for ((where, search), _), entry in self._entries.items()
            if where == of and entry.listing and self._good(entry, groups, -inf, now)
        ]
        return [(search, listing) for _, search, listing in sorted(found, key=lambda each: each[0])]

    def _serving(
        self, key: Key, start: bool, groups: Iterable[str], since: float, now: float
    ) -> _Entry | None:
        """Its own rows, or those of the other extent: of all that was read for a start, of a start that is all."""
        for each in (start, not start):
            entry = self._entries.get((key, each))
            if entry is None or not self._good(entry, groups, since, now):
                continue
            if each == start or (entry.listing and (start or entry.listing.complete)):
                self._entries.move_to_end((key, each))
                return entry
        return None

    def _good(self, entry: _Entry, groups: Iterable[str], since: float, now: float) -> bool:
        written = max((self._written.get(group, 0) for group in groups), default=0)
        return written <= entry.writes and max(since, now - KEEP) <= entry.at

    async def _lead(
        self, at: tuple[Key, bool], now: float, read: Callable[[], Awaitable[Listing]]
    ) -> tuple[Listing, float]:
        entry = self._entries[at] = _Entry(now, self._writes)
        self._entries.move_to_end(at)
        while len(self._entries) > MOST:
            self._entries.popitem(last=False)
        try:
            listing = entry.listing = await read()
        finally:
            if (entry.listing is None or entry.listing.broken) and self._entries.get(at) is entry:
                del self._entries[at]
            entry.done.set()
        return listing, now
