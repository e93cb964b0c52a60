"""Ten thousand webhooks at once, at a whole server: none is lost, and everybody else is answered meanwhile."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from taskip_mcp.events.line import FILE
from tests.deliveries import Served, ask, event, memory, posting, serving

pytestmark = pytest.mark.anyio

COUNT, SENDERS = 10_000, 50
LAST = event("invoice.sent", data={"invoice_id": COUNT})


class Burst:
    """The deliveries, those who use the server meanwhile, and what they were told."""

    def __init__(self, server: Served) -> None:
        self.server = server
        self.answers: list[bytes] = []
        self.longest = 0.0
        self.calls = self.memory = 0
        self.over = anyio.Event()

    async def all_of_it(self) -> None:
        """Everything but the last."""
        async with anyio.create_task_group() as group:
            for start in range(SENDERS):
                group.start_soon(self.sender, start)
        self.over.set()

    async def sender(self, start: int) -> None:
        async with await anyio.connect_tcp("127.0.0.1", self.server.port) as stream:
            for number in range(start, COUNT - 1, SENDERS):
                body = event(data={"invoice_id": number, "note": "x" * 500})
                self.answers.append(await posting(stream, body))

    async def end(self) -> None:
        """The last one."""
        async with await anyio.connect_tcp("127.0.0.1", self.server.port) as stream:
            self.answers.append(await posting(stream, LAST))

    async def calling(self) -> None:
        """Somebody who uses tools for as long as it lasts."""
        async with Client(self.server.url) as client:
            while not self.over.is_set():
                for tool in ("get_rate_budget", "list_events"):
                    began = anyio.current_time()
                    await ask(client, tool)
                    self.longest = max(self.longest, anyio.current_time() - began)
                    self.calls += 1


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
async def test_ten_thousand_in_a_burst_are_all_kept_in_little_memory_and_others_are_answered(
    tmp_path: Path,
) -> None:
    nowhere = {"SECRET_KEY": "canary-key-burst-1", "BASE_URL": "http://127.0.0.1:9/api"}
    waited: list[dict[str, Any]] = []
    with serving("http", tmp_path, **nowhere) as server, anyio.fail_after(60):
        burst = Burst(server)
        async with (
            Client(server.url) as waiting,
            Client(server.url) as listening,
            listening.listen(resource_subscriptions=["taskip://invoices/7"]) as stream,
            anyio.create_task_group() as group,
        ):
            await ask(listening, "list_events")
            burst.memory = memory(server.process.pid, "VmRSS")

            async def wait() -> None:
                waited.append(await ask(waiting, "wait_for_event", event="invoice.sent", seconds=50))

            group.start_soon(wait)
            group.start_soon(burst.calling)
            await burst.all_of_it()
            assert waited == []
            await burst.end()
            assert "taskip://invoices/7" in str(await anext(aiter(stream)))
        grown = memory(server.process.pid, "VmHWM") - burst.memory
    assert (len(burst.answers), set(burst.answers)) == (COUNT, {b"HTTP/1.1 200 OK"})
    assert [row["record"] for row in waited[0]["items"]] == [str(COUNT)]
    assert burst.calls > 3
    assert burst.longest < 5
    assert grown < 25_000
    with closing(sqlite3.connect(tmp_path / FILE)) as kept:
        found = [int(row[0]) for row in kept.execute("SELECT record FROM events")]
    assert sorted(found) == [*range(COUNT - 1), COUNT]
