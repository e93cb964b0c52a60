"""How changes of quotations are taken back."""

from __future__ import annotations

from typing import Any, cast

from taskip_mcp import merge
from taskip_mcp.facts import Arguments, Inverse
from taskip_mcp.results import Record


def _items(record: Record) -> list[dict[str, Any]]:
    """Lines as the body takes them; the single read has other names and text for numbers (contract quirk 14)."""
    return [
        {
            "description": line.get("description") or line.get("title"),
            "quantity": merge.amount("quantity")(line),
            "unit_price": merge.amount("price")(line),
        }
        for line in cast("list[Record]", record.get("items") or [])
    ]


# What the single read shows of each field (schema quotation_detail).
BACK = {
    **{
        name: merge.same(name)
        for name in (
            "contact_id", "subject", "folder_id", "up_payment_type", "turnaround_times", "currency", "status", "note",
            "terms_condition",
        )
    },
    "items": _items,
    "estimate_no": merge.same("quotation_no"),
    "up_payment_status": merge.word("up_payment_status", merge.TRUTH),
    "up_payment_amount": merge.amount("up_payment_amount"),
    "expire_date": merge.day("expire_date", "%Y-%m-%d"),
}  # fmt: skip
DECIDED = frozenset({"accepted", "rejected"})


def of_change(arguments: Arguments) -> Inverse | None:
    """TaskIP refuses changes of a decided quotation with a conflict (contract quotation.update)."""
    items = "TaskIP does not say whether new lines replace those before." if arguments.get("items") else ""
    return None if arguments.get("status") in DECIDED else Inverse(back=BACK, lost=items)


def _new_status(record: Record) -> Any:
    status = record.get("status")
    if status not in {"draft", "pending"}:
        raise merge.UnmappableError(f"a new quotation is no {status} one; use update_quotation_status")
    return status


REMADE = Inverse(
    contract="quotation.create",
    back={**BACK, "status": _new_status},
    remake=True,
    lost="The id, taxes, discount, the client's view and the activities do not come back.",
)


def of_bulk(arguments: Arguments) -> Inverse | None:
    if arguments["action"] == "delete":
        return REMADE
    if arguments["action"] != "status_update" or arguments.get("status") in DECIDED:
        return None
    return Inverse(
        contract="quotation.status_update", each="quotation_id", back={"status": merge.same("status")}
    )
