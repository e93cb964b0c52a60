"""The requests that an API key has left. Every request that leaves passes through `Budget.acquire`.

The windows are counted in a `Store` that processes share; this module holds the queue of one process: in order, single
calls before bulk work by four to one, never more than some connections at once. A request that would wait longer than
its caller has patience is refused unsent, at once, with the seconds.
"""

from __future__ import annotations

import logging
import math
from bisect import insort
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar
from uuid import uuid4

import anyio

from taskip_mcp.budget.account import account_of, open_store, windows_of
from taskip_mcp.budget.windows import (
    HOUR,
    MINUTE,
    QUOTATION_SENDS,
    UPLOADS,
    Seen,
    Store,
    StoreError,
    Taken,
    Window,
    WindowState,
)
from taskip_mcp.clock import Clock
from taskip_mcp.errors import BudgetError, StateError

__all__ = ["Budget", "Grant", "Report", "Seen", "account_of", "open_store", "windows_of"]

logger = logging.getLogger(__name__)

BULK_WEIGHT = 4
"""Single calls that go before one request of a job when both wait."""

POLL = 1.0
"""Seconds after which the head of the queue looks again: another process may have given a place back."""

FIRST_REPORT, REPORT = 1.0, 5.0
"""Seconds until a caller that waits is told so, and between two such notices."""

WORDS = {MINUTE: "minute", HOUR: "hour", UPLOADS: "upload", QUOTATION_SENDS: "quotation sending"}

T = TypeVar("T")
Report = Callable[[str], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave for one request. Settle it when the answer is there, give it back when nothing left."""

    name: str


@dataclass(eq=False)
class _Waiter:
    """One request in the queue. `order` is its place: a virtual start time, then first come, first served."""

    windows: tuple[Window, ...]
    bulk: bool
    order: tuple[float, int]
    latest: float
    event: anyio.Event = field(default_factory=anyio.Event)
    grant: Grant | None = None
    retry_at: float = 0.0
    gone: bool = False
    failed: StateError | None = None


class Budget:
    """The queue of one process for one account.

    `hold` is how long a request may be on its way (seconds), `patience` how long one may wait if it does not say.
    """

    def __init__(
        self,
        store: Store,
        account: str,
        windows: Sequence[Window],
        *,
        clock: Clock | None = None,
        connections: int = 8,
        patience: float = 20.0,
        hold: float = 60.0,
    ) -> None:
        self.windows = self._allowed = tuple(windows)
        self._store = store
        self._account = account
        self._clock = clock or Clock()
        self._connections = connections
        self._patience = patience
        self._hold = hold
        self._waiting: list[_Waiter] = []
        self._away: set[Grant] = set()
        self._count = 0
        self._virtual = 0.0
        self._starts = {False: 0.0, True: 0.0}
        self._lock = anyio.Lock()

    # --- for the client -----------------------------------------------------------------------------------

    async def acquire(
        self,
        special: Sequence[str] = (),
        *,
        bulk: bool = False,
        patience: float | None = None,
        report: Report | None = None,
    ) -> Grant:
        """Wait for leave to send one request; raises `BudgetError` when that would take too long.

        `special` names windows beside the minute and the hour; `bulk` work yields to single calls; `report` is told
        while the request waits. A caller that is cancelled leaves nothing behind.
        """
        wait = self._patience if patience is None else min(self._patience, patience)
        waiter = self._enqueue(special, bulk=bulk, latest=self._clock.ticks() + wait)
        try:
            await self._pump()
            if waiter.grant is None:
                await self._wait(waiter, report)
        except BaseException:
            await self._leave(waiter)
            raise
        assert waiter.grant is not None
        return waiter.grant

    async def settle(self, grant: Grant, seen: Seen | None = None) -> None:
        """The answer to a request is there, or no longer waited for (`windows.UNANSWERED`)."""
        told = seen or Seen()
        self._learn_limit(told.limit)
        await self._finish(grant, self._store.settle(self._account, self.windows, grant.name, told))

    async def give_back(self, grant: Grant) -> None:
        """The request did not leave: its places are free again."""
        await self._finish(grant, self._store.give_back(self._account, grant.name))

    async def cost(self, requests: int) -> float:
        """Minutes until so many further requests will have left, as far as one can tell now."""
        if requests < 1:
            return 0.0
        taken = await self._ask(self._store.wait(self._account, self._plain(), requests - 1))
        return taken.delay / 60

    async def show(self) -> list[WindowState]:
        """All windows."""
        return await self._ask(self._store.show(self._account, self.windows))

    async def once(self, nonce: str, seconds: float) -> bool:
        """Whether no replica has used this confirmation; see `Store.once`."""
        return await self._ask(self._store.once(self._account, nonce, seconds))

    @property
    def waiting(self) -> int:
        """Requests of this process that wait."""
        return len(self._waiting)

    @property
    def away(self) -> int:
        """Requests of this process that are on their way."""
        return len(self._away)

    async def aclose(self) -> None:
        """Close the store."""
        await self._store.aclose()

    def _learn_limit(self, limit: int | None) -> None:
        """Where TaskIP allows less in an hour than we were told, its word counts; never where it allows more."""
        if not limit or limit == next(each.limit for each in self.windows if each.name == HOUR):
            return
        told = {each.name: each for each in self._allowed}
        told[HOUR] = replace(told[HOUR], limit=min(limit, told[HOUR].limit))
        if told[HOUR] not in self.windows:
            logger.warning("the hour limit is %d now: TaskIP says that it allows %d", told[HOUR].limit, limit)
            self.windows = tuple(told.values())
            for waiter in self._waiting:
                waiter.windows = tuple(told[each.name] for each in waiter.windows)

    # --- the queue ----------------------------------------------------------------------------------------

    def _plain(self, special: Sequence[str] = ()) -> tuple[Window, ...]:
        return tuple(window for window in self.windows if window.name in {MINUTE, HOUR, *special})

    def _enqueue(self, special: Sequence[str], *, bulk: bool, latest: float) -> _Waiter:
        """Weighted fair queueing: bulk requests start four turns apart, single ones one."""
        start = max(self._virtual, self._starts[bulk])
        self._starts[bulk] = start + (BULK_WEIGHT if bulk else 1)
        self._count += 1
        waiter = _Waiter(self._plain(special), bulk, (start, self._count), latest)
        insort(self._waiting, waiter, key=lambda each: each.order)
        return waiter

    def _close_up(self, gone: _Waiter) -> None:
        """Who waits behind one that left without a grant moves up, and so do later ones of its kind.

        Turns that nobody takes would let the other kind go first for as many: a cancelled job could starve the next.
        """
        start = gone.order[0]
        for each in self._waiting:
            if each.bulk is gone.bulk and each.order > gone.order:
                start, each.order = each.order[0], (start, each.order[1])
        self._starts[gone.bulk] = start
        self._waiting.sort(key=lambda each: each.order)

    async def _pump(self) -> None:
        """Let go whoever may, in order. Requests that wait for a special window do not hold up the others."""
        async with self._lock:
            held: set[tuple[Window, ...]] = set()
            for waiter in tuple(self._waiting):
                if waiter.gone or waiter.failed or waiter.windows in held:
                    continue
                if self._busy:
                    for each in self._waiting:  # the next answer wakes them
                        each.retry_at = math.inf
                    return
                waiter.retry_at = math.inf
                try:
                    taken = await self._try(waiter)
                except StateError as error:
                    self._fail(error)
                    raise
                if not taken.granted:
                    held.add(waiter.windows)
                    # Not later than somebody wished who made room while the store was asked.
                    waiter.retry_at = min(waiter.retry_at, self._clock.ticks() + min(taken.delay, POLL))
                    waiter.event.set()

    def _fail(self, error: StateError) -> None:
        """All who wait hear at once that the store fails, instead of each after a time-out of its own."""
        for waiter in self._waiting:
            waiter.failed = error
            waiter.event.set()

    async def _try(self, waiter: _Waiter) -> Taken:
        grant = Grant(uuid4().hex)
        taken = await self._ask(self._store.take(self._account, waiter.windows, grant.name, hold=self._hold))
        if taken.granted and waiter.gone:  # cancelled while the store was asked
            await self._ask(self._store.give_back(self._account, grant.name))
        elif taken.granted:
            self._waiting.remove(waiter)
            self._away.add(grant)
            self._virtual = max(self._virtual, waiter.order[0])
            waiter.grant = grant
            waiter.event.set()
        return taken

    async def _wait(self, waiter: _Waiter, report: Report | None) -> None:
        """Until the waiter has its grant; the first of its windows also watches the time."""
        if waiter.failed is None:
            await self._check(waiter)
        notice = self._clock.ticks() + FIRST_REPORT if report else math.inf
        while waiter.grant is None:
            if waiter.failed:
                raise waiter.failed
            now = self._clock.ticks()
            if now >= waiter.latest:
                await self._last_look(waiter)
            elif report and now >= notice:
                notice = now + REPORT
                # Who waits may be the one who watches the time for others: a listener that hangs must not stop that.
                with self._clock.move_on_after(POLL):
                    await report(await self._notice(waiter))
            elif self._leads(waiter) and now >= waiter.retry_at:
                await self._pump()
            else:
                await self._sleep(waiter, min(notice, waiter.latest) - now)

    async def _last_look(self, waiter: _Waiter) -> None:
        """A place may be free since this very moment; otherwise the patience is at its end."""
        await self._pump()
        if waiter.grant is None:
            raise await self._refusal(waiter, await self._estimate(waiter))

    async def _sleep(self, waiter: _Waiter, longest: float) -> None:
        """Until something happens to the waiter, or it is time for it to look again."""
        own = waiter.retry_at - self._clock.ticks() if self._leads(waiter) else math.inf
        with self._clock.move_on_after(min(own, longest)):
            await waiter.event.wait()
        if waiter.grant is None:
            waiter.event = anyio.Event()

    @property
    def _busy(self) -> bool:
        return len(self._away) >= self._connections

    def _leads(self, waiter: _Waiter) -> bool:
        return next(each for each in self._waiting if each.windows == waiter.windows) is waiter

    async def _estimate(self, waiter: _Waiter) -> Taken:
        longest = Taken(granted=True)
        for window in waiter.windows:
            step = self._store.wait(self._account, (window,), self._ahead(waiter, window.name))
            taken = await self._ask(step)
            longest = taken if taken.delay > longest.delay else longest
        return longest

    def _ahead(self, waiter: _Waiter, name: str) -> int:
        """Requests that wait for the same window and go first."""
        before = (each for each in self._waiting if each.order < waiter.order)
        return sum(1 for each in before if any(window.name == name for window in each.windows))

    async def _check(self, waiter: _Waiter) -> None:
        """Refuse at once what would be refused later."""
        estimate = await self._estimate(waiter)
        if self._clock.ticks() + estimate.delay > waiter.latest and waiter.grant is None:
            raise await self._refusal(waiter, estimate)

    async def _leave(self, waiter: _Waiter) -> None:
        """Out of the queue, or give back what came too late; then see who is next."""
        waiter.gone = True
        with anyio.CancelScope(shield=True):
            if waiter.grant is not None:
                await self.give_back(waiter.grant)
                return
            self._waiting.remove(waiter)
            self._close_up(waiter)
            self._wake_leaders()

    def _wake_leaders(self) -> None:
        """Each group's first waiter looks after itself again; it may not have been first until now."""
        seen: set[tuple[Window, ...]] = set()
        for waiter in self._waiting:
            if waiter.windows not in seen:
                seen.add(waiter.windows)
                waiter.retry_at = 0.0
                waiter.event.set()

    async def _finish(self, grant: Grant, step: Awaitable[None]) -> None:
        """The request is no longer on its way, whatever the store says to that."""
        with anyio.CancelScope(shield=True):
            try:
                await step
            except StoreError as error:
                # The place stays taken until its time is over: less than there is, never more.
                logger.warning("the rate store failed: %s", error)
            self._away.discard(grant)
            self._wake_leaders()

    async def _ask(self, step: Awaitable[T]) -> T:
        """One step of the store, not to be interrupted: a half-known step could lose a place."""
        try:
            with anyio.CancelScope(shield=True):
                return await step
        except StoreError as error:
            raise StateError(str(error)) from None
        raise AssertionError("a scope that nobody cancels was left")

    # --- words --------------------------------------------------------------------------------------------

    async def _refusal(self, waiter: _Waiter, estimate: Taken) -> BudgetError:
        if not estimate.window:
            busy = f"All {self._connections} connections to TaskIP are busy."
            reason = busy if self._busy else "Requests that left before must be answered first."
            return BudgetError(f"{reason} Nothing was sent. Try again in a moment.")
        seconds = math.ceil(estimate.delay)
        # What those ahead will take is not left.
        left = ", ".join(
            f"{WORDS[each.window]} {max(0, each.left - self._ahead(waiter, each.window))}"
            for each in await self.show()
        )
        limit = next(window.limit for window in self.windows if window.name == estimate.window)
        return BudgetError(
            f"The {WORDS[estimate.window]} limit of the API key ({limit}) is used up; a request could leave in"
            f" {seconds} seconds. Nothing was sent. Wait that long, then repeat the call. Requests left: {left}.",
            seconds,
        )

    async def _notice(self, waiter: _Waiter) -> str:
        estimate = await self._estimate(waiter)
        if not estimate.window:
            return f"Waiting for {'a free connection to' if self._busy else 'an answer of'} TaskIP."
        return f"Waiting {math.ceil(estimate.delay)} seconds for the {WORDS[estimate.window]} limit of the API key."
