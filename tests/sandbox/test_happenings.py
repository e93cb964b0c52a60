"""What the sandbox tells by webhook: each of the 19 events, by what a tool does."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import pytest

from taskip_mcp.call import Backend
from taskip_mcp.client import TaskipClient
from taskip_mcp.events import EVENTS
from taskip_mcp.files import Files
from taskip_mcp.routes import RouteBook
from taskip_mcp.sandbox import Sandbox, Webhooks
from taskip_mcp.settings import Settings
from tests.sandbox.support import client
from tests.sandbox_calls import CALLS, PROJECT, TASK, filled
from tests.support import alone

pytestmark = pytest.mark.anyio

NOON = datetime(2026, 5, 4, 12, 0, 5, 250_000, tzinfo=UTC)
Step = tuple[str, Mapping[str, Any]]
"""A tool and its arguments."""
Told = tuple[str, Mapping[str, Any]]
"""An event and its data."""

ADA = {"contact_id": 41, "name": "Ada", "email": "ada@new.example"}
PAYMENT = {"status": "paid", "payment_date": "2026-05-04", "payment_method": "cash"}
OFFER: dict[str, Any] = {"contact_id": 1, "subject": "Offer"}
LINES = [{"description": "Work", "quantity": 1, "unit_price": 10}]
INVOICE: dict[str, Any] = {"invoice_id": 61, "invoice_no": "X-1", "client_id": 1}


def usual(tool: str, **more: Any) -> Step:
    """The call with which the tool works on the seeds."""
    return tool, {**CALLS[tool], **more}


@asynccontextmanager
async def listening(**options: Any) -> AsyncGenerator[tuple[Sandbox, list[dict[str, Any]]]]:
    """A sandbox, and what it tells a function; all of it is there at the end."""
    heard: list[dict[str, Any]] = []
    hooks = Webhooks(lambda raw: heard.append(json.loads(raw)))
    async with running(hooks):
        yield Sandbox(webhooks=hooks, limits=False, clock=lambda: NOON, **options), heard
        await hooks.drained()
    assert (hooks.failed, hooks.dropped, hooks.sent) == (0, 0, len(heard))


@asynccontextmanager
async def running(hooks: Webhooks) -> AsyncGenerator[None]:
    """Deliveries go out meanwhile."""
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(hooks.run)
        yield
        tasks.cancel_scope.cancel()


async def told(*steps: Step, **options: Any) -> list[Told]:
    """What the steps, carried out by the tools, make the sandbox tell."""
    settings = Settings(secret_key="k", base_url="http://127.0.0.1/api/public-v1")
    async with listening(**options) as (sandbox, heard):
        api = Backend(TaskipClient(settings, httpx.ASGITransport(sandbox.app)), RouteBook(), Files(settings))
        for tool, given in steps:
            await alone(api, tool, **filled(given, sandbox))
        await api.aclose()
    return [(each["event"], each["data"]) for each in heard]


# --- each event -------------------------------------------------------------------------------------------

PEOPLE: list[tuple[Step, list[Told]]] = [
    (usual("create_contact"), [("contact.created", ADA)]),
    (
        ("update_contact", {"contact_id": 2, "first_name": "Jo", "last_name": "X", "email": "jo@x.example"}),
        [("contact.updated", {"contact_id": 2, "name": "Jo X", "email": "jo@x.example"})],
    ),
    (usual("delete_contact"), [("contact.deleted", {"contact_id": 1})]),
    (
        usual("bulk_delete_contacts"),
        [("contact.deleted", {"contact_id": 1}), ("contact.deleted", {"contact_id": 2})],
    ),
    (
        usual("create_company"),
        [("company.created", {"company_id": 13, "name": "New Ltd", "email": "hi@new.example"})],
    ),
    (
        ("update_company", {"company_id": 1, "name": "N", "email": "n@n.example"}),
        [("company.updated", {"company_id": 1, "name": "N", "email": "n@n.example"})],
    ),
    (
        usual("delete_company"),
        [
            *(("contact.deleted", {"contact_id": number}) for number in (1, 2, 3, 4)),
            ("company.deleted", {"company_id": 1}),
        ],
    ),
]
BILLS: list[tuple[Step, list[Told]]] = [
    (usual("create_invoice"), [("invoice.created", INVOICE)]),
    (
        usual("create_invoice", status="publish"),
        [("invoice.created", INVOICE), ("invoice.sent", INVOICE)],
    ),
    (
        usual("convert_quotation"),
        [("invoice.created", {"invoice_id": 61, "invoice_no": "INV-061", "client_id": 7})],
    ),
    (
        ("send_invoice", {"invoice_id": 58, "email": "a@b.example"}),
        [
            (
                "invoice.sent",
                {"invoice_id": 58, "invoice_no": "INV-058", "client_id": 4, "sent_to": "a@b.example"},
            )
        ],
    ),
    (
        ("update_invoice_status", {"invoice_id": 58, "status": "sent"}),
        [("invoice.sent", {"invoice_id": 58, "invoice_no": "INV-058", "client_id": 4})],
    ),
    (
        ("bulk_update_invoices", {"invoice_ids": [57, 58], "action": "mark_sent"}),
        [("invoice.sent", {"invoice_id": 58, "invoice_no": "INV-058", "client_id": 4})],
    ),
    (
        ("update_invoice_status", {"invoice_id": 57, "payment_amount": 100.5, **PAYMENT}),
        [("invoice.paid", {"invoice_id": 57, "amount": 100.5, "client_id": 33})],
    ),
    (
        usual("create_quotation"),
        [("quotation.created", {"quotation_id": 13, "quotation_no": "QUO-013", "client_id": 1})],
    ),
    (
        usual("update_quotation_status"),
        [("quotation.accepted", {"quotation_id": 1, "quotation_no": "QUO-001", "client_id": 1})],
    ),
    (
        (
            "bulk_update_quotations",
            {"quotation_ids": [1, 2], "action": "status_update", "status": "rejected"},
        ),
        [
            ("quotation.rejected", {"quotation_id": 1, "quotation_no": "QUO-001", "client_id": 1}),
            ("quotation.rejected", {"quotation_id": 2, "quotation_no": "QUO-002", "client_id": 4}),
        ],
    ),
]
FIRST, SECOND = (
    {"ticket_id": 1, "subject": "Contact form does not send"},
    {"ticket_id": 2, "subject": "Checkout shows the wrong tax"},
)
TICKETS: list[tuple[Step, list[Told]]] = [
    (usual("create_ticket"), [("ticket.created", {"ticket_id": 32, "subject": "Help"})]),
    (
        usual("create_ticket", status="closed"),
        [
            ("ticket.created", {"ticket_id": 32, "subject": "Help"}),
            ("ticket.resolved", {"ticket_id": 32, "subject": "Help"}),
        ],
    ),
    (usual("assign_ticket"), [("ticket.assigned", FIRST | {"assigned_to": 6})]),
    (
        ("bulk_update_tickets", {"ticket_ids": [1, 2], "action": "assign", "assigned_to": 5}),
        [("ticket.assigned", each | {"assigned_to": 5}) for each in (FIRST, SECOND)],
    ),
    (usual("update_ticket_status"), [("ticket.resolved", FIRST)]),
    (("update_ticket", {"ticket_id": "1", "status": "closed"}), [("ticket.resolved", FIRST)]),
    (usual("bulk_update_tickets"), [("ticket.resolved", each) for each in (FIRST, SECOND)]),
]
WORK: list[tuple[Step, list[Told]]] = [
    (usual("create_project"), [("project.created", {"project_id": 11, "title": "P"})]),
    (
        usual("create_project", status="completed"),
        [(f"project.{what}", {"project_id": 11, "title": "P"}) for what in ("created", "completed")],
    ),
    (
        usual("update_project_status"),
        [("project.completed", {"project_id": 1, "title": "Northwind website relaunch"})],
    ),
    (
        ("update_project", PROJECT | {"title": "Over", "status": "completed"}),
        [("project.completed", {"project_id": 1, "title": "Over"})],
    ),
    (usual("create_task"), [("task.created", {"task_id": 121, "title": "T", "project_id": 1})]),
    (
        usual("complete_task"),
        [("task.completed", {"task_id": 1, "title": "Kick-off workshop", "project_id": 1})],
    ),
]
ALL = [*PEOPLE, *BILLS, *TICKETS, *WORK]


def named(cases: Sequence[tuple[Step, list[Told]]]) -> list[str]:
    return [f"{step[0]}, {'+'.join(dict.fromkeys(name for name, _ in events))}" for step, events in cases]


def test_the_cases_have_all_19_events() -> None:
    documented = {f"{group}.{what}" for group, all_ in EVENTS.items() for what in all_}
    assert len(documented) == 19
    assert {name for _, events in ALL for name, _ in events} == documented


@pytest.mark.parametrize(("step", "events"), ALL, ids=named(ALL))
async def test_what_a_tool_does_is_told(step: Step, events: list[Told]) -> None:
    assert await told(step) == events


@pytest.mark.parametrize(("step", "events"), TICKETS, ids=named(TICKETS))
async def test_tickets_are_told_of_on_the_routes_of_the_reference_too(step: Step, events: list[Told]) -> None:
    assert await told(step, routes="reference") == events


async def test_an_invited_contact_has_changed() -> None:
    person = {"contact_id": 2, "name": "Jonas Ek", "email": "jonas@northwindbakery.example"}
    assert await told(usual("invite_client")) == [("contact.updated", person)]


async def test_a_reply_that_closes_the_ticket_resolves_it() -> None:
    assert await told(usual("reply_ticket", status="closed")) == [("ticket.resolved", FIRST)]


async def test_an_invoice_that_is_sent_again_is_told_of_again() -> None:
    step: Step = "bulk_update_invoices", {"invoice_ids": [57, 58], "action": "send"}
    events = await told(step, ("send_invoice", {"invoice_id": 57}))
    assert [(name, data["invoice_id"]) for name, data in events] == [
        ("invoice.sent", number) for number in (57, 58, 57)
    ]
    assert all(data["sent_to"] for _, data in events)


async def test_payments_are_told_of_each_with_its_amount() -> None:
    """One by one, and several at once by a bulk action; together they are what the invoices are about."""
    part: Step = "update_invoice_status", {"invoice_id": 57, "payment_amount": 100, **PAYMENT}
    rest: Step = "bulk_update_invoices", {"invoice_ids": [57, 59], "action": "mark_paid"}
    events = await told(part, rest)
    rows = [Sandbox(clock=lambda: NOON).store.get("invoice", number) for number in (57, 59)]
    totals = [row["total"] for row in rows if row]
    assert [(name, data["invoice_id"], data["amount"]) for name, data in events] == [
        ("invoice.paid", 57, 100),
        ("invoice.paid", 57, totals[0] - 100),
        ("invoice.paid", 59, totals[1]),
    ]


@pytest.mark.parametrize(
    ("method", "path", "body", "names"),
    [
        ("PUT", "/quotation/1", {"status": "accepted"}, ["quotation.accepted"]),
        ("PUT", "/quotation/1", {"note": "n"}, []),
        (
            "POST",
            "/quotation",
            OFFER | {"items": LINES, "status": "rejected"},
            ["quotation.created", "quotation.rejected"],
        ),
        ("POST", "/quotation/3/status-update", {"status": "accepted"}, []),
        ("POST", "/ticket/3/status-update", {"status": "closed"}, []),
        ("POST", "/ticket/2/assign", {"assigned_to": 6}, []),
        ("POST", "/ticket/1/status-update", {"status": "in_progress"}, []),
        ("POST", "/invoice/bulk-actions", {"ids": [60], "action": "mark_paid"}, []),
        ("POST", "/invoice/bulk-actions", {"ids": [58], "action": "delete"}, []),
        ("POST", "/invoice/57/status-update", {"status": "cancelled"}, []),
        ("POST", "/invoice/bulk-actions", {"ids": [57, 99], "action": "send"}, []),
        ("POST", "/contact", {"first_name": "No mail address"}, []),
        ("DELETE", "/team-member/3", None, []),
        ("GET", "/contact", None, []),
    ],
)
async def test_only_what_is_new_and_done_is_told(method: str, path: str, body: Any, names: list[str]) -> None:
    async with listening() as (sandbox, heard), client(sandbox) as http:
        await http.request(method, path, json=body)
    assert [each["event"] for each in heard] == names


async def test_a_task_that_is_opened_again_is_completed_again() -> None:
    steps = [("complete_task", {**TASK, "is_completed": done}) for done in (True, True, False, True)]
    assert [name for name, _ in await told(*steps)] == ["task.completed"] * 2
