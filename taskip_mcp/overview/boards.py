"""What hangs below pipelines and meeting pages: their lists come first, then one list for each of them."""

from __future__ import annotations

from typing import Any

from taskip_mcp import records
from taskip_mcp.overview import facts
from taskip_mcp.overview.reading import BOARDS, Reading
from taskip_mcp.wire import IDENTIFIER, JsonObject

DEALS = "deals"
BOOKINGS = "bookings"


async def pipelines(reading: Reading, part: str, *, status: str | None = "active") -> list[JsonObject]:
    """The first pipelines of a status; it is noted when there are more."""
    rows = await reading.page("pipeline.list", **({"status": status} if status else {}))
    kept = [row for row in rows.items if _opens(row) and (not status or facts.state(row) in ("", status))]
    return _bounded(reading, part, kept, "pipelines")


async def deals(reading: Reading, **filters: Any) -> list[JsonObject]:
    """The deals of active pipelines; a filter by contact is documented in the older section alone."""

    async def one(pipeline: JsonObject) -> list[JsonObject]:
        rows = await reading.rows(DEALS, "deal.list", pipeline_id=pipeline["uuid"], **filters)
        return [row | {"pipeline_uuid": pipeline["uuid"]} for row in rows]

    found = await records.at_once(await pipelines(reading, DEALS), one)
    return [row for rows in found for row in rows]


async def bookings(reading: Reading, pages: list[JsonObject], **filters: Any) -> list[JsonObject]:
    """The bookings of meeting pages."""

    async def one(page: JsonObject) -> list[JsonObject]:
        rows = await reading.rows(BOOKINGS, "meeting.list_bookings", meeting_id=page["uuid"], **filters)
        return [row | {"meeting": page} for row in rows]

    pages = _bounded(reading, BOOKINGS, list(filter(_opens, pages)), "meeting pages")
    return [row for rows in await records.at_once(pages, one) for row in rows]


async def meeting_pages(reading: Reading) -> list[JsonObject]:
    """The meeting pages, whose bookings are listed one page at a time."""
    return (await reading.page("meeting.list")).items


def _opens(row: JsonObject) -> bool:
    """Whether what hangs below can be asked for."""
    uuid = row.get("uuid")
    return isinstance(uuid, str) and IDENTIFIER.fullmatch(uuid) is not None and uuid.strip(".") != ""


def _bounded(reading: Reading, part: str, rows: list[JsonObject], what: str) -> list[JsonObject]:
    if len(rows) > BOARDS:
        reading.incomplete[part] = f"only {BOARDS} of {len(rows)} {what} were looked into"
    return rows[:BOARDS]
