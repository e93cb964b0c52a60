"""Bookable meeting pages and their bookings. A meeting here is a page with open hours, not a calendar event."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal, cast

from pydantic import Field

from taskip_mcp.call import Call
from taskip_mcp.errors import ArgumentError, TaskipError
from taskip_mcp.facts import Arguments, Found
from taskip_mcp.operation import Consequence, Effect, operation
from taskip_mcp.params import (
    ROWS,
    BookingId,
    ClockTime,
    DateFrom,
    DateTo,
    Day,
    Email,
    Limit,
    MeetingId,
    Order,
    PageNumber,
    ShortText,
    Timezone,
)
from taskip_mcp.results import Page, Record, Written

# What the visitor's browser gave away; nobody needs it to run a business (contract meeting.list_bookings).
TRACES = frozenset({"ip", "browser", "os", "device"})
BOOKING = "/meeting/{meeting_id:uuid}/booking"


def without_traces(booking: Record) -> Record:
    """A booking without the visitor's traces, and with its meeting in brief instead of in full."""
    kept = {name: value for name, value in booking.items() if name not in TRACES}
    meeting: Any = kept.get("meeting")
    if isinstance(meeting, dict):
        kept["meeting"] = {name: meeting[name] for name in ("uuid", "title") if name in meeting}
    return kept


@operation("meeting.list", "GET /meeting-list", Effect.READ)
async def list_meetings(
    call: Call,
    page: PageNumber = None,
    limit: Limit = ROWS,
    status: Annotated[
        Literal["upcoming", "completed", "cancelled"] | None,
        Field(description="Pages are only active or not."),
    ] = None,
    sort: Literal["start_time", "created_at", "title"] | None = None,
    order: Order = None,
) -> Page:
    """List bookable meeting pages. For who booked use list_meeting_bookings."""
    return await call.rows()


@operation("meeting.get", "GET /meeting/details/{meeting_id:uuid}", Effect.READ, reads="meeting_id")
async def get_meeting(call: Call, meeting_id: MeetingId) -> Record:
    """Get one meeting page with weekly hours and form fields. Free slots cannot be listed."""
    return await call.record()


@operation("meeting.list_bookings", "GET /meeting/{meeting_id:uuid}/booking-list", Effect.READ)
async def list_meeting_bookings(
    call: Call,
    meeting_id: MeetingId,
    page: PageNumber = None,
    limit: Limit = ROWS,
    search: Annotated[str | None, Field(description="Attendee's name or email.")] = None,
    status: Literal["confirmed", "pending", "cancelled"] | None = None,
    date_from: DateFrom = None,
    date_to: DateTo = None,
) -> Page:
    """List the bookings of a meeting page: who, when, and their answers."""
    found = await call.rows()
    return Page([without_traces(row) for row in found.items], found.total, found.next_page)


@operation("meeting.get_booking", f"GET {BOOKING}/details/{{booking_id:id}}", Effect.READ, reads="booking_id")
async def get_meeting_booking(call: Call, meeting_id: MeetingId, booking_id: BookingId) -> Record:
    """Get one booking with the attendee's answers and the page's weekly hours."""
    answer = await call()
    # The answers come twice, and the key of the hours is misspelt (contract meeting.get_booking).
    beside = {"availability": answer.get("availibility"), "answers": answer.get("booking_data")}
    record = without_traces(call.one(answer))
    return record | {name: value for name, value in beside.items() if value is not None}


def _forward(arguments: Arguments) -> None:
    if arguments["time_slot_end"] <= arguments["time_slot_start"]:
        raise ArgumentError("time_slot_end must be later than time_slot_start. Nothing was sent.")


def _slot(arguments: Arguments, meeting: Record) -> list[str]:
    """What is booked in words that a person can check, and whether the page is open then."""
    day: datetime.date = arguments["date"]
    start, end = arguments["time_slot_start"], arguments["time_slot_end"]
    title = f" for {meeting['title']}" if meeting.get("title") else ""
    said = [f"It books {day:%A} {day} {start}-{end}{title}.", f"It goes to {arguments['email']}."]
    return said + _closed(arguments, meeting, f"{day:%A}")


def _closed(arguments: Arguments, meeting: Record, weekday: str) -> list[str]:
    """A warning where the weekly hours do not hold the slot; free slots are not shown (contract meeting.get)."""
    day = str(arguments["date"])
    first, last = str(meeting.get("applicable_from") or day), str(meeting.get("applicable_to") or day)
    if not first[:10] <= day <= last[:10]:
        return [f"The page takes bookings from {first[:10]} to {last[:10]} alone."]
    days = cast("list[Record] | None", meeting.get("availability"))
    zone = arguments.get("timezone")
    # Hours are in the page's zone, which its record need not show.
    if days is None or (zone and zone != meeting.get("timezone")):
        return []
    own = [
        each for each in days if each.get("day") == weekday.lower() and each.get("status") in {"open", None}
    ]
    slots = [slot for each in own for slot in cast("list[dict[str, str]]", each.get("times") or [])]
    hours = [(slot["time_slot_start"], slot["time_slot_end"]) for slot in slots]
    start, end = arguments["time_slot_start"], arguments["time_slot_end"]
    if any(opens <= start and end <= ends for opens, ends in hours):
        return []
    open_ = ", ".join(f"{opens}-{ends}" for opens, ends in hours)
    return [f"That is outside the page's hours: on {weekday} {open_ or 'it is closed'}."]


@operation(
    "meeting.book",
    f"POST {BOOKING}",
    Effect.CREATE,
    possible={Consequence.SEND},
    warns="The attendee is mailed a confirmation; the API cannot cancel a booking.",
    follows=_slot,
    check=_forward,
    found=Found(
        "meeting.list_bookings",
        {"email": "email", "date": "date", "time_slot_start": "time_slot_start"},
        {"search": "email"},
        age="created_at",
        unique=True,  # nobody books the same slot twice
    ),
)
async def book_meeting(
    call: Call,
    meeting_id: MeetingId,
    date: Day,
    time_slot_start: ClockTime,
    time_slot_end: ClockTime,
    first_name: ShortText,
    last_name: ShortText,
    email: Email,
    answers: Annotated[
        dict[str, Any] | None, Field(description="Form fields of get_meeting, by label.")
    ] = None,
    timezone: Timezone = None,
) -> Written:
    """Book a slot of a meeting page for somebody: mails them, and cannot be cancelled here."""
    # The table calls booking_data an array, the example is a map with the attendee in it (contract meeting.book).
    person = {"first_name": first_name, "last_name": last_name, "email": email}
    slot = {"date": date, "time_slot_start": time_slot_start, "time_slot_end": time_slot_end}
    zone = {"timezone": timezone} if timezone else {}
    body = slot | zone | {"booking_data": (answers or {}) | person}
    done = await call.write(f"Meeting booked for {email} on {date} at {time_slot_start}", body=body)
    number = await _booking_id(call, email, date.strftime("%d-%b-%Y"))
    words = "" if number else "; its booking id could not be looked up, see list_meeting_bookings"
    return Written(done.done + words, number, done.changed)


async def _booking_id(call: Call, email: str, day: str) -> int | None:
    """The id, which the answer lacks: the one booking of this person on this day, None if it is not one."""
    try:
        found: Page = await call.read(
            "meeting.list_bookings", meeting_id=call.arguments["meeting_id"], search=email
        )
    except TaskipError:
        return None
    own = [row["id"] for row in found.items if row.get("email") == email and row.get("date") == day]
    return own[0] if len(own) == 1 else None
