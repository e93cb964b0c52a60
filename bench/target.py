"""The embedded TaskIP on a free loopback port, with a clock of any pace, noting every request that it answers.

Its first line on stdout is ``{"port": ...}``; ``GET /noted`` tells what was answered: [arrival, status, ours]. With
``?ours=N`` it answers as soon as our servers have had N answers.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import anyio
import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from taskip_mcp.clock import scaled
from taskip_mcp.sandbox import Limits, Sandbox


class Recorder:
    """Middleware that notes each answer; `now` gives its time."""

    def __init__(self, app: ASGIApp, now: Callable[[], float]) -> None:
        self._app = app
        self._now = now
        self._noted: list[tuple[float, int, bool]] = []
        self._news = anyio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if scope["path"] == "/noted":
            await self._until(int(dict(parse_qsl(scope["query_string"].decode())).get("ours", 0)))
            await JSONResponse(self._noted)(scope, receive, send)
            return
        at, ours = self._now(), _agent(scope).startswith(b"taskip-mcp/")

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._noted.append((at, message["status"], ours))
                news, self._news = self._news, anyio.Event()
                news.set()
            await send(message)

        await self._app(scope, receive, noting)

    async def _until(self, answers: int) -> None:
        while sum(ours for _, _, ours in self._noted) < answers:
            await self._news.wait()


def _agent(scope: Scope) -> bytes:
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    return dict(headers).get(b"user-agent", b"")


async def serve(options: argparse.Namespace) -> None:
    """Until the process is told to stop."""
    clock = scaled(options.scale, options.origin)
    limits = Limits(enabled=True, minute=options.minute, hour=options.hour)
    sandbox = Sandbox(limits=limits, clock=lambda: datetime.fromtimestamp(clock.now(), UTC))
    config: dict[str, Any] = {"log_config": None, "log_level": "warning", "lifespan": "off"}
    # The server's own Date would contradict a clock that runs faster.
    config["date_header"] = options.scale == 1
    # Said to be TCP, it gets TCP_NODELAY from asyncio; without, every other answer would wait 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    sys.stdout.write(json.dumps({"port": listener.getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await uvicorn.Server(uvicorn.Config(Recorder(sandbox.app, clock.now), **config)).serve([listener])


def main() -> None:
    """Arguments -> server."""
    parser = argparse.ArgumentParser(description="The embedded TaskIP for a benchmark.")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--origin", type=float, default=0.0)
    parser.add_argument("--minute", type=int, default=100)
    parser.add_argument("--hour", type=int, default=1000)
    anyio.run(serve, parser.parse_args())


if __name__ == "__main__":
    main()
