"""What is read out of records for an answer: amounts, days, names. Pure functions, made for records of any shape."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from taskip_mcp import dates
from taskip_mcp.outside import joined
from taskip_mcp.wire import JsonObject

NO_CURRENCY = "no currency"
CENT = Decimal("0.01")
CLOSED = frozenset({"closed", "resolved", "close"})
ENDED = frozenset({"completed", "cancelled", "archived"})
DECIDED = frozenset({"accepted", "rejected", "expired"})


# --- values -----------------------------------------------------------------------------------------------


def amount(value: Any) -> Decimal | None:
    """A number or the text of one, exactly; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def day(value: Any, form: str = "Y-m-d") -> date | None:
    """A day in the form that the contract gives for the field; None for anything else."""
    try:
        return date.fromisoformat(dates.iso(str(value), form)[:10])
    except ValueError:
        return None


def clock(value: Any) -> str:
    """``1:30 PM`` as ``13:30``; anything else as it is."""
    return dates.iso(str(value or ""), "g:i A")


def inside(value: Any) -> JsonObject:
    """A record within a record; empty where there is none."""
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def each(value: Any) -> list[JsonObject]:
    """The records of a list within a record."""
    return [inside(item) for item in cast("list[Any]", value)] if isinstance(value, list) else []


# --- people -----------------------------------------------------------------------------------------------


def name_of(person: Mapping[str, Any]) -> str:
    """A person's or firm's name, in whichever fields it stands."""
    for field in ("full_name", "name"):
        if isinstance(found := person.get(field), str) and found:
            return found
    parts = [
        part for field in ("first_name", "last_name") if isinstance(part := person.get(field), str) and part
    ]
    return joined(*(text for place, part in enumerate(parts) for text in ((" ", part) if place else (part,))))


def named(record: Any, title: str = "") -> str:
    """``Name (id)``."""
    shown = inside(record)
    name = shown.get(title) if title else name_of(shown)
    words = name if isinstance(name, str) else ""
    return joined(words, f" ({shown['id']})") if shown.get("id") is not None and words else words


def same_person(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two references mean one person: by address, which is unique; by id only where one has no address."""
    addresses = [str(person.get("email") or "").lower() for person in (one, other)]
    if all(addresses):
        return addresses[0] == addresses[1]
    return one.get("id") is not None and one.get("id") == other.get("id")


# --- sums -------------------------------------------------------------------------------------------------


def currency_of(record: Mapping[str, Any]) -> str:
    """The currency of a record's amounts."""
    found = record.get("currency")
    return found if isinstance(found, str) and found else NO_CURRENCY


def money(value: Decimal, currency: str) -> str:
    """``1250.00 EUR``."""
    return f"{value.quantize(CENT)} {currency}" if currency != NO_CURRENCY else f"{value.quantize(CENT)}"


def number(value: Decimal) -> float | int:
    """A sum as a JSON number, whole where it is whole."""
    rounded = value.quantize(CENT)
    return int(rounded) if rounded == rounded.to_integral_value() else float(rounded)


def sums(pairs: Iterable[tuple[str, Decimal]]) -> dict[str, float | int]:
    """The sum of amounts by currency, in the order of the codes."""
    found: dict[str, Decimal] = {}
    for currency, value in pairs:
        found[currency] = found.get(currency, Decimal(0)) + value
    return {currency: number(found[currency]) for currency in sorted(found)}


# --- what is open -----------------------------------------------------------------------------------------


def open_ticket(row: Mapping[str, Any]) -> bool:
    """Whether somebody still has to do something; a status without a known word counts as open."""
    return str(row.get("status")) not in CLOSED


def open_project(row: Mapping[str, Any]) -> bool:
    """Whether a project is not at its end (contract enums.project_status, as far as values were seen)."""
    return str(row.get("status")) not in ENDED


def open_quotation(row: Mapping[str, Any]) -> bool:
    """Whether a quotation waits for a decision."""
    return str(row.get("status")) not in DECIDED


def open_deal(row: Mapping[str, Any]) -> bool:
    """Whether a deal is neither won nor lost; the deals in a stage need not show a status (contract deal)."""
    return row.get("status") in (None, "", "active")


def due(invoice: Mapping[str, Any]) -> Decimal:
    """What is still to be paid; without `due_amount` the total less what was paid."""
    left = amount(invoice.get("due_amount"))
    if left is not None:
        return left
    total = amount(invoice.get("total")) or Decimal(0)
    return total - (amount(invoice.get("partial_paid_amount")) or Decimal(0))


def deal_amounts(deals: Iterable[Mapping[str, Any]]) -> dict[str, float | int]:
    """What deals are worth, by currency."""
    return sums((currency_of(deal), amount(deal.get("deal_amount")) or Decimal(0)) for deal in deals)


def closing(deal: Mapping[str, Any]) -> date | None:
    """The day a deal should close: d/m/y with two digits of this century (contract schema deal)."""
    return day(deal.get("closing_date"), "d/m/y")


# --- rows -------------------------------------------------------------------------------------------------


def slim(row: JsonObject) -> JsonObject:
    """Without what is empty."""
    return {name: value for name, value in row.items() if value not in (None, "", [], {})}


def listed(rows: Sequence[JsonObject], most: int) -> JsonObject:
    """The first rows, and how many there are."""
    return {"total": len(rows)} | ({"items": list(rows[:most])} if rows else {})


def deal_row(deal: JsonObject) -> JsonObject:
    """A deal in brief; its pipeline is needed to open it."""
    closes = closing(deal)
    return slim({
        "id": deal.get("id"),
        "deal_name": deal.get("deal_name"),
        "deal_amount": money(amount(deal.get("deal_amount")) or Decimal(0), currency_of(deal)),
        "closing_date": closes.isoformat() if closes else deal.get("closing_date"),
        "pipeline_id": deal.get("pipeline_uuid"),
    })  # fmt: skip


def ticket_row(ticket: JsonObject) -> JsonObject:
    """A ticket in brief."""
    return slim({name: ticket.get(name) for name in ("id", "subject", "status", "priority")})


def booking_day(booking: Mapping[str, Any]) -> date | None:
    """The day of a booking: d-M-Y (contract schema booking)."""
    return day(booking.get("date"), "d-M-Y")


def booking_row(booking: JsonObject) -> JsonObject:
    """A booking in brief; its meeting page is needed to open it."""
    on, page = booking_day(booking), inside(booking.get("meeting"))
    return slim({
        "id": booking.get("id"),
        "meeting": page.get("title"),
        "meeting_id": page.get("uuid"),
        "name": name_of(booking),
        "start": f"{on.isoformat() if on else booking.get('date')}T{clock(booking.get('time_slot_start'))}",
        "end": clock(booking.get("time_slot_end")),
        "timezone": booking.get("timezone"),
    })  # fmt: skip


def coming(bookings: Iterable[JsonObject], first: date, last: date | None = None) -> list[JsonObject]:
    """Bookings that were not cancelled, from one day to another, in the order in which they take place."""
    kept = [
        row
        for row in bookings
        if (on := booking_day(row)) is not None
        and on >= first
        and (last is None or on <= last)
        and row.get("status") != "cancelled"
    ]
    return sorted(kept, key=lambda row: (booking_day(row) or first, clock(row.get("time_slot_start"))))
