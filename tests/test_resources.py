"""Every resource address can be read, and a wrong one is an error with words."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import BlobResourceContents, TextResourceContents

from taskip_mcp import resources
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import load

pytestmark = pytest.mark.anyio

UUIDS = {"pipeline_id": "pipeline", "meeting_id": "meeting", "conversation_id": "conversation"}


@pytest.fixture
async def client() -> AsyncGenerator[Client]:
    async with Client(build_server(App(load({"TASKIP_SANDBOX": "1"})))) as connected:
        yield connected


async def read(client: Client, uri: str) -> str | bytes:
    (content,) = (await client.read_resource(uri)).contents
    if isinstance(content, BlobResourceContents):
        return base64.b64decode(content.blob)
    assert isinstance(content, TextResourceContents)
    return content.text


def address(entry: resources.ResourceEntry) -> str:
    """The address of a record that is there, with a query where there is one."""
    sandbox = Sandbox()
    uri = entry.uri.partition("{?")[0]
    for name in entry.path_variables:
        row = sandbox.store.get(UUIDS.get(name, ""), 1)
        number = "3" if name == "ticket_id" else "1"  # the third ticket has a file
        uri = uri.replace("{" + name + "}", row["uuid"] if row else number)
    return uri + ("?limit=1" if "limit" in entry.query_variables else "")


@pytest.mark.parametrize("entry", resources.TEMPLATES, ids=lambda entry: entry.uri)
async def test_every_address_is_read(client: Client, entry: resources.ResourceEntry) -> None:
    content = await read(client, address(entry))
    if entry.mime_type == resources.PDF:
        assert isinstance(content, bytes)
        assert content.startswith(b"%PDF")
    else:
        record = json.loads(content)
        assert record.get("items", True)
        assert record.get("returned", 1) == 1 or "limit" not in entry.query_variables


async def test_a_filter_of_an_address_filters(client: Client) -> None:
    page = json.loads(await read(client, "taskip://invoices?status=overdue&limit=2"))
    assert {row["status"] for row in page["items"]} == {"overdue"}
    assert (page["returned"], page["next_page"]) == (2, 2)


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("taskip://contacts/999", "no such record"),
        ("taskip://contacts/abc", "contact_id"),
        ("taskip://invoices?status=payed", "must be one of"),
        ("taskip://nothing", "nothing"),
    ],
)
async def test_a_wrong_address_is_an_error_with_words(client: Client, uri: str, words: str) -> None:
    with pytest.raises(MCPError, match=words):
        await client.read_resource(uri)
