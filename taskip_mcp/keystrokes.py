"""What is at hand of a list while a person types, and when TaskIP is asked for more of it.

Requests are made when nobody has typed for a short while, of each list at most one a second. Whoever is overtaken by a
newer keystroke waits no longer and takes what is kept. Rows are kept for a minute with those that were read for names
(`taskip_mcp.lookups`), and all that is kept of a list is at hand.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any
from weakref import WeakKeyDictionary

import anyio

from taskip_mcp import errors, kinds, names, turn
from taskip_mcp import operation as operations
from taskip_mcp.budget.windows import HOUR, MINUTE
from taskip_mcp.call import Backend
from taskip_mcp.kinds import Kind
from taskip_mcp.lookups import Listing
from taskip_mcp.wire import JsonObject

QUIET = 0.25
"""Seconds without another keystroke after which something is asked for."""

PAUSE, REST = 1.0, 10.0
"""Seconds between two requests for one list, and after one that failed."""

SPARE = 0.1
"""The part of a rate window that is left to calls, one request at least. It also covers what leaves between a look and
the request."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Records that are at hand; `complete` tells that all that begin so are among them."""

    records: list[JsonObject]
    complete: bool


@dataclass(eq=False)
class Keystroke:
    """What an argument holds since then."""

    where: tuple[str, ...]
    text: str
    at: float
    _wait: anyio.CancelScope = field(default_factory=anyio.CancelScope)

    def overtakes(self, other: Keystroke) -> bool:
        """Whether the other text was typed on, or taken back, to this one."""
        shorter, longer = sorted((self.text, other.text), key=len)
        return self.where == other.where and longer != shorter and longer.startswith(shorter)

    def give_up(self) -> None:
        """Somebody typed on."""
        self._wait.cancel()

    @contextmanager
    def waiting(self) -> Generator[None]:
        """What is left as soon as this keystroke is overtaken."""
        with anyio.CancelScope() as self._wait:
            yield


@dataclass(eq=False)
class Pace:
    """When a list may be asked for next, and whether it is known to be longer than a page."""

    open_at: float = -inf
    long: bool = False


@dataclass(eq=False)
class Desk:
    """The paces by list, and the keystrokes that wait, of all who type with one API key.

    Over HTTP that may be several persons. No handle tells them apart in both eras of the protocol; their texts do.
    """

    paces: dict[tuple[Any, ...], Pace] = field(default_factory=lambda: dict[tuple[Any, ...], Pace]())
    keystrokes: list[Keystroke] = field(default_factory=lambda: list[Keystroke]())


_desks: WeakKeyDictionary[Backend, Desk] = WeakKeyDictionary()


@contextmanager
def typed(backend: Backend, where: tuple[str, ...], text: str) -> Generator[Look]:
    """A keystroke; `where` is the argument that now holds this text."""
    desk = _desks.setdefault(backend, Desk())
    mine = Keystroke(where, text, backend.client.clock.ticks())
    for older in filter(mine.overtakes, desk.keystrokes):
        older.give_up()
    desk.keystrokes.append(mine)
    try:
        yield Look(backend, desk, mine)
    finally:
        desk.keystrokes.remove(mine)


@dataclass(frozen=True, slots=True)
class Look:
    """One keystroke's look at lists."""

    backend: Backend
    desk: Desk
    keystroke: Keystroke

    async def rows(self, kind: Kind, scope: JsonObject, text: str) -> Rows | None:
        """The records among which are those that begin so; None where nothing of the list is at hand."""
        if not self.backend.offers(operations.find(kind.contract).name):
            return None
        kept = names.kept(self.backend, kind, scope)
        if not _complete(kind, kept, text):
            await self._more(kind, scope, " ".join(text.split()), {search for search, _ in kept})
            kept = names.kept(self.backend, kind, scope)
        records = kinds.records(kind, [row for _, listing in kept for row in listing.rows])
        return Rows(records, _complete(kind, kept, text)) if kept else None

    async def _more(self, kind: Kind, scope: JsonObject, text: str, known: set[str]) -> None:
        """Read the first page of the list, or of what TaskIP finds in a longer one, if a request is due."""
        pace = self.desk.paces.setdefault(kinds.place(kind, scope), Pace())
        search = text if kind.search and (pace.long or "" in known) else ""
        if search in known:
            return

        async def read() -> Listing:
            await self._admitted(pace)
            return await self._read(kind, scope, search, pace)

        key, now = (kinds.place(kind, scope), search), self.backend.client.clock.ticks()
        with suppress(errors.TaskipError), self.keystroke.waiting():
            await self.backend.lookups.rows(key, kind.touched_by, -inf, now, read, start=True)

    async def _admitted(self, pace: Pace) -> None:
        """Wait for a pause in the typing and the list's turn; raises `BudgetError` where no request is due."""
        clock = self.backend.client.clock
        if turn.current().left <= 0:
            raise errors.BudgetError("This completion has had its request.")
        while (wait := max(self.keystroke.at + QUIET, pace.open_at) - clock.ticks()) > 0:
            if wait > PAUSE:
                raise errors.BudgetError("A request for this list failed just now.")
            await clock.sleep(wait)
        pace.open_at = clock.ticks() + PAUSE
        if not await _spare(self.backend):
            raise errors.BudgetError("What is left of the rate limit is for calls.")

    async def _read(self, kind: Kind, scope: JsonObject, search: str, pace: Pace) -> Listing:
        try:
            # The rows are paid for: they are kept even if the person types on and this keystroke is given up.
            with anyio.CancelScope(shield=True):
                listing = await names.read_list(self.backend, replace(kind, pages=1), scope, search)
                pace.long = pace.long if search else not listing.complete
                return listing
        except errors.ApiError as error:
            if not isinstance(error, errors.MissingError):  # what they are looked for in may be misspelt
                pace.open_at = self.backend.client.clock.ticks() + REST
            raise
        raise AssertionError("a scope that nobody cancels was left")


def _complete(kind: Kind, kept: Sequence[tuple[str, Listing]], text: str) -> bool:
    """Whether rows are kept with all that begins so: those of the list, or of a search for as much or less."""
    start = kinds.plain(text)
    return any(
        listing.complete
        and start.startswith(kinds.plain(search))
        and (not search or _any(kind, listing, start))
        for search, listing in kept
    )


def _any(kind: Kind, listing: Listing, start: str) -> bool:
    """A search that shows nothing may look for whole words."""
    return any(kinds.begins(kind, row, start) is not None for row in kinds.records(kind, listing.rows))


async def _spare(backend: Backend) -> bool:
    """Whether a request would leave at once, and some are left for calls then."""
    budget = backend.client.budget
    if budget.away >= backend.client.settings.connections:
        return False
    windows = [each for each in await budget.show() if each.window in {MINUTE, HOUR}]
    return all(each.left > max(each.limit * SPARE, 1) for each in windows)
