"""What is read out of records for an answer: amounts, days, people. Pure functions, made for records of any shape.

Names and amounts are shown in the forms of the views (`taskip_mcp.views.forms`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from taskip_mcp import dates
from taskip_mcp.filters import folded
from taskip_mcp.views import forms
from taskip_mcp.views.forms import bare, named
from taskip_mcp.views.support import slot_end
from taskip_mcp.wire import JsonObject

NO_CURRENCY = "no currency"
CENT = Decimal("0.01")
CLOSED = frozenset({"closed", "resolved", "close"})
ENDED = frozenset({"completed", "cancelled", "archived"})
DECIDED = frozenset({"accepted", "rejected", "expired"})
WON, LOST = "won", "lost"
THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?", re.ASCII)
"""``1,250.00``, as TaskIP prints amounts; ``1,25`` may be anything."""


# --- values -----------------------------------------------------------------------------------------------


def amount(value: Any) -> Decimal | None:
    """A number or the text of one, by the rule of the views; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    found = forms.number(_plain_amount(value))
    return None if isinstance(found, str) else Decimal(str(found))


def _plain_amount(value: float | str) -> str:
    text = str(value).strip()
    return text.replace(",", "") if THOUSANDS.fullmatch(text) else text


def day(value: Any, form: str = "Y-m-d") -> date | None:
    """A day in the form that the contract gives for the field; None for anything else."""
    try:
        return date.fromisoformat(dates.iso(str(value), form)[:10])
    except ValueError:
        return None


def after(day: date, days: int) -> date:
    """Some days later, as far as there are dates."""
    return day + min(timedelta(days), date.max - day)


def clock(value: Any) -> str:
    """``1:30 PM`` as ``13:30``; anything else as it is."""
    return dates.iso(str(value or ""), "g:i A")


def inside(value: Any) -> JsonObject:
    """A record within a record; empty where there is none."""
    return forms.object_of(value) or {}


def state(record: Mapping[str, Any]) -> str:
    """The status in one spelling; empty where the record shows none."""
    return folded(record.get("status") or "")


def once(rows: Iterable[JsonObject]) -> list[JsonObject]:
    """Each record once, should a filter have been ignored; those without an id all."""
    return list({str(row.get("id") or f"no id {place}"): row for place, row in enumerate(rows)}.values())


# --- people -----------------------------------------------------------------------------------------------


def same_id(one: Any, other: Any) -> bool:
    """Whether two ids of one kind of record are the same, as numbers or texts."""
    return one is not None and other is not None and str(one) == str(other)


def same_person(shown: Mapping[str, Any], person: Mapping[str, Any]) -> bool:
    """Whether a reference means a contact or a member: by address, which is unique.

    Where one has no address, by the number of the user, which references have (contract user_ref); a record that does
    not tell it is taken by its own.
    """
    addresses = [str(each.get("email") or "").strip().casefold() for each in (shown, person)]
    if all(addresses):
        return addresses[0] == addresses[1]
    own = person.get("user_id")
    return same_id(shown.get("id"), person.get("id") if own is None else own)


# --- sums -------------------------------------------------------------------------------------------------


def currency_of(record: Mapping[str, Any]) -> str:
    """The currency of a record's amounts."""
    return forms.text_of(record.get("currency")).strip() or NO_CURRENCY


def money(value: Any, currency: str) -> Any:
    """``1250.00 EUR``; what is no amount as it is."""
    found = amount(value) if not isinstance(value, Decimal) else value
    return bare(value) if found is None else forms.amount(str(found), currency.replace(NO_CURRENCY, ""))


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
    return state(row) not in CLOSED


def open_project(row: Mapping[str, Any]) -> bool:
    """Whether a project is not at its end (contract enums.project_status, as far as values were seen)."""
    return state(row) not in ENDED


def open_quotation(row: Mapping[str, Any]) -> bool:
    """Whether a quotation waits for a decision; deleted ones have the day (schema quotation_list_item)."""
    return state(row) not in DECIDED and not row.get("deleted_at")


def open_deal(row: Mapping[str, Any]) -> bool:
    """Whether a deal of `deal.list` is neither won nor lost."""
    return state(row) not in {WON, LOST}


UNPAID = ("overdue", "sent")
"""Statuses of invoices that wait for money. TaskIP may not have marked yet what became overdue."""


def unpaid(row: Mapping[str, Any]) -> bool:
    """Whether something is left to pay, or may be: an amount that nobody can read is no reason to leave it out.

    A deleted invoice has the day (schema invoice, deleted_at).
    """
    left = due(row)
    return state(row) in UNPAID and not row.get("deleted_at") and (left is None or left > 0)


def due(invoice: Mapping[str, Any]) -> Decimal | None:
    """What is still to be paid; without `due_amount` the total less what was paid. None where neither can be read."""
    left, total = amount(invoice.get("due_amount")), amount(invoice.get("total"))
    if left is not None or total is None or not forms.empty(invoice.get("due_amount")):
        return left
    return total - (amount(invoice.get("partial_paid_amount")) or Decimal(0))


def due_shown(invoice: Mapping[str, Any]) -> Any:
    """The same in its currency; what cannot be read as TaskIP wrote it."""
    left = due(invoice)
    return money(invoice.get("due_amount") if left is None else left, currency_of(invoice))


def due_sums(invoices: Iterable[Mapping[str, Any]]) -> dict[str, float | int]:
    """What is still to be paid, by currency."""
    return sums((currency_of(row), due(row) or Decimal(0)) for row in invoices)


def unread_amounts(invoices: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Under `amounts` how many invoices are in no sum."""
    count = sum(due(row) is None for row in invoices)
    return {"amounts": f"{count} invoices show no amount that can be read: not in the sums"} if count else {}


def deal_amounts(deals: Iterable[Mapping[str, Any]]) -> dict[str, float | int]:
    """What deals are worth, by currency."""
    return sums((currency_of(deal), amount(deal.get("deal_amount")) or Decimal(0)) for deal in deals)


def closing(deal: Mapping[str, Any]) -> date | None:
    """The day a deal should close: d/m/y with two digits of this century (contract schema deal)."""
    return day(deal.get("closing_date"), "d/m/y")


# --- rows -------------------------------------------------------------------------------------------------


def listed(rows: Sequence[Any], most: int) -> JsonObject:
    """The first rows, and how many there are."""
    return {"total": len(rows)} | ({"items": list(rows[:most])} if rows else {})


def deal_row(deal: JsonObject) -> JsonObject:
    """A deal in brief; its pipeline is needed to open it."""
    closes = closing(deal)
    return bare({
        "id": deal.get("id"),
        "deal_name": deal.get("deal_name"),
        "deal_amount": money(deal.get("deal_amount"), currency_of(deal)),
        "closing_date": closes.isoformat() if closes else deal.get("closing_date"),
        "pipeline_id": deal.get("pipeline_uuid"),
    })  # fmt: skip


def ticket_row(ticket: JsonObject) -> JsonObject:
    """A ticket in brief."""
    return bare({name: ticket.get(name) for name in ("id", "subject", "status", "priority")})


def task_row(task: JsonObject) -> JsonObject:
    """A task in brief; its project is needed to open it."""
    shown = {name: task.get(name) for name in ("id", "title", "due_date")}
    return bare(shown | {"project": named(task.get("project"))})


def booking_day(booking: Mapping[str, Any]) -> date | None:
    """The day of a booking: d-M-Y (contract schema booking)."""
    return day(booking.get("date"), "d-M-Y")


def booking_row(booking: JsonObject) -> JsonObject:
    """A booking in brief; its meeting page is needed to open it."""
    on, page = booking_day(booking), inside(booking.get("meeting"))
    first = on.isoformat() if on else forms.text_of(booking.get("date"))
    start, end = clock(booking.get("time_slot_start")), clock(booking.get("time_slot_end"))
    ends = slot_end(first, start, end)
    return bare({
        "id": booking.get("id"),
        "meeting": page.get("title"),
        "meeting_id": page.get("uuid"),
        "name": forms.name_of(booking),
        "start": dates.moment(first, start),
        # The day is said again where it is another one.
        "end": end if ends == dates.moment(first, end) else ends,
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
        and state(row) != "cancelled"
    ]
    return sorted(kept, key=lambda row: (booking_day(row) or first, clock(row.get("time_slot_start"))))
