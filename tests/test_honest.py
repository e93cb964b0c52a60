"""What could be claimed too easily: answers that come late, records of others, refusals that look like acceptance."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp.shared.exceptions import MCPError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskip_mcp import writes
from taskip_mcp.call import Call
from taskip_mcp.clock import scaled
from taskip_mcp.errors import ApiError
from taskip_mcp.look import Finding, look
from taskip_mcp.sandbox import Sandbox
from tests.processes import Hands, noted, office, requests, server
from tests.support import Script, backend, run
from tests.test_look import OPERATIONS, bench

pytestmark = pytest.mark.anyio

TICKET = {"subject": "Login broken", "priority": "high", "description": "first"}
DRAFT = {"invoice_id": 57, "status": "draft"}
BROKEN = {"message": "Server Error"}


def posts(sandbox: Sandbox, path: str) -> int:
    return sum(seen.method == "POST" and seen.path.endswith(path) for seen in sandbox.requests)


def only_once(status: int, path: str = "ticket") -> Any:
    """A fault: the first POST gets this status and does nothing."""
    left = [1]

    def fault(request: Request) -> Response | None:
        if request.method == "POST" and request.url.path.endswith(path) and left:
            left.clear()
            return JSONResponse(BROKEN, status)
        return None

    return fault


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a_create_that_appears_after_it_was_given_up_is_found_by_the_next_call(
    status: int, tmp_path: Path
) -> None:
    sandbox = Sandbox()
    sandbox.fault = only_once(status)
    async with server(sandbox, tmp_path) as asked:
        assert "Nothing was changed" in await asked.refused("create_ticket", **TICKET)
        # TaskIP was still at it.
        sandbox.store.insert("ticket", dict(sandbox.store.rows("ticket")[-1]) | {
            **TICKET, "priority": 2, "created_at": sandbox.store.now.isoformat(), "uuid": "late-1",
        })  # fmt: skip
        again = await asked.ask("create_ticket", **TICKET)
    assert "to do it a second time on purpose" in again["note"]
    assert posts(sandbox, "ticket") == 0


async def test_a_record_that_an_earlier_call_made_is_not_taken_for_the_lost_one(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with server(sandbox, tmp_path) as asked:
        first = await asked.ask("create_ticket", **TICKET)
        sandbox.fault = only_once(500)
        said = await asked.refused("create_ticket", **TICKET | {"description": "another customer"})
        assert "Nothing was changed" in said
        second = await asked.ask("create_ticket", **TICKET | {"description": "another customer"})
    assert second["id"] != first["id"]
    assert posts(sandbox, "ticket") == 2


async def test_a_record_that_somebody_made_a_moment_before_leaves_it_open(tmp_path: Path) -> None:
    at = bench(tmp_path, ahead=-20)
    call = await at.run("create_ticket", TICKET)
    at.hands[0] = 0
    finding = await look(call, time.time())
    assert finding.verdict == "unknown"
    assert finding.id


async def test_a_record_of_the_same_key_and_other_values_leaves_it_open(tmp_path: Path) -> None:
    at = bench(tmp_path)
    since = time.time()
    await at.run("create_contact", {"first_name": "Old", "email": "old@x.example"})
    call = at.call("create_contact", {"first_name": "New", "email": "old@x.example"})
    assert (await look(call, since)).verdict == "unknown"


async def test_a_unique_record_of_unknown_age_leaves_it_open() -> None:
    row = {"id": 5, "first_name": "New", "email": "old@x.example", "billings": None}
    script = Script({"GET /contact": (200, {"data": [row]})})
    call = Call(
        backend(script), OPERATIONS["create_contact"], {"first_name": "New", "email": "old@x.example"}
    )
    finding: Finding = await look(call, time.time())
    assert (finding.verdict, finding.id) == ("unknown", 5)


async def test_a_refusal_in_words_that_cannot_be_checked_is_neither_done_nor_unsent() -> None:
    reads = httpx.Response(500, json=BROKEN)
    script = Script(
        {"POST /invoice/57/status-update": httpx.Response(200, json="Not allowed"), "GET /invoice/57": reads}
    )
    api = backend(script)
    call = Call(api, OPERATIONS["update_invoice_status"], DRAFT)
    with pytest.raises(ApiError, match="It is not known whether the change was made"):
        await writes.carry_out(call, DRAFT)
    assert call.closed == "unknown"


async def test_a_payment_that_was_looked_at_too_early_is_looked_at_again_when_its_job_is_resumed(
    tmp_path: Path,
) -> None:
    sandbox, hands = Sandbox(), Hands()
    paid = {
        "invoice_ids": [55, 57],
        "action": "mark_paid",
        "payment_date": "2026-01-02",
        "payment_method": "manual",
    }
    async with server(sandbox, tmp_path, clock=hands.clock) as asked:
        sandbox.fault = only_once(504, "bulk-actions")
        report = await asked.ask("bulk_update_invoices", **paid, confirm=True)
        assert report["items"] == {"not_tried": [55, 57]}
        for number in (55, 57):  # TaskIP was still at it
            sandbox.store.update("invoice", number, {"status": "paid"})
        again = await asked.ask("resume_job", job_id=report["job"], confirm=True)
    assert again["items"] == {"done": [55, 57]}
    assert requests(sandbox, "/invoice/bulk-actions") == []


@pytest.mark.parametrize("status", [301, 302, 303])
async def test_a_redirect_may_be_the_answer_to_a_write_that_was_taken(status: int) -> None:
    moved = httpx.Response(status, headers={"location": "/elsewhere"})
    listed = httpx.Response(200, json={"data": []})
    script = Script({"POST /project/p/discussion": moved, "GET /project/p/discussion": listed})
    with pytest.raises(ApiError, match="Looked at list_discussions"):
        await run(backend(script), "create_discussion", project_id="p", message="Hello", confirm=True)
    assert len(script.writes) == 1


async def test_a_job_begins_no_request_that_it_would_have_to_cut_off(tmp_path: Path) -> None:
    async def slow(request: Request) -> None:
        if request.method == "POST":
            await anyio.sleep(0.3)

    clock = scaled(10, time.time())
    async with office(tmp_path, 75, clock=clock, deadline=18.0) as (asked, sandbox, ids):
        sandbox.fault = slow
        report = await asked.ask("bulk_delete_contacts", contact_ids=ids, confirm=True)
        assert "unknown" not in report["items"]
        assert report["items"]["not_tried"] == ids[len(report["items"]["done"]) :]
        assert "the time of this call is over" in report["note"]


async def test_arguments_that_no_request_can_use_leave_no_job_behind(tmp_path: Path) -> None:
    sandbox = Sandbox()
    wrong = {"quotation_ids": [1, 2], "action": "status_update", "confirm": True}
    async with server(sandbox, tmp_path) as asked:
        for _ in range(2):
            assert "status: required" in await asked.refused("bulk_update_quotations", **wrong)
        assert (await asked.ask("list_jobs"))["items"] == []
    assert noted(tmp_path) == []


async def test_a_budget_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("in the way")
    async with server(Sandbox(), tmp_path / "state") as asked:
        with pytest.raises(MCPError, match="cannot be used"):
            await asked.client.read_resource("taskip://budget")


async def test_a_repetition_claims_nothing_about_the_record(tmp_path: Path) -> None:
    async with server(Sandbox(), tmp_path) as asked:
        first = await asked.ask("create_company", name="New Ltd", email="hi@new.example")
        again = await asked.ask("create_company", name="New Ltd", email="hi@new.example")
    assert again["done"].startswith("Nothing was sent: an identical call ")
    assert (again["id"], again["changed"]) == (first["id"], {})
    assert "changed or deleted since" in again["note"]
    assert json.dumps(again)
