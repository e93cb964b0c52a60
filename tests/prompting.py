"""Prompts as a client gets them, built on the sandbox on one fixed day."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import httpx

from bench.tokens import count
from taskip_mcp import calls, operation, own, prompts, turn
from taskip_mcp.call import Backend
from taskip_mcp.client import TaskipClient
from taskip_mcp.clock import Clock
from taskip_mcp.files import Files
from taskip_mcp.prompts import Embedded, Given, PromptEntry, Read
from taskip_mcp.prompts.table import PROMPTS
from taskip_mcp.routes import RouteBook
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.settings import Settings
from tests.overviews import NOW
from tests.support import BASE

NAMES = [entry.name for entry in PROMPTS]
BY_NAME = {entry.name: entry for entry in PROMPTS}
FILLED: dict[str, dict[str, str]] = {
    "onboard_client": {"client": "Elsa Berg", "company": "Northwind Bakery", "agreed": "A shop for 5,000 EUR"},
    "chase_overdue_invoices": {"client": "june park", "company": "Juniper Legal"},
    "month_end_billing": {"month": "2026-02"},
    "triage_tickets": {"member": "Ravi Menon"},
    "triage_inbox": {"member": "#3"},
    "weekly_project_review": {"project": "Northwind website relaunch", "member": "Ravi Menon"},
    "pipeline_review": {"pipeline": "New business"},
    "prepare_meeting": {"meeting": "Discovery call", "company": "Northwind Bakery"},
}  # fmt: skip


class Built:
    """A prompt as a client gets it."""

    def __init__(self, messages: list[prompts.Message]) -> None:
        *before, last = [message.content for message in messages]
        assert isinstance(last, str)
        self.text = last
        self.embedded = [each for each in before if isinstance(each, Embedded)]
        assert len(self.embedded) == len(before)
        self.roles = {message.role for message in messages}

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(each.text) for each in self.embedded]

    @property
    def tokens(self) -> int:
        return count(self.text) + sum(count(each.text) + count(each.uri) for each in self.embedded)


def backend(
    sandbox: Sandbox,
    selected: frozenset[str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
    **settings: Any,
) -> Backend:
    """A backend on a sandbox, on a day that does not depend on when the tests run."""
    plenty: dict[str, Any] = {"limit_minute": 100_000, "limit_hour": 100_000}
    made = Settings(
        secret_key="test-key-1234567890", base_url=BASE, files_dir=Path("/nonexistent"), **plenty | settings
    )
    through = transport or httpx.ASGITransport(app=sandbox.app)
    api = Backend(TaskipClient(made, through, clock=Clock(NOW.timestamp)), RouteBook(), Files(made))
    api.selected = selected
    return api


async def build(
    api: Backend, name: str, given: Mapping[str, str] | None = None, seconds: float = 60
) -> Built:
    with turn.begin(api.client.clock, seconds):
        return Built(await prompts.build(api, name, given))


def part(text: str, head: str) -> str:
    """The lines under a head of the text."""
    found = re.search(rf"^{re.escape(head)}[^\n]*\n(.*?)\n\n", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


async def call(api: Backend, name: str, **arguments: Any) -> dict[str, Any]:
    """What a model gets that calls a tool."""
    tool = {**operation.load_all(), **own.tools()}[name]
    group = tool.group if isinstance(tool, operation.Operation) else operation.OWN_GROUP
    with turn.begin(api.client.clock, 60):
        return (await calls.perform(api, name, group, arguments)).document


def all_reads(entry: PromptEntry) -> list[Read]:
    """Of a prompt with nothing filled in, and with everything."""
    days = {"from": "2026-02-01", "to": "2026-02-28"}
    known = {argument.name: "1" for argument in entry.arguments}
    ways = [{}, known, *({name: "1"} for name in known)]
    first = [read for values in ways for read in entry.reads(Given(date(2026, 3, 18), {**days, **values}))]
    page = {"items": [{"uuid": "a"}, {"uuid": "b", "booking_count": 3}, {"id": 4}]}
    overview = {"bookings": {"items": [{"meeting_id": "a", "id": 1}]}}
    after = [each for read in first if read.then for each in read.then(page | overview)]
    return [*first, *(each for each in after if isinstance(each, Read))]
