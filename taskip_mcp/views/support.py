"""Tickets, documents, meeting pages, bookings, conversations.

=============  ==========================================  =================================================
view           rows have                                   never shown, and why
=============  ==========================================  =================================================
ticket         ids, subject, status, priority, user,       the age where the moment is known; pictures; ids of
               moment, begin of the description            replies, which nothing takes
document       name, folder, visibility, who made it       uuid (tools take the id), pictures
meeting        title, place, host, times                   logo, slug, look of the page, ids of its parts
booking        who, when, status, answers                  uuid (tools take the id); the page's weekly hours,
                                                           which get_meeting has; name and email once more
conversation   uuid, sender, subject, begin of the text    Message-ID and its like, ``send_type``
=============  ==========================================  =================================================

People of tickets and documents are users, whose numbers are not those of contacts: ``Name (user 108)``, and never under
``client``. A contact has its `user_id`, and the client of a document its `contact_id`.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from taskip_mcp import dates
from taskip_mcp.outside import joined
from taskip_mcp.views import declare
from taskip_mcp.views.forms import (
    NAME,
    Part,
    bare,
    each,
    either,
    empty,
    first,
    flag,
    inner,
    joined_up,
    list_of,
    named,
    object_of,
    objects_of,
    person,
    picked,
    same,
    shaped,
    shortened,
    text_of,
    user,
    user_named,
    word,
)

if TYPE_CHECKING:
    from taskip_mcp.wire import JsonObject

# --- tickets ----------------------------------------------------------------------------------------------


def _moment(record: JsonObject) -> Any:
    """Day and time, which have no zone; the age where they are missing (contract quirk of ticket.list)."""
    day = text_of(record.get("date"))
    return dates.moment(day, text_of(record.get("time"))) if day else record.get("createAt")


WHEN = Part(("date", "time", "createAt"), _moment)
TICKET_DATES = {"createAt": "relative", "date": "d-M-Y", "time": "h:iA"}


def _author(record: JsonObject) -> Any:
    """Who opened the ticket, unless that is the person whom it is about."""
    made, user = record.get("created_by"), record.get("user")
    ids = [row.get("id") for row in (*objects_of(made), *objects_of(user))]
    return None if len(ids) == 2 and ids[0] == ids[1] else user_named(made)


REPLY = declare.of(
    {
        "created_at": WHEN,
        "user": user("user"),
        "message": first("description"),
        "attachment": person("attachment"),
    },
    row="created_at user message attachment",
    drops="id",
    dates=TICKET_DATES,
)

TICKET = declare.of(
    same("id uuid subject status priority")
    | {
        "user": user("user"),
        "email": either(inner("user", "email"), first("email")),
        "created_by": Part(("created_by",), _author),
        "created_at": WHEN,
    }
    | same("last_replied_at updated_at description")
    | {"attachment": person("attachment")}
    | same("reply_count")
    | {"replies": declare.rows_of("replies", REPLY, "record")},
    row="id uuid subject status priority user created_at last_replied_at description",
    # The numbers behind the words (taskip_mcp.groups.ticket_words); full has them.
    drops="status_raw priority_raw",
    dates=TICKET_DATES
    | declare.inside("replies", TICKET_DATES)
    | {"last_replied_at": "relative", "updated_at": "relative"},
)

TICKET_FILE = declare.of(
    same("id")
    | {"name": first("original_filename", "filename"), "size": first("file_size")}
    | same("mime_type uploaded_by uploaded_at download_url"),
    row="id name size mime_type uploaded_by uploaded_at download_url",
    dates={"uploaded_at": "iso"},
)

# --- documents --------------------------------------------------------------------------------------------


def _owning_client(record: JsonObject) -> Any:
    """A client who made the document, with the id that contacts have."""
    made = object_of(record.get("created_by"))
    return named(made, "contact_id") if made and made.get("contact_id") else None


def _shared(row: JsonObject, _: JsonObject) -> Any:
    found = object_of(row.get("user"))
    return row if found is None else user_named({**found, "id": row.get("user_id")})


DOCUMENT = declare.of(
    same("id name")
    | {
        "visibility": shaped("visibility", lambda found: word(found.get("label"))),
        # Creating takes the uuid of a folder, moving its number (contract document.create, document.update).
        "folder": first("folder", "folder_id"),
        "created_by": user("created_by"),
        "client": Part(("created_by",), _owning_client),
    }
    | same("created_at")
    | {"permissions": each("permissions", _shared), "teams": person("teams")}
    | same("access publish"),
    row="id name visibility folder created_by client created_at",
    drops="uuid file_hash",
    # Two shapes: M j, Y, g:i A in the current one (contract schemas document, document_legacy).
    dates={"created_at": "M j, Y, g:i A", "updated_at": "iso"}
    | {"recent_activity.timestamp": "iso", "shared_with.shared_at": "iso"},
)

# --- meetings ---------------------------------------------------------------------------------------------


def _hours(row: JsonObject, _: JsonObject) -> Any:
    """``monday 09:00-16:00``; days that are closed are left out."""
    if row.get("status") not in {"open", None}:
        return None
    slots = [
        joined_up([slot.get("time_slot_start"), slot.get("time_slot_end")], "-")
        for slot in objects_of(row.get("times"))
    ]
    return joined_up([row.get("day"), *slots]) if slots else None


def _phone(record: JsonObject) -> Any:
    return record.get("phone") if record.get("phone_option") else None


MEETING = declare.of(
    same("id uuid title")
    | {"duration_minutes": first("duration")}
    | same("method location timezone status booking_status")
    | {"host": person("host", "user_id")}
    | same("applicable_from applicable_to booking_count description allow_guest")
    | {
        "phone": Part(("phone", "phone_option"), _phone),
        "hours": each("availability", _hours),
        "form": shaped("form", picked("fields", "label type required").make),
        "reminders": each("reminders", lambda row, _: joined_up(map(row.get, ("type", "time", "time_unit")))),
        "allowed_team_members": person("allowed_team_members", key="user_id"),
    },
    row="id uuid title duration_minutes location timezone status booking_status host applicable_from applicable_to"
    " booking_count",
    drops="slug logo customise meeting_integration_id reminder created_by",
    dates={"applicable_from": "Y-m-d", "applicable_to": "Y-m-d"}
    | {"availability.times.time_slot_start": "H:i", "availability.times.time_slot_end": "H:i"},
)


PERSON = ("first_name", "last_name", "email")


def _start(record: JsonObject) -> Any:
    time = text_of(record.get("time_slot_start"))
    return dates.moment(text_of(record.get("date")), time) if time else record.get("time_slot_start")


def _end(record: JsonObject) -> Any:
    time = text_of(record.get("time_slot_end"))
    start, day = text_of(record.get("time_slot_start")), text_of(record.get("date"))
    return slot_end(day, start, time) if time else record.get("time_slot_end")


SLOT = ("time_slot_start", "time_slot_end", "date")


def slot_end(day: str, start: str, end: str) -> str:
    """When a slot ends, from its day and times in ISO: one until 12:00 AM ends on the day after it began."""
    clock = dates.PATTERNS["H:i"]
    if clock.fullmatch(start) and clock.fullmatch(end) and end < start:
        day = _next(day)
    return dates.moment(day, end)


def _next(day: str) -> str:
    try:
        return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day


def _answers(record: JsonObject) -> Any:
    """Label -> value, whether they come as a list or as an object, and without what is beside it anyway."""
    found = record.get("booking_data") if empty(record.get("answers")) else record.get("answers")
    answers = object_of(found)
    if answers is None:
        rows = objects_of(found)
        answers = {row["label"]: row.get("value") for row in rows if isinstance(row.get("label"), str)}
        if not rows or len(answers) != len(list_of(found) or ()):
            return bare(found)
    known = [(name, record.get(name)) for name in PERSON]
    return {name: value for name, value in answers.items() if not empty(value) and (name, value) not in known}


def _attendee(record: JsonObject) -> Any:
    """The attendee, who stands in an object of their own where a booking was just made."""
    record = object_of(record.get("user")) or record
    return named(
        {name: record.get(name) for name in ("first_name", "last_name")} | {"full_name": record.get("name")}
    )


BOOKING = declare.of(
    same("id")
    | {"name": Part(("first_name", "last_name", "name", "user"), _attendee)}
    | {"email": either(first("email"), inner("user", "email"))}
    | {"start": Part(SLOT, _start), "end": Part(SLOT, _end)}
    | same("timezone status")
    | {"is_over": flag("is_over"), "answers": Part(("booking_data", "answers"), _answers)}
    | same("cancel_reason country meeting_link meeting_provider")
    | {"meeting": person("meeting", key="uuid")}
    | same("created_at"),
    row="id name email start end timezone status is_over answers cancel_reason",
    # What the browser gave away is left out by the group already (taskip_mcp.groups.meeting).
    drops="uuid availability allow_guest ip browser os device",
    dates={"date": "d-M-Y", "created_at": "d-M-Y", "time_slot_start": "g:i A", "time_slot_end": "g:i A"}
    | {"meeting.applicable_from": "Y-m-d", "meeting.applicable_to": "Y-m-d"}
    | {"availability.times.time_slot_start": "H:i", "availability.times.time_slot_end": "H:i"},
)

# --- inbox ------------------------------------------------------------------------------------------------


def _sender(record: JsonObject) -> Any:
    """``Name <address>``."""
    name, address = shortened(text_of(record.get("from_name")), NAME), text_of(record.get("from_email"))
    return joined(name, " <", address, ">") if name and address else name or address


def _reply_to(record: JsonObject) -> Any:
    found = record.get("reply_to")
    return None if found == record.get("from_email") else found


CONVERSATION = declare.of(
    same("uuid")
    | {"from": Part(("from_name", "from_email"), _sender)}
    | same("to_email")
    | {"reply_to": Part(("reply_to",), _reply_to)}
    | same("subject is_read created_at")
    | {"body": first("body_plain", "body_html"), "tags": person("tags")}
    | {"replied_by": either(person("replied_by"), person("reply_by"))}
    | same("delivered error_message attachments"),
    row="uuid from to_email reply_to subject is_read created_at body tags replied_by",
    drops="message_id in_reply_to send_type",
    dates={"created_at": "relative"},
)

ADDRESS = declare.of(
    same("connected_email forwarding_email verified_at forwarding_verified_at dns_verified_at"),
    row="connected_email",
    dates={"verified_at": "iso", "forwarding_verified_at": "iso", "dns_verified_at": "iso"},
)

VIEWS = {
    "ticket.list ticket.get ticket.create ticket.update": TICKET,
    "ticket.add_reply": REPLY,
    "ticket.list_attachments ticket.upload_attachments": TICKET_FILE,
    "document.list document.get document.create document.update": DOCUMENT,
    "meeting.list meeting.get": MEETING,
    "meeting.list_bookings meeting.get_booking meeting.book": BOOKING,
    "inbox.list inbox.reply inbox.new_message": CONVERSATION,
    "inbox.get_email_address": ADDRESS,
}
