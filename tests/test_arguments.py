"""What is meant is taken: words as people write them, one value for a list; and what is said where nothing is meant."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp import arguments, errors, operation, own
from taskip_mcp.operation import Tool

OPERATIONS = operation.load_all()
NEW: dict[str, Any] = {"invoice_no": "1", "contact_id": 1, "subject": "Design", "currency": "EUR"}


@pytest.mark.parametrize(
    ("tool", "given", "name", "wanted"),
    [
        ("list_tickets", {"priority": "Urgent"}, "priority", "urgent"),
        ("list_tickets", {"status": "In progress"}, "status", "in_progress"),
        ("list_tickets", {"status": "in-progress"}, "status", "in_progress"),
        ("create_invoice", NEW | {"currency": "eur"}, "currency", "EUR"),
        ("list_invoices", {"detail": True}, "detail", "full"),
        ("list_invoices", {"fields": "total"}, "fields", ["total"]),
        ("list_invoices", {"fields": "id, total"}, "fields", ["id", "total"]),
        ("list_projects", {"status": "On Hold"}, "status", "on_hold"),
        ("list_projects", {"status": "In review"}, "status", "In review"),
        ("update_project_status", {"project_id": 1, "status": "ON-HOLD"}, "status", "on_hold"),
        ("list_team_members", {"role": "Project Manager"}, "role", "project_manager"),
        ("get_contact", {"contact_id": "#12"}, "contact_id", 12),
        ("get_invoice", {"invoice_id": "#30"}, "invoice_id", "#30"),
        ("search_everything", {"query": "x", "groups": "Contacts"}, "groups", ["contacts"]),
        ("list_invoices", {"fields": '["total", "status"]'}, "fields", ["total", "status"]),
        ("bulk_delete_contacts", {"contact_ids": "7"}, "contact_ids", [7]),
        (
            "create_task",
            {"project_id": 1, "title": "x", "container_id": 1, "assignee_ids": "5"},
            "assignee_ids",
            [5],
        ),
    ],
)
def test_words_and_lists_are_taken_as_people_give_them(
    tool: str, given: dict[str, Any], name: str, wanted: Any
) -> None:
    assert arguments.validate({**OPERATIONS, **own.tools()}[tool], given)[name] == wanted


@pytest.mark.parametrize(
    ("tool", "given", "words"),
    [
        ("list_tickets", {"priority": "urgentest"}, ["must be one of low, medium, high, urgent"]),
        ("list_invoices", {"date_from": "12/05/2026"}, ["date_from: give a day as YYYY-MM-DD", "12/05/2026"]),
        ("list_invoices", {"date_from": "2026-13-01"}, ["give a day as YYYY-MM-DD"]),
        (
            "create_invoice",
            NEW | {"items": [{"name": "a", "quantity": 1, "rate": 2}]},
            ["items.0.quantity: there is no such field. It takes name, qty, rate, label."],
        ),
    ],
)
def test_what_is_wrong_is_said_with_what_is_right(tool: str, given: dict[str, Any], words: list[str]) -> None:
    with pytest.raises(errors.ArgumentError) as told:
        arguments.validate(OPERATIONS[tool], given)
    assert all(each in str(told.value) for each in words)


# --- what confirm is for ----------------------------------------------------------------------------------


def said(tool: Tool) -> str:
    return arguments.schema_of(tool)["properties"]["confirm"]["description"]


def test_where_only_some_calls_have_consequences_it_is_said_that_the_others_run_at_once() -> None:
    for tool in OPERATIONS.values():
        if tool.gated:
            always = tool.judge is None or bool(tool.judge({}))
            assert said(tool).startswith("Omit to preview") is always, tool.name
            assert said(tool).endswith("Else it runs at once.") is not always, tool.name
    assert said(OPERATIONS["update_invoice_status"]).startswith("If it moves money: omit to preview")
    assert said(own.tools()["resume_job"]).startswith("Omit to preview")
