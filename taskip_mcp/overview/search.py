"""One search over all groups that TaskIP can search."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from taskip_mcp import kinds, records
from taskip_mcp.call import Backend
from taskip_mcp.operation import Effect
from taskip_mcp.overview import boards, facts
from taskip_mcp.overview.reading import SIZE, Reading
from taskip_mcp.own import own_tool
from taskip_mcp.pages import USUAL_SIZES
from taskip_mcp.params import Text
from taskip_mcp.results import Page, Record
from taskip_mcp.views.forms import bare, name_of, named
from taskip_mcp.wire import JsonObject

Group = Literal[
    "contacts", "companies", "invoices", "quotations", "tickets", "projects", "conversations", "documents", "deals",
    "tasks", "meetings",
]  # fmt: skip

SHOWN = 4
"""Rows of a group; the count tells of the rest."""

Row = Callable[[JsonObject], JsonObject]


def _fields(*names: str) -> Row:
    return lambda row: bare({name: row.get(name) for name in names})


def _bill(number: str) -> Row:
    def row(bill: JsonObject) -> JsonObject:
        shown = {name: bill.get(name) for name in ("id", number, "subject", "status")}
        total = facts.money(bill.get("total"), facts.currency_of(bill))
        return bare(shown | {"client": named(bill.get("contacts")), "total": total})

    return row


def _contact(row: JsonObject) -> JsonObject:
    shown = {"id": row.get("id"), "name": name_of(row), "email": row.get("email")}
    return bare(shown | {"company": named(row.get("company"))})


# Every list has a documented search (contract, query of each).
LISTS: dict[str, tuple[str, Row]] = {
    "contacts": ("contact.list", _contact),
    "companies": ("company.list", _fields("id", "name", "email")),
    "invoices": ("invoice.list", _bill("invoice_no")),
    "quotations": ("quotation.list", _bill("quotation_no")),
    "tickets": ("ticket.list", facts.ticket_row),
    "projects": ("project.list", _fields("id", "title", "status")),
    "conversations": ("inbox.list", _fields("uuid", "subject", "from_name", "from_email", "created_at")),
    "documents": ("document.list", _fields("id", "name")),
}


@own_tool(Effect.READ, marked=True)
async def search_everything(
    backend: Backend,
    query: Text,
    groups: Annotated[list[Group] | None, Field(description="Default: all.")] = None,
) -> Record:
    """Search all groups for a text at once, where it is not known what it names. Shows 4 rows a group; the lists show
    the rest. At most 16 requests: one a group, and one a pipeline for its deals."""
    reading = Reading(backend)
    wanted = [name for name in (*LISTS, *OTHERS) if not groups or name in groups]
    found = await reading.parts({name: lambda name=name: _search(reading, name, query) for name in wanted})
    hits = {name: shown for name, shown in found.items() if shown["total"]}
    empty = [name for name in found if name not in hits]
    return reading.told(hits | ({"nothing_in": empty} if empty else {}))


async def _search(reading: Reading, name: str, query: str) -> JsonObject:
    if name in OTHERS:
        return await OTHERS[name](reading, query)
    contract, row = LISTS[name]
    page = await reading.page(contract, search=query)
    return {"total": _count(page), "items": [row(each) for each in page.items[:SHOWN]]}


async def _deals(reading: Reading, query: str) -> JsonObject:
    """Deals are listed by pipeline; closed pipelines are searched as well."""

    async def one(pipeline: JsonObject) -> Page:
        return await reading.page("deal.list", pipeline_id=pipeline["uuid"], search=query)

    found = await records.at_once(await boards.pipelines(reading, boards.DEALS, status=None), one)
    rows = [row for page in found for row in page.items]
    counts = [_count(page) for page in found]
    exact = [count for count in counts if isinstance(count, int)]
    total: Any = sum(exact) if len(exact) == len(counts) else f"{len(rows)} or more"
    return {"total": total, "items": [facts.deal_row(row) for row in rows[:SHOWN]]}


async def _tasks(reading: Reading, query: str) -> JsonObject:
    """TaskIP sends the tasks of all projects, and searches none (contract project.all_tasks)."""
    rows = _holding(query, await reading.rows_unpaged("project.all_tasks"), "title", "description")
    return {"total": len(rows), "items": [facts.task_row(row) for row in rows[:SHOWN]]}


async def _meetings(reading: Reading, query: str) -> JsonObject:
    """The pages to book, whose list has no search (contract meeting.list)."""
    page = await reading.page("meeting.list")
    rows = _holding(query, page.items, "title")
    if _count(page) != len(page.items):
        reading.incomplete["meetings"] = f"only {len(page.items)} titles were searched"
    return {"total": len(rows), "items": [_fields("uuid", "title")(row) for row in rows[:SHOWN]]}


def _holding(query: str, rows: list[JsonObject], *fields: str) -> list[JsonObject]:
    wanted = kinds.key(query)
    return [row for row in rows if any(wanted in kinds.key(row.get(field)) for field in fields)]


OTHERS: dict[str, Callable[[Reading, str], Awaitable[JsonObject]]] = {
    boards.DEALS: _deals,
    "tasks": _tasks,
    "meetings": _meetings,
}
"""What has no search, or not in one list."""


def _count(page: Page) -> int | str:
    """How many there are. Without a total a full page, or one of a size that TaskIP likes, may not be all."""
    count = len(page.items)
    if page.total is not None and page.total >= count:
        return page.total
    return f"{count} or more" if page.next_page or count >= SIZE or count in USUAL_SIZES else count
