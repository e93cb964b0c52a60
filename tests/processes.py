"""The server as the tests of the write log run it: a child over stdio that can be killed, or in this process."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
import httpx
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, TextContent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskip_mcp import results
from taskip_mcp.budget import account_of
from taskip_mcp.clock import Clock
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import Settings, without_taskip
from taskip_mcp.writelog import WriteLog
from tests.support import BASE

KEY = "canary-key-5f1c2d9e"
FILE = "writes.sqlite3"
BULK_DELETE = ("POST", "/contact/bulk-delete")

Notice = tuple[float, float | None, str | None]
"""A progress notification: progress, total, message."""


@dataclass
class Server:
    """A server with a real client on it."""

    client: Client
    pid: int = 0

    async def call(
        self, tool: str, arguments: dict[str, Any], notices: list[Notice] | None = None
    ) -> CallToolResult:
        """One tool call; its progress notifications go to `notices`."""

        async def note(progress: float, total: float | None, message: str | None) -> None:
            assert notices is not None
            notices.append((progress, total, message))

        callback = None if notices is None else note
        return await self.client.call_tool(tool, arguments, progress_callback=callback)

    async def ask(self, tool: str, /, **arguments: Any) -> Any:
        """The JSON of a call that must succeed."""
        result = await self.call(tool, arguments)
        assert not result.is_error, words(result)
        return results.parse(words(result))

    async def refused(self, tool: str, /, **arguments: Any) -> str:
        """The words of a call that must fail."""
        result = await self.call(tool, arguments)
        assert result.is_error, words(result)
        for leak in (KEY, "Traceback", "ExceptionGroup", "TaskGroup", "/site-packages/"):
            assert leak not in words(result)
        return words(result)

    async def at_once(self, count: int, tool: str, arguments: dict[str, Any]) -> list[CallToolResult]:
        """The results of so many calls at the same time, in the order in which they end."""
        results: list[CallToolResult] = []

        async def one() -> None:
            results.append(await self.client.call_tool(tool, arguments))

        async with anyio.create_task_group() as group:
            for _ in range(count):
                group.start_soon(one)
        return results

    async def lose(self, tool: str, arguments: dict[str, Any], notices: list[Notice] | None = None) -> None:
        """A call whose server dies meanwhile."""
        with pytest.raises(MCPError, match="closed"):
            await self.call(tool, arguments, notices)

    def kill(self) -> None:
        """End the child as a power cut would."""
        os.kill(self.pid, signal.SIGKILL)

    async def killed_during(
        self,
        when: Callable[[], bool],
        tool: str,
        arguments: dict[str, Any],
        notices: list[Notice] | None = None,
    ) -> None:
        """Call a tool and kill the child as soon as `when` holds."""
        async with anyio.create_task_group() as group:
            group.start_soon(self.lose, tool, arguments, notices)
            await until(when)
            self.kill()


def words(result: CallToolResult) -> str:
    """The one text of a result."""
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


@contextmanager
def bare() -> Generator[Failures]:
    """Failed assertions come out as they are, past the task groups of a client that would wrap them."""
    failures = Failures()
    yield failures
    if failures.first is not None:
        raise failures.first


class Failures:
    """Holds back what is raised inside."""

    def __init__(self) -> None:
        self.first: Exception | None = None

    def __enter__(self) -> None:
        """Nothing happened yet."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        """Cancellation goes through."""
        self.first = error if isinstance(error, Exception) else None
        return self.first is not None


async def until(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait for what other tasks do."""
    with anyio.fail_after(seconds):
        while not condition():
            await anyio.sleep(0.005)


# --- in a process of its own ------------------------------------------------------------------------------


@asynccontextmanager
async def child(url: str, state: Path, *, key: str = KEY, **variables: Any) -> AsyncGenerator[Server]:
    """``python -m taskip_mcp`` over stdio; `variables` are further settings, without their ``TASKIP_``.

    It meets no limit of the minute unless they say so.
    """
    pid = state.parent / f"pid-{uuid4().hex}"
    own = {"SECRET_KEY": key, "BASE_URL": url, "STATE_DIR": state, "LIMIT_MINUTE": 1000}
    given = {**own, **variables}
    environment = without_taskip() | {f"TASKIP_{name}": str(value) for name, value in given.items()}
    # The shell becomes the server, so that the number it writes down is the server's.
    script = ["-c", 'echo $$ >"$0"; exec "$@"', str(pid), sys.executable, "-m", "taskip_mcp"]
    with bare() as failures:
        async with Client(StdioServerParameters(command="/bin/sh", args=script, env=environment)) as client:
            with failures:
                yield Server(client, int(pid.read_text()))


# --- in this process --------------------------------------------------------------------------------------


def settings(state: Path, **more: Any) -> Settings:
    """For a server that meets no limit of the minute unless `more` says so; the hour is the one of the sandbox."""
    own = Settings(secret_key=KEY, base_url=BASE, files_dir=state / "files", state_dir=state)
    return replace(own, **{"limit_minute": 1000, **more})


@asynccontextmanager
async def server(
    network: httpx.AsyncBaseTransport | Sandbox | None,
    state: Path,
    *,
    clock: Clock | None = None,
    **more: Any,
) -> AsyncGenerator[Server]:
    """The whole server behind a client that speaks JSON-RPC to it; `network` None is the real one."""
    transport = httpx.ASGITransport(network.app) if isinstance(network, Sandbox) else network
    app = App(settings(state, **more), transport, clock=clock)
    try:
        with bare() as failures:
            async with Client(build_server(app), mode="legacy") as client:
                with failures:
                    yield Server(client)
    finally:
        await app.aclose()


class Hands:
    """A clock whose hands a test can put forward; who sleeps sleeps for real."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.clock = Clock(lambda: time.time() + self.ahead)


def contacts(sandbox: Sandbox, count: int) -> list[int]:
    """New contacts of the agency, by their ids."""
    rows = ({"first_name": "C", "email": f"c{number}@bulk.example"} for number in range(count))
    return [sandbox.store.insert("contact", row)["id"] for row in rows]


def left(sandbox: Sandbox, ids: Iterable[int]) -> set[int]:
    """Those contacts that still exist."""
    return {row["id"] for row in sandbox.store.rows("contact")} & set(ids)


# --- a TaskIP that judges bulk requests ------------------------------------------------------------------


def requests(sandbox: Sandbox, path: str = "/contact/bulk-delete") -> list[list[int]]:
    """The ids of every bulk request that TaskIP has carried out."""
    bodies = [seen.body for seen in sandbox.requests if seen.path == path]
    return [body.get("contact_ids") or body.get("ids") or [] for body in bodies]


Judge = Callable[[list[int]], Response | None]


def judged(judge: Judge, path: str = "/contact/bulk-delete") -> Any:
    """A fault of the sandbox that sees the ids of each bulk request before it is carried out."""

    async def fault(request: Request) -> Response | None:
        if not request.url.path.endswith(path):
            return None
        body = json.loads(await request.body())
        return judge(body.get("contact_ids") or body["ids"])

    return fault


def invalid(*bad: int) -> Judge:
    """Refuses a request that names one of these."""

    def judge(ids: list[int]) -> Response | None:
        wrong = [each for each in ids if each in bad]
        told = {"message": "Invalid.", "errors": {"ids": [f"{each} is locked." for each in wrong]}}
        return JSONResponse(told, 422) if wrong else None

    return judge


def nth(number: int, answer: Response) -> Judge:
    """Answers the request of that number."""
    count = 0

    def judge(_ids: list[int]) -> Response | None:
        nonlocal count
        count += 1
        return answer if count == number else None

    return judge


def down(_request: Request) -> Response:
    """A fault for all requests: TaskIP is down."""
    return JSONResponse({"message": "Server Error"}, 500)


def down_from_the_write() -> Callable[[Request], Response | None]:
    """A fault: TaskIP goes down with the first write, and stays down; what is read before that is answered."""
    broken = False

    def fault(request: Request) -> Response | None:
        nonlocal broken
        broken = broken or request.method != "GET"
        return down(request) if broken else None

    return fault


async def hangs(_request: Request) -> None:
    """A fault for all requests: TaskIP does not answer."""
    await anyio.sleep(60)


@asynccontextmanager
async def office(state: Path, count: int, **more: Any) -> AsyncGenerator[tuple[Server, Sandbox, list[int]]]:
    """A server, its TaskIP, and so many new contacts."""
    sandbox = Sandbox(limits=False)
    ids = contacts(sandbox, count)
    async with server(sandbox, state, **more) as made:
        yield made, sandbox, ids


def interrupted(state: Path, operation: str, arguments: dict[str, Any]) -> str:
    """A write of a process that died on it; its name in the log."""
    log = WriteLog(state, account_of(settings(state)), Clock())
    try:
        return log.begin(operation, arguments, guard=True)
    finally:
        log.close()


# --- what the log says ------------------------------------------------------------------------------------


def query(state: Path, statement: str, *values: Any) -> list[Any]:
    """Ask the log's file, as another program would."""
    with closing(sqlite3.connect(state / FILE)) as database:
        return database.execute(statement, values).fetchall()


def sqlite(state: Path, statement: str) -> None:
    """Change the log's file behind the server's back."""
    with closing(sqlite3.connect(state / FILE, isolation_level=None)) as database:
        database.execute(statement)


def noted(state: Path) -> list[tuple[str, str]]:
    """(operation, last event) of every write and job, in order; none before the log was made."""
    if not query(state, "SELECT 1 FROM sqlite_master WHERE name = 'journal'"):
        return []
    return query(state, "SELECT operation, event FROM journal ORDER BY seq")


def events(state: Path, operation: str) -> list[str]:
    """Every event of an operation's writes, in order."""
    own = "SELECT write FROM log WHERE operation = ?"
    return [
        event
        for (event,) in query(state, f"SELECT event FROM log WHERE write IN ({own}) ORDER BY seq", operation)
    ]


def openings(state: Path) -> list[dict[str, Any]]:
    """What the journal keeps of each write and job from its beginning, in order."""
    return [json.loads(text) for (text,) in query(state, "SELECT opening FROM journal ORDER BY seq")]


def flat(bodies: Sequence[Sequence[Any]]) -> list[Any]:
    """All ids of several requests."""
    return [each for body in bodies for each in body]
