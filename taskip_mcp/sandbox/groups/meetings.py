"""Bookable meeting pages and their bookings (contract: meeting.*)."""

from __future__ import annotations

from datetime import date

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.routing import Call, route
from taskip_mcp.sandbox.rules import conflict, invalid
from taskip_mcp.sandbox.store import Row

LIST_ONLY = ("reminder", "booking_status", "timezone")
RULES = {
    "date": "required|date",
    "time_slot_start": "required|time",
    "time_slot_end": "required|time",
    "booking_data": "required|object",
    "timezone": "string",
}
ATTENDEE = ("first_name", "last_name", "email")


def present(call: Call, row: Row) -> Row:
    """A meeting page as lists show it."""
    fields = (
        "id", "uuid", "user_id", "title", "description", "duration", "method", "phone_option", "phone", "location",
        "status", "slug", "applicable_from", "applicable_to", "reminder", "booking_status", "timezone",
        "meeting_integration_id", "allow_guest",
    )  # fmt: skip
    host = shapes.user_ref(call.store.get("team_member", row["user_id"]))
    return shapes.select(row, *fields) | {
        "host": host,
        "created_by": host,
        "booking_count": len(call.store.rows("booking", parent=row["id"])),
        "logo": None,
    }


def _detail(call: Call, row: Row) -> Row:
    shown = {name: value for name, value in present(call, row).items() if name not in LIST_ONLY}
    number = row["id"]
    member = call.store.get("team_member", row["user_id"])
    reference = shapes.user_ref(member) or {}
    return shown | {
        "allowed_team_members": [{**reference, "user_id": row["user_id"]}],
        "availability": _availability(row),
        "form": {"id": number, "meeting_id": number, "fields": row["fields"]},
        "customise": {
            "id": number,
            "meeting_id": number,
            "success_message": row["success_message"],
            "button_text": "Book",
            "primary_color": "#2563EB",
        },
        "reminders": [
            {"id": number, "meeting_id": number, "type": "email", "time": 30, "time_unit": "minutes"}
        ],
    }


def _availability(row: Row) -> list[Row]:
    """Weekday windows, not free slots."""
    days = ("monday", "tuesday", "wednesday", "thursday", "friday")
    return [
        {
            "id": row["id"] * 10 + index,
            "meeting_uuid": row["uuid"],
            "day": day,
            "status": "open",
            "times": [
                {
                    "id": row["id"] * 10 + index,
                    "meetings_day_id": row["id"] * 10 + index,
                    "time_slot_start": row["opens"],
                    "time_slot_end": row["closes"],
                }
            ],
        }
        for index, day in enumerate(days)
    ]


def _booking(call: Call, row: Row) -> Row:
    """A booking with the whole meeting and the visitor's traces, as TaskIP shows it."""
    meeting = call.store.get("meeting", row["parent"])
    assert meeting is not None
    answers = [{"label": label, "value": str(value)} for label, value in row["booking_data"].items()]
    link = {"meeting_link": f"https://meet.example/{row['uuid']}", "meeting_provider": "google_meet"}
    names = (
        "id",
        "uuid",
        "cancel_reason",
        *ATTENDEE,
        "country",
        "ip",
        "browser",
        "os",
        "device",
        "timezone",
        "status",
    )
    return shapes.select(row, *names) | link | {
        "meeting": present(call, meeting),
        "booking_data": answers,
        "date": shapes.php(row["date"], "d-M-Y"),
        "created_at": shapes.php(row["created_at"], "d-M-Y"),
        "time_slot_start": shapes.php(f"{row['date']}T{row['time_slot_start']}", "g:i A"),
        "time_slot_end": shapes.php(f"{row['date']}T{row['time_slot_end']}", "g:i A"),
        "is_over": row["date"] < call.now.date().isoformat(),
    }  # fmt: skip


def _meeting(call: Call) -> Row:
    return call.find("meeting", "Meeting", call.params["uuid"])


@route("GET /meeting-list")
def index(call: Call) -> Row:
    """A Laravel page; the event-like filters match no field and are ignored."""
    rows = shapes.matching(call.store.rows("meeting"), call.query, sort={"title": "title"})
    return call.page(rows, lambda row: present(call, row))


@route("GET /meeting/details/{uuid}")
def show(call: Call) -> Row:
    """A bare record."""
    return _detail(call, _meeting(call))


@route("GET /meeting/{uuid}/booking-list")
def bookings(call: Call) -> Row:
    """Fifteen a page unless asked otherwise."""
    rows = shapes.matching(
        call.store.rows("booking", parent=_meeting(call)["id"]),
        call.query,
        search=ATTENDEE,
        equal={"status": "status"},
        dated="date",
    )
    return call.page(rows, lambda row: _booking(call, row), default=15, search=call.query.get("search"))


@route("GET /meeting/{uuid}/booking/details/{id}")
def booking(call: Call) -> Row:
    """booking_data twice: as a list in the record, as a map beside it."""
    meeting = _meeting(call)
    row = call.find("booking", "Booking", parent=meeting["id"])
    return {
        "data": _booking(call, row),
        "availibility": _availability(meeting),
        "booking_data": row["booking_data"],
    }


@route("POST /meeting/{uuid}/booking")
def book(call: Call) -> Row:
    """Mails the attendee; the answer has no id. A taken or past slot is a 409."""
    meeting = _meeting(call)
    fields = call.valid(RULES)
    answers = fields["booking_data"]
    absent = {
        f"booking_data.{name}": [f"The {name} field is required."]
        for name in ATTENDEE
        if not answers.get(name)
    }
    if absent:
        raise invalid(absent)
    _refuse_taken(call, meeting, fields)
    person = {name: answers[name] for name in ATTENDEE}
    zone = fields.get("timezone") or meeting["timezone"]
    call.store.insert(
        "booking", fields | person | {"timezone": zone, "status": "confirmed"}, parent=meeting["id"]
    )
    call.store.insert("mail", {"to": person["email"], "subject": f"Booked: {meeting['title']}"})
    shown = present(call, meeting)
    kept = ("id", "uuid", "title", "description", "duration", "method", "location", "timezone", "host")
    data = {
        "meeting": {name: shown[name] for name in kept},
        "user": person,
        "timezone": zone,
        "allow_guest": True,
    }
    times = {name: fields[name] for name in ("time_slot_start", "time_slot_end", "date")}
    return {"success_msg": meeting["success_message"], "data": data | times}


def _refuse_taken(call: Call, meeting: Row, fields: Row) -> None:
    if (
        date.fromisoformat(fields["date"]) < call.now.date()
        or fields["time_slot_end"] <= fields["time_slot_start"]
    ):
        raise invalid({"date": ["The selected slot is not available."]})
    for other in call.store.rows("booking", parent=meeting["id"], date=fields["date"]):
        if (
            other["time_slot_start"] < fields["time_slot_end"]
            and fields["time_slot_start"] < other["time_slot_end"]
        ):
            raise conflict("The selected slot is already booked.")
