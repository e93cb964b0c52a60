"""TaskIP's word on the hour: a lower limit than the configured one counts, a higher one does not."""

from __future__ import annotations

import pytest

from taskip_mcp.budget import Budget, Seen
from taskip_mcp.budget.sqlite import SqliteStore
from taskip_mcp.budget.windows import HOUR, MINUTE, Window
from taskip_mcp.clock import Clock

pytestmark = pytest.mark.anyio


def budget(hour: int) -> Budget:
    windows = (Window(MINUTE, 10, 60.0), Window(HOUR, hour, 3600.0))
    return Budget(SqliteStore(None, Clock()), "account", windows, clock=Clock(), patience=0.2)


async def hour_of(at: Budget) -> tuple[int, int, int]:
    shown = next(each for each in await at.show() if each.window == HOUR)
    return shown.limit, shown.used, shown.foreign


async def test_a_limit_far_above_that_of_taskip_is_corrected_and_costs_no_time() -> None:
    at = budget(1_000_000)
    await at.settle(await at.acquire(), Seen(limit=1000, remaining=999, reset_in=3600.0))
    assert await hour_of(at) == (1000, 1, 0)
    await at.aclose()


async def test_a_limit_below_that_of_taskip_is_kept() -> None:
    at = budget(5)
    await at.settle(await at.acquire(), Seen(limit=1000, remaining=990, reset_in=3600.0))
    assert (await hour_of(at))[0] == 5
    await at.aclose()


async def test_a_limit_that_rises_again_counts_up_to_the_configured_one() -> None:
    at = budget(8)
    for limit, counts in ((3, 3), (6, 6), (100, 8)):
        await at.settle(await at.acquire(), Seen(limit=limit, remaining=limit - 1, reset_in=3600.0))
        assert (await hour_of(at))[0] == counts
    await at.aclose()
