"""The process dies (kill -9) at any point of a write: the journal says what was begun and not finished."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest

from taskip_mcp.sandbox import Sandbox
from taskip_mcp.settings import without_taskip
from tests.faulty import Chooser, Fault, Faulty, Plan, faulty, on
from tests.processes import KEY, Notice, child, contacts, noted, openings, query

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL, and no /bin/sh"),
]

SITE = "https://changed.example"
CALLS: dict[str, dict[str, Any]] = {
    "update_company": {"company_id": 1, "website": SITE},
    "delete_company": {"company_id": 1, "confirm": True},
}
WRITES = {"update_company": on("PUT", "/company/1"), "delete_company": on("DELETE", "/company/1")}
READ = on("GET", "/company/1")
EACH_CALL = pytest.mark.parametrize("tool", CALLS)
UNFINISHED = "begun and not finished: see list_jobs"


@asynccontextmanager
async def taskip(*plans: Plan | Chooser) -> AsyncGenerator[tuple[Sandbox, Faulty]]:
    sandbox = Sandbox(limits=False)
    async with faulty(sandbox, *plans) as front:
        yield sandbox, front


def met(front: Faulty, applied: bool = False) -> bool:
    """Whether a request hangs, and TaskIP has done what it asks for if it does that."""
    return any(each.fault is Fault.HANG and (each.status is not None or not applied) for each in front.seen)


async def printed(url: str, state: Path) -> str:
    """What `taskip-mcp journal` says."""
    environment = without_taskip() | {
        "TASKIP_SECRET_KEY": KEY, "TASKIP_BASE_URL": url, "TASKIP_STATE_DIR": str(state),
    }  # fmt: skip
    with anyio.fail_after(60):
        done = await anyio.run_process([sys.executable, "-m", "taskip_mcp", "journal"], env=environment)
    return done.stdout.decode()


async def told(url: str, state: Path, tool: str) -> str:
    """A new process finds the one change that was begun, in every tool alike; its id."""
    async with child(url, state) as later:
        (change,) = (await later.ask("list_changes"))["items"]
        (shown,) = (await later.ask("list_jobs"))["items"]
        assert (change["tool"], change["outcome"]) == (tool, UNFINISHED)
        assert (shown["id"], shown["state"]) == (change["id"], "unfinished")
    line = await printed(url, state)
    assert f"{change['id']}  {tool}  {UNFINISHED}" in line
    return change["id"]


async def cleared(url: str, state: Path, name: str) -> str:
    """What became of it, as the list of changes has it after a look."""
    async with child(url, state) as later:
        await later.ask("resume_job", job_id=name, confirm=True)
        assert (await later.ask("list_jobs"))["items"] == []
        (change,) = (await later.ask("list_changes"))["items"]
        return change["outcome"]


@EACH_CALL
async def test_killed_while_the_record_is_read_nothing_was_begun(tool: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with taskip(Plan(Fault.HANG, READ)) as (_, front):
        async with child(front.url, state) as first:
            await first.killed_during(lambda: met(front), tool, CALLS[tool])
        async with child(front.url, state) as later:
            assert (await later.ask("list_changes"))["items"] == []
            assert (await later.ask("list_jobs"))["items"] == []
        assert front.writes() == []
        assert await printed(front.url, state) == ""


async def test_killed_before_it_leaves_it_was_begun_and_not_done(tmp_path: Path) -> None:
    state, notices = tmp_path / "state", list[Notice]()
    tool = "update_company"
    async with taskip() as (sandbox, front):
        site = (sandbox.store.get("company", 1) or {})["website"]
        async with child(front.url, state, LIMIT_MINUTE=1, MAX_WAIT=120) as first:
            waits = lambda: any("Waiting" in str(said) for _, _, said in notices)  # noqa: E731
            await first.killed_during(waits, tool, CALLS[tool], notices)
        assert front.writes() == []
        (opening,) = openings(state)
        assert opening["before"]["records"]["1"]["website"] == site
        name = await told(front.url, state, tool)
        assert await cleared(front.url, state, name) == "not done"
        assert front.writes() == []


@EACH_CALL
@pytest.mark.parametrize("applied", [True, False], ids=["done", "not done"])
async def test_killed_on_its_way_it_is_begun_until_somebody_looks(
    tool: str, applied: bool, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with taskip(Plan(Fault.HANG, WRITES[tool], applied=applied)) as (_, front):
        async with child(front.url, state) as first:
            await first.killed_during(lambda: met(front, applied), tool, CALLS[tool])
        (opening,) = openings(state)
        assert "1" in opening["before"]["records"]
        assert ("children" in opening["before"]) is (tool == "delete_company")
        name = await told(front.url, state, tool)
        assert await cleared(front.url, state, name) == ("done" if applied else "not done")
        assert len(front.arrived(WRITES[tool])) == 1


async def test_killed_after_the_answer_and_before_its_end_is_noted_it_is_begun_and_found_done(
    tmp_path: Path,
) -> None:
    """TaskIP does not tell the id of a new invoice: it is looked up after the answer."""
    state, tool = tmp_path / "state", "create_invoice"
    new = {
        "invoice_no": "INV-KILL",
        "contact_id": 1,
        "subject": "S",
        "currency": "EUR",
        "items": [{"name": "A", "qty": 1, "rate": 10}],
    }
    async with taskip(Plan(Fault.HANG, on("GET", "/invoice"))) as (sandbox, front):
        async with child(front.url, state) as first:
            await first.killed_during(lambda: met(front), tool, new)
        assert front.arrived(on("POST", "/invoice"))[0].status in {200, 201}
        name = await told(front.url, state, tool)
        assert await cleared(front.url, state, name) == "done"
        assert len(sandbox.store.rows("invoice", invoice_no="INV-KILL")) == 1
        assert len(front.writes()) == 1


@EACH_CALL
async def test_killed_after_the_result_it_is_done(tool: str, tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with taskip() as (_, front):
        async with child(front.url, state) as first:
            await first.ask(tool, **CALLS[tool])
            first.kill()
        async with child(front.url, state) as later:
            (change,) = (await later.ask("list_changes"))["items"]
            assert (change["tool"], change["outcome"]) == (tool, "done")
            assert (await later.ask("list_jobs"))["items"] == []


async def test_a_killed_job_is_one_unfinished_change_until_it_is_resumed(tmp_path: Path) -> None:
    state, tool = tmp_path / "state", "bulk_delete_contacts"
    bulk = on("POST", "/contact/bulk-delete")
    async with taskip(Plan(Fault.HANG, bulk, applied=True)) as (sandbox, front):
        ids = contacts(sandbox, 30)
        async with child(front.url, state) as first:
            call = {"contact_ids": ids, "confirm": True}
            await first.killed_during(lambda: met(front, applied=True), tool, call)
        assert [event for _, event in noted(state)] == ["job", "begun"]
        name = await told(front.url, state, tool)
        assert await cleared_job(front.url, state, name) == "done"
    kept = [each for opening in openings(state) for each in opening.get("before", {}).get("records", {})]
    assert sorted(map(int, kept)) == ids
    assert len(front.arrived(bulk)) == 2


async def cleared_job(url: str, state: Path, name: str) -> str:
    async with child(url, state) as later:
        await later.ask("resume_job", job_id=name, confirm=True)
        (change,) = (await later.ask("list_changes"))["items"]
        return change["outcome"]


async def test_the_code_of_a_write_that_was_begun_is_used_up_with_its_process(tmp_path: Path) -> None:
    state = tmp_path / "state"
    tool, given = "delete_contact", {"contact_id": 5}
    delete = on("DELETE", "/contact/5")
    async with taskip(Plan(Fault.HANG, delete, applied=False)) as (_, front):
        async with child(front.url, state, CONFIRM="strict") as first:
            code = (await first.ask(tool, **given))["confirm_code"]
            sure = {**given, "confirm": True, "confirm_code": code}
            await first.killed_during(lambda: met(front), tool, sure)
        async with child(front.url, state, CONFIRM="strict") as later:
            assert "used already" in await later.refused(tool, **sure)
        assert len(front.arrived(delete)) == 1


async def test_the_code_of_a_write_that_was_never_begun_outlives_the_process(tmp_path: Path) -> None:
    state = tmp_path / "state"
    tool, given = "delete_contact", {"contact_id": 5}
    reads = 0

    def second_read(method: str, path: str) -> Plan | None:
        nonlocal reads
        reads += (method, path) == ("GET", "/contact/5")
        return Plan(Fault.HANG) if (method, path, reads) == ("GET", "/contact/5", 2) else None

    async with taskip(second_read) as (sandbox, front):
        async with child(front.url, state, CONFIRM="strict") as first:
            code = (await first.ask(tool, **given))["confirm_code"]
            sure = {**given, "confirm": True, "confirm_code": code}
            await first.killed_during(lambda: met(front), tool, sure)
        async with child(front.url, state, CONFIRM="strict") as later:
            await later.ask(tool, **sure)
            assert "used already" in await later.refused(tool, **sure)
        assert len(front.writes()) == 1
    assert sandbox.store.get("contact", 5) is None
    assert json.loads(query(state, "SELECT arguments FROM journal")[0][0])["contact_id"] == 5
