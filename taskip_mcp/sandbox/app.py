"""The embedded TaskIP as an ASGI application."""

from __future__ import annotations

import inspect
import json
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import formatdate
from functools import cache
from typing import Any, cast

import anyio
from starlette.applications import Starlette
from starlette.datastructures import UploadFile
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route as StarletteRoute

from taskip_mcp.sandbox import groups, seeds, webhooks
from taskip_mcp.sandbox.happenings import happened
from taskip_mcp.sandbox.limits import Limits
from taskip_mcp.sandbox.routing import BASE, Answer, Call, Docs, RouteSet, Table, Upload
from taskip_mcp.sandbox.rules import Fields, Problem, forbidden
from taskip_mcp.sandbox.store import Row, Store
from taskip_mcp.sandbox.webhooks import AfterAnswer, Webhooks

Clock = Callable[[], datetime]
Fault = Callable[[Request], Response | Awaitable[Response | None] | None]
Listener = Callable[[str, Row], Any]
GRACE = 5.0
"""Seconds that deliveries are given when a served sandbox is told to stop."""
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class Seen:
    """A request, as the log keeps it for tests."""

    method: str
    path: str
    query: dict[str, str]
    body: Fields


@cache
def seeded(today: date) -> bytes:
    """The agency's database on a given day; made once a process."""
    store = Store(None, lambda: datetime(today.year, today.month, today.day, 9, tzinfo=UTC))
    with store.transaction():
        seeds.fill(store)
    image = store.dump()
    store.close()
    return image


class Sandbox:
    """A TaskIP of its own: `app` is the ASGI application, `store` what it knows.

    `db` is a file that keeps the data (default: memory); `routes` the set of documented routes that exist; `limits`
    the rate limits; `clock` gives aware UTC times; `fault` is asked before each request and may answer it itself or
    raise, as a broken network would; `keys` are the accepted API keys (default: any), `expired` keys get a 401 and
    `denied` keys a 403 all the same; `webhooks` hear what happens. Where the application is served on a port it
    delivers them itself, else whoever made it runs `webhooks.run`.
    """

    def __init__(
        self,
        db: str | None = None,
        *,
        routes: RouteSet = "both",
        limits: bool | Limits = True,
        clock: Clock | None = None,
        fault: Fault | None = None,
        keys: Collection[str] | None = None,
        expired: Collection[str] = (),
        denied: Collection[str] = (),
        webhooks: Webhooks | None = None,
    ) -> None:
        groups.load()
        self.clock: Clock = clock or (lambda: datetime.now(UTC))
        self.store = Store(db, self.clock)
        self.limits = limits if isinstance(limits, Limits) else Limits(enabled=limits)
        self.fault = fault
        self.keys, self.expired, self.denied = keys, expired, denied
        self.requests: deque[Seen] = deque(maxlen=10_000)
        self._table = Table(routes)
        self._listeners: list[Listener] = []
        self.webhooks = webhooks
        self.app = Starlette(
            routes=[StarletteRoute("/{path:path}", self._answer, methods=METHODS)],
            middleware=[Middleware(AfterAnswer, webhooks)] if webhooks else [],
            lifespan=self._served,
        )
        if self.store.empty:
            self.store.restore(seeded(self.clock().date()))

    def routes(self) -> list[tuple[str, str, Docs]]:
        """(method, path, document) of every route that is served."""
        return self._table.listed()

    def listen(self, listener: Listener) -> None:
        """Call `listener(event, data)` after every change; it may be a coroutine function."""
        self._listeners.append(listener)

    def reset(self) -> None:
        """Back to the seeded agency; limits, log, listeners and fault are forgotten."""
        self.store.restore(seeded(self.clock().date()))
        self.limits.reset()
        self.requests.clear()
        self._listeners.clear()
        self.fault = None

    @asynccontextmanager
    async def _served(self, _: Starlette) -> AsyncGenerator[None]:
        """What an ASGI server keeps open while it serves the application."""
        async with anyio.create_task_group() as tasks:
            if self.webhooks:
                tasks.start_soon(self.webhooks.run)
            yield
            if self.webhooks:
                with anyio.move_on_after(GRACE):
                    await self.webhooks.drained()
            tasks.cancel_scope.cancel()

    # --- one request --------------------------------------------------------------------------------------

    async def _answer(self, request: Request) -> Response:
        key = request.headers.get("x-secret-key", "")
        now = self.clock().timestamp()
        try:
            response = await self._respond(request, key, now)
        except Problem as problem:
            response = JSONResponse(problem.body, problem.status, problem.headers)
        response.headers.update(self.limits.headers(key, now))
        response.headers["Date"] = formatdate(now, usegmt=True)
        return response

    async def _respond(self, request: Request, key: str, now: float) -> Response:
        if self.fault is not None and (broken := await _awaited(self.fault(request))) is not None:
            return broken
        path = request.url.path
        if not path.startswith(BASE + "/"):
            raise Problem(404, {"message": f"The route {path.strip('/')} could not be found."})
        path = path.removeprefix(BASE)
        self._authenticate(key)
        body, files = await _body(request)
        self.requests.append(Seen(request.method, path, dict(request.query_params), body))
        self.limits.count(key, request.method, path, now, upload=bool(files))
        found, params = self._table.find(request.method, path)
        query = {name: value for name, value in request.query_params.items() if value != ""}
        call = Call(self.store, request.method, path, found.docs, params, query, body, files)
        with self.store.transaction() as changes:
            answer = found.endpoint(call)
            events = happened(self.store, changes)
        if self.webhooks:
            request.scope[webhooks.KEY] += [webhooks.body(*event, self.clock()) for event in events]
        for event, data in events:
            for listener in self._listeners:
                await _awaited(listener(event, data))
        return _response(answer if isinstance(answer, Answer) else Answer(answer))

    def _authenticate(self, key: str) -> None:
        if key in self.denied:
            raise forbidden("This API key may not do that.")
        expired = key in self.expired
        if not key or expired or (self.keys is not None and key not in self.keys):
            words = "The API key has expired." if expired else "The API key is missing or invalid."
            raise Problem(401, {"error": "Unauthorized", "message": words, "status_code": 401})


async def _awaited(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


async def _body(request: Request) -> tuple[Fields, list[Upload]]:
    """The JSON body or the form, also of a DELETE; files apart."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _form(request)
    raw = await request.body()
    if not raw.strip():
        return {}, []
    try:
        payload = json.loads(raw)
    except ValueError:
        raise Problem(
            400, {"error": "Bad Request", "message": "Malformed JSON.", "status_code": 400}
        ) from None
    return (cast("Fields", payload) if isinstance(payload, dict) else {}), []


async def _form(request: Request) -> tuple[Fields, list[Upload]]:
    fields: Fields = {}
    files: list[Upload] = []
    async with request.form() as form:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile):
                kind = value.content_type or "application/octet-stream"
                files.append(Upload(name, value.filename or "file", await value.read(), kind))
            else:
                fields[name] = value
    return fields, files


def _response(answer: Answer) -> Response:
    if answer.status == 204:
        return Response(status_code=204)
    if isinstance(answer.payload, bytes):
        headers = {"Content-Disposition": f'attachment; filename="{answer.filename}"'}
        return Response(answer.payload, answer.status, headers, answer.content_type)
    return JSONResponse(answer.payload, answer.status)
