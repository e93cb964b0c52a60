"""Every tool with consequences, under every policy, with every kind of client, in both eras of the protocol.

What is sent to TaskIP is counted at its door: exactly the allowed cells write, and they write once.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import pytest
from mcp.client import Client
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, TextContent

from taskip_mcp import arguments, confirm, operation, policy, results, schemas, turn
from taskip_mcp.call import Backend, Call
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import Settings
from tests.sandbox_calls import CONSEQUENT, arguments_for

pytestmark = pytest.mark.anyio

Mode = Literal["flag", "strict", "human", "off"]
Person = Literal["accept", "untick", "decline", "cancel", "nobody"]

TOOLS = [entry.name for entry in schemas.load_entries() if entry.consequences]
MODES: list[Mode] = ["flag", "strict", "human", "off"]
PERSONS: list[Person] = ["accept", "untick", "decline", "cancel", "nobody"]
ERAS = {"2025-11-25": "legacy", "2026-07-28": "auto"}


@dataclass
class Door(httpx.AsyncBaseTransport):
    """The way to a sandbox, with everything that went through it and may change something."""

    sandbox: Sandbox
    writes: list[str] = field(default_factory=lambda: list[str]())

    def __post_init__(self) -> None:
        self._inside = httpx.ASGITransport(app=self.sandbox.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "GET":
            self.writes.append(f"{request.method} {request.url.path}")
        return await self._inside.handle_async_request(request)


@dataclass
class Office:
    """A server on a sandbox, and a client whose person always answers the same."""

    app: App
    client: Client
    door: Door
    questions: list[str]

    async def call(self, tool: str, given: dict[str, Any]) -> CallToolResult:
        return await self.client.call_tool(tool, given)

    @property
    def backend(self) -> Backend:
        return self.app.open()


def answer(person: Person) -> ElicitResult:
    if person in {"accept", "untick"}:
        return ElicitResult(action="accept", content={"confirm": person == "accept"})
    return ElicitResult(action="decline" if person == "decline" else "cancel")


@asynccontextmanager
async def office(confirming: str, person: Person, era: str, **settings: Any) -> AsyncGenerator[Office]:
    """A real client of the protocol, in memory."""
    door = Door(Sandbox(limits=False))
    app = App(
        Settings(
            sandbox=True,
            confirm=policy.parse(confirming),
            limit_minute=100_000,
            limit_hour=100_000,
            **settings,
        ),
        door,
    )
    questions: list[str] = []

    async def ask(context: Any, params: ElicitRequestParams) -> ElicitResult:
        questions.append(params.message)
        return answer(person)

    callback = None if person == "nobody" else ask
    async with Client(build_server(app), mode=ERAS[era], elicitation_callback=callback) as client:
        yield Office(app, client, door, questions)
    await app.aclose()


# --- the calls --------------------------------------------------------------------------------------------


async def given(at: Office, tool: str) -> dict[str, Any]:
    """Arguments with which the tool has something to do, on a sandbox that is as new."""
    at.door.sandbox.reset()
    if tool in SPECIAL:
        return await SPECIAL[tool](at)
    return arguments_for(tool, at.door.sandbox) | CONSEQUENT.get(tool, {})


WRITES = {"undo_change": 2}
"""Requests of the calls that make more than one: two deals go back, each by its own."""


async def _unfinished(at: Office) -> dict[str, Any]:
    log = at.backend.log
    job = log.begin_job("contact.bulk_delete", {"contact_ids": [1, 2]}, guard=False)
    log.end(job, "paused", {"reason": "a test"})
    return {"job_id": job}


async def _changed(at: Office) -> dict[str, Any]:
    """Two deals were moved: taking that back is a change of several records."""
    found = operation.load_all()["bulk_update_deals"]
    usual = arguments_for("bulk_update_deals", at.door.sandbox)
    values = arguments.validate(found, usual)
    for control in ("confirm", "confirm_code"):
        values.pop(control)
    with turn.begin(at.app.clock, 60):
        await confirm.carry_out(Call(at.backend, found, values), values, None)
    at.door.writes.clear()
    return {"change_id": at.backend.log.changes(limit=1)[0].write}


SPECIAL: dict[str, Callable[[Office], Awaitable[dict[str, Any]]]] = {
    "resume_job": _unfinished,
    "undo_change": _changed,
}


def text(result: CallToolResult) -> str:
    (block,) = (each for each in result.content if isinstance(each, TextContent))
    return block.text


# --- the cells --------------------------------------------------------------------------------------------


def cells() -> Iterator[Any]:
    for era in ERAS:
        for mode in MODES:
            for person in PERSONS:
                yield pytest.param(mode, person, era, id=f"{mode}-{person}-{era}")


def allowed(mode: Mode, person: Person) -> bool:
    """Whether the model can bring a call to its end."""
    if mode == "off":
        return True
    if person == "nobody":
        return mode != "human"
    return person == "accept"


@pytest.mark.parametrize(("mode", "person", "era"), list(cells()))
async def test_exactly_the_allowed_calls_write_and_they_write_once(
    mode: Mode, person: Person, era: str
) -> None:
    wrong: dict[str, str] = {}
    async with office(mode, person, era) as at:
        for tool in TOOLS:
            usual = await given(at, tool)
            at.door.writes.clear()
            at.questions.clear()
            if problem := await _try(at, tool, usual, mode, person):
                wrong[tool] = problem
    assert wrong == {}


async def _try(at: Office, tool: str, usual: dict[str, Any], mode: Mode, person: Person) -> str:
    """What is wrong with one cell; empty if all is right. The model does what it can: everything a preview asks for."""
    once = WRITES.get(tool, 1)
    image = at.door.sandbox.store.dump()
    first = await at.call(tool, usual)
    said = text(first)
    expected = int(mode == "off" or (person == "accept" and allowed(mode, person)))
    if len(at.door.writes) != expected * once:
        return f"the first call wrote {at.door.writes}: {said}"
    if not expected and at.door.sandbox.store.dump() != image:
        return "what must not write changed something"
    if mode != "off" and person != "nobody" and len(at.questions) != 1:
        return f"{len(at.questions)} questions"
    if expected:
        return "" if not first.is_error else said
    confirmed = usual | {"confirm": True}
    if mode == "strict" and person == "nobody":
        bare = await at.call(tool, confirmed)
        if at.door.writes or not text(bare).endswith("Nothing was changed."):
            return f"confirm without its code: {text(bare)}"
        confirmed["confirm_code"] = results.parse(said)["confirm_code"]
    second = await at.call(tool, confirmed)
    if len(at.door.writes) != int(allowed(mode, person)) * once:
        return f"the second call wrote {at.door.writes}: {text(second)}"
    if allowed(mode, person):
        return "" if not second.is_error else text(second)
    if not (first.is_error or results.parse(said)["done"] == "Nothing was changed."):
        return said
    return "" if second.is_error and text(second).endswith("Nothing was changed.") else text(second)


def test_the_matrix_has_all_tools_with_consequences() -> None:
    gated = {name for name, found in operation.load_all().items() if found.gated}
    assert set(TOOLS) == gated | {"resume_job", "undo_change"}
    assert len(gated) >= 40
