"""No secret comes out: not in results, progress, resources, errors, logs, traces, the journal or any other file."""

from __future__ import annotations

import base64
import html
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from mcp.client import Client
from mcp.client.sse import sse_client
from mcp_types import ElicitRequestParams, ElicitResult

from taskip_mcp.client import Request, TaskipClient
from taskip_mcp.errors import InvalidError
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.settings import Settings
from tests.canaries import (
    EXTRA,
    FIELD,
    GATEWAY,
    KEY,
    NESTED,
    PASSWORD,
    SECRETS,
    STORE,
    Parrot,
    contents,
    leaks,
)
from tests.faulty import Fault, Plan, closed_port, faulty, on
from tests.processes import FILE, contacts, query, server
from tests.support import BASE, Script
from tests.traced import BROKEN, listening, traced

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no /bin/sh"),
]

NEW = {
    "first_name": "Ada", "email": "ada@x.example", "access_portal": True, "password": PASSWORD,
    "custom_fields": {"API Key": FIELD, "list": [{"clientSecret": NESTED}]},
}  # fmt: skip
HOOK = {"webhook_secret": EXTRA, "payment_settings": {"live": {"publishable": GATEWAY}}}
DEAL = {"pipeline_id": "u-1", "deal_id": 1}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("create_contact", NEW),
    ("update_contact", {"contact_id": 1, "password": PASSWORD, "custom_fields": json.dumps(NEW["custom_fields"])}),
    ("move_deal", DEAL | {"stage_id": 2, "extra": HOOK}),
    ("add_deal_activity", DEAL | {"type": "call", "extra": HOOK | {"config": json.dumps({"api_key": FIELD})}}),
    ("book_meeting", {
        "meeting_id": "u-1", "date": "2099-03-01", "time_slot_start": "09:00", "time_slot_end": "09:30",
        "first_name": "A", "last_name": "B", "email": "a@b.example", "extra_fields": {"Your password": PASSWORD},
    }),
    ("set_invoice_payment_gateway", {"invoice_id": 1, "payment_gateway": "stripe"}),
    ("get_contact", {"contact_id": 1}),
    ("list_contacts", {}),
    ("get_invoice", {"invoice_id": 1}),
    ("list_invoices", {}),
]  # fmt: skip
GATED = {"create_contact", "update_contact", "book_meeting", "set_invoice_payment_gateway"}
RESOURCES = [
    f"taskip://{path}"
    for path in (
        "contacts/1",
        "contacts",
        "contacts?page=all",
        "invoices/1",
        "invoices/1/pdf",
        "about",
        "budget",
    )
]
ATTRIBUTES = {
    "mcp.method.name", "mcp.protocol.version", "jsonrpc.request.id", "gen_ai.operation.name", "gen_ai.tool.name",
    "error.type", "rpc.response.status_code",
}  # fmt: skip
HIDDEN = b"(hidden secret)"


def assert_clean(output: dict[str, bytes]) -> None:
    found = {name: leaks(content) for name, content in output.items()}
    assert {name: traces for name, traces in found.items() if traces} == {}


# --- the search itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", SECRETS.values(), ids=list(SECRETS))
def test_the_search_finds_a_secret_in_every_form(secret: str) -> None:
    line = json.dumps({"text": json.dumps({"password": secret})})
    encoded = [base64.b64encode(f"{'x' * number}{secret}!".encode()).decode() for number in range(3)]
    for written in (
        secret, quote(secret, safe=""), quote(secret, safe="").lower(), quote(quote(secret)), html.escape(secret),
        line, json.dumps(line), repr(secret), repr(line.encode()), repr(secret.encode()), *encoded,
        base64.urlsafe_b64encode(secret.encode()).decode(), secret[:-3], secret[3:],
    ):  # fmt: skip
        assert leaks(f"some {written} text", [secret]), written
        assert leaks(f"some {written} text".encode(), [secret]), written
    assert leaks("some (hidden secret) text") == []


# --- every channel ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["record", "422", "500", "401", "404", "html", "redirect"])
async def test_no_secret_comes_out_whatever_taskip_answers(mode: str, tmp_path: Path) -> None:
    sandbox, parrot = Sandbox(limits=False), Parrot()
    sandbox.fault = parrot
    async with faulty(sandbox) as front, traced(tmp_path, front.url) as child:
        for tool, arguments in CALLS:
            parrot.begin(mode)
            await child.call(tool, arguments)
            if tool in GATED:  # that was the preview; and a duplicate
                await child.call(tool, arguments | {"confirm": True})
                await child.call(tool, arguments | {"confirm": True})
        for uri in RESOURCES:
            parrot.begin(mode)
            await child.read(uri)
        for tool in ("list_jobs", "list_changes", "get_rate_budget"):
            await child.call(tool, {})
        assert_clean(child.output())
    assert_clean(child.output())
    # It was told every one of them, and all that was searched has been written.
    assert parrot.heard == set(SECRETS.values()) - {STORE}
    assert HIDDEN in child.output()["out"]
    assert HIDDEN in child.output()[FILE]
    assert b"tools/call create_contact" in child.output()["spans"]
    assert b"contact.create POST /contact" in child.output()["log"]


@pytest.mark.parametrize("looks", ["record", "500"])
async def test_no_secret_comes_out_where_an_answer_is_lost_and_looked_up(looks: str, tmp_path: Path) -> None:
    sandbox, parrot = Sandbox(limits=False), Parrot()
    sandbox.fault = parrot
    lost = [Plan(Fault.RESET_AFTER, on(method), times=99) for method in ("POST", "PUT")]
    async with faulty(sandbox, *lost) as front, traced(tmp_path, front.url) as child:
        for tool, arguments in CALLS[:4]:
            parrot.begin("record", looks)
            confirmed = arguments | ({"confirm": True} if tool in GATED else {})
            await child.call(tool, confirmed)
            assert len(front.writes()) == 1, child.texts
            await child.call(tool, confirmed)
            front.seen.clear()
        await child.call("list_jobs", {})
        await child.call("list_changes", {})
        assert_clean(child.output())
    assert_clean(child.output())
    assert parrot.heard == set(SECRETS.values()) - {STORE}


@pytest.mark.parametrize("mode", ["legacy", "auto"])
async def test_the_question_to_a_person_holds_no_secret(mode: str, tmp_path: Path) -> None:
    asked: list[str] = []

    async def person(context: object, params: ElicitRequestParams) -> ElicitResult:
        assert context is not None
        asked.append(params.message)
        return ElicitResult(action="accept", content={"confirm": True})

    sandbox, parrot = Sandbox(limits=False), Parrot()
    sandbox.fault = parrot
    async with faulty(sandbox) as front, traced(tmp_path, front.url, person=person, mode=mode) as child:
        for tool, arguments in CALLS[:2]:
            parrot.begin("record")
            await child.call(tool, arguments)
        assert len(front.writes()) == 2
    assert len(asked) == 2
    assert "(hidden secret)" in asked[0]
    assert_clean({"asked": "".join(asked).encode()} | child.output())


async def test_a_client_without_a_server_around_it_hides_what_it_sends() -> None:
    told = {"message": f"{PASSWORD} is wrong", "errors": {"x": [quote(FIELD)]}}
    settings = Settings(secret_key=KEY, base_url=BASE)
    client = TaskipClient(settings, httpx.MockTransport(Script({"POST /contact": (422, told)})))
    try:
        with pytest.raises(InvalidError) as caught:
            await client.send(Request("contact.create", "POST", "/contact", body=NEW, writes=True))
    finally:
        await client.aclose()
    assert leaks(str(caught.value)) == []
    assert "(hidden secret) is wrong" in str(caught.value)


async def test_progress_and_saved_files_hold_no_secret(tmp_path: Path) -> None:
    sandbox = Sandbox(limits=False)
    ids = contacts(sandbox, 60)
    async with faulty(sandbox) as front, traced(tmp_path, front.url) as child:
        await child.call("bulk_delete_contacts", {"contact_ids": ids, "confirm": True})
        await child.call("download_invoice_pdf", {"invoice_id": 57})
        assert len(child.notices) >= 3
    assert "invoice-57.pdf" in child.output()
    assert_clean(child.output())


async def test_a_program_error_shows_its_place_and_no_secret(tmp_path: Path) -> None:
    with closed_port() as url:
        async with traced(tmp_path, url, program=BROKEN) as child:
            said = await child.call("create_contact", NEW | {"confirm": True})
            assert "The TaskIP server failed inside create_contact" in said
            await child.call("get_contact", {"contact_id": 1})
            await child.read("taskip://contacts/1")
    assert_clean(child.output())
    log = child.output()["log"]
    assert b"Traceback (most recent call last)" in log
    assert re.search(rb"RuntimeError: '\(hidden secret\)' b'.*\(hidden secret\)", log)


@pytest.mark.parametrize("escaped", [True, False])
async def test_the_password_of_the_rate_store_does_not_come_out(escaped: bool, tmp_path: Path) -> None:
    with closed_port() as url:
        host = url.split("/")[2]
        store = f"redis://user:{quote(STORE, safe='') if escaped else STORE}@{host}/0"
        async with traced(tmp_path, url, RATE_STORE=store) as child:
            assert "TASKIP_RATE_STORE" in await child.call("get_contact", {"contact_id": 1})
            await child.call("get_rate_budget", {})
            for uri in ("taskip://contacts/1", "taskip://budget", "taskip://about"):
                await child.read(uri)
    assert_clean(child.output())


@pytest.mark.parametrize("transport", ["http", "sse"])
async def test_the_log_of_the_other_transports_holds_no_secret_either(transport: str, tmp_path: Path) -> None:
    sandbox, parrot = Sandbox(limits=False), Parrot()
    sandbox.fault = parrot
    async with faulty(sandbox) as front, listening(tmp_path, front.url, transport) as url:
        address = sse_client(f"{url}/sse") if transport == "sse" else f"{url}/mcp"
        async with Client(address) as client:
            for tool, arguments in CALLS[:4]:
                for mode in ("record", "422"):
                    parrot.begin(mode)
                    await client.call_tool(tool, arguments | ({"confirm": True} if tool in GATED else {}))
    assert parrot.heard == set(SECRETS.values()) - {STORE}
    assert_clean(contents(tmp_path))
    assert b" DEBUG " in contents(tmp_path)["log"]


# --- traces -----------------------------------------------------------------------------------------------


async def test_a_span_names_the_tool_and_holds_no_arguments(tmp_path: Path) -> None:
    async with faulty(Sandbox()) as front, traced(tmp_path, front.url) as child:
        await child.call("get_contact", {"contact_id": 1})
        await child.call("list_contacts", {"search": "arbitrary words"})
        await child.call("get_contact", {"contact_id": "not a number"})
        await child.read("taskip://contacts/77")
    decoder, text = json.JSONDecoder(), child.output()["spans"].decode()
    names: set[str] = set()
    while text.strip():
        span, end = decoder.raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        names.add(span["name"])
        assert span["attributes"].keys() <= ATTRIBUTES
        assert span["events"] == []
        assert "arbitrary words" not in str(span)
        assert "not a number" not in str(span)
    assert {"tools/call get_contact", "tools/call list_contacts", "resources/read"} <= names


# --- weak secrets -----------------------------------------------------------------------------------------


async def test_a_short_password_is_hidden_from_the_words_about_it_and_harms_no_number(tmp_path: Path) -> None:
    told = {
        "message": "123456 is too common",
        "errors": {"password": ["'123456' is in 1234567 leaks, see #123456."]},
    }
    script = Script({"POST /contact": (422, told)})
    new = {"first_name": "A", "email": "a@b.example", "password": "123456", "phone_number": "123456"}
    async with server(httpx.MockTransport(script), tmp_path) as asked:
        said = await asked.refused("create_contact", **new, confirm=True)
        assert "(hidden secret) is too common" in said
        assert "'(hidden secret)' is in 1234567 leaks, see #123456." in said
        script.replies = {
            "POST /contact": (201, {"data": {"id": 5, "zip_code": "123456", "password": "123456"}})
        }
        made = await asked.ask("create_contact", **new | {"email": "c@d.example"}, confirm=True)
    assert made["changed"] == {"id": 5, "zip_code": "123456", "password": "(hidden secret)"}
    assert script.writes[0].body["password"] == "123456"
    rows = query(tmp_path, "SELECT arguments FROM log WHERE event = 'begun'")
    assert {(json.loads(row)["password"], json.loads(row)["phone_number"]) for (row,) in rows} == {
        ("(hidden secret)", "123456")
    }


# --- what was hidden does not come back -------------------------------------------------------------------


async def test_the_word_for_a_hidden_value_is_not_written_over_it(tmp_path: Path) -> None:
    script = Script({"GET /contact/1": (200, {"data": {"id": 1, "custom_fields": {"API Key": FIELD}}})})
    async with server(httpx.MockTransport(script), tmp_path) as asked:
        shown = await asked.ask("get_contact", contact_id=1)
        assert shown["custom_fields"] == {"API Key": "(hidden secret)"}
        said = await asked.refused("update_contact", contact_id=1, custom_fields=shown["custom_fields"])
    assert (
        "custom_fields.API Key: (hidden secret) stands for a value that is not shown. Nothing was sent."
        in said
    )
    assert script.writes == []
