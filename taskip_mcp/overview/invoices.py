"""Unpaid invoices past their due date, by age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import Field

from taskip_mcp.call import Backend
from taskip_mcp.operation import Effect
from taskip_mcp.overview import facts
from taskip_mcp.overview.reading import Reading, Work
from taskip_mcp.own import own_tool
from taskip_mcp.params import Day, RowCount
from taskip_mcp.results import Record
from taskip_mcp.wire import JsonObject

STATUSES = ("overdue", "sent")
"""TaskIP may not have marked yet what became overdue."""

PAGES = 5
"""Pages of each status."""

ROWS = 25

UNDATED = "no due date"
AGES: tuple[tuple[int, str], ...] = ((30, "1-30"), (60, "31-60"), (90, "61-90"))
OLDEST = "90+"


@own_tool(Effect.READ, marked=True)
async def list_overdue_invoices(
    backend: Backend,
    limit: Annotated[RowCount, Field(description="Rows; sums are of all.")] = ROWS,
    as_of: Annotated[Day | None, Field(description="YYYY-MM-DD, default today.")] = None,
) -> Record:
    """List unpaid invoices past their due date, oldest first, with sums by age and currency. At most 10 requests."""
    reading = Reading(backend)

    def work(status: str) -> Work:
        return lambda: reading.rows(
            status, "invoice.list", most=PAGES, status=status, sort="due_date", order="asc"
        )

    found = await reading.parts({status: work(status) for status in STATUSES})
    day = as_of or reading.today()
    rows = {str(row.get("id")): row for status in STATUSES for row in found.get(status, [])}
    late = sorted((row for row in rows.values() if _late(row, day)), key=_due_day)
    items = [_row(row, day) for row in late[:limit]]
    answer: JsonObject = {
        "as_of": day.isoformat(),
        "items": items,
        "returned": len(items),
        "total": len(late),
    }
    return reading.told(answer | {"by_currency": ages(late, day)})


def _due_day(row: Mapping[str, object]) -> date:
    return facts.day(row.get("due_date")) or date.max


def _late(row: JsonObject, day: date) -> bool:
    """Unpaid in whole or part, and past its day; without one TaskIP's word counts."""
    due = facts.day(row.get("due_date"))
    past = due < day if due else row.get("status") == "overdue"
    return past and row.get("status") in STATUSES and facts.due(row) > 0


def _age(row: JsonObject, day: date) -> str:
    due = facts.day(row.get("due_date"))
    if due is None:
        return UNDATED
    late = (day - due).days
    return next((name for most, name in AGES if late <= most), OLDEST)


def _row(row: JsonObject, day: date) -> JsonObject:
    due, currency = facts.day(row.get("due_date")), facts.currency_of(row)
    paid = facts.amount(row.get("partial_paid_amount"))
    return facts.slim({
        "id": row.get("id"),
        "invoice_no": row.get("invoice_no"),
        "client": facts.named(row.get("contacts")),
        "due_date": row.get("due_date"),
        "days_overdue": (day - due).days if due else None,
        "due_amount": facts.money(facts.due(row), currency),
        "paid": facts.money(paid, currency) if paid else None,
    })  # fmt: skip


def ages(rows: Sequence[JsonObject], day: date) -> dict[str, JsonObject]:
    """Count and sum of each age that occurs, and of all, by currency."""
    order = [*(name for _, name in AGES), OLDEST, UNDATED]
    found: dict[str, JsonObject] = {}
    for currency in sorted({facts.currency_of(row) for row in rows}):
        own = [row for row in rows if facts.currency_of(row) == currency]
        buckets = {name: [row for row in own if _age(row, day) == name] for name in order}
        filled = {name: inside for name, inside in buckets.items() if inside}
        found[currency] = {name: _sum(inside) for name, inside in {**filled, "all": own}.items()}
    return found


def _sum(rows: Sequence[JsonObject]) -> JsonObject:
    due = facts.number(sum((facts.due(row) for row in rows), Decimal(0)))
    return {"count": len(rows), "due": due}
