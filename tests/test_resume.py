"""Going on after an interruption: nothing that may have mailed or billed is tried again soon, no look is the last."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskip_mcp.budget import account_of
from taskip_mcp.clock import Clock
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.writelog import REPEATED, SWEPT, Owner, WriteLog
from tests.processes import Hands, interrupted, noted, office, requests, server, settings

pytestmark = pytest.mark.anyio

PAID = {
    "invoice_ids": [55, 57],
    "action": "mark_paid",
    "payment_date": "2026-01-02",
    "payment_method": "manual",
}
BULK = "/invoice/bulk-actions"


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
    def breaks(request: Request) -> Response | None:
        return JSONResponse({"message": "Server Error"}, 500)

    async with office(tmp_path, 2) as (asked, sandbox, ids):
        sandbox.fault = breaks
        report = await asked.ask("bulk_delete_contacts", contact_ids=ids, confirm=True)
        assert [each["id"] for each in report["items"]["unknown"]] == ids
        assert "could not be looked at" in report["note"]
        sandbox.fault = None
        report = await asked.ask("resume_job", job_id=report["job"], confirm=True)
    assert report["items"] == {"done": ids}
    assert requests(sandbox) == [ids]


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
