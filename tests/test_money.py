"""Amounts are exact."""

from __future__ import annotations

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
