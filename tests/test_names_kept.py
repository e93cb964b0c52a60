"""Rows that were read for a name are kept for a minute, are read once for all who wait, and never outlive a write."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from taskip_mcp import errors, names, operation
from taskip_mcp.call import Backend
from taskip_mcp.lookups import KEEP, MOST, Listing, Lookups
from taskip_mcp.named import Name
from tests.support import Script, backend, once, run
from tests.test_names import JANE, JOHN, OTHER, World, listed, refusal

pytestmark = pytest.mark.anyio

WRITE = operation.load_all()["update_contact"]


async def jane(api: Backend, text: str = "Jane Doe") -> Any:
    return (await names.resolve(api, WRITE, {"contact_id": Name(text, "contact", True)}))["contact_id"]


async def test_the_same_name_costs_one_request_a_minute() -> None:
    script = Script({"GET /contact": listed(JANE, JOHN)})
    api = backend(script)
    assert [await jane(api), await jane(api), await jane(api, "Jane Doe")] == [12, 12, 12]
    assert script.lines == ["GET /contact"]


async def test_calls_at_the_same_time_wait_for_one_request() -> None:
    world = World()
    found: list[Any] = []

    async def one() -> None:
        found.append(await world.one("contact", "Elsa Berg"))

    async with anyio.create_task_group() as group:
        for _ in range(10):
            group.start_soon(one)
    assert found == [1] * 10
    assert world.requests == ["GET /contact Elsa Berg"]


async def test_columns_and_tasks_of_a_board_cost_one_request() -> None:
    world = World()
    uuid = world.sandbox.store.rows("project", id=1)[0]["uuid"]
    assert await world.one("container", "To do", project_id=uuid) == 1
    assert await world.one("task", "Kick-off workshop", project_id=uuid) == 1
    assert len(world.requests) == 1


async def test_a_write_in_the_group_makes_its_rows_forgotten_and_those_of_others_not() -> None:
    script = Script({"GET /contact": [listed(JANE, JOHN), listed(JANE, JOHN), listed(JANE, OTHER)]})
    api = backend(script)
    assert await jane(api) == 12
    api.lookups.forget("invoice")
    assert await jane(api) == 12
    assert len(script.lines) == 1
    api.lookups.forget("contact")
    assert await jane(api) == 12
    api.lookups.forget("company")
    assert "2 contacts are called 'Jane Doe'" in await refusal(
        api, {"contact_id": Name("Jane Doe", "contact", True)}
    )
    assert len(script.lines) == 3


async def test_a_record_that_was_just_renamed_is_found_by_its_new_name_alone() -> None:
    world = World()
    assert await world.one("contact", "Elsa Berg") == 1
    await run(world.api, "update_contact", contact_id=1, first_name="Ella")
    assert "no contact is called" in await refusal(world.api, {"it": Name("Elsa Berg", "contact", True)})
    assert await world.one("contact", "Ella Berg") == 1


async def test_a_task_that_is_written_leaves_the_columns_of_the_board_as_they_were() -> None:
    world = World()
    uuid = world.sandbox.store.rows("project", id=1)[0]["uuid"]
    await world.one("container", "To do", project_id=uuid)
    world.api.lookups.forget("task")
    await world.one("container", "Done", project_id=uuid)
    assert len(world.requests) == 1
    await world.one("task", "Kick-off workshop", project_id=uuid)
    assert len(world.requests) == 1


async def test_that_nobody_is_called_so_is_never_said_of_kept_rows() -> None:
    rows = [listed(JOHN), listed(JOHN), listed(JOHN), listed(JANE, JOHN)]
    script = Script({"GET /contact": rows, "GET /company": listed()})
    api = backend(script)
    assert "no contact" in await refusal(api, {"contact_id": Name("Jane Doe", "contact", True)})
    assert script.lines == ["GET /contact", "GET /contact", "GET /company"]  # the search, the list, a firm
    assert await jane(api) == 12
    assert len(script.lines) == 5


async def test_a_look_that_failed_is_made_again() -> None:
    script = Script({"GET /contact": once((403, {"message": "no"}), listed(JANE))})
    api = backend(script)
    with pytest.raises(errors.ForbiddenError):
        await jane(api)
    assert await jane(api) == 12


# --- the rows themselves ----------------------------------------------------------------------------------


class Shelf:
    """Lookups whose reads are counted and come when they are let."""

    def __init__(self) -> None:
        self.kept = Lookups()
        self.reads = 0
        self.open = anyio.Event()
        self.open.set()
        self.error: Exception | None = None
        self.complete = True

    async def read(self) -> Listing:
        self.reads += 1
        mine = self.reads
        await self.open.wait()
        if self.error:
            error, self.error = self.error, None
            raise error
        return Listing([{"id": mine}], self.complete)

    async def at(self, now: float, key: str = "a", since: float = 0.0, *, start: bool = False) -> Any:
        listing, _ = await self.kept.rows((key, ""), ("contact",), since, now, self.read, start=start)
        return listing.rows[0]["id"]


async def test_rows_are_kept_for_a_minute_and_no_longer() -> None:
    shelf = Shelf()
    assert [await shelf.at(100.0), await shelf.at(100.0 + KEEP), await shelf.at(100.1 + KEEP)] == [1, 1, 2]


async def test_rows_that_are_older_than_wanted_are_read_again() -> None:
    shelf = Shelf()
    assert [await shelf.at(1.0), await shelf.at(3.0, since=2.0), await shelf.at(4.0)] == [1, 2, 2]


async def test_rows_that_were_read_while_a_write_ended_serve_nobody_who_comes_after_it() -> None:
    shelf = Shelf()
    shelf.open = anyio.Event()
    found: list[Any] = []

    async def one() -> None:
        found.append(await shelf.at(1.0))

    async with anyio.create_task_group() as group:
        group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        shelf.kept.forget("contact")
        group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        assert shelf.reads == 2
        shelf.open.set()
    assert sorted(found) == [1, 2]
    assert await shelf.at(2.0) == 2


async def test_who_waits_for_a_read_that_fails_reads_for_itself() -> None:
    shelf = Shelf()
    shelf.open = anyio.Event()
    shelf.error = errors.DeadlineError("the time of the first one is over")
    found: list[Any] = []

    async def one() -> None:
        try:
            found.append(await shelf.at(1.0))
        except errors.DeadlineError:
            found.append("late")

    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(one)
        await anyio.wait_all_tasks_blocked()
        shelf.open.set()
    assert sorted(found, key=str) == [2, 2, "late"]


async def test_who_waits_for_a_read_that_is_cancelled_reads_for_itself() -> None:
    shelf = Shelf()
    shelf.open = anyio.Event()
    found: list[Any] = []

    async def one(scope: anyio.CancelScope) -> None:
        with scope:
            found.append(await shelf.at(1.0))

    first, second = anyio.CancelScope(), anyio.CancelScope()
    async with anyio.create_task_group() as group:
        group.start_soon(one, first)
        await anyio.wait_all_tasks_blocked()
        group.start_soon(one, second)
        await anyio.wait_all_tasks_blocked()
        first.cancel()
        await anyio.wait_all_tasks_blocked()
        shelf.open.set()
    assert found == [2]


async def test_of_many_lists_those_that_were_used_last_are_kept() -> None:
    shelf = Shelf()
    for number in range(MOST):
        await shelf.at(1.0, key=str(number))
    assert await shelf.at(2.0, key="0") == 1
    await shelf.at(2.0, key="one more")
    assert await shelf.at(3.0, key="0") == 1
    assert await shelf.at(3.0, key="1") == MOST + 2


async def test_a_start_that_is_all_serves_who_wants_all_and_all_that_was_read_serves_for_a_start() -> None:
    shelf = Shelf()
    assert [await shelf.at(1.0, start=True), await shelf.at(2.0)] == [1, 1]
    shelf.complete = False
    assert [await shelf.at(1.0, "b"), await shelf.at(2.0, "b", start=True)] == [2, 2]


async def test_a_start_that_is_not_all_never_serves_who_wants_all() -> None:
    shelf = Shelf()
    shelf.complete = False
    assert [await shelf.at(1.0, start=True), await shelf.at(2.0), await shelf.at(3.0, start=True)] == [
        1,
        2,
        1,
    ]


async def test_who_wants_all_does_not_wait_for_a_start_that_is_being_read() -> None:
    shelf = Shelf()
    shelf.open = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: shelf.at(1.0, start=True))
        await anyio.wait_all_tasks_blocked()
        group.start_soon(lambda: shelf.at(1.0))
        await anyio.wait_all_tasks_blocked()
        assert shelf.reads == 2
        shelf.open.set()


async def test_what_is_kept_of_a_list_is_told_with_its_search_the_newest_last_while_it_is_good() -> None:
    lookups, read = Lookups(), Shelf().read
    for now, of, search, start in ((3.0, "a", "", False), (1.0, "a", "x", True), (2.0, "b", "x", False)):
        await lookups.rows((of, search), ("contact",), 0.0, now, read, start=start)
    assert [search for search, _ in lookups.kept("a", ("contact",), 4.0)] == ["x", ""]
    assert [search for search, _ in lookups.kept("a", ("contact",), 1.5 + KEEP)] == [""]
    lookups.forget("contact")
    assert lookups.kept("a", ("contact",), 4.0) == []
