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
from taskip_mcp.params import CompanyId, ContactId, RowCount
from taskip_mcp.results import Record
from taskip_mcp.views.forms import bare, named
from taskip_mcp.wire import JsonObject

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
    contact_id: ContactId | None = None,
    company_id: CompanyId | None = None,
) -> Record:
    """List unpaid invoices past their due date, oldest first, with sums by age and currency. At most 10 requests."""
    reading = Reading(backend)
    asked: JsonObject = {"sort": "due_date", "order": "asc"} | (
        {"client_id": contact_id} if contact_id else {}
    )

    def work(status: str) -> Work:
        return lambda: reading.rows(status, "invoice.list", most=PAGES, status=status, **asked)

    found = await reading.parts({status: work(status) for status in facts.UNPAID})
    day = reading.today()
    rows = facts.once(row for rows in found.values() for row in rows)
    mine = [row for row in rows if _of(row, contact_id, company_id)]
    late = sorted((row for row in mine if _late(row, day)), key=_due_day)
    items = [_row(row, day) for row in late[:limit]]
    answer: JsonObject = {
        "as_of": day.isoformat(),
        "items": items,
        "returned": len(items),
        "total": len(late),
    }
    reading.incomplete |= facts.unread_amounts(late)
    return reading.told(answer | {"by_currency": ages(late, day)})


def _of(row: JsonObject, contact: int | None, company: int | None) -> bool:
    """Whether an invoice is of the contact and the company that were asked for; TaskIP may ignore the one, and has no
    filter for the other."""
    person = row.get("contact_id") or facts.inside(row.get("contacts")).get("id")
    firm = facts.inside(row.get("company")).get("id")
    return (contact is None or facts.same_id(person, contact)) and (
        company is None or facts.same_id(firm, company)
    )


def _due_day(row: Mapping[str, object]) -> date:
    return facts.day(row.get("due_date")) or date.max


def _late(row: JsonObject, day: date) -> bool:
    """Unpaid in whole or part, and past its day; without one TaskIP's word counts."""
    due = facts.day(row.get("due_date"))
    past = due < day if due else facts.state(row) == "overdue"
    return past and facts.unpaid(row)


def _age(row: JsonObject, day: date) -> str:
    due = facts.day(row.get("due_date"))
    if due is None:
        return UNDATED
    late = (day - due).days
    return next((name for most, name in AGES if late <= most), OLDEST)


def _row(row: JsonObject, day: date) -> JsonObject:
    due, paid = facts.day(row.get("due_date")), facts.amount(row.get("partial_paid_amount"))
    return bare({
        "id": row.get("id"),
        "invoice_no": row.get("invoice_no"),
        "client": named(row.get("contacts")),
        "company": named(row.get("company")),
        "due_date": row.get("due_date"),
        "days_overdue": (day - due).days if due else None,
        "due_amount": facts.due_shown(row),
        "paid": facts.money(paid, facts.currency_of(row)) if paid else None,
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
    due = facts.number(sum((facts.due(row) or Decimal(0) for row in rows), Decimal(0)))
    return {"count": len(rows), "due": due}
