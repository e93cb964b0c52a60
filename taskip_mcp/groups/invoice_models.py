"""The nested parts of an invoice."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from taskip_mcp.params import Nested, Number, RecordId, Text


class InvoiceItem(Nested):
    """One line of an invoice."""

    name: Annotated[Text, Field(description="What is billed.")]
    qty: Annotated[Number, Field(description="Quantity.")]
    rate: Annotated[Number, Field(description="Unit price in currency units.")]
    label: Annotated[str | None, Field(description="Unit, such as hour.")] = None


class Note(Nested):
    """A note of an invoice, as reads show it."""

    id: Annotated[RecordId | None, Field(description="Id of a present note.")] = None
    title: Annotated[str | None, Field(description="Title.")] = None
    description: Annotated[str | None, Field(description="Text.")] = None
    enable: Annotated[bool | None, Field(description="Whether it is shown.")] = None


class RecurringPayment(Nested):
    """How an invoice recurs, as reads show it; set_invoice_recurring is the way to change it."""

    is_payment_reccuring: Annotated[bool | None, Field(description="On or off (TaskIP's spelling).")] = None
    payment_recurring_type: Annotated[str | None, Field(description="Kind, as reads show it.")] = None
    recurring_until: Annotated[str | None, Field(description="Last day, YYYY-MM-DD.")] = None


class Payable(Nested):
    """What the client is asked to pay now."""

    payable_amount: Annotated[Number | None, Field(description="Amount.")] = None
    payable_amount_type: Annotated[str | None, Field(description="Kind of amount, as reads show it.")] = None
    payment_type: Annotated[str | None, Field(description="Seen: full-amount.")] = None
