"""Overdue invoices, a member's day, the pipelines: each figure against the sandbox's own records."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

import pytest

from taskip_mcp.overview import invoices
from taskip_mcp.sandbox import Sandbox
from tests.overviews import (
    TODAY,
    Endless,
    agency,
    ask,
    day,
    days_late,
    field,
    forbidden,
    perform,
    totals,
    unpaid,
)

pytestmark = pytest.mark.anyio


def ids(part: dict[str, Any]) -> list[int]:
    return [row["id"] for row in part.get("items", [])]


def add_invoice(sandbox: Sandbox, due: str | None, **fields: Any) -> int:
    """One more invoice, like the last."""
    like = sandbox.store.rows("invoice")[-1]
    plain: dict[str, Any] = {
        "status": "sent",
        "total": 100,
        "payments": [],
        "currency": "CHF",
        "due_date": due,
    }
    return sandbox.store.insert("invoice", like | plain | fields)["id"]


# --- overdue invoices -------------------------------------------------------------------------------------


async def test_overdue_invoices_are_those_that_are_unpaid_and_past_their_day() -> None:
    sandbox = agency()
    extra = [
        add_invoice(sandbox, day(-1)),
        add_invoice(sandbox, day(0)),
        add_invoice(sandbox, day(-9), status="draft"),
    ]
    answer = await ask(sandbox, "list_overdue_invoices")
    late = {number: left for number, left in unpaid(sandbox).items() if days_late(sandbox, number) > 0}
    assert [number in late for number in extra] == [True, False, False]
    assert set(ids(answer)) == late.keys()
    assert answer["total"] == answer["returned"] == len(late)
    sums = {currency: figures["all"]["due"] for currency, figures in answer["by_currency"].items()}
    assert sums == totals(sandbox, late)
    ages = [row["days_overdue"] for row in answer["items"]]
    assert ages == sorted((days_late(sandbox, number) for number in late), reverse=True)


async def test_an_invoice_that_is_paid_in_part_counts_with_the_rest() -> None:
    sandbox = agency()
    number = add_invoice(sandbox, day(-5), total=99.99, payments=[{"amount": 0.1, "at": day(-9)}])
    answer = await ask(sandbox, "list_overdue_invoices")
    row = next(row for row in answer["items"] if row["id"] == number)
    assert (row["due_amount"], row["paid"]) == ("99.89 CHF", "0.10 CHF")
    assert answer["by_currency"]["CHF"] == {
        "1-30": {"count": 1, "due": 99.89},
        "all": {"count": 1, "due": 99.89},
    }


@pytest.mark.parametrize(
    ("days", "age"),
    [(1, "1-30"), (30, "1-30"), (31, "31-60"), (60, "31-60"), (61, "61-90"), (90, "61-90"), (91, "90+")],
)
def test_ages_end_at_30_60_and_90_days(days: int, age: str) -> None:
    row = {"due_date": day(-days), "due_amount": "0.1", "currency": "EUR"}
    assert invoices.ages([row, row, row], TODAY) == {
        "EUR": {age: {"count": 3, "due": 0.3}, "all": {"count": 3, "due": 0.3}}
    }


async def test_fewer_rows_do_not_change_the_sums() -> None:
    sandbox = agency()
    whole = await ask(sandbox, "list_overdue_invoices")
    short = await ask(sandbox, "list_overdue_invoices", limit=2)
    assert short["items"] == whole["items"][:2]
    assert (short["returned"], short["total"]) == (2, whole["total"])
    assert short["by_currency"] == whole["by_currency"]


async def test_without_a_due_date_the_word_of_TaskIP_counts() -> None:
    sandbox = agency()
    number = add_invoice(sandbox, None, status="overdue")
    add_invoice(sandbox, None, status="sent")
    answer = await ask(sandbox, "list_overdue_invoices")
    assert answer["by_currency"]["CHF"]["no due date"] == {"count": 1, "due": 100}
    assert (answer["items"][-1]["id"], "days_overdue" in answer["items"][-1]) == (number, False)


async def test_the_overdue_invoices_of_one_client_are_those_of_the_contact_or_the_company() -> None:
    sandbox = agency()
    whole = await ask(sandbox, "list_overdue_invoices")
    for row in whole["items"]:
        invoice = sandbox.store.get("invoice", row["id"]) or {}
        contact = sandbox.store.get("contact", invoice["contact_id"]) or {}
        company = sandbox.store.get("company", contact["company_id"]) or {}
        assert row["company"] == f"{company['name']} ({company['id']})"
        for given in ({"contact_id": contact["id"]}, {"company_id": company["id"]}):
            mine = await ask(sandbox, "list_overdue_invoices", **given)
            shown = f"({next(iter(given.values()))})"
            name = "client" if "contact_id" in given else "company"
            wanted = [each for each in whole["items"] if each[name].endswith(shown)]
            assert (mine["items"], mine["total"], mine["requests"]) == (wanted, len(wanted), 2)
            assert sum(figures["all"]["count"] for figures in mine["by_currency"].values()) == len(wanted) > 0
        other = {"contact_id": contact["id"], "company_id": company["id"] + 1}
        assert (await ask(sandbox, "list_overdue_invoices", **other))["total"] == 0


async def test_a_client_filter_that_TaskIP_ignores_is_applied_here() -> None:
    for given in ({"contact_id": 2}, {"company_id": 2}):
        assert (await perform(Endless().backend, "list_overdue_invoices", **given))["total"] == 0


async def test_pages_that_were_not_read_are_told() -> None:
    answer = await perform(Endless().backend, "list_overdue_invoices", limit=1)
    words = "only the first 500 rows were read"
    assert answer["incomplete"] == {"overdue": words, "sent": words}
    assert answer["total"] == 500  # both lists show the same rows here


# --- a day ------------------------------------------------------------------------------------------------


def due_tasks(sandbox: Sandbox, member: int, first: int, last: int) -> list[int]:
    """Open tasks of a member that are due between two days from today, in that order."""
    rows = [
        row for row in sandbox.store.rows("task") if member in row["assignees"] and not row["is_completed"]
    ]
    near = [row for row in rows if row["due_date"] and day(first) <= row["due_date"][:10] <= day(last)]
    return [row["id"] for row in sorted(near, key=lambda row: row["due_date"])]


async def test_a_day_shows_the_tasks_by_when_they_are_due() -> None:
    sandbox = agency()
    tasks = (await ask(sandbox, "get_my_day", member_id=3))["tasks"]
    for name, first, last in (("overdue", -999, -1), ("today", 0, 0), ("next_7_days", 1, 7)):
        wanted = due_tasks(sandbox, 3, first, last)
        assert (tasks[name]["total"], ids(tasks[name])) == (len(wanted), wanted[:6])
    assert tasks["later"] == len(due_tasks(sandbox, 3, 8, 999))
    assert tasks["overdue"]["total"] > 0


async def test_a_day_shows_tickets_and_the_bookings_of_today_and_tomorrow() -> None:
    sandbox = agency()
    sandbox.store.update("booking", 7, {"date": day(1)})
    lena = await ask(sandbox, "get_my_day", member_id=6)
    tickets = [row["id"] for row in sandbox.store.rows("ticket", assigned_to=6) if row["status"] != 2]
    assert lena["open_tickets"]["total"] == len(tickets) > 0
    assert set(ids(lena["open_tickets"])) <= set(tickets)
    assert ids(lena["bookings"]) == [7]
    ingrid = await ask(sandbox, "get_my_day", member_id=2)
    assert ids(ingrid["bookings"]) == [4, 5]
    assert {row["start"][:10] for row in ingrid["bookings"]["items"]} == {day(0), day(1)}


async def test_a_day_shows_the_own_deals_that_close_or_should_have() -> None:
    sandbox = agency()
    own = [row["id"] for row in sandbox.store.rows("deal", deal_owner_id=5, status="active")]
    other = sandbox.store.rows("deal", deal_owner_id=1, status="active")[0]["id"]
    won = sandbox.store.rows("deal", deal_owner_id=5, status="won")[0]["id"]
    for number, offset in zip([*own[:4], other, won], (-1, 0, 7, 8, 3, 3), strict=True):
        sandbox.store.update("deal", number, {"closing_date": day(offset)})
    for number in own[4:]:
        sandbox.store.update("deal", number, {"closing_date": day(60)})
    deals = (await ask(sandbox, "get_my_day", member_id=5))["deals"]
    assert ids(deals["past_closing_date"]) == own[:1]
    assert ids(deals["closing_in_7_days"]) == own[1:3]
    assert deals["closing_in_7_days"]["items"][1]["closing_date"] == day(7)


async def test_another_day_can_be_asked_for() -> None:
    sandbox = agency()
    answer = await ask(sandbox, "get_my_day", member_id=3, date=day(3))
    assert answer["date"] == day(3)
    assert ids(answer["tasks"]["today"]) == due_tasks(sandbox, 3, 3, 3)


async def test_without_a_date_the_day_is_that_of_TaskIP() -> None:
    assert (await ask(agency(), "get_my_day", member_id=3))["date"] == TODAY.isoformat()


async def test_tasks_of_others_are_left_out_should_the_filter_be_ignored() -> None:
    other = [{"id": 2, "email": "two@x.example"}]
    answer = await perform(Endless(assignees=other).backend, "get_my_day", member_id=1)
    assert answer["tasks"]["overdue"] == {"total": 0}


# --- pipelines --------------------------------------------------------------------------------------------


def worth(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Count and sum of deals in the store."""
    found: Counter[str] = Counter()
    for row in rows:
        found[row["currency"]] += row["deal_amount"]
    return {"count": len(rows)} | ({"amount": dict(found)} if rows else {})


async def test_pipelines_are_summed_up_by_stage_and_outcome() -> None:
    sandbox = agency()
    sandbox.store.update("deal", 1, {"closing_date": day(-3), "currency": "USD"})
    sandbox.store.update("deal", 2, {"closing_date": day(3)})
    answer = await ask(sandbox, "get_pipeline_summary")
    assert answer["as_of"] == TODAY.isoformat()
    for number, shown in enumerate(answer["pipelines"], 1):
        deals = sandbox.store.rows("deal", parent=number)
        live = [row for row in deals if row["status"] == "active"]
        for stage, row in zip(shown["stages"], sandbox.store.rows("stage", parent=number), strict=True):
            inside = [deal for deal in live if deal["deal_stage_id"] == row["id"]]
            assert stage == {"stage": f"{row['title']} ({row['id']})"} | worth(inside)
        assert shown["open"] == worth(live)
        for status in ("won", "lost"):
            assert shown[status] == worth([row for row in deals if row["status"] == status])
        month = [row for row in live if date.fromisoformat(row["closing_date"]).month == TODAY.month]
        assert shown["closing_this_month"] == worth(month)
    late = answer["pipelines"][0]["past_closing_date"]
    assert late["amount"] == {"USD": field(sandbox, "deal", 1, "deal_amount")}
    assert (
        late["items"][0] | {"id": 1, "closing_date": day(-3), "owner": "Alex Morgan (1)"} == late["items"][0]
    )


async def test_one_pipeline_can_be_summed_up_also_when_it_is_not_active() -> None:
    sandbox = agency()
    uuid = field(sandbox, "pipeline", 2, "uuid")
    sandbox.store.update("pipeline", 2, {"status": "archived"})
    answer = await ask(sandbox, "get_pipeline_summary", pipeline_id=uuid)
    assert [each["title"] for each in answer["pipelines"]] == ["Renewals"]
    assert answer["requests"] == 3
    others = await ask(sandbox, "get_pipeline_summary")
    assert [each["title"] for each in others["pipelines"]] == ["New business"]


async def test_a_pipeline_that_cannot_be_read_does_not_hide_the_others() -> None:
    sandbox = agency()
    uuid = field(sandbox, "pipeline", 2, "uuid")
    sandbox.fault = forbidden(f"{uuid}/stage")
    answer = await ask(sandbox, "get_pipeline_summary")
    assert [each["title"] for each in answer["pipelines"]] == ["New business"]
    assert answer["not_read"].keys() == {uuid}
