"""What the changes of one request mean in TaskIP's words: the 19 events of the API reference (contract: api.webhooks).

Read off the records as they were and as they are, so that every way to a state tells of it: a bulk action, an update, a
reply that closes a ticket, a quotation that becomes an invoice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from taskip_mcp.sandbox import shapes
from taskip_mcp.sandbox.store import Change, Row, Store

Event = tuple[str, Row]
"""Name and data."""
CLOSED = 2
"""The observed backend closes a ticket with 2 (contract: enums.ticket_status)."""

# What names a record beside its id; the reference shows the data of invoice.paid alone.
NAMES: Mapping[str, Callable[[Row], Row]] = {
    "contact": lambda row: {"name": shapes.full_name(row), "email": row["email"]},
    "company": lambda row: shapes.select(row, "name", "email"),
    "invoice": lambda row: shapes.select(row, "invoice_no", client_id="contact_id"),
    "quotation": lambda row: shapes.select(row, quotation_no="estimate_no", client_id="contact_id"),
    "ticket": lambda row: shapes.select(row, "subject"),
    "project": lambda row: shapes.select(row, "title"),
    "task": lambda row: shapes.select(row, "title", project_id="parent"),
}
PEOPLE = ("contact", "company")
"""The groups that tell of each update and of deletions."""


def happened(store: Store, changes: Sequence[Change]) -> list[Event]:
    """The events of one request, in the order in which their records were first touched."""
    found = [event for change in _net(changes) for event in _told(store, change)]
    mailed = {data["invoice_id"] for _, data in found if "sent_to" in data}
    # A draft that is mailed becomes a sent one: that is told once, with the address.
    return [
        (name, data)
        for name, data in found
        if name != "invoice.sent" or "sent_to" in data or data["invoice_id"] not in mailed
    ]


def _net(changes: Sequence[Change]) -> list[Change]:
    """One change a record: what it was before the request, and what it is after it."""
    found: dict[tuple[str, int], Change] = {}
    for each in changes:
        key = each.kind, (each.after or each.before or {})["id"]
        found[key] = Change(each.kind, found[key].before if key in found else each.before, each.after)
    return [each for each in found.values() if each.before or each.after]


def _told(store: Store, change: Change) -> Iterator[Event]:
    kind, before, after = change.kind, change.before, change.after
    if after is None:
        if before and kind in PEOPLE:
            yield f"{kind}.deleted", {f"{kind}_id": before["id"]}
    elif kind == "mail":
        yield from _mailed(store, after)
    elif kind in NAMES:
        if before is None:
            yield f"{kind}.created", _data(kind, after)
        elif kind in PEOPLE:
            yield f"{kind}.updated", _data(kind, after)
        yield from _reached(kind, before or {}, after)


def _data(kind: str, row: Row) -> Row:
    return {f"{kind}_id": row["id"], **NAMES[kind](row)}


def _reached(kind: str, before: Row, after: Row) -> Iterator[Event]:
    """The states that the record is in now and was not in before."""
    fresh = str(after.get("status")) if after.get("status") != before.get("status") else ""
    data = _data(kind, after)
    match kind:
        case "invoice":
            yield from _billed(before, after, fresh)
        case "quotation" if fresh in {"accepted", "rejected"}:
            yield f"quotation.{fresh}", data
        case "ticket":
            member = after.get("assigned_to")
            if member and member != before.get("assigned_to"):
                yield "ticket.assigned", data | {"assigned_to": member}
            if fresh == str(CLOSED):
                yield "ticket.resolved", data
        case "project" if fresh == "completed":
            yield "project.completed", data
        case "task" if after["is_completed"] and not before.get("is_completed"):
            yield "task.completed", data
        case _:
            pass


def _billed(before: Row, after: Row, fresh: str) -> Iterator[Event]:
    """A part payment is told as well: the one documented body has an amount and no word of what is still open."""
    made = shapes.rows(after, "payments")[len(shapes.rows(before, "payments")) :]
    amount = round(sum(float(each["amount"]) for each in made), 2)
    if fresh == "sent":
        yield "invoice.sent", _data("invoice", after)
    if amount > 0 or fresh == "paid":
        data = {"invoice_id": after["id"], "amount": amount, "client_id": after.get("contact_id")}
        yield "invoice.paid", data


def _mailed(store: Store, mail: Row) -> Iterator[Event]:
    """An invoice that was sent before is sent again."""
    invoice = store.get("invoice", mail["invoice_id"]) if "invoice_id" in mail else None
    if invoice is not None:
        yield "invoice.sent", _data("invoice", invoice) | {"sent_to": mail["to"]}
