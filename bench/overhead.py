"""What this server adds to one call: its time less those of a plain request and of an empty MCP tool.

Three calls are timed in turn, so that a busy moment of the machine meets all alike:

    A  the request itself: plain httpx over a connection that is kept, to an embedded TaskIP on a real port
    B  the protocol itself: a tool of the MCP SDK that does nothing, over stdio
    C  the tool of this server that makes the request of A, over stdio

C - A - B is counted for each turn. For reads its median must be 2 ms or less, or this ends with 1. Writes are shown
beside: their log waits for the disk. The rate budget is in use but never full.

    .venv/bin/python bench/overhead.py [--calls 200]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from bench.children import HERE, KEY, ChildError, Pace, Target, say, server, target
from bench.figures import table
from taskip_mcp.settings import without_taskip

MODES = ("legacy", "2026-07-28")
BOUND = 2.0
"""Milliseconds that a read may cost more than the request and the protocol."""

WARM_UP = 20
PLENTY = "100000"
"""Requests a minute and an hour: more than are made."""

Step = Callable[[int], Awaitable[None]]


class CallError(Exception):
    """A call of the benchmark failed."""


@dataclass(slots=True)
class Timed:
    """Milliseconds of each turn."""

    name: str
    request: list[float] = field(default_factory=lambda: list[float]())
    protocol: list[float] = field(default_factory=lambda: list[float]())
    tool: list[float] = field(default_factory=lambda: list[float]())

    @property
    def added(self) -> list[float]:
        """C - A - B of each turn."""
        turns = zip(self.request, self.protocol, self.tool, strict=True)
        return [tool - request - protocol for request, protocol, tool in turns]

    @property
    def row(self) -> list[object]:
        """One line of the table."""
        columns = (self.request, self.protocol, self.tool, self.added)
        return [self.name, len(self.tool), *map(statistics.median, columns), quartiles(self.added)]


HEAD = ("ms (medians)", "calls", "A request", "B protocol", "C tool", "C-A-B", "its middle half")


def quartiles(values: Sequence[float]) -> str:
    """Where the middle half of `values` lies."""
    low, _, high = statistics.quantiles(values, n=4)
    return f"{low:.2f} to {high:.2f}"


async def in_turn(name: str, numbers: range, request: Step, protocol: Step, tool: Step) -> Timed:
    """Time the three steps in turn; each turn begins with another one. Turns below 0 warm up."""
    timed = Timed(name)
    steps = [(request, timed.request), (protocol, timed.protocol), (tool, timed.tool)]
    for number in numbers:
        for step, times in steps[number % 3 :] + steps[: number % 3]:
            began = time.perf_counter()
            await step(number)
            taken = time.perf_counter() - began
            if number >= 0:
                times.append(taken * 1000)
    return timed


def tool_of(client: Client, name: str, arguments: Callable[[int], dict[str, Any]]) -> Step:
    """A step that calls a tool."""

    async def step(number: int) -> None:
        result = await client.call_tool(name, arguments(number))
        if result.is_error:
            raise CallError(f"{name}: {result.content}")

    return step


def request_of(http: httpx.AsyncClient, method: str, body: Callable[[int], dict[str, Any] | None]) -> Step:
    """A step that makes a plain request of the contact."""

    async def step(number: int) -> None:
        (await http.request(method, "/contact/1", json=body(number))).raise_for_status()

    return step


async def measure(
    where: Target, state: Path, mode: Any, calls: int, warm_up: int = WARM_UP
) -> tuple[Timed, Timed]:
    """Reads and writes in one protocol mode."""
    numbers = range(-warm_up, calls)
    ours = server(where, state, Pace(), TASKIP_LIMIT_MINUTE=PLENTY, TASKIP_LIMIT_HOUR=PLENTY)
    empty = StdioServerParameters(command=sys.executable, args=[str(HERE / "noop.py")], env=without_taskip())
    headers = {"X-Secret-Key": KEY, "Accept": "application/json"}
    async with (
        httpx.AsyncClient(base_url=where.base_url, headers=headers, trust_env=False) as http,
        Client(empty, mode=mode) as noop,
        Client(ours, mode=mode) as taskip,
    ):
        nothing = tool_of(noop, "nothing", lambda number: {})
        read = await in_turn(
            f"read {mode}",
            numbers,
            request_of(http, "GET", lambda number: None),
            nothing,
            tool_of(taskip, "get_contact", lambda number: {"contact_id": 1}),
        )
        write = await in_turn(
            f"write {mode}",
            numbers,
            request_of(http, "PUT", lambda number: {"position": f"Plain {number}"}),
            nothing,
            tool_of(taskip, "update_contact", lambda number: {"contact_id": 1, "position": f"Tool {number}"}),
        )
    return read, write


def broken(reads: Sequence[Timed]) -> list[str]:
    """What must hold for reads and does not."""
    medians = [(each.name, statistics.median(each.added)) for each in reads]
    return [f"{name}: {median:.2f} ms, more than {BOUND:.2f}" for name, median in medians if median > BOUND]


async def main(calls: int) -> int:
    """Measure; the exit status."""
    reads: list[Timed] = []
    writes: list[Timed] = []
    for mode in MODES:
        with (
            tempfile.TemporaryDirectory(prefix="taskip-bench-") as state,
            target(Pace(), "--minute", PLENTY, "--hour", PLENTY) as where,
        ):
            read, write = await measure(where, Path(state), mode, calls)
            reads.append(read)
            writes.append(write)
    say(table(HEAD, [each.row for each in (*reads, *writes)]))
    say(broken(reads) or [f"holds: a read costs {BOUND:.0f} ms at most"])
    return 1 if broken(reads) else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--calls", type=int, default=200, help="calls of each kind; default: 200")
    try:
        sys.exit(anyio.run(main, parser.parse_args().calls))
    except (ChildError, CallError) as error:
        sys.stderr.write(f"overhead: {error}\n")
        sys.exit(2)
