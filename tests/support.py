"""A scripted TaskIP: answers what a test says, remembers what was sent."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from taskip_mcp import arguments, confirm, operation, show, writes
from taskip_mcp.call import Backend, Call
from taskip_mcp.client import TaskipClient
from taskip_mcp.files import Files
from taskip_mcp.operation import Effect
from taskip_mcp.routes import RouteBook
from taskip_mcp.settings import RouteSet, Settings

BASE = "http://127.0.0.1:1/api/public-v1"
Reply = tuple[int, Any] | httpx.Response | Exception
NO_ROUTE = (404, {"message": "The route api/public-v1/x could not be found."})


def once(first: Reply, then: Reply) -> list[Reply]:
    """A good read before the write, say, and something else after it, however often it is asked."""
    return [first, *[then] * 20]


@dataclass
class Sent:
    """One request as it left."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    raw: bytes = b""

    @property
    def line(self) -> str:
        """``METHOD /path``."""
        return f"{self.method} {self.path}"


@dataclass
class Script:
    """`replies` maps ``METHOD /path`` to an answer (or a list, one per call); anything else is a missing route."""

    replies: Mapping[str, Reply | list[Reply]]
    sent: list[Sent] = field(default_factory=lambda: list[Sent]())

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0].removeprefix("/api/public-v1")
        is_json = request.headers.get("content-type", "").startswith("application/json")
        body = json.loads(request.content) if request.content and is_json else None
        self.sent.append(Sent(request.method, path, dict(request.url.params), body, request.content))
        reply = self.replies.get(f"{request.method} {path}", NO_ROUTE)
        if isinstance(reply, list):
            reply = reply.pop(0)
        if isinstance(reply, Exception):
            raise reply
        return reply if isinstance(reply, httpx.Response) else httpx.Response(reply[0], json=reply[1])

    @property
    def lines(self) -> list[str]:
        """The requests in order, as ``METHOD /path``."""
        return [each.line for each in self.sent]

    @property
    def writes(self) -> list[Sent]:
        """The requests that are no GET."""
        return [each for each in self.sent if each.method != "GET"]


def backend(
    handler: Callable[[httpx.Request], httpx.Response], routes: RouteSet = "auto", folder: Path | None = None
) -> Backend:
    """A backend whose network is `handler`."""
    settings = Settings(
        secret_key="test-key-1234567890",
        base_url=BASE,
        routes=routes,
        files_dir=folder or Path("/nonexistent"),
        limit_minute=100_000,
        limit_hour=100_000,
    )
    client = TaskipClient(settings, httpx.MockTransport(handler))
    return Backend(client, RouteBook(routes), Files(settings))


async def run(api: Backend, name: str, /, **raw: Any) -> Any:
    """Validate and perform a tool by name, as the server does."""
    found = operation.load_all()[name]
    values = arguments.validate(found, raw)
    show.Ask.take(found, values)
    return await confirm.perform(api, found, values)


def call_of(api: Backend, name: str, raw: Mapping[str, Any], *, again: bool = False) -> Call:
    """The call of a tool by name, validated, without what steers the gate."""
    found = operation.load_all()[name]
    values = arguments.validate(found, dict(raw))
    show.Ask.take(found, values)
    for control in ("confirm", "confirm_code", "allow_duplicate"):
        values.pop(control, None)
    return Call(api, found, values, again=again)


async def alone(api: Backend, name: str, /, **raw: Any) -> Any:
    """Carry out an operation by itself: no gate, no job, and nothing is read first for the journal."""
    call = call_of(api, name, raw)
    if call.operation.effect is Effect.READ:
        return await call.operation.function(call, **call.arguments)
    return await writes.carry_out(call, dict(call.arguments))
