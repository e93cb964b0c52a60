"""Everything that can go wrong, as the model sees it: one clear error, what was changed, nothing leaked."""

from __future__ import annotations

import socket
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx
import pytest
from mcp.client import Client
from mcp_types import CallToolResult, TextContent

from taskip_mcp.server import App, build_server
from taskip_mcp.settings import Settings
from tests.support import BASE, Script, once

pytestmark = pytest.mark.anyio

KEY = "canary-key-5f1c2d"
CREATE = {"name": "Acme", "email": "a@acme.example"}


async def ask(
    tool: str,
    arguments: dict[str, Any],
    handler: Callable[[httpx.Request], httpx.Response] | None = None,
    **more: Any,
) -> CallToolResult:
    settings = Settings(secret_key=KEY, base_url=BASE, files_dir=Path("/nonexistent"))
    settings = Settings(**{**settings.__dict__, **more})
    app = App(settings, httpx.MockTransport(handler) if handler else None)
    async with Client(build_server(app)) as client:
        try:
            return await client.call_tool(tool, arguments)
        finally:
            await app.aclose()


def text(result: CallToolResult) -> str:
    (block,) = result.content
    assert isinstance(block, TextContent)
    return block.text


def failed(result: CallToolResult) -> str:
    assert result.is_error
    words = text(result)
    for leak in (KEY, "Traceback", "<html", "<h1", "pydantic", "httpx.", "/site-packages/"):
        assert leak not in words
    return words


# --- arguments: nothing is sent ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tool", "arguments", "words"),
    [
        ("get_contact", {"contactid": 5}, ["contactid", "did you mean contact_id?", "accepts: contact_id"]),
        ("list_contacts", {"client": "x"}, ["client", "no such argument", "accepts: page, limit"]),
        ("get_contact", {}, ["contact_id: required"]),
        ("get_contact", {"contact_id": "-"}, ["contact_id", "integer", "'-'"]),
        ("get_contact", {"contact_id": True}, ["contact_id", "not true or false"]),
        ("get_contact", {"contact_id": 0}, ["contact_id", "greater than or equal to 1"]),
        ("list_contacts", {"limit": 500}, ["limit", "less than or equal to 100"]),
        ("list_contacts", {"order": "down"}, ["order", "must be one of asc, desc", "'down'"]),
        (
            "list_invoices",
            {"status": "payed"},
            ["status", "must be one of draft, sent, paid, overdue, cancelled"],
        ),
        ("list_invoices", {"date_from": "01/02/2026"}, ["date_from"]),
        ("list_invoices", {"date_from": 5}, ["date_from", "YYYY-MM-DD"]),
        ("get_project", {"project_id": ".."}, ["project_id", "'..'", "not an identifier"]),
        ("delete_contact", {"contact_id": 5, "confirm": "yes"}, ["confirm", "give true or false"]),
        ("create_contact", {"first_name": "A", "email": "nope"}, ["email", "give one email address"]),
        (
            "create_contact",
            {"first_name": "A", "email": "a@b.example", "password": "pw1"},
            ["password", "6 characters"],
        ),
        ("bulk_delete_contacts", {"contact_ids": []}, ["contact_ids"]),
        ("bulk_delete_contacts", {"contact_ids": [1, "x"]}, ["contact_ids.1"]),
    ],
)
async def test_wrong_arguments_are_named_and_nothing_is_sent(
    tool: str, arguments: dict[str, Any], words: list[str]
) -> None:
    script = Script({})
    said = failed(await ask(tool, arguments, script))
    assert script.sent == []
    assert said.endswith(("Nothing was sent.", "Take the id from a list."))
    for word in words:
        assert word in said
    assert "pw1" not in said


@pytest.mark.parametrize(
    ("tool", "argument", "text"),
    [
        ("get_contact", "contact_id", "five"),
        ("get_project", "project_id", "a/b"),
        ("delete_project", "project_id", "../../contact/five"),
        ("get_meeting", "meeting_id", "../../contact/5"),
    ],
)
async def test_what_is_no_identifier_is_looked_up_as_a_name_and_never_part_of_a_path(
    tool: str, argument: str, text: str
) -> None:
    lists = ("contact", "company", "project", "meeting-list")
    script = Script({f"GET /{name}": (200, {"data": []}) for name in lists})
    said = failed(await ask(tool, {argument: text}, script))
    assert {line.partition("?")[0] for line in script.lines} <= {f"GET /{name}" for name in lists}
    assert f"{argument}: no" in said
    assert f"is called '{text}'" in said
    assert said.endswith("Nothing was changed.")


async def test_lists_and_objects_may_come_as_json_text() -> None:
    script = Script(
        {"GET /contact/1": (200, {"data": {"id": 1}}), "GET /contact/2": (200, {"data": {"id": 2}})}
    )
    result = await ask("bulk_delete_contacts", {"contact_ids": "[1, 2]"}, script)
    assert not result.is_error
    assert script.lines == ["GET /contact/1", "GET /contact/2"]


# --- TaskIP says no ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (401, {"error": "Unauthorized", "message": "Bad key", "status_code": 401},
         ["missing, wrong or expired", "Settings > API Application", "Nothing was changed"]),
        (403, {"message": "Paid invoices are locked"}, ["Paid invoices are locked", "Nothing was changed"]),
        (404, {"message": "No query results for model [App\\Models\\Company] 5"}, ["no such record", "list tool"]),
        (409, {"message": "Email exists"}, ["Email exists", "Nothing was changed"]),
        (413, {"message": ""}, ["too large", "Nothing was changed"]),
        (422, {"message": "Invalid.", "errors": {"email": ["Taken."], "name": ["Too long.", "Too odd."]}},
         ["email: Taken.", "name: Too long. Too odd.", "Nothing was changed", "call again"]),
        (429, {"message": "Too Many Attempts."}, ["rate limit", "Nothing was changed"]),
        (500, "<html><h1>Whoops</h1></html>", ["HTTP 500", "not known whether the change was made"]),
        (302, "", ["redirect", "TASKIP_BASE_URL"]),
    ],
)  # fmt: skip
async def test_an_error_status_says_what_happened_and_what_was_changed(
    status: int, body: Any, words: list[str]
) -> None:
    reply = httpx.Response(status, html=body) if isinstance(body, str) else httpx.Response(status, json=body)
    said = failed(await ask("create_company", CREATE, Script({"POST /company": reply})))
    for word in words:
        assert word in said


@pytest.mark.parametrize("status", [401, 403, 404, 500])
async def test_a_failed_read_says_nothing_about_changes(status: int) -> None:
    reply = httpx.Response(status, json={"message": "No query results for model [App\\Models\\Company] 5"})
    said = failed(await ask("get_company", {"company_id": 5}, Script({"GET /company/5": reply})))
    assert "changed" not in said
    assert "change was made" not in said


async def test_a_key_that_taskip_repeats_is_hidden() -> None:
    script = Script(
        {"GET /company/5": (403, {"message": f"Key {KEY} may not", "errors": {"key": [f"{KEY}?"]}})}
    )
    said = failed(await ask("get_company", {"company_id": 5}, script))
    assert "Key (hidden secret) may not" in said
    assert "(hidden secret)?" in said


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"msg": "Company created", "data": {"id": 9, "na', "application/json"),
        (b"<!doctype html><html>maintenance</html>", "text/html"),
        (b"not json at all", "application/json"),
    ],
)
async def test_an_unreadable_answer_to_a_write_leaves_the_outcome_open(content: bytes, kind: str) -> None:
    reply = httpx.Response(200, content=content, headers={"content-type": kind})
    said = failed(await ask("create_company", CREATE, Script({"POST /company": reply})))
    assert "not known whether the change was made" in said


async def test_an_empty_answer_to_a_read_is_an_error_and_to_a_delete_is_done() -> None:
    empty = httpx.Response(200, content=b"")
    assert "without the record" in failed(
        await ask("get_company", {"company_id": 5}, Script({"GET /company/5": empty}))
    )
    gone = Script({"DELETE /company/5": httpx.Response(204)})
    result = await ask("delete_company", {"company_id": 5, "confirm": True}, gone)
    assert text(result) == '{"done":"Company 5 deleted","id":5,"changed":{}}'


async def test_a_read_that_fails_before_the_write_says_that_nothing_was_changed() -> None:
    down = httpx.Response(500, html="<h1>down</h1>")
    said = failed(
        await ask("update_company", {"company_id": 5, "name": "N"}, Script({"GET /company/5": down}))
    )
    assert "Nothing was changed" in said


async def test_a_read_that_fails_after_the_write_leaves_the_outcome_open() -> None:
    down = httpx.Response(500, html="<h1>down</h1>")
    reads = once((200, {"data": {"id": 5, "status": "draft"}}), down)
    script = Script(
        {"POST /invoice/5/status-update": httpx.Response(200, json="Hmm"), "GET /invoice/5": reads}
    )
    said = failed(await ask("update_invoice_status", {"invoice_id": 5, "status": "sent"}, script))
    assert said.endswith("read the record before you try again.")
    assert script.lines[:2] == ["GET /invoice/5", "POST /invoice/5/status-update"]
    assert len(script.writes) == 1


# --- the network ------------------------------------------------------------------------------------------


@asynccontextmanager
async def server(behave: Callable[[anyio.abc.SocketStream], Any]) -> AsyncGenerator[str]:
    """A real TCP server on loopback that treats every connection as told."""
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)

    async def serve() -> None:
        await listener.serve(behave)

    async with anyio.create_task_group() as group:
        group.start_soon(serve)
        yield f"http://127.0.0.1:{port}/api/public-v1"
        group.cancel_scope.cancel()
    await listener.aclose()


async def asked(stream: anyio.abc.SocketStream) -> None:
    """Until a request is there; who connects and goes asks for nothing."""
    with suppress(anyio.EndOfStream):
        await stream.receive()


async def hang(stream: anyio.abc.SocketStream) -> None:
    async with stream:
        await asked(stream)
        await anyio.sleep(30)


async def reset(stream: anyio.abc.SocketStream) -> None:
    await asked(stream)
    raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    await stream.aclose()


async def cut(stream: anyio.abc.SocketStream) -> None:
    async with stream:
        await asked(stream)
        await stream.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
        )


async def test_a_refused_connection_changed_nothing() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/api/public-v1"
    said = failed(await ask("create_company", CREATE, base_url=url))
    assert "could not be reached" in said
    assert "Nothing was changed" in said


@pytest.mark.parametrize(
    ("behave", "words"), [(hang, "did not answer"), (reset, "broke off"), (cut, "broke off")]
)
async def test_a_lost_answer_to_a_write_leaves_the_outcome_open(behave: Any, words: str) -> None:
    async with server(behave) as url:
        said = failed(await ask("create_company", CREATE, base_url=url, timeout=0.5))
    assert words in said
    assert "not known whether the change was made" in said


async def test_a_crash_inside_the_server_is_reported_without_its_text(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def crash(request: httpx.Request) -> httpx.Response:
        raise ZeroDivisionError("internal detail")

    said = failed(await ask("create_company", CREATE, crash))
    assert "internal detail" not in said
    assert "read the record" in said
    assert "create_company failed" in caplog.text
