"""One search over all groups, and all that is open with one client: figures, cost, and what happens when parts fail."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from taskip_mcp import calls, filters, outside, tokens
from taskip_mcp.errors import ArgumentError, ForbiddenError, MissingError
from taskip_mcp.overview import facts
from taskip_mcp.results import minified
from tests.overviews import (
    TODAY,
    TOOLS,
    Endless,
    agency,
    api,
    ask,
    day,
    days_late,
    field,
    forbidden,
    perform,
    stated,
    totals,
    unpaid,
)

pytestmark = pytest.mark.anyio

MOST: dict[str, dict[str, Any]] = {
    "search_everything": {"query": "x"},
    "get_client_overview": {"contact_id": 1},
    "list_overdue_invoices": {},
    "get_my_day": {"member_id": 1},
    "get_pipeline_summary": {},
}
"""Calls that take as much as a tool can."""


def ids(part: dict[str, Any]) -> list[int]:
    return [row["id"] for row in part.get("items", [])]


# --- cost -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tool", TOOLS)
async def test_a_tool_never_takes_more_requests_than_it_states(tool: str) -> None:
    endless = Endless()
    answer = await perform(endless.backend, tool, **MOST[tool])
    assert endless.requests == answer["requests"] == stated(tool)
    assert answer.get("incomplete") or tool == "search_everything"


async def test_a_company_costs_what_is_stated_beside_it() -> None:
    endless = Endless()
    answer = await perform(endless.backend, "get_client_overview", company_id=1)
    assert endless.requests == answer["requests"] == 38
    assert answer["incomplete"]["contacts"] == "only the first 500 rows were read"


@pytest.mark.parametrize(
    ("tool", "given", "requests"),
    [
        ("search_everything", {"query": "berg"}, 8 + 1 + 2 + 2),
        ("search_everything", {"query": "berg", "groups": ["contacts", "documents"]}, 2),
        ("get_client_overview", {"contact_id": 1}, 1 + 5 + 1 + 2 + 1 + 3),
        ("get_client_overview", {"company_id": 1}, 2 + 5 + 1 + 2 + 1 + 3),
        ("list_overdue_invoices", {}, 2),
        ("get_my_day", {"member_id": 2}, 3 + 1 + 2 + 1 + 1),
        ("get_pipeline_summary", {}, 1 + 2 + 2),
    ],
)
async def test_lists_that_fit_on_a_page_cost_one_request_each(
    tool: str, given: dict[str, Any], requests: int
) -> None:
    answer = await ask(agency(), tool, **given)
    assert answer["requests"] == requests
    assert not answer.keys() & {"not_read", "incomplete"}


@pytest.mark.parametrize("tool", TOOLS)
async def test_an_answer_is_small(tool: str) -> None:
    given: dict[str, Any] = MOST[tool] | ({"query": "e"} if tool == "search_everything" else {})
    text = minified(await ask(agency(), tool, **given))
    assert "null" not in text
    most = 1_750 if tool == "search_everything" else 1_350  # four rows of each of the eleven groups
    assert tokens.estimate(text) <= most  # which says a tenth to a third more than o200k


# --- searching --------------------------------------------------------------------------------------------


async def test_a_search_finds_in_each_group_what_its_list_finds() -> None:
    sandbox = agency()
    found = await ask(sandbox, "search_everything", query="lumen")
    deals = [row["id"] for row in sandbox.store.rows("deal") if "Lumen" in row["deal_name"]]
    assert found["deals"]["total"] == len(deals) > 0
    assert found["companies"] == {
        "total": 1, "items": [{"id": 2, "name": "Lumen Optics", "email": "hello@lumenoptics.example"}],
    }  # fmt: skip
    assert found["contacts"]["total"] == len(sandbox.store.rows("contact", company_id=2)) == 4
    people = {row["id"] for row in sandbox.store.rows("contact", company_id=2)}
    mine = [row for row in sandbox.store.rows("invoice") if row["contact_id"] in people]
    assert found["invoices"]["total"] == len(mine)
    assert "documents" in found["nothing_in"]
    assert found.keys().isdisjoint(found["nothing_in"])


async def test_rows_are_few_and_name_what_the_next_call_needs() -> None:
    sandbox = agency()
    found = await ask(sandbox, "search_everything", query="e")
    assert found["invoices"]["total"] == len(sandbox.store.rows("invoice"))
    groups = found.keys() - {"requests", "nothing_in"}
    assert len(groups) == 11
    assert all(len(found[name]["items"]) <= 4 for name in groups)
    assert found["deals"]["items"][0]["pipeline_id"] == field(sandbox, "pipeline", 1, "uuid")
    assert found["conversations"]["items"][0]["uuid"] == field(sandbox, "conversation", 1, "uuid")


async def test_tasks_and_meeting_pages_are_searched_here_as_TaskIP_cannot() -> None:
    sandbox = agency()
    sandbox.store.update("task", 7, {"description": "Ask Otto about the *Marquee*"})
    found = await ask(sandbox, "search_everything", query="marquee", groups=["tasks", "meetings"])
    assert found == {
        "tasks": {"total": 1, "items": [found["tasks"]["items"][0]]}, "nothing_in": ["meetings"], "requests": 2,
    }  # fmt: skip
    shown = found["tasks"]["items"][0]
    project = sandbox.store.get("project", 1) or {}
    assert (shown["id"], shown["title"]) == (7, field(sandbox, "task", 7, "title"))
    assert shown["project"] == f"{project['title']} (1)"
    task = await calls.perform(
        api(httpx.ASGITransport(app=sandbox.app)),
        "get_task",
        "task",
        {"project_id": shown["project"], "task_id": 7},
    )
    assert task.value["id"] == 7, "what is shown of its project opens the task"
    found = await ask(sandbox, "search_everything", query=" check-IN", groups=["tasks", "meetings"])
    uuid = field(sandbox, "meeting", 2, "uuid")
    assert found["meetings"] == {"total": 1, "items": [{"uuid": uuid, "title": "Project check-in"}]}


async def test_only_the_groups_that_are_wanted_are_searched() -> None:
    sandbox = agency()
    await ask(sandbox, "search_everything", query="berg", groups=["contacts", "documents"])
    assert {seen.path for seen in sandbox.requests} == {"/contact", "/document"}


async def test_a_count_that_TaskIP_does_not_tell_is_no_number() -> None:
    found = await perform(Endless().backend, "search_everything", query="x")
    assert found["contacts"]["total"] == "100 or more"
    assert found["incomplete"] == {
        "deals": "only 5 of 100 pipelines were looked into",
        "meetings": "only 100 titles were searched",
    }


async def test_what_outsiders_wrote_is_marked_and_readable() -> None:
    found = await ask(agency(), "search_everything", query="yearly audit")
    subject = found["conversations"]["items"][0]["subject"]
    assert isinstance(subject, outside.Foreign)
    assert subject == "Invoices for the yearly audit"
    assert outside.holds_foreign(found["tickets"])


async def test_names_that_are_put_together_stay_marked() -> None:
    found = await ask(agency(), "search_everything", query="INV-001", groups=["invoices"])
    contact = found["invoices"]["items"][0]["client"]
    assert (contact, isinstance(contact, outside.Foreign)) == ("Elsa Berg (1)", True)


# --- parts that fail --------------------------------------------------------------------------------------


async def test_a_group_that_cannot_be_read_is_told_and_the_others_are_shown() -> None:
    sandbox = agency()
    sandbox.fault = forbidden("/support-ticket", "/booking-list")
    found = await ask(sandbox, "search_everything", query="e")
    assert found["not_read"].keys() == {"tickets"}
    assert "403" in found["not_read"]["tickets"]
    assert found["contacts"]["total"] == 40
    client = await ask(sandbox, "get_client_overview", contact_id=1)
    assert client["not_read"].keys() == {"open_tickets", "bookings"}
    assert client["contact"]["name"] == "Elsa Berg"


async def test_when_nothing_can_be_read_the_call_fails() -> None:
    sandbox = agency()
    sandbox.fault = forbidden("")
    with pytest.raises(ForbiddenError):
        await ask(sandbox, "search_everything", query="e")


async def test_a_budget_that_runs_out_shows_what_was_read_before() -> None:
    sandbox = agency()
    found = await ask(sandbox, "search_everything", query="e", minute=3)
    assert len(sandbox.requests) == 3
    assert len(found["not_read"]) == 11 - 3
    assert "limit" in found["not_read"]["documents"]


# --- one client -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("contact", [1, 2, 9, 19, 21, 36])
async def test_a_contact_is_shown_with_what_is_open(contact: int) -> None:
    sandbox = agency()
    shown = await ask(sandbox, "get_client_overview", contact_id=contact)
    left = unpaid(sandbox, contact_id=contact)
    late = {number: amount for number, amount in left.items() if days_late(sandbox, number) > 0}
    invoices = shown["open_invoices"]
    assert set(ids(invoices)) == left.keys()
    assert invoices.get("due", {}) == totals(sandbox, left)
    assert invoices.get("overdue", {}) == totals(sandbox, late)
    tickets = [row["id"] for row in sandbox.store.rows("ticket", client_id=contact) if row["status"] != 2]
    assert sorted(ids(shown["open_tickets"])) == tickets
    deals = {row["id"] for row in sandbox.store.rows("deal", contact_id=contact, status="active")}
    assert set(ids(shown["deals"])) == deals


async def test_a_company_is_shown_with_what_is_open_with_all_its_contacts() -> None:
    sandbox = agency()
    shown = await ask(sandbox, "get_client_overview", company_id=4)
    people = {row["id"]: row for row in sandbox.store.rows("contact", company_id=4)}
    assert shown["contacts"]["total"] == len(people)
    left = {number: each for one in people for number, each in unpaid(sandbox, contact_id=one).items()}
    assert set(ids(shown["open_invoices"])) == left.keys() != set()
    assert shown["open_invoices"]["due"] == totals(sandbox, left)
    projects = [row for row in sandbox.store.rows("project") if people.keys() & set(row["client"])]
    assert ids(shown["open_projects"]) == [row["id"] for row in projects if row["status"] == "active"] != []
    deals = sandbox.store.rows("deal", company_id=4, status="active")
    assert shown["deals"]["amount"] == {"EUR": sum(row["deal_amount"] for row in deals)}
    emails = {row["email"] for row in people.values()}
    coming = [
        row for row in sandbox.store.rows("booking") if row["email"] in emails and row["date"] >= day(0)
    ]
    assert ids(shown["bookings"]) == [row["id"] for row in coming] != []


async def test_the_next_bookings_of_a_contact_come_in_order_and_without_cancelled_ones() -> None:
    sandbox = agency()
    maya = next(row for row in sandbox.store.rows("contact") if row["email"].startswith("maya@"))
    first = sandbox.store.rows("booking", email=maya["email"])[0]
    for number, changes in ((1, {"date": day(9)}), (2, {"date": day(5), "status": "cancelled"})):
        sandbox.store.update("booking", number, {"email": maya["email"].upper(), **changes})
    shown = await ask(sandbox, "get_client_overview", contact_id=maya["id"])
    assert ids(shown["bookings"]) == [first["id"], 1]
    assert shown["bookings"]["items"][0] == {
        "id": first["id"], "meeting": "Project check-in", "meeting_id": field(sandbox, "meeting", 2, "uuid"),
        "name": "Maya Torres", "start": f"{day(1)}T13:00", "end": "13:45", "timezone": "Europe/London",
    }  # fmt: skip


async def test_a_filter_that_TaskIP_ignores_does_not_show_what_is_of_others() -> None:
    other = {"id": 2, "email": "two@x.example", "user_id": 2}
    rows: dict[str, Any] = {
        "contact_id": 2,
        "company": {"id": 2},
        "contact": other,
        "client": [other],
        "user": other,
    }

    class Deaf(Endless):
        """Rows of another client, whatever is asked for; the contact itself is the right one."""

        def _row(self, number: int, query: dict[str, str]) -> dict[str, Any]:
            return super()._row(number, query) | (
                {"email": "two@x.example", "date": "01-Jan-2099"} if query else {}
            )

    shown = await perform(Deaf(**rows).backend, "get_client_overview", contact_id=1)
    parts = ("open_invoices", "open_quotations", "open_tickets", "open_projects", "deals", "bookings")
    assert [shown[name] for name in parts] == [{"total": 0}] * 6


@pytest.mark.parametrize("given", [{}, {"contact_id": 1, "company_id": 1}])
async def test_one_client_must_be_named(given: dict[str, int]) -> None:
    sandbox = agency()
    with pytest.raises(ArgumentError, match="one of the two"):
        await ask(sandbox, "get_client_overview", **given)
    assert not sandbox.requests


async def test_a_client_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(MissingError):
        await ask(agency(), "get_client_overview", contact_id=999)


# --- odd records ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", [None, "", "soon", 7, True, [], {}, "2026-13-40", "1,5", float("nan")])
async def test_records_of_any_shape_are_read(odd: Any) -> None:
    assert facts.day(odd) is None
    assert facts.amount(odd) in (None, 7)
    shown = facts.deal_row({"deal_amount": odd, "closing_date": odd})
    assert shown.get("deal_amount") in ("7.00", odd, None)
    assert facts.deal_amounts([{"deal_amount": odd}]) in ({"no currency": 0}, {"no currency": 7})
    assert facts.coming([{"date": odd}], TODAY) == []
    assert facts.state({"status": odd}) == filters.folded(odd or "")


def test_sums_are_exact() -> None:
    pairs = [("EUR", facts.amount(text)) for text in ("0.1", 0.2, "1e2")]
    assert facts.sums((currency, amount) for currency, amount in pairs if amount) == {"EUR": 100.3}
