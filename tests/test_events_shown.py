"""The feed, and those who follow it, over the store that keeps events: in memory, and in a file that two share."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from taskip_mcp.clock import Clock
from taskip_mcp.events import EVENTS, EventStore, Heard, addresses, feed, updates
from taskip_mcp.events.body import event_of
from taskip_mcp.events.store import SqliteEvents
from tests import event_addresses
from tests.kept_events import api, ask, records, shown

pytestmark = pytest.mark.anyio

NAMES = [f"{group}.{what}" for group in EVENTS for what in EVENTS[group]]


@asynccontextmanager
async def opened(folder: Path | None, account: str = "an-account") -> AsyncGenerator[EventStore]:
    store = SqliteEvents(folder, account, Clock())
    try:
        yield store
    finally:
        await store.aclose()


async def deliver(store: EventStore, name: str, **data: Any) -> None:
    await store.add(json.dumps({"event": name, "data": data}).encode(), name)


@pytest.mark.parametrize("kept", ["memory", "file"])
async def test_all_events_are_listed_by_group_and_in_pages(kept: str, tmp_path: Path) -> None:
    async with opened(tmp_path if kept == "file" else None) as store:
        for number, name in enumerate(NAMES, start=1):
            await deliver(store, name, **{f"{name.partition('.')[0]}_id": number})
            await deliver(store, name, **{f"{name.partition('.')[0]}_id": number})
        backend = api(store, clock=Clock())
        every = await ask(backend, "list_events")
        assert [row["event"] for row in every["items"]] == NAMES
        for group, names in EVENTS.items():
            assert (await ask(backend, "list_events", group=group))["returned"] == len(names)
        first = await ask(backend, "list_events", limit=15)
        rest = await ask(backend, "list_events", limit=15, since=first["cursor"])
        assert records(first) + records(rest) == [str(number) for number in range(1, 20)]
        assert (await ask(backend, "list_events", since=rest["cursor"]))["items"] == []


@pytest.mark.parametrize(
    ("name", "seen"),
    [
        ("", ""),
        (" ", " "),
        (".paid", ".paid"),
        ("invoice.", "invoice."),
        ("invoice.paid\nforged", "invoice.paid\nforged"),
        ("invoice.\u200bpaid\0", "invoice.paid"),
        ("x" * 100_000, "x" * feed.LONG + "…"),
        ("invoice." + "x" * 100_000, "invoice." + "x" * (feed.LONG - 8) + "…"),
    ],
    ids=range(8),
)
async def test_any_name_of_an_event_is_listed_as_unknown_and_found(name: str, seen: str) -> None:
    async with opened(None) as store:
        await deliver(store, name, id=5)
        await deliver(store, "invoice.paid", invoice_id=1)
        backend = api(store, clock=Clock())
        answer = await ask(backend, "list_events", with_state=True)
        assert [row["event"] for row in answer["items"]] == [seen, "invoice.paid"]
        assert answer["items"][0]["unknown"] is True
        assert len((await shown(backend, "list_events")).text) < 2_000
        if 0 < len(name) <= 100:
            found = (await ask(backend, "list_events", event=name))["items"]
            assert [row["event"] for row in found] == [seen]
        assert await store.after(0, names=[name], limit=1) == (await store.after(0))[:1]
        assert event_addresses.uris((await store.after(0))[0])[-1] == addresses.FEED


async def test_only_the_groups_that_taskip_has_are_told_of_and_what_comes_again_once_more() -> None:
    told, again = list[str](), list[str]()
    async with opened(None) as store:
        heard = Heard(store, told.append, lambda _, name: again.append(name))
        for name in ("invoice.paid", "invented.1", "", "invoice", "task.odd"):
            assert await heard.add(json.dumps({"event": name}).encode(), name)
        assert await heard.add(b'{"event": "invoice.paid"}', "invoice.paid") is None
    assert (told, again) == (["invoice", "invoice", "task", "invoice"], ["invoice.paid"])


async def test_waiting_sees_what_another_process_kept_and_misses_nothing(tmp_path: Path) -> None:
    async with (
        opened(tmp_path) as mine,
        opened(tmp_path) as other,
        opened(tmp_path, "somebody-else") as foreign,
    ):
        backend, found = api(mine, clock=Clock()), list[dict[str, Any]]()

        async def wait(**given: Any) -> None:
            found.append(await ask(backend, "wait_for_event", event="invoice.paid", **given))

        async with anyio.create_task_group() as group:
            group.start_soon(partial(wait, since="2026-01-01"))
            await deliver(foreign, "invoice.paid", invoice_id=1)
            await deliver(other, "invoice.created", invoice_id=2)
            await deliver(other, "invoice.paid", invoice_id=3)
        await deliver(other, "invoice.paid", invoice_id=4)
        await wait(since=found[0]["cursor"])
        assert [records(each) for each in found] == [["3"], ["4"]]


async def test_those_who_watch_hear_of_what_another_process_kept(tmp_path: Path) -> None:
    watched, told = updates.Watched(), list[str]()
    heard = anyio.Event()

    async def tell(uri: str) -> None:
        told.append(uri)
        heard.set()

    async with opened(tmp_path) as mine, opened(tmp_path) as other, anyio.create_task_group() as group:
        group.start_soon(updates.follow, lambda: mine, watched, tell)
        with watched.during(["taskip://tickets/7", "taskip://tickets/8"]), anyio.fail_after(20):
            await deliver(other, "ticket.resolved", ticket_id=7)
            await heard.wait()
        group.cancel_scope.cancel()
    assert told == ["taskip://tickets/7"]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        ({"invoice_id": 57}, "57"),
        ({"invoice_id": None, "id": 7}, "7"),
        ({"id": 7.0}, "7"),
        ({"invoice": {"id": 7}}, "7"),
        ({"uuid": "u-1"}, "u-1"),
        ({"invoice_id": True}, ""),
        ({"invoice_id": "x" * 200}, ""),
        ([], ""),
        (None, ""),
    ],
)
def test_the_record_is_read_in_the_spirit_of_the_one_documented_body(data: object, found: str) -> None:
    raw = json.dumps({"event": "invoice.paid", "data": data}).encode()
    assert event_of(1, 0.0, "invoice.paid", raw).record == found
