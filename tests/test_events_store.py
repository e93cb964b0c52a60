"""Where deliveries are kept: once each, in order, for all processes, for some days."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import anyio
import anyio.lowlevel
import pytest

from taskip_mcp.clock import Clock
from taskip_mcp.errors import StateError
from taskip_mcp.events import Event
from taskip_mcp.events.line import FILE
from taskip_mcp.events.store import SqliteEvents
from tests.event_store import Days, add, held, opened, raw, records, until_it_waits

pytestmark = pytest.mark.anyio

DATA = {"invoice_id": 57, "amount": "9.00"}
PAID = {"event": "invoice.paid", "timestamp": "2026-01-05T10:00:00Z", "data": DATA}


# --- kept -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("memory", [True, False])
async def test_of_a_delivery_is_read_back_what_its_data_say(memory: bool, tmp_path: Path) -> None:
    days = Days()
    async with opened(None if memory else tmp_path, clock=days.clock) as store:
        seq = await store.add(json.dumps(PAID, indent=4).encode(), "invoice.paid")
        (found,) = await store.after(0)
        assert found == Event(seq or 0, days.at, "invoice.paid", DATA)
        assert (found.group, found.record, found.known) == ("invoice", "57", True)


async def test_what_was_kept_is_there_for_the_next_process(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        seq = await add(store)
    async with opened(tmp_path) as store:
        assert await records(store) == ["invoice.paid 1"]
        assert await store.last() == seq


async def test_the_very_same_body_is_one_delivery(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        assert await store.add(raw(), "invoice.paid") == 1
        assert await store.add(raw(), "invoice.paid") is None
    async with opened(tmp_path) as store:
        assert await store.add(raw(), "invoice.paid") is None
        assert await store.add(raw() + b"\n", "invoice.paid"), "another body"
        assert len(await store.after(0)) == 2


async def test_two_accounts_know_nothing_of_each_other(tmp_path: Path) -> None:
    async with opened(tmp_path, "one") as one, opened(tmp_path, "two") as two:
        first = await add(one)
        assert await records(two) == []
        assert not await two.changed(0, 0)
        assert await two.add(raw(), "invoice.paid"), "the same body is another's event"
        assert await records(one) == await records(two) == ["invoice.paid 1"]
        assert not await one.changed(first, 0)


async def test_deliveries_of_the_same_moment_are_each_kept_once_in_the_order_in_which_they_came() -> None:
    found: dict[int, int | None] = {}

    async def one(number: int) -> None:
        found[number] = await store.add(raw(number=number % 100), "invoice.paid")

    async with opened() as store:
        async with anyio.create_task_group() as group:
            for number in range(300):
                group.start_soon(one, number)
        assert [found[number] for number in range(100, 300)] == [None] * 200
        assert await records(store) == [f"invoice.paid {number}" for number in range(100)]


async def test_the_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    async with opened(folder) as store:
        await add(store)
        files = list(folder.iterdir())
        assert {file.name for file in files} == {FILE, f"{FILE}-wal", f"{FILE}-shm"}
        assert {S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_a_body_that_is_no_text_that_can_be_sent_on_is_made_one() -> None:
    body = rb'{"event":"a.b","data":{"a_id":"\ud800","name":"\ud83d\ude00","\uDC00":1}}'
    async with opened() as store:
        assert await store.add(body, "a.\ud800")
        (found,) = await store.after(0, names=["a.\ud800"])
        assert (found.name, found.data) == ("a.?", {"a_id": "?", "name": "😀", "?": 1})
        assert await records(store, records=["?"]) == ["a.? ?"]


# --- cursors ----------------------------------------------------------------------------------------------


async def test_events_behind_a_cursor_are_chosen_by_name_group_and_record() -> None:
    async with opened() as store:
        for number, name in enumerate(["invoice.paid", "invoice.sent", "task.created", "deal.won"]):
            await add(store, name, number % 3)
        assert await records(store, 1) == ["invoice.sent 1", "task.created 2", "deal.won 0"]
        assert await records(store, names=["invoice.paid", "deal.won"]) == ["invoice.paid 0", "deal.won 0"]
        assert await records(store, groups=["invoice"]) == ["invoice.paid 0", "invoice.sent 1"]
        assert await records(store, groups=["task", "deal"], records=["0"]) == ["deal.won 0"]
        assert await records(store, names=["invoice.paid"], groups=["task"]) == []
        assert await records(store, limit=1) == ["invoice.paid 0"]


async def test_the_cursor_of_a_time_stands_before_the_first_event_since() -> None:
    days = Days()
    async with opened(clock=days.clock) as store:
        assert (await store.last(), await store.since(days.at)) == (0, 0)
        for number in range(3):
            await add(store, number=number)
            days.at += 10
        start = days.at - 30
        cursors = [await store.since(start + late) for late in (-1, 0, 0.5, 10, 20, 20.5)]
        assert cursors == [0, 0, 1, 1, 2, 3]
        assert await store.last() == 3


@pytest.mark.parametrize("made_up", [-5, 2**80])
async def test_a_cursor_that_somebody_made_up_is_an_ordinary_one(made_up: int) -> None:
    async with opened() as store:
        await add(store)
        assert len(await store.after(made_up)) == (made_up < 0)
        assert await store.changed(made_up, 0) is (made_up < 0)


# --- waiting ----------------------------------------------------------------------------------------------


async def test_who_waits_hears_of_a_delivery_and_of_one_that_came_before(tmp_path: Path) -> None:
    async with opened(tmp_path) as store, anyio.create_task_group() as group:
        group.start_soon(add, store)
        assert await store.changed(0, 60)
        assert await store.changed(0, 60), "it is there already"


async def test_who_waits_hears_of_what_another_process_kept(tmp_path: Path) -> None:
    async with opened(tmp_path) as store, opened(tmp_path) as other, anyio.create_task_group() as group:
        group.start_soon(add, other)
        assert await store.changed(0, 60)
        assert await records(store) == ["invoice.paid 1"]


async def test_who_waits_for_nothing_is_told_so_in_time() -> None:
    async with opened() as store:
        cursor = await add(store)
        with anyio.fail_after(30):
            assert not await store.changed(cursor, 0.6)


async def test_a_duplicate_is_no_news() -> None:
    async with opened() as store, anyio.create_task_group() as group:
        cursor = await add(store)
        group.start_soon(store.add, raw(), "invoice.paid")
        assert not await store.changed(cursor, 0.1)


async def test_who_waits_hears_that_the_store_was_closed() -> None:
    async with opened() as store, anyio.create_task_group() as group:
        group.start_soon(store.aclose)
        with pytest.raises(StateError):
            await store.changed(0, 60)


# --- trouble ----------------------------------------------------------------------------------------------


async def test_other_calls_are_answered_while_another_program_holds_the_file(tmp_path: Path) -> None:
    kept: list[int] = []

    async def one() -> None:
        kept.append(await add(store))

    async with opened(tmp_path) as store, anyio.create_task_group() as group:
        with held(tmp_path) as other:
            group.start_soon(one)
            await until_it_waits(store)
            assert (await store.last(), await records(store)) == (0, []), "reads wait for nobody"
            assert kept == []
            other.execute("ROLLBACK")
        assert await store.changed(0, 60)
    assert kept == [1]


async def test_a_delivery_that_cannot_be_kept_raises_and_the_next_can(tmp_path: Path) -> None:
    failed: list[str] = []

    async def one(number: int) -> None:
        with pytest.raises(StateError) as caught:
            await add(store, number=number)
        failed.append(str(caught.value))

    async with opened(tmp_path) as store:
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("ALTER TABLE events RENAME TO elsewhere")
            async with anyio.create_task_group() as group:
                for number in range(3):
                    group.start_soon(one, number)
            with pytest.raises(StateError, match="cannot be used"):
                await store.changed(0, 1)
            other.execute("ALTER TABLE elsewhere RENAME TO events")
        assert len(failed) == 3
        assert all("cannot be used" in each for each in failed)
        assert await add(store)
        assert await records(store) == ["invoice.paid 1"]


async def test_one_that_gives_up_takes_no_other_delivery_along(tmp_path: Path) -> None:
    async with opened(tmp_path) as store, anyio.create_task_group() as group:
        impatient = anyio.CancelScope()

        async def one() -> None:
            with impatient:
                await add(store, number=1)

        with held(tmp_path) as other:
            group.start_soon(one)
            await until_it_waits(store)
            group.start_soon(add, store, "invoice.paid", 2)
            await anyio.lowlevel.checkpoint()
            impatient.cancel()
            other.execute("ROLLBACK")
        while not await records(store, records=["2"]):
            await store.changed(0, 60)
        assert await records(store) == ["invoice.paid 1", "invoice.paid 2"]


async def test_a_task_that_is_killed_leaves_the_store_usable(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        with held(tmp_path) as other:
            task = asyncio.create_task(add(store, number=1))
            await until_it_waits(store)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            other.execute("ROLLBACK")
        await add(store, number=2)
        assert await records(store) == ["invoice.paid 1", "invoice.paid 2"]


async def test_a_folder_that_cannot_be_used_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="TASKIP_STATE_DIR"):
        SqliteEvents(tmp_path / "file", "account", Clock())
