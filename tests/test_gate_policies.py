"""Who is asked, and what is demanded of which call: the client's capabilities, and policies by class of consequence."""

from __future__ import annotations

from typing import Any

import pytest
from mcp.client import ClientSession
from mcp_types import (
    ClientCapabilities,
    ElicitationCapability,
    FormElicitationCapability,
    UrlElicitationCapability,
)

from tests.gatehouse import Gatehouse, accepts, both_eras, gatehouse, words

pytestmark = pytest.mark.anyio

SEND: dict[str, Any] = {"to_emails": ["x@y.example"], "subject": "Hi", "message": "Hello"}
DELETE: dict[str, Any] = {"contact_id": 1}

# --- what a client declares -------------------------------------------------------------------------------


def declaring(monkeypatch: pytest.MonkeyPatch, elicitation: ElicitationCapability | None) -> None:
    def built(*_: Any) -> ClientCapabilities:
        return ClientCapabilities(elicitation=elicitation)

    monkeypatch.setattr(ClientSession, "_build_capabilities", built)


@both_eras
async def test_a_client_that_only_opens_addresses_cannot_ask(
    era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaring(monkeypatch, ElicitationCapability(url=UrlElicitationCapability()))
    await cannot_ask(era)


@both_eras
async def test_a_client_that_declares_nothing_cannot_ask(era: str, monkeypatch: pytest.MonkeyPatch) -> None:
    declaring(monkeypatch, None)
    await cannot_ask(era)


async def cannot_ask(era: str) -> None:
    async with gatehouse("flag,send=human", person=accepts, era=era) as at:
        text = await at.refused("send_message", **SEND, confirm=True)
        assert "cannot ask" in text
        await at.shown("delete_contact", **DELETE)
        await at.done("delete_contact", **DELETE, confirm=True)
        assert (at.questions, at.door.writes) == ([], ["DELETE /contact/1"])


@both_eras
@pytest.mark.parametrize(
    "declared",
    [
        ElicitationCapability(),  # as clients wrote it before there were kinds
        ElicitationCapability(form=FormElicitationCapability()),
        ElicitationCapability(form=FormElicitationCapability(), url=UrlElicitationCapability()),
    ],
)
async def test_a_client_that_shows_forms_is_made_to_ask(
    declared: ElicitationCapability, era: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    declaring(monkeypatch, declared)
    async with gatehouse("flag", person=accepts, era=era) as at:
        await at.done("delete_contact", **DELETE)
        assert (len(at.questions), len(at.door.writes)) == (1, 1)


# --- policies by class ------------------------------------------------------------------------------------

PAID: dict[str, Any] = {
    "invoice_id": 57, "status": "paid", "payment_date": "2026-01-02", "payment_method": "bank_transfer",
}  # fmt: skip
INVOICES: dict[str, Any] = {"invoice_ids": [55, 57]}
MIXED = "flag,send=human,money=strict"
CLASSES: list[tuple[str, str, dict[str, Any], str]] = [
    (MIXED, "delete_contact", DELETE, "flag"),
    (MIXED, "send_message", SEND, "human"),
    (MIXED, "update_invoice_status", PAID, "strict"),
    (MIXED, "update_invoice_status", {"invoice_id": 57, "status": "cancelled"}, "none"),
    (MIXED, "bulk_update_invoices", INVOICES | {"action": "delete"}, "flag"),
    (MIXED, "bulk_update_invoices", INVOICES | {"action": "send"}, "human"),
    (MIXED, "create_contact", {"first_name": "A", "email": "a@new.example", "invite_client": True}, "human"),
    (MIXED, "create_contact", {"first_name": "A", "email": "a@new.example"}, "none"),
    ("off,delete=human", "delete_contact", DELETE, "human"),
    ("off,delete=human", "bulk_delete_contacts", {"contact_ids": [1, 2]}, "human"),
    ("off,delete=human", "send_message", SEND, "none"),
    ("off,delete=human", "bulk_update_invoices", INVOICES | {"action": "delete"}, "human"),
    ("human,delete=off", "delete_contact", DELETE, "none"),
    ("human,delete=off", "bulk_delete_contacts", {"contact_ids": [1, 2]}, "human"),
    ("human,delete=off", "update_contact", {"contact_id": 1, "position": "CTO"}, "none"),
    ("strict,bulk=off,delete=flag", "bulk_delete_contacts", {"contact_ids": [1, 2]}, "flag"),
    ("off,access=strict", "invite_client", {"contact_id": 2}, "strict"),
    ("human", "list_contacts", {}, "none"),
]


@pytest.mark.parametrize(("confirming", "tool", "given", "mode"), CLASSES)
async def test_of_several_consequences_the_strictest_policy_counts(
    confirming: str, tool: str, given: dict[str, Any], mode: str
) -> None:
    async with gatehouse(confirming) as at:
        assert await found(at, tool, given) == mode


async def found(at: Gatehouse, tool: str, given: dict[str, Any]) -> str:
    """By what a call passes for a client that cannot ask."""
    first = words(await at.call(tool, **given))
    if "cannot ask" in first:
        assert "cannot ask" in await at.refused(tool, **given, confirm=True)
        return "human"
    if '"consequences"' not in first:
        return "none"
    bare = await at.call(tool, **given, confirm=True)
    if not bare.is_error:
        return "flag"
    assert len(at.door.writes) == 0
    code = await at.code(tool, **given)
    await at.done(tool, **given, confirm=True, confirm_code=code)
    return "strict"


async def test_a_code_that_is_given_counts_also_where_none_is_demanded() -> None:
    async with gatehouse("flag") as at:
        said = await at.refused("delete_contact", contact_id=1, confirm=True, confirm_code="made up")
        assert "copy the confirm_code" in said
        await at.done("delete_contact", contact_id=1, confirm=True)


async def test_the_preview_of_a_payment_tells_the_amount() -> None:
    async with gatehouse("flag") as at:
        paid = {"invoice_id": 57, "status": "paid", "payment_date": "2026-01-02", "payment_method": "cash"}
        shown = await at.shown("update_invoice_status", **paid)
        assert "It records a payment of 3290.0 EUR on 2026-01-02 by cash." in shown["follows"]
