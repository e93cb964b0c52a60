"""The same server over every transport and in both protocol eras, as real processes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, Literal

import anyio
import httpx
import pytest
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters

from taskip_mcp import results, schemas
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import load

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent
Era = Literal["2025-11-25", "2026-07-28"]
MODES: dict[str, Any] = {"2025-11-25": "legacy", "2026-07-28": "2026-07-28"}
ERAS = pytest.mark.parametrize("era", list(MODES))


def environment() -> dict[str, str]:
    """This process's environment with the sandbox and nothing else of TaskIP."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("TASKIP_")}
    return clean | {"TASKIP_SANDBOX": "1"}


@contextmanager
def serving(*arguments: str) -> Generator[str]:
    """A server process on a free loopback port; yields its address."""
    command = [sys.executable, "-m", "taskip_mcp", *arguments, "--port", "0"]
    process = subprocess.Popen(
        command, env=environment(), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        for line in process.stderr:
            if found := re.search(r"http://(127\.0\.0\.1:\d+)", line):
                yield f"http://{found[1]}"
                break
        else:
            pytest.fail("the server did not say where it listens")
    finally:
        process.terminate()
        process.communicate(timeout=20)


@asynccontextmanager
async def connected(transport: str, era: str) -> AsyncGenerator[Client]:
    """A real client of the server over one transport."""
    mode = MODES[era]
    if transport == "memory":
        async with Client(build_server(App(load({"TASKIP_SANDBOX": "1"}))), mode=mode) as client:
            yield client
    elif transport == "stdio":
        child = StdioServerParameters(command=sys.executable, args=["-m", "taskip_mcp"], env=environment())
        async with Client(child, mode=mode) as client:
            yield client
    elif transport == "sse":
        with serving("--transport", "sse") as url:
            async with Client(sse_client(f"{url}/sse"), mode=mode) as client:
                yield client
    else:
        with serving("--transport", "http") as url:
            async with Client(f"{url}/mcp", mode=mode) as client:
                yield client


@ERAS
@pytest.mark.parametrize("transport", ["memory", "stdio", "sse", "http"])
async def test_every_transport_serves_all_tools_and_a_record_in_both_eras(transport: str, era: Era) -> None:
    async with connected(transport, era) as client:
        listed = await client.list_tools()
        assert [tool.name for tool in listed.tools] == [entry.name for entry in schemas.load_entries()]
        endpoints = {tool.name: (tool.meta or {})["taskip/endpoint"] for tool in listed.tools}
        assert endpoints == {entry.name: entry.endpoint for entry in schemas.load_entries()}
        result = await client.call_tool("list_invoices", {"limit": 2})
        page = results.parse(result.content[0].text)  # pyright: ignore
        assert page["returned"] == 2
        content = await client.read_resource("taskip://about")
        assert json.loads(content.contents[0].text)["backend"] == "sandbox"  # pyright: ignore


async def test_the_example_configuration_starts_the_server() -> None:
    example = json.loads((ROOT / "claude_desktop_config.example.json").read_text("utf-8"))
    entry = example["mcpServers"]["taskip"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = environment() | {"PATH": path} | entry.get("env", {}) | {"TASKIP_SANDBOX": "1"}
    child = StdioServerParameters(command=entry["command"], args=entry["args"], env=env)
    async with Client(child) as client:
        assert len((await client.list_tools()).tools) == len(schemas.load_entries())


def test_nothing_but_the_protocol_goes_to_stdout() -> None:
    messages: list[dict[str, Any]] = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {
            "name": "get_contact", "arguments": {"contact_id": 1}}},
        {"jsonrpc": "2.0", "id": 3, "method": "tools/call", "params": {"name": "get_contact", "arguments": {}}},
    ]  # fmt: skip
    with subprocess.Popen(
        [sys.executable, "-m", "taskip_mcp"],
        env=environment() | {"TASKIP_LOG_LEVEL": "DEBUG"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.writelines(json.dumps(message) + "\n" for message in messages)
        process.stdin.flush()
        answers = [json.loads(process.stdout.readline()) for _ in range(3)]
        process.stdin.close()
        rest = process.stdout.read()
    assert sorted(answer["id"] for answer in answers) == [1, 2, 3]
    assert rest == ""


@pytest.mark.parametrize("transport", ["http", "sse"])
@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.5", "example.com"])
def test_anything_but_loopback_is_refused(transport: str, host: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "taskip_mcp", "--transport", transport, "--host", host],
        env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert "not a loopback address" in done.stderr


async def test_a_foreign_host_or_origin_is_turned_away() -> None:
    with serving("--transport", "http") as url:
        async with httpx.AsyncClient() as http:
            body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            kinds = {"Accept": "application/json, text/event-stream"}
            rebound = await http.post(f"{url}/mcp", json=body, headers=kinds | {"Host": "evil.example"})
            foreign = await http.post(
                f"{url}/mcp", json=body, headers=kinds | {"Origin": "http://evil.example"}
            )
    assert rebound.status_code == 421
    assert foreign.status_code == 403


async def test_the_sandbox_serves_on_a_port_and_the_server_uses_it(tmp_path: Path) -> None:
    with serving("sandbox") as url:
        environ = {"TASKIP_SECRET_KEY": "any", "TASKIP_BASE_URL": f"{url}/api/public-v1"}
        settings = load(environ | {"TASKIP_STATE_DIR": str(tmp_path)})
        app = App(settings)
        with anyio.fail_after(30):
            async with Client(build_server(app)) as client:
                result = await client.call_tool("get_contact", {"contact_id": 1})
            await app.aclose()
    assert not result.is_error
