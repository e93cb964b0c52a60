"""The tools that answer across groups, on the sandbox of a fixed day and on a TaskIP whose lists never end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

import taskip_mcp.overview  # registers the tools
from taskip_mcp import arguments, own, turn
from taskip_mcp.call import Backend
from taskip_mcp.client import TaskipClient
from taskip_mcp.files import Files
from taskip_mcp.routes import RouteBook
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.settings import Settings
from tests.support import BASE

assert taskip_mcp.overview

NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)
TODAY = NOW.date()
TOOLS = (
    "search_everything", "get_client_overview", "list_overdue_invoices", "get_my_day", "get_pipeline_summary",
)  # fmt: skip


def day(offset: int) -> str:
    """A day from the sandbox's today."""
    return (TODAY + timedelta(days=offset)).isoformat()


def agency() -> Sandbox:
    """The seeded agency on a day that does not depend on when the tests run."""
    return Sandbox(limits=False, clock=lambda: NOW)


def api(transport: httpx.AsyncBaseTransport, minute: int = 100_000) -> Backend:
    """A backend over a transport."""
    settings = Settings(
        secret_key="test-key-1234567890",
        base_url=BASE,
        files_dir=Path("/nonexistent"),
        limit_minute=minute,
        limit_hour=100_000,
    )
    return Backend(TaskipClient(settings, transport), RouteBook(), Files(settings))


async def ask(sandbox: Sandbox, tool: str, *, minute: int = 100_000, **given: Any) -> dict[str, Any]:
    """The answer of a tool on a sandbox, whose requests must be as many as it says (it does not note those that a
    fault answered)."""
    sandbox.requests.clear()
    answer = await perform(api(httpx.ASGITransport(app=sandbox.app), minute), tool, **given)
    assert sandbox.fault or answer["requests"] == len(sandbox.requests)
    return answer


async def perform(backend: Backend, name: str, **given: Any) -> dict[str, Any]:
    """Validate and run one of the server's own tools."""
    tool = own.tools()[name]
    with turn.begin(backend.client.clock, 60):
        return await own.perform(backend, tool, arguments.validate(tool, given))


def stated(tool: str) -> int:
    """The most requests that the description of a tool names."""
    return max(map(int, re.findall(r"At most (\d+) requests(?:, \d+)?", own.tools()[tool].description)))


def forbidden(*paths: str) -> Callable[[Request], Response | None]:
    """A fault: addresses that end so may not be read with this key."""

    def fault(request: Request) -> Response | None:
        return JSONResponse({"message": "no"}, 403) if request.url.path.endswith(paths) else None

    return fault


# --- a TaskIP whose lists never end -----------------------------------------------------------------------


class Endless:
    """Every page of every list is full; rows are of contact 1, company 1 and member 1, in every status asked for.

    With `rows` each list has so many, and ends.
    """

    def __init__(self, rows: int = 100, **row: Any) -> None:
        self.rows = rows
        self.row = row
        self.asked: Counter[str] = Counter()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path.removeprefix("/api/public-v1")
        self.asked[path] += 1
        if re.fullmatch(r"/(contact|company|team-member)/\d+", path):
            return httpx.Response(200, json={"data": self._row(1, {})})
        query = dict(request.url.params)
        first = (int(query.get("page", 1)) - 1) * 100
        rows = [self._row(first + place, query) for place in range(1, self.rows + 1)]
        return httpx.Response(200, json={"data": rows})

    def _row(self, number: int, query: dict[str, str]) -> dict[str, Any]:
        person = {"id": 1, "email": "one@x.example"}
        return {
            "id": number, "uuid": f"row-{number}", "email": "one@x.example", "contact_id": 1, "company_id": 1,
            "company": {"id": 1}, "host": person, "deal_owner": person, "assignees": [person],
            "status": query.get("status", "active"), "due_date": "2020-01-01", "due_amount": 1, "currency": "EUR",
            "date": "01-Jan-2099", "stages": [], "deals": [],
        } | self.row  # fmt: skip

    @property
    def backend(self) -> Backend:
        """A backend on it."""
        return api(httpx.MockTransport(self))

    @property
    def requests(self) -> int:
        """How many came."""
        return self.asked.total()


# --- figures from the store, by other ways than the tools go ------------------------------------------------


def unpaid(sandbox: Sandbox, **equal: Any) -> dict[int, Decimal]:
    """What is left of each sent or overdue invoice, by id."""
    rows = [row for row in sandbox.store.rows("invoice", **equal) if row["status"] in {"sent", "overdue"}]
    left = {
        row["id"]: Decimal(str(row["total"])) - sum(Decimal(str(each["amount"])) for each in row["payments"])
        for row in rows
    }
    return {number: amount for number, amount in left.items() if amount > 0}


def field(sandbox: Sandbox, kind: str, number: int, name: str) -> Any:
    """One field of a record in the store."""
    return (sandbox.store.get(kind, number) or {})[name]


def totals(sandbox: Sandbox, left: dict[int, Decimal]) -> dict[str, float]:
    """Amounts by currency."""
    found: Counter[str] = Counter()
    for number, amount in left.items():
        found[field(sandbox, "invoice", number, "currency")] += int(amount * 100)
    return {currency: cents / 100 for currency, cents in found.items()}


def days_late(sandbox: Sandbox, number: int, on: date = TODAY) -> int:
    """Days since an invoice was due."""
    return (on - date.fromisoformat(field(sandbox, "invoice", number, "due_date"))).days
