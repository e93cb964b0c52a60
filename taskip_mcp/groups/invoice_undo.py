"""How changes of invoices are taken back."""

from __future__ import annotations

from typing import Any, cast

from taskip_mcp import merge
from taskip_mcp.facts import Arguments, Back, Inverse
from taskip_mcp.groups.invoice_models import BACK, NAMES, Note, Payable, RecurringPayment
from taskip_mcp.params import Nested
from taskip_mcp.results import Record


def _only(name: str, model: type[Nested]) -> Back:
    """A block, or the rows of one, with the fields that the argument takes."""

    def extract(record: Record) -> Any:
        value = record.get(name)
        if isinstance(value, list):
            return [pick(row) for row in cast("list[Record]", value)]
        return None if value is None else pick(cast("Record", value))

    def pick(block: Record) -> Record:
        return {key: block[key] for key in model.model_fields if block.get(key) is not None}

    return extract


PARAMETERS = {field: name for name, field in NAMES.items()}
BEFORE: dict[str, Back] = {
    **{PARAMETERS.get(field, field): extract for field, extract in BACK.items()},
    "notes": _only("notes", Note),
    "recurring_payment": _only("recurring_payment", RecurringPayment),
    "payable": _only("payable", Payable),
}
GATEWAY = Inverse(back={"payment_gateway": BEFORE["payment_gateway"]})
COUNTED = {"items", "discount", "discount_type", "tax_ids", "subtotal", "total"}


def of_update(arguments: Arguments) -> Inverse:
    """The totals follow the lines and the discount, so they are put back with them."""
    changed = {name for name in BEFORE if arguments.get(name) is not None} | set(arguments.get("clear") or [])
    totals = {"subtotal", "total"} - changed if changed & COUNTED else set[str]()
    return Inverse(back=BEFORE, left=dict.fromkeys(totals, "="))


def _status(record: Record) -> Any:
    if record.get("status") == "paid":
        raise merge.UnmappableError("it was paid, and setting that again would record another payment")
    return record.get("status")


def of_status(arguments: Arguments) -> Inverse | None:
    """Paid records a payment, which TaskIP has no way to remove (contract invoice.status_update)."""
    return None if arguments.get("status") == "paid" else Inverse(back={"status": _status})


def _recurs(block: Record) -> bool:
    if block.get("is_payment_reccuring"):
        raise merge.UnmappableError("it recurred before, and TaskIP does not show at which interval")
    return False


# What the setup is given has other names than what reads show (contract invoice.recurring_setup).
RECURRING = Inverse(
    back={
        "is_recurring": merge.inside("recurring_payment", _recurs),
        "frequency": merge.inside("recurring_payment", merge.same("payment_recurring_type")),
        "end_date": merge.inside("recurring_payment", merge.day("recurring_until", "%Y-%m-%d")),
    },
    whole=True,
    lost="If the invoice recurred before, its interval and max_cycles are not known.",
)


def _new_status(record: Record) -> str:
    return "publish" if record.get("publish") else "draft"


AGAIN = (
    "invoice_no", "contact_id", "subject", "currency", "items", "issue_date", "due_date", "subtotal", "discount",
    "discount_type", "total",
)  # fmt: skip
REMADE = Inverse(
    contract="invoice.create",
    back={
        **{name: BEFORE[name] for name in AGAIN},
        "terms": merge.inside("currentNote", merge.same("term")),
        "status": _new_status,
        "logo": merge.one_id("logo"),
        "signature": merge.one_id("signature"),
    },
    remake=True,
    lost="The id, a status other than draft and sent, the project, taxes, notes, template, payment gateway, recurrence"
    " and activities do not come back.",
)


def of_bulk(arguments: Arguments) -> Inverse | None:
    """Sent mail and recorded payments stay."""
    marked = Inverse(
        contract="invoice.status_update",
        each="invoice_id",
        back={"status": _status},
        left={"status": "=sent"},
    )
    return {"delete": REMADE, "mark_sent": marked}.get(str(arguments["action"]))
