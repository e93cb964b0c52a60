"""The journal: what was there before each write, how it was confirmed and for whom, without secrets, for its time."""

from __future__ import annotations

import json
import time
from collections import Counter
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp.client import Client
from mcp_types import Implementation
from starlette.requests import Request
from starlette.responses import Response

from taskip_mcp import arguments, operation, results, show
from taskip_mcp.clock import Clock
from taskip_mcp.entries import Confirmation, Event
from taskip_mcp.operation import Operation
from taskip_mcp.sandbox import Sandbox
from taskip_mcp.server import App, build_server
from taskip_mcp.writelog import WriteLog
from tests.gatehouse import Door, accepts, gatehouse
from tests.processes import KEY, Hands, down, noted, office, openings, query, server, settings
from tests.sandbox_calls import arguments_for
from tests.support import NO_ROUTE, Reply, Script

pytestmark = pytest.mark.anyio

OPERATIONS = operation.load_all()
CANARY = "canary-secret-51d0"
DAY = 86_400.0


def confirmed(tool: str) -> dict[str, Any]:
    return {"confirm": True} if OPERATIONS[tool].gated else {}


def shown(company: dict[str, Any]) -> dict[str, Any]:
    """A kept company as `get_company` shows it."""
    return show.answer(company, OPERATIONS["get_company"]).value


# --- what was there before --------------------------------------------------------------------------------


async def test_an_update_keeps_the_record_as_it_was_and_the_arguments(tmp_path: Path) -> None:
    async with server(Sandbox(), tmp_path) as asked:
        was = await asked.ask("get_company", company_id=1)
        await asked.ask("update_company", company_id=1, website="https://new.example")
    (opening,) = openings(tmp_path)
    assert opening["before"].keys() == {"records"}
    assert shown(opening["before"]["records"]["1"]) == was
    assert was["website"] != "https://new.example"
    assert noted(tmp_path) == [("company.update", "done")]
    ((given,),) = query(tmp_path, "SELECT arguments FROM journal")
    assert results.tidy(json.loads(given)) == {"company_id": 1, "website": "https://new.example"}


async def test_a_delete_keeps_the_record_and_all_that_goes_with_it(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with server(sandbox, tmp_path) as asked:
        was = await asked.ask("get_company", company_id=1)
        people = [row for row in sandbox.store.rows("contact") if row.get("company_id") == 1]
        own = {row["id"] for row in people}
        projects = {row["id"] for row in sandbox.store.rows("project") if own & {*row["client"]}}
        await asked.ask("delete_company", company_id=1, confirm=True)
    (opening,) = openings(tmp_path)
    assert shown(opening["before"]["records"]["1"]) == was
    children = opening["before"]["children"]
    assert {row["id"] for row in children["contacts deleted with it"]} == own
    assert {row["id"] for row in children["projects deleted with it"]} == projects
    assert own
    assert projects
    kept = {row["id"]: row["email"] for row in children["contacts deleted with it"]}
    assert kept == {row["id"]: row["email"] for row in people}, "whole records, not only their ids"


async def test_each_chunk_of_a_job_keeps_the_records_of_its_ids(tmp_path: Path) -> None:
    async with office(tmp_path, 30) as (asked, sandbox, ids):
        emails = {str(row["id"]): row["email"] for row in sandbox.store.rows("contact") if row["id"] in ids}
        await asked.ask("bulk_delete_contacts", contact_ids=ids, confirm=True)
    job, *chunks = openings(tmp_path)
    assert "before" not in job
    records = [chunk["before"]["records"] for chunk in chunks]
    assert [[int(each) for each in kept] for kept in records] == [ids[:25], ids[25:]]
    assert {each: row["email"] for kept in records for each, row in kept.items()} == emails
    assert [opening["how"] for opening in (job, *chunks)] == ["flag"] * 3


async def test_a_create_has_no_before_and_keeps_the_id_of_what_it_made(tmp_path: Path) -> None:
    async with server(Sandbox(), tmp_path) as asked:
        made = await asked.ask("create_company", name="Ltd", email="hi@ltd.example")
    assert "before" not in openings(tmp_path)[0]
    assert json.loads(query(tmp_path, "SELECT detail FROM journal")[0][0])["id"] == made["id"]


def keeping() -> list[str]:
    """Writes that can be taken back, with the arguments of `tests.sandbox_calls`."""
    sandbox = Sandbox()
    made: list[str] = []
    for name, each in OPERATIONS.items():
        if each.undo is None:
            continue
        inverse = each.undo(arguments.validate(each, arguments_for(name, sandbox)))
        made += [name] if inverse else []
    return made


@pytest.mark.parametrize("tool", keeping())
async def test_whatever_can_be_taken_back_keeps_what_was_there_and_reads_it_once(
    tool: str, tmp_path: Path
) -> None:
    sandbox = Sandbox(limits=False)
    (tmp_path / "note.txt").write_text("a note")
    async with server(sandbox, tmp_path, upload_roots=(tmp_path,)) as asked:
        given = arguments_for(tool, sandbox) | confirmed(tool)
        result = await asked.call(tool, given)
        assert not result.is_error, result.content
    reads = takewhile(lambda seen: seen.method == "GET", sandbox.requests)
    asked_for = Counter((seen.path, str(seen.query)) for seen in reads)
    # Where TaskIP wants the other identifier of the record, that is looked up.
    turned = any(name in {"project_id", "ticket_id"} and str(each).isdigit() for name, each in given.items())
    assert max(asked_for.values(), default=0) <= 1 + turned, "no record is read again before the write"
    assert any(opening.get("before") for opening in openings(tmp_path)) or made_here(OPERATIONS[tool])


def made_here(each: Operation) -> bool:
    """A create is taken back by what it made: there was nothing before."""
    return each.effect is operation.Effect.CREATE


# --- when the record cannot be read -----------------------------------------------------------------------


async def test_a_record_that_is_not_there_is_for_taskip_to_say(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with server(sandbox, tmp_path) as asked:
        said = await asked.refused("update_contact", contact_id=9999, position="CTO")
        assert "no such record" in said
        assert "Nothing was changed" in said
    assert noted(tmp_path) == [("contact.update", "not_done")]
    assert "before" not in openings(tmp_path)[0]


def broken(_: Request) -> Response:
    raise httpx.ReadError("gone")


@pytest.mark.parametrize("fault", [down, broken])
async def test_a_read_that_fails_stops_the_write(fault: Any, tmp_path: Path) -> None:
    sandbox = Sandbox()
    sandbox.fault = fault
    async with server(sandbox, tmp_path) as asked:
        said = await asked.refused("delete_company", company_id=1, confirm=True)
        assert "Nothing was changed" in said
        assert "not known" not in said
    assert {seen.method for seen in sandbox.requests} <= {"GET"}
    assert noted(tmp_path) == []


UNREADABLE: dict[str, Reply] = {
    "not allowed": (403, {"message": "No"}),
    "no route": NO_ROUTE,
    "unreadable": httpx.Response(200, content=b""),
}
ORDER = [{"stage_id": 4, "order": 0}, {"stage_id": 3, "order": 1}]
STAGE = "/sales-pipeline/p-1/stage"


@pytest.mark.parametrize(
    ("tool", "given", "read", "write"),
    [
        ("update_contact", {"contact_id": 5, "position": "CTO"}, "GET /contact/5", "PUT /contact/5"),
        ("delete_contact", {"contact_id": 5, "confirm": True}, "GET /contact/5", "DELETE /contact/5"),
        (
            "bulk_delete_contacts",
            {"contact_ids": [5], "confirm": True},
            "GET /contact/5",
            "POST /contact/bulk-delete",
        ),
        (
            "reorder_stages",
            {"pipeline_id": "p-1", "order": ORDER},
            f"GET {STAGE}",
            f"POST {STAGE}/order-change",
        ),
    ],
)
@pytest.mark.parametrize("why", UNREADABLE)
async def test_what_can_never_be_read_does_not_stop_the_write(
    why: str, tool: str, given: dict[str, Any], read: str, write: str, tmp_path: Path
) -> None:
    script = Script({read: UNREADABLE[why], write: (200, {"msg": "ok"})})
    async with server(httpx.MockTransport(script), tmp_path) as asked:
        await asked.ask(tool, **given)
    assert [each.line for each in script.writes] == [write]
    assert {event for _, event in noted(tmp_path)} == {"done"}
    assert not any(opening.get("before") for opening in openings(tmp_path))


async def test_of_many_records_one_that_is_gone_does_not_stop_the_others(tmp_path: Path) -> None:
    async with office(tmp_path, 3) as (asked, sandbox, ids):
        sandbox.store.delete("contact", ids[1])
        await asked.ask("bulk_delete_contacts", contact_ids=ids, confirm=True)
    _, chunk = openings(tmp_path)
    assert set(chunk["before"]["records"]) == {str(ids[0]), str(ids[2])}


# --- how it was confirmed, and for whom -------------------------------------------------------------------


@pytest.mark.parametrize("how", ["flag", "code", "person", "off"])
async def test_the_journal_tells_how_a_write_was_confirmed(how: str, tmp_path: Path) -> None:
    modes = {"flag": "flag", "code": "strict", "person": "human", "off": "off"}
    person = accepts if how == "person" else None
    async with gatehouse(modes[how], Door(), person=person, state=tmp_path) as house:
        given: dict[str, Any] = {"contact_id": 5}
        if how == "code":
            given["confirm_code"] = await house.code("delete_contact", **given)
        if how in {"flag", "code"}:
            given["confirm"] = True
        await house.done("delete_contact", **given)
        (change,) = (await house.done("list_changes"))["items"]
    assert openings(tmp_path)[0]["how"] == how
    assert (
        change["confirmed"]
        == {
            "flag": "confirm: true",
            "code": "confirm_code",
            "person": "a person who was asked",
            "off": "none was asked for (TASKIP_CONFIRM)",
        }[how]
    )


async def test_the_journal_tells_for_which_client(tmp_path: Path) -> None:
    app = App(settings(tmp_path), httpx.ASGITransport(Sandbox().app))
    desk = Implementation(name="Acme Desk", version="7.1")
    try:
        async with Client(build_server(app), client_info=desk) as client:
            await client.call_tool("update_contact", {"contact_id": 1, "position": "CTO"})
            await client.call_tool("bulk_delete_contacts", {"contact_ids": [2], "confirm": True})
    finally:
        await app.aclose()
    assert [opening["client"] for opening in openings(tmp_path)] == ["Acme Desk"] * 3


async def test_nothing_of_a_confirmation_but_its_way_is_kept(tmp_path: Path) -> None:
    async with gatehouse("strict", Door(), state=tmp_path) as house:
        code = await house.code("delete_contact", contact_id=5)
        await house.done("delete_contact", contact_id=5, confirm=True, confirm_code=code)
    for path in tmp_path.rglob("*"):
        assert path.is_dir() or code.encode() not in path.read_bytes(), path
    assert set(openings(tmp_path)[0]) == {"how", "client", "before"}


# --- secrets ----------------------------------------------------------------------------------------------


async def test_no_secret_of_a_record_or_of_what_goes_with_it_comes_into_the_journal(tmp_path: Path) -> None:
    hidden = {"password": CANARY, "api_key": CANARY, "smtp": {"client_secret": CANARY}}
    record = {"id": 5, "name": "Acme", "website": "https://a.example"} | hidden
    person = {"id": 8, "name": "Ada", "company": {"id": 5}, "portal_password": CANARY}
    script = Script(
        {
            "GET /company/5": (200, {"data": record}),
            "GET /contact": (200, {"data": [person]}),
            "GET /project": (200, {"data": []}),
            "DELETE /company/5": (200, {"msg": f"Deleted, {CANARY}", "password": CANARY}),
            "PUT /company/5": (200, {"msg": "ok", "data": record}),
        }
    )
    async with server(httpx.MockTransport(script), tmp_path) as asked:
        await asked.ask("update_company", company_id=5, website="https://b.example")
        await asked.ask("delete_company", company_id=5, confirm=True)
        for path in tmp_path.rglob("*"):
            content = b"" if path.is_dir() else path.read_bytes()
            assert CANARY.encode() not in content, path
            assert KEY.encode() not in content, path
    for opening in openings(tmp_path):
        kept = opening["before"]["records"]["5"]
        assert (kept["name"], kept["password"], kept["smtp"]["client_secret"]) == (
            "Acme", "(hidden secret)", "(hidden secret)",
        )  # fmt: skip


# --- for how long -----------------------------------------------------------------------------------------


def opened(folder: Path, days_ago: float, keep: int = 90) -> WriteLog:
    """The journal of a server that starts so many days ago."""
    return WriteLog(folder, "a", Clock(lambda: time.time() - days_ago * DAY), keep)


def written(log: WriteLog, event: Event | None, job: str = "") -> str:
    """A write of that moment, closed with that event."""
    write = log.begin(
        "contact.update", {"contact_id": 1}, guard=False, job=job, before={"records": {"1": {}}}
    )
    if event:
        log.end(write, event)
    return write


def names(folder: Path) -> set[str]:
    return {name for (name,) in query(folder, "SELECT DISTINCT write FROM log")}


@pytest.mark.parametrize(
    ("event", "stays"),
    [("done", False), ("not_done", False), ("unknown", False), ("paused", True), (None, True)],
)
def test_what_is_over_for_longer_than_the_days_goes_at_the_next_start(
    event: Event | None, stays: bool, tmp_path: Path
) -> None:
    old = opened(tmp_path, 91)
    write = written(old, event)
    old.close()
    young = opened(tmp_path, 89)
    kept = written(young, "done")
    assert names(tmp_path) == {write, kept}, "it is not that old yet"
    young.close()
    opened(tmp_path, 0).close()
    assert names(tmp_path) == ({write, kept} if stays else {kept})
    opened(tmp_path, 0, keep=1).close()
    assert names(tmp_path) == set(), "what nobody ended goes a month later"


@pytest.mark.parametrize(
    ("ended", "stays"), [("old", False), ("lately", True), ("never", True)], ids=["old", "lately", "never"]
)
def test_the_chunks_of_a_job_go_with_it_and_not_before(ended: str, stays: bool, tmp_path: Path) -> None:
    old = opened(tmp_path, 100)
    job = old.begin_job("contact.bulk_delete", {"contact_ids": [1, 2]}, guard=False)
    chunk = written(old, "done", job)
    if ended == "old":
        old.end(job, "done")
    old.close()
    if ended == "lately":
        late = opened(tmp_path, 3)
        assert late.take_up(job)
        late.end(job, "done")
        late.close()
    opened(tmp_path, 0).close()
    assert names(tmp_path) == ({job, chunk} if stays else set())


async def test_the_days_are_those_of_the_setting_and_the_server_forgets_when_it_starts(
    tmp_path: Path,
) -> None:
    hands = Hands()
    async with server(Sandbox(), tmp_path, clock=hands.clock) as asked:
        await asked.ask("update_contact", contact_id=1, position="CTO")
    for ahead, left in ((6.9, 1), (7.1, 0)):
        hands.ahead = ahead * DAY
        async with server(Sandbox(), tmp_path, clock=hands.clock, journal_days=7) as asked:
            assert (await asked.ask("list_changes"))["returned"] == left


def test_a_used_confirmation_is_remembered_for_as_long_as_it_could_be_shown_again(tmp_path: Path) -> None:
    old = opened(tmp_path, 0.5)
    old.begin("a.b", {}, guard=False, confirmation=Confirmation("code", nonce="n", expires=time.time() + 600))
    old.close()
    young = opened(tmp_path, 0)
    assert young.used("n")
    young.close()
