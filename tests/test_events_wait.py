"""Waiting for a webhook: at once if it is there, no longer than allowed, and nothing missed from call to call."""

from __future__ import annotations

from typing import Any

import anyio
import httpx
import pytest

from taskip_mcp import arguments, own
from taskip_mcp.clock import Clock
from taskip_mcp.events import feed
from taskip_mcp.sandbox import Sandbox
from tests.kept_events import HURRY, Kept, api, ask, records, time_of

pytestmark = pytest.mark.anyio


async def test_what_happened_since_is_told_at_once() -> None:
    store = Kept()
    store.put("invoice.paid", invoice_id=1)
    answer = await ask(api(store), "wait_for_event", event="invoice.paid", since="2026-02-02")
    assert (records(answer), store.waits) == (["1"], 0)
    assert "waited_seconds" not in answer


async def test_without_since_what_was_before_does_not_count() -> None:
    store = Kept()
    store.put("invoice.paid", invoice_id=1)
    answer = await ask(api(store), "wait_for_event", event="invoice.paid", seconds=0)
    assert (answer["items"], answer["cursor"], store.waits) == ([], "c1", 0)
    assert "waited_seconds" in answer


async def test_it_waits_until_the_wanted_event_comes_and_passes_the_others() -> None:
    store = Kept(Clock())
    backend, found = api(store, clock=Clock()), list[dict[str, Any]]()

    async def wait() -> None:
        found.append(await ask(backend, "wait_for_event", group="invoice", record=2))

    async with anyio.create_task_group() as group:
        group.start_soon(wait)
        await until(lambda: store.waits == 1)
        store.put("contact.created", contact_id=2)
        store.put("invoice.paid", invoice_id=1)
        await until(lambda: store.waits == 2)
        assert found == []
        store.put("invoice.paid", invoice_id=2)
    assert (records(found[0]), found[0]["cursor"]) == (["2"], "c3")


async def until(true: Any) -> None:
    with anyio.fail_after(20):
        while not true():
            await anyio.sleep(0.005)


async def test_the_cursor_goes_on_without_missing_what_came_between_two_calls() -> None:
    store = Kept()
    store.put("contact.created", contact_id=1)
    backend = api(store)
    first = await ask(backend, "wait_for_event", event="invoice.paid", seconds=0)
    store.put("invoice.paid", invoice_id=2)
    second = await ask(backend, "wait_for_event", event="invoice.paid", since=first["cursor"])
    assert records(second) == ["2"]
    third = await ask(backend, "wait_for_event", event="invoice.paid", since=second["cursor"], seconds=0)
    assert third["items"] == []


async def test_it_waits_no_longer_than_allowed_and_tells_how_far_it_is() -> None:
    told: list[tuple[float, float | None, str]] = []

    async def tell(done: float, total: float | None, message: str) -> None:
        told.append((done, total, message))

    store = Kept()
    backend = api(store, max_wait=20.0)
    tool = own.tools()["wait_for_event"]
    with time_of(backend, tell=tell):
        answer = await own.perform(
            backend, tool, arguments.validate(tool, {"seconds": 500, "event": "invoice.paid"})
        )
    assert answer["waited_seconds"] >= 20
    assert (
        1 <= store.waits <= 20 / feed.STEP + 1
    )  # not the time: it runs 500 times as fast, on a machine that is busy
    assert told
    assert [each[0] for each in told] == sorted({each[0] for each in told})
    assert {(total, message) for _, total, message in told} == {(20.0, "waiting for invoice.paid")}


async def test_it_answers_before_the_deadline_of_the_call() -> None:
    store = Kept(Clock())
    backend = api(store, clock=Clock(), max_wait=600.0)
    tool = own.tools()["wait_for_event"]
    with time_of(backend, feed.RESERVE + 0.05):
        answer = await own.perform(backend, tool, arguments.validate(tool, {}))
    assert (answer["items"], answer["cursor"]) == ([], "c0")


async def test_it_keeps_time_back_for_reading_the_records() -> None:
    store = Kept(Clock())
    backend = api(store, clock=Clock(), max_wait=600.0)
    tool = own.tools()["wait_for_event"]
    with time_of(backend, 10.1) as mine:
        answer = await own.perform(backend, tool, arguments.validate(tool, {"with_state": True}))
        assert answer["items"] == []
        assert mine.left > 5


async def test_other_events_pouring_in_do_not_keep_it_busy() -> None:
    class Pouring(Kept):
        async def changed(self, seq: int, seconds: float) -> bool:
            self.put("contact.created", contact_id=1)
            return await super().changed(seq, seconds)

    store = Pouring()
    answer = await ask(api(store, clock=HURRY), "wait_for_event", event="invoice.paid", seconds=5)
    assert answer["items"] == []
    assert store.waits <= 5 / feed.PAUSE + 1


async def test_it_reads_the_record_as_well() -> None:
    sandbox, store = Sandbox(limits=False), Kept()
    store.put("invoice.paid", invoice_id=57)
    backend = api(store, httpx.ASGITransport(app=sandbox.app))
    answer = await ask(
        backend, "wait_for_event", group="invoice", record="57", since="2026-02-02", with_state=True
    )
    assert answer["states"]["invoice 57"]["id"] == 57
