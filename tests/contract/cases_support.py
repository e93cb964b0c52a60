"""Tickets, documents, meetings, inbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tests.contract import sample
from tests.contract.case import Case, Try

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
    "ticket.list": Case(),
    "ticket.create": Case(),
    "ticket.get": Case(),
    "ticket.update": Case(),
    "ticket.delete": Case(),
    "ticket.assign": Case(),
    "ticket.status_update": Case(),
    "ticket.add_reply": Case(),
    "ticket.upload_attachments": Case(),
    "ticket.list_attachments": Case(),
    "ticket.bulk_actions": Case(),
    "ticket.analytics": Case(),
    "document.list": Case(),
    "document.create": Case(),
    "document.get": Case(),
    "document.update": Case(),
    "document.delete": Case(),
    "document.download": Case(),
    "meeting.list": Case(),
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
