"""Amounts are exact."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp import money
from taskip_mcp.errors import ArgumentError


@pytest.mark.parametrize(
    ("amount", "cents"), [(0, 0), (0.1, 10), (0.29, 29), (19.99, 1999), (1e6, 100_000_000), (4.35, 435)]
)
def test_units_become_cents_exactly(amount: float, cents: int) -> None:
    assert money.cents("total", amount) == cents


def test_a_fraction_of_a_cent_is_refused() -> None:
    with pytest.raises(ArgumentError, match="total"):
        money.cents("total", 0.001)


def test_totals_round_half_up_to_cents() -> None:
    assert money.totals([{"qty": 3, "rate": 0.335}], None, None) == (1.01, 1.01)
    assert money.totals([{"qty": 1, "rate": 10}], 15, "percent") == (10.0, 8.5)
    assert money.totals([{"qty": 1, "rate": 10}], 2.5, "fixed") == (10.0, 7.5)


PAID = {"status": "paid", "payment_date": "2026-01-02", "payment_method": "card"}


@pytest.mark.parametrize(
    ("amount", "invoice", "more"),
    [
        (
            9000.0,
            {"due_amount": 6186.67, "currency": "EUR"},
            "That is more than the 6186.67 EUR that are due.",
        ),
        (9000.0, {"due_amount": "6186.67"}, "That is more than the 6186.67 that are due."),
        (6186.67, {"due_amount": 6186.67, "currency": "EUR"}, ""),
        (None, {"due_amount": 6186.67, "currency": "EUR"}, ""),
        (9000.0, {"due_amount": "unknown"}, ""),
        (9000.0, {}, ""),
        (9000.0, {"due_amount": 0, "status": "paid"}, "It is paid already."),
    ],
)
def test_a_payment_of_more_than_is_due_is_told(
    amount: float | None, invoice: dict[str, Any], more: str
) -> None:
    (said,) = money.payment(PAID | {"payment_amount": amount}, invoice)
    first, _, rest = said.partition(" on 2026-01-02 by card.")
    assert first.startswith(f"It records a payment of {amount or 6186.67}")
    assert rest.strip() == more
