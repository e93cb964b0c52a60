"""The whole way: something happens in a TaskIP on a port, it posts a webhook, and an assistant hears of it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp.client.stdio import StdioServerParameters
from mcp_types import EmptyResult, ResourceUpdatedNotification, SubscribeRequest, SubscribeRequestParams

from taskip_mcp.events import EVENTS, Event, addresses
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.settings import without_taskip
from tests import event_addresses
from tests.deliveries import BODY, PATH, SECRET, ask, free_port, serving
from tests.gatehouse import ERAS
from tests.sandbox_calls import CALLS, filled

pytestmark = pytest.mark.anyio

PAYMENT = {"status": "paid", "payment_date": "2026-05-04", "payment_method": "cash"}

# What an assistant does, the event that it makes TaskIP tell, and which of the watched addresses it must reach; in an
# order that works on the seeds.
STEPS: list[tuple[str, dict[str, Any], str, set[str]]] = [
    ("create_contact", {"first_name": "Ada", "email": "ada@new.example"}, "contact.created", {"contacts"}),
    ("update_contact", {"contact_id": 2, "position": "CEO"}, "contact.updated", {"contacts", "contacts/2"}),
    ("create_company", CALLS["create_company"], "company.created", {"companies"}),
    (
        "update_company", {"company_id": 2, "website": "https://new.example"}, "company.updated",
        {"companies", "companies/2"},
    ),
    ("create_invoice", CALLS["create_invoice"], "invoice.created", {"invoices", "overdue-invoices"}),
    ("send_invoice", {"invoice_id": 58}, "invoice.sent", {"invoices/58"}),
    ("update_invoice_status", {"invoice_id": 57, **PAYMENT}, "invoice.paid", {"invoices/57", "overdue-invoices"}),
    ("create_quotation", CALLS["create_quotation"], "quotation.created", {"quotations"}),
    ("update_quotation_status", {"quotation_id": 1, "status": "accepted"}, "quotation.accepted", {"quotations/1"}),
    ("update_quotation_status", {"quotation_id": 2, "status": "rejected"}, "quotation.rejected", {"quotations/2"}),
    (
        "create_ticket", {"subject": "Help", "priority": "low"}, "ticket.created",
        {"tickets", "ticket-analytics", "client-overview?contact_id=1"},
    ),
    ("assign_ticket", {"ticket_id": "2", "assigned_to": 3}, "ticket.assigned", {"tickets/2"}),
    ("update_ticket_status", {"ticket_id": "2", "status": "closed"}, "ticket.resolved", {"tickets/2"}),
    ("create_project", CALLS["create_project"], "project.created", {"projects", "activity"}),
    ("update_project_status", {"project_id": 1, "status": "completed"}, "project.completed", {"projects/1"}),
    ("create_task", CALLS["create_task"], "task.created", {"tasks", "projects/1/board"}),
    (
        "complete_task", {"project_id": 1, "task_id": 1, "is_completed": True}, "task.completed",
        {"tasks", "projects/1/tasks/1"},
    ),
    ("delete_contact", {"contact_id": 2}, "contact.deleted", {"contacts/2"}),
    ("delete_company", {"company_id": 3}, "company.deleted", {"companies/3", "contacts", "projects"}),
]  # fmt: skip
WATCHED = sorted({f"taskip://{path}" for *_, paths in STEPS for path in paths} | {addresses.FEED})


@contextmanager
def taskip(webhooks: int) -> Generator[str]:
    """A TaskIP of its own process, which posts webhooks to a port; its address."""
    url = f"http://127.0.0.1:{webhooks}/webhooks/taskip/{SECRET}"
    command = [
        sys.executable,
        "-m",
        "taskip_mcp",
        "sandbox",
        "--port",
        "0",
        "--no-limits",
        "--webhook-url",
        url,
    ]
    with subprocess.Popen(command, env=without_taskip(), stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        try:
            found = re.search(r"http://\S+", process.stderr.readline())
            assert found
            yield found[0]
        finally:
            process.kill()


def child(taskip: str, port: int, state: Path, *options: str) -> StdioServerParameters:
    """A server that takes webhooks beside stdio; without an address it is on the embedded TaskIP. It writes down its
    number as ``pid`` in its state directory."""
    given = {
        "STATE_DIR": state, "LIMIT_MINUTE": 10_000, "LIMIT_HOUR": 10_000, "CONFIRM": "off", "WEBHOOK_SECRET": SECRET,
        **({"SECRET_KEY": "canary-key-events-1", "BASE_URL": taskip} if taskip else {"SANDBOX": 1}),
    }  # fmt: skip
    command = [sys.executable, "-m", "taskip_mcp", "--webhook-port", str(port), *options]
    return StdioServerParameters(
        command="/bin/sh",
        args=["-c", 'echo $$ >"$0"; exec "$@"', str(state / "pid"), *command],
        env=without_taskip() | {f"TASKIP_{name}": str(value) for name, value in given.items()},
    )


@asynccontextmanager
async def assistant(
    era: str, taskip: str, port: int, state: Path, heard: list[str]
) -> AsyncGenerator[Client]:
    """A client of such a server."""

    async def note(message: Any) -> None:
        if isinstance(message, ResourceUpdatedNotification):
            heard.append(str(message.params.uri))

    async with Client(child(taskip, port, state), mode=ERAS[era], message_handler=note) as client:
        yield client


@pytest.mark.parametrize("era", ERAS)
async def test_all_events_reach_the_feed_who_waits_and_who_watches(era: str, tmp_path: Path) -> None:
    assert sorted(event for _, _, event, _ in STEPS) == sorted(
        f"{group}.{what}" for group, all_of_it in EVENTS.items() for what in all_of_it
    )
    port, heard, sandbox = free_port(), list[str](), Sandbox()
    with taskip(port) as url, anyio.fail_after(90):
        async with assistant(era, url, port, tmp_path, heard) as client:
            cursor = "c0"
            async with watching(era, client, heard, *WATCHED):
                for tool, given, event, paths in STEPS:
                    heard.clear()
                    row, cursor = await waited(client, event, cursor, tool, filled(given, sandbox))
                    told = {uri for uri in WATCHED if event_addresses.concerns(seen(row), uri)}
                    assert {f"taskip://{path}" for path in paths} <= told
                    while told - set(heard):
                        await anyio.sleep(0.01)
            listed = await ask(client, "list_events", since="c0", limit=100)
        assert {each["event"] for each in listed["items"]} == {event for _, _, event, _ in STEPS}


async def waited(
    client: Client, event: str, cursor: str, tool: str, given: dict[str, Any]
) -> tuple[dict[str, Any], str]:
    """What somebody is told who waits for an event before it happens; and the cursor behind it."""
    answers: list[dict[str, Any]] = []

    async def wait() -> None:
        answers.append(await ask(client, "wait_for_event", event=event, since=cursor, seconds=20))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await anyio.sleep(0.05)  # it is on its way; the cursor sees to it that it misses nothing if it is not
        assert answers == []
        await ask(client, tool, **given)
    (row,) = answers[0]["items"]
    assert row["event"] == event
    return row, answers[0]["cursor"]


def seen(row: dict[str, Any]) -> Event:
    """The event of a row; all tasks of the tests are of one project."""
    group = row["event"].partition(".")[0]
    return Event(1, 0.0, row["event"], {"project_id": 1, f"{group}_id": row["record"]})


@pytest.mark.parametrize("era", ERAS)
async def test_what_was_answered_is_read_by_the_next_server_when_the_first_is_killed(
    era: str, tmp_path: Path
) -> None:
    port, nowhere = free_port(), "http://127.0.0.1:9/api"
    url = f"http://127.0.0.1:{port}/webhooks/taskip/{SECRET}"
    with anyio.fail_after(60):
        async with assistant(era, nowhere, port, tmp_path, []) as client, httpx.AsyncClient() as http:
            assert (await ask(client, "list_events"))["items"] == []
            for number in range(20):
                await delivered(http, url, {"event": "invoice.paid", "data": {"invoice_id": number}})
            os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
        async with assistant(era, nowhere, free_port(), tmp_path, []) as later:
            items = (await ask(later, "wait_for_event", since="c0"))["items"]
    assert [row["record"] for row in items] == [str(number) for number in range(20)]


@asynccontextmanager
async def watching(era: str, client: Client, heard: list[str], *uris: str) -> AsyncGenerator[None]:
    """As clients of each era ask to be told of resources."""
    if ERAS[era] == "legacy":
        for uri in uris:
            request = SubscribeRequest(params=SubscribeRequestParams(uri=uri))
            await client.session.send_request(request, EmptyResult)
        yield
        return
    async with client.listen(resource_subscriptions=list(uris)) as stream, anyio.create_task_group() as group:

        async def follow() -> None:
            async for each in stream:
                heard.append(str(getattr(each, "uri", "")))

        group.start_soon(follow)
        yield
        group.cancel_scope.cancel()


# --- beside the protocol over HTTP, and embedded ----------------------------------------------------------


async def test_over_http_webhooks_come_in_beside_the_protocol_whatever_host_they_name(tmp_path: Path) -> None:
    with serving("http", tmp_path) as server, anyio.fail_after(60):
        base = server.url.removesuffix("/mcp")
        async with httpx.AsyncClient(base_url=base, headers={"Host": "hooks.agency.example"}) as http:
            wrong = await http.post(f"/webhooks/taskip/{SECRET}x", json={"event": "invoice.paid"})
            right = await http.post(
                f"/webhooks/taskip/{SECRET}", json={"event": "invoice.paid", "data": {"invoice_id": 57}}
            )
        assert (wrong.status_code, right.status_code) == (404, 200)
        async with Client(server.url) as client:
            (row,) = (await ask(client, "list_events"))["items"]
            assert (row["event"], row["record"]) == ("invoice.paid", "57")


async def test_over_sse_webhooks_come_in_as_well(tmp_path: Path) -> None:
    with serving("sse", tmp_path) as server, anyio.fail_after(60):
        async with httpx.AsyncClient(base_url=server.url.removesuffix("/sse")) as http:
            assert (await http.post(f"{PATH}x", json={"event": "invoice.paid"})).status_code == 404
            assert (await http.post(PATH, json={"event": "invoice.paid"})).status_code == 200
        async with Client(sse_client(server.url)) as client:
            assert (await ask(client, "list_events"))["returned"] == 1


async def test_bad_deliveries_change_nothing_for_those_who_use_the_tools(tmp_path: Path) -> None:
    with serving("http", tmp_path) as server, anyio.fail_after(60):
        base = server.url.removesuffix("/mcp")
        async with Client(server.url) as client, httpx.AsyncClient(base_url=base) as http:
            assert (await http.post(PATH, content=BODY)).status_code == 200
            before = [await ask(client, tool) for tool in ("list_events", "list_invoices", "list_jobs")]
            refused = [
                (PATH, b"{"), (PATH, b"[]"), (PATH, b'{"event":5}'), (PATH, b"x" * 300_000), (f"{PATH}x", BODY),
                (PATH, b'{"event":"invoice.paid","data":' + b"[" * 100_000), (PATH, b"\xff"),
            ]  # fmt: skip
            answers = [(await http.post(path, content=body)).status_code for path, body in refused]
            assert answers == [422, 422, 422, 413, 404, 422, 422]
            assert (await http.get(PATH)).status_code == 405
            after = [await ask(client, tool) for tool in ("list_events", "list_invoices", "list_jobs")]
            assert after == before


@pytest.mark.skipif(sys.platform != "linux", reason="127.0.0.2 is not every machine's own")
async def test_the_listener_is_on_the_host_that_was_chosen_alone(tmp_path: Path) -> None:
    port = free_port()
    with running(child("", port, tmp_path, "--webhook-host", "127.0.0.2")), anyio.fail_after(60):
        async with httpx.AsyncClient() as http:
            await delivered(http, f"http://127.0.0.2:{port}{PATH}", {"event": "invoice.paid"})
            with pytest.raises(httpx.ConnectError):
                await http.post(f"http://127.0.0.1:{port}{PATH}", content=BODY)


async def test_where_the_port_is_taken_the_server_works_all_the_same(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, anyio.fail_after(60):
        port = taken.getsockname()[1]
        async with assistant("2026-07-28", "http://127.0.0.1:9/api", port, tmp_path, []) as client:
            assert (await ask(client, "list_events"))["items"] == []


async def delivered(http: httpx.AsyncClient, url: str, body: dict[str, Any]) -> None:
    """Post it as soon as somebody listens."""
    while True:
        with suppress(httpx.ConnectError):
            assert (await http.post(url, json=body)).status_code == 200
            return
        await anyio.sleep(0.05)


@contextmanager
def running(made: StdioServerParameters) -> Generator[None]:
    """A process that serves nobody, once it takes webhooks."""
    command = [made.command, *made.args]
    with subprocess.Popen(command, env=made.env, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr
        try:
            assert any(b"webhooks on" in line for line in process.stderr)
            yield
        finally:
            process.kill()


async def test_a_server_takes_the_port_over_when_the_one_that_had_it_ends(tmp_path: Path) -> None:
    port, nowhere = free_port(), "http://127.0.0.1:9/api"
    url = f"http://127.0.0.1:{port}/webhooks/taskip/{SECRET}"
    with ExitStack() as first, anyio.fail_after(60):
        first.enter_context(running(child(nowhere, port, tmp_path)))
        async with (
            assistant("2026-07-28", nowhere, port, tmp_path, []) as second,
            httpx.AsyncClient() as http,
        ):
            await delivered(http, url, {"event": "invoice.paid", "data": {"invoice_id": 1}})
            first.close()
            await delivered(http, url, {"event": "invoice.paid", "data": {"invoice_id": 2}})
            items = (await ask(second, "list_events"))["items"]
    assert [row["record"] for row in items] == ["1", "2"]


async def test_with_a_port_of_their_own_webhooks_come_in_there_alone(tmp_path: Path) -> None:
    own = free_port()
    with serving("http", tmp_path, "--webhook-port", str(own)) as server, anyio.fail_after(60):
        base = server.url.removesuffix("/mcp")
        body = {"event": "invoice.paid", "data": {"invoice_id": 57}}
        async with httpx.AsyncClient() as http:
            await delivered(http, f"http://127.0.0.1:{own}/webhooks/taskip/{SECRET}", body)
            assert (await http.post(f"{base}/webhooks/taskip/{SECRET}", json=body)).status_code == 404


async def test_a_server_that_is_told_to_stop_ends_the_streams_of_those_that_listen(tmp_path: Path) -> None:
    with serving("http", tmp_path) as server, anyio.fail_after(60):
        async with (
            Client(server.url) as client,
            client.listen(resource_subscriptions=["taskip://events"]) as stream,
        ):
            server.process.terminate()
            assert [each async for each in stream] == []  # `SubscriptionLost` where it is not ended but cut
        await anyio.to_thread.run_sync(server.process.wait, 5)


async def test_the_embedded_taskip_is_heard_beside_a_port_for_webhooks(tmp_path: Path) -> None:
    with anyio.fail_after(60):
        async with assistant("2026-07-28", "", free_port(), tmp_path, []) as client:
            await ask(client, "create_company", name="New Ltd", email="hi@new.example")
            waited = await ask(client, "wait_for_event", event="company.created", since="c0", seconds=10)
            assert waited["items"][0]["event"] == "company.created"


async def test_the_embedded_taskip_tells_what_happens_in_it(tmp_path: Path) -> None:
    with serving("http", tmp_path) as server, anyio.fail_after(60):
        async with Client(server.url) as client:
            await ask(client, "create_company", name="New Ltd", email="hi@new.example")
            waited = await ask(client, "wait_for_event", event="company.created", since="c0", seconds=10)
            assert waited["items"][0]["event"] == "company.created"
