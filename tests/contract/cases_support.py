"""Tickets, documents, meetings, inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.contract import sample
from tests.contract.case import Case, Try

TICKET = sample.record("ticket")
STATUS = {0: "open", 1: "in_progress", 2: "closed", 3: "replied", 4: "waiting_for_reply", 5: "queue"}
# The guide's fifth label is the observed fourth: urgent is sent as 3.
PRIORITY = {0: "low", 1: "medium", 2: "high", 3: "urgent", 4: "urgent"}
LABELS: Mapping[str, Mapping[Any, Any]] = {"status": STATUS, "priority": PRIORITY}
TICKET_KEPT = {
    "subject": TICKET["subject"],
    "priority": TICKET["priority"],
    "status": TICKET["status"],
    "attachment": TICKET["attachment"]["id"],
    "created_by": TICKET["created_by"]["id"],
    "user_id": TICKET["user"]["id"],
}
SOLVED = {"status": "resolved", "resolution_notes": "Restarted", "notify_client": True}
CLOSED = {"status": "closed"}
GUIDE_REPLY = frozenset({"status", "attachment", "reply_by_user_id"})
REFERENCE_REPLY = frozenset({"author_type", "is_private", "notify_client"})
FILES = (("files[]", "a.txt"), ("files[]", "b.txt"))
VISIBILITY = {"visibility": {0: "private", 1: "team", 2: "public"}}


def _ticket(record: dict[str, Any]) -> dict[str, Any]:
    """Words for the numbers of status and priority, as the vendor's own site has them, and the numbers beside them."""
    words = {"status": STATUS[record["status"]], "priority": PRIORITY[record["priority"]]}
    return record | words | {"status_raw": record["status"], "priority_raw": record["priority"]}


def _tickets(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_ticket(row) for row in rows]


def _uploaded(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"uploaded_files": rows}


BOOKING = sample.record("booking")
SLOT = {"date": "2026-01-05", "time_slot_start": "09:30", "time_slot_end": "10:00"}
PERSON = {"first_name": "Ada", "last_name": "B", "email": BOOKING["email"]}
STRANGER = {**PERSON, "email": "nobody@x.example"}


def _without_traces(booking: dict[str, Any]) -> dict[str, Any]:
    """What the visitor's browser gave away stays out, and the meeting page is shown in brief."""
    kept = {name: value for name, value in booking.items() if name not in {"ip", "browser", "os", "device"}}
    return kept | {"meeting": {name: kept["meeting"][name] for name in ("uuid", "title")}}


def _bookings(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [_without_traces(row) for row in rows]


def _booking(record: dict[str, Any]) -> dict[str, Any]:
    """What the answer holds beside the record, under names that are spelt right."""
    beside: dict[str, Any] = {"availability": sample.value("list:ref:availability_day"), "answers": {}}
    return _without_traces(record) | beside


CASES: Mapping[str, Case] = {
    "ticket.list": Case(result=_tickets, refused=frozenset({"category"})),
    "ticket.create": Case(labels=LABELS, result=_ticket),
    "ticket.get": Case(minimal=(Try({"ticket_id": TICKET["uuid"]}),), result=_ticket),
    "ticket.update": Case(
        # An update that replaces: what is left out is read from the record and sent along.
        minimal=(Try({"description": "New"}, without=frozenset({"subject", "priority"}), wire=TICKET_KEPT),),
        labels=LABELS,
        result=_ticket,
        optional=frozenset({"subject", "priority"}),
    ),
    "ticket.delete": Case(minimal=(Try({"ticket_id": TICKET["uuid"]}),)),
    "ticket.assign": Case(),
    "ticket.status_update": Case(
        # The routes know different words and different fields, and answer differently.
        full=(
            Try(
                {"status": "queue"},
                without=frozenset({"resolution_notes", "notify_client"}),
                wire={"status": 5},
                on=("guide",),
            ),
            Try(SOLVED, wire=SOLVED, on=("reference",), changed=SOLVED),
        ),
        minimal=(
            Try({"status": "closed"}, reference={"status": "closed"}, guide={"status": 2}, changed=CLOSED),
        ),
        labels={"status": STATUS},
    ),
    "ticket.add_reply": Case(
        # description and message are the same text; each route has fields that the other lacks.
        full=(
            Try(
                {"message": "Hi", "status": "closed"},
                without=REFERENCE_REPLY,
                wire={"status": 2},
                on=("guide",),
            ),
            Try({"message": "Hi"}, without=GUIDE_REPLY, wire={"message": "Hi"}, on=("reference",)),
        ),
        minimal=(Try({"message": "Hi"}, reference={"message": "Hi"}),),
        renames={"message": "description"},
    ),
    "ticket.upload_attachments": Case(
        full=(Try({"file_paths": ["a.txt", "b.txt"]}, files=FILES),),
        minimal=(Try({"file_paths": ["a.txt"]}, files=FILES[:1]),),
        renames={"file_paths": "files[]"},
        result=_uploaded,
    ),
    "ticket.list_attachments": Case(),
    "ticket.bulk_actions": Case(
        full=(
            Try(
                {"action": "status_update", "status": "resolved", "resolution_notes": "Restarted"},
                wire={"parameters": {"status": "resolved", "resolution_notes": "Restarted"}},
            ),
            Try({"action": "assign", "assigned_to": 7}, wire={"parameters": {"assigned_to": 7}}),
            Try({"action": "add_tags", "tags": ["vip"]}, wire={"parameters": {"tags": ["vip"]}}),
        ),
        minimal=(Try({"action": "delete"}),),
        renames=dict.fromkeys(["status", "resolution_notes", "assigned_to", "tags"], "parameters"),
    ),
    "ticket.analytics": Case(),
    "document.list": Case(refused=frozenset({"file_type"})),
    "document.create": Case(
        full=(
            Try(),
            # The reference calls it an upload: a form then, in which everything is text.
            Try({"file_path": "a.pdf"}, wire={"visibility": "2"}, files=(("file", "a.pdf"),)),
        ),
        labels=VISIBILITY,
        renames={"file_path": "file"},
        undocumented=frozenset({"file"}),
    ),
    "document.get": Case(),
    "document.update": Case(minimal=(Try({"name": "x"}),)),
    "document.delete": Case(),
    "document.download": Case(),
    "meeting.list": Case(refused=frozenset({"type", "participant", "date_from", "date_to"})),
    "meeting.get": Case(),
    "meeting.list_bookings": Case(result=_bookings),
    "meeting.get_booking": Case(result=_booking),
    "meeting.book": Case(
        full=(
            Try(
                {**SLOT, **PERSON, "answers": {"Topic": "Site"}},
                wire={"booking_data": {"Topic": "Site", **PERSON}},
                id=BOOKING["id"],
            ),
        ),
        # Nobody of that address has booked: the id stays unknown.
        minimal=(Try({**SLOT, **STRANGER}, wire={"booking_data": STRANGER}),),
        renames=dict.fromkeys([*PERSON, "answers"], "booking_data"),
        needed=frozenset(PERSON),
    ),
    "inbox.list": Case(),
    "inbox.new_message": Case(
        # Recipients travel as a list, copies as text with commas.
        full=(
            Try(
                {"to_emails": ["a@x.example"], "cc": ["b@x.example", "c@x.example"], "bcc": ["d@x.example"]},
                wire={"cc": "b@x.example,c@x.example", "bcc": "d@x.example"},
            ),
        ),
        # An email without a text and without a template is refused.
        minimal=(Try({"to_emails": ["a@x.example"], "message": "Hello"}),),
    ),
    "inbox.reply": Case(),
    "inbox.assign_tags": Case(),
    "inbox.get_email_address": Case(),
    "inbox.update_tag": Case(),
    "inbox.delete_tag": Case(),
}
