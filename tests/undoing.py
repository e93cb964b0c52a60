"""What the tests of the undo share: a change on a sandbox, its entry of the journal, its undo, and the whole state."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import httpx

from taskip_mcp import arguments, confirm, operation, undo
from taskip_mcp.call import Backend
from taskip_mcp.client import TaskipClient
from taskip_mcp.entries import Entry
from taskip_mcp.files import Files
from taskip_mcp.routes import RouteBook
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.settings import Settings
from taskip_mcp.undo import Plan
from taskip_mcp.wire import JsonObject
from tests.sandbox_calls import CALLS, filled

OPERATIONS = operation.load_all()
State = dict[tuple[str, int], JsonObject]

VOLATILE = {"updated_at"}
"""Columns that every write changes."""

DEFAULTS: Mapping[str, JsonObject] = {
    "contact": {"access_portal": 0},
    "invoice": {
        "template": 1, "payment_gateway": "manual", "discount": 0, "discount_type": "fixed",
        "payable": {"payment_type": "full-amount"}, "recurring_payment": {"is_payment_reccuring": False},
    },
    "document": {"folder_id": 1},
    "quotation": {"up_payment_amount": 0, "up_payment_status": 0},
}  # fmt: skip
"""What the sandbox shows where nothing is stored."""


@dataclass
class World:
    """A sandbox of its own, and the server in front of it."""

    folder: Path
    sandbox: Sandbox = field(default_factory=lambda: Sandbox(limits=False))

    def __post_init__(self) -> None:
        (self.folder / "note.txt").write_text("a note")
        settings = Settings(
            secret_key="k",
            base_url="http://127.0.0.1/api/public-v1",
            files_dir=self.folder,
            limit_minute=100_000,
            limit_hour=100_000,
        )
        client = TaskipClient(settings, httpx.ASGITransport(app=self.sandbox.app))
        self.api = Backend(client, RouteBook(), Files(settings))

    def given(self, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Arguments with the uuids of this sandbox; those of `sandbox_calls` where there are none."""
        return filled(given or CALLS[name], self.sandbox)

    async def run(self, name: str, given: Mapping[str, Any]) -> Any:
        """A tool, confirmed and meant."""
        each = OPERATIONS[name]
        control = {"confirm": True} if each.possible else {}
        control |= {"allow_duplicate": True} if each.guarded else {}
        return await confirm.perform(self.api, each, arguments.validate(each, {**given, **control}))

    async def change(self, name: str, given: Mapping[str, Any]) -> Change:
        """Run a tool; what the journal has of it."""
        await self.run(name, given)
        entry = self.api.log.changes(limit=1)[0]
        return Change(entry, self.api.log.of_job(entry.write))

    async def carry_out(self, made: Plan) -> list[Change]:
        """The steps of a plan, as tools of their own; their entries, the last one first."""
        return [await self.change(step.operation.name, step.arguments) for step in made.steps][::-1]

    async def since(self, change: Change) -> list[str]:
        """What was changed since."""
        return await undo.since(self.api, change.entry, undo.plan(change.entry, change.chunks).steps)

    @property
    def state(self) -> State:
        """Every stored row, in the form in which two of them can be compared."""
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(self.sandbox.store.dump())
            found = database.execute("SELECT kind, id, data FROM records").fetchall()
        return {(kind, number): comparable(kind, json.loads(data)) for kind, number, data in found}


@dataclass
class Change:
    """A write as the journal has it."""

    entry: Entry
    chunks: list[Entry]

    @property
    def plan(self) -> Plan:
        """The way back."""
        return undo.plan(self.entry, self.chunks)


def comparable(kind: str, row: JsonObject) -> JsonObject:
    """A row without what every write changes, with what the sandbox shows where nothing is stored."""
    shown = {**DEFAULTS.get(kind, {}), **{name: value for name, value in row.items() if value not in EMPTY}}
    return {
        name: _plain(value)
        for name, value in shown.items()
        if name not in VOLATILE and _plain(value) not in EMPTY
    }


EMPTY: tuple[Any, ...] = (None, "", [], {})


def _plain(value: Any) -> Any:
    """Without what is empty; lists of ids in one order, as nobody sees theirs; numbers of one kind."""
    if isinstance(value, dict):
        items = cast("JsonObject", value).items()
        return {name: _plain(item) for name, item in items if item not in EMPTY}
    if isinstance(value, list):
        found = [_plain(item) for item in cast("list[Any]", value)]
        return sorted(found) if all(isinstance(each, float) for each in found) else found
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def differences(one: State, other: State) -> set[str]:
    """``kind.column`` for everything that differs; ``kind+`` and ``kind-`` for rows that came or went."""
    found = {f"{kind}+" for kind, _ in other.keys() - one.keys()}
    found |= {f"{kind}-" for kind, _ in one.keys() - other.keys()}
    for key in one.keys() & other.keys():
        found |= {f"{key[0]}.{column}" for column in columns(one[key], other[key])}
    return found


def columns(one: JsonObject, other: JsonObject) -> set[str]:
    """The columns in which two rows differ."""
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def steps_of(made: Plan) -> list[tuple[str, JsonObject]]:
    """Tool and arguments of each step."""
    return [(each.operation.name, each.arguments) for each in made.steps]
