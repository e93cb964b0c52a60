"""No call lasts longer than its deadline, and one that ends early says what is certain by then."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import Request

from taskip_mcp import client, schemas, turn
from taskip_mcp.clock import Clock, scaled
from taskip_mcp.sandbox import Sandbox
from tests.faulty import Fault, Plan, faulty
from tests.processes import Hands, Notice, Server, events, hangs, interrupted, noted, server, until, words
from tests.sandbox_calls import arguments_for

pytestmark = pytest.mark.anyio

NEW = {"first_name": "Ada", "email": "ada@late.example"}


@asynccontextmanager
async def office(state: Path, **more: Any) -> AsyncGenerator[tuple[Server, Sandbox]]:
    sandbox = Sandbox(limits=False)
    async with server(sandbox, state, **more) as asked:
        yield asked, sandbox


def arrived(sandbox: Sandbox, method: str = "POST") -> int:
    return sum(1 for seen in sandbox.requests if seen.method == method)


class Gate:
    """A fault that holds requests of a method until it is opened."""

    def __init__(self, method: str = "POST") -> None:
        self.method, self.held = method, 0
        self._open = anyio.Event()

    async def __call__(self, request: Request) -> None:
        """One request at the gate."""
        if request.method == self.method:
            self.held += 1
            await self._open.wait()

    def open(self) -> None:
        """Let all through."""
        self._open.set()


# --- deadlines --------------------------------------------------------------------------------------------


async def writes_hang(request: Request) -> None:
    """A fault: what is read before a write is answered, the write is not."""
    if request.method != "GET":
        await hangs(request)


@pytest.mark.parametrize("fault", [hangs, writes_hang])
async def test_every_tool_ends_when_taskip_never_answers(fault: Any, tmp_path: Path) -> None:
    clock = scaled(20, time.time())
    late: dict[str, str] = {}
    async with office(tmp_path, clock=clock, deadline=12.0, connections=200, files_dir=tmp_path) as (
        asked,
        sandbox,
    ):
        (tmp_path / "note.txt").write_text("a note")
        entries = [entry for entry in schemas.load_entries() if entry.group != "server"]
        if fault is writes_hang:
            entries = [entry for entry in entries if entry.effect != "read"]
        given = {entry.name: arguments_for(entry.name, sandbox) for entry in entries}
        for entry in entries:
            if "confirm" in entry.inputSchema["properties"]:
                given[entry.name]["confirm"] = True
        sandbox.fault = fault

        async def one(tool: str) -> None:
            late[tool] = words(await asked.call(tool, given[tool]))

        with anyio.fail_after(60):
            async with anyio.create_task_group() as group:
                for entry in entries:
                    group.start_soon(one, entry.name)
    # A bulk call ends in a report; every other one in an error that says so.
    ends = ("time of this call is over", "did not answer within", "not_tried", "unknown")
    assert {tool: said for tool, said in late.items() if not any(end in said for end in ends)} == {}
    assert len(late) == len(entries)
    assert not arrived(sandbox)


async def test_a_read_that_hangs_ends_within_the_deadline_that_was_set(tmp_path: Path) -> None:
    async with (
        faulty(Sandbox(), Plan(Fault.HANG, times=9)) as front,
        server(None, tmp_path, base_url=front.url, deadline=2.0) as asked,
    ):
        await asked.ask("list_jobs")  # what must be loaded is
        start = time.monotonic()
        said = await asked.refused("get_contact", contact_id=1)
        assert time.monotonic() - start < 3
        assert front.seen
    assert "did not answer within" in said or "The time of this call is over" in said
    assert "changed" not in said


async def test_resources_have_a_deadline_as_well(tmp_path: Path) -> None:
    async with office(tmp_path, deadline=1.0) as (asked, sandbox):
        sandbox.fault = hangs
        with (
            anyio.fail_after(10),
            pytest.raises(Exception, match=r"did not answer|time of this call is over"),
        ):
            await asked.client.read_resource("taskip://contacts/1")


async def test_a_write_is_not_begun_when_its_end_could_not_be_seen(tmp_path: Path) -> None:
    async with office(tmp_path, deadline=client.LOOK) as (asked, sandbox):
        said = await asked.refused("create_contact", **NEW)
        assert (
            said
            == "The time of this call is over before the request could leave. Nothing was sent. Call again."
        )
        await asked.ask("get_contact", contact_id=1)
    assert not arrived(sandbox)
    assert noted(tmp_path) == [("contact.create", "not_done")]


async def test_without_a_call_a_default_deadline_holds() -> None:
    assert 0 < turn.current().left <= turn.DEFAULT


# --- progress ---------------------------------------------------------------------------------------------


async def test_the_client_hears_that_a_call_waits_for_the_rate_limit(tmp_path: Path) -> None:
    hands = Hands()
    notices: list[Notice] = []
    limits = {"limit_minute": 1, "max_wait": 70.0}
    async with office(tmp_path, clock=hands.clock, **limits) as (asked, _):
        await asked.ask("get_contact", contact_id=1)
        hands.ahead += 50
        async with anyio.create_task_group() as group:
            group.start_soon(asked.call, "get_contact", {"contact_id": 2}, notices)
            await until(lambda: bool(notices))
            hands.ahead += 11
    assert "for the minute limit of the API key" in str(notices[0][2])
    assert [total for _, total, _ in notices] == [None] * len(notices)


async def test_progress_always_grows() -> None:
    told: list[tuple[float, float | None, str]] = []

    async def tell(progress: float, total: float | None, message: str) -> None:
        told.append((progress, total, message))

    with turn.begin(Clock(), 10, tell) as mine:
        await mine.say("waiting")
        await mine.say("waiting")
        await mine.say("chunk", 25, 60)
        await mine.say("waiting")
        await mine.say("nothing new", 25, 60)
        with turn.background() as inner:
            await inner.say("waiting")
        await mine.say("chunk", 50, 60)
    values = [progress for progress, _, _ in told]
    assert all(one < other for one, other in pairwise(values))
    assert [round(value) for value in values] == [0, 0, 25, 25, 25, 25, 50]
    assert [total for _, total, _ in told] == [None, None, 60, 60, 60, 60, 60]


async def test_the_progress_of_a_job_that_also_waits_always_grows(tmp_path: Path) -> None:
    clock = scaled(40, time.time())
    notices: list[Notice] = []
    async with office(tmp_path, clock=clock, limit_minute=20, max_wait=90.0, deadline=600.0) as (asked, _):
        ids = list(range(1, 41))
        await asked.call("bulk_delete_contacts", {"contact_ids": ids, "confirm": True}, notices)
        await until(lambda: bool(notices) and notices[-1][0] == 40)
    values = [progress for progress, _, _ in notices]
    assert values == sorted(set(values))
    assert len(values) >= 4, "two chunks and some waiting"


# --- a client that goes away ------------------------------------------------------------------------------


@asynccontextmanager
async def cancelled(asked: Server, tool: str, arguments: dict[str, Any]) -> AsyncGenerator[None]:
    """Call a tool, and cancel the call at the end of the block."""
    async with anyio.create_task_group() as group:
        group.start_soon(asked.call, tool, arguments)
        yield
        group.cancel_scope.cancel()


async def under_way(asked: Server) -> tuple[int, int]:
    """Requests that wait, and that are on their way."""
    shown = await asked.ask("get_rate_budget")
    return shown["waiting"], shown["under_way"]


async def test_a_write_cancelled_while_it_waits_for_the_rate_limit_was_never_sent(tmp_path: Path) -> None:
    hands = Hands()
    async with office(tmp_path, clock=hands.clock, limit_minute=1, max_wait=70.0) as (asked, sandbox):
        await asked.ask("get_contact", contact_id=1)
        async with cancelled(asked, "create_contact", NEW):
            await until(lambda: noted(tmp_path) == [("contact.create", "begun")])
            assert await under_way(asked) == (1, 0)
        await until(lambda: noted(tmp_path) == [("contact.create", "not_done")])
        assert await under_way(asked) == (0, 0)
        assert not arrived(sandbox)
        hands.ahead += 61
        made = await asked.ask("create_contact", **NEW)
    assert "note" not in made
    assert arrived(sandbox) == 1


async def test_a_write_cancelled_while_it_waits_for_a_connection_gives_its_place_back(tmp_path: Path) -> None:
    gate = Gate("GET")
    async with office(tmp_path, connections=1) as (asked, sandbox):
        sandbox.fault = gate
        async with anyio.create_task_group() as group:
            group.start_soon(asked.call, "get_contact", {"contact_id": 1})
            await until(lambda: gate.held == 1)
            async with cancelled(asked, "create_contact", NEW):
                await until(lambda: noted(tmp_path) == [("contact.create", "begun")])
            await until(lambda: noted(tmp_path) == [("contact.create", "not_done")])
            gate.open()
        assert not arrived(sandbox)
        assert "note" not in await asked.ask("create_contact", **NEW)


async def test_a_write_cancelled_on_its_way_is_waited_for_and_its_repetition_is_told(tmp_path: Path) -> None:
    gate = Gate()
    async with office(tmp_path) as (asked, sandbox):
        sandbox.fault = gate
        async with cancelled(asked, "create_contact", NEW):
            await until(lambda: gate.held == 1)
        assert noted(tmp_path) == [("contact.create", "begun")], "nobody knows yet"
        gate.open()
        await until(lambda: noted(tmp_path) == [("contact.create", "done")])
        again = await asked.ask("create_contact", **NEW)
        assert "to do it a second time on purpose" in again["note"]
        assert await under_way(asked) == (0, 0)
    assert events(tmp_path, "contact.create") == ["begun", "done"]
    assert gate.held == arrived(sandbox) == 1


async def test_a_write_cancelled_on_its_way_that_taskip_refuses_did_nothing(tmp_path: Path) -> None:
    gate = Gate()
    async with office(tmp_path) as (asked, sandbox):
        taken = sandbox.store.rows("contact")[0]["email"]
        sandbox.fault = gate
        async with cancelled(asked, "create_contact", NEW | {"email": taken}):
            await until(lambda: gate.held == 1)
        gate.open()
        await until(lambda: noted(tmp_path) == [("contact.create", "not_done")])


async def test_a_read_that_is_cancelled_is_dropped_at_once(tmp_path: Path) -> None:
    gate = Gate("GET")
    async with office(tmp_path) as (asked, sandbox):
        sandbox.fault = gate
        async with cancelled(asked, "get_contact", {"contact_id": 1}):
            await until(lambda: gate.held == 1)
        with anyio.fail_after(10):
            while await under_way(asked) != (0, 0):
                await anyio.sleep(0.01)
    assert arrived(sandbox, "GET") == 0


async def test_a_second_cancelled_call_finds_out_what_the_first_one_did(tmp_path: Path) -> None:
    """Both are cancelled; the create is done once, and the third call is told."""
    gate = Gate()
    async with office(tmp_path) as (asked, sandbox):
        sandbox.fault = gate
        async with cancelled(asked, "create_contact", NEW):
            await until(lambda: gate.held == 1)
        async with cancelled(asked, "create_contact", NEW):
            await anyio.sleep(0.2)
        gate.open()
        await until(lambda: noted(tmp_path) == [("contact.create", "done")])
        assert "to do it a second time on purpose" in json.dumps(await asked.ask("create_contact", **NEW))
    assert arrived(sandbox) == 1


async def test_a_look_at_an_interrupted_write_that_is_cancelled_can_be_made_again(tmp_path: Path) -> None:
    gate = Gate("GET")
    name = interrupted(tmp_path, "contact.create", NEW)
    async with office(tmp_path) as (asked, sandbox):
        sandbox.fault = gate
        async with cancelled(asked, "resume_job", {"job_id": name, "confirm": True}):
            await until(lambda: gate.held == 1)
        await until(lambda: noted(tmp_path) == [("contact.create", "paused")])
        gate.open()
        (shown,) = (await asked.ask("list_jobs"))["items"]
        assert (shown["id"], shown["state"]) == (name, "unfinished")
        found = await asked.ask("resume_job", job_id=name)
        assert found["note"].startswith("it was not done")
        assert (await asked.ask("list_jobs"))["items"] == []
