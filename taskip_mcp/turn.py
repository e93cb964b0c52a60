"""One tool call in time: its deadline, whom to tell about waiting, and whether it is background work.

Held in a context variable, so that every request of the call is bound by it, however deep it is made, and none can be
made without: outside of a call a default turn holds.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from taskip_mcp.clock import Clock

Tell = Callable[[float, float | None, str], Awaitable[None]]
"""``(progress, total or None, message)`` to the client; progress grows with every notice."""

DEFAULT = 55.0


@dataclass(frozen=True)
class Turn:
    """`began` and `ends` are in ticks of the clock; `bulk` work yields to single calls."""

    clock: Clock
    began: float
    ends: float
    tell: Tell | None = None
    bulk: bool = False

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self.ends - self.clock.ticks()


_current: ContextVar[Turn | None] = ContextVar("turn", default=None)


def current() -> Turn:
    """The turn of the running call."""
    found = _current.get()
    if found is None:
        clock = Clock()
        return Turn(clock, clock.ticks(), clock.ticks() + DEFAULT)
    return found


@contextmanager
def begin(clock: Clock, seconds: float, tell: Tell | None = None) -> Generator[Turn]:
    """Run a call within `seconds`."""
    with _as_current(Turn(clock, clock.ticks(), clock.ticks() + seconds, tell)) as turn:
        yield turn


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
