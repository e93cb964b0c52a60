"""The listener for webhooks on a real port: killed, fed with rubbish, crowded, stopped in between."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import httpx
import pytest

from taskip_mcp import listen
from taskip_mcp.clock import Clock
from taskip_mcp.errors import ConfigError
from taskip_mcp.events import Event, receiver
from taskip_mcp.events.store import SqliteEvents
from taskip_mcp.settings import without_taskip
from tests.deliveries import BODY, PATH, SECRET, event, posting

pytestmark = pytest.mark.anyio

# --- in a process of its own ------------------------------------------------------------------------------

PROGRAM = """
import logging, sys
from pathlib import Path
import anyio
from taskip_mcp.clock import Clock
from taskip_mcp.events import receiver
from taskip_mcp.events.store import SqliteEvents

logging.basicConfig(level="DEBUG", stream=sys.stderr)

async def main():
    store = SqliteEvents(Path(sys.argv[1]), "account", Clock())
    await receiver.serve(store, sys.argv[2], "127.0.0.1", 0, "DEBUG")

anyio.run(main)
"""


class Child:
    """A listener in a process of its own. What it logs goes to a file, unhidden."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
        self.process, self.port, self.log = process, port, log

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def child(folder: Path) -> Generator[Child]:
    log = folder.parent / "log"
    command = [sys.executable, "-c", PROGRAM, str(folder), SECRET]
    with log.open("wb") as file, subprocess.Popen(command, stderr=file, env=without_taskip()) as process:
        try:
            while "webhooks on http" not in (text := log.read_text()):
                assert process.poll() is None, text
            port = int(text.partition("webhooks on http://127.0.0.1:")[2].partition("/")[0])
            yield Child(process, port, log)
        finally:
            process.kill()


async def everything(folder: Path) -> list[Event]:
    found: list[Event] = []
    store = SqliteEvents(folder, "account", Clock())
    try:
        while more := await store.after(found[-1].seq if found else 0, limit=1000):
            found += more
    finally:
        await store.aclose()
    return found


async def test_what_was_answered_is_there_after_the_process_was_killed_at_any_moment(tmp_path: Path) -> None:
    answered: set[int] = set()
    folder = tmp_path / "state"

    async def sender(start: int) -> None:
        async with await anyio.connect_tcp("127.0.0.1", at.port) as stream:
            for number in range(start, 10_000, 8):
                if await posting(stream, event(data={"invoice_id": number})) != b"HTTP/1.1 200 OK":
                    return
                answered.add(number)
                if len(answered) == 200:
                    at.process.kill()

    with child(folder) as at:
        async with anyio.create_task_group() as group:
            for start in range(8):
                group.start_soon(sender, start)
    there = {int(found.record) for found in await everything(folder)}
    assert len(answered) >= 200
    assert answered <= there


async def test_bad_deliveries_over_a_port_are_answered_and_neither_kept_nor_logged(tmp_path: Path) -> None:
    async def in_parts() -> AsyncIterator[bytes]:
        for _ in range(160):
            yield b"x" * 65_536

    with child(tmp_path / "state") as at:
        async with httpx.AsyncClient(base_url=at.url) as client:
            bodies: list[Any] = [BODY, b"x" * 10_485_760, in_parts(), b'{"event":"Ada Canary', BODY]
            answers = [await client.post(PATH, content=body) for body in bodies]
            assert [answer.status_code for answer in answers] == [200, 413, 413, 422, 200]
            lost = await client.post(f"{PATH}x", content=b"x" * 1_000_000)
            assert (lost.status_code, lost.headers["connection"]) == (404, "close")
        log = at.log.read_text()
    assert len(await everything(tmp_path / "state")) == 1
    assert "<TASKIP_WEBHOOK_SECRET>" in log
    assert not any(leak in log for leak in (SECRET, "Ada Canary", "invoice.paid", "Traceback"))


# --- in this process --------------------------------------------------------------------------------------


@asynccontextmanager
async def listening(
    capsys: pytest.CaptureFixture[str], **more: Any
) -> AsyncGenerator[tuple[SqliteEvents, int]]:
    """A store, and the port of the listener that fills it; the listener is cancelled at the end."""
    store = SqliteEvents(None, "account", Clock())
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: receiver.serve(store, SECRET, "127.0.0.1", 0, "WARNING", **more))
            said = ""
            while "webhooks on" not in said:
                await anyio.sleep(0.001)
                said += capsys.readouterr().err
            yield store, int(said.partition("http://127.0.0.1:")[2].partition("/")[0])
            group.cancel_scope.cancel()
    finally:
        await store.aclose()


async def begun(port: int) -> anyio.abc.SocketStream:
    """A delivery whose body the listener has asked for."""
    stream = await anyio.connect_tcp("127.0.0.1", port)
    lines = [f"POST {PATH} HTTP/1.1", "Host: x", "Expect: 100-continue", f"Content-Length: {len(BODY)}"]
    await stream.send("\r\n".join([*lines, "", ""]).encode())
    assert b"100" in await stream.receive()
    return stream


async def test_a_listener_that_is_cancelled_brings_to_its_end_what_it_is_taking(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answers: list[bytes] = []
    async with anyio.create_task_group() as group, listening(capsys) as (store, port):
        stream = await begun(port)

        async def end() -> None:
            async with stream:
                while await reachable(port):
                    await anyio.sleep(0.001)
                await stream.send(BODY)
                answers.append(await stream.receive())
                assert len(await store.after(0)) == 1

        group.start_soon(end)
    assert answers[0].startswith(b"HTTP/1.1 200")


async def reachable(port: int) -> bool:
    try:
        await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
    except OSError:
        return False
    return True


IDLE = b""
SLOW = b"POST / HTTP/1.1\r\nX: "
LINGERING = b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"
RUBBISH = b"\0\r\n\r\n"


async def stranger(group: AsyncExitStack, port: int, sent: bytes) -> anyio.abc.SocketStream:
    """Somebody who does not know the secret, and stays."""
    stream = await group.enter_async_context(await anyio.connect_tcp("127.0.0.1", port))
    if sent:
        await stream.send(sent)
    return stream


async def is_open(stream: anyio.abc.SocketStream) -> bool:
    """Whether the listener has not hung up; what it answered is passed over."""
    try:
        with anyio.move_on_after(0.05):
            while True:
                await stream.receive()
    except (anyio.EndOfStream, anyio.BrokenResourceError):
        return False
    return True


@pytest.mark.parametrize(
    "sent", [IDLE, SLOW, LINGERING, RUBBISH], ids=["idle", "slow", "lingering", "rubbish"]
)
async def test_nobody_without_the_secret_keeps_a_delivery_out(
    sent: bytes, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        listening(capsys, connections=8, linger=30.0) as (store, port),
        await begun(port) as first,
        AsyncExitStack() as others,
    ):
        for _ in range(40):
            await stranger(others, port, sent)
        async with await anyio.connect_tcp("127.0.0.1", port) as second:
            assert await posting(second, event(data=2)) == b"HTTP/1.1 200 OK"
        await first.send(BODY)
        assert (await first.receive()).startswith(b"HTTP/1.1 200")
        assert len(await store.after(0)) == 2
    assert len(caplog.records) <= 1, "nobody fills the log"


async def test_the_oldest_that_did_not_show_the_secret_makes_room_and_is_logged_once(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    async with (
        listening(capsys, connections=3) as (_, port),
        await begun(port) as sender,
        AsyncExitStack() as others,
    ):
        streams = [await stranger(others, port, IDLE) for _ in range(6)]
        with anyio.fail_after(20):
            while await is_open(streams[3]):
                pass
        assert [await is_open(each) for each in streams] == [False] * 4 + [True] * 2
        assert await is_open(sender)
    assert caplog.text.count("more than 3 connections") == len(caplog.records) == 1


async def test_where_all_have_shown_the_secret_the_newest_is_closed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with listening(capsys, connections=1) as (store, port), await begun(port) as first:
        async with await anyio.connect_tcp("127.0.0.1", port) as second:
            assert not await is_open(second)
        await first.send(BODY)
        assert (await first.receive()).startswith(b"HTTP/1.1 200")
        assert len(await store.after(0)) == 1


async def test_a_refused_sender_is_read_to_its_end_while_there_is_room(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with listening(capsys, connections=3, linger=30.0) as (_, port), AsyncExitStack() as others:
        streams = list[anyio.abc.SocketStream]()
        for _ in range(3):
            streams.append(await stranger(others, port, LINGERING))
            assert (await streams[-1].receive()).startswith(b"HTTP/1.1 404")
        with anyio.fail_after(20):
            while await is_open(streams[2]):
                pass
        assert [await is_open(each) for each in streams] == [True, True, False]


async def test_a_connection_that_does_not_come_to_the_point_is_closed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async with (
        listening(capsys, patience=0.1) as (_, port),
        await anyio.connect_tcp("127.0.0.1", port) as stream,
    ):
        await stream.send(b"POST / HTTP/1.1\r\nX: ")
        with pytest.raises(anyio.EndOfStream):
            await stream.receive()


def test_an_address_that_cannot_be_used_is_said_with_the_option_to_change() -> None:
    with closing(listen.bind("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        with pytest.raises(listen.TakenError, match="Choose another --webhook-port"):
            receiver.bind("127.0.0.1", port)
    with pytest.raises(ConfigError, match="Check --webhook-host") as told:
        receiver.bind("no.such.host.invalid", port)
    assert not isinstance(told.value, listen.TakenError)
