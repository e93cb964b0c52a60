"""What completions cost, and when: lists that are long, persons who type on, requests that fail."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx

from taskip_mcp import completions
from taskip_mcp.call import Backend
from taskip_mcp.client import TaskipClient
from taskip_mcp.completions import MOST, PAUSE, REST, Completion, complete
from taskip_mcp.files import Files
from taskip_mcp.lookups import KEEP
from taskip_mcp.routes import RouteBook
from taskip_mcp.settings import Settings
from tests.budgets import CLOCK, virtual
from tests.support import BASE, NO_ROUTE, Script, backend
from tests.test_completions import ADDRESS, CONTACT, TASK, typed


async def asked(api: Backend, value: str) -> Completion:
    return await complete(api, ADDRESS, CONTACT, "contact_id", value)


def people(*ids: int) -> list[str]:
    return [f"Person {each} ({each})" for each in ids]


@dataclass
class Long:
    """A list of `count` contacts, of which TaskIP shows those with the text of a search; answers take `takes`."""

    count: int
    takes: float = 0.0
    status: int = 200
    asked: list[str] = field(default_factory=lambda: list[str]())

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        self.asked.append(query.get("search", ""))
        await anyio.sleep(self.takes)
        rows = [{"id": each, "full_name": f"Person {each}"} for each in range(1, self.count + 1)]
        found = [row for row in rows if query.get("search", "").lower() in str(row["full_name"]).lower()]
        return httpx.Response(self.status, json={"data": found[: int(query["limit"])]})


@asynccontextmanager
async def serving(
    answer: Callable[[httpx.Request], Any], limit_minute: int = 100_000
) -> AsyncGenerator[Backend]:
    """A backend on the clock that jumps."""
    settings = Settings(
        secret_key="test-key-1234567890",
        base_url=BASE,
        files_dir=Path("/nonexistent"),
        rate_store="memory",
        limit_minute=limit_minute,
        limit_hour=100_000,
    )
    client = TaskipClient(settings, httpx.MockTransport(answer), clock=CLOCK)
    made = Backend(client, RouteBook("auto"), Files(settings))
    try:
        yield made
    finally:
        await made.aclose()


@virtual
async def test_of_a_long_list_the_first_page_comes_first_and_then_what_taskip_finds() -> None:
    long = Long(1000)
    async with serving(long) as api:
        began = CLOCK.ticks()
        first = await asked(api, "person 99")
        assert (first, CLOCK.ticks()) == (Completion(people(99), None, has_more=True), began)
        found = await asked(api, "person 99")
        assert found == Completion(people(99, *range(990, 1000)), 11)
        assert CLOCK.ticks() == began + PAUSE
        assert await asked(api, "person 99") == found
    assert long.asked == ["", "person 99"]


@virtual
async def test_more_values_than_an_answer_holds_are_counted_or_said_to_be_there() -> None:
    async with serving(Long(99)) as api:
        assert await asked(api, "") == Completion(people(*range(1, 100)), 99)
    async with serving(Long(100)) as api:  # a full page may be a list's last one
        whole = await asked(api, "")
        assert (len(whole.values), whole.total, whole.has_more) == (MOST, None, True)
        assert await asked(api, "nobody") == Completion([], None, has_more=True)
    board = [{"container_id": 1, "items": [{"id": each, "title": "Task"} for each in range(1, 151)]}]
    api = backend(Script({"GET /project/pro-7/task": (200, {"data": board})}))
    found = await complete(api, ADDRESS, TASK, "task_id", "t", {"project_id": "pro-7"})
    assert (len(found.values), found.total, found.has_more) == (MOST, 150, True)


@virtual
async def test_who_types_on_costs_one_request_a_second_and_hears_at_once_what_is_kept() -> None:
    long, late = Long(1000), list[float]()
    async with serving(long) as api:
        await asked(api, "")

        async def key(value: str) -> None:
            began = CLOCK.ticks()
            await asked(api, value)
            late.append(CLOCK.ticks() - began)

        async with anyio.create_task_group() as group:
            for end in range(1, 11):
                group.start_soon(key, "person 999"[:end])
                await anyio.sleep(0.0625)
    # Each keystroke is answered with the next one; the pause after the last one is worth a request.
    assert long.asked == ["", "person 999"]
    assert late[:9] == [0.0625] * 9
    assert late[9] < PAUSE


@virtual
async def test_a_keystroke_that_is_given_up_leaves_the_rows_that_it_asked_for() -> None:
    long = Long(3, takes=2.0)
    async with serving(long) as api:
        with anyio.move_on_after(0.5) as given_up:
            await asked(api, "p")
        assert given_up.cancel_called
        assert await asked(api, "pe") == Completion(people(1, 2, 3), 3)
    assert long.asked == [""]


@virtual
async def test_rows_are_kept_for_a_minute_and_never_beyond_a_write() -> None:
    long = Long(3)
    async with serving(long) as api:
        for wait in (0.0, KEEP - 1, 2.0):
            await anyio.sleep(wait)
            assert len((await asked(api, "")).values) == 3
        assert long.asked == ["", ""]
        long.count = 4
        assert len((await asked(api, "")).values) == 3
        api.lookups.forget("contact")
        assert len((await asked(api, "")).values) == 4


# --- failures ---------------------------------------------------------------------------------------------


@virtual
async def test_a_request_that_fails_is_not_tried_again_and_its_list_is_left_alone_for_a_while() -> None:
    long = Long(3, status=503)
    async with serving(long) as api:
        assert await asked(api, "p") == Completion()
        long.status = 200
        await anyio.sleep(PAUSE)
        began = CLOCK.ticks()
        assert await asked(api, "pe") == Completion()
        assert (long.asked, CLOCK.ticks()) == ([""], began)
        await anyio.sleep(REST)
        assert len((await asked(api, "pe")).values) == 3


@virtual
async def test_what_was_kept_is_shown_where_a_search_fails() -> None:
    long = Long(1000)
    async with serving(long) as api:
        await asked(api, "")
        long.status = 500
        assert await asked(api, "person 99") == Completion(people(99), None, has_more=True)


@virtual
async def test_an_answer_that_does_not_come_is_not_waited_for_long() -> None:
    async with serving(Long(3, takes=3600.0)) as api:
        began = CLOCK.ticks()
        assert await asked(api, "p") == Completion()
        assert CLOCK.ticks() <= began + completions.SECONDS


@virtual
async def test_a_route_that_is_missing_costs_this_keystroke_and_not_the_next_one() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path.rpartition("/")[2])
        if sent[-1] == "support-ticket":
            return httpx.Response(NO_ROUTE[0], json=NO_ROUTE[1])
        return httpx.Response(200, json={"data": [{"id": 5, "subject": "Login"}]})

    sent = list[str]()
    uri = "taskip://tickets/{ticket_id}"
    async with serving(answer) as api:
        assert await typed(api, uri, "ticket_id") == []
        assert sent == ["support-ticket"]
        assert await typed(api, uri, "ticket_id") == ["Login (5)"]
        assert sent == ["support-ticket", "ticket"]


@virtual
async def test_the_last_tenth_of_the_rate_limit_is_for_calls_and_nobody_waits_for_it() -> None:
    long = Long(3)
    async with serving(long, limit_minute=20) as api:
        for _ in range(18):
            await api.client.budget.settle(await api.client.budget.acquire())
        began = CLOCK.ticks()
        assert await asked(api, "p") == Completion()
        assert (long.asked, CLOCK.ticks()) == ([], began)
        await anyio.sleep(61)
        assert len((await asked(api, "p")).values) == 3


@virtual
async def test_where_all_connections_are_busy_no_completion_waits_for_one() -> None:
    long = Long(3)
    async with serving(long) as api:
        grants = [await api.client.budget.acquire() for _ in range(api.client.settings.connections)]
        began = CLOCK.ticks()
        assert await asked(api, "p") == Completion()
        assert (long.asked, CLOCK.ticks()) == ([], began)
        for grant in grants:
            await api.client.budget.settle(grant)


@virtual
async def test_a_project_that_is_misspelt_does_not_keep_the_tasks_of_the_right_one_away() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if "pro-7" not in request.url.path:
            return httpx.Response(404, json={"message": "Project not found"})
        return httpx.Response(200, json={"data": [{"container_id": 1, "items": [{"id": 5, "title": "A"}]}]})

    async with serving(answer) as api:
        assert await typed(api, TASK, "task_id", project_id="pro-8") == []
        assert await typed(api, TASK, "task_id", project_id="pro-7") == ["A (5)"]
