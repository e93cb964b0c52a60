"""Servers that take webhooks, and what is delivered to them, as tests do it over a port."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
from mcp.client import Client

from taskip_mcp.results import parse
from taskip_mcp.settings import without_taskip
from tests.gatehouse import words

SECRET = "Yq7-canary.of_the~path-42"
PATH = f"/webhooks/taskip/{SECRET}"
BODY = b'{"event":"invoice.paid","data":{"invoice_id":57,"client":"Ada Canary"}}'


def event(name: str = "invoice.paid", **fields: Any) -> bytes:
    return json.dumps({"event": name, **fields}).encode()


async def posting(stream: anyio.abc.SocketStream, body: bytes) -> bytes:
    """One delivery over a connection that stays; the status line, or nothing from a server that is gone."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    try:
        await stream.send(head + body)
        answer = b""
        while not answer.endswith(b"}"):
            answer += await stream.receive()
    except (anyio.BrokenResourceError, anyio.EndOfStream):
        return b""
    return answer.partition(b"\r\n")[0]


def memory(pid: int, name: str) -> int:
    """KiB of a process: ``VmRSS`` now, ``VmHWM`` at most so far."""
    text = Path(f"/proc/{pid}/status").read_text()
    return int(text.partition(f"{name}:")[2].split()[0])


async def ask(client: Client, tool: str, **given: Any) -> dict[str, Any]:
    result = await client.call_tool(tool, given)
    assert not result.is_error, words(result)
    return parse(words(result))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@dataclass
class Served:
    """A server on a port: its address with the path."""

    process: subprocess.Popen[str]
    url: str

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].partition("/")[0])


@contextmanager
def serving(transport: str, state: Path, *options: str, **settings: Any) -> Generator[Served]:
    """Over HTTP or SSE; on the embedded TaskIP unless `settings` name another."""
    own = {} if "BASE_URL" in settings else {"SANDBOX": 1}
    given = {"STATE_DIR": state, "CONFIRM": "off", "WEBHOOK_SECRET": SECRET, **own, **settings}
    command = [sys.executable, "-m", "taskip_mcp", "--transport", transport, "--port", "0", *options]
    environment = without_taskip() | {f"TASKIP_{name}": str(value) for name, value in given.items()}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            lines = (re.search(r"serving on (\S+)", line) for line in process.stderr)
            yield Served(process, next(found[1] for found in lines if found))
        finally:
            process.kill()
