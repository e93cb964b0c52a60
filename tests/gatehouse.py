"""Servers before one sandbox, as the tests of the gate run them: every request that reaches TaskIP is noted."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client import Client
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult, ErrorData, TextContent

from taskip_mcp import policy, results
from taskip_mcp.call import Backend
from taskip_mcp.clock import Clock
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import Settings
from tests.processes import bare
from tests.support import BASE

KEY = "canary-key-gate-7c1d9e"
SEALING = "a-key-for-seals-that-is-long-enough-0"
NOTHING = "Nothing was changed."
LEGACY, MODERN = "2025-11-25", "2026-07-28"
ERAS = {LEGACY: "legacy", MODERN: "auto"}

Said = ElicitResult | ErrorData
Person = Callable[[str], Awaitable[Said]]
"""A person: gets the question, gives the answer of the client."""


@dataclass
class Door(httpx.AsyncBaseTransport):
    """The way to a sandbox, and everything that went through it, as ``METHOD /path``."""

    sandbox: Sandbox = field(default_factory=lambda: Sandbox(limits=False))
    passed: list[str] = field(default_factory=lambda: list[str]())

    def __post_init__(self) -> None:
        self._inside = httpx.ASGITransport(app=self.sandbox.app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.passed.append(f"{request.method} {request.url.path.removeprefix('/api/public-v1')}")
        return await self._inside.handle_async_request(request)

    @property
    def writes(self) -> list[str]:
        """What may have changed something."""
        return [line for line in self.passed if not line.startswith("GET ")]


class Hands:
    """A clock that stands still until a test puts it forward; who sleeps sleeps for real."""

    def __init__(self, at: float = 1_800_000_000.0) -> None:
        self.at = at
        self.clock = Clock(lambda: self.at)


@dataclass
class Gatehouse:
    """One server and a client on it."""

    app: App
    client: Client
    door: Door
    questions: list[str]

    @property
    def backend(self) -> Backend:
        """What the server works with."""
        return self.app.open()

    async def call(self, tool: str, /, **given: Any) -> CallToolResult:
        """One call, whatever comes of it."""
        return await self.client.call_tool(tool, given)

    async def shown(self, tool: str, /, **given: Any) -> dict[str, Any]:
        """The preview of a call; nothing but reads may have left for it."""
        before = len(self.door.writes)
        preview = await self.done(tool, **given)
        assert preview["done"] == NOTHING
        assert len(self.door.writes) == before
        return preview

    async def code(self, tool: str, /, **given: Any) -> str:
        """The code of a preview."""
        preview = await self.shown(tool, **given)
        return preview["confirm_code"]

    async def done(self, tool: str, /, **given: Any) -> dict[str, Any]:
        """The JSON of a call that must succeed."""
        result = await self.call(tool, **given)
        assert not result.is_error, words(result)
        return results.parse(words(result))

    async def refused(self, tool: str, /, **given: Any) -> str:
        """The words of a call that the gate must refuse: nothing but reads may have left for it."""
        before = len(self.door.writes)
        text = await self.refused_alone(tool, **given)
        assert len(self.door.writes) == before, text
        return text

    async def refused_alone(self, tool: str, /, **given: Any) -> str:
        """The same where other calls go on meanwhile, which may write."""
        result = await self.call(tool, **given)
        text = words(result)
        assert result.is_error, text
        assert text.endswith(NOTHING), text
        return text


def words(result: CallToolResult) -> str:
    """The one text of a result."""
    (block,) = (each for each in result.content if isinstance(each, TextContent))
    return block.text


def renewed(refusal: str) -> dict[str, Any]:
    """The new preview inside a refusal: between its reason and its last line, fenced or not."""
    inside = refusal.removesuffix(f"\n{NOTHING}").partition("\n")[2]
    return results.parse(inside)


async def accepts(_: str) -> Said:
    """A person who agrees to everything."""
    return ElicitResult(action="accept", content={"confirm": True})


async def declines(_: str) -> Said:
    """A person who agrees to nothing."""
    return ElicitResult(action="decline")


def settings(confirming: str, state: Path | None = None, **more: Any) -> Settings:
    """Settings of a server that meets no rate limit; without `state` it keeps its state in memory."""
    given: dict[str, Any] = {"secret_key": KEY, "base_url": BASE, "state_dir": state or Path(), **more}
    return Settings(confirm=policy.parse(confirming), limit_minute=100_000, limit_hour=100_000, **given)


def ask(person: Person | None, questions: list[str]) -> Any:
    """A person as the callback of a client; None for a client that cannot ask."""
    if person is None:
        return None

    async def callback(_: Any, params: ElicitRequestParams) -> Said:
        questions.append(params.message)
        return await person(params.message)

    return callback


@asynccontextmanager
async def gatehouse(
    confirming: str,
    door: Door | None = None,
    *,
    person: Person | None = None,
    era: str = MODERN,
    state: Path | None = None,
    clock: Clock | None = None,
    **more: Any,
) -> AsyncGenerator[Gatehouse]:
    """A server and its client, in memory. Several may stand before one door and share one `state`."""
    door = door or Door()
    app = App(settings(confirming, state, **more), door, clock=clock)
    questions: list[str] = []
    try:
        with bare() as failures:
            async with Client(
                build_server(app), mode=ERAS[era], elicitation_callback=ask(person, questions)
            ) as client:
                with failures:
                    yield Gatehouse(app, client, door, questions)
    finally:
        await app.aclose()


both_eras = pytest.mark.parametrize("era", list(ERAS))
