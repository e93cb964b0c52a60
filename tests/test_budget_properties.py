"""What the budget promises, whatever comes when: modelled processes, a modelled TaskIP, and a clock that jumps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskip_mcp.budget import BULK_WEIGHT, POLL, Budget
from taskip_mcp.budget.windows import HOUR, MINUTE, SOON, UPLOADS, Seen
from taskip_mcp.errors import BudgetError
from tests.budget_world import (
    ALWAYS_OPEN,
    CONNECTIONS,
    LONGEST,
    PATIENT,
    TURNS,
    WINDOWS,
    Plan,
    Story,
    World,
    plans,
    seconds,
)
from tests.budgets import CLOCK, JITTER, Dawdling, Upstream, memory, virtual

# --- TaskIP never refuses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("fixed", [False, True], ids=["sliding", "fixed"])
@settings(deadline=None, max_examples=60)
@given(plans=plans(), turns=TURNS, connections=CONNECTIONS, talks=st.booleans())
@virtual
async def test_taskip_has_no_reason_to_refuse_a_request(
    fixed: bool, plans: list[Plan], turns: list[int], connections: int, talks: bool
) -> None:
    async with memory() as inner:
        world = World(Dawdling(inner, turns), Upstream(WINDOWS, fixed, talks), connections=connections)
        await world.run(plans)
        assert world.upstream.refused == 0
        assert all(world.most_away(process) <= connections for process in range(3))


# --- nobody is forgotten ----------------------------------------------------------------------------------


def longest_room(world: World, story: Story) -> float:
    """The longest time for which a request waited although there was room for it all the while."""
    changes = {story.came, story.waited}
    for each in world.stories:
        if each.kept:
            changes |= {each.waited, each.over, *(each.over + window.span for window in WINDOWS)}
    times = sorted(at for at in changes if story.came <= at <= story.waited)
    longest = run = 0.0
    for start, end in pairwise(times):
        run = run + end - start if room(world, story, start) else 0.0
        longest = max(longest, run)
    return longest


def room(world: World, story: Story, at: float) -> bool:
    away = [each for each in world.stories if each.away(at)]
    if sum(each.plan.process == story.plan.process for each in away) >= world.connections:
        return False
    for window in WINDOWS:
        if window.name in story.plan.names:
            hidden = 2 * sum(window.name in each.plan.names for each in away)
            taken = sum(each.occupies(window, at) for each in world.stories)
            if taken + hidden >= window.limit:
                return False
    return True


async def nobody_waits_in_vain(world: World, plans: Sequence[Plan], late: float) -> None:
    await world.run(plans)
    for story in world.stories:
        assert longest_room(world, story) <= late + JITTER
        assert story.waited - story.came <= min(story.plan.patience, story.plan.cancelled)


PATIENCE = PATIENT | seconds(30)


@settings(deadline=None, max_examples=60)
@given(plans=plans(processes=1, most=15, patience=PATIENCE), connections=CONNECTIONS)
@virtual
async def test_in_one_process_every_request_leaves_as_soon_as_there_is_room(
    plans: list[Plan], connections: int
) -> None:
    async with memory() as store:
        world = World(store, Upstream(WINDOWS), connections=connections)
        await nobody_waits_in_vain(world, plans, SOON)


@settings(deadline=None, max_examples=60)
@given(plans=plans(most=15, patience=PATIENCE), turns=TURNS, connections=CONNECTIONS)
@virtual
async def test_with_more_processes_every_request_leaves_within_a_second_of_there_being_room(
    plans: list[Plan], turns: list[int], connections: int
) -> None:
    async with memory() as inner:
        world = World(Dawdling(inner, turns), Upstream(WINDOWS), connections=connections)
        await nobody_waits_in_vain(world, plans, POLL + SOON)


@settings(deadline=None, max_examples=40)
@given(plans=plans(most=15), turns=TURNS, others=st.lists(seconds(40), max_size=12), fixed=st.booleans())
@virtual
async def test_every_request_comes_to_an_end_when_others_use_up_the_key_and_taskip_refuses(
    plans: list[Plan], turns: list[int], others: list[float], fixed: bool
) -> None:
    async with memory() as inner:
        world = World(Dawdling(inner, turns), Upstream(WINDOWS, fixed, talks=True))

        async def other(at: float) -> None:
            await anyio.sleep(at)
            world.upstream.count(())

        async with anyio.create_task_group() as group:
            for at in others:
                group.start_soon(other, at)
            group.start_soon(world.run, plans)
        assert all(story.kept for story in world.stories if math.isinf(story.plan.cancelled))
        assert [(key.waiting, key.away) for key in world.keys] == [(0, 0)] * 3


# --- in order ---------------------------------------------------------------------------------------------


def taken(world: World) -> list[Story]:
    """The stories in the order in which the store let them go; without those that were cancelled just then."""
    by_name = {story.grant.name: story for story in world.stories if story.grant}
    return [by_name[event] for event in world.events if isinstance(event, str) and event in by_name]


def groups(plan: Plan) -> tuple[int, tuple[str, ...], bool]:
    return plan.process, plan.special, plan.bulk


@settings(deadline=None, max_examples=60)
@given(plans=plans(most=20), turns=TURNS, connections=CONNECTIONS)
@virtual
async def test_requests_of_one_kind_leave_in_the_order_in_which_they_came(
    plans: list[Plan], turns: list[int], connections: int
) -> None:
    async with memory() as inner:
        store = Dawdling(inner, turns)
        world = World(store, Upstream(WINDOWS), connections=connections, events=store.events)
        await world.run(plans)
    left = taken(world)
    for kind in {groups(plan) for plan in plans}:
        mine = [world.stories.index(story) for story in left if groups(story.plan) == kind]
        assert mine == sorted(mine)


def overtaken(world: World, bulk: bool) -> int:
    """The most requests of the other kind that left while one of this kind was the next of its kind."""
    by_name = {story.grant.name: story for story in world.stories if story.grant}
    waiting: list[Story] = []
    passed = most = 0
    for event in world.events:
        story = event if isinstance(event, Story) else by_name.get(str(event))
        if story is None:
            continue
        if story.plan.bulk is bulk:
            waiting = [each for each in [*waiting, story] if each is event or each is not story]
            passed = passed if event is story and len(waiting) > 1 else 0
        elif event is not story and waiting:
            passed += 1
            most = max(most, passed)
    return most


@settings(deadline=None, max_examples=60)
@given(plans=plans(processes=1, special=False, most=40, cancelled=False), spread=st.sampled_from([1.0, 10.0]))
@virtual
async def test_neither_single_calls_nor_bulk_work_starve_the_other(plans: list[Plan], spread: float) -> None:
    async with memory() as inner:
        store = Dawdling(inner)
        world = World(store, Upstream(()), ALWAYS_OPEN, connections=1, events=store.events)
        await world.run([replace(plan, at=plan.at / spread, takes=1.0, leaves=True) for plan in plans])
    assert overtaken(world, bulk=True) <= BULK_WEIGHT + 1  # the one that left in the moment in which it came
    assert overtaken(world, bulk=False) <= 2


@virtual
async def test_while_both_wait_every_fifth_request_is_one_of_a_job() -> None:
    async with memory() as inner:
        store = Dawdling(inner)
        world = World(store, Upstream(()), ALWAYS_OPEN, connections=1, events=store.events)
        first = Plan(0.0)
        await world.run([first, *(Plan(number / 64, bulk=number <= 10) for number in range(1, 51))])
    bulk = [place for place, story in enumerate(taken(world)) if story.plan.bulk]
    gaps = [later - earlier for earlier, later in pairwise(bulk)]
    assert gaps == [4] + [5] * 8  # the single call that left before the others came had a turn as well


# --- nothing is lost --------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(plans=plans(), turns=TURNS, connections=CONNECTIONS, stop=seconds(45))
@virtual
async def test_wherever_requests_are_cancelled_only_those_that_left_are_counted(
    plans: list[Plan], turns: list[int], connections: int, stop: float
) -> None:
    async with memory() as inner:
        world = World(Dawdling(inner, turns), Upstream(WINDOWS), connections=connections)
        with anyio.move_on_after(stop):
            await world.run(plans)
        now = CLOCK.ticks()
        assert [(key.waiting, key.away) for key in world.keys] == [(0, 0)] * 3
        assert await world.used() == {
            window.name: sum(story.occupies(window, now) for story in world.stories) for window in WINDOWS
        }
        await anyio.sleep(LONGEST)
        assert await world.used() == dict.fromkeys((MINUTE, HOUR, UPLOADS), 0)
        assert all(each.opens_in == 0 for each in await world.keys[0].show())


# --- refused at once --------------------------------------------------------------------------------------


async def refusal(key: Budget, patience: float) -> int:
    """The seconds of a refusal that must come without waiting."""
    now = CLOCK.ticks()
    with pytest.raises(BudgetError) as refused:
        await key.acquire(patience=patience)
    assert CLOCK.ticks() == now
    return refused.value.seconds


async def full(key: Budget) -> bool:
    return any(each.left < 1 for each in await key.show() if each.window != UPLOADS)


@settings(deadline=None, max_examples=60)
@given(
    plans=plans(cancelled=False),
    later=seconds(8),
    closed=st.none() | st.tuples(st.sampled_from([MINUTE, HOUR]), seconds(50)),
    waits=st.booleans(),
)
@virtual
async def test_when_nothing_is_on_its_way_the_seconds_of_a_refusal_are_exact(
    plans: list[Plan], later: float, closed: tuple[str, float] | None, waits: bool
) -> None:
    async with memory() as store:
        world = World(store, Upstream(WINDOWS))
        await world.run(plans)
        key = world.keys[0]
        if closed:
            await key.settle(await key.acquire(), Seen(closed=closed[0], closed_for=closed[1]))
        await anyio.sleep(later)
        if await full(key):
            exact = max(each.opens_in for each in await key.show() if each.window != UPLOADS)
            await seconds_are_exact(key, exact, waits=waits)


async def seconds_are_exact(key: Budget, exact: float, *, waits: bool) -> None:
    """`seconds` is the time until a request can leave, in whole seconds: it fits in those, and not in one less."""
    told = await refusal(key, 0.0)
    assert told == math.ceil(exact)
    assert await refusal(key, told - 1.0) == told
    began = CLOCK.ticks()
    if waits:
        await key.acquire(patience=float(told))
        assert exact - JITTER <= CLOCK.ticks() - began <= max(exact, SOON) + JITTER
    else:
        await anyio.sleep(told - 1)
        assert await refusal(key, 0.0) == 1
        await anyio.sleep(1)
        await key.acquire(patience=0.0)
        assert CLOCK.ticks() == began + told
