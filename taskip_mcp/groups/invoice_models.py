"""The nested parts of an invoice, and how a read maps back to the body of an update."""

from __future__ import annotations

from typing import Annotated, Any, cast

from pydantic import Field

from taskip_mcp import merge
from taskip_mcp.facts import Arguments
from taskip_mcp.operation import Consequence
from taskip_mcp.params import Nested, Number, RecordId, Text
from taskip_mcp.results import Record
from taskip_mcp.wire import dig


class InvoiceItem(Nested):
    """One line of an invoice."""

    name: Text
    qty: Number
    rate: Annotated[Number, Field(description="Unit price.")]
    label: Annotated[str | None, Field(description="Unit, such as hour.")] = None


class Note(Nested):
    """A note of an invoice, as reads show it."""

    id: RecordId | None = None
    title: str | None = None
    description: str | None = None
    enable: bool | None = None


class RecurringPayment(Nested):
    """How an invoice recurs, as reads show it; set_invoice_recurring is the way to change it."""

    is_payment_reccuring: bool | None = None
    payment_recurring_type: str | None = None
    recurring_until: str | None = None


class Payable(Nested):
    """What the client is asked to pay now."""

    payable_amount: Number | None = None
    payable_amount_type: str | None = None
    payment_type: Annotated[str | None, Field(description="Such as full-amount.")] = None


# Parameter -> field under `invoice`.
NAMES = {"contact_id": "contacts", "tax_ids": "tax"}


def _items(record: Record) -> Any:
    """Lines as the body takes them: without the ids that reads add."""
    if not isinstance(record.get("items"), list):
        return None
    lines = cast("list[Record]", record["items"])
    return [
        {name: line[name] for name in ("name", "qty", "rate", "label") if line.get(name) is not None}
        for line in lines
    ]


def _contact(record: Record) -> int | None:
    number = record.get("contact_id")
    return number if isinstance(number, int) else merge.one_id("contacts")(record)


# What the single read shows of each writable field; the update takes the whole invoice (contract invoice.update).
BACK = {
    "invoice_no": merge.same("invoice_no"),
    "contacts": _contact,
    "payment_gateway": merge.same("payment_gateway"),
    "template": merge.same("template"),
    "subject": merge.same("subject"),
    "issue_date": merge.day("issue_date", "%Y-%m-%d"),
    "due_date": merge.day("due_date", "%Y-%m-%d"),
    "currency": merge.same("currency"),
    "items": _items,
    "subtotal": merge.same("subtotal"),
    "discount": merge.same("discount"),
    "discount_type": merge.same("discount_type"),
    "tax": merge.ids("tax"),
    "total": merge.same("total"),
    "notes": merge.same("notes"),
    "recurring_payment": merge.same("recurring_payment"),
    "payable": merge.same("payable"),
}


BILLING = frozenset({"payment_gateway", "recurring_payment", "payable"})
"""Fields of an update that decide where, how often or how much a client pays; some have gated tools of their own."""


def billing(arguments: Arguments) -> set[Consequence]:
    """What an update of an invoice sets off."""
    return {Consequence.MONEY} if any(arguments.get(name) is not None for name in BILLING) else set()


def paid(arguments: Arguments) -> set[Consequence]:
    """Setting an invoice to paid records a payment (contract invoice.status_update)."""
    return {Consequence.MONEY} if arguments.get("status") == "paid" else set()


def mailed(arguments: Arguments, record: Record) -> list[str]:
    """Where it goes and under which subject, as far as the record tells."""
    client = dig(record, "contacts.email") or "an address that the record does not show"
    to = f"It goes to {arguments.get('email') or client}."
    subject = arguments.get("subject") or record.get("subject")
    return [to, f"Subject: {subject}."] if subject else [to]
