"""What TaskIP posts: taken whole, refused in words that tell nothing, never lost once it was taken."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from taskip_mcp import redact
from taskip_mcp.clock import Clock
from taskip_mcp.errors import ConfigError
from taskip_mcp.events import Event, receiver
from taskip_mcp.events.body import LONG
from taskip_mcp.events.line import FILE
from taskip_mcp.events.store import SqliteEvents

pytestmark = pytest.mark.anyio

SECRET = "Zq7-canary.of_the~path-41"
PATH = f"/webhooks/taskip/{SECRET}"
BODY = b'{"event":"invoice.paid","timestamp":"2026-01-05T10:00:00Z","data":{"invoice_id":57,"client":"Ada Canary"}}'


def event(**fields: Any) -> bytes:
    return json.dumps({"event": "invoice.paid", **fields}).encode()


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0
        self.clock = Clock(lambda: self.at)


@dataclass
class Door:
    """The receiver in this process, with what it keeps."""

    client: httpx.AsyncClient
    store: SqliteEvents

    async def post(self, content: Any = BODY, path: str = PATH, **more: Any) -> httpx.Response:
        return await self.client.post(path, content=content, **more)

    async def status(self, content: Any = BODY, path: str = PATH) -> int:
        return (await self.post(content, path)).status_code

    async def kept(self) -> list[Event]:
        return list(await self.store.after(0))


@asynccontextmanager
async def door(
    folder: Path | None = None, within: Callable[[receiver.Receiver], Any] = lambda made: made, **more: Any
) -> AsyncGenerator[Door]:
    store = SqliteEvents(folder, "account", Clock())
    given: dict[str, Any] = {"linger": 0.01, **more}
    made = receiver.app(store, SECRET, **given)
    transport = httpx.ASGITransport(within(made))
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield Door(client, store)
    finally:
        await store.aclose()


# --- taken ------------------------------------------------------------------------------------------------


async def test_a_delivery_is_kept_before_it_is_answered(tmp_path: Path) -> None:
    async with door(tmp_path) as at:
        answer = await at.post()
        assert (answer.status_code, answer.json()) == (200, {"message": "kept"})
        with closing(sqlite3.connect(tmp_path / FILE)) as other:
            assert other.execute("SELECT name, record, body FROM events").fetchall() == [
                ("invoice.paid", "57", BODY)
            ]


async def test_a_replay_is_taken_and_kept_once_which_is_said() -> None:
    async with door() as at:
        answers = [await at.post() for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200] * 3
        assert [answer.json()["message"] for answer in answers] == ["kept", "kept already", "kept already"]
        assert len(await at.kept()) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"event": "deal.won"},
        {"event": "Rechnung bezahlt"},
        {"event": ""},
        {"event": " invoice.paid"},
        {"event": "invoice.paid\nforged"},
        {"event": "invoice.paid\u200b"},
        {"event": "in\0voice.paid"},
        {"data": "text"},
        {"data": [1, 2]},
        {"data": None},
        {"timestamp": {"odd": 1}},
        {"data": {"invoice_id": "57", "deep": json.loads("[" * 500 + "]" * 500)}},
        {"data": "\ud800"},
    ],
    ids=repr,
)
async def test_an_event_that_nobody_documented_and_odd_data_are_kept(fields: Mapping[str, Any]) -> None:
    body = event(**fields)
    async with door() as at:
        assert await at.status(body) == 200
        (found,) = await at.kept()
        assert found.name == fields.get("event", "invoice.paid")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (event(event="x" * 100_000), "x" * LONG),
        (event(event="\ud800"), "?"),
        (BODY.replace(b"57", b"1e400"), "invoice.paid"),
        (BODY.replace(b"57", b"9" * 5000), "invoice.paid"),
        (b'{"event":1,"event":"invoice.paid"}', "invoice.paid"),
    ],
    ids=["a long name", "half a character", "a huge number", "5000 digits", "two names"],
)
async def test_what_is_hard_to_show_is_stored_as_it_came(body: bytes, name: str, tmp_path: Path) -> None:
    async with door(tmp_path) as at:
        assert await at.status(body) == 200
        assert [found.name for found in await at.kept()] == [name]
        with closing(sqlite3.connect(tmp_path / FILE)) as other:
            assert other.execute("SELECT body FROM events").fetchone() == (body,)


async def test_a_byte_order_mark_and_a_body_of_just_the_size_are_taken() -> None:
    async with door() as at:
        assert await at.status(b"\xef\xbb\xbf" + BODY) == 200
        filled = event(data="x" * (receiver.LARGEST - len(event(data=""))))
        assert await at.status(filled) == 200
        assert len(await at.kept()) == 2


# --- refused ----------------------------------------------------------------------------------------------

BAD = {
    "nothing": b"",
    "no JSON": b"event=invoice.paid",
    "a text": b'"invoice.paid"',
    "a list": b'[{"event":"invoice.paid"}]',
    "half": BODY[:-1],
    "two": BODY + BODY,
    "no UTF-8": BODY.replace(b"Ada", b"\xff"),
    "UTF-16": BODY.decode().encode("utf-16"),
    "no event": b'{"data":{}}',
    "an event that is no text": b'{"event":["invoice.paid"]}',
    "a number": b'{"event":57}',
    "null": b'{"event":null}',
    "NaN": event(data=float("nan")),
    "infinity": event(data=float("inf")),
    "100,000 levels": b'{"event":"invoice.paid","data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
}


@pytest.mark.parametrize("body", BAD.values(), ids=list(BAD))
async def test_what_is_no_delivery_is_refused_and_not_kept(body: bytes) -> None:
    async with door() as at:
        answer = await at.post(body)
        assert (answer.status_code, answer.json()["message"]) == (422, receiver.NO_DELIVERY.words)
        assert await at.kept() == []
        assert await at.status() == 200


@pytest.mark.parametrize(
    "path",
    [
        f"{PATH}x", PATH[:-1], f"{PATH}/", PATH.lower(), "/webhooks/taskip/", "/webhooks/taskip", "/", f"/{SECRET}",
        f"/webhooks/taskip/x?secret={SECRET}", "/webhooks/taskip/%ff%00", f"/webhooks/other/{SECRET}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_wrong_secret_and_any_other_path_are_answered_alike(method: str, path: str) -> None:
    async with door() as at:
        answer = await at.client.request(method, path, content=BODY)
        assert (answer.status_code, answer.json()) == (404, {"message": "not found"})
        assert await at.kept() == []


async def test_the_secret_may_be_percent_encoded() -> None:
    async with door() as at:
        assert await at.status(path=PATH.replace("-", "%2D")) == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "ODD"])
async def test_another_method_is_told_which_one_to_use(method: str) -> None:
    async with door() as at:
        answer = await at.client.request(method, PATH)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


async def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    async with door() as at:
        for declared in (str(receiver.LARGEST + 1), "9" * 200):
            answer = await at.post(headers={"content-length": declared})
            assert answer.status_code == 413
        assert await at.kept() == []


async def test_of_a_body_that_is_too_large_no_more_is_kept_than_shows_that() -> None:
    read: list[int] = []

    async def endless() -> AsyncIterator[bytes]:
        while len(read) < 1000:
            read.append(len(read))
            yield b" " * 65_536
        await anyio.sleep_forever()

    async with door() as at:
        answer = await at.post(endless())
        assert (answer.status_code, answer.headers["connection"]) == (413, "close")
        assert await at.kept() == []


async def test_a_sender_that_dawdles_or_hangs_up_leaves_nothing_behind() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield BODY[:-1]
        await anyio.sleep_forever()

    async def gone() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async with door(patience=0.01) as at:
        assert await at.status(slow()) == 408
        made = receiver.app(at.store, SECRET)
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": PATH, "headers": []}
        await made(scope, gone, send)
        assert sent == []
        assert await at.kept() == []


async def test_no_more_bodies_are_held_at_once_than_stated_and_the_others_wait() -> None:
    async with door() as at:
        made, finish, asked, sent = receiver.app(at.store, SECRET), anyio.Event(), list[int](), list[Any]()

        async def deliver(number: int) -> None:
            async def read() -> dict[str, Any]:
                asked.append(number)
                await finish.wait()
                return {"type": "http.request", "body": event(data=number)}

            async def send(message: Any) -> None:
                sent.append(message.get("status", 0))

            await made({"type": "http", "method": "POST", "path": PATH, "headers": []}, read, send)

        count = 3 * 64
        async with anyio.create_task_group() as group:
            for number in range(count):
                group.start_soon(deliver, number)
            await anyio.wait_all_tasks_blocked()
            assert len(asked) == 64
            finish.set()
        assert sent.count(200) == count
        assert len(await at.store.after(0, limit=1000)) == count


async def test_a_storage_failure_asks_for_the_delivery_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with door(tmp_path) as at:
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("ALTER TABLE events RENAME TO elsewhere")
            answer = await at.post()
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "10")
            other.execute("ALTER TABLE elsewhere RENAME TO events")
        assert await at.status() == 200
        assert len(await at.kept()) == 1
    assert "was not kept" in caplog.text
    assert "Nothing was sent" not in caplog.text
    assert not any(leak in caplog.text for leak in (SECRET, "Ada Canary", "invoice.paid"))


# --- the flood --------------------------------------------------------------------------------------------


async def test_a_flood_is_told_when_there_is_room_again() -> None:
    hands = Hands()
    async with door(clock=hands.clock, burst=3, per_second=0.1) as at:
        assert [await at.status(event(data=number)) for number in range(5)] == [200] * 3 + [429] * 2
        answer = await at.post()
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "10")
        hands.at += 10
        assert [await at.status(), await at.status()] == [200, 429]
        hands.at += 1000
        assert [await at.status() for _ in range(4)] == [200] * 3 + [429]
        assert len(await at.kept()) == 4


async def test_a_flood_at_other_doors_shuts_this_one_for_nobody() -> None:
    async with door(burst=1, per_second=0.001) as at:
        for _ in range(3):
            assert await at.status(path="/webhooks/taskip/guessed") == 404
        assert (await at.client.get(PATH)).status_code == 405
        assert [await at.status(), await at.status()] == [200, 429]


async def test_large_bodies_count_for_more() -> None:
    hands = Hands()
    async with door(clock=hands.clock, burst=10, per_second=1) as at:
        assert await at.status(event(data="x" * 10 * receiver.WEIGHT)) == 200
        assert (await at.post()).headers["retry-after"] == "2"
        hands.at += 2
        assert await at.status() == 200


def test_a_clock_that_is_set_back_neither_fills_nor_empties_the_bucket() -> None:
    bucket = receiver.Bucket(2, 1)
    assert [bucket.take(100), bucket.take(50), bucket.take(50)] == [0, 0, 1]
    assert bucket.take(51) == 0


def test_ten_thousand_at_once_are_no_flood() -> None:
    bucket = receiver.Bucket(receiver.BURST, receiver.PER_SECOND)
    assert not any(bucket.take(0) for _ in range(10_000))
    assert bucket.take(0)


# --- where it hangs ---------------------------------------------------------------------------------------


async def test_it_hangs_in_an_application_beside_other_routes() -> None:
    async def other(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("other")

    def beside(made: receiver.Receiver) -> Starlette:
        outer = Starlette(routes=[Route("/mcp", other)])
        outer.router.routes.append(receiver.route(made))
        return outer

    async with door(within=beside) as at:
        assert (await at.client.get("/mcp")).text == "other"
        assert await at.status() == 200
        assert (await at.client.get(PATH)).status_code == 405
        answer = await at.post(path="/webhooks/other")
        assert (answer.status_code, answer.json()) == (404, {"message": "not found"})


async def test_an_empty_secret_is_no_secret_and_one_that_is_used_is_hidden_from_logs() -> None:
    async with door() as at:
        with pytest.raises(ConfigError, match="TASKIP_WEBHOOK_SECRET"):
            receiver.app(at.store, "")
        with pytest.raises(RuntimeError, match="only HTTP"):
            await receiver.app(at.store, SECRET)({"type": "lifespan"}, at.store.aclose, print)  # pyright: ignore
    assert SECRET not in redact.clean(f'POST "{PATH}" 200')
