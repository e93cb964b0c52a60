"""The store that keeps events, as its tests use it: in memory or in a file, on a clock that they set."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any

import anyio

from taskip_mcp.clock import Clock
from taskip_mcp.events.line import FILE
from taskip_mcp.events.store import SqliteEvents


class Days:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.at = 1_800_000_000.0
        self.clock = Clock(lambda: self.at)


@asynccontextmanager
async def opened(
    folder: Path | None = None, account: str = "account", clock: Clock | None = None, days: int = 30
) -> AsyncGenerator[SqliteEvents]:
    store = SqliteEvents(folder, account, clock or Clock(), days)
    try:
        yield store
    finally:
        await store.aclose()


def raw(name: str = "invoice.paid", number: int = 1, **data: Any) -> bytes:
    group = name.partition(".")[0]
    return json.dumps({"event": name, "data": {f"{group}_id": number, **data}}).encode()


async def add(store: SqliteEvents, name: str = "invoice.paid", number: int = 1) -> int:
    seq = await store.add(raw(name, number), name)
    assert seq
    return seq


async def records(store: SqliteEvents, seq: int = 0, **filters: Any) -> list[str]:
    return [f"{event.name} {event.record}" for event in await store.after(seq, **filters)]


@contextmanager
def held(folder: Path) -> Generator[sqlite3.Connection]:
    """Another program that writes to the file, until it is rolled back."""
    with closing(sqlite3.connect(folder / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield other


async def until_it_waits(store: SqliteEvents) -> None:
    """Until a step of the store is in its thread."""
    while not store._writes._steps.locked():  # pyright: ignore[reportPrivateUsage] nothing else tells
        await anyio.sleep(0.001)


def numbers(folder: Path) -> list[int]:
    """What is in the file."""
    with closing(sqlite3.connect(folder / FILE)) as other:
        return [int(row[0]) for row in other.execute("SELECT record FROM events ORDER BY seq")]
