"""Tickets, documents, meetings, inbox."""

from __future__ import annotations

from collections.abc import Mapping

from tests.contract.case import Case

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
    "meeting.list_bookings": Case(),
    "meeting.get_booking": Case(),
    "meeting.book": Case(),
    "inbox.list": Case(),
    "inbox.new_message": Case(),
    "inbox.reply": Case(),
    "inbox.assign_tags": Case(),
    "inbox.get_email_address": Case(),
    "inbox.update_tag": Case(),
    "inbox.delete_tag": Case(),
}
