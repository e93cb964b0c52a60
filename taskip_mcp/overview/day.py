"""What one team member has to do today and soon."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated

from pydantic import Field

from taskip_mcp.call import Backend
from taskip_mcp.operation import Effect
from taskip_mcp.overview import boards, facts
from taskip_mcp.overview.reading import Reading
from taskip_mcp.own import own_tool
from taskip_mcp.params import Day, MemberId
from taskip_mcp.results import Record
from taskip_mcp.views.forms import named, objects_of
from taskip_mcp.wire import JsonObject

SHOWN = 6
"""Rows of a part; the count is of all."""

SOON = 7
"""Days."""

UNSHOWN = "TaskIP's filter alone says whose they are"
"""No field of a ticket shows its assignee (contract quirk of ticket.list)."""


@own_tool(Effect.READ, marked=True)
async def get_my_day(
    backend: Backend,
    member_id: Annotated[MemberId, Field(description="Whose day: the API key belongs to no person.")],
    date: Annotated[Day | None, Field(description="YYYY-MM-DD, default today (UTC).")] = None,
) -> Record:
    """Show what a team member has to do: tasks overdue, due today and in 7 days, open tickets, bookings today and
    tomorrow on pages they host, deals that close. At most 26 requests."""
    reading = Reading(backend)
    member = await reading.record("team_member.get", member_id=member_id) | {"id": member_id}
    day = date or reading.today()

    async def tasks() -> JsonObject:
        return _tasks(await reading.rows_unpaged("project.all_tasks", assigned_to=member_id), member, day)

    async def tickets() -> JsonObject:
        asked: JsonObject = {"assigned_to": member_id, "sort": "created_at", "order": "desc"}
        rows = await reading.rows("open_tickets", "ticket.list", **asked)
        shown = facts.listed([facts.ticket_row(row) for row in rows if facts.open_ticket(row)], SHOWN)
        return shown | ({"note": UNSHOWN} if shown["total"] else {})

    async def bookings() -> JsonObject:
        return await _bookings(reading, member, day)

    async def deals() -> JsonObject:
        return _deals([row for row in await boards.deals(reading) if _owns(row, member)], day)

    works = {"tasks": tasks, "open_tickets": tickets, boards.BOOKINGS: bookings, boards.DEALS: deals}
    found = await reading.parts(works)
    return reading.told({"member": named(member), "date": day.isoformat()} | found)


def _owns(deal: JsonObject, member: JsonObject) -> bool:
    return facts.same_person(facts.inside(deal.get("deal_owner")), member)


# --- tasks ------------------------------------------------------------------------------------------------


def _tasks(rows: list[JsonObject], member: JsonObject, day: date) -> JsonObject:
    """By when they are due; those without a day are only counted."""
    mine = [row for row in rows if _is_open(row) and _assigned(row, member)]
    last = facts.after(day, SOON)
    dated = sorted(((due, row) for row in mine if (due := _due(row))), key=lambda pair: pair[0])
    spans: dict[str, Callable[[date], bool]] = {
        "overdue": lambda due: due < day,
        "today": lambda due: due == day,
        "next_7_days": lambda due: day < due <= last,
    }
    shown = {
        name: facts.listed([facts.task_row(row) for due, row in dated if fits(due)], SHOWN)
        for name, fits in spans.items()
    }
    later = sum(due > last for due, _ in dated)
    rest = {"later": later, "without_due_date": len(mine) - len(dated)}
    return shown | {name: count for name, count in rest.items() if count}


def _is_open(row: JsonObject) -> bool:
    return not row.get("is_completed")


def _assigned(row: JsonObject, member: JsonObject) -> bool:
    """Whether the task is theirs; one that shows nobody came by the filter."""
    people = objects_of(row.get("assignees"))
    return not people or any(facts.same_person(person, member) for person in people)


def _due(row: JsonObject) -> date | None:
    return facts.day(row.get("due_date"))


# --- bookings and deals -----------------------------------------------------------------------------------


async def _bookings(reading: Reading, member: JsonObject, day: date) -> JsonObject:
    pages = [row for row in await boards.meeting_pages(reading) if _hosts(row, member)]
    tomorrow = facts.after(day, 1)
    rows = await boards.bookings(reading, pages, date_from=day, date_to=tomorrow)
    return facts.listed([facts.booking_row(row) for row in facts.coming(rows, day, tomorrow)], SHOWN)


def _hosts(page: JsonObject, member: JsonObject) -> bool:
    host = facts.inside(page.get("host")) or facts.inside(page.get("created_by"))
    return facts.same_person(host, member)


def _deals(rows: list[JsonObject], day: date) -> JsonObject:
    """Open ones that close soon, or should have."""
    dated = [(closes, row) for row in rows if facts.open_deal(row) and (closes := facts.closing(row))]
    near = sorted((pair for pair in dated if pair[0] <= facts.after(day, SOON)), key=lambda pair: pair[0])
    spans = {
        "past_closing_date": [facts.deal_row(row) for closes, row in near if closes < day],
        "closing_in_7_days": [facts.deal_row(row) for closes, row in near if closes >= day],
    }
    return {name: facts.listed(found, SHOWN) for name, found in spans.items()}
