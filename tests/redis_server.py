"""A real Redis on a free port of the loopback, which keeps nothing.

    with redis_server() as server:
        ...  # server.url
        server.stop()  # it dies; server.start() brings an empty one back to the same port

Every worker of pytest-xdist that asks for one starts its own.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from taskip_mcp.budget.redis import RedisStore
from taskip_mcp.clock import Clock

HOST = "127.0.0.1"
PATIENCE = 10.0
"""Seconds for a server to answer; it takes some milliseconds."""

ATTEMPTS = 5
"""Ports to try: between the look for a free one and the start, another process may have taken it."""


class RedisServer:
    """One server, running or not."""

    def __init__(self, program: str, folder: Path, port: int) -> None:
        self.port = port
        self.url = f"redis://{HOST}:{port}/0"
        self._folder = folder
        self._command = [program, "--port", str(port), "--bind", HOST, "--dir", str(folder)]
        self._command += ["--save", "", "--appendonly", "no"]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> str:
        """What the server said."""
        return (self._folder / "redis.log").read_text()

    def start(self) -> bool:
        """Start it and wait until it answers; False if it ended, as it does when its port is taken."""
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=subprocess.STDOUT)
        until = time.monotonic() + PATIENCE
        while self._process.poll() is None:
            if self._answers(self._process.pid):
                return True
            if time.monotonic() > until:
                self.stop()
                pytest.fail(f"redis-server does not answer:\n{self.log}")
            time.sleep(0.01)
        return False

    def stop(self) -> None:
        """End it at once, as a crash would: there is nothing that it should save."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _answers(self, process: int) -> bool:
        """Whether this very process answers, not another one that has the port."""
        try:
            with socket.create_connection((HOST, self.port), timeout=1.0) as connection:
                connection.sendall(b"INFO server\r\nQUIT\r\n")
                answer = b"".join(iter(lambda: connection.recv(65536), b""))
        except OSError:
            return False
        return b"process_id:%d\r\n" % process in answer


@contextmanager
def redis_server() -> Generator[RedisServer]:
    """A running server; it is gone afterwards, with its folder."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.fail(
            "redis-server is not installed, and these tests run against a real one: apt-get install redis-server"
        )
    with tempfile.TemporaryDirectory(prefix="taskip-redis-") as folder:
        server = _started(program, Path(folder))
        try:
            yield server
        finally:
            server.stop()


def _started(program: str, folder: Path) -> RedisServer:
    server = RedisServer(program, folder, _free_port())
    for _ in range(ATTEMPTS):
        if server.start():
            return server
        server = RedisServer(program, folder, _free_port())
    pytest.fail(f"redis-server does not start:\n{server.log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def store_at(url: str, clock: Clock | None = None) -> AsyncGenerator[RedisStore]:
    """A store of its own, with connections of its own, as a replica has it."""
    store = RedisStore(url, clock or Clock())
    try:
        yield store
    finally:
        await store.aclose()


@asynccontextmanager
async def client_of(url: str) -> AsyncGenerator[Any]:
    """A plain client; as Any, since the package's commands are typed for both of its flavours at once."""
    client = cast("Any", Redis).from_url(url, decode_responses=True)
    try:
        yield client
    finally:
        await client.aclose()
