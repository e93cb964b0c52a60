"""Two keys never share a window, a cache or a result, though they share a state folder."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import JSONResponse

from taskip_mcp.sandbox import Sandbox
from tests.processes import Server, contacts, judged, noted, nth, query, server
from tests.support import BASE

pytestmark = pytest.mark.anyio

ONE: dict[str, Any] = {"secret_key": "canary-one-3b7f19"}
APART = pytest.mark.parametrize(
    "other",
    [{"secret_key": "canary-two-c04de8"}, ONE | {"base_url": BASE.replace(":1/", ":2/")}],
    ids=["another key", "another address"],
)
NEW = {"first_name": "Ada", "email": "ada@two.example"}


Pair = tuple[Server, Server, Sandbox, Sandbox]


@asynccontextmanager
async def two(state: Path, other: dict[str, Any], **more: Any) -> AsyncGenerator[Pair]:
    """Two servers on one state folder, each with a TaskIP of its own."""
    left, right = Sandbox(limits=False), Sandbox(limits=False)
    async with server(left, state, **ONE, **more) as one, server(right, state, **other, **more) as two:
        yield one, two, left, right


async def used(asked: Server) -> int:
    """Requests of this minute."""
    return (await asked.ask("get_rate_budget"))["windows"][0]["used"]


@APART
async def test_windows_are_apart(other: dict[str, Any], tmp_path: Path) -> None:
    async with two(tmp_path, other, limit_minute=2, max_wait=0.5) as (one, another, *_):
        for _ in range(2):
            await one.ask("get_contact", contact_id=1)
        assert "minute limit" in await one.refused("get_contact", contact_id=1)
        assert await used(one) == 2
        assert await used(another) == 0
        await another.ask("get_contact", contact_id=1)
        assert await used(one) == 2


async def test_the_same_key_in_two_servers_has_one_window_and_one_guard(tmp_path: Path) -> None:
    """What shows that the tests above would notice."""
    async with two(tmp_path, ONE, limit_minute=3, max_wait=0.5) as (one, same, left, right):
        made = await one.ask("create_contact", **NEW)
        assert "to do it a second time on purpose" in (await same.ask("create_contact", **NEW))["note"]
        await same.ask("get_contact", contact_id=1)
        assert [await used(one), await used(same)] == [2, 2]
    assert [len(each.store.rows("contact", email=NEW["email"])) for each in (left, right)] == [1, 0]
    assert made["id"]


@APART
async def test_the_same_create_with_each_is_two_creates(other: dict[str, Any], tmp_path: Path) -> None:
    async with two(tmp_path, other) as (one, another, left, right):
        for asked in (one, another):
            assert "note" not in await asked.ask("create_contact", **NEW)
    for sandbox in (left, right):
        assert len(sandbox.store.rows("contact", email=NEW["email"])) == 1
    assert noted(tmp_path) == [("contact.create", "done")] * 2
    accounts = {account for (account,) in query(tmp_path, "SELECT account FROM log")}
    assert len(accounts) == 2


@APART
async def test_the_jobs_of_one_are_not_there_for_the_other(other: dict[str, Any], tmp_path: Path) -> None:
    async with two(tmp_path, other) as (one, another, left, right):
        ids = contacts(left, 30)
        assert contacts(right, 30) == ids
        left.fault = judged(nth(2, JSONResponse({"message": "No"}, 401)))
        report = await one.ask("bulk_delete_contacts", contact_ids=ids, confirm=True)
        assert (await another.ask("list_jobs"))["items"] == []
        for confirm in (True, False):
            said = await another.refused("resume_job", job_id=report["job"], confirm=confirm)
            assert said == f"There is no job {report['job']}. Nothing was sent. Take the id from list_jobs."
        assert not right.requests
        (shown,) = (await one.ask("list_jobs"))["items"]
        assert shown["id"] == report["job"]
        again = await one.ask("resume_job", job_id=report["job"], confirm=True)
        assert sorted(again["items"]["done"]) == ids


@APART
async def test_an_identifier_that_one_has_looked_up_is_not_used_for_the_other(
    other: dict[str, Any], tmp_path: Path
) -> None:
    async with two(tmp_path, other) as (one, another, left, right):
        stranger = right.store.insert("pipeline", {"title": "Only here"})
        right.store.delete("pipeline", 1)
        own = left.store.get("pipeline", 1)
        assert own is not None
        listed = await one.ask("list_stages", pipeline_id="1")
        assert listed["returned"] > 0
        before = len(right.requests)
        said = await another.refused("list_stages", pipeline_id="1")
        assert "no such record" in said
        paths = [seen.path for seen in list(right.requests)[before:]]
        assert paths
        assert not any(own["uuid"] in path for path in paths)
        assert stranger["uuid"] != own["uuid"]


@APART
async def test_results_come_from_the_account_that_was_asked(other: dict[str, Any], tmp_path: Path) -> None:
    async with two(tmp_path, other) as (one, another, left, right):
        left.store.update("contact", 1, {"position": "left"})
        right.store.update("contact", 1, {"position": "right"})
        seen = [(await asked.ask("get_contact", contact_id=1))["position"] for asked in (one, another, one)]
    assert seen == ["left", "right", "left"]


@APART
async def test_no_file_of_the_state_folder_holds_a_key_or_an_address(
    other: dict[str, Any], tmp_path: Path
) -> None:
    async with two(tmp_path, other) as (one, another, *_):
        for asked in (one, another):
            await asked.ask("create_contact", **NEW)
            await asked.ask("bulk_delete_contacts", contact_ids=[1, 2], confirm=True)
        contents = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert len(contents) > 4
    for path, content in contents.items():
        for text in (ONE["secret_key"], other["secret_key"], BASE):
            assert text.encode() not in content, path
            assert text not in str(path)
