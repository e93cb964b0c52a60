"""Clients of both eras hear which of the resources that they watch became stale, and nobody else hears anything."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp import MCPError
from mcp.client import Client
from mcp.client.subscriptions import ResourceUpdated
from mcp_types import (
    EmptyResult,
    ResourceUpdatedNotification,
    SubscribeRequest,
    SubscribeRequestParams,
    UnsubscribeRequest,
    UnsubscribeRequestParams,
)

from taskip_mcp import subscriptions
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import load

pytestmark = pytest.mark.anyio

ONE, LISTED = "taskip://invoices/57", "taskip://invoices?status=overdue"


@asynccontextmanager
async def serving(mode: Any, heard: list[str] | None = None) -> AsyncGenerator[tuple[App, Client]]:
    """A server that follows its events, and a client; what came without a stream is in `heard`."""

    async def note(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification) and heard is not None:
            heard.append(str(message.params.uri))

    app = App(load({"TASKIP_SANDBOX": "1"}))
    async with app.following(), Client(build_server(app), mode=mode, message_handler=note) as client:
        yield app, client
    await app.aclose()


async def deliver(app: App, name: str, **data: Any) -> None:
    await app.open().events.add(json.dumps({"event": name, "data": data}).encode(), name)


async def subscribe(client: Client, uri: str, *, end: bool = False) -> None:
    """As clients before 2026-07-28 do; the SDK deprecates its own methods for it."""
    request = (
        UnsubscribeRequest(params=UnsubscribeRequestParams(uri=uri))
        if end
        else SubscribeRequest(params=SubscribeRequestParams(uri=uri))
    )
    await client.session.send_request(request, EmptyResult)


async def until(heard: list[str], count: int) -> None:
    with anyio.fail_after(20):
        while len(heard) < count:
            await anyio.sleep(0.01)


async def test_a_modern_client_hears_on_its_stream() -> None:
    async with serving("2026-07-28") as (app, client):
        async with client.listen(resource_subscriptions=[ONE, LISTED, "taskip://contacts"]) as stream:
            await deliver(app, "invoice.paid", invoice_id=57)
            with anyio.fail_after(20):
                found = [await anext(stream), await anext(stream)]
        assert found == [ResourceUpdated(uri=ONE), ResourceUpdated(uri=LISTED)]
        with anyio.fail_after(20):
            while app.watched.any:
                await anyio.sleep(0.01)


async def test_an_older_client_hears_until_it_unsubscribes_or_leaves() -> None:
    heard: list[str] = []
    async with serving("legacy", heard) as (app, client):
        assert client.server_capabilities.resources.subscribe  # type: ignore[union-attr]
        for uri in (ONE, LISTED, ONE):
            await subscribe(client, uri)
        await deliver(app, "invoice.paid", invoice_id=57)
        await until(heard, 2)
        await subscribe(client, ONE, end=True)
        await deliver(app, "invoice.paid", invoice_id=57, again=True)
        await until(heard, 3)
    assert heard == [ONE, LISTED, LISTED]
    assert not app.watched.any


async def test_watching_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscriptions, "MOST", 1)
    async with serving("legacy") as (_, client):
        await subscribe(client, ONE)
        with pytest.raises(MCPError, match="No more than 1"):
            await subscribe(client, LISTED)


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
async def test_the_events_are_a_resource(mode: Any) -> None:
    async with serving(mode) as (app, client):
        await deliver(app, "invoice.paid", invoice_id=57)
        templates = await client.list_resource_templates()
        assert "taskip://events{?since,event,group}" in {
            each.uri_template for each in templates.resource_templates
        }
        read = await client.read_resource("taskip://events?group=invoice")
        content: Any = read.contents[0]
        assert json.loads(content.text)["items"][0]["record"] == "57"
        listed = await client.call_tool("list_events", {"event": "invoice.paid"})
        assert not listed.is_error
