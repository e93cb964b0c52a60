"""Arguments with which every tool works on the seeded sandbox. ``@kind:id`` stands for the uuid of that record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from taskip_mcp.sandbox import Sandbox

PROJECT = {"project_id": 1}
TASK = PROJECT | {"task_id": 1}
PIPELINE = {"pipeline_id": "@pipeline:1"}
DEAL = PIPELINE | {"deal_id": 1}
MEETING = {"meeting_id": "@meeting:1"}
ITEMS = [{"name": "Design", "qty": 2, "rate": 450.5}]
SOON = "2099-03-01"

CALLS: dict[str, dict[str, Any]] = {
    "list_contacts": {"search": "berg"},
    "create_contact": {"first_name": "Ada", "email": "ada@new.example", "invite_client": True},
    "get_contact": {"contact_id": 1},
    "update_contact": {"contact_id": 1, "position": "CEO", "clear": ["phone_number"], "invite_client": True},
    "delete_contact": {"contact_id": 1},
    "bulk_delete_contacts": {"contact_ids": [1, 2]},
    "invite_client": {"contact_id": 2, "message": "Welcome"},
    "list_companies": {"limit": 5},
    "create_company": {"name": "New Ltd", "email": "hi@new.example"},
    "get_company": {"company_id": 1},
    "update_company": {"company_id": 1, "website": "https://new.example"},
    "delete_company": {"company_id": 1},
    "bulk_delete_companies": {"company_ids": [1, 2]},
    "list_team_members": {"role": "developer"},
    "create_team_member": {"email": "n@new.example", "first_name": "N", "last_name": "M", "role_id": 3},
    "get_team_member": {"member_id": 3},
    "update_team_member": {"member_id": 3, "role_id": 3, "position": "Principal"},
    "delete_team_member": {"member_id": 3},
    "bulk_delete_team_members": {"member_ids": [3, 4]},
    "list_invoices": {"status": "overdue"},
    "create_invoice": {"invoice_no": "X-1", "contact_id": 1, "subject": "S", "currency": "EUR", "items": ITEMS},
    "get_invoice": {"invoice_id": 57},
    "update_invoice": {"invoice_id": 57, "subject": "Changed"},
    "delete_invoice": {"invoice_id": 57},
    "send_invoice": {"invoice_id": 57, "message": "Please find attached."},
    "update_invoice_status": {
        "invoice_id": 57, "status": "paid", "payment_date": "2026-01-02", "payment_method": "bank_transfer",
    },
    "download_invoice_pdf": {"invoice_id": 57},
    "set_invoice_payment_gateway": {"invoice_id": 57, "payment_gateway": "stripe"},
    "set_invoice_recurring": {"invoice_id": 57, "is_recurring": True, "frequency": "monthly"},
    "bulk_update_invoices": {"invoice_ids": [55, 57], "action": "send"},
    "list_quotations": {"status": "sent"},
    "create_quotation": {
        "contact_id": 1, "subject": "Offer", "items": [{"description": "Work", "quantity": 1, "unit_price": 10}],
    },
    "get_quotation": {"quotation_id": 1},
    "update_quotation": {"quotation_id": 2, "note": "internal"},
    "delete_quotation": {"quotation_id": 1},
    "convert_quotation": {"quotation_id": 3, "due_date": SOON},
    "send_quotation": {"quotation_id": 1, "cc_emails": ["boss@x.example"]},
    "update_quotation_status": {"quotation_id": 1, "status": "accepted"},
    "bulk_update_quotations": {"quotation_ids": [1, 2], "action": "status_update", "status": "expired"},
    "list_tickets": {"status": "open"},
    "create_ticket": {"subject": "Help", "priority": "urgent"},
    "get_ticket": {"ticket_id": "1"},
    "update_ticket": {"ticket_id": "1", "subject": "Changed"},
    "delete_ticket": {"ticket_id": "1"},
    "assign_ticket": {"ticket_id": "1", "assigned_to": 6},
    "update_ticket_status": {"ticket_id": "1", "status": "closed"},
    "reply_ticket": {"ticket_id": "1", "message": "<p>Done</p>"},
    "upload_ticket_attachments": {"ticket_id": "1", "file_paths": ["note.txt"]},
    "list_ticket_attachments": {"ticket_id": "3"},
    "bulk_update_tickets": {"ticket_ids": [1, 2], "action": "status_update", "status": "closed"},
    "get_ticket_analytics": {"period": "month"},
    "list_documents": {"search": "brand"},
    "create_document": {"name": "Notes", "visibility": "team", "file_path": "note.txt"},
    "get_document": {"document_id": 1},
    "update_document": {"document_id": 1, "name": "Renamed"},
    "delete_document": {"document_id": 1},
    "download_document": {"document_id": 1},
    "list_projects": {"status": "active"},
    "create_project": {
        "title": "P", "priority": 4, "privacy": "private", "status": "planning", "client_ids": [1],
        "notify_client": True,
    },
    "get_project": PROJECT,
    "update_project": PROJECT | {"title": "Changed", "notify_client": True},
    "delete_project": PROJECT,
    "list_recent_activities": {"limit": 5},
    "list_project_activities": PROJECT,
    "list_all_tasks": {"project_ids": [1]},
    "update_project_priority": PROJECT | {"priority": "critical"},
    "update_project_status": PROJECT | {"status": "completed"},
    "update_project_category": PROJECT | {"category_id": 7},
    "list_tasks": PROJECT,
    "create_task": PROJECT | {"title": "T", "container_id": 1},
    "get_task": TASK,
    "update_task": TASK | {"title": "Changed"},
    "delete_task": TASK,
    "reorder_tasks": PROJECT | {"container_id": 1, "order": [{"task_id": 1, "order": 3}]},
    "move_task": TASK | {"container_id": 2},
    "update_task_priority": TASK | {"priority": "high"},
    "complete_task": TASK | {"is_completed": True},
    "add_task_label": TASK | {"label_id": 12},
    "remove_task_label": TASK | {"label_id": 10},
    "add_task_assignee": TASK | {"assignee_id": 6},
    "remove_task_assignee": TASK | {"assignee_id": 3},
    "list_all_task_files": PROJECT,
    "list_task_files": TASK,
    "attach_task_file": PROJECT | {"task_id": 2, "file_id": 1},
    "delete_task_file": TASK | {"file_id": 1},
    "list_project_files": PROJECT,
    "list_discussions": PROJECT,
    "create_discussion": PROJECT | {"message": "Hello"},
    "list_discussion_files": PROJECT,
    "create_container": PROJECT | {"name": "Blocked", "color": "#EF4444"},
    "rename_container": PROJECT | {"container_id": 1, "name": "Backlog"},
    "update_container_color": PROJECT | {"container_id": 1, "color": "#22C55E"},
    "reorder_containers": PROJECT | {"order": [{"container_id": 2, "order": 1}, {"container_id": 1, "order": 2}]},
    "delete_container": {"project_id": 5, "container_id": 17},
    "move_container_tasks": PROJECT | {"container_id": 1, "target_container_id": 2},
    "list_project_attributes": {},
    "create_project_attribute": {"title": "Slow", "color": "#000000", "type": "label"},
    "update_project_attribute": {"attribute_id": 16, "color": "#111111"},
    "delete_project_attribute": {"attribute_id": 3},
    "bulk_update_project_tags": {"title": "Rush", "color": "#FFFFFF", "type": "tag"},
    "bulk_update_project_categories": {"project_ids": [1, 2], "category_id": 8},
    "list_pipelines": {"status": "active"},
    "create_pipeline": {"title": "Partners"},
    "get_pipeline": PIPELINE,
    "update_pipeline": PIPELINE | {"title": "Changed"},
    "delete_pipeline": PIPELINE,
    "list_deals": PIPELINE | {"status": "active"},
    "create_deal": PIPELINE | {
        "deal_name": "D", "company_id": 1, "contact_id": 1, "deal_owner_id": 5, "deal_stage_id": 1,
        "deal_amount": 900, "closing_date": SOON,
    },
    "get_deal": DEAL,
    "update_deal": DEAL | {"deal_amount": 1234.5},
    "delete_deal": DEAL,
    "move_deal": DEAL | {"stage_id": 3},
    "add_deal_note": DEAL | {"description": "Called"},
    "add_deal_activity": DEAL | {"type": "call", "description": "Called"},
    "bulk_update_deals": PIPELINE | {"deal_ids": [1, 2], "action": "move_stage", "stage_id": 4},
    "list_stages": PIPELINE,
    "create_stage": PIPELINE | {"title": "Trial"},
    "update_stage": PIPELINE | {"stage_id": 1, "title": "New"},
    "delete_stage": PIPELINE | {"stage_id": 5},
    "reorder_stages": PIPELINE | {"order": [{"stage_id": 2, "order": 1}, {"stage_id": 1, "order": 2}]},
    "list_meetings": {},
    "get_meeting": MEETING,
    "list_meeting_bookings": MEETING,
    "get_meeting_booking": MEETING | {"booking_id": 1},
    "book_meeting": MEETING | {
        "date": SOON, "time_slot_start": "09:00", "time_slot_end": "09:30", "first_name": "A", "last_name": "B",
        "email": "a@b.example",
    },
    "list_conversations": {"status": "unread"},
    "send_message": {"to_emails": ["x@y.example"], "subject": "Hi", "message": "Hello", "cc": ["c@y.example"]},
    "reply_conversation": {"conversation_id": "@conversation:1", "message": "Thanks"},
    "assign_conversation_tags": {"conversation_id": "@conversation:1", "tags": [{"label": "VIP"}]},
    "get_inbox_address": {},
    "update_inbox_tag": {"tag_id": 1, "name": "Leads"},
    "delete_inbox_tag": {"tag_id": 1},
}  # fmt: skip

CONSEQUENT: dict[str, dict[str, Any]] = {
    "create_project": {"client_ids": [1], "notify_client": True},
    "update_ticket_status": {"notify_client": True},
    "update_invoice": {"payment_gateway": "paypal"},
    "create_ticket": {"email": "client@somewhere.example"},
}
"""What to add where the usual call of a tool has no consequence."""


def arguments_for(name: str, sandbox: Sandbox) -> dict[str, Any]:
    """The call of a tool, with the uuids of this sandbox."""
    return filled(CALLS[name], sandbox)


def filled(given: Mapping[str, Any], sandbox: Sandbox) -> dict[str, Any]:
    """Arguments with the uuids of this sandbox."""
    return {key: _uuid(value, sandbox) for key, value in given.items()}


def _uuid(value: Any, sandbox: Sandbox) -> Any:
    if not (isinstance(value, str) and value.startswith("@")):
        return value
    kind, number = value[1:].split(":")
    row = sandbox.store.get(kind, int(number))
    assert row is not None
    return row["uuid"]
