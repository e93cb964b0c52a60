"""The same create, message or payment twice is one: told, and not sent again, unless somebody insists."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskip_mcp import operation
from taskip_mcp.clock import scaled
from taskip_mcp.results import parse
from taskip_mcp.sandbox import Sandbox
from tests.faulty import faulty
from tests.processes import Hands, Server, child, hangs, interrupted, noted, server, until, words
from tests.sandbox_calls import arguments_for

OPERATIONS = operation.load_all()
pytestmark = pytest.mark.anyio

TICKET = {"subject": "The printer is on fire", "priority": "urgent"}
"""TaskIP takes any number of these, so that only the guard keeps them one."""

Outcome = Literal["ok", "refused", "lost, applied", "lost, not applied"]


def tickets(sandbox: Sandbox) -> list[int]:
    return [row["id"] for row in sandbox.store.rows("ticket", subject=TICKET["subject"])]


def posts(sandbox: Sandbox) -> int:
    """Writes that TaskIP has carried out or refused."""
    return sum(1 for seen in sandbox.requests if seen.method != "GET")


@asynccontextmanager
async def office(state: Path, **more: Any) -> AsyncGenerator[tuple[Server, Sandbox]]:
    sandbox = Sandbox(limits=False)
    async with server(sandbox, state, **more) as asked:
        yield asked, sandbox


def on_posts(*answers: Response | Exception | None) -> Any:
    """A fault for the first POSTs; None lets one through."""
    left = list(answers)

    def fault(request: Request) -> Response | None:
        answer = left.pop(0) if request.method == "POST" and left else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    return fault


def slow_posts(seconds: float) -> Any:
    """A fault that lets POSTs take their time."""

    async def fault(request: Request) -> None:
        if request.method == "POST":
            await anyio.sleep(seconds)

    return fault


INVALID = JSONResponse({"message": "Invalid.", "errors": {"subject": ["Not today."]}}, 422)


# --- one after the other ----------------------------------------------------------------------------------


async def test_a_reply_is_the_same_after_another_route_was_found_to_live(tmp_path: Path) -> None:
    sandbox = Sandbox(routes="reference", limits=False)
    async with server(sandbox, tmp_path) as asked:
        reply = {"message": "Done", "confirm": True}
        await asked.ask("reply_ticket", ticket_id="1", **reply)
        again = await asked.ask("reply_ticket", ticket_id="1", **reply)
    assert again["done"].startswith("Nothing was sent")
    assert sum(seen.path.endswith("/add-reply") for seen in sandbox.requests) == 1


async def test_a_create_is_the_same_whether_its_project_is_given_by_number_uuid_or_name(
    tmp_path: Path,
) -> None:
    task = {"title": "Call Bo", "priority": "low"}
    async with office(tmp_path) as (asked, sandbox):
        project = sandbox.store.get("project", 1)
        assert project
        first = await asked.ask("create_task", project_id=1, container_id=1, **task)
        for named in (project["uuid"], project["title"]):
            again = await asked.ask("create_task", project_id=named, container_id="To do", **task)
            assert again["id"] == first["id"]
            assert again["done"].startswith("Nothing was sent")
        assert len(sandbox.store.rows("task", title="Call Bo")) == 1


async def test_the_same_create_within_two_minutes_is_told_and_not_sent(tmp_path: Path) -> None:
    hands = Hands()
    async with office(tmp_path, clock=hands.clock) as (asked, sandbox):
        first = await asked.ask("create_ticket", **TICKET)
        assert "note" not in first
        hands.ahead += 100
        again = await asked.ask("create_ticket", **TICKET)
        assert again["id"] == first["id"]
        assert re.fullmatch(
            r"Nothing was sent: an identical call \d+ seconds ago did this already: Ticket .* created",
            again["done"],
        )
        assert "allow_duplicate: true" in again["note"]
        assert tickets(sandbox) == [first["id"]]
        hands.ahead += 21
        later = await asked.ask("create_ticket", **TICKET)
    assert "note" not in later
    assert tickets(sandbox) == [first["id"], later["id"]]


async def test_a_told_repetition_does_not_prolong_the_two_minutes(tmp_path: Path) -> None:
    hands = Hands()
    async with office(tmp_path, clock=hands.clock) as (asked, sandbox):
        for _ in range(3):
            await asked.ask("create_ticket", **TICKET)
            hands.ahead += 61
    assert len(tickets(sandbox)) == 2


async def test_allow_duplicate_sends_it_again(tmp_path: Path) -> None:
    async with office(tmp_path) as (asked, sandbox):
        made = [await asked.ask("create_ticket", **TICKET, allow_duplicate=True) for _ in range(3)]
    assert tickets(sandbox) == [each["id"] for each in made]


async def test_what_was_left_out_and_null_and_the_order_make_no_difference(tmp_path: Path) -> None:
    async with office(tmp_path) as (asked, sandbox):
        await asked.ask("create_ticket", **TICKET)
        await asked.ask("create_ticket", priority="urgent", subject=TICKET["subject"], description=None)
        await asked.ask("create_ticket", **TICKET, allow_duplicate=False)
    assert len(tickets(sandbox)) == 1


async def test_other_arguments_make_another_ticket(tmp_path: Path) -> None:
    async with office(tmp_path) as (asked, sandbox):
        await asked.ask("create_ticket", **TICKET)
        await asked.ask("create_ticket", **TICKET, description="The other one")
        await asked.ask("create_ticket", **TICKET | {"priority": "low"})
    assert len(tickets(sandbox)) == 3


async def test_a_create_that_taskip_refused_does_not_stand_in_the_way(tmp_path: Path) -> None:
    async with office(tmp_path) as (asked, sandbox):
        sandbox.fault = on_posts(INVALID)
        assert "Not today." in await asked.refused("create_ticket", **TICKET)
        made = await asked.ask("create_ticket", **TICKET)
    assert "note" not in made
    assert tickets(sandbox) == [made["id"]]


@pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])
async def test_a_create_of_which_nobody_knows_is_looked_up_before_the_next_one(
    applied: bool, tmp_path: Path
) -> None:
    """The first answer is lost, and so is the look after it; ten minutes later TaskIP answers again."""
    hands = Hands()
    async with office(tmp_path, clock=hands.clock) as (asked, sandbox):
        if applied:
            sandbox.store.insert("ticket", dict(sandbox.store.rows("ticket")[0], subject="other"))
            sandbox.listen(lambda event, _row: lose(event))
        sandbox.fault = broken(applied)
        said = await asked.refused("create_ticket", **TICKET)
        assert "not known whether the change was made" in said
        assert noted(tmp_path) == [("ticket.create", "unknown")]
        sandbox.fault = None
        again = await asked.ask("create_ticket", **TICKET)
        assert tickets(sandbox) == [again["id"]]
        assert ("it was done" in again.get("note", "")) is applied


def lose(event: str) -> None:
    """The connection breaks after the change."""
    if event.startswith("ticket"):
        raise httpx.ReadError("gone")


def broken(applied: bool) -> Any:
    """TaskIP answers no read, and a create only as a broken connection."""

    def fault(request: Request) -> Response | None:
        if request.method == "POST" and applied:
            return None
        if request.method == "POST":
            raise httpx.ReadError("gone")
        return JSONResponse({"message": "Server Error"}, 500)

    return fault


async def test_what_taskip_does_late_for_a_process_that_died_is_seen_by_a_second_look(tmp_path: Path) -> None:
    interrupted(tmp_path, "ticket.create", TICKET)
    async with office(tmp_path) as (asked, sandbox):
        answers: list[Any] = []

        async def ask() -> None:
            answers.append(await asked.ask("create_ticket", **TICKET))

        async with anyio.create_task_group() as group:
            group.start_soon(ask)
            await until(lambda: len(sandbox.requests) == 1)
            row = sandbox.store.rows("ticket")[0] | TICKET
            sandbox.store.insert("ticket", row | {"created_at": datetime.now(UTC).isoformat()})
    assert "it was done" in answers[0]["note"]
    assert posts(sandbox) == 0
    assert len(tickets(sandbox)) == 1


# --- what is guarded --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tool", ["reply_ticket", "send_invoice", "send_message", "create_task", "add_deal_note"]
)
async def test_messages_and_creates_are_guarded(tool: str, tmp_path: Path) -> None:
    async with office(tmp_path) as (asked, sandbox):
        given = arguments_for(tool, sandbox)
        if OPERATIONS[tool].gated:
            given |= {"confirm": True}
        first, again = [await asked.ask(tool, **given) for _ in range(2)]
        assert "to do it a second time on purpose" not in first.get("note", "")
        assert "to do it a second time on purpose" in again["note"]
    assert posts(sandbox) == 1


async def test_a_payment_is_guarded(tmp_path: Path) -> None:
    async with office(tmp_path) as (asked, sandbox):
        given = arguments_for("update_invoice_status", sandbox) | {"confirm": True}
        await asked.ask("update_invoice_status", **given)
        again = await asked.ask("update_invoice_status", **given)
        assert "to do it a second time on purpose" in again["note"]
    assert posts(sandbox) == 1


async def test_updates_and_deletes_are_not_guarded(tmp_path: Path) -> None:
    async with office(tmp_path) as (asked, sandbox):
        for position in ("CEO", "CTO", "CEO"):
            await asked.ask("update_contact", contact_id=1, position=position)
        await asked.ask("delete_contact", contact_id=2, confirm=True)
        assert "no such record" in await asked.refused("delete_contact", contact_id=2, confirm=True)
        for _ in range(2):
            await asked.ask("bulk_delete_contacts", contact_ids=[3, 4], confirm=True)
    assert posts(sandbox) == 7
    assert (sandbox.store.get("contact", 1) or {})["position"] == "CEO"


# --- at the same time -------------------------------------------------------------------------------------


async def test_identical_creates_in_one_process_are_one(tmp_path: Path) -> None:
    async with office(tmp_path) as (asked, sandbox):
        sandbox.fault = slow_posts(0.2)
        results = [parse(words(each)) for each in await asked.at_once(5, "create_ticket", TICKET)]
    assert tickets(sandbox) == [results[0]["id"]]
    assert {each["id"] for each in results} == {results[0]["id"]}
    assert ["to do it a second time on purpose" in each.get("note", "") for each in results] == [False] + [
        True
    ] * 4
    assert posts(sandbox) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="the children are started by /bin/sh")
async def test_identical_creates_in_two_processes_are_one(tmp_path: Path) -> None:
    sandbox = Sandbox(limits=False)
    state = tmp_path / "state"
    answers: list[Any] = []

    async def one(asked: Server) -> None:
        answers.append(await asked.ask("create_ticket", **TICKET))

    async with faulty(sandbox) as front:
        async with child(front.url, state) as first, child(front.url, state) as second:
            sandbox.fault = slow_posts(1)
            async with anyio.create_task_group() as group:
                group.start_soon(one, first)
                group.start_soon(one, second)
        assert len(front.writes()) == 1
    assert {each["id"] for each in answers} == set(tickets(sandbox))
    told = ["to do it a second time on purpose" in each.get("note", "") for each in answers]
    assert sorted(told) == [False, True]  # whose answer comes first over two pipes is left to chance


async def test_who_waits_for_an_identical_create_that_fails_sends_its_own(tmp_path: Path) -> None:
    async with office(tmp_path) as (asked, sandbox):
        arrived = anyio.Event()

        async def fault(request: Request) -> Response | None:
            if request.method == "POST" and not arrived.is_set():
                arrived.set()
                await anyio.sleep(0.2)
                return INVALID
            return None

        sandbox.fault = fault
        results = await asked.at_once(2, "create_ticket", TICKET)
    assert sorted(bool(each.is_error) for each in results) == [False, True]
    assert len(tickets(sandbox)) == 1


async def test_who_cannot_wait_for_an_identical_create_is_told_that_it_is_under_way(tmp_path: Path) -> None:
    sandbox = Sandbox(limits=False)
    async with server(sandbox, tmp_path) as first, server(sandbox, tmp_path, deadline=0.8) as hasty:
        sandbox.fault = slow_posts(1.5)
        async with anyio.create_task_group() as group:
            group.start_soon(first.call, "create_ticket", TICKET)
            await until(lambda: noted(tmp_path) != [])
            said = await hasty.refused("create_ticket", **TICKET)
            assert "is still under way. Nothing was sent this time." in said
    assert len(tickets(sandbox)) == 1


async def test_a_repetition_that_is_cancelled_while_it_waits_leaves_the_first_alone(tmp_path: Path) -> None:
    async with office(tmp_path) as (asked, sandbox):
        sandbox.fault = slow_posts(0.5)
        async with anyio.create_task_group() as group:
            group.start_soon(asked.call, "create_ticket", TICKET)
            await until(lambda: noted(tmp_path) != [])
            with anyio.move_on_after(0.2):
                await asked.call("create_ticket", TICKET)
    assert noted(tmp_path) == [("ticket.create", "done")]
    assert len(tickets(sandbox)) == 1


def script(sandbox: Sandbox, outcomes: list[Outcome]) -> None:
    """Let the POSTs end as listed, and all right after that."""
    left = list(outcomes)
    now: list[Outcome] = []

    def fault(request: Request) -> Response | None:
        if request.method != "POST":
            return None
        now[:] = [left.pop(0) if left else "ok"]
        if now[0] == "lost, not applied":
            raise httpx.ReadError("gone")
        return INVALID if now[0] == "refused" else None

    def after(event: str, _row: Any) -> None:
        if now[0] == "lost, applied":
            raise httpx.ReadError("gone")

    sandbox.fault = fault
    sandbox.listen(after)


OUTCOMES: list[Outcome] = ["ok", "refused", "lost, applied", "lost, not applied"]


@given(count=st.integers(1, 6), outcomes=st.lists(st.sampled_from(OUTCOMES), max_size=4))
@examples(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_however_many_ask_and_whatever_breaks_it_is_done_at_most_once(
    count: int, outcomes: list[Outcome], tmp_path_factory: pytest.TempPathFactory
) -> None:
    clock = scaled(10, time.time())
    sandbox = Sandbox(limits=False, clock=lambda: datetime.fromtimestamp(clock.now(), UTC))
    async with server(sandbox, tmp_path_factory.mktemp("state"), clock=clock, deadline=120.0) as asked:
        script(sandbox, outcomes)
        results = await asked.at_once(count, "create_ticket", TICKET)
    done = [parse(words(each))["id"] for each in results if not each.is_error]
    made = tickets(sandbox)
    assert len(made) <= 1
    assert set(done) == (set(made) if done else set())
    # Whoever was refused or lost its own request is told so; every other call finds it done or does it.
    assert len(results) - len(done) <= len([each for each in outcomes if each != "ok"])


async def test_a_write_that_hangs_is_not_repeated_by_the_next_call(tmp_path: Path) -> None:
    clock = scaled(20, time.time())
    async with office(tmp_path, clock=clock, deadline=16.0) as (asked, sandbox):
        sandbox.fault = hangs
        await asked.refused("create_ticket", **TICKET)
        await asked.refused("create_ticket", **TICKET)
    assert [event for _, event in noted(tmp_path)] == ["unknown"]
