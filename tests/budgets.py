"""Budgets on a clock that jumps, stores that fail or dawdle, and a TaskIP that counts: for the tests of the budget."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import ParamSpec

import anyio
import anyio.lowlevel
import trio
from trio.testing import MockClock

from taskip_mcp.budget import Budget
from taskip_mcp.budget.sqlite import SqliteStore
from taskip_mcp.budget.windows import (
    HOUR,
    MINUTE,
    UPLOADS,
    Seen,
    Store,
    StoreError,
    Taken,
    Window,
    WindowState,
)
from taskip_mcp.clock import Clock

P = ParamSpec("P")

EPOCH = float(2**30)  # a power of two: fractions stay exact
CLOCK = Clock(now=lambda: EPOCH + anyio.current_time())
WINDOWS = (Window(MINUTE, 5, 60.0), Window(HOUR, 20, 3600.0), Window(UPLOADS, 2, 600.0))


def virtual(body: Callable[P, Awaitable[None]]) -> Callable[P, None]:
    """Run a test on a clock that jumps on when everybody sleeps. Who sleeps for ever is found after two days of it."""

    @wraps(body)
    def test(*args: P.args, **kwargs: P.kwargs) -> None:
        async def main() -> None:
            with anyio.fail_after(2 * 86_400):
                await body(*args, **kwargs)

        trio.run(main, clock=MockClock(autojump_threshold=0))

    return test


@asynccontextmanager
async def memory() -> AsyncGenerator[SqliteStore]:
    store = SqliteStore(None, CLOCK)
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def budget(
    *windows: Window, connections: int = 8, patience: float = 100.0, store: Store | None = None
) -> AsyncGenerator[Budget]:
    async with memory() as own:
        yield Budget(
            store or own, "key", windows or WINDOWS, clock=CLOCK, connections=connections, patience=patience
        )


async def send(
    to: Budget,
    special: Sequence[str] = (),
    *,
    bulk: bool = False,
    takes: float = 0.0,
    seen: Seen | None = None,
) -> float:
    """One request that is answered after some seconds; tells when it left."""
    grant = await to.acquire(special, bulk=bulk)
    left = CLOCK.ticks()
    try:
        await anyio.sleep(takes)
    finally:
        await to.settle(grant, seen)
    return left


async def use(to: Budget, requests: int, special: Sequence[str] = ()) -> None:
    for _ in range(requests):
        await send(to, special)


async def departures(to: Budget, requests: int, takes: float = 0.0) -> list[float]:
    """When so many requests left that came all at once."""
    left: list[float] = []

    async def one() -> None:
        left.append(await send(to, takes=takes))

    async with anyio.create_task_group() as group:
        for _ in range(requests):
            group.start_soon(one)
    return left


async def used(of: Budget) -> list[int]:
    return [each.used for each in await of.show()]


# --- one step at a time ------

KEY = "a key"
HOLD = 30.0
PLAIN = (Window(MINUTE, 5, 60.0), Window(HOUR, 20, 3600.0))
ALL = (*PLAIN, Window(UPLOADS, 2, 3600.0))


@dataclass
class Time:
    """The system clock, in our hands."""

    at: float = float(2**30)  # a power of two: fractions stay exact

    def clock(self) -> Clock:
        return Clock(now=lambda: self.at)


@dataclass
class Table:
    """One account in a store, with names for its requests."""

    store: SqliteStore
    time: Time
    account: str = KEY
    windows: tuple[Window, ...] = PLAIN
    names: list[str] = field(default_factory=lambda: list[str]())

    async def take(self, windows: tuple[Window, ...] = ()) -> Taken:
        self.names.append(f"{self.account} {len(self.names)}")
        return await self.store.take(self.account, windows or self.windows, self.names[-1], hold=HOLD)

    async def answer(self, seen: Seen | None = None, name: str = "") -> None:
        await self.store.settle(self.account, ALL, name or self.names[-1], seen or Seen())

    async def use(self, requests: int, seen: Seen | None = None) -> None:
        """So many requests, answered at once."""
        for _ in range(requests):
            assert (await self.take()).granted
            await self.answer(seen)

    async def window(self, name: str) -> WindowState:
        return next(each for each in await self.store.show(self.account, ALL) if each.window == name)

    async def foreign(self) -> tuple[int, int]:
        """Requests of others: in the minute, in the hour."""
        return (await self.window(MINUTE)).foreign, (await self.window(HOUR)).foreign


@asynccontextmanager
async def table(
    folder: Path | None = None, time: Time | None = None, windows: tuple[Window, ...] = PLAIN
) -> AsyncGenerator[Table]:
    time = time or Time()
    store = SqliteStore(folder, time.clock())
    try:
        yield Table(store, time, windows=windows)
    finally:
        await store.aclose()


async def refused(at: Table, window: str = MINUTE, seconds: float | None = None) -> None:
    await at.take()
    await at.answer(Seen(closed=window, closed_for=seconds))


# --- stores ------


@dataclass
class Failing:
    """A store of which some steps fail, for as long as they are named."""

    inner: Store
    broken: set[str] = field(default_factory=lambda: set[str]())

    def _step(self, name: str) -> None:
        if name in self.broken:
            raise StoreError("The rate store is gone. Nothing was sent.")

    async def take(self, account: str, windows: Sequence[Window], grant: str, *, hold: float) -> Taken:
        self._step("take")
        return await self.inner.take(account, windows, grant, hold=hold)

    async def give_back(self, account: str, grant: str) -> None:
        self._step("give_back")
        await self.inner.give_back(account, grant)

    async def settle(self, account: str, windows: Sequence[Window], grant: str, seen: Seen) -> None:
        self._step("settle")
        await self.inner.settle(account, windows, grant, seen)

    async def wait(self, account: str, windows: Sequence[Window], ahead: int) -> Taken:
        self._step("wait")
        return await self.inner.wait(account, windows, ahead)

    async def show(self, account: str, windows: Sequence[Window]) -> list[WindowState]:
        self._step("show")
        return await self.inner.show(account, windows)

    async def once(self, account: str, nonce: str, seconds: float) -> bool:
        self._step("once")
        return await self.inner.once(account, nonce, seconds)

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class Dawdling:
    """A store that answers after some turns of the event loop, as one on a network does; time stands still meanwhile.

    `events` gets each grant at the moment in which the store gives it.
    """

    inner: Store
    turns: Sequence[int] = (0,)
    events: list[object] = field(default_factory=lambda: list[object]())
    steps: int = 0

    async def _dawdle(self) -> None:
        self.steps += 1
        for _ in range(self.turns[self.steps % len(self.turns)]):
            await anyio.lowlevel.checkpoint()

    async def take(self, account: str, windows: Sequence[Window], grant: str, *, hold: float) -> Taken:
        await self._dawdle()
        taken = await self.inner.take(account, windows, grant, hold=hold)
        if taken.granted:
            self.events.append(grant)
        await self._dawdle()
        return taken

    async def give_back(self, account: str, grant: str) -> None:
        await self._dawdle()
        await self.inner.give_back(account, grant)
        await self._dawdle()

    async def settle(self, account: str, windows: Sequence[Window], grant: str, seen: Seen) -> None:
        await self._dawdle()
        await self.inner.settle(account, windows, grant, seen)
        await self._dawdle()

    async def wait(self, account: str, windows: Sequence[Window], ahead: int) -> Taken:
        await self._dawdle()
        taken = await self.inner.wait(account, windows, ahead)
        await self._dawdle()
        return taken

    async def show(self, account: str, windows: Sequence[Window]) -> list[WindowState]:
        await self._dawdle()
        return await self.inner.show(account, windows)

    async def once(self, account: str, nonce: str, seconds: float) -> bool:
        await self._dawdle()
        return await self.inner.once(account, nonce, seconds)

    async def aclose(self) -> None:
        await self.inner.aclose()


# --- TaskIP ---


JITTER = 1e-6
"""Seconds; times since 1970 are no more exact than that."""


@dataclass
class Counter:
    """How TaskIP counts one window: sliding, or as Laravel's throttle, whose count is reset `span` after its first."""

    window: Window
    fixed: bool
    counted: list[float] = field(default_factory=lambda: list[float]())

    def left(self, now: float) -> int:
        if self.counted and self.fixed and now >= self.counted[0] + self.window.span - JITTER:
            self.counted.clear()
        if not self.fixed:
            self.counted = [at for at in self.counted if at > now - self.window.span + JITTER]
        return self.window.limit - len(self.counted)


@dataclass
class Upstream:
    """TaskIP, as far as rate windows go. `talks`: its answers tell what is left of the hour."""

    windows: Sequence[Window]
    fixed: bool = False
    talks: bool = False
    refused: int = 0

    def __post_init__(self) -> None:
        self._counters = {window.name: Counter(window, self.fixed) for window in self.windows}

    def count(self, names: Sequence[str]) -> Seen:
        """One request arrives; what the answer will say."""
        now = CLOCK.now()
        counters = [self._counters[name] for name in (MINUTE, HOUR, *names) if name in self._counters]
        full = [counter.window.name for counter in counters if counter.left(now) < 1]
        if full:
            self.refused += 1
            return Seen(closed=full[0])
        for counter in counters:
            counter.counted.append(now)
        return Seen(remaining=self._counters[HOUR].left(now)) if self.talks else Seen()
