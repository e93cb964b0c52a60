"""Every change that claims a way back: the whole state of the sandbox before it and after its undo."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from taskip_mcp.operation import Effect
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.sandbox.routing import RouteSet
from tests.undoing import OPERATIONS, World, differences

pytestmark = pytest.mark.anyio

WRITES = {name: each for name, each in OPERATIONS.items() if each.effect is not Effect.READ}
LOGGED = {"activity+": "activity shows both changes"}
MAIL = {"mail+": "cannot be called back"}


@dataclass(frozen=True)
class Case:
    """A change; `stays` maps what differs after its undo to the words that announce it."""

    tool: str
    given: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())
    stays: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    again: dict[str, str] = field(default_factory=lambda: dict[str, str]())
    """The same of the undo of its undo."""
    shown: bool = True
    """Whether the sandbox shows afterwards what the change set."""

    def __str__(self) -> str:
        return f"{self.tool}-{'-'.join(self.given) or 'plain'}"


PROJECT = {"project_id": 1}
TASK = PROJECT | {"task_id": 1}
RECURRED = {"invoice.recurring_payment": "is_recurring: it recurred before"}
LINES = [{"description": "Work", "quantity": 2, "unit_price": 50}]

CASES = [
    Case(
        "update_contact",
        stays={"mail+": "cannot be called back"},
    ),
    Case(
        "update_contact",
        {
            "contact_id": 1, "first_name": "New", "last_name": "Name", "email": "new@new.example", "country_id": 9,
            "phone_code": "+49", "company_id": 3, "timezone": "Europe/Berlin", "details": "Notes", "zip_code": "12345",
            "custom_fields": {"vip": "yes"},
        },
        {"contact.phone_code": "phone_code: TaskIP does not show"},
    ),
    Case("update_contact", {"contact_id": 40, "last_name": "Z", "country_id": 3},
         {"contact.country_id": "country_id: it was empty"}),
    Case("update_contact", {"contact_id": 40, "company_id": 3, "address": "1 Street"}),
    Case("update_contact", {"contact_id": 2, "access_portal": True, "password": "secret-1"},
         again={"contact.access_portal": "access_portal: the portal was open"}),
    Case("update_contact", {"contact_id": 1, "access_portal": False, "position": "CEO"},
         {"contact.access_portal": "access_portal: the portal was open"}),
    Case("update_company"),
    Case(
        "update_company",
        {
            "company_id": 10, "name": "N", "email": "n@n.example", "phone_number": "1", "c_size": 4, "c_type": 5,
            "country_id": 1, "state_id": 3, "city_id": 4, "clear": ["website", "address"],
        },
    ),
    Case("update_team_member"),
    Case("update_team_member", {"member_id": 3, "role_id": 2, "first_name": "R", "team_id": 2, "clear": ["position"]},
         {"team_member.role_id": "role_id is sent as the change set it"}),
    Case("update_team_member", {"member_id": 3, "role_id": 3, "image": 9, "email": "ravi@new.example"}),
    Case("update_invoice"),
    Case(
        "update_invoice",
        {
            "invoice_id": 57, "invoice_no": "X-9", "contact_id": 2, "payment_gateway": "paypal", "template": 3,
            "issue_date": "2026-01-01", "due_date": "2026-02-01", "currency": "CHF", "discount": 10,
            "discount_type": "percent", "items": [{"name": "Other", "qty": 1, "rate": 10}],
            "notes": [{"title": "T", "description": "D", "enable": True}],
            "recurring_payment": {"is_payment_reccuring": True, "payment_recurring_type": "monthly"},
            "payable": {"payable_amount": 5, "payable_amount_type": "fixed", "payment_type": "part"},
        },
    ),
    Case("update_invoice", {"invoice_id": 57, "tax_ids": [1], "subtotal": 1, "total": 2}),
    Case("update_invoice", {"invoice_id": 57, "clear": ["items", "due_date", "notes"]}),
    Case("update_invoice_status", {"invoice_id": 57, "status": "cancelled", "notes": "gone"}),
    Case("set_invoice_payment_gateway"),
    Case("set_invoice_recurring", again=RECURRED),
    Case("set_invoice_recurring", {
        "invoice_id": 57, "is_recurring": True, "frequency": "weekly", "interval": 2, "end_date": "2099-01-01",
        "max_cycles": 5,
    }, again=RECURRED),
    Case("bulk_update_invoices", {"invoice_ids": [58, 59, 60], "action": "mark_sent"},
         {"invoice.status": "60: status: it was paid, and setting that again would record another payment"}),
    Case("update_quotation"),
    Case(
        "update_quotation",
        {
            "quotation_id": 2, "contact_id": 1, "subject": "S", "items": LINES, "estimate_no": "Q-9", "folder_id": 4,
            "up_payment_status": True, "up_payment_amount": 100, "up_payment_type": "fixed", "currency": "USD",
            "status": "sent", "clear": ["expire_date", "terms_condition", "turnaround_times"],
        },
    ),
    Case("update_quotation_status", {"quotation_id": 1, "status": "expired", "reason": "too late"}),
    Case("bulk_update_quotations", {"quotation_ids": [1, 2, 5], "action": "status_update", "status": "expired"}),
    Case("update_ticket"),
    Case(
        "update_ticket",
        {
            "ticket_id": "3", "subject": "S", "priority": "urgent", "status": "queue", "created_by": 2, "user_id": 105,
            "clear": ["description", "attachment"],
        },
    ),
    Case("update_ticket", {"ticket_id": "1", "subject": "S", "email": "x@y.example"},
         again={"ticket.email": ""}),  # TaskIP shows no email, and an update replaces the ticket
    Case("update_ticket_status"),
    Case("update_ticket_status", {"ticket_id": "@ticket:4", "status": "waiting_for_reply"}),
    Case("bulk_update_tickets"),
    Case("update_document"),
    Case("update_document", {"document_id": 1, "name": "N", "description": "D", "tags": ["a"]},
         {"document.description": "description: TaskIP does not show", "document.tags": "tags: TaskIP does not show"}),
    # The sandbox shows every document in the same folder.
    Case("update_document", {"document_id": 1, "folder_id": 5}, again={"document.folder_id": ""}, shown=False),
    Case("update_project", stays=MAIL),
    Case(
        "update_project",
        {
            "project_id": "@project:2", "description": "D", "priority": 1, "privacy": "private", "status": "on_hold",
            "started_at": "2026-01-01", "client_ids": [1, 2], "category_ids": [6], "complete_status_id": 3,
            "assignee_ids": [2], "clear": ["tag_ids", "ended_at", "project_manager_ids"],
        },
    ),
    Case("update_project_priority", stays=LOGGED),
    Case("update_project_status", stays=LOGGED),
    Case("update_project_category"),
    Case("bulk_update_project_categories"),
    Case("update_task"),
    Case(
        "update_task",
        {
            "project_id": "@project:1", "task_id": 1, "title": "T", "container_id": 3, "priority": "critical",
            "order": 9, "due_date": "2026-01-01", "assignee_ids": [2, 3], "document_ids": [2],
            "clear": ["description", "label_ids"],
        },
    ),
    Case("reorder_tasks", again={"task.order": "its tasks are numbered from 1"}),
    Case("reorder_tasks", PROJECT | {"container_id": 1, "order": [
        {"task_id": 9, "order": 1}, {"task_id": 5, "order": 2}, {"task_id": 1, "order": 3},
    ]}),
    Case("move_task"),
    Case("move_task", TASK | {"container_id": 3, "order": 2}),
    Case("update_task_priority"),
    Case("complete_task"),
    Case("complete_task", PROJECT | {"task_id": 4, "is_completed": False}),
    Case("add_task_label"),
    Case("remove_task_label"),
    Case("add_task_assignee"),
    Case("remove_task_assignee"),
    Case("rename_container"),
    Case("update_container_color"),
    Case("reorder_containers"),
    Case("move_container_tasks"),
    Case("update_project_attribute"),
    Case("update_project_attribute", {"attribute_id": 2, "title": "T", "color": "#000000", "type": "label"}),
    Case("update_pipeline"),
    Case("update_pipeline", {"pipeline_id": "@pipeline:2", "title": "T", "status": "archived"}),
    Case("update_deal"),
    Case("update_deal", {
        "pipeline_id": "@pipeline:1", "deal_id": 2, "deal_name": "D", "company_id": 4, "contact_id": 13,
        "deal_owner_id": 2, "deal_stage_id": 5, "closing_date": "2026-12-31", "clear": ["description"],
    }),
    Case("move_deal"),
    Case("bulk_update_deals"),
    Case("bulk_update_deals", {
        "pipeline_id": "@pipeline:1", "deal_ids": [1, 9, 10], "action": "update_status", "status": "won",
    }),
    Case("update_stage"),
    Case("update_stage", {"pipeline_id": "@pipeline:1", "stage_id": 2, "title": "T", "color": "#000000", "order": 9}),
    Case("reorder_stages"),
    Case("update_inbox_tag"),
    Case("update_inbox_tag", {"tag_id": 2, "name": "Billing", "color": "#000000"}),
]  # fmt: skip
EACH = pytest.mark.parametrize("case", CASES, ids=str)


@EACH
async def test_an_undo_brings_back_everything_that_it_does_not_call_lost(case: Case, tmp_path: Path) -> None:
    world = World(tmp_path)
    before = world.state
    change = await world.change(case.tool, world.given(case.tool, case.given))
    assert differences(before, world.state)
    made = change.plan
    assert made.refused == ""
    assert await world.since(change) == [] or not case.shown
    await world.carry_out(made)
    assert differences(before, world.state) == case.stays.keys()
    for words in case.stays.values():
        assert any(words in line for line in made.lost)


@pytest.mark.parametrize("routes", ["reference", "guide"])
@pytest.mark.parametrize("case", [case for case in CASES if not case.given], ids=str)
async def test_an_undo_uses_whichever_routes_there_are(case: Case, routes: RouteSet, tmp_path: Path) -> None:
    world = World(tmp_path, Sandbox(limits=False, routes=routes))
    before = world.state
    change = await world.change(case.tool, world.given(case.tool, case.given))
    assert await world.since(change) == []
    await world.carry_out(change.plan)
    assert differences(before, world.state) == case.stays.keys()


@EACH
async def test_the_undo_of_an_undo_brings_the_change_back(case: Case, tmp_path: Path) -> None:
    world = World(tmp_path)
    change = await world.change(case.tool, world.given(case.tool, case.given))
    after = world.state
    undone = await world.carry_out(change.plan)
    assert undone
    said: list[str] = []
    for each in undone:
        said += [*each.plan.lost, each.plan.refused]
        await world.carry_out(each.plan)
    assert differences(after, world.state) - LOGGED.keys() == case.again.keys()
    for words in case.again.values():
        assert any(words in line for line in said)
