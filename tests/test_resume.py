"""The same job again, and going on after an interruption: what may have mailed or billed is not tried again soon."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import anyio
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskip_mcp.budget import account_of
from taskip_mcp.clock import Clock
from taskip_mcp.owner import SWEPT, Owner
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.writelog import REPEATED, WriteLog
from tests.processes import (
    Hands,
    down_from_the_write,
    flat,
    interrupted,
    judged,
    noted,
    nth,
    office,
    requests,
    server,
    settings,
)

pytestmark = pytest.mark.anyio

PAID = {
    "invoice_ids": [55, 57],
    "action": "mark_paid",
    "payment_date": "2026-01-02",
    "payment_method": "manual",
}
BULK = "/invoice/bulk-actions"
TOOL = "bulk_delete_contacts"


def died(state: Path, operation: str, arguments: Mapping[str, object]) -> str:
    """A job of a process that died during its first request; its id."""
    log = WriteLog(state, account_of(settings(state)), Clock())
    try:
        job = log.begin_job(operation, arguments, guard=True)
        log.begin(operation, arguments, guard=False, job=job)
        return job
    finally:
        log.close()


def no_reads(request: Request) -> Response | None:
    """A fault: TaskIP answers no read."""
    return JSONResponse({"message": "Server Error"}, 500) if request.method == "GET" else None


async def test_a_payment_that_was_interrupted_just_now_is_not_made_again(tmp_path: Path) -> None:
    sandbox = Sandbox()
    job = died(tmp_path, "invoice.bulk_actions", PAID)
    async with server(sandbox, tmp_path) as asked:
        report = await asked.ask("resume_job", job_id=job, confirm=True)
    assert [each["id"] for each in report["items"]["unknown"]] == [55, 57]
    assert requests(sandbox, BULK) == []


async def test_a_job_of_a_tool_that_is_left_out_does_not_go_on(tmp_path: Path) -> None:
    sandbox, hands = Sandbox(), Hands()
    job = died(tmp_path, "contact.bulk_delete", {"contact_ids": [1, 2]})
    hands.ahead = REPEATED + 1
    left_out = {"exclude_tools": (TOOL,)}
    async with server(sandbox, tmp_path, clock=hands.clock, **left_out) as asked:
        said = await asked.refused("resume_job", job_id=job, confirm=True)
    assert said == f"The job is one of {TOOL}, which this server is set not to offer. Nothing was changed."
    assert sandbox.store.get("contact", 1)


async def test_a_payment_that_was_interrupted_long_ago_and_not_made_is_made_once(tmp_path: Path) -> None:
    sandbox, hands = Sandbox(), Hands()
    job = died(tmp_path, "invoice.bulk_actions", PAID)
    hands.ahead = REPEATED + 1
    async with server(sandbox, tmp_path, clock=hands.clock) as asked:
        report = await asked.ask("resume_job", job_id=job, confirm=True)
    assert report["items"] == {"done": [55, 57]}
    assert requests(sandbox, BULK) == [[55, 57]]


async def test_a_deletion_that_was_interrupted_just_now_goes_on(tmp_path: Path) -> None:
    sandbox = Sandbox()
    job = died(tmp_path, "contact.bulk_delete", {"contact_ids": [1, 2]})
    async with server(sandbox, tmp_path) as asked:
        report = await asked.ask("resume_job", job_id=job, confirm=True)
    assert report["items"] == {"done": [1, 2]}
    assert requests(sandbox) == [[1, 2]]


async def test_a_job_whose_look_fails_stays_and_looks_again_when_it_is_resumed(tmp_path: Path) -> None:
    sandbox = Sandbox()
    job = died(tmp_path, "contact.bulk_delete", {"contact_ids": [1, 2]})
    sandbox.fault = no_reads
    async with server(sandbox, tmp_path) as asked:
        report = await asked.ask("resume_job", job_id=job, confirm=True)
        assert report["items"] == {"not_tried": [1, 2]}
        assert "could not be looked at" in report["note"]
        assert requests(sandbox) == []
        sandbox.fault = None
        report = await asked.ask("resume_job", job_id=job, confirm=True)
    assert report["items"] == {"done": [1, 2]}


async def test_a_lost_answer_that_could_not_be_looked_up_leaves_a_job_that_can(tmp_path: Path) -> None:
    async with office(tmp_path, 2) as (asked, sandbox, ids):
        sandbox.fault = down_from_the_write()
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        assert [each["id"] for each in report["items"]["unknown"]] == ids
        assert "could not be looked at" in report["note"]
        sandbox.fault = None
        report = await asked.ask("resume_job", job_id=report["job"], confirm=True)
    assert report["items"] == {"done": ids}
    assert requests(sandbox) == [ids]


async def test_a_job_whose_records_cannot_be_read_before_sends_nothing_and_can_be_resumed(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, 30) as (asked, sandbox, ids):
        sandbox.fault = no_reads
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        assert report["items"] == {"not_tried": ids}
        assert "Nothing was changed" in report["note"]
        assert [seen.path for seen in sandbox.requests if seen.method == "POST"] == []
        sandbox.fault = None
        again = await asked.ask("resume_job", job_id=report["job"], confirm=True)
        assert sorted(again["items"]["done"]) == ids
    assert requests(sandbox) == [ids[:25], ids[25:]]


async def test_a_single_write_whose_look_fails_stays_in_the_list(tmp_path: Path) -> None:
    sandbox = Sandbox()
    name = interrupted(tmp_path, "contact.create", {"first_name": "Ada", "email": "ada@new.example"})
    sandbox.fault = no_reads
    async with server(sandbox, tmp_path) as asked:
        told = await asked.ask("resume_job", job_id=name)
        assert "It is not known" in told["note"]
        listed = (await asked.ask("list_jobs"))["items"]
        assert [each["id"] for each in listed] == [name]
        sandbox.fault = None
        told = await asked.ask("resume_job", job_id=name)
    assert "it was not done" in told["note"]
    assert noted(tmp_path) == [("contact.create", "not_done")]


async def test_messages_of_a_job_whose_end_nobody_knows_are_not_sent_again_by_the_same_call(
    tmp_path: Path,
) -> None:
    def lost(request: Request) -> Response | None:
        return JSONResponse({"message": "Server Error"}, 500) if request.method == "POST" else None

    sandbox, hands = Sandbox(), Hands()
    call = {"invoice_ids": [55, 57], "action": "send", "confirm": True}
    async with server(sandbox, tmp_path, clock=hands.clock) as asked:
        sandbox.fault = lost
        await asked.ask("bulk_update_invoices", **call)
        sandbox.fault = None
        hands.ahead = REPEATED + 1
        said = await asked.refused("bulk_update_invoices", **call)
    assert "for some ids nobody knows what became of them" in said
    assert requests(sandbox, BULK) == []


async def test_a_status_may_be_set_and_set_back_and_set_again(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with server(sandbox, tmp_path) as asked:
        for status in ("draft", "sent", "draft", "sent"):
            told = await asked.ask("update_invoice_status", invoice_id=57, status=status)
            assert "note" not in told
    assert sum(seen.method == "POST" for seen in sandbox.requests) == 4


def test_what_killed_processes_left_is_swept_and_what_is_young_or_held_stays(tmp_path: Path) -> None:
    folder = tmp_path / "owners"
    living = Owner(tmp_path)
    for name, age in (("old", SWEPT + 60), ("young", 10.0), (living.name, SWEPT + 60)):
        (folder / name).touch()
        when = time.time() - age
        os.utime(folder / name, (when, when))
    later = Owner(tmp_path)
    assert {file.name for file in folder.iterdir()} == {"young", living.name, later.name}
    living.release()
    later.release()
    assert {file.name for file in folder.iterdir()} == {"young"}


# --- the same job again, and going on ---------------------------------------------------------------------


async def test_an_identical_job_that_would_do_it_twice_is_refused_with_the_id_of_the_first(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, 0) as (asked, sandbox, _):
        ids = [row["id"] for row in sandbox.store.rows("invoice")][:2]
        call = {"invoice_ids": ids, "action": "send", "confirm": True}
        report = await asked.ask("bulk_update_invoices", **call)
        said = await asked.refused("bulk_update_invoices", **call)
        assert f"An identical job ({report['job']}) was begun" in said
        assert "is done. Nothing was sent." in said
        assert "allow_duplicate" in said
        await asked.ask("bulk_update_invoices", **call | {"invoice_ids": ids[:1]})
        await asked.ask("bulk_update_invoices", **call, allow_duplicate=True)
    assert requests(sandbox, "/invoice/bulk-actions") == [ids, ids[:1], ids]


async def test_identical_jobs_at_the_same_time_are_one(tmp_path: Path) -> None:
    async with office(tmp_path, 0) as (asked, sandbox, _):
        ids = [row["id"] for row in sandbox.store.rows("invoice")][:30]
        call = {"invoice_ids": ids, "action": "send", "confirm": True}
        results = await asked.at_once(4, "bulk_update_invoices", call)
    assert sorted(bool(each.is_error) for each in results) == [False, True, True, True]
    assert requests(sandbox, "/invoice/bulk-actions") == [ids[:25], ids[25:]]


@pytest.mark.parametrize("confirm", [True, False])
async def test_only_an_unfinished_job_can_be_resumed(confirm: bool, tmp_path: Path) -> None:
    async with office(tmp_path, 2) as (asked, sandbox, ids):
        said = await asked.refused("resume_job", job_id="nowhere", confirm=confirm)
        assert said == "There is no job nowhere. Nothing was sent. Take the id from list_jobs."
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        said = await asked.refused("resume_job", job_id=report["job"], confirm=confirm)
        assert said == f"{report['job']} is finished (done). Nothing was sent. See list_jobs."
    assert len(requests(sandbox)) == 1


async def test_a_running_job_of_the_same_server_cannot_be_resumed(tmp_path: Path) -> None:
    async with office(tmp_path, 30) as (asked, sandbox, ids):
        there, go = anyio.Event(), anyio.Event()

        async def gate(request: Request) -> None:
            there.set()
            await go.wait()

        sandbox.fault = gate
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: asked.call(TOOL, {"contact_ids": ids, "confirm": True}))
            await there.wait()
            (shown,) = (await asked.ask("list_jobs"))["items"]
            assert shown["state"] == "running"
            said = await asked.refused("resume_job", job_id=shown["id"], confirm=True)
            assert "still running" in said
            go.set()
    assert requests(sandbox) == [ids[:25], ids[25:]]


async def test_two_that_resume_the_same_job_do_not_both_do_it(tmp_path: Path) -> None:
    async with office(tmp_path, 60) as (asked, sandbox, ids):
        sandbox.fault = judged(nth(1, JSONResponse({"message": "No"}, 401)))
        job = (await asked.ask(TOOL, contact_ids=ids, confirm=True))["job"]
        results = await asked.at_once(3, "resume_job", {"job_id": job, "confirm": True})
    assert sorted(bool(each.is_error) for each in results) == [False, True, True]
    assert sorted(flat(requests(sandbox))) == ids
