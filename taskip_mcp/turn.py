"""One tool call in time: its deadline, whom to tell about waiting, and whether it is background work.

Held in a context variable, so that every request of the call is bound by it, however deep it is made, and none can be
made without: outside of a call a default turn holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from math import inf
from typing import TypeVar

from taskip_mcp.clock import Clock

T = TypeVar("T")

Tell = Callable[[float, float | None, str], Awaitable[None]]
"""``(progress, total or None, message)`` to the client; progress grows with every notice."""

DEFAULT = 55.0
STEP = 0.001
"""Progress of a notice that reports none: the protocol wants each to be more than the last."""


@dataclass
class Meter:
    """How far a call is: `total` is None where nobody knows how much there is to do. `sent` counts its requests."""

    done: float = 0.0
    total: float | None = None
    sent: int = 0


@dataclass
class Turn:
    """`ends` is in ticks of the clock, `most` the requests that may leave; `bulk` work yields to single calls."""

    clock: Clock
    ends: float
    tell: Tell | None = None
    bulk: bool = False
    most: float = inf
    meter: Meter = field(default_factory=Meter)

    @property
    def left(self) -> float:
        """Seconds in which a request may leave: until the deadline, and none after the last one that may."""
        return self.ends - self.clock.ticks() if self.meter.sent < self.most else -inf

    @contextmanager
    def paused(self) -> Generator[None]:
        """Time that does not count: a person thinks about a question."""
        since = self.clock.ticks()
        try:
            yield
        finally:
            self.ends += self.clock.ticks() - since

    async def say(self, message: str, done: float | None = None, total: float | None = None) -> None:
        """Tell the client; without `done` only that the call goes on. Each notice must show more than the last one."""
        self.meter.done = max(done or 0.0, self.meter.done + STEP)
        self.meter.total = total or self.meter.total
        if self.tell is not None:
            await self.tell(self.meter.done, self.meter.total, message)


_current: ContextVar[Turn | None] = ContextVar("turn", default=None)


def current() -> Turn:
    """The turn of the running call."""
    found = _current.get()
    if found is None:
        clock = Clock()
        return Turn(clock, clock.ticks() + DEFAULT)
    return found


@contextmanager
def begin(clock: Clock, seconds: float, tell: Tell | None = None, *, most: float = inf) -> Generator[Turn]:
    """Run a call within `seconds`, with at most so many requests."""
    with _as_current(Turn(clock, clock.ticks() + seconds, tell, most=most)) as turn:
        yield turn


async def within(work: Awaitable[T], late: Callable[[], Exception]) -> T:
    """What the work gives, within the time of the call; when that is over, raises what `late` makes then."""
    mine = current()
    with mine.clock.move_on_after(mine.left):
        return await work
    raise late()


@contextmanager
def background() -> Generator[Turn]:
    """What is requested inside yields to single calls."""
    with _as_current(replace(current(), bulk=True)) as turn:
        yield turn


@contextmanager
def _as_current(turn: Turn) -> Generator[Turn]:
    token = _current.set(turn)
    try:
        yield turn
    finally:
        _current.reset(token)
