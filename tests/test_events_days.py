"""Events are kept for some days, whatever the clock of the machine did once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from taskip_mcp.events.line import FILE
from taskip_mcp.events.store import DAY, SWEEP
from tests.event_store import Days, add, held, numbers, opened, raw, records

pytestmark = pytest.mark.anyio


async def test_what_is_older_than_the_days_is_forgotten_with_the_next_delivery(tmp_path: Path) -> None:
    days = Days()
    async with opened(tmp_path, clock=days.clock, days=2) as store:
        await add(store, number=1)
        days.at += 1.5 * DAY
        await add(store, number=2)
        days.at += 0.5 * DAY + SWEEP
        await add(store, number=3)
        assert await records(store) == ["invoice.paid 2", "invoice.paid 3"]
        assert await store.add(raw(number=1), "invoice.paid"), "its body is forgotten as well"


async def test_no_cursor_goes_back_when_all_is_forgotten(tmp_path: Path) -> None:
    days = Days()
    async with opened(tmp_path, clock=days.clock, days=1) as store:
        cursor = [await add(store, number=number) for number in range(3)][-1]
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("DELETE FROM events")
        assert await store.last() == await store.since(0) == cursor
        await add(store, number=9)
        assert await records(store, cursor) == ["invoice.paid 9"]


async def test_what_is_too_old_is_not_shown_and_gone_once_the_file_is_opened_anew(tmp_path: Path) -> None:
    days = Days()
    async with opened(tmp_path, clock=days.clock, days=2) as store:
        await add(store, number=1)
        days.at += DAY
        cursor = await add(store, number=2)
        days.at += 1.5 * DAY
        assert await records(store) == ["invoice.paid 2"]
        assert await store.since(0) == 1
        assert not await store.changed(cursor, 0)
    async with opened(tmp_path, clock=days.clock, days=2):
        assert numbers(tmp_path) == [2]


async def test_a_file_that_another_program_holds_is_opened_without_being_swept(tmp_path: Path) -> None:
    days = Days()
    async with opened(tmp_path, clock=days.clock, days=2) as store:
        await add(store, number=1)
        days.at += DAY
        await add(store, number=2)
    days.at += 1.5 * DAY
    with held(tmp_path):
        async with opened(tmp_path, clock=days.clock, days=2) as store:
            assert await records(store) == ["invoice.paid 2"]
    assert numbers(tmp_path) == [1, 2]


@pytest.mark.parametrize("anew", [False, True])
async def test_a_clock_that_was_wrong_once_costs_nothing(anew: bool, tmp_path: Path) -> None:
    days = Days()
    async with opened(tmp_path, clock=days.clock) as store:
        for number in range(3):
            await add(store, number=number)
        days.at += 365 * DAY
        if anew:
            async with opened(tmp_path, clock=days.clock) as other:
                assert await records(other) == []
        await add(store, number=3)
        days.at -= 365 * DAY
        await add(store, number=4)
        assert await records(store) == [f"invoice.paid {number}" for number in range(5)]


async def test_when_all_is_too_old_it_is_forgotten_once_that_is_so_an_hour_later_as_well(
    tmp_path: Path,
) -> None:
    days = Days()
    async with opened(tmp_path, clock=days.clock) as store:
        await add(store)
    days.at += 40 * DAY
    for wait, left in ((0.0, [1]), (SWEEP / 2, [1]), (SWEEP / 2, [])):
        days.at += wait
        async with opened(tmp_path, clock=days.clock) as store:
            assert await records(store) == []
        assert numbers(tmp_path) == left


async def test_the_same_body_is_news_once_the_first_is_too_old_to_be_shown(tmp_path: Path) -> None:
    days = Days()
    async with opened(tmp_path, clock=days.clock, days=1) as store:
        first = await add(store)
        days.at += DAY + 1
        assert await add(store) > first
        assert await records(store) == ["invoice.paid 1"]
