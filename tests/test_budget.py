"""The queue of one process: who may send, who waits, who is refused with which words. Minutes pass in microseconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import anyio
import pytest

from taskip_mcp.budget import Budget
from taskip_mcp.budget.windows import MINUTE, UPLOADS, Seen, Taken, Window
from taskip_mcp.errors import BudgetError, StateError
from tests.budgets import (
    CLOCK,
    Dawdling,
    Failing,
    budget,
    departures,
    memory,
    send,
    use,
    used,
    virtual,
)

WIDE = Window(MINUTE, 100, 60.0)

# --- waiting ----------------------------------------------------------------------------------------------


@virtual
async def test_requests_leave_at_once_until_a_window_is_full_and_then_as_places_become_free() -> None:
    async with budget() as key:
        assert await departures(key, 7) == [0.0] * 5 + [60.0] * 2


@virtual
async def test_the_last_places_of_a_window_are_taken_one_answer_after_the_other() -> None:
    async with budget() as key:
        assert await departures(key, 7, takes=1.0) == [0.0, 0.0, 1.0, 2.0, 3.0, 61.0, 62.0]


@virtual
async def test_never_more_than_some_requests_are_on_their_way() -> None:
    async with budget(WIDE, connections=2) as key:
        assert await departures(key, 5, takes=3.0) == [0.0, 0.0, 3.0, 3.0, 6.0]
        assert (key.away, key.waiting) == (0, 0)


@virtual
async def test_a_request_that_did_not_leave_makes_room_at_once() -> None:
    async with budget(Window(MINUTE, 1, 60.0)) as key:
        grant = await key.acquire()

        async def fail_to_connect() -> None:
            await anyio.sleep(4)
            await key.give_back(grant)

        async with anyio.create_task_group() as group:
            group.start_soon(fail_to_connect)
            assert await send(key) == 4.0


class SlowToRefuse(Dawdling):
    async def take(self, account: str, windows: Sequence[Window], grant: str, *, hold: float) -> Taken:
        taken = await super().take(account, windows, grant, hold=hold)
        await anyio.sleep(0 if taken.granted else 0.25)
        return taken


@virtual
async def test_room_that_is_made_while_the_store_is_asked_is_not_overlooked() -> None:
    async with memory() as inner, budget(Window(MINUTE, 1, 60.0), store=SlowToRefuse(inner)) as key:
        grant = await key.acquire()

        async def fail_to_connect() -> None:
            await anyio.sleep(0.125)
            await key.give_back(grant)

        async with anyio.create_task_group() as group:
            group.start_soon(fail_to_connect)
            assert await send(key) == 0.25


@virtual
async def test_a_place_that_another_process_gave_back_is_found_within_a_second() -> None:
    async with memory() as store, budget(store=store) as one, budget(store=store) as two:
        await use(one, 4)
        grant = await one.acquire()

        async def fail_to_connect() -> None:
            await anyio.sleep(4.5)
            await one.give_back(grant)

        async with anyio.create_task_group() as group:
            group.start_soon(fail_to_connect)
            assert 4.5 <= await send(two) <= 5.5


@virtual
async def test_a_request_may_leave_in_the_very_moment_in_which_its_patience_ends() -> None:
    async with budget() as key:
        await use(key, 5)
        await key.acquire(patience=60.0)
        assert CLOCK.ticks() == 60.0


@virtual
async def test_a_full_special_window_does_not_hold_up_other_requests() -> None:
    async with budget(patience=700.0) as key:
        await use(key, 2, (UPLOADS,))
        async with anyio.create_task_group() as group:
            for _ in range(2):
                group.start_soon(send, key, (UPLOADS,))
            await anyio.sleep(1)
            assert key.waiting == 2
            assert await send(key) == 1.0
        assert CLOCK.ticks() == 600.0


@virtual
async def test_a_special_request_counts_in_the_minute_and_the_hour_as_well() -> None:
    async with budget() as key:
        await use(key, 2, (UPLOADS,))
        await use(key, 1)
        assert await used(key) == [3, 3, 2]


@virtual
async def test_a_cancelled_job_does_not_put_off_the_next_one() -> None:
    async with budget(Window(MINUTE, 1000, 60.0), connections=1, patience=1000.0) as key:
        left: list[str] = []

        async def one(name: str, *, bulk: bool) -> None:
            await send(key, bulk=bulk, takes=1.0)
            left.append(name)

        async with anyio.create_task_group() as group, anyio.create_task_group() as job:
            group.start_soon(send, key)
            for _ in range(50):
                job.start_soon(lambda: one("cancelled", bulk=True))
            await anyio.sleep(0.5)
            group.start_soon(lambda: one("job", bulk=True))
            await anyio.sleep(0.1)
            job.cancel_scope.cancel()
            for _ in range(30):
                group.start_soon(lambda: one("single", bulk=False))
        assert left.index("job") <= 5


@virtual
async def test_refused_requests_do_not_put_off_later_ones_of_their_kind() -> None:
    async with budget(Window(MINUTE, 1, 10.0), connections=1) as key:
        await use(key, 1)
        for _ in range(50):
            with pytest.raises(BudgetError):
                await key.acquire(patience=1.0)
        left: list[str] = []

        async def one(name: str, *, bulk: bool) -> None:
            await send(key, bulk=bulk)
            left.append(name)

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(lambda: one("bulk", bulk=True))
            await anyio.sleep(1)
            group.start_soon(lambda: one("single", bulk=False))
        assert left.index("single") <= 1


@virtual
async def test_a_job_that_begins_after_many_single_calls_does_not_catch_up_with_them() -> None:
    async with budget(Window(MINUTE, 1000, 60.0), connections=1) as key:
        await use(key, 50)
        left: list[bool] = []

        async def one(*, bulk: bool) -> None:
            await send(key, bulk=bulk, takes=1.0)
            left.append(bulk)

        async with anyio.create_task_group() as group:
            group.start_soon(send, key)
            for _ in range(10):
                group.start_soon(lambda: one(bulk=True))
                group.start_soon(lambda: one(bulk=False))
        assert left[:10].count(False) >= 7


# --- refusals ---------------------------------------------------------------------------------------------


@virtual
async def test_a_refusal_names_the_window_the_seconds_and_what_is_left() -> None:
    async with budget(patience=20.0) as key:
        await use(key, 5)
        await anyio.sleep(12.25)
        with pytest.raises(BudgetError) as refused:
            await key.acquire()
        assert CLOCK.ticks() == 12.25
        assert refused.value.seconds == 48
        assert str(refused.value) == (
            "The minute limit of the API key (5) is used up; a request could leave in 48 seconds. Nothing was sent."
            " Wait that long, then repeat the call. Requests left: minute 0, hour 15, upload 2."
        )


@virtual
async def test_a_request_with_less_patience_than_the_process_is_refused_sooner() -> None:
    async with budget(patience=100.0) as key:
        await use(key, 5)
        with pytest.raises(BudgetError):
            await key.acquire(patience=59.0)
        assert CLOCK.ticks() == 0.0


@virtual
async def test_busy_connections_have_words_of_their_own() -> None:
    async with budget(connections=2, patience=20.0) as key:
        for _ in range(2):
            await key.acquire()
        with pytest.raises(
            BudgetError, match=r"All 2 connections to TaskIP are busy\. Nothing was sent\."
        ) as refused:
            await key.acquire()
        assert (CLOCK.ticks(), refused.value.seconds) == (20.0, 0)


@virtual
async def test_what_waits_for_the_answer_of_another_request_is_not_told_of_connections() -> None:
    async with budget() as key:
        await send(key, seen=Seen(closed=MINUTE, closed_for=1.0))
        await anyio.sleep(1)
        await key.acquire()  # goes ahead, and its answer does not come
        with pytest.raises(BudgetError, match="answered") as refused:
            await key.acquire(patience=3.0)
        assert "connections" not in str(refused.value)
        assert CLOCK.ticks() == 4.0


# --- notices ----------------------------------------------------------------------------------------------


async def notices(
    of: Budget, listener: Callable[[str], Awaitable[None]] | None = None
) -> list[tuple[float, str]]:
    """What a request is told while it waits, and when."""
    told: list[tuple[float, str]] = []

    async def report(words: str) -> None:
        told.append((CLOCK.ticks(), words))
        if listener:
            await listener(words)

    await of.acquire(report=report)
    return told


@virtual
async def test_a_request_that_waits_is_told_so_after_a_second_and_every_five() -> None:
    async with budget(Window(MINUTE, 1, 14.0)) as key:
        await use(key, 1)
        told = await notices(key)
        assert told == [
            (at, f"Waiting {14 - at:.0f} seconds for the minute limit of the API key.")
            for at in (1.0, 6.0, 11.0)
        ]


@virtual
async def test_a_request_that_waits_for_less_than_a_second_is_told_nothing() -> None:
    async with budget(Window(MINUTE, 1, 0.75)) as key:
        await use(key, 1)
        assert await notices(key) == []


@virtual
async def test_a_request_is_told_that_it_waits_for_a_connection() -> None:
    async with budget(connections=1) as key, anyio.create_task_group() as group:
        group.start_soon(lambda: send(key, takes=4.0))
        await anyio.sleep(0.5)
        assert await notices(key) == [(1.5, "Waiting for a free connection to TaskIP.")]


@virtual
async def test_a_listener_that_does_not_listen_holds_up_nobody() -> None:
    async def hang(_words: str) -> None:
        await anyio.sleep_forever()

    async with budget(Window(MINUTE, 1, 14.0)) as key:
        await use(key, 1)
        assert len(await notices(key, hang)) == 3
        assert CLOCK.ticks() <= 15.0


@virtual
async def test_while_one_kind_of_request_is_busy_with_its_listener_another_kind_leaves() -> None:
    async def dawdle(_words: str) -> None:
        await anyio.sleep(0.75)

    async with budget(WIDE, Window(UPLOADS, 2, 600.0), connections=2) as key:
        grants = [await key.acquire(), await key.acquire()]

        async def answered() -> None:
            await anyio.sleep(1.25)
            for grant in grants:
                await key.settle(grant)

        async with anyio.create_task_group() as group:
            group.start_soon(answered)
            group.start_soon(notices, key, dawdle)
            await anyio.sleep(0.125)
            assert await send(key, (UPLOADS,)) == 1.25


# --- what it costs ----------------------------------------------------------------------------------------


@virtual
async def test_the_cost_of_requests_is_the_minutes_until_the_last_has_left() -> None:
    async with budget() as key:
        assert [await key.cost(requests) for requests in (0, 1, 5, 6, 11)] == [0.0, 0.0, 0.0, 1.0, 2.0]
        await use(key, 3)
        await anyio.sleep(30)
        assert [await key.cost(requests) for requests in (2, 3, 6)] == [0.0, 0.5, 1.0]
        assert await key.cost(21) == 60.0
        assert await used(key) == [3, 3, 0]


# --- a store that fails -----------------------------------------------------------------------------------


@virtual
async def test_no_request_leaves_when_the_store_fails_and_later_ones_do() -> None:
    async with memory() as inner, budget(store=(store := Failing(inner)), connections=1) as key:
        for step in ("take", "wait"):
            grant = await key.acquire() if step == "wait" else None
            store.broken = {step}
            with pytest.raises(StateError, match=r"The rate store is gone\. Nothing was sent\."):
                await key.acquire()
            store.broken = set()
            assert key.waiting == 0
            if grant:
                await key.settle(grant)
        await use(key, 4)
        assert await used(key) == [5, 5, 0]


@virtual
async def test_an_answer_counts_although_the_store_fails_and_its_place_stays_taken_for_its_time() -> None:
    async with memory() as inner, budget(store=(store := Failing(inner)), connections=1) as key:
        grant = await key.acquire()
        store.broken = {"settle", "give_back"}
        await key.settle(grant)
        await key.give_back(await key.acquire())
        store.broken = set()
        assert key.away == 0
        await anyio.sleep(119)
        assert (await used(key))[0] == 2
        await anyio.sleep(1)
        assert (await used(key))[0] == 0


@virtual
async def test_nobody_in_the_queue_hangs_when_the_store_fails_and_comes_back() -> None:
    async with memory() as inner, budget(WIDE, store=(store := Failing(inner)), connections=1) as key:
        ends: list[str] = []
        grant = await key.acquire()

        async def one() -> None:
            try:
                await send(key)
                ends.append("sent")
            except StateError:
                ends.append("failed")

        async with anyio.create_task_group() as group:
            for _ in range(4):
                group.start_soon(one)
            await anyio.sleep(2)
            store.broken = {"take", "settle"}
            await key.settle(grant)
            await anyio.sleep(0)
            store.broken = set()
        assert sorted(ends)[-1] == "sent"
        assert len(ends) == 4
        assert CLOCK.ticks() == 2.0
        assert (key.away, key.waiting) == (0, 0)


@virtual
async def test_the_windows_and_the_cost_cannot_be_told_when_the_store_fails() -> None:
    async with memory() as inner, budget(store=(store := Failing(inner))) as key:
        store.broken = {"wait", "show"}
        with pytest.raises(StateError):
            await key.show()
        with pytest.raises(StateError):
            await key.cost(3)
