"""One confirmation in many hands at once: one write leaves, whoever comes first.

All of them have opened the code, read the target and found it as it was before the first of them writes.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp_types import CallToolResult
from starlette.requests import Request

from taskip_mcp import results
from taskip_mcp.sandbox import Sandbox
from tests.faulty import faulty, writing
from tests.gatehouse import NOTHING, Door, Gatehouse, gatehouse, words
from tests.processes import child

pytestmark = pytest.mark.anyio

SEND: dict[str, Any] = {"to_emails": ["x@y.example"], "subject": "Hi", "message": "Hello"}
USED = "used already"


async def at_once(calls: Sequence[Callable[[], Awaitable[CallToolResult]]]) -> list[CallToolResult]:
    """What comes of all these calls."""
    found: list[CallToolResult] = []

    async def one(call: Callable[[], Awaitable[CallToolResult]]) -> None:
        found.append(await call())

    async with anyio.create_task_group() as group:
        for call in calls:
            group.start_soon(one, call)
    return found


def together(count: int) -> Callable[[Request], Awaitable[None]]:
    """A fault that holds reads back until so many are there, so that none is ahead of the others."""
    here = 0
    all_here = anyio.Event()

    async def fault(request: Request) -> None:
        nonlocal here
        if request.method == "GET":
            here += 1
            if here >= count:
                all_here.set()
            with anyio.fail_after(20):
                await all_here.wait()

    return fault


def judge(found: list[CallToolResult]) -> None:
    """One was carried out, and all others say that they did nothing."""
    texts = [words(each) for each in found]
    done = [text for each, text in zip(found, texts, strict=True) if not each.is_error]
    assert [text for text in done if "Nothing was sent" not in text] == done[:1], texts
    assert len([text for text in done if "Nothing was sent" not in text]) == 1
    for each, text in zip(found, texts, strict=True):
        if each.is_error:
            # Who opened it a moment too late finds what the first one did.
            assert USED in text or "has changed since" in text
            assert text.endswith(NOTHING)


@asynccontextmanager
async def two(door: Door, state: Path) -> AsyncGenerator[tuple[Gatehouse, Gatehouse]]:
    """Two servers that share a state folder."""
    async with (
        gatehouse("strict", door, state=state) as first,
        gatehouse("strict", door, state=state) as second,
    ):
        yield first, second


async def test_one_code_in_six_calls_at_once_deletes_once() -> None:
    async with gatehouse("strict") as at:
        code = await at.code("delete_contact", contact_id=1)
        at.door.sandbox.fault = together(6)
        given = {"contact_id": 1, "confirm": True, "confirm_code": code}
        found = await at_once([partial(at.call, "delete_contact", **given)] * 6)
        assert at.door.writes == ["DELETE /contact/1"]
        judge(found)


async def test_one_code_in_six_calls_at_once_sends_once() -> None:
    async with gatehouse("strict") as at:
        code = await at.code("send_message", **SEND)
        given = SEND | {"confirm": True, "confirm_code": code}
        found = await at_once([partial(at.call, "send_message", **given)] * 6)
        assert len(at.door.writes) == 1
        judge(found)


async def test_two_servers_on_one_state_folder_carry_out_one_of_their_calls(tmp_path: Path) -> None:
    door = Door()
    async with two(door, tmp_path) as (first, second):
        code = await first.code("delete_contact", contact_id=1)
        door.sandbox.fault = together(6)
        given = {"contact_id": 1, "confirm": True, "confirm_code": code}
        calls = [
            partial(first.call, "delete_contact", **given),
            partial(second.call, "delete_contact", **given),
        ]
        found = await at_once(calls * 3)
        assert door.writes == ["DELETE /contact/1"]
        judge(found)


async def test_one_code_does_not_resume_a_job_twice() -> None:
    async with gatehouse("strict") as at:
        log = at.backend.log
        job = log.begin_job("contact.bulk_delete", {"contact_ids": [1, 2]}, guard=False)
        log.end(job, "paused", {"reason": "a test"})
        code = await at.code("resume_job", job_id=job)
        given = {"job_id": job, "confirm": True, "confirm_code": code}
        found = await at_once([partial(at.call, "resume_job", **given)] * 4)
        assert at.door.writes == ["POST /contact/bulk-delete"]
        assert sorted(each.is_error for each in found) == [False, True, True, True]


async def test_one_code_does_not_begin_a_bulk_job_twice() -> None:
    async with gatehouse("strict") as at:
        given: dict[str, Any] = {"contact_ids": [1, 2, 3]}
        given |= {"confirm": True, "confirm_code": await at.code("bulk_delete_contacts", **given)}
        at.door.sandbox.fault = together(4)
        found = await at_once([partial(at.call, "bulk_delete_contacts", **given)] * 4)
        assert at.door.writes == ["POST /contact/bulk-delete"]
        judge(found)


async def test_one_code_does_not_take_a_change_back_twice() -> None:
    gateway: dict[str, Any] = {"invoice_id": 57, "payment_gateway": "stripe"}
    async with gatehouse("strict") as at:
        code = await at.code("set_invoice_payment_gateway", **gateway)
        await at.done("set_invoice_payment_gateway", **gateway, confirm=True, confirm_code=code)
        given: dict[str, Any] = {"change_id": at.backend.log.changes(limit=1)[0].write}
        given |= {"confirm": True, "confirm_code": await at.code("undo_change", **given)}
        at.door.passed.clear()
        at.door.sandbox.fault = together(4)
        judge(await at_once([partial(at.call, "undo_change", **given)] * 4))
        assert at.door.writes == ["POST /invoice/57/payment-gateway"]


async def test_two_calls_with_a_code_each_are_two_calls() -> None:
    async with gatehouse("strict") as at:
        codes = [await at.code("send_message", **SEND, allow_duplicate=True) for _ in range(2)]
        given = [SEND | {"allow_duplicate": True, "confirm": True, "confirm_code": code} for code in codes]
        await at_once([partial(at.call, "send_message", **each) for each in given])
        assert len(at.door.writes) == 2


async def test_two_processes_on_one_state_folder_carry_out_one_of_their_calls(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with (
        faulty(Sandbox(limits=False)) as front,
        child(front.url, state, CONFIRM="strict") as first,
        child(front.url, state, CONFIRM="strict") as second,
    ):
        for contact in (1, 2, 3):
            preview = results.parse(words(await first.call("delete_contact", {"contact_id": contact})))
            given = {"contact_id": contact, "confirm": True, "confirm_code": preview["confirm_code"]}
            calls = [partial(each.call, "delete_contact", given) for each in (first, second)]
            found = await at_once(calls * 2)
            assert len(front.writes(writing)) == contact
            assert sorted(each.is_error for each in found) == [False, True, True, True]
            for each in found:
                assert not each.is_error or NOTHING in words(each)
