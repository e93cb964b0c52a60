"""After a 429: until when a window is closed, and how it opens again without a stampede."""

from __future__ import annotations

import anyio
import pytest

from taskip_mcp.budget import Budget
from taskip_mcp.budget.windows import HOUR, MINUTE, UPLOADS, Seen, Taken, Window
from taskip_mcp.errors import BudgetError
from tests.budgets import ALL, CLOCK, KEY, Table, budget, departures, memory, refused, send, table, virtual

pytestmark = pytest.mark.anyio


# --- until when ------


@pytest.mark.parametrize("seconds", [None, 0.0])
async def test_a_429_that_says_no_time_closes_until_our_oldest_request_leaves_the_window(
    seconds: float | None,
) -> None:
    async with table() as at:
        await at.use(1)
        at.time.at += 20
        await refused(at, seconds=seconds)
        assert (await at.window(MINUTE)).opens_in == 40.0


async def test_a_429_that_says_no_time_closes_for_a_whole_window_when_we_used_nothing() -> None:
    async with table() as at:
        await refused(at)
        assert (await at.window(MINUTE)).opens_in == 60.0


@pytest.mark.parametrize(("reset", "closed"), [(1200.0, 1200.0), (90_000.0, 3580.0), (-5.0, 3580.0)])
async def test_a_429_about_the_hour_closes_until_the_reset_that_it_names_if_it_can_be(
    reset: float, closed: float
) -> None:
    async with table() as at:
        await at.use(1)
        at.time.at += 20
        await at.take()
        await at.answer(Seen(limit=20, remaining=0, reset_in=reset, closed=HOUR))
        assert (await at.window(HOUR)).opens_in == closed


async def test_the_reset_of_the_hour_says_nothing_about_the_minute() -> None:
    async with table() as at:
        await at.take()
        await at.answer(Seen(limit=20, remaining=18, reset_in=1200.0, closed=MINUTE))
        assert (await at.window(MINUTE)).opens_in == 60.0


@pytest.mark.parametrize(("said", "closed"), [(17.0, 17.0), (5000.0, 5000.0), (10 * 86_400.0, 86_400.0)])
async def test_a_429_closes_for_as_long_as_it_says_but_never_for_more_than_a_day(
    said: float, closed: float
) -> None:
    async with table() as at:
        await refused(at, seconds=said)
        assert await at.take() == Taken(granted=False, delay=closed, window=MINUTE)
        at.time.at += closed - 0.25
        assert not (await at.take()).granted
        at.time.at += 0.25
        assert (await at.take()).granted


async def test_a_429_about_uploads_leaves_other_requests_alone() -> None:
    async with table() as at:
        await at.take(ALL)
        await at.answer(Seen(closed=UPLOADS, closed_for=100.0))
        assert (await at.take(ALL)).window == UPLOADS
        assert (await at.take()).granted


async def test_a_second_429_never_opens_a_window_sooner() -> None:
    async with table() as at:
        await at.take()
        await at.take()
        await at.answer(Seen(closed=MINUTE, closed_for=40.0), at.names[0])
        await at.answer(Seen(closed=MINUTE, closed_for=5.0), at.names[1])
        assert (await at.window(MINUTE)).opens_in == 40.0


async def reopened(at: Table) -> None:
    """A window that was closed, with the one request on its way that may try it."""
    await refused(at, seconds=10.0)
    at.time.at += 10
    assert (await at.take()).granted
    assert await at.take() == Taken(granted=False, delay=0.05, window=MINUTE)
    at.names.pop()


async def test_after_a_429_one_request_goes_ahead_and_the_others_follow_its_answer() -> None:
    async with table() as at:
        await reopened(at)
        await at.answer()
        await at.use(3)


async def test_the_others_do_not_wait_longer_than_some_seconds_for_the_one_that_went_ahead() -> None:
    async with table() as at:
        await reopened(at)
        at.time.at += 5
        assert (await at.take()).granted
        assert not (await at.take()).granted


async def test_another_request_goes_ahead_when_the_one_that_should_was_given_back() -> None:
    async with table() as at:
        await reopened(at)
        await at.store.give_back(KEY, at.names[-1])
        assert (await at.take()).granted
        assert not (await at.take()).granted


async def test_a_429_to_the_one_that_went_ahead_closes_again() -> None:
    async with table() as at:
        await reopened(at)
        await at.answer(Seen(closed=MINUTE, closed_for=25.0))
        assert await at.take() == Taken(granted=False, delay=25.0, window=MINUTE)


# --- in the queue ------


@virtual
async def test_after_a_429_one_request_goes_ahead_the_rest_follows_its_answer_and_none_fails() -> None:
    async with budget(Window(MINUTE, 50, 60.0), connections=4) as key:
        await send(key, seen=Seen(closed=MINUTE, closed_for=30.0))
        left = await departures(key, 9, takes=2.0)
        assert left == [30.0] + [32.0] * 4 + [34.0] * 4


@virtual
async def test_after_a_429_each_process_waits_for_the_one_request_that_goes_ahead() -> None:
    wide = Window(MINUTE, 50, 60.0)
    async with memory() as store, budget(wide, store=store) as one, budget(wide, store=store) as two:
        await send(one, seen=Seen(closed=MINUTE, closed_for=30.0))
        left: list[float] = []

        async def some(key: Budget) -> None:
            left.extend(await departures(key, 2, takes=2.0))

        async with anyio.create_task_group() as group:
            group.start_soon(some, one)
            group.start_soon(some, two)
        first, *others = sorted(left)
        assert 30.0 <= first <= 31.0
        assert all(first + 2 <= each <= first + 3 for each in others)


@virtual
async def test_a_closed_window_refuses_at_once_whom_it_would_hold_too_long() -> None:
    async with budget() as key:
        await send(key, seen=Seen(closed=HOUR, closed_for=1800.0))
        with pytest.raises(BudgetError, match="The hour limit") as refused:
            await key.acquire()
        assert (CLOCK.ticks(), refused.value.seconds) == (0.0, 1800)
