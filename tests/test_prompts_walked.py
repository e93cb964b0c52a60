"""Prompts walked on the sandbox as a model would: with the tools and arguments of the steps and the ids at hand."""

from __future__ import annotations

import re

import pytest

from taskip_mcp.prompts import tools_of
from tests.overviews import agency, day
from tests.prompting import BY_NAME, backend, build, call

pytestmark = pytest.mark.anyio


def step_with(prompt: str, tool: str) -> set[str]:
    """The arguments of the one step that names a tool."""
    (step,) = [step for step in BY_NAME[prompt].steps if tool in tools_of(step)]
    return set(re.findall(r"`([^`]*)`", step))


def number_of(shown: str) -> str:
    """The number behind a name."""
    (number,) = re.findall(r"\((\d+)\)$", shown)
    return number


async def test_a_client_who_answered_is_found_before_a_reminder_is_sent() -> None:
    chase, sandbox = "chase_overdue_invoices", agency()
    api = backend(sandbox)
    (overdue,) = (await build(api, chase)).documents
    assert not any("email" in row for row in overdue["items"])

    addresses: dict[str, str] = {}
    for row in overdue["items"]:
        assert (await call(api, "get_invoice", invoice_id=row["id"]))["invoice_no"] == row["invoice_no"]
        contact = await call(api, "get_contact", contact_id=number_of(row["client"]))
        assert f"{contact['name']} ({contact['id']})" == row["client"]
        addresses[contact["email"]] = row["client"]

    assert step_with(chase, "list_conversations") == {"date_from", "sort", "order"}
    senders: list[str] = []
    page: int | None = 1
    while page:
        found = await call(
            api, "list_conversations", date_from=day(-30), sort="created_at", order="desc", limit=5, page=page
        )
        senders += [row["from"] for row in found["items"]]
        page = found.get("next_page")
    answered = [each for each in addresses if any(f"<{each}>" in sender for sender in senders)]
    assert answered
    for address in answered:  # what the step once said finds nobody
        assert not (await call(api, "list_conversations", search=address))["items"]

    before = sandbox.store.dump()
    assert step_with(chase, "send_invoice") == {"template", "message"}
    reminder = {"template": "reminder", "message": "A friendly reminder."}
    preview = await call(api, "send_invoice", invoice_id=overdue["items"][0]["id"], **reminder)
    assert "preview" in preview
    assert sandbox.store.dump() == before


async def test_who_asks_in_a_ticket_is_found_by_address_and_not_by_the_number_of_a_user() -> None:
    triage, sandbox = "triage_tickets", agency()
    api = backend(sandbox)
    rows = (await build(api, triage)).documents[0]["items"]
    assert rows
    assert step_with(triage, "list_contacts") == {"search"}
    assert step_with(triage, "get_client_overview") == {"contact_id"}
    for row in rows:
        ticket = await call(api, "get_ticket", ticket_id=row["id"])
        if "email" not in ticket:
            assert "user" not in ticket  # a stranger's mail
            continue
        found = (await call(api, "list_contacts", search=ticket["email"]))["items"]
        (contact,) = [each for each in found if each["email"] == ticket["email"]]
        assert number_of(ticket["user"].replace("user ", "")) != str(contact["id"])
        overview = await call(api, "get_client_overview", contact_id=contact["id"])
        assert overview["contact"]["email"] == ticket["email"]
        assert row["id"] in [each["id"] for each in overview["open_tickets"]["items"]]
    done = await call(api, "update_ticket", ticket_id=rows[0]["id"], priority="urgent")
    assert done["done"]
    assert "preview" in await call(api, "reply_ticket", ticket_id=rows[0]["id"], message="We look at it.")


async def test_an_accepted_quotation_becomes_an_invoice_with_what_the_steps_name() -> None:
    month, sandbox = "month_end_billing", agency()
    api = backend(sandbox)
    quotations = (await build(api, month)).documents[1]["items"]
    assert step_with(month, "convert_quotation") == {"due_date"}
    client = number_of(quotations[0]["client"])
    before = await call(api, "list_invoices", client_id=client, limit=100)
    await call(api, "convert_quotation", quotation_id=quotations[0]["id"], due_date=day(14))
    after = await call(api, "list_invoices", client_id=client, limit=100)
    assert len(after["items"]) == len(before["items"]) + 1
