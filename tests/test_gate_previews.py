"""Previews: one shape for all tools, what cannot be read again, and what the confirmed call costs."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskip_mcp import operation, previews, schemas
from taskip_mcp.operation import Consequence
from taskip_mcp.sandbox.app import Fault
from taskip_mcp.server import App
from taskip_mcp.target import brief
from tests.gatehouse import NOTHING, Door, Gatehouse, gatehouse, settings
from tests.sandbox_calls import arguments_for
from tests.test_gate_matrix import CONSEQUENT, TOOLS
from tests.test_gate_versions import TARGETLESS

pytestmark = pytest.mark.anyio

GATED = [tool for tool in TOOLS if tool not in {"resume_job", "undo_change"}]
# In this order, so that a person who reads a preview of any tool finds the same at the same place.
ORDER = [
    "preview", "consequences", "records", "count", "with", "follows", "cannot_be_undone", "cost", "done",
    "job", "ready", "confirm_code", "next",
]  # fmt: skip
ALWAYS = {"preview", "consequences", "cost", "done", "next"}
ENTRIES = {entry.name: entry for entry in schemas.load_entries()}
MORE = {"reply_ticket": 1, "create_discussion": 1, "book_meeting": 1}
"""Requests that a call makes beyond what its preview said: the look-up of a uuid, and a read after the write."""


def usual(at: Gatehouse, tool: str) -> dict[str, Any]:
    at.door.sandbox.reset()
    at.door.passed.clear()
    return arguments_for(tool, at.door.sandbox) | CONSEQUENT.get(tool, {})


def misshapen(preview: dict[str, Any], tool: str, mode: str) -> str:
    """What is wrong with the shape of a preview; empty if all is right."""
    keys = list(preview)
    if keys != [name for name in ORDER if name in preview] or ALWAYS - preview.keys():
        return f"keys {keys}"
    if ("confirm_code" in preview) is not (mode == "strict"):
        return "confirm_code"
    if preview["done"] != NOTHING or not preview["preview"].endswith("."):
        return "words"
    if preview["cost"].keys() != {"requests"} or preview["cost"]["requests"] < 1:
        return f"cost {preview['cost']}"
    records: list[dict[str, Any]] = preview.get("records", [])
    if bool(records) is (tool in TARGETLESS) or len(records) > 10:
        return f"{len(records)} records"
    if preview.get("count", 0) < len(records) or any("id" not in row for row in records):
        return f"count {preview.get('count')} of {records}"
    sentences = [*preview.get("follows", []), *preview.get("cannot_be_undone", [])]
    return next((f"no sentence: {each!r}" for each in sentences if not each or "None" in each), "")


@pytest.mark.parametrize("mode", ["flag", "strict"])
async def test_previews_of_all_tools_have_the_same_shape(mode: str) -> None:
    wrong: dict[str, str] = {}
    async with gatehouse(mode) as at:
        for tool in GATED:
            given = usual(at, tool)
            preview = await at.shown(tool, **given)
            found = operation.load_all()[tool].consequences(given)
            if preview["consequences"] != sorted(found):
                wrong[tool] = f"consequences {preview['consequences']}"
            elif any(previews.WORDS[each] not in preview["preview"] for each in found):
                wrong[tool] = preview["preview"]
            elif problem := misshapen(preview, tool, mode):
                wrong[tool] = problem
    assert wrong == {}


def test_every_consequence_has_its_words() -> None:
    assert set(previews.WORDS) == set(Consequence)


async def test_what_is_mailed_or_lost_is_said_for_all_tools() -> None:
    wrong: list[str] = []
    async with gatehouse("flag") as at:
        for tool in GATED:
            preview = await at.shown(tool, **usual(at, tool))
            lost = " ".join(preview.get("cannot_be_undone", []))
            if "send" in preview["consequences"] and "cannot be called back" not in lost:
                wrong.append(tool)
            if "delete" in preview["consequences"] and "undo_change" not in lost:
                wrong.append(tool)
    assert wrong == []


async def test_the_previews_of_the_servers_own_tools_have_the_same_keys() -> None:
    async with gatehouse("flag") as at:
        log = at.backend.log
        job = log.begin_job("contact.bulk_delete", {"contact_ids": [1, 2]}, guard=False)
        log.end(job, "paused", {"reason": "a test"})
        given: dict[str, Any] = {"invoice_id": 57, "payment_gateway": "stripe"}
        await at.done("set_invoice_payment_gateway", **given, confirm=True)
        change = log.changes(operation="invoice.payment_gateway")[0].write
        resumed = await at.shown("resume_job", job_id=job)
        undone = await at.shown("undo_change", change_id=change)
        for preview in (resumed, undone):
            assert list(preview) == [name for name in ORDER if name in preview]
            assert preview.keys() >= ALWAYS | {"records", "count"}
        assert resumed["consequences"] == ["bulk", "delete"]
        assert undone["consequences"] == ["money"]


async def test_amounts_in_a_preview_have_their_currency_as_in_results() -> None:
    async with gatehouse("flag") as at:
        at.door.sandbox.store.update("invoice", 57, {"currency": "EUR"})
        row = (await at.shown("send_invoice", invoice_id=57))["records"][0]
        invoice = await at.done("get_invoice", invoice_id=57)
        assert (row["total"], row["due_amount"]) == (invoice["total"], invoice["due_amount"])
        assert row["total"].endswith(" EUR")
        assert "currency" not in row


def test_an_amount_without_a_currency_and_a_currency_without_an_amount_stay_known() -> None:
    assert brief({"id": 1, "deal_name": "D", "deal_amount": "900"}, 1)["deal_amount"] == "900.00"
    odd = brief({"id": 1, "total": "on request", "currency": "EUR"}, 1)
    assert odd == {"id": 1, "total": "on request", "currency": "EUR"}


async def test_what_is_cleared_is_in_the_preview() -> None:
    async with gatehouse("flag") as at:
        given: dict[str, Any] = {"contact_id": 1, "invite_client": True, "clear": ["phone_number"]}
        preview = await at.shown("update_contact", **given)
        assert preview["with"] == {"invite_client": True, "clear": ["phone_number"]}


async def test_a_password_is_not_in_the_preview() -> None:
    async with gatehouse("flag") as at:
        given: dict[str, Any] = {"contact_id": 1, "access_portal": True, "password": "canary-pass-word-1"}
        preview = await at.shown("update_contact", **given)
        assert "canary-pass-word-1" not in str(preview)


# --- what cannot be read ----------------------------------------------------------------------------------


def forbidden(path: str) -> Fault:
    """A fault: the key may not read this."""

    def fault(request: Request) -> Response | None:
        if request.method == "GET" and path in request.url.path:
            return JSONResponse({"message": "This key may not do that."}, 403)
        return None

    return fault


@pytest.mark.parametrize("mode", ["flag", "strict"])
async def test_a_target_that_cannot_be_read_is_said_and_can_be_confirmed(mode: str) -> None:
    async with gatehouse(mode) as at:
        at.door.sandbox.fault = forbidden("/contact/1")
        preview = await at.shown("delete_contact", contact_id=1)
        assert preview["records"] == [{"id": 1, "note": preview["records"][0]["note"]}]
        assert "could not be read" in preview["records"][0]["note"]
        assert previews.BLIND in preview["follows"]
        code = preview.get("confirm_code")
        await at.done("delete_contact", contact_id=1, confirm=True, confirm_code=code)


async def test_a_target_that_can_be_read_only_afterwards_was_not_shown() -> None:
    async with gatehouse("flag") as at:
        at.door.sandbox.fault = forbidden("/contact/1")
        await at.shown("delete_contact", contact_id=1)
        at.door.sandbox.fault = None
        assert "has changed" in await at.refused("delete_contact", contact_id=1, confirm=True)


UNKNOWN = "deleted with it: not known, TaskIP does not show them"


@pytest.mark.parametrize(
    ("path", "unknown", "known"),
    [("/project", {"projects"}, {"contacts"}), ("/contact", {"contacts", "projects"}, set[str]())],
)
async def test_children_that_cannot_be_read_are_said_to_be_unknown(
    path: str, unknown: set[str], known: set[str]
) -> None:
    """A project shows only which contacts it is for, so that without the contacts nobody knows its company."""
    async with gatehouse("flag") as at:
        at.door.sandbox.fault = forbidden(path)
        follows: list[str] = (await at.shown("delete_company", company_id=1))["follows"]
        assert {f"{words} {UNKNOWN}" for words in unknown} <= set(follows)
        assert known == {line.partition(" ")[0] for line in follows if "deleted with it: 4" in line}
        at.door.sandbox.fault = None
        # More is known now than was shown.
        assert "has changed" in await at.refused("delete_company", company_id=1, confirm=True)


async def test_of_more_than_ten_the_rest_is_said_to_be_unread_and_a_change_there_goes_unnoticed() -> None:
    async with gatehouse("flag") as at:
        given = {"contact_ids": list(range(1, 13))}
        preview = await at.shown("bulk_delete_contacts", **given)
        assert (preview["count"], len(preview["records"])) == (12, 10)
        assert previews.FIRST in preview["follows"]
        at.door.sandbox.store.update("contact", 10, {"position": "Owner"})
        assert "has changed" in await at.refused("bulk_delete_contacts", **given, confirm=True)
        at.door.sandbox.store.update("contact", 12, {"position": "Owner"})
        await at.done("bulk_delete_contacts", **given, confirm=True)


async def test_one_of_many_that_does_not_exist_is_said() -> None:
    async with gatehouse("flag") as at:
        preview = await at.shown("bulk_delete_contacts", contact_ids=[1, 9999])
        assert preview["records"][1] == {"id": 9999, "note": "does not exist"}


# --- what it costs ----------------------------------------------------------------------------------------


async def test_a_preview_says_how_many_requests_the_confirmed_call_takes() -> None:
    wrong: dict[str, str] = {}
    door = Door()
    for tool in GATED:
        app = App(settings("flag"), door)  # a new server: one that has looked things up needs fewer
        door.sandbox.reset()
        given = arguments_for(tool, door.sandbox) | CONSEQUENT.get(tool, {})
        said: int = (await app.perform(ENTRIES[tool], given)).value["cost"]["requests"]
        door.passed.clear()
        await app.perform(ENTRIES[tool], given | {"confirm": True})
        await app.aclose()
        if not 0 <= len(door.passed) - said <= MORE.get(tool, 0):
            wrong[tool] = f"said {said}, made {door.passed}"
    assert wrong == {}


MANY: list[tuple[str, dict[str, Any]]] = [
    ("bulk_delete_contacts", {"contact_ids": list(range(1, 13))}),
    ("bulk_delete_contacts", {"contact_ids": list(range(1, 31))}),
    ("bulk_delete_contacts", {"contact_ids": [1, 1, 2, 2, 3]}),
    ("bulk_delete_companies", {"company_ids": list(range(1, 13))}),
    ("bulk_update_invoices", {"invoice_ids": list(range(1, 40)), "action": "send"}),
    ("delete_ticket", {"ticket_id": "1"}),
    ("delete_project", {"project_id": "1"}),
]


@pytest.mark.parametrize(("tool", "given"), MANY)
async def test_the_cost_of_many_is_told_as_well(tool: str, given: dict[str, Any]) -> None:
    async with gatehouse("strict") as at:
        preview = await at.shown(tool, **given)
        at.door.passed.clear()
        await at.done(tool, **given, confirm=True, confirm_code=preview["confirm_code"])
        assert len(at.door.passed) == preview["cost"]["requests"]


async def test_the_reads_of_a_preview_come_out_of_the_budget() -> None:
    async with gatehouse("flag") as at:
        await at.done("get_contact", contact_id=2)
        before = (await at.done("get_rate_budget"))["windows"][0]["used"]
        await at.shown("delete_company", company_id=1)
        after = (await at.done("get_rate_budget"))["windows"][0]["used"]
        assert after - before == len(at.door.passed) - 1 > 1
