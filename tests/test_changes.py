"""The journal's tools and command: what was changed, and taking it back through the gate."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskip_mcp import settings
from taskip_mcp.sandbox import Sandbox
from tests.faulty import faulty
from tests.processes import KEY, Server, child
from tests.processes import server as server_of

pytestmark = pytest.mark.anyio

WRONG = "https://wrong.example"


@asynccontextmanager
async def office(folder: Path) -> AsyncGenerator[tuple[Server, Sandbox, str]]:
    """A real child over stdio, a real TaskIP on a port, and its address."""
    sandbox = Sandbox(limits=False)
    async with faulty(sandbox) as front, child(front.url, folder / "state") as server:
        yield server, sandbox, front.url


def stage_of(sandbox: Sandbox, *deals: int) -> dict[int, Any]:
    """The stages of deals, as TaskIP has them."""
    return {number: (sandbox.store.get("deal", number) or {})["deal_stage_id"] for number in deals}


async def change(server: Server, **filters: Any) -> dict[str, Any]:
    """The latest change."""
    return (await server.ask("list_changes", **filters))["items"][0]


async def test_an_update_is_taken_back_and_that_can_be_taken_back_as_well(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, _, _):
        before = await server.ask("get_company", company_id=1)
        await server.ask("update_company", company_id=1, website=WRONG)
        first = await change(server, record="1")
        assert first["arguments"] == {"company_id": 1, "website": WRONG}
        assert (first["outcome"], first["undo"], first.get("confirmed")) == ("done", "yes", None)
        done = await server.ask("undo_change", change_id=first["id"])
        assert done["done"] == f"Change {first['id']} taken back"
        assert done["changed"]["steps"] == [f'Update company 1: website "{before["website"]}"']
        assert await server.ask("get_company", company_id=1) == before
        second = await change(server)
        assert (second["tool"], second["undo_of"]) == ("update_company", first["id"])
        await server.ask("undo_change", change_id=second["id"])
        assert (await server.ask("get_company", company_id=1))["website"] == WRONG


async def test_a_tool_that_is_excluded_is_not_run_for_an_undo_either(tmp_path: Path) -> None:
    sandbox = Sandbox()
    async with server_of(sandbox, tmp_path) as first:
        await first.ask("update_company", company_id=1, website=WRONG)
        made = await change(first)
    async with server_of(sandbox, tmp_path, exclude_tools=("update_company",)) as second:
        said = await second.refused("undo_change", change_id=made["id"])
    assert said == (
        "It would take update_company, which this server is set not to offer. Nothing was changed."
    )
    assert sandbox.store.rows("company", website=WRONG)


async def test_what_somebody_changed_again_since_is_not_overwritten(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, sandbox, _):
        await server.ask("update_company", company_id=1, website=WRONG)
        sandbox.store.update("company", 1, {"website": "https://colleague.example"})
        said = await server.refused("undo_change", change_id=(await change(server))["id"])
        assert "changed again since" in said
        assert "colleague.example" in said
        assert said.endswith("Nothing was changed.")
        assert (await server.ask("get_company", company_id=1))["website"] == "https://colleague.example"


async def test_a_delete_answers_with_the_call_that_makes_the_record_anew(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, _, _):
        before = await server.ask("get_company", company_id=1)
        await server.ask("delete_company", company_id=1, confirm=True)
        offered = await server.ask("undo_change", change_id=(await change(server))["id"])
        assert offered["done"] == "Nothing was changed."
        assert any("contacts deleted with it" in each for each in offered["cannot_be_undone"])
        (ready,) = offered["ready"]
        made = await server.ask(ready["tool"], **ready["arguments"])
        after = await server.ask("get_company", company_id=made["id"])
        same = ("name", "email", "website", "phone_number", "address", "c_size", "c_type", "country_id")
        assert {name: after.get(name) for name in same} == {name: before.get(name) for name in same}


async def test_a_sent_mail_says_that_it_cannot_be_called_back(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, _, _):
        await server.ask("send_invoice", invoice_id=57, confirm=True)
        sent = await change(server)
        assert sent["confirmed"] == "confirm: true"
        said = await server.refused("undo_change", change_id=sent["id"])
        assert "cannot be called back" in said
        assert said.endswith("Nothing was changed.")


async def test_an_undo_with_consequences_passes_the_gate(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, sandbox, _):
        pipeline = (await server.ask("list_pipelines"))["items"][0]["uuid"]
        stages = stage_of(sandbox, 1, 7)
        moved = {"pipeline_id": pipeline, "deal_ids": [1, 7], "action": "move_stage", "stage_id": 4}
        await server.ask("bulk_update_deals", **moved, confirm=True)
        job = await change(server)
        shown = await server.ask("undo_change", change_id=job["id"])
        assert shown["done"] == "Nothing was changed."
        assert "bulk" in shown["consequences"]
        assert set(stage_of(sandbox, 1, 7).values()) == {4}
        await server.ask("undo_change", change_id=job["id"], confirm=True)
        assert stage_of(sandbox, 1, 7) == stages


@pytest.mark.parametrize("change_id", ["nothing", "1"])
async def test_a_change_that_is_not_there_is_refused_with_where_to_find_one(
    change_id: str, tmp_path: Path
) -> None:
    async with office(tmp_path) as (server, _, _):
        said = await server.refused("undo_change", change_id=change_id)
        assert "Take the id from list_changes" in said


# --- the command ------------------------------------------------------------------------------------------


def journal(url: str, state: Path, *options: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    """`taskip-mcp journal`, as a person runs it beside the server."""
    return subprocess.run(
        [sys.executable, "-m", "taskip_mcp", "journal", *options],
        capture_output=True,
        text=True,
        env=settings.without_taskip()
        | {"TASKIP_SECRET_KEY": key, "TASKIP_BASE_URL": url, "TASKIP_STATE_DIR": str(state)},
        timeout=60,
        check=False,
    )


async def test_the_command_prints_the_journal_and_exports_it_with_the_records(tmp_path: Path) -> None:
    state, export = tmp_path / "state", tmp_path / "changes.jsonl"
    async with office(tmp_path) as (server, _, url):
        await server.ask("update_company", company_id=1, website=WRONG)
        await server.ask("bulk_delete_contacts", contact_ids=[1, 2], confirm=True)
        printed = journal(url, state)
        assert printed.returncode == 0, printed.stderr
        newest, oldest = printed.stdout.splitlines()
        assert "bulk_delete_contacts  done" in newest
        assert "confirmation: confirm: true" in newest
        assert WRONG in oldest
        assert len(journal(url, state, "--tool", "update_company").stdout.splitlines()) == 1
        assert journal(url, state, "--record", "2").stdout.splitlines() == [newest]
        assert journal(url, state, "--until", "2020-01-01").stdout == ""
        assert journal(url, state, key="another-key-1234567890").stdout == "", "each key has its own"
        written = journal(url, state, "--export", str(export))
        assert (written.returncode, written.stdout) == (0, "")
    update, job = (json.loads(line) for line in export.read_text("utf-8").splitlines())
    assert update["opening"]["before"]["records"]["1"]["website"] == "https://northwindbakery.example"
    (part,) = job["parts"]
    assert set(part["opening"]["before"]["records"]) == {"1", "2"}
    assert stat.S_IMODE(export.stat().st_mode) == 0o600


async def test_an_export_overwrites_nothing(tmp_path: Path) -> None:
    export = tmp_path / "taken.jsonl"
    export.write_text("mine")
    said = journal("http://127.0.0.1:9/api", tmp_path / "state", "--export", str(export))
    assert said.returncode == 2
    assert "Name a file that does not exist" in said.stderr
    assert export.read_text() == "mine"


def test_the_embedded_taskip_has_no_journal_on_disk(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "taskip_mcp", "journal"],
        capture_output=True,
        text=True,
        env=settings.without_taskip() | {"TASKIP_SANDBOX": "1"},
        timeout=60,
        check=False,
    )
    assert told.returncode == 2
    assert "list_changes" in told.stderr


# --- the list ---------------------------------------------------------------------------------------------


async def test_a_long_list_goes_on_where_it_ended(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, _, _):
        for number in range(5):
            await server.ask("update_company", company_id=1, website=f"https://w{number}.example")
        seen: list[str] = []
        cursor: dict[str, str] = {}
        for _ in range(3):
            page = await server.ask("list_changes", limit=2, **cursor)
            seen += [each["arguments"]["website"] for each in page["items"]]
            cursor = {"before": page["items"][-1]["id"]}
            assert ("note" in page) == (len(seen) < 5)
        assert seen == [f"https://w{number}.example" for number in range(4, -1, -1)]


async def test_a_record_is_found_by_either_of_its_identifiers(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, _, _):
        project = (await server.ask("list_projects", limit=1))["items"][0]
        await server.ask("update_project_status", project_id=str(project["id"]), status="completed")
        for name in (str(project["id"]), project["uuid"]):
            assert (await change(server, record=name))["tool"] == "update_project_status"
        assert (await server.ask("list_changes", record="999"))["items"] == []


async def test_a_change_is_taken_back_once_and_an_undone_undo_lets_it_be_done_again(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, _, _):
        await server.ask("update_company", company_id=1, website=WRONG)
        first = (await change(server))["id"]
        await server.ask("undo_change", change_id=first)
        undo = (await change(server))["id"]
        assert f"taken back already, by {undo}" in await server.refused("undo_change", change_id=first)
        listed = {each["id"]: each for each in (await server.ask("list_changes"))["items"]}
        assert listed[first]["undone_by"] == undo
        await server.ask("undo_change", change_id=undo)
        await server.ask("undo_change", change_id=first)
        assert (await server.ask("get_company", company_id=1))["website"] != WRONG


async def test_a_job_is_as_done_as_its_ids(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, _, _):
        await server.ask("bulk_delete_companies", company_ids=[1, 5000], confirm=True)
        assert (await change(server))["outcome"] == "done for 1 of 2 ids"
        await server.ask("bulk_delete_companies", company_ids=[5001, 5002], confirm=True)
        assert (await change(server))["outcome"] == "not done"


async def test_a_page_after_no_change_is_refused(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, _, _):
        assert "There is no change zzz" in await server.refused("list_changes", before="zzz")


async def test_an_undo_that_stopped_half_way_is_gone_on_with(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, sandbox, _):
        pipeline = (await server.ask("list_pipelines"))["items"][0]["uuid"]
        before = stage_of(sandbox, 1, 7)
        moved = {"pipeline_id": pipeline, "deal_ids": [1, 7], "action": "move_stage", "stage_id": 4}
        await server.ask("bulk_update_deals", **moved, confirm=True)
        job = (await change(server))["id"]
        fails = iter([False, True])

        async def forbidden(request: Request) -> Response | None:
            return JSONResponse({"message": "No"}, 403) if request.method == "PUT" and next(fails) else None

        sandbox.fault = forbidden
        first = await server.ask("undo_change", change_id=job, confirm=True)
        assert "1 of 2 steps were taken back" in first["note"]
        sandbox.fault = None
        await server.ask("undo_change", change_id=job, confirm=True)
        assert stage_of(sandbox, 1, 7) == before
        assert "taken back already" in await server.refused("undo_change", change_id=job, confirm=True)


async def test_what_went_with_a_record_is_counted_where_it_has_no_names(tmp_path: Path) -> None:
    async with office(tmp_path) as (server, _, _):
        await server.ask("delete_project", project_id="1", confirm=True)
        offered = await server.ask("undo_change", change_id=(await change(server))["id"])
        assert (
            "messages in its discussion: 3. The journal has them as they were." in offered["cannot_be_undone"]
        )
