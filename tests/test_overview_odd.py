"""The answers across groups where TaskIP shows less than one would like, or what nobody expects."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from taskip_mcp import calls, turn
from taskip_mcp.overview import facts
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.views import view
from tests.overviews import TODAY, TOOLS, Endless, agency, api, ask, day, field, forbidden, perform
from tests.support import Script, backend

pytestmark = pytest.mark.anyio

CALLS: dict[str, dict[str, Any]] = {
    "search_everything": {"query": "x"},
    "get_client_overview": {"company_id": 1},
    "list_overdue_invoices": {},
    "get_my_day": {"member_id": 1},
    "get_pipeline_summary": {},
}
ODD: list[Any] = [
    None, "", "soon", 7, -1, True, [], {}, [None, "x", []], {"id": None}, "2026-13-40", "1,5", 1e30, "1e30", "nan",
    ["active"], {"x": [1]},
]  # fmt: skip
FIELDS = [
    "id", "email", "contact_id", "company_id", "company", "contacts", "contact", "client", "user",
    "created_by", "host", "deal_owner", "assignees", "status", "due_date", "due_amount", "total",
    "partial_paid_amount", "currency", "date", "time_slot_start", "time_slot_end", "stages", "deals",
    "title", "deal_amount", "closing_date", "pipeline_uuid", "deal_stage_id", "meeting", "project",
    "name", "full_name", "first_name", "user_id", "is_completed", "completed_tasks", "total_tasks",
    "ended_at", "description", "subject", "deleted_at",
]  # fmt: skip


def data(rows: Any) -> Any:
    """An answer of a list or a record."""
    return 200, {"data": rows}


def ids(part: dict[str, Any]) -> list[int]:
    return [row["id"] for row in part.get("items", [])]


# --- any value in any field -------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ODD, ids=repr)
async def test_no_value_in_no_field_breaks_an_answer(odd: Any) -> None:
    for tool in TOOLS:
        for row in (dict.fromkeys(FIELDS, odd), *({name: odd} for name in ("status", "deals", "uuid"))):
            answer = await perform(Endless(2, **row).backend, tool, **CALLS[tool])
            assert json.dumps(answer)
            assert answer["requests"] > 0


@pytest.mark.parametrize("date", ["0001-01-01", "9999-12-31"])
async def test_a_day_at_the_end_of_the_calendar_is_a_day(date: str) -> None:
    assert (await ask(agency(), "get_my_day", member_id=3, date=date))["date"] == date


# --- amounts ----------------------------------------------------------------------------------------------


def invoice(**fields: Any) -> dict[str, Any]:
    plain = {"id": 5, "invoice_no": "I5", "status": "overdue", "due_date": day(-9), "currency": "EUR"}
    return plain | fields


async def overdue(*rows: dict[str, Any]) -> dict[str, Any]:
    return await perform(backend(Script({"GET /invoice": data([*rows])})), "list_overdue_invoices")


@pytest.mark.parametrize("due", ["1,250.00", "1,250", 1250, "1250.00", " 1250 "])
async def test_an_amount_counts_however_it_is_written(due: Any) -> None:
    found = await overdue(invoice(due_amount=due))
    assert found["by_currency"]["EUR"]["all"] == {"count": 1, "due": 1250}
    assert found["items"][0]["due_amount"] == "1250.00 EUR"


@pytest.mark.parametrize("due", [1e30, "1.250,00", "1,25", "much"])
async def test_an_amount_that_nobody_can_read_is_shown_and_said_to_be_in_no_sum(due: Any) -> None:
    found = await overdue(invoice(due_amount=due), invoice(id=6, due_amount=10))
    assert [row["due_amount"] for row in found["items"]] == [due, "10.00 EUR"]
    assert found["by_currency"]["EUR"]["all"] == {"count": 2, "due": 10}
    assert found["incomplete"] == {"amounts": "1 invoices show no amount that can be read: not in the sums"}


async def test_a_status_is_read_in_any_spelling() -> None:
    found = await overdue(invoice(status="Overdue", due_amount=1), invoice(id=6, status="Paid", due_amount=1))
    assert ids(found) == [5]


async def test_what_was_deleted_is_neither_overdue_nor_open() -> None:
    gone = {"deleted_at": "2025-02-01T00:00:00Z"}
    assert (await overdue(invoice(due_amount=100, **gone), invoice(id=6, due_amount=1)))["total"] == 1
    endless = Endless(3, **gone)
    shown = await perform(endless.backend, "get_client_overview", company_id=1)
    assert (shown["open_invoices"], shown["open_quotations"]) == ({"total": 0}, {"total": 0})
    assert shown["deals"]["total"] > 0


# --- whose it is ------------------------------------------------------------------------------------------

ELSA = {"id": 12, "user_id": 112, "full_name": "Elsa Berg", "email": "elsa@x.example"}


async def overview(route: str, *rows: dict[str, Any]) -> dict[str, Any]:
    script = Script({"GET /contact/12": data(ELSA), route: data([*rows])})
    return await perform(backend(script), "get_client_overview", contact_id=12)


async def test_the_clients_of_a_project_are_told_by_their_address_and_else_by_their_number_as_users() -> None:
    shown = await overview(
        "GET /project",
        {"id": 1, "client": [{"id": 112, "email": "ELSA@x.example"}]},
        {"id": 2, "client": [{"id": 12, "email": "bo@y.example"}]},
        {"id": 3, "client": [{"id": 12, "name": "Bo"}]},
        {"id": 4, "client": [{"id": "112", "name": "Elsa"}]},
        {"id": 5, "client": [{"id": 112, "email": "bo@y.example"}]},
        {"id": 6, "client": {"id": 7, "email": "elsa@x.example"}},
    )
    assert ids(shown["open_projects"]) == [1, 4, 6]


async def test_the_requester_of_a_ticket_is_told_in_the_same_way() -> None:
    shown = await overview(
        "GET /support-ticket",
        {"id": 1, "status": 0, "user": {"id": 112}},
        {"id": 2, "status": 0, "user": {"id": 12}},
        {"id": 3, "status": 0, "user": {"id": 112, "email": "bo@y.example"}},
        {"id": 4, "status": 0, "created_by": {"id": 3, "email": "elsa@x.example"}},
    )
    assert ids(shown["open_tickets"]) == [1, 4]


async def test_an_invoice_is_told_by_the_id_of_its_contact_as_a_number_or_a_text() -> None:
    rows = [invoice(id=number, contact_id=contact, due_amount=1) for number, contact in ((1, "12"), (2, 112))]
    assert ids((await overview("GET /invoice", *rows))["open_invoices"]) == [1]


async def test_the_tickets_of_a_day_are_said_to_rest_on_the_filter_alone() -> None:
    part = (await ask(agency(), "get_my_day", member_id=6))["open_tickets"]
    assert part["note"] == "TaskIP's filter alone says whose they are"
    empty = await perform(Endless(0).backend, "get_my_day", member_id=1)
    assert empty["open_tickets"] == {"total": 0}


# --- pipelines: what only the list of deals shows ---------------------------------------------------------


def deals_of(*rows: dict[str, Any], listed: Any = (403, {"message": "no"})) -> Script:
    """One pipeline with one stage that holds the rows; `listed` is the answer of the list of deals."""
    return Script(
        {
            "GET /sales-pipeline": data([{"uuid": "p1", "title": "P", "status": "active"}]),
            "GET /sales-pipeline/p1/stage": data([{"id": 1, "title": "Lead", "deals": [*rows]}]),
            "GET /sales-pipeline/p1/deals": listed,
        }
    )


HELD = {"id": 1, "deal_name": "A", "deal_amount": "100.00", "closing_date": "01/02/20", "pipeline_uuid": None}


async def test_the_stages_of_the_sandbox_hold_deals_as_documented_without_status_and_currency() -> None:
    sandbox = agency()
    uuid = field(sandbox, "pipeline", 1, "uuid")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=sandbox.app)) as http:
        answer = await http.get(
            f"http://x/api/public-v1/sales-pipeline/{uuid}/stage", headers={"X-Secret-Key": "k"}
        )
    held = [deal for stage in answer.json()["data"] for deal in stage["deals"]]
    assert held
    assert not {name for deal in held for name in deal} & {"status", "currency", "order", "tags", "files"}


async def test_a_deal_without_its_own_pipeline_is_shown_in_that_which_holds_it() -> None:
    listed = data([HELD | {"status": "Active", "currency": "EUR"}])
    answer = await perform(backend(deals_of(HELD, listed=listed)), "get_pipeline_summary")
    [shown] = answer["pipelines"]
    assert shown["stages"] == [{"stage": "Lead (1)", "count": 1, "amount": {"EUR": 100}}]
    assert shown["past_closing_date"]["items"] == [
        {"id": 1, "deal_name": "A", "deal_amount": "100.00 EUR", "closing_date": "2020-02-01"}
    ]
    assert not answer.keys() & {"incomplete", "not_read"}


async def test_deals_and_bookings_name_what_they_were_listed_under_even_if_they_say_nothing_of_it() -> None:
    shown = await perform(
        Endless(1, pipeline_uuid=None, meeting=None).backend, "get_client_overview", company_id=1
    )
    assert shown["deals"]["items"][0]["pipeline_id"] == "row-1"
    assert shown["bookings"]["items"][0]["meeting_id"] == "row-1"


async def test_deals_whose_status_cannot_be_read_are_not_taken_for_open_ones() -> None:
    sandbox = agency()
    uuid = field(sandbox, "pipeline", 1, "uuid")
    sandbox.fault = forbidden(f"{uuid}/deals", f"{uuid}/deal")
    answer = await ask(sandbox, "get_pipeline_summary")
    first, second = answer["pipelines"]
    count = len(sandbox.store.rows("deal", parent=1))
    assert first["status_unknown"]["count"] == count
    assert not first.keys() & {"open", "won", "lost", "closing_this_month", "stages"}
    assert "status_unknown" not in second
    words = answer["incomplete"]
    assert words.keys() == {uuid}
    assert "403" in words[uuid]
    assert words[uuid].endswith(f"{count} deals show no known status and are only in status_unknown")


async def test_deals_behind_the_pages_that_are_read_are_not_taken_for_open_ones() -> None:
    held = [HELD | {"id": number} for number in range(1, 403)]
    pages = [data([row | {"status": "won"} for row in held[at : at + 100]]) for at in (0, 100, 200, 300)]
    script = deals_of(*held, listed=[*pages])
    answer = await perform(backend(script), "get_pipeline_summary")
    [shown] = answer["pipelines"]
    assert (shown["won"]["count"], shown["status_unknown"]["count"], shown["open"]["count"]) == (300, 102, 0)
    assert answer["incomplete"]["p1"].startswith("only the first 300 rows were read; 102 deals")
    assert answer["requests"] == len(script.sent) == 5


async def test_a_deal_that_no_stage_holds_counts_as_well() -> None:
    listed = data([HELD | {"status": "active"}, HELD | {"id": 2, "status": "lost", "deal_stage_id": 1}])
    [shown] = (await perform(backend(deals_of(HELD, listed=listed)), "get_pipeline_summary"))["pipelines"]
    assert (shown["open"]["count"], shown["lost"]["count"]) == (1, 1)


# --- what was really sent ---------------------------------------------------------------------------------


async def as_called(sandbox: Sandbox, tool: str, **given: Any) -> dict[str, Any]:
    """The answer of a whole call, with names."""
    made = api(httpx.ASGITransport(app=sandbox.app))
    with turn.begin(made.client.clock, 60):
        return (await calls.perform(made, tool, "server", given)).value


async def test_the_requests_for_a_name_are_counted() -> None:
    sandbox = agency()
    plain = await as_called(sandbox, "get_my_day", member_id=1)
    before = len(sandbox.requests)
    named = await as_called(sandbox, "get_my_day", member_id="Alex Morgan")
    assert named["requests"] == len(sandbox.requests) - before > plain["requests"] == before
    assert named | {"requests": 0} == plain | {"requests": 0}


async def test_a_request_that_is_sent_again_is_counted_again() -> None:
    script = Script({"GET /invoice": [(503, {"message": "busy"}), *[data([])] * 4]})
    answer = await perform(backend(script), "list_overdue_invoices")
    assert answer["requests"] == len(script.sent) == 3


# --- the end of a slot ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "end", "ends", "brief"),
    [
        ("11:00 PM", "12:00 AM", "2026-03-19T00:00", "2026-03-19T00:00"),
        ("11:30 PM", "12:15 AM", "2026-03-19T00:15", "2026-03-19T00:15"),
        ("12:00 AM", "12:30 AM", "2026-03-18T00:30", "00:30"),
        ("1:00 PM", "1:45 PM", "2026-03-18T13:45", "13:45"),
        ("1:00 PM", "late", "2026-03-18 late", "late"),
    ],
)
def test_a_slot_until_midnight_ends_on_the_next_day(start: str, end: str, ends: str, brief: str) -> None:
    booking = {"id": 1, "date": "18-Mar-2026", "time_slot_start": start, "time_slot_end": end}
    for role in ("record", "row"):
        contract = "meeting.get_booking" if role == "record" else "meeting.list_bookings"
        shown = view(contract, booking, role)
        assert shown["end"] == ends
        assert shown["start"].startswith(TODAY.isoformat())
    assert facts.booking_row(booking)["end"] == brief
