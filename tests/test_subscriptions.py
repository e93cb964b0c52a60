"""Clients of both eras hear which of the resources that they watch became stale, and nobody else hears anything."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anyio
import httpx
import pytest
from anyio.streams.buffered import BufferedByteReceiveStream
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
from taskip_mcp.events.updates import Watched
from taskip_mcp.results import parse
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import load, without_taskip
from tests.deliveries import SECRET, free_port
from tests.gatehouse import words

pytestmark = pytest.mark.anyio

PAD = "x" * 500
"""So that pipes and buffers do not hold all that is told."""

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


async def test_who_watches_is_told_again_of_a_delivery_that_came_again() -> None:
    """Two changes within a second have one body."""
    heard: list[str] = []
    raw = json.dumps({"event": "invoice.paid", "data": {"invoice_id": 57}}).encode()
    async with serving("legacy", heard) as (app, client):
        await subscribe(client, ONE)
        for count in (1, 2):
            await app.deliveries().add(raw, "invoice.paid")
            await until(heard, count)
        listed = await client.call_tool("list_events", {"since": "c0"})
        assert parse(words(listed))["returned"] == 1
    assert heard == [ONE, ONE]


@asynccontextmanager
async def piped(state: Path, port: int) -> AsyncGenerator[Any]:
    """A server over stdio, spoken to by hand: nothing reads from it but the test."""
    given = {"SANDBOX": "1", "STATE_DIR": str(state), "WEBHOOK_SECRET": SECRET}
    environment = without_taskip() | {f"TASKIP_{name}": value for name, value in given.items()}
    command = [sys.executable, "-m", "taskip_mcp", "--webhook-port", str(port)]
    async with await anyio.open_process(command, stderr=subprocess.DEVNULL, env=environment) as process:
        yield process
        process.kill()


async def test_an_older_client_that_does_not_read_for_a_while_misses_nothing(tmp_path: Path) -> None:
    port, count = free_port(), 800
    async with piped(tmp_path, port) as process, httpx.AsyncClient() as http:
        hello = {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "t", "version": "1"},
        }
        asked = [{"id": 0, "method": "initialize", "params": hello}, {"method": "notifications/initialized"}]
        asked += [
            {
                "id": each,
                "method": "resources/subscribe",
                "params": {"uri": f"taskip://invoices?page={each}&search={PAD}"},
            }
            for each in range(1, count + 1)
        ]
        lines = BufferedByteReceiveStream(process.stdout)

        async def received() -> Any:
            return json.loads(await lines.receive_until(b"\n", 1_000_000))

        with anyio.fail_after(60):
            for each in asked:
                await process.stdin.send(json.dumps({"jsonrpc": "2.0", **each}).encode() + b"\n")
            while (await received()).get("id") != count:
                pass
            for number in range(3):
                body = {"event": "invoice.paid", "data": {"invoice_id": number}}
                await http.post(f"http://127.0.0.1:{port}/webhooks/taskip/{SECRET}", json=body)
                await anyio.sleep(0.5)
            heard: Counter[str] = Counter()
            with suppress(TimeoutError):
                while True:
                    with anyio.fail_after(2):
                        heard[(await received())["params"]["uri"]] += 1
    assert len(heard) == count
    assert heard.total() <= 2 * count  # what was not read is told once, not once for each of the three events


async def test_a_notice_that_fails_keeps_none_back_that_follows() -> None:
    heard: list[str] = []

    class Failing(SimpleNamespace):
        async def send_resource_updated(self, uri: str) -> None:
            if uri == ONE:
                raise RuntimeError
            heard.append(uri)

    made = subscriptions.Subscriptions(Watched())
    async with AsyncExitStack() as ends, anyio.create_task_group() as group:
        made.group = group
        context = SimpleNamespace(session=Failing(_connection=Ends(ends)))
        for uri in (ONE, LISTED):
            await made.subscribe(context, SubscribeRequestParams(uri=uri))
        for uri in (ONE, LISTED):
            await made.publish(uri)
    assert heard == [LISTED]


class Ends:
    """A connection, as far as it tells when it ends."""

    def __init__(self, exit_stack: AsyncExitStack) -> None:
        self.exit_stack = exit_stack


async def test_a_client_that_is_stuck_keeps_no_other_waiting() -> None:
    """Two sessions of the kind that the SDK makes, one of which takes no notice."""
    heard: list[str] = []
    begun = anyio.Event()

    class Stuck(SimpleNamespace):
        async def send_resource_updated(self, _: str) -> None:
            begun.set()
            await anyio.sleep_forever()

    class Reading(SimpleNamespace):
        async def send_resource_updated(self, uri: str) -> None:
            heard.append(uri)

    watched = Watched()
    made = subscriptions.Subscriptions(watched)
    async with anyio.create_task_group() as group, AsyncExitStack() as stuck, AsyncExitStack() as reading:
        made.group = group
        for kind, ends in ((Stuck, stuck), (Reading, reading)):
            session = kind(_connection=Ends(ends))
            await made.subscribe(SimpleNamespace(session=session), SubscribeRequestParams(uri=ONE))
        with anyio.fail_after(5):
            await made.publish(ONE)
            await begun.wait()
            await made.publish(ONE)
            while len(heard) < 2:
                await anyio.sleep(0.001)
        await stuck.aclose()  # ends what was sending, or the group would not end
    assert not watched.any


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
