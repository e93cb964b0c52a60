"""What is read for a prompt: the rows that its steps are about, of whom and of when was asked."""

from __future__ import annotations

from typing import Any

import pytest

from taskip_mcp.prompts.reads import NO_BOOKING
from taskip_mcp.sandbox import Sandbox
from tests.overviews import TODAY, agency, day, forbidden
from tests.prompting import backend, build, call, part

pytestmark = pytest.mark.anyio


def asked(sandbox: Sandbox, path: str) -> list[dict[str, Any]]:
    """The filters with which an address was read."""
    return [{**each.query, **(each.body or {})} for each in sandbox.requests if each.path.endswith(path)]


async def test_the_inbox_shows_what_nobody_has_read_newest_first() -> None:
    sandbox = agency()
    built = await build(backend(sandbox), "triage_inbox")
    rows = built.documents[0]["items"]
    assert len(rows) >= 3
    assert [row["is_read"] for row in rows] == [False] * len(rows)
    (query,) = asked(sandbox, "/conversation/all")
    assert query.items() >= {"status": "unread", "sort": "created_at", "order": "desc"}.items()


async def test_a_month_shows_drafts_accepted_quotations_and_finished_projects() -> None:
    sandbox = agency()
    await build(backend(sandbox), "month_end_billing", {"month": "2026-02"})
    (quotations,), (projects,) = asked(sandbox, "/quotation"), asked(sandbox, "/project")
    assert quotations["status"] == "accepted"
    assert projects["status"] == "completed"
    invoices = asked(sandbox, "/invoice")
    assert "draft" in [query.get("status") for query in invoices]
    assert ("2026-02-01", "2026-02-28") in [
        (query.get("date_from"), query.get("date_to")) for query in invoices if "status" not in query
    ]


async def test_only_the_invoices_of_a_company_that_was_given_are_chased() -> None:
    api = backend(agency())
    (every,) = (await build(api, "chase_overdue_invoices")).documents
    (own,) = (await build(api, "chase_overdue_invoices", {"company": "Juniper Legal"})).documents
    assert {row["company"] for row in own["items"]} == {"Juniper Legal (9)"}
    assert 0 < own["total"] < every["total"]


@pytest.mark.parametrize("name", ["prepare_meeting", "onboard_client"])
async def test_of_a_client_and_the_company_of_that_client_the_client_is_shown(name: str) -> None:
    built = await build(backend(agency()), name, {"client": "Elsa Berg", "company": "Northwind Bakery"})
    assert built.documents[0]["contact"]["id"] == 1
    assert "Missing" not in built.text


@pytest.mark.parametrize(
    ("name", "given", "paths"),
    [
        ("triage_tickets", {}, ["/support-ticket"]),
        ("triage_inbox", {}, ["/conversation/all"]),
        ("weekly_project_review", {}, ["/project", "/all-tasks/list"]),
    ],
)
async def test_what_a_team_member_has_is_asked_for_by_that_member(
    name: str, given: dict[str, str], paths: list[str]
) -> None:
    sandbox = agency()
    await build(backend(sandbox, routes="guide"), name, {**given, "member": "Lena Fischer"})
    for path in paths:
        queries = asked(sandbox, path)
        assert queries
        assert {str(query.get("assigned_to")) for query in queries} == {"6"}


async def test_the_board_of_a_project_shows_what_one_team_member_has_to_do_there() -> None:
    built = await build(backend(agency()), "weekly_project_review", {"project": "1", "member": "Ravi Menon"})
    tasks = [task for column in built.documents[1]["items"] for task in column["tasks"]]
    assert tasks
    assert all("Ravi Menon (3)" in task["assignees"] for task in tasks)
    assert not any(task.get("is_completed") for task in tasks)


async def test_a_weekly_review_looks_back_one_week() -> None:
    sandbox = agency()
    await build(backend(sandbox), "weekly_project_review")
    (query,) = asked(sandbox, "/dashboard/activity")
    assert query["from_date"] == day(-7)


async def test_tasks_of_all_projects_are_shown_as_a_whole_or_not_at_all() -> None:
    api = backend(agency())
    every = await build(api, "weekly_project_review")
    (line,) = part(every.text, "Not read yet;").splitlines()
    assert line.startswith("- list_all_tasks {is_completed: false, limit: 100, ")
    assert line.endswith("too much to be shown here; read every page.")
    assert not [each for each in every.embedded if each.uri.startswith("taskip://tasks")]
    own = await build(api, "weekly_project_review", {"member": "Ravi Menon"})
    (shown,) = [doc for doc, at in zip(own.documents, own.embedded, strict=True) if "://tasks" in at.uri]
    listed = await call(api, "list_all_tasks", is_completed=False, limit=100, assigned_to=3)
    assert [row["id"] for row in shown["items"]] == [row["id"] for row in listed["items"]]
    assert "Not read yet" not in own.text


async def test_a_page_that_fits_is_not_taken_for_the_whole_list() -> None:
    sandbox = agency()
    short: dict[str, Any] = {"title": None, "assignees": [], "due_date": None, "is_completed": 0}
    for project in sandbox.store.rows("project"):
        sandbox.store.update("project", project["id"], {"title": None})
    for task in sandbox.store.rows("task"):
        sandbox.store.update("task", task["id"], short)
    row = sandbox.store.rows("task")[0]
    for _ in range(40):
        sandbox.store.insert("task", {**row, **short}, parent=1)
    api = backend(sandbox)
    page = await call(api, "list_all_tasks", is_completed=False, limit=100, fields=["title", "project"])
    assert page["next_page"] == 2
    built = await build(api, "weekly_project_review")
    assert "list_all_tasks" in part(built.text, "Not read yet;")


async def test_meeting_pages_whose_bookings_were_not_read_are_named() -> None:
    sandbox = agency()
    seeded = sandbox.store.rows("meeting")
    for number in range(5):
        title = f"Page {number}"
        sandbox.store.insert("meeting", {**seeded[0], "uuid": f"new-{number}", "title": title})
    built = await build(backend(sandbox), "prepare_meeting")
    told = part(built.text, "Not read yet;")
    assert told.startswith("- list_meeting_bookings of these meeting pages: ")
    named = {f"Page {number}" in told for number in range(5)}
    assert len([each for each in built.embedded if "/bookings" in each.uri]) == 4
    assert True in named
    assert "list_meetings {" not in told
    for number in range(5):
        sandbox.store.insert("meeting", {**seeded[0], "uuid": f"more-{number}"})
    more = part((await build(backend(sandbox), "prepare_meeting")).text, "Not read yet;")
    assert more.endswith("- list_meetings {limit: 10}: 10 of 13 rows are here.")


async def test_of_a_list_that_is_embedded_in_part_the_text_says_how_many_rows_are_there() -> None:
    sandbox = agency()
    for name in ("invoice", "quotation"):
        row = sandbox.store.rows(name)[0]
        for _ in range(16):
            sandbox.store.insert(name, {**row, "status": "draft", "issue_date": "2026-02-20"})
    told = part((await build(backend(sandbox), "month_end_billing")).text, "Not read yet;").splitlines()
    assert told[0] == '- list_invoices {status: "draft", limit: 15}: 15 of 17 rows are here.'
    assert told[1].startswith('- list_invoices {date_from: "2026-02-01", ')
    assert told[1].endswith(": 15 of 21 rows are here.")
    assert told[2:] == ["- list_overdue_invoices {limit: 5}: 5 of 7 rows are here."]


async def test_pages_that_are_not_shown_count_among_those_with_most_bookings() -> None:
    sandbox = agency()
    page = sandbox.store.rows("meeting")[0]
    for number in range(7):
        new = {**page, "uuid": f"new-{number}", "title": f"Page {number}", "location": "ሀ" * 400}
        made = sandbox.store.insert("meeting", new)
        for booking in sandbox.store.rows("booking", parent=page["id"]) * (1 + number):
            sandbox.store.insert("booking", booking, parent=made["id"])
    built = await build(backend(sandbox), "prepare_meeting")
    assert built.documents[0]["returned"] < 8
    read = {each.uri.split("/")[3] for each in built.embedded if "/bookings" in each.uri}
    assert read == {f"new-{number}" for number in (3, 4, 5, 6)}
    told = part(built.text, "Not read yet;")
    assert [f"Page {number}" in told for number in range(7)] == [True] * 3 + [False] * 4


def booked(sandbox: Sandbox, page: int, person: int, **fields: Any) -> dict[str, Any]:
    """A booking of a contact, in two days."""
    row = sandbox.store.rows("booking", parent=1)[0]
    who = sandbox.store.get("contact", person) or {}
    new: dict[str, Any] = {
        **row,
        "booking_data": {},
        "email": who["email"].upper(),
        "date": day(2),
        "status": "confirmed",
        **fields,
    }
    return sandbox.store.insert("booking", new, parent=page)


@pytest.mark.parametrize("who", [{"client": "Elsa Berg"}, {"company": "Northwind Bakery"}])
@pytest.mark.parametrize("meeting", [{}, {"meeting": "Discovery call"}])
async def test_of_who_was_named_the_bookings_are_shown_and_those_of_nobody_else(
    who: dict[str, str], meeting: dict[str, str]
) -> None:
    sandbox = agency()
    rows = [booked(sandbox, 1, 1, date=day(offset)) for offset in (4, 3, 2, -1, 5)]
    built = await build(backend(sandbox), "prepare_meeting", {**who, **meeting})
    shown = [
        (doc["id"], doc["email"])
        for doc, each in zip(built.documents, built.embedded, strict=True)
        if "/bookings" in each.uri
    ]
    assert shown == [(rows[place]["id"], rows[0]["email"]) for place in (2, 1, 0)]
    assert "visitor.example" not in "".join(each.text for each in built.embedded)
    assert part(built.text, "What that comes to:") == ""


@pytest.mark.parametrize("who", [{"client": "Elsa Berg"}, {"company": "Northwind Bakery"}])
async def test_that_who_was_named_has_no_booking_is_said(who: dict[str, str]) -> None:
    sandbox = agency()
    booked(sandbox, 1, 1, status="cancelled")
    booked(sandbox, 1, 20)
    built = await build(backend(sandbox), "prepare_meeting", {**who, "meeting": "Discovery call"})
    assert part(built.text, "What that comes to:") == f"- {NO_BOOKING}"
    assert not [each for each in built.embedded if "/bookings" in each.uri]


async def test_who_has_no_booking_is_not_told_where_some_were_not_read() -> None:
    sandbox = agency()
    row = sandbox.store.rows("meeting")[0]
    for number in range(5):
        sandbox.store.insert("meeting", {**row, "uuid": f"new-{number}"})
    some = (await build(backend(sandbox), "prepare_meeting", {"client": "1"})).text
    sandbox.fault = forbidden("/booking-list")
    none = (await build(backend(sandbox), "prepare_meeting", {"client": "1"})).text
    for text, why in ((some, "only 5 of 8 meeting pages were looked into"), (none, "TaskIP refused")):
        assert "What that comes to" not in text
        assert "bookings: " + why in part(text, "Not read yet;")


async def test_for_a_client_alone_the_meeting_pages_are_shown_with_the_tool_that_shows_who_comes() -> None:
    built = await build(backend(agency()), "prepare_meeting", {"client": "Elsa Berg"})
    assert [each.uri for each in built.embedded] == [
        "taskip://client-overview?contact_id=1",
        "taskip://meetings?limit=10",
    ]
    assert "list_meetings shows the pages, list_meeting_bookings with `meeting_id`" in built.text


async def test_the_text_tells_the_time_with_which_a_booking_of_today_is_compared() -> None:
    built = await build(backend(agency()), "prepare_meeting")
    assert f"It is {TODAY} 12:00 UTC." in built.text
    assert "has not begun: compare its start, in the time zone of its row" in built.text
    assert [row for each in built.documents for row in each["items"] if row.get("timezone")]
