"""Whom a refusal counts, and how a store that fails is told."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from taskip_mcp.budget import Budget
from taskip_mcp.budget.sqlite import SqliteStore
from taskip_mcp.budget.windows import HOUR, MINUTE, UPLOADS, StoreError, Taken, Window
from taskip_mcp.clock import Clock
from taskip_mcp.errors import BudgetError, StateError

pytestmark = pytest.mark.anyio

WINDOWS = (Window(MINUTE, 100, 60.0), Window(HOUR, 1000, 3600.0), Window(UPLOADS, 2, 3600.0))


class Silent(SqliteStore):
    """A store that fails after a time, as one does that is not reached."""

    asked = 0

    async def take(self, account: str, windows: Sequence[Window], grant: str, *, hold: float) -> Taken:
        self.asked += 1
        await anyio.sleep(0.05)
        raise StoreError("The rate store is gone. Nothing was sent.")


async def test_requests_that_want_no_upload_do_not_use_up_the_uploads(anyio_backend: str) -> None:
    at = Budget(SqliteStore(None, Clock()), "a", WINDOWS, connections=1, patience=5.0)
    first = await at.acquire()
    uploaded: list[bool] = []

    async def upload() -> None:
        grant = await at.acquire((UPLOADS,))
        uploaded.append(True)
        await at.settle(grant)

    async def plain() -> None:
        await at.settle(await at.acquire())

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(plain)
        await anyio.sleep(0.05)
        group.start_soon(upload)
        await anyio.sleep(0.05)
        await at.settle(first)
    assert uploaded == [True]
    await at.aclose()


async def test_a_refusal_tells_what_is_left_behind_those_that_wait(anyio_backend: str) -> None:
    at = Budget(SqliteStore(None, Clock()), "a", WINDOWS, connections=8, patience=5.0)
    for _ in range(2):
        await at.settle(await at.acquire((UPLOADS,)))
    with pytest.raises(BudgetError, match="Requests left: minute 98, hour 998, upload 0"):
        await at.acquire((UPLOADS,))
    await at.aclose()


async def test_a_store_that_is_not_reached_is_told_to_all_at_once(anyio_backend: str) -> None:
    store = Silent(None, Clock())
    at = Budget(store, "a", WINDOWS)
    heard: list[bool] = []

    async def ask() -> None:
        with pytest.raises(StateError, match="The rate store is gone"):
            await at.acquire()
        heard.append(True)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
    assert len(heard) == 20
    assert store.asked == 1, "they did not ask one after the other"
    assert at.waiting == 0
    await at.aclose()
