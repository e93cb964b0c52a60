"""A bulk call is a job: in chunks, with an outcome for every id, resumable, and nothing of it is done twice."""

from __future__ import annotations

import json
import time
from collections import Counter
from math import ceil
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from taskip_mcp.client import LEAST_WRITE, LOOK
from taskip_mcp.clock import scaled
from taskip_mcp.sandbox import Sandbox
from tests.faulty import Fault, Plan, faulty, on
from tests.processes import (
    BULK_DELETE,
    Hands,
    Notice,
    contacts,
    down,
    flat,
    hangs,
    invalid,
    judged,
    left,
    noted,
    nth,
    office,
    requests,
    server,
    until,
    words,
)  # fmt: skip

pytestmark = pytest.mark.anyio

TOOL = "bulk_delete_contacts"
BULK = on(*BULK_DELETE)


# --- chunks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 25, 26, 60])
async def test_a_job_takes_one_request_for_each_25_ids_and_no_id_twice(count: int, tmp_path: Path) -> None:
    async with office(tmp_path, count) as (asked, sandbox, ids):
        given = [*ids, *ids[:7]]
        preview = await asked.ask(TOOL, contact_ids=given)
        assert requests(sandbox) == []
        sandbox.requests.clear()
        report = await asked.ask(TOOL, contact_ids=given, confirm=True)
    # Each record is read before it is changed.
    assert preview["cost"] == {"requests": count + ceil(count / 25)}
    assert len(sandbox.requests) == preview["cost"]["requests"]
    assert requests(sandbox) == [ids[start : start + 25] for start in range(0, count, 25)]
    assert report["items"] == {"done": ids}
    assert report["done"] == f"Bulk delete contacts: {count} of {count} accepted"
    assert "TaskIP does not say what became of each id" in report["note"]
    assert left(sandbox, ids) == set()


async def test_a_preview_tells_the_minutes_that_the_rate_limit_adds(tmp_path: Path) -> None:
    async with office(tmp_path, 100, limit_minute=40) as (asked, _, ids):
        preview = await asked.ask(TOOL, contact_ids=ids)
    assert preview["cost"]["requests"] == 104
    assert 1.0 <= preview["cost"]["minutes"] <= 3.0


async def test_the_client_hears_of_every_chunk(tmp_path: Path) -> None:
    async with office(tmp_path, 60) as (asked, _, ids):
        notices: list[Notice] = []
        await asked.call(TOOL, {"contact_ids": ids, "confirm": True}, notices)
        await until(lambda: len(notices) >= 3)
    assert notices == [
        (25.0, 60.0, "25 of 60 accepted"),
        (50.0, 60.0, "50 of 60 accepted"),
        (60.0, 60.0, "60 of 60 accepted"),
    ]


async def test_a_report_has_the_job_the_arguments_and_every_id_where_it_belongs(tmp_path: Path) -> None:
    async with office(tmp_path, 0) as (asked, sandbox, _):
        ids = [row["id"] for row in sandbox.store.rows("project")][:3]
        report = await asked.ask(
            "bulk_update_project_categories", project_ids=ids, category_id=8, confirm=True
        )
        (shown,) = (await asked.ask("list_jobs"))["items"]
    assert report == {
        "done": "Bulk update project categories: 3 of 3 accepted",
        "job": shown["id"],
        "changed": {"category_id": 8},
        "items": {"done": ids},
        "note": report["note"],
    }
    assert shown == {
        "id": report["job"],
        "tool": "bulk_update_project_categories",
        "begun": shown["begun"],
        "state": "done",
        "ids": {"done": 3},
    }


# --- outcomes ---------------------------------------------------------------------------------------------


async def test_an_id_that_taskip_refuses_is_found_by_halves_and_told_with_the_reason(tmp_path: Path) -> None:
    async with office(tmp_path, 60) as (asked, sandbox, ids):
        tried: list[list[int]] = []
        refuse = invalid(ids[12])
        sandbox.fault = judged(lambda each: tried.append(each) or refuse(each))
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        (failed,) = report["items"]["failed"]
        assert failed["id"] == ids[12]
        assert f"ids: {ids[12]} is locked." in failed["reason"]
        assert sorted(report["items"]["done"]) == sorted({*ids} - {ids[12]})
        assert set(report["items"]) == {"done", "failed"}
        (shown,) = (await asked.ask("list_jobs"))["items"]
        assert (shown["state"], shown["ids"]) == ("done", {"done": 59, "failed": 1})
    assert left(sandbox, ids) == {ids[12]}
    assert sorted(flat(requests(sandbox))) == sorted({*ids} - {ids[12]}), "what was accepted went once"
    assert len(tried) <= 3 + 2 * 5


@given(bad=st.sets(st.integers(0, 59), max_size=6), count=st.integers(1, 60))
@examples(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_whichever_ids_are_refused_the_report_is_what_taskip_did(
    bad: set[int], count: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with office(tmp_path_factory.mktemp("state"), count) as (asked, sandbox, ids):
        locked = [ids[each] for each in bad if each < count]
        sandbox.fault = judged(invalid(*locked))
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
    free = sorted({*ids} - {*locked})
    assert sorted(report["items"].get("done", [])) == free == sorted(flat(requests(sandbox)))
    assert sorted(each["id"] for each in report["items"].get("failed", [])) == sorted(locked)
    assert left(sandbox, ids) == {*locked}


@pytest.mark.parametrize("fault", [Fault.RESET_AFTER, Fault.TRUNCATED, Fault.EMPTY])
async def test_a_chunk_whose_answer_is_lost_is_looked_at_and_the_job_goes_on(
    fault: Fault, tmp_path: Path
) -> None:
    sandbox = Sandbox(limits=False)
    ids = contacts(sandbox, 30)
    async with (
        faulty(sandbox, Plan(fault, BULK)) as front,
        server(None, tmp_path, base_url=front.url) as asked,
    ):
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        assert report["items"] == {"done": ids}
        assert [json.loads(each.body)["contact_ids"] for each in front.arrived(BULK)] == [ids[:25], ids[25:]]
        # Each of them before its chunk, those of the lost one again after it.
        read = Counter(each.path for each in front.arrived(on("GET", "/contact/*")))
        assert read == {f"/contact/{each}": 2 if each in ids[:25] else 1 for each in ids}


async def test_a_chunk_that_was_lost_on_its_way_stays_to_be_done(tmp_path: Path) -> None:
    sandbox = Sandbox(limits=False)
    ids = contacts(sandbox, 30)
    lost = Plan(Fault.RESET_AFTER, BULK, applied=False)
    async with faulty(sandbox, lost) as front, server(None, tmp_path, base_url=front.url) as asked:
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        assert report["items"] == {"not_tried": ids}
        assert "resume_job" in report["note"]
        again = await asked.ask("resume_job", job_id=report["job"], confirm=True)
        assert sorted(again["items"]["done"]) == ids
        assert len(front.writes(BULK)) == 2


@pytest.mark.parametrize("action", ["send", "mark_paid"])
async def test_mails_and_payments_are_never_tried_again_in_halves(action: str, tmp_path: Path) -> None:
    async with office(tmp_path, 0) as (asked, sandbox, _):
        ids = [row["id"] for row in sandbox.store.rows("invoice")][:30]
        tried: list[list[int]] = []
        refuse = invalid(ids[3])
        sandbox.fault = judged(lambda each: tried.append(each) or refuse(each), "/invoice/bulk-actions")
        call = {"invoice_ids": ids, "action": action, "confirm": True}
        call |= {"payment_date": "2026-01-02", "payment_method": "card"} if action == "mark_paid" else {}
        report = await asked.ask("bulk_update_invoices", **call)
    assert tried == [ids[:25], ids[25:]]
    assert report["items"]["done"] == ids[25:]
    assert [each["id"] for each in report["items"]["failed"]] == ids[:25]


async def test_mails_whose_answer_is_lost_are_unknown_stop_the_job_and_do_not_go_out_again(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, 0) as (asked, sandbox, _):
        ids = [row["id"] for row in sandbox.store.rows("invoice")][:60]
        tried: list[list[int]] = []
        broken = nth(2, JSONResponse({"message": "Server Error"}, 500))
        sandbox.fault = judged(lambda each: tried.append(each) or broken(each), "/invoice/bulk-actions")
        report = await asked.ask("bulk_update_invoices", invoice_ids=ids, action="send", confirm=True)
        assert (report["items"]["done"], report["items"]["not_tried"]) == (ids[:25], ids[50:])
        assert [each["id"] for each in report["items"]["unknown"]] == ids[25:50]
        again = await asked.ask("resume_job", job_id=report["job"], confirm=True)
        assert sorted(again["items"]["done"]) == sorted(ids[:25] + ids[50:])
        assert len(again["items"]["unknown"]) == 25
    assert tried == [ids[:25], ids[25:50], ids[50:]]


# --- what ends a job early --------------------------------------------------------------------------------


async def test_a_job_that_meets_the_rate_limit_pauses_and_goes_on_later(tmp_path: Path) -> None:
    hands = Hands()
    limits = {"limit_minute": 3 * 26, "max_wait": 1.0}
    async with office(tmp_path, 100, clock=hands.clock, **limits) as (asked, sandbox, ids):
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        assert report["items"] == {"done": ids[:75], "not_tried": ids[75:]}
        assert "rate limit" in report["note"]
        assert f"Go on with resume_job, job_id {report['job']}." in report["note"]
        (shown,) = (await asked.ask("list_jobs"))["items"]
        assert (shown["state"], shown["ids"]) == ("unfinished", {"done": 75, "not_tried": 25})
        assert "rate limit" in shown["stopped"]
        assert "minute limit" in await asked.refused("resume_job", job_id=report["job"]), "it reads, too"
        hands.ahead += 61
        preview = await asked.ask("resume_job", job_id=report["job"])
        assert preview["consequences"] == ["bulk", "delete"]
        assert preview["job"]["ids"] == {"done": 75, "not_tried": 25}
        assert [each["id"] for each in preview["records"]] == ids[75:85]
        assert (preview["count"], preview["cost"]["requests"]) == (25, 26)
        again = await asked.ask("resume_job", job_id=report["job"], confirm=True)
        assert sorted(again["items"]["done"]) == ids
    assert requests(sandbox) == [ids[:25], ids[25:50], ids[50:75], ids[75:]]


async def test_a_job_stops_while_there_is_time_to_say_so(tmp_path: Path) -> None:
    async def slow(request: Request) -> None:
        if request.method == "POST":
            await anyio.sleep(1.6)

    async with office(tmp_path, 75, deadline=LOOK + LEAST_WRITE + 1.5) as (asked, sandbox, ids):
        await asked.ask("list_jobs")  # what must be loaded is
        sandbox.fault = slow
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        assert report["items"] == {"done": ids[:25], "not_tried": ids[25:]}
        assert "the time of this call is over" in report["note"]
        sandbox.fault = None
        again = await asked.ask("resume_job", job_id=report["job"], confirm=True)
        assert sorted(again["items"]["done"]) == ids


async def test_a_job_on_a_taskip_that_hangs_ends_in_words_and_can_be_resumed(tmp_path: Path) -> None:
    clock = scaled(10, time.time())
    async with office(tmp_path, 30, clock=clock, deadline=30.0) as (asked, sandbox, ids):
        sandbox.fault = hangs
        result = await asked.call(TOOL, {"contact_ids": ids, "confirm": True})
        assert "resume_job" in words(result)
        (shown,) = (await asked.ask("list_jobs"))["items"]
        assert (shown["state"], shown["ids"].get("done")) == ("unfinished", None)
    sandbox.fault = None
    async with server(sandbox, tmp_path) as later:
        again = await later.ask("resume_job", job_id=shown["id"], confirm=True)
    assert flat(requests(sandbox)) == again["items"].get("done", [])
    assert len(again["items"].get("done", [])) + len(again["items"].get("unknown", [])) == 30


@pytest.mark.parametrize("status", [401, 429])
@pytest.mark.parametrize("count", [26, 60])
async def test_what_would_stop_every_chunk_stops_the_job_and_no_id_counts_as_failed(
    status: int, count: int, tmp_path: Path
) -> None:
    async with office(tmp_path, count, max_wait=1.0) as (asked, sandbox, ids):
        answer = JSONResponse({"message": "No"}, status, {"Retry-After": "40"} if status == 429 else None)
        sandbox.fault = judged(nth(2, answer))
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        assert report["items"] == {"done": ids[:25], "not_tried": ids[25:]}
        (shown,) = (await asked.ask("list_jobs"))["items"]
        assert shown["ids"] == {"done": 25, "not_tried": count - 25}
    async with server(sandbox, tmp_path, rate_store="memory") as later:
        again = await later.ask("resume_job", job_id=report["job"], confirm=True)
        assert sorted(again["items"].pop("done")), again["items"] == (ids, {})


async def test_a_job_that_cannot_reach_taskip_can_be_resumed_whole(tmp_path: Path) -> None:
    sandbox = Sandbox(limits=False)
    ids = contacts(sandbox, 1)
    async with faulty(sandbox) as front, server(None, tmp_path, base_url=front.url) as asked:
        await front.down()
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        assert report["items"] == {"not_tried": ids}
        await front.up()
        again = await asked.ask("resume_job", job_id=report["job"], confirm=True)
        assert again["items"] == {"done": ids}


async def test_whatever_breaks_inside_a_job_ends_in_words(tmp_path: Path) -> None:
    async with office(tmp_path, 60) as (asked, sandbox, ids):

        def crash(ids: list[int]) -> Response | None:
            raise ZeroDivisionError("internal detail")

        sandbox.fault = judged(crash)
        said = await asked.refused(TOOL, contact_ids=ids, confirm=True)
        assert "internal detail" not in said
        sandbox.fault = None
        (shown,) = (await asked.ask("list_jobs"))["items"]
        assert shown["state"] == "unfinished"
        again = await asked.ask("resume_job", job_id=shown["id"], confirm=True)
        assert sorted(again["items"]["done"]) == ids


async def test_a_client_that_leaves_between_two_chunks_leaves_a_paused_job(tmp_path: Path) -> None:
    async with office(tmp_path, 75) as (asked, sandbox, ids):
        second, go = anyio.Event(), anyio.Event()

        async def gate(request: Request) -> None:
            if request.method == "POST" and len(requests(sandbox)) == 1:
                second.set()
                await go.wait()

        sandbox.fault = gate
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: asked.call(TOOL, {"contact_ids": ids, "confirm": True}))
            await second.wait()
            group.cancel_scope.cancel()
        go.set()
        await until(lambda: noted(tmp_path)[0] == ("contact.bulk_delete", "paused"))
        assert noted(tmp_path)[1:3] == [("contact.bulk_delete", "done")] * 2, "what had left was waited for"
        (shown,) = (await asked.ask("list_jobs"))["items"]
        assert (shown["state"], shown["ids"]) == ("unfinished", {"done": 50, "not_tried": 25})
        report = await asked.ask("resume_job", job_id=shown["id"], confirm=True)
        assert sorted(report["items"]["done"]) == ids
    assert requests(sandbox) == [ids[:25], ids[25:50], ids[50:]]


async def test_a_client_that_leaves_while_the_next_records_are_read_leaves_a_paused_job(
    tmp_path: Path,
) -> None:
    async with office(tmp_path, 60) as (asked, sandbox, ids):
        reading = anyio.Event()

        async def gate(request: Request) -> None:
            if request.method == "GET" and len(requests(sandbox)) == 1:
                reading.set()
                await hangs(request)

        sandbox.fault = gate
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: asked.call(TOOL, {"contact_ids": ids, "confirm": True}))
            await reading.wait()
            group.cancel_scope.cancel()
        sandbox.fault = None
        await until(lambda: noted(tmp_path)[0] == ("contact.bulk_delete", "paused"))
        assert noted(tmp_path)[1:] == [("contact.bulk_delete", "done")]
        (shown,) = (await asked.ask("list_jobs"))["items"]
        assert shown["ids"] == {"done": 25, "not_tried": 35}
        report = await asked.ask("resume_job", job_id=shown["id"], confirm=True)
        assert sorted(report["items"]["done"]) == ids
    assert requests(sandbox) == [ids[:25], ids[25:50], ids[50:]]


async def test_a_server_error_before_the_write_stops_the_job_without_trying_halves(tmp_path: Path) -> None:
    """The pipeline's uuid must be read first; a TaskIP that is down says nothing about the deals."""
    async with office(tmp_path, 0) as (asked, sandbox, _):
        sandbox.fault = down
        call = {"pipeline_id": "1", "deal_ids": list(range(1, 31)), "action": "delete", "confirm": True}
        report = await asked.ask("bulk_update_deals", **call)
        assert report["items"] == {"not_tried": list(range(1, 31))}


async def test_a_job_gets_on_where_a_window_lets_less_than_a_chunk_through(tmp_path: Path) -> None:
    hands = Hands()
    async with office(tmp_path, 30, clock=hands.clock, limit_minute=10, max_wait=1.0) as (
        asked,
        sandbox,
        ids,
    ):
        report = await asked.ask(TOOL, contact_ids=ids, confirm=True)
        for _ in range(4):
            if "not_tried" not in report["items"]:
                break
            hands.ahead += 61
            report = await asked.ask("resume_job", job_id=report["job"], confirm=True)
    assert report["items"] == {"done": ids}
    assert sorted(each for chunk in requests(sandbox) for each in chunk) == ids, "each id once"
