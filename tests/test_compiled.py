"""The compiled file, and lists that come from it: a client gets what the SDK would have made of the same tools."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from mcp.server import MCPServer
from mcp.server.caching import CacheHint
from mcp_types.version import HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION

from taskip_mcp import __version__, register, resources, schemas
from taskip_mcp.errors import ConfigError
from taskip_mcp.server import ABOUT, BUDGET, App, build_server
from taskip_mcp.settings import load

pytestmark = pytest.mark.anyio

VERSIONS = [*HANDSHAKE_PROTOCOL_VERSIONS, LATEST_MODERN_VERSION]
ROWS = {
    "tools/list": "tools",
    "resources/templates/list": "resourceTemplates",
    "resources/list": "resources",
}
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": LATEST_MODERN_VERSION,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
}


async def on_the_wire(server: MCPServer) -> dict[tuple[str, str], dict[str, Any]]:
    """The whole results of all lists at every version, as a client reads them."""
    asgi = server.streamable_http_app(json_response=True, stateless_http=True)
    transport = httpx.ASGITransport(app=asgi)  # pyright: ignore[reportArgumentType]  # the two ASGI types differ in name
    async with (
        server.session_manager.run(),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000") as http,
    ):
        return {
            (method, version): await listed(http, method, version) for method in ROWS for version in VERSIONS
        }


async def listed(http: httpx.AsyncClient, method: str, version: str) -> dict[str, Any]:
    params: dict[str, Any] = {"_meta": ENVELOPE} if version == LATEST_MODERN_VERSION else {}
    headers = {
        "Accept": "application/json, text/event-stream",
        "MCP-Protocol-Version": version,
        "Mcp-Method": method,
    }
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = await http.post("/mcp", json=body, headers=headers)
    return cast("dict[str, Any]", answer.json()["result"])


def ours(**variables: str) -> register.Server:
    server = build_server(App(load({"TASKIP_SANDBOX": "1", **variables})))
    assert isinstance(server, register.Server)
    return server


async def never(*given: Any) -> Any:
    """What is listed here is never called."""
    raise AssertionError


async def other() -> str:
    """A tool of somebody else."""
    return ""


# --- the file ---------------------------------------------------------------------------------------------


def test_the_compiled_file_is_what_the_functions_produce() -> None:
    assert schemas.load() == schemas.made()


@pytest.mark.parametrize("harm", ["changed", "missing"])
def test_the_check_sees_a_compiled_file_that_differs_or_is_missing(harm: str, tmp_path: Path) -> None:
    schemas.write(tmp_path)
    file = tmp_path / schemas.COMPILED.name
    if harm == "changed":
        file.write_text(file.read_text("utf-8").replace("Delete", "Remove", 1), "utf-8")
    else:
        file.unlink()
    assert schemas.differences(tmp_path) == [file.name]


def test_without_the_compiled_file_the_server_says_how_to_make_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="taskip-mcp schemas"):
        schemas.load(tmp_path / "compiled.json")


# --- what a client gets -----------------------------------------------------------------------------------


async def test_lists_are_those_that_the_sdk_makes_of_the_same_tools_at_every_version() -> None:
    # Under `strict` every tool is offered as its file has it.
    plain = MCPServer(
        "taskip",
        title="TaskIP",
        version=__version__,
        tools=[register.tool(entry, never, 1.0) for entry in schemas.load_entries()],
    )
    for entry in (*resources.TEMPLATES, resources.EVENTS):
        register.add_resource(plain, entry, never)
    register.add_page(plain, "taskip://about", "about", ABOUT, never)
    register.add_page(plain, "taskip://budget", "budget", BUDGET, never)
    assert await on_the_wire(ours(TASKIP_CONFIRM="strict")) == await on_the_wire(plain)


@pytest.mark.parametrize(
    "variables", [{}, {"TASKIP_STRUCTURED": "1"}, {"TASKIP_READ_ONLY": "1"}], ids=lambda each: str(each)
)
async def test_with_a_tool_and_a_template_of_somebody_else_the_sdk_lists_the_same(
    variables: Mapping[str, str],
) -> None:
    server = ours(**variables)
    compiled = await on_the_wire(server)
    server = ours(**variables)
    server.add_tool(other)
    register.add_resource(
        server, resources.ResourceEntry("test://{thing}", "thing.get", "thing", "A thing."), never
    )
    made = await on_the_wire(server)
    for (method, version), result in made.items():
        rows = result.pop(ROWS[method])
        others = {"other", "thing"}
        assert method == "resources/list" or others & {row["name"] for row in rows}
        before = compiled[method, version]
        assert [row for row in rows if row["name"] not in others] == before.pop(ROWS[method])
        assert result == before


async def test_the_list_is_the_same_after_a_template_was_read() -> None:
    server = ours()
    assert await server.read_resource("taskip://contacts/1")
    assert await on_the_wire(server) == await on_the_wire(ours())


async def test_how_long_lists_may_be_kept_is_what_the_sdk_was_told() -> None:
    told = register.Server("taskip", tools=[], cache_hints={"tools/list": CacheHint(60_000, "public")})
    told.list_compiled([], [], lambda: None)
    results = await on_the_wire(told)
    tools = results["tools/list", LATEST_MODERN_VERSION]
    assert (tools["ttlMs"], tools["cacheScope"]) == (60_000, "public")
    templates = results["resources/templates/list", LATEST_MODERN_VERSION]
    assert (templates["ttlMs"], templates["cacheScope"]) == (0, "private")
