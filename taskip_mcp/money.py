"""Amounts: exact arithmetic between currency units and cents, and the totals of items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from taskip_mcp.errors import ArgumentError

CENT = Decimal("0.01")


def exact(value: float) -> Decimal:
    """The decimal that the caller wrote; a float holds it only nearly."""
    return Decimal(str(value))


def cents(name: str, amount: float) -> int:
    """Currency units -> integer cents; more than two decimals are refused, not rounded."""
    value = exact(amount) * 100
    if value != value.to_integral_value():
        raise ArgumentError(f"{name}: {amount} has more than two decimals. Nothing was sent.")
    return int(value)


def totals(
    items: Iterable[Mapping[str, Any]], discount: float | None, kind: str | None
) -> tuple[float, float]:
    """(subtotal, total) of items with ``qty`` and ``rate``, rounded to cents.

    `discount` is a percentage when `kind` is ``percent``, else an amount; without tax, which TaskIP adds by id.
    """
    subtotal = sum((exact(item["qty"]) * exact(item["rate"]) for item in items), Decimal(0))
    subtotal = subtotal.quantize(CENT, ROUND_HALF_UP)
    off = exact(discount or 0)
    total = subtotal - (subtotal * off / 100 if kind == "percent" else off)
    if total < 0:
        raise ArgumentError("discount: it is larger than the items together. Nothing was sent.")
    return float(subtotal), float(total.quantize(CENT, ROUND_HALF_UP))


def payment(arguments: Mapping[str, Any], invoice: Mapping[str, Any]) -> list[str]:
    """What setting an invoice to paid records, as a sentence; empty for any other status (contract invoice)."""
    if arguments.get("status") != "paid":
        return []
    given, due = arguments.get("payment_amount"), _number(invoice.get("due_amount"))
    amount = given or invoice.get("due_amount")
    day, method = arguments.get("payment_date"), arguments.get("payment_method")
    how = (f" on {day}" if day else "") + (f" by {method}" if method else "")
    currency = f" {invoice['currency']}" if invoice.get("currency") else ""
    said = [f"It records a payment of {amount}{currency}{how}."]
    if invoice.get("status") == "paid":
        said.append("It is paid already.")
    elif given and due is not None and exact(given) > due:
        said.append(f"That is more than the {due:.2f}{currency} that are due.")
    return [" ".join(said)]


def _number(value: Any) -> Decimal | None:
    """An amount as a record shows it; None where that is no number."""
    try:
        return exact(value)
    except InvalidOperation:
        return None
