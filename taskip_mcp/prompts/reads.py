"""What is read for a prompt: its data, for what was filled in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from taskip_mcp.prompts import Finding, Given, JsonObject, Read

ROWS = 15
"""Rows of a list that are embedded; the text names the tool that shows the rest."""

LISTED = 10
"""Meeting pages that are shown."""

PAGES = 4
"""Meeting pages whose bookings are looked at where none is named."""

NEXT = 3
"""Bookings of a client that are shown: the first may have begun."""

NO_BOOKING = Finding(
    "No booking to come has an address of the client: say so, and prepare for them without one."
)

WEEK = timedelta(7)


def _client(given: Given) -> list[Read]:
    """The one client that was named; a contact is more exact than its company."""
    one = given.as_argument(contact_id="client") or given.as_argument(company_id="company")
    return [Read("get_client_overview", one)] if one else []


def onboard(given: Given) -> Sequence[Read]:
    """The client, and who may lead and meet them."""
    return (
        *_client(given),
        Read("team_member.list", {"status": "active"}),
        Read("meeting.list", {"limit": LISTED}),
    )


def overdue(given: Given) -> Sequence[Read]:
    """What is unpaid."""
    asked = given.as_argument(contact_id="client", company_id="company")
    return (Read("list_overdue_invoices", {"limit": ROWS, **asked}),)


def month(given: Given) -> Sequence[Read]:
    """What a month may still be billed for."""
    days: JsonObject = given.as_argument(date_from="from", date_to="to")
    shown = ["invoice_no", "subject", "status", "client", "company", "issue_date", "total"]
    done = ["title", "status", "clients", "ended_at", "completed_tasks", "total_tasks"]
    return (
        Read("invoice.list", {"status": "draft", "limit": ROWS}),
        Read("quotation.list", {"status": "accepted", "limit": ROWS}),
        Read("invoice.list", {**days, "limit": ROWS, "fields": shown}),
        Read(
            "project.list",
            {"status": "completed", "sort": "end_date", "order": "desc", "limit": 10, "fields": done},
        ),
        Read("list_overdue_invoices", {"limit": 5}),
    )


def tickets(given: Given) -> Sequence[Read]:
    """What is to be sorted, and who may take it."""
    asked: JsonObject = {"sort": "created_at", "order": "asc", **given.as_argument(assigned_to="member")}
    return (
        Read("ticket.list", {"status": "open", "limit": ROWS, **asked}),
        Read("ticket.list", {"status": "in_progress", "limit": 10, **asked}),
        Read("team_member.list", {"status": "active"}),
    )


def inbox(given: Given) -> Sequence[Read]:
    """What nobody has read."""
    asked: JsonObject = {"sort": "created_at", "order": "desc", **given.as_argument(assigned_to="member")}
    return (
        Read("inbox.list", {"status": "unread", "limit": ROWS, **asked}),
        Read("inbox.get_email_address"),
    )


def projects(given: Given) -> Sequence[Read]:
    """One project, or all active ones."""
    one, member = given.as_argument(project_id="project"), given.as_argument(assigned_to="member")
    if one:
        return (
            Read("project.get", one),
            Read("task.list", {"is_completed": False, **one, **member}),
            Read("project.activity", {"limit": ROWS, **one}),
        )
    shown = ["title", "status", "ended_at", "project_managers", "completed_tasks", "total_tasks"]
    tasks = ["title", "due_date", "assignees", "project"]
    since = (given.today - WEEK).isoformat()
    return (
        Read("project.list", {"status": "active", "limit": ROWS, "fields": shown, **member}),
        # TaskIP sorts them by nothing: a part would be that of the first projects.
        Read(
            "project.all_tasks", {"is_completed": False, "limit": 100, "fields": tasks, **member}, whole=True
        ),
        Read("project.dashboard_activity", {"from_date": since, "limit": ROWS}),
    )


def pipelines(given: Given) -> Sequence[Read]:
    """One pipeline with its deals, or all active ones."""
    one = given.as_argument(pipeline_id="pipeline")
    shown = [
        "deal_name",
        "deal_stage_id",
        "client",
        "deal_owner",
        "deal_amount",
        "closing_date",
        "created_at",
    ]
    deals = Read("deal.list", {"status": "active", "limit": 25, "fields": shown, **one})
    return (Read("get_pipeline_summary", one), *([deals] if one else []))


def meeting(given: Given) -> Sequence[Read]:
    """Of whom was named the bookings, of a page its own, else those of the pages that have most."""
    one = given.as_argument(meeting_id="meeting")
    client = [replace(read, then=_theirs) for read in _client(given)]
    page = Read("meeting.get", one) if one else Read("meeting.list", {"limit": LISTED})
    if client:
        return (*client, page)
    if one:
        return (page, _bookings(one["meeting_id"], given, 10))

    def then(pages: JsonObject) -> list[Read | str]:
        """The bookings of the pages that have most: no list shows those of all."""
        rows: list[JsonObject] = [row for row in pages["items"] if row.get("uuid")]
        rows.sort(key=_booked, reverse=True)
        return [*(_bookings(row["uuid"], given, 5) for row in rows[:PAGES]), *_others(rows[PAGES:])]

    return (replace(page, then=then),)


def _theirs(overview: JsonObject) -> list[Read | str]:
    """The next bookings of a client, whom the overview knows by address."""
    rows: list[JsonObject] = overview.get("bookings", {}).get("items", [])
    ids = [{"meeting_id": row.get("meeting_id"), "booking_id": row.get("id")} for row in rows[:NEXT]]
    reads = [Read("meeting.get_booking", each) for each in ids if all(each.values())]
    sure = not any("bookings" in overview.get(gap, {}) for gap in ("not_read", "incomplete"))
    return [NO_BOOKING] if sure and not rows else [*reads]


def _others(rows: Sequence[JsonObject]) -> list[str]:
    """What is said of the pages that nobody looked into."""
    left = [str(row.get("title") or row["uuid"]) for row in rows]
    return [f"list_meeting_bookings of these meeting pages: {', '.join(left)}."] if left else []


def _booked(page: JsonObject) -> int:
    count = page.get("booking_count")
    return count if isinstance(count, int) else 0


def _bookings(meeting: Any, given: Given, limit: int) -> Read:
    return Read(
        "meeting.list_bookings",
        {"meeting_id": meeting, "date_from": given.today.isoformat(), "limit": limit},
    )
