"""The process dies (kill -9) while a write is under way; the next one knows, and nothing is done twice."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from starlette.requests import Request

from taskip_mcp.sandbox import Sandbox
from tests.faulty import Chooser, Fault, Faulty, Match, Plan, faulty, on
from tests.processes import BULK_DELETE, Notice, Server, child, contacts, flat, left, noted, until

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL, and no /bin/sh"),
]

BULK = on(*BULK_DELETE)
COUNT = 60
NEW = {"first_name": "Ada", "email": "ada@kill.example"}
CREATE = on("POST", "/contact")
APPLIED = pytest.mark.parametrize("applied", [True, False], ids=["applied", "not applied"])


def hang(when: Match, which: int = 1, *, applied: bool) -> Chooser:
    """Let the `which`-th such request hang, after TaskIP has done it or before."""
    seen = 0

    def choose(method: str, path: str) -> Plan | None:
        nonlocal seen
        seen += when(method, path)
        return Plan(Fault.HANG, applied=applied) if when(method, path) and seen == which else None

    return choose


def hanging(front: Faulty, when: Match = BULK, count: int = 1) -> bool:
    """Whether so many such requests have met their fault, and TaskIP has done what it does."""
    met = [each for each in front.arrived(when) if each.fault is Fault.HANG]
    # The body comes first, then the sandbox is asked.
    return len(met) == count and bool(met[-1].body) and not (met[-1].forwarded and met[-1].status is None)


def sent(front: Faulty) -> list[int]:
    """Every id that TaskIP was told to delete, as often as it was told."""
    return flat([json.loads(each.body)["contact_ids"] for each in front.writes(BULK)])


@asynccontextmanager
async def taskip(*plans: Plan | Chooser) -> AsyncGenerator[tuple[Sandbox, Faulty]]:
    sandbox = Sandbox(limits=False)
    async with faulty(sandbox, *plans) as front:
        yield sandbox, front


async def unfinished(server: Server) -> dict[str, Any]:
    """The one thing that list_jobs shows."""
    (shown,) = (await server.ask("list_jobs"))["items"]
    assert shown["state"] == "unfinished"
    return shown


# --- a bulk job -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("which", "applied"), [(1, False), (2, True), (3, True)])
async def test_a_job_killed_in_a_chunk_is_finished_after_a_restart_and_no_id_is_sent_twice(
    which: int, applied: bool, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with taskip(hang(BULK, which, applied=applied)) as (sandbox, front):
        ids = contacts(sandbox, COUNT)
        async with child(front.url, state) as first:
            call = {"contact_ids": ids, "confirm": True}
            await first.killed_during(lambda: hanging(front), "bulk_delete_contacts", call)
        async with child(front.url, state) as second:
            shown = await unfinished(second)
            done = 25 * (which - 1)
            counts = {"done": done, "not_tried": COUNT - done}
            assert shown["tool"] == "bulk_delete_contacts"
            assert shown["ids"] == {name: count for name, count in counts.items() if count}
            preview = await second.ask("resume_job", job_id=shown["id"])
            assert (preview["done"], preview["count"]) == ("Nothing was changed.", COUNT - done)
            assert [each["id"] for each in preview["records"]] == ids[done:][:10]
            assert len(front.arrived(BULK)) == which, "a preview sends nothing"
            report = await second.ask("resume_job", job_id=shown["id"], confirm=True)
            assert (report["job"], sorted(report["items"].pop("done")), report["items"]) == (
                shown["id"],
                ids,
                {},
            )
            (after,) = (await second.ask("list_jobs"))["items"]
            assert (after["state"], after["ids"]) == ("done", {"done": COUNT})
    assert sorted(sent(front)) == ids, "each id once"
    assert left(sandbox, ids) == set()


@pytest.mark.parametrize("limit", [26, 51], ids=["for a read", "for the write"])
async def test_a_job_killed_while_it_waits_for_the_rate_limit_goes_on_with_the_next_chunk(
    limit: int, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with taskip() as (sandbox, front):
        ids = contacts(sandbox, COUNT)
        async with child(front.url, state, LIMIT_MINUTE=limit, MAX_WAIT=120) as first:
            notices: list[Notice] = []
            waits = lambda: any("Waiting" in str(message) for _, _, message in notices)  # noqa: E731
            call = {"contact_ids": ids, "confirm": True}
            await first.killed_during(waits, "bulk_delete_contacts", call, notices)
            assert len(front.arrived(on("GET", "/contact/*"))) == limit - 1
        begun = [event for _, event in noted(state)]
        assert begun == ["job", "done", *(["begun"] if limit == 51 else [])]
        async with child(front.url, state) as second:
            shown = await unfinished(second)
            assert shown["ids"] == {"done": 25, "not_tried": 35}
            report = await second.ask("resume_job", job_id=shown["id"], confirm=True)
            assert sorted(report["items"]["done"]) == ids
    assert sorted(sent(front)) == ids


async def test_a_job_killed_again_and_again_at_any_moment_sends_no_id_twice(tmp_path: Path) -> None:
    chance = random.Random(5)
    state = tmp_path / "state"
    async with taskip() as (sandbox, front):
        ids = contacts(sandbox, 400)
        sandbox.fault = slow
        tool, call = "bulk_delete_contacts", {"contact_ids": ids}
        for _ in range(3):
            async with child(front.url, state) as server, anyio.create_task_group() as group:
                if (shown := (await server.ask("list_jobs"))["items"]) and shown[0]["state"] == "done":
                    break  # killed after its last answer
                if shown:
                    tool, call = "resume_job", {"job_id": shown[0]["id"]}
                before = len(front.arrived(BULK))
                group.start_soon(killed_later, server, front, before, chance.uniform(0, 0.15))
                await server.lose(tool, {**call, "confirm": True})
        async with child(front.url, state) as server:
            if (await server.ask("list_jobs"))["items"][0]["state"] != "done":
                await server.ask("resume_job", **call, confirm=True)
            (shown,) = (await server.ask("list_jobs"))["items"]
            assert (shown["state"], shown["ids"]) == ("done", {"done": len(ids)})
    assert sorted(sent(front)) == ids
    assert left(sandbox, ids) == set()


async def slow(_request: Request) -> None:
    await anyio.sleep(0.02)


async def killed_later(server: Server, front: Faulty, before: int, seconds: float) -> None:
    await until(lambda: len(front.arrived(BULK)) > before)
    await anyio.sleep(seconds)
    server.kill()


async def test_a_job_killed_while_it_was_resumed_is_resumed_again(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with taskip(hang(BULK, applied=False), hang(BULK, 2, applied=True)) as (sandbox, front):
        ids = contacts(sandbox, COUNT)
        async with child(front.url, state) as first:
            call = {"contact_ids": ids, "confirm": True}
            await first.killed_during(lambda: hanging(front), "bulk_delete_contacts", call)
        async with child(front.url, state) as second:
            job = {"job_id": (await unfinished(second))["id"], "confirm": True}
            await second.killed_during(lambda: hanging(front, count=2), "resume_job", job)
        async with child(front.url, state) as third:
            assert (await unfinished(third))["ids"] == {"done": 25, "not_tried": 35}
            report = await third.ask("resume_job", **job)
            assert sorted(report["items"]["done"]) == ids
            again = await third.refused("resume_job", **job)
            assert f"{job['job_id']} is finished (done). Nothing was sent." in again
    assert sorted(sent(front)) == ids


async def test_a_job_that_another_process_has_in_hand_is_running_until_that_one_dies(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with taskip(hang(BULK, 2, applied=False)) as (sandbox, front):
        ids = contacts(sandbox, COUNT)
        shown: dict[str, Any] = {}
        async with child(front.url, state) as second:
            async with child(front.url, state) as first, anyio.create_task_group() as group:
                group.start_soon(first.lose, "bulk_delete_contacts", {"contact_ids": ids, "confirm": True})
                await until(lambda: hanging(front))
                (shown,) = (await second.ask("list_jobs"))["items"]
                assert (shown["state"], shown["ids"]) == ("running", {"done": 25, "not_tried": 35})
                for confirm in (True, False):
                    words = await second.refused("resume_job", job_id=shown["id"], confirm=confirm)
                    assert f"{shown['id']} is still running. Nothing was sent." in words
                first.kill()
            assert (await unfinished(second))["ids"] == {"done": 25, "not_tried": 35}
            report = await second.ask("resume_job", job_id=shown["id"], confirm=True)
            assert sorted(report["items"]["done"]) == ids
    assert sorted(sent(front)) == ids


async def test_mails_of_a_killed_job_that_may_have_gone_out_are_told_and_never_sent_again(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    send = on("POST", "/invoice/bulk-actions")
    async with taskip(hang(send, 1, applied=True)) as (sandbox, front):
        ids = [row["id"] for row in sandbox.store.rows("invoice")][:30]
        call = {"invoice_ids": ids, "action": "send", "confirm": True}
        async with child(front.url, state) as first:
            await first.killed_during(lambda: hanging(front, send), "bulk_update_invoices", call)
        async with child(front.url, state) as second:
            shown = await unfinished(second)
            words = await second.refused("bulk_update_invoices", **call)
            assert f"An identical job ({shown['id']})" in words
            assert "is not finished. Nothing was sent." in words
            report = await second.ask("resume_job", job_id=shown["id"], confirm=True)
            assert report["items"]["done"] == ids[25:]
            assert [each["id"] for each in report["items"]["unknown"]] == ids[:25]
            assert "it was interrupted" in report["items"]["unknown"][0]["reason"]
    assert [json.loads(each.body)["ids"] for each in front.writes(send)] == [ids[:25], ids[25:]]


# --- a single write ---------------------------------------------------------------------------------------


@APPLIED
async def test_a_create_killed_on_its_way_is_looked_up_and_sent_only_if_it_was_not_done(
    applied: bool, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with taskip(hang(CREATE, applied=applied)) as (sandbox, front):
        async with child(front.url, state) as first:
            await first.killed_during(lambda: hanging(front, CREATE), "create_contact", NEW)
        async with child(front.url, state) as second:
            shown = await unfinished(second)
            assert (shown["tool"], shown["arguments"]) == ("create_contact", NEW)
            again = await second.ask("create_contact", **NEW)
            (row,) = sandbox.store.rows("contact", email=NEW["email"])
            assert again["id"] == row["id"]
            assert ("was interrupted, but it was done" in again.get("note", "")) is applied
            assert (await second.ask("list_jobs"))["items"] == []
    assert len(front.writes(CREATE)) == 1


@APPLIED
async def test_resume_job_looks_what_became_of_a_killed_create_and_sends_nothing(
    applied: bool, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    async with taskip(hang(CREATE, applied=applied)) as (sandbox, front):
        async with child(front.url, state) as first:
            await first.killed_during(lambda: hanging(front, CREATE), "create_contact", NEW)
        async with child(front.url, state) as second:
            name = (await unfinished(second))["id"]
            found = await second.ask("resume_job", job_id=name, confirm=True)
            assert found["note"].startswith(
                "it was done." if applied else "it was not done; call the tool again"
            )
            assert (await second.ask("list_jobs"))["items"] == []
            assert "is finished" in await second.refused("resume_job", job_id=name, confirm=True)
    assert noted(state) == [("contact.create", "done" if applied else "not_done")]
    assert len(front.arrived(CREATE)) == 1
    assert len(sandbox.store.rows("contact", email=NEW["email"])) == applied


async def test_who_waits_for_the_same_create_of_a_process_that_dies_looks_it_up(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with (
        taskip(hang(CREATE, applied=True)) as (sandbox, front),
        child(front.url, state) as second,
        child(front.url, state) as first,
        anyio.create_task_group() as group,
    ):
        group.start_soon(first.lose, "create_contact", NEW)
        await until(lambda: hanging(front, CREATE))
        assert (await second.ask("list_jobs"))["items"] == [], "it is in good hands"
        group.start_soon(killed_soon, first)
        told = await second.ask("create_contact", **NEW)
        assert "was interrupted, but it was done" in told["note"]
    assert len(sandbox.store.rows("contact", email=NEW["email"])) == 1
    assert len(front.arrived(CREATE)) == 1


async def killed_soon(server: Server) -> None:
    await anyio.sleep(0.3)
    server.kill()


async def test_a_mail_that_may_have_gone_out_is_not_sent_again_unless_somebody_insists(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    send = on("POST", "/invoice/sent/57")
    call = {"invoice_id": 57, "message": "Please find attached.", "confirm": True}
    async with taskip(hang(send, applied=True)) as (_, front):
        async with child(front.url, state) as first:
            await first.killed_during(lambda: hanging(front, send), "send_invoice", call)
        async with child(front.url, state) as second:
            words = await second.refused("send_invoice", **call)
            assert "came to an unknown end" in words
            assert "Nothing was sent this time." in words
            assert len(front.arrived(send)) == 1
            await second.ask("send_invoice", **call, allow_duplicate=True)
    assert len(front.writes(send)) == 2


async def test_a_write_is_waited_for_when_the_client_closes_the_connection(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with taskip() as (sandbox, front):

        async def slow_create(request: Request) -> None:
            if request.method == "POST":
                await anyio.sleep(0.7)

        sandbox.fault = slow_create
        async with anyio.create_task_group() as group, child(front.url, state) as server:
            group.start_soon(server.lose, "create_contact", NEW)
            await until(lambda: bool(front.arrived(CREATE)))
        assert noted(state) == [("contact.create", "done")]
    assert len(sandbox.store.rows("contact", email=NEW["email"])) == 1
