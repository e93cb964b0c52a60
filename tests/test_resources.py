"""Every resource address can be read, and a wrong one is an error with words."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import BlobResourceContents, TextResourceContents
from starlette.requests import Request
from starlette.responses import JSONResponse

from taskip_mcp import resources, turn
from taskip_mcp.client import asgi_transport
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
    if entry.name == "client_overview":
        return f"{uri}?contact_id=1"
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
        ("taskip://invoices?page=every", "page: .*valid integer"),
        ("taskip://invoices?page=all&limit=101", "limit: .*less than or equal to 100"),
        ("taskip://invoices?page=all&status=payed", "must be one of"),
        ("taskip://nothing", "nothing"),
        (
            "taskip://invoices?state=overdue",
            "no variable state. It takes: page, limit, search, status, date_from",
        ),
        ("taskip://invoices?status=overdue&client_id=", "no variable client_id"),
        ("taskip://contacts/1?detail=full", "no variable detail. It takes: none"),
        ("taskip://events?until=1", "no variable until. It takes: since, event, group"),
    ],
)
async def test_a_wrong_address_is_an_error_with_words(client: Client, uri: str, words: str) -> None:
    with pytest.raises(MCPError, match=words):
        await client.read_resource(uri)


# --- page=all ---------------------------------------------------------------------------------------------

LISTS = [entry for entry in resources.TEMPLATES if entry.has_pages]


@asynccontextmanager
async def connected(sandbox: Sandbox) -> AsyncGenerator[Client]:
    app = App(load({"TASKIP_SANDBOX": "1"}), asgi_transport(sandbox.app))
    async with Client(build_server(app)) as client:
        yield client


async def rows_of(client: Client, uri: str) -> list[Any]:
    """The list, page by page, as a client without page=all would read it."""
    rows: list[Any] = []
    page: int | None = 1
    while page is not None:
        shown = json.loads(await read(client, f"{uri}&page={page}"))
        rows, page = rows + shown["items"], shown.get("next_page")
    return rows


@pytest.mark.parametrize("entry", LISTS, ids=lambda entry: entry.uri)
async def test_page_all_reads_every_page_of_a_list(client: Client, entry: resources.ResourceEntry) -> None:
    uri = address(entry).replace("limit=1", "limit=3")
    shown = json.loads(await read(client, f"{uri}&page=all"))
    assert shown["items"] == await rows_of(client, uri)
    assert (shown["complete"], shown["returned"]) == (True, len(shown["items"]))
    assert shown["pages"] >= -(-shown["returned"] // 3)
    assert "page=all reads every page." in entry.description


async def test_page_all_keeps_the_filters_and_asks_for_the_largest_pages() -> None:
    sandbox = Sandbox()
    async with connected(sandbox) as client:
        shown = json.loads(await read(client, "taskip://invoices?page=all&status=overdue"))
    assert {row["status"] for row in shown["items"]} == {"overdue"}
    assert [each.query for each in sandbox.requests] == [{"page": "1", "limit": "100", "status": "overdue"}]


async def test_page_all_keeps_the_fields_that_were_asked_for(client: Client) -> None:
    shown = json.loads(await read(client, "taskip://invoices?page=all&fields=invoice_no,total"))
    assert shown["items"]
    assert all(set(row) == {"id", "invoice_no", "total"} for row in shown["items"])


async def test_page_all_yields_to_calls_that_somebody_waits_for() -> None:
    bulk: list[bool] = []
    # The sandbox answers inside the task that asks, so that it sees the turn of the request.
    async with connected(Sandbox(fault=lambda _: bulk.append(turn.current().bulk))) as client:
        await read(client, "taskip://contacts?limit=5&page=all")
        await read(client, "taskip://contacts?limit=5&page=1")
    assert bulk == [True] * (len(bulk) - 1) + [False]
    assert len(bulk) > 2


async def test_page_all_says_how_far_it_got_and_is_continued_by_page() -> None:
    def third_page_fails(request: Request) -> JSONResponse | None:
        return JSONResponse({}, 403) if request.query_params.get("page") == "3" else None

    sandbox = Sandbox(fault=third_page_fails)
    async with connected(sandbox) as client:
        shown = json.loads(await read(client, "taskip://contacts?limit=2&page=all"))
        sandbox.fault = None
        rest = json.loads(await read(client, "taskip://contacts?limit=2&page=3"))
    assert (shown["returned"], shown["pages"], shown["complete"], shown["next_page"]) == (4, 2, False, 3)
    assert shown["note"].startswith("Read up to page 2; go on with page=3. TaskIP refused")
    assert not {row["id"] for row in shown["items"]} & {row["id"] for row in rest["items"]}
