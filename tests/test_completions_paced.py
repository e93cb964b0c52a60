"""What completions cost, and when: lists that are long, persons who type on, requests that fail."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from taskip_mcp import completions, turn
from taskip_mcp.call import Backend
from taskip_mcp.client import TaskipClient
from taskip_mcp.completions import MOST, Completion, complete
from taskip_mcp.files import Files
from taskip_mcp.keystrokes import PAUSE, QUIET, REST
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
    alike: int = 10_000
    """From this number on persons are called as those before them."""
    asked: list[str] = field(default_factory=lambda: list[str]())
    at: list[float] = field(default_factory=lambda: list[float]())

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        query = dict(request.url.params)
        self.asked.append(query.get("search", ""))
        self.at.append(CLOCK.ticks())
        await anyio.sleep(self.takes)
        rows = [{"id": each, "full_name": f"Person {each % self.alike}"} for each in range(1, self.count + 1)]
        found = [row for row in rows if query.get("search", "").lower() in str(row["full_name"]).lower()]
        return httpx.Response(self.status, json={"data": found[: int(query["limit"])]})


@asynccontextmanager
async def serving(
    answer: Callable[[httpx.Request], Any], limit_minute: int = 100_000, limit_hour: int = 100_000
) -> AsyncGenerator[Backend]:
    """A backend on the clock that jumps."""
    settings = Settings(
        secret_key="test-key-1234567890",
        base_url=BASE,
        files_dir=Path("/nonexistent"),
        rate_store="memory",
        limit_minute=limit_minute,
        limit_hour=limit_hour,
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
        assert (first, CLOCK.ticks()) == (Completion(people(99), None, has_more=True), began + QUIET)
        found = await asked(api, "person 99")
        assert found == Completion(people(99, *range(990, 1000)), 11)
        assert CLOCK.ticks() == began + QUIET + PAUSE
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


# --- typing -----------------------------------------------------------------------------------------------

TEXT = "person 299"
ON = [TEXT[:end] for end in range(1, len(TEXT) + 1)]
TO_AND_FRO = [*ON, *ON[-2::-1], *ON[1:], *ON[-2::-1], *ON[1:]]


@dataclass
class Typist:
    """Types, and notes how long each keystroke waited for its answer, and the answer."""

    api: Backend
    waited: list[float] = field(default_factory=lambda: list[float]())
    last: Completion = field(default_factory=Completion)

    async def types(self, texts: Sequence[str], gap: float) -> None:
        async with anyio.create_task_group() as group:
            for text in texts:
                group.start_soon(self.key, text)
                await anyio.sleep(gap)

    async def key(self, text: str) -> None:
        began = CLOCK.ticks()
        self.last = await asked(self.api, text)
        self.waited.append(CLOCK.ticks() - began)


@virtual
async def test_who_types_for_seconds_without_a_pause_costs_one_request_at_the_end() -> None:
    long = Long(340)
    async with serving(long) as api:
        for first, *_ in ([""], [TEXT]):  # the list is read, and then TaskIP is asked for what begins so
            typist, began = Typist(api), CLOCK.ticks()
            await typist.types(TO_AND_FRO, 0.125)
            last = began + 0.125 * (len(TO_AND_FRO) - 1)
            assert (long.asked[-1], long.at[-1]) == (first, last + QUIET)
            assert typist.waited == [0.125] * (len(TO_AND_FRO) - 1) + [QUIET]
    assert len(TO_AND_FRO) * 0.125 > 5 * PAUSE
    assert long.asked == ["", TEXT]
    assert typist.last == Completion(people(299), 1)


@virtual
async def test_who_pauses_at_each_key_costs_one_request_a_second_until_all_that_begins_so_is_known() -> None:
    long = Long(340)
    async with serving(long) as api:
        typist = Typist(api)
        await typist.types(ON, 0.5)
    # "person 29" finds 11 persons, and so all that "person 299" would.
    assert long.asked == ["", "per", "perso", "person", "person 29"]
    assert long.at == [QUIET + each * PAUSE for each in range(5)]
    assert typist.last == Completion(people(299), 1)


@virtual
async def test_a_long_pause_costs_one_request_however_long_it_is() -> None:
    long = Long(340)
    async with serving(long) as api:
        await Typist(api).types(["p", "pe", "per"], 30.0)
        assert long.asked == ["", "pe", "per"]
        await Typist(api).types(["p", "pe", "per"], 5.0)  # the list and "pe" are kept no longer
        assert long.asked[3:] == ["p", "pe"]


@virtual
async def test_who_is_overtaken_while_the_list_is_read_waits_no_longer() -> None:
    long = Long(3, takes=2.0)
    async with serving(long) as api:
        typist = Typist(api)
        await typist.types(["p", "pe", "per"], 0.5)
    # The first key pays for the request, the second one is given up, the third one has what the first one read.
    assert sorted(typist.waited) == [0.5, 1.25, 2.25]
    assert (long.asked, typist.last) == ([""], Completion(people(1, 2, 3), 3))


@virtual
async def test_persons_who_type_other_texts_do_not_overtake_each_other() -> None:
    long = Long(340)
    async with serving(long) as api:
        await asked(api, "")
        await anyio.sleep(PAUSE)
        one, other = Typist(api), Typist(api)
        async with anyio.create_task_group() as group:
            group.start_soon(one.types, [TEXT], 1.0)
            await anyio.sleep(0.0625)
            group.start_soon(other.types, ["nobody"[:end] for end in range(1, 7)], 0.125)
    assert one.last == Completion(people(299), 1)
    assert long.asked == ["", TEXT, "nobody"]


@virtual
async def test_another_argument_is_not_overtaken() -> None:
    long = Long(3)
    found: list[Completion] = []

    async def key(argument: str, text: str) -> None:
        found.append(await complete(api, "ref/prompt", "chase_overdue_invoices", argument, text))

    async with serving(long) as api, anyio.create_task_group() as group:
        group.start_soon(key, "client", "")
        await anyio.sleep(0.125)
        group.start_soon(key, "company", "x")
    assert Completion(people(1, 2, 3), 3) in found


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


@pytest.mark.parametrize(
    ("minute", "hour", "used", "opens"), [(20, 1000, 18, 61), (1000, 20, 18, 3601), (5, 1000, 4, 61)]
)
@virtual
async def test_the_last_tenth_of_a_rate_limit_and_its_last_request_are_for_calls_and_nobody_waits_for_it(
    minute: int, hour: int, used: int, opens: float
) -> None:
    long = Long(3)
    async with serving(long, minute, hour) as api:
        for _ in range(used):
            await api.client.budget.settle(await api.client.budget.acquire())
        began = CLOCK.ticks()
        assert await asked(api, "p") == Completion()
        assert (long.asked, CLOCK.ticks()) == ([], began + QUIET)
        await anyio.sleep(opens)
        assert len((await asked(api, "p")).values) == 3


@pytest.mark.parametrize(("minute", "used"), [(20, 17), (5, 3)])
@virtual
async def test_what_is_more_than_the_last_tenth_of_a_rate_limit_may_be_used(minute: int, used: int) -> None:
    async with serving(Long(3), minute) as api:
        for _ in range(used):
            await api.client.budget.settle(await api.client.budget.acquire())
        assert len((await asked(api, "p")).values) == 3


@virtual
async def test_where_all_connections_are_busy_no_completion_waits_for_one() -> None:
    long = Long(3)
    async with serving(long) as api:
        grants = [await api.client.budget.acquire() for _ in range(api.client.settings.connections)]
        began = CLOCK.ticks()
        assert await asked(api, "p") == Completion()
        assert (long.asked, CLOCK.ticks()) == ([], began + QUIET)
        for grant in grants:
            await api.client.budget.settle(grant)


@virtual
async def test_the_request_of_a_completion_is_its_own_and_no_other_work_counts_for_it() -> None:
    async with serving(Long(3)) as api:
        with turn.begin(CLOCK, 60.0, most=1) as call:
            call.meter.sent = 1
            assert len((await asked(api, "p")).values) == 3
            assert (call.meter.sent, turn.current()) == (1, call)


@virtual
async def test_a_project_that_is_misspelt_does_not_keep_the_tasks_of_the_right_one_away() -> None:
    async def answer(request: httpx.Request) -> httpx.Response:
        if "pro-7" not in request.url.path:
            return httpx.Response(404, json={"message": "Project not found"})
        return httpx.Response(200, json={"data": [{"container_id": 1, "items": [{"id": 5, "title": "A"}]}]})

    async with serving(answer) as api:
        assert await typed(api, TASK, "task_id", project_id="pro-8") == []
        assert await typed(api, TASK, "task_id", project_id="pro-7") == ["A (5)"]
