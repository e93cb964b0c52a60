"""The file of the events: deleted or damaged under the server, written for many at once."""

from __future__ import annotations

import sys
import tracemalloc
from pathlib import Path

import anyio
import pytest

from taskip_mcp.clock import Clock
from taskip_mcp.errors import StateError
from taskip_mcp.events.line import FILE
from taskip_mcp.events.store import SqliteEvents
from tests.event_store import add, numbers, opened, records

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("gone", ["all", "the file alone", "replaced"])
async def test_what_comes_after_the_file_was_deleted_is_kept_in_a_new_one(gone: str, tmp_path: Path) -> None:
    async with opened(tmp_path / "other") as other:
        await add(other, number=7)
    async with opened(tmp_path) as store, opened(tmp_path) as beside:
        cursor = [await add(store, number=number) for number in range(3)][-1]
        assert await beside.last() == cursor
        for path in tmp_path.glob(f"{FILE}*" if gone == "all" else FILE):
            path.unlink()
        if gone == "replaced":
            (tmp_path / "other" / FILE).rename(tmp_path / FILE)
        assert cursor < await add(store, number=3) < await add(beside, number=4)
        for each in (store, beside):
            assert await records(each, cursor) == ["invoice.paid 3", "invoice.paid 4"]
            assert await each.changed(cursor, 0)
    assert numbers(tmp_path) == ([7, 3, 4] if gone == "replaced" else [3, 4])


ANOTHER = """
import anyio, sys
from pathlib import Path
from taskip_mcp.clock import Clock
from taskip_mcp.events.store import SqliteEvents

async def look():
    store = SqliteEvents(Path(sys.argv[1]), "account", Clock())
    print(len(await store.after(0)))
    await store.aclose()

anyio.run(look)
"""


async def test_another_process_that_ends_takes_nothing_along(tmp_path: Path) -> None:
    """SQLite asks its locks whether it is the last: this process must not have lost its own by opening the file."""
    async with opened(tmp_path) as store:
        for count in (1, 2, 3):
            await add(store, number=count)
            done = await anyio.run_process([sys.executable, "-c", ANOTHER, str(tmp_path)])
            assert int(done.stdout) == count


async def test_who_reads_sees_that_the_file_was_deleted(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        cursor = await add(store)
        for path in tmp_path.iterdir():
            path.unlink()
        assert await records(store) == []
        assert await store.last() == cursor
        assert await add(store) > cursor


async def test_a_file_that_is_damaged_is_said_with_what_helps(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"garbage" * 1000)
    with pytest.raises(StateError, match=r"is damaged .*move it away") as told:
        SqliteEvents(tmp_path, "account", Clock())
    assert "Nothing was sent" not in str(told.value)


async def test_a_burst_is_kept_in_few_commits_that_wait_for_the_disk(tmp_path: Path) -> None:
    async with opened(tmp_path) as store:
        database, said = store._writes._database, list[str]()  # pyright: ignore[reportPrivateUsage] nothing else tells
        assert database.execute("PRAGMA synchronous").fetchone() == (2,), "FULL"
        database.set_trace_callback(said.append)
        async with anyio.create_task_group() as group:
            for number in range(500):
                group.start_soon(add, store, "invoice.paid", number)
        assert said.count("COMMIT") <= 3
        assert len(await store.after(0, limit=1000)) == 500


async def test_large_bodies_are_read_one_at_a_time(tmp_path: Path) -> None:
    bodies = [b'{"event":"a.b","n":%d,"all":[%s0]}' % (number, b"{}," * 80_000) for number in range(12)]
    async with opened(tmp_path) as store:
        for body in bodies:
            assert await store.add(body, "a.b")
        tracemalloc.start()
        try:
            assert len(await store.after(0)) == len(bodies)
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert most < 15_000_000  # one takes 7 MB
