"""Requests that are cancelled in the moments that are hard to hit: nothing may be lost, and nobody forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskip_mcp.budget import Budget
from taskip_mcp.budget.windows import MINUTE, QUOTATION_SENDS, Store, Taken, Window
from taskip_mcp.errors import BudgetError
from tests.budgets import WINDOWS, Dawdling, budget, memory, send, use, used, virtual


@dataclass
class Gated(Dawdling):
    """A store that takes places only when it is let: the n-th attempt waits for the n-th gate."""

    gates: list[anyio.Event] = field(default_factory=lambda: list[anyio.Event]())

    async def take(self, account: str, windows: Sequence[Window], grant: str, *, hold: float) -> Taken:
        if self.gates:
            await self.gates.pop(0).wait()
        return await super().take(account, windows, grant, hold=hold)


def opened() -> anyio.Event:
    gate = anyio.Event()
    gate.set()
    return gate


@virtual
async def test_a_request_that_is_cancelled_in_the_queue_leaves_nothing_behind() -> None:
    async with budget(WINDOWS[0], Window(QUOTATION_SENDS, 1, 60.0)) as key:
        await use(key, 1, (QUOTATION_SENDS,))
        with anyio.move_on_after(3) as scope:
            await key.acquire((QUOTATION_SENDS,))
        assert scope.cancelled_caught
        assert (key.waiting, key.away, await used(key)) == (0, 0, [1, 1])


@virtual
async def test_when_the_first_in_the_queue_is_cancelled_the_next_watches_the_time() -> None:
    async with budget(Window(MINUTE, 1, 60.0), patience=200.0) as key:
        await use(key, 1)

        async def give_up() -> None:
            with anyio.move_on_after(30):
                await key.acquire()

        async with anyio.create_task_group() as group:
            group.start_soon(give_up)
            await anyio.sleep(1)
            assert await send(key) == 60.0


@virtual
async def test_a_place_that_is_taken_for_a_request_that_was_cancelled_meanwhile_is_given_back() -> None:
    async with memory() as inner, budget(Window(MINUTE, 2, 10.0), store=(store := Gated(inner))) as key:
        await use(key, 2)
        second = anyio.CancelScope()

        async def send_second() -> None:
            with second:
                await send(key)

        async with anyio.create_task_group() as group:
            group.start_soon(lambda: send(key, takes=1.0))
            await anyio.sleep(0.25)
            group.start_soon(send_second)
            await anyio.sleep(9.5)
            # Whoever is first also lets go the second, and is held up over it.
            store.gates = [opened(), gate := anyio.Event()]
            await anyio.sleep(0.5)
            second.cancel()
            await anyio.sleep(0.25)
            gate.set()
            await anyio.sleep(0.25)
            assert (key.waiting, key.away, await used(key), store.gates) == (0, 1, [1], [])


@virtual
async def test_a_request_that_is_cancelled_while_the_store_takes_its_place_loses_no_place() -> None:
    async with memory() as inner, budget(store=(store := Gated(inner))) as key:
        store.gates = [gate := anyio.Event()]
        async with anyio.create_task_group() as group:
            group.start_soon(send, key)
            await anyio.sleep(1)
            group.cancel_scope.cancel()
            gate.set()
        await anyio.sleep(60)
        assert (key.waiting, key.away, (await used(key))[0]) == (0, 0, 0)


@virtual
async def test_a_grant_that_comes_while_the_caller_is_told_to_wait_is_given_back_if_it_is_cancelled() -> None:
    async with budget(Window(MINUTE, 1, 1.25)) as key:

        async def dawdle(_words: str) -> None:
            await anyio.sleep(0.75)

        async def wait() -> None:
            await key.acquire(report=dawdle)

        await use(key, 1)
        async with anyio.create_task_group() as group:
            group.start_soon(wait)
            await anyio.sleep(1.5)
            await look(key)
            assert (key.waiting, key.away) == (0, 1)
            group.cancel_scope.cancel()
        assert (key.away, await used(key)) == (0, [0])


async def look(key: Budget) -> None:
    """Another request comes, lets go whoever may, and is refused itself."""
    with pytest.raises(BudgetError):
        await key.acquire(patience=0.0)


async def send_cancelled(store: Store, turns: int) -> None:
    """Two requests where there is room for one more; the first one is cancelled after some turns of the event loop."""
    async with budget(Window(MINUTE, 1, 60.0), store=store, patience=0.0) as key:
        left: list[float] = []

        async def one() -> None:
            try:
                left.append(await send(key))
            except BudgetError:
                return

        async with anyio.create_task_group() as group, anyio.create_task_group() as cancelled:
            cancelled.start_soon(one)
            await anyio.lowlevel.checkpoint()
            group.start_soon(one)
            for _ in range(turns):
                await anyio.lowlevel.checkpoint()
            cancelled.cancel_scope.cancel()
        assert (key.waiting, key.away) == (0, 0)
        assert len(left) <= 1
        await anyio.sleep(60)
        assert await used(key) == [0]
        await send(key)


@settings(deadline=None, max_examples=100)
@given(turns=st.lists(st.integers(0, 3), min_size=1, max_size=4), after=st.integers(0, 40))
@virtual
async def test_at_whichever_step_a_request_is_cancelled_its_place_is_not_lost(
    turns: list[int], after: int
) -> None:
    async with memory() as inner:
        await send_cancelled(Dawdling(inner, turns), after)
