"""A real child of the server, all of whose output is kept: protocol, log, traces, state and saved files."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp.client import Client
from mcp.client.session import ElicitationFnT
from mcp.client.stdio import StdioServerParameters
from mcp.shared.exceptions import MCPError
from mcp_types import TextContent

from taskip_mcp.settings import without_taskip
from tests.canaries import KEY, contents
from tests.processes import bare, until

PROGRAM = """
import sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=open(sys.argv[1], "a", buffering=1))))
trace.set_tracer_provider(provider)
from taskip_mcp.cli import run
sys.exit(run(sys.argv[2:]))
"""
BROKEN = """
import functools, httpx
from taskip_mcp import server
def broken(request):
    raise RuntimeError(f"{request.headers['x-secret-key']!r} {request.content!r}")
server.App = functools.partial(server.App, transport=httpx.MockTransport(broken))
"""
"""A program error in the middle of a request, whose text holds all of it."""


@dataclass
class Traced:
    """A child over stdio."""

    client: Client
    folder: Path
    texts: list[str] = field(default_factory=lambda: list[str]())
    notices: list[str] = field(default_factory=lambda: list[str]())

    async def call(self, tool: str, arguments: dict[str, Any]) -> str:
        """The text of a result, whatever it is."""

        async def note(progress: float, total: float | None, message: str | None) -> None:
            self.notices.append(f"{progress} of {total}: {message}")

        result = await self.client.call_tool(tool, arguments, progress_callback=note)
        self.texts += [block.text for block in result.content if isinstance(block, TextContent)]
        return self.texts[-1]

    async def read(self, uri: str) -> str:
        """The text of a resource, or of the error."""
        try:
            return str(await self.client.read_resource(uri))
        except MCPError as error:
            return str(error)

    def output(self) -> dict[str, bytes]:
        """The bytes of every file, also of those that are still open."""
        return contents(self.folder)


@asynccontextmanager
async def traced(
    folder: Path,
    url: str,
    *,
    program: str = "",
    person: ElicitationFnT | None = None,
    mode: Any = "auto",
    **variables: str,
) -> AsyncGenerator[Traced]:
    """``taskip-mcp`` at log level DEBUG, with every span of the SDK written down."""
    given = {
        "SECRET_KEY": KEY, "BASE_URL": url, "LOG_LEVEL": "DEBUG", "STATE_DIR": str(folder / "state"),
        "FILES_DIR": str(folder / "files"), "LIMIT_MINUTE": "1000", "TIMEOUT": "5", **variables,
    }  # fmt: skip
    environment = without_taskip() | {f"TASKIP_{name}": value for name, value in given.items()}
    pipe = '"$@" 2>"$LOG" | tee "$OUT"'
    command = ["-c", pipe, "sh", sys.executable, "-c", program + PROGRAM, str(folder / "spans")]
    files = {"LOG": str(folder / "log"), "OUT": str(folder / "out")}
    with bare() as failures:
        child = StdioServerParameters(command="/bin/sh", args=command, env=environment | files)
        async with Client(child, mode=mode, elicitation_callback=person) as client:
            with failures:
                yield Traced(client, folder)


@asynccontextmanager
async def listening(folder: Path, url: str, transport: str) -> AsyncGenerator[str]:
    """The same over a port; yields its address."""
    given = {
        "SECRET_KEY": KEY, "BASE_URL": url, "LOG_LEVEL": "DEBUG", "STATE_DIR": str(folder / "state"),
        "FILES_DIR": str(folder / "files"),
    }  # fmt: skip
    environment = without_taskip() | {f"TASKIP_{name}": value for name, value in given.items()}
    command = [sys.executable, "-m", "taskip_mcp", "--transport", transport, "--port", "0"]

    def address() -> re.Match[str] | None:
        return re.search(r"http://127\.0\.0\.1:\d+", (folder / "log").read_text())

    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, env=environment, stderr=log) as process,
    ):
        try:
            await until(lambda: address() is not None)
            yield found[0] if (found := address()) else ""
        finally:
            process.terminate()
