"""Some processes that share the rate windows of one key, and requests that come, take their time and are cancelled."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
from hypothesis import strategies as st

from taskip_mcp.budget import Budget, Grant
from taskip_mcp.budget.windows import HOUR, MINUTE, UPLOADS, Seen, Store, Window
from taskip_mcp.errors import BudgetError
from tests.budgets import CLOCK, Upstream

# Small, so that all of them are full often, and not so small that a request would always be alone on its way. The names
# alone mean something to the budget.
WINDOWS = (Window(MINUTE, 4, 8.0), Window(HOUR, 8, 32.0), Window(UPLOADS, 4, 16.0))
ALWAYS_OPEN = (Window(MINUTE, 10_000, 8.0),)
LONGEST = max(window.span for window in WINDOWS)


@dataclass(frozen=True)
class Plan:
    """One request: when it comes to which process, how long its answer takes, and what becomes of it."""

    at: float
    process: int = 0
    special: tuple[str, ...] = ()
    bulk: bool = False
    takes: float = 1.0
    counted: float = 0.5
    """The part of that time after which TaskIP counts it."""
    leaves: bool = True
    cancelled: float = math.inf
    """Seconds after it came,"""
    turns: int = 0
    """and turns of the event loop after that, so that every step of the budget is hit."""
    patience: float = 1000.0

    @property
    def names(self) -> tuple[str, ...]:
        return (MINUTE, HOUR, *self.special)


@dataclass(eq=False)
class Story:
    """What became of a request: when it came, stopped waiting (with or without a grant) and was over."""

    plan: Plan
    came: float
    waited: float = math.inf
    grant: Grant | None = None
    left: bool = False
    over: float = math.inf

    @property
    def kept(self) -> bool:
        return self.grant is not None

    def occupies(self, window: Window, at: float) -> bool:
        """Whether it has a place in a window."""
        until = self.over + (window.span if self.left else 0.0)
        return self.kept and window.name in self.plan.names and self.waited <= at < until

    def away(self, at: float) -> bool:
        return self.kept and self.waited <= at < self.over


@dataclass
class World:
    """Some processes that share a store, before one TaskIP. `events`: stories as they come, and names of grants."""

    store: Store
    upstream: Upstream
    windows: Sequence[Window] = WINDOWS
    connections: int = 3
    events: list[object] = field(default_factory=lambda: list[object]())
    stories: list[Story] = field(default_factory=lambda: list[Story]())

    def __post_init__(self) -> None:
        self.keys = [
            Budget(
                self.store, "key", self.windows, clock=CLOCK, connections=self.connections, patience=10_000.0
            )
            for _ in range(3)
        ]

    async def run(self, plans: Sequence[Plan]) -> None:
        async with anyio.create_task_group() as group:
            for plan in plans:
                group.start_soon(self._live, plan)

    async def _live(self, plan: Plan) -> None:
        await anyio.sleep(plan.at)
        story = Story(plan, CLOCK.ticks())
        self.stories.append(story)
        self.events.append(story)
        async with anyio.create_task_group() as group:
            group.start_soon(cancel, group.cancel_scope, plan)
            await self._send(story)
            group.cancel_scope.cancel()

    async def _send(self, story: Story) -> None:
        plan, key = story.plan, self.keys[story.plan.process]
        try:
            story.grant = await key.acquire(plan.special, bulk=plan.bulk, patience=plan.patience)
        except BudgetError:
            return
        finally:
            story.waited = CLOCK.ticks()
        seen = Seen()
        try:
            seen = await self._way(story)
        finally:
            story.over = CLOCK.ticks()
            await (key.settle(story.grant, seen) if story.left else key.give_back(story.grant))

    async def _way(self, story: Story) -> Seen:
        plan = story.plan
        if not plan.leaves:
            await anyio.sleep(plan.takes)
            return Seen()
        story.left = True
        try:
            await anyio.sleep(plan.takes * plan.counted)
        finally:  # what has left arrives, even when nobody waits for it any more
            seen = self.upstream.count(plan.special)
        await anyio.sleep(plan.takes * (1 - plan.counted))
        return seen

    def most_away(self, process: int) -> int:
        """The most requests that a process had on their way at once."""
        mine = [story for story in self.stories if story.plan.process == process and story.kept]
        return max((sum(story.away(at.waited) for story in mine) for at in mine), default=0)

    async def used(self) -> dict[str, int]:
        return {each.window: each.used for each in await self.keys[0].show()}


async def cancel(scope: anyio.CancelScope, plan: Plan) -> None:
    await anyio.sleep(plan.cancelled)
    for _ in range(plan.turns):
        await anyio.lowlevel.checkpoint()
    scope.cancel()


def seconds(longest: float) -> st.SearchStrategy[float]:
    """Eighths, so that things happen at the same time, and sums are exact."""
    return st.integers(0, int(longest * 8)).map(lambda number: number / 8)


PATIENT = st.just(1000.0)
NEVER = st.just(math.inf)
AT_ONCE = st.just(0.0)


def plans(
    *,
    processes: int = 3,
    special: bool = True,
    most: int = 25,
    cancelled: bool = True,
    patience: st.SearchStrategy[float] = PATIENT,
) -> st.SearchStrategy[list[Plan]]:
    one = st.builds(
        Plan,
        at=seconds(40) | seconds(2),  # often many at once
        process=st.integers(0, processes - 1),
        special=st.sampled_from([(), (), (UPLOADS,)]) if special else st.just(()),
        bulk=st.booleans(),
        takes=seconds(6),
        counted=st.sampled_from([0.0, 0.5, 1.0]),
        leaves=st.sampled_from([True, True, True, False]),
        cancelled=(NEVER | seconds(20) | AT_ONCE) if cancelled else NEVER,
        turns=st.integers(0, 12),
        patience=patience,
    )
    return st.lists(one, min_size=1, max_size=most)


TURNS = st.lists(st.integers(0, 3), min_size=1, max_size=5)
CONNECTIONS = st.integers(1, 4)
