"""What the fault table is made of: the calls that meet a fault, and a server with a broken network behind a client."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp.client import Client
from mcp_types import TextContent

from taskip_mcp import results
from taskip_mcp.clock import Clock, scaled
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.sandbox.store import Store
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import Settings
from tests.faulty import Chooser, Fault, Faulty, Match, Plan, faulty, on

KEY = "canary-key-5f1c2d"
PACE = 20.0
"""How much faster than the world the server lives: its pauses and waits shrink, and so do its time-outs."""

SEEN = 12.0
"""Seconds of the server until it gives an answer up that will not come: 0.6 of ours."""

NEW = "ada@new.example"
SITE = "https://changed.example"
REPLY = "We look into it right away"
SUBJECT = "Plans for spring"


@dataclass(frozen=True, slots=True)
class Case:
    """One call: `request` is the one that the fault hits, `count` how often the sandbox did what it asks.

    `whole` is that number when it was done once; `looked` is what is looked at when the answer is lost, and `tells`
    whether that decides. `guarded` says that a repetition is not sent before it is clear what became of the first.
    """

    tool: str
    arguments: Mapping[str, Any]
    request: Match
    count: Callable[[Store], int]
    looked: str = ""
    tells: bool = True
    guarded: bool = False
    whole: int = 1

    @property
    def bulk(self) -> bool:
        """Whether it is a job, which reports on each id."""
        return self.whole > 1


def _mails(store: Store, **equal: Any) -> int:
    return len(store.rows("mail", **equal))


def _gone(store: Store, *numbers: int) -> int:
    return sum(store.get("contact", number) is None for number in numbers)


READ = Case("get_contact", {"contact_id": 1}, on("GET", "/contact/1"), lambda store: 0)

CASES: dict[str, Case] = {
    "create": Case(
        "create_contact",
        {"first_name": "Ada", "email": NEW},
        on("POST", "/contact"),
        lambda store: len(store.rows("contact", email=NEW)),
        "list_contacts, by email",
        guarded=True,
    ),
    "update": Case(
        "update_company",
        {"company_id": 1, "website": SITE},
        on("PUT", "/company/1"),
        lambda store: len(store.rows("company", website=SITE)),
        "get_company 1",
    ),
    "delete": Case(
        "delete_contact",
        {"contact_id": 5, "confirm": True},
        on("DELETE", "/contact/5"),
        lambda store: _gone(store, 5),
        "record",
    ),
    "send (reply)": Case(
        "reply_ticket",
        {"ticket_id": "1", "message": REPLY, "confirm": True},
        on("POST", "/support-ticket/reply/*"),
        lambda store: len(store.rows("ticket_reply", description=REPLY)),
        "get_ticket, by message",
        guarded=True,
    ),
    "send (message)": Case(
        "send_message",
        {"to_emails": ["x@y.example"], "subject": SUBJECT, "message": "Hello", "confirm": True},
        on("POST", "/inbox/*"),
        lambda store: _mails(store, to="x@y.example", subject=SUBJECT),
        "list_conversations, by subject and to emails",
        guarded=True,
    ),
    "send (invoice)": Case(
        "send_invoice",
        {"invoice_id": 57, "confirm": True},
        on("POST", "/invoice/sent/57"),
        lambda store: _mails(store, invoice_id=57),
        "get_invoice 57",
        tells=False,
        guarded=True,
    ),
    "bulk (delete)": Case(
        "bulk_delete_contacts",
        {"contact_ids": [5, 6], "confirm": True},
        on("POST", "/contact/bulk-delete"),
        lambda store: _gone(store, 5, 6),
        "each of the 2 records",
        whole=2,
    ),
    "bulk (send)": Case(
        "bulk_update_invoices",
        {"invoice_ids": [55, 57], "action": "send", "confirm": True},
        on("POST", "/invoice/bulk-actions"),
        lambda store: _mails(store, invoice_id=55) + _mails(store, invoice_id=57),
        "each of the 2 records",
        tells=False,
        guarded=True,
        whole=2,
    ),
}  # fmt: skip


def from_then_on(plan: Plan, request: Match) -> Chooser:
    """Break the request, and everything after it: TaskIP goes down while it is at it."""
    down = False

    def choose(method: str, path: str) -> Plan | None:
        nonlocal down
        down = down or request(method, path)
        return plan if down else None

    return choose


# --- the server ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Said:
    """The result of a call, as the model reads it."""

    text: str
    failed: bool

    @property
    def data(self) -> dict[str, Any]:
        """What a call that was no error returned."""
        assert not self.failed, self.text
        return results.parse(self.text)


@dataclass(frozen=True)
class Desk:
    """A client, the server that it talks to, and the broken network to the sandbox behind that."""

    client: Client
    app: App
    front: Faulty
    sandbox: Sandbox
    clock: Clock
    said: list[Said] = field(default_factory=lambda: list[Said]())

    async def call(self, tool: str, arguments: Mapping[str, Any]) -> Said:
        """One tool call."""
        result = await self.client.call_tool(tool, dict(arguments))
        (block,) = result.content
        assert isinstance(block, TextContent)
        self.said.append(Said(block.text, bool(result.is_error)))
        return self.said[-1]

    async def left(self) -> int:
        """Requests that the key may still send within the minute."""
        return (await self.app.open().client.budget.show())[0].left


@asynccontextmanager
async def desk(
    folder: Path, *plans: Plan | Chooser, timeout: float = 30.0, clock: Clock | None = None, **more: Any
) -> AsyncGenerator[Desk]:
    """A server on a time of its own; the sandbox lives in the same time."""
    time_ = clock or scaled(PACE, time.time())
    sandbox = Sandbox(clock=lambda: datetime.fromtimestamp(time_.now(), UTC))
    async with faulty(sandbox, *plans) as front:
        settings = Settings(
            secret_key=KEY,
            base_url=front.url,
            timeout=timeout,
            state_dir=folder / "state",
            files_dir=folder,
            **more,
        )
        app = App(settings, clock=time_)
        try:
            async with Client(build_server(app)) as client:
                yield Desk(client, app, front, sandbox, time_)
        finally:
            await app.aclose()


def patience(fault: Fault) -> float:
    """Seconds of the server for one answer: short where none will come, else enough on a busy machine."""
    return SEEN if fault is Fault.HANG else 100.0
