"""What a client meets with the settings that change the surface: search mode, structured results, fewer tools."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import jsonschema
import pytest
from mcp import MCPError
from mcp.client import Client
from mcp_types import Implementation, TextContent

from taskip_mcp import results, schemas, show, toolsets
from taskip_mcp.client import asgi_transport
from taskip_mcp.outside import NOTICE_INSIDE
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import load
from tests.gatehouse import ERAS, NOTHING, Person, accepts, ask, declines, words

pytestmark = pytest.mark.anyio
BOTH = pytest.mark.parametrize("era", ERAS)


@asynccontextmanager
async def open_client(
    era: str, person: Person | None = None, name: str = "tests", **environ: str
) -> AsyncGenerator[tuple[Client, Sandbox]]:
    """A client of a server on a sandbox."""
    sandbox = Sandbox(limits=False)
    app = App(load({"TASKIP_SANDBOX": "1", **environ}), asgi_transport(sandbox.app))
    questions: list[str] = []
    try:
        async with Client(
            build_server(app),
            mode=ERAS[era],
            client_info=Implementation(name=name, version="1"),
            elicitation_callback=ask(person, questions),
        ) as client:
            yield client, sandbox
    finally:
        await app.aclose()


async def names(client: Client) -> list[str]:
    return [tool.name for tool in (await client.list_tools()).tools]


# --- search mode ------------------------------------------------------------------------------------------


@BOTH
async def test_in_search_mode_a_task_is_done_with_three_tools(era: str) -> None:
    async with open_client(era, TASKIP_MODE="search") as (client, _):
        assert await names(client) == ["find_tools", "read_with", "write_with"]
        found = results.parse(words(await client.call_tool("find_tools", {"query": "delete a customer"})))
        assert "delete_contact" in [each["name"] for each in found["items"]]
        call = {"tool": "get_contact", "arguments": {"contact_id": "Elsa Berg"}}
        assert results.parse(words(await client.call_tool("read_with", call)))["id"] == 1
        refused = await client.call_tool(
            "read_with", {"tool": "delete_contact", "arguments": {"contact_id": 1}}
        )
        assert refused.is_error
        assert "write_with" in words(refused)


@BOTH
async def test_in_search_mode_the_gate_previews_and_asks_as_always(era: str) -> None:
    call = {"tool": "delete_contact", "arguments": {"contact_id": 1}}
    async with open_client(era, TASKIP_MODE="search") as (client, sandbox):
        assert results.parse(words(await client.call_tool("write_with", call)))["done"] == NOTHING
        assert sandbox.store.get("contact", 1)
        call["arguments"] = {"contact_id": 1, "confirm": True}
        assert results.parse(words(await client.call_tool("write_with", call)))["done"] == "Contact 1 deleted"
        assert not sandbox.store.get("contact", 1)


@BOTH
@pytest.mark.parametrize("person", [accepts, declines])
async def test_in_search_mode_a_person_who_can_be_asked_decides(era: str, person: Person) -> None:
    call = {"tool": "delete_contact", "arguments": {"contact_id": 1, "confirm": True}}
    async with open_client(era, person, TASKIP_MODE="search") as (client, sandbox):
        result = await client.call_tool("write_with", call)
        assert result.is_error is (person is declines)
        assert (sandbox.store.get("contact", 1) is None) is (person is accepts)


# --- structured results -----------------------------------------------------------------------------------

CALLS: dict[str, dict[str, Any]] = {
    "list_invoices": {"limit": 3},
    "get_invoice": {"invoice_id": 1},
    "list_pipelines": {},
    "create_company": {"name": "New Ltd", "email": "hi@new.example"},
    "delete_contact": {"contact_id": 1},
    "list_jobs": {},
    "search_everything": {"query": "Northwind"},
}


@BOTH
async def test_structured_results_fit_their_schema_and_come_with_one_line_of_text(era: str) -> None:
    async with open_client(era, TASKIP_STRUCTURED="1") as (client, _):
        schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
        assert all(schema and schema["type"] == "object" for schema in schemas.values())
        for tool, given in CALLS.items():
            result = await client.call_tool(tool, given)
            (block,) = result.content
            assert isinstance(block, TextContent)
            assert "\n" not in block.text
            assert len(block.text) < 200
            jsonschema.validate(result.structured_content, schemas[tool] or {})


@BOTH
async def test_structured_results_are_the_same_data_with_the_notice_on_outsiders_text_first(era: str) -> None:
    async with open_client(era, TASKIP_STRUCTURED="1") as (client, _):
        structured = (await client.call_tool("list_tickets", {"limit": 2})).structured_content
    async with open_client(era) as (client, _):
        plain = await client.call_tool("list_tickets", {"limit": 2})
    assert structured
    assert next(iter(structured.items())) == (show.NOTICE_KEY, NOTICE_INSIDE)
    assert {name: value for name, value in structured.items() if name != show.NOTICE_KEY} == results.parse(
        words(plain)
    )
    assert plain.structured_content is None


@BOTH
async def test_a_refusal_is_told_in_words_with_structured_results_as_well(era: str) -> None:
    async with open_client(era, TASKIP_STRUCTURED="1") as (client, _):
        result = await client.call_tool("get_contact", {"contact_id": 999_999})
    assert result.is_error
    assert "no such record" in words(result)


# --- fewer tools ------------------------------------------------------------------------------------------


@BOTH
async def test_a_read_only_server_has_no_tool_that_writes_whatever_else_is_set(era: str) -> None:
    async with open_client(
        era,
        TASKIP_CONFIRM="off",
        TASKIP_TOOLSETS="billing",
        TASKIP_TOOLS="delete_contact",
        TASKIP_READ_ONLY="1",
    ) as (client, sandbox):
        tools = (await client.list_tools()).tools
        assert tools
        assert all(tool.annotations and tool.annotations.read_only_hint for tool in tools)
        assert (await client.call_tool("delete_contact", {"contact_id": 1})).is_error
        assert sandbox.store.get("contact", 1)


@BOTH
async def test_a_tool_that_is_left_out_is_told_apart_from_one_that_does_not_exist(era: str) -> None:
    async with open_client(era, TASKIP_EXCLUDE_TOOLS="delete_contact") as (client, _):
        left_out = await client.call_tool("delete_contact", {"contact_id": 1})
        assert left_out.is_error
        assert words(left_out).startswith("delete_contact is not offered here")
        assert words(await client.call_tool("delete_everything", {})).startswith("Unknown tool")
    async with open_client(era, TASKIP_MODE="search") as (client, _):
        assert words(await client.call_tool("list_contacts", {})) == (
            "Run list_contacts with read_with. Nothing was sent."
        )


@BOTH
async def test_what_a_left_out_tool_reads_is_no_resource_either(era: str) -> None:
    async with open_client(era, TASKIP_TOOLSETS="ticket", TASKIP_EXCLUDE_TOOLS="get_ticket,list_events") as (
        client,
        _,
    ):
        templates = (await client.list_resource_templates()).resource_templates
        shown = {template.uri_template.partition("{")[0] for template in templates}
        assert "taskip://tickets" in shown
        assert not {uri for uri in shown if not uri.startswith("taskip://ticket")}
        for uri in ("taskip://invoices", "taskip://tickets/1"):
            with pytest.raises(MCPError):
                await client.read_resource(uri)


@BOTH
async def test_the_list_stays_the_same_while_the_server_runs(era: str) -> None:
    async with open_client(era, TASKIP_TOOLSETS="support") as (client, _):
        before = (await client.list_tools()).model_dump_json()
        await client.call_tool("list_tickets", {})
        await client.call_tool("get_ticket", {"ticket_id": 1})
        assert (await client.list_tools()).model_dump_json() == before
        about = json.loads((await client.read_resource("taskip://about")).contents[0].text)  # pyright: ignore
        assert about["tools"] == len(await names(client))


@BOTH
async def test_a_client_that_takes_fewer_tools_is_warned_of_once_with_the_profile_to_use(
    era: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "taskip_mcp.server"):
        async with open_client(era, name="cursor-vscode") as (client, _):
            await client.list_tools()
            await client.list_tools()
        assert [record.getMessage() for record in caplog.records] == [
            f"cursor-vscode takes 80 tools and this server offers {len(schemas.load_entries())}: some will be"
            f" missing. Set TASKIP_TOOLSETS=core ({len(toolsets.PROFILES['core'])} tools; other profiles: sales,"
            " billing, support, delivery), or TASKIP_MODE=search."
        ]
        caplog.clear()
        async with open_client(era, name="cursor-vscode", TASKIP_TOOLSETS="sales") as (client, _):
            await client.list_tools()
        async with open_client(era, name="unknown-client") as (client, _):
            await client.list_tools()
        assert not caplog.records
