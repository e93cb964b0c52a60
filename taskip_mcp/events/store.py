"""Deliveries in SQLite: in the state directory, or in memory for the embedded TaskIP, which lives and dies there too.

What waits to be kept is kept together, in one transaction that waits for the disk: a burst costs a few commits, not
thousands. The work on the file is done in threads, one step after the other, so that other calls are answered.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
import weakref
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
import anyio.to_thread

from taskip_mcp import state
from taskip_mcp.clock import Clock
from taskip_mcp.errors import StateError
from taskip_mcp.events import Event

if TYPE_CHECKING:
    from taskip_mcp.client import TaskipClient

FILE = "events.sqlite3"

POLL = 0.5
"""Seconds after which is looked for what another process kept."""

DAYS = 30
"""Days for which a delivery is kept, unless the settings say otherwise."""

DAY = 86_400.0

SWEEP = 3600.0
"""Seconds between two looks for what is too old."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, account TEXT NOT NULL, at REAL NOT NULL, name TEXT NOT NULL,
    section TEXT NOT NULL, record TEXT NOT NULL, digest BLOB NOT NULL, body BLOB NOT NULL,
    UNIQUE (account, digest)
);
CREATE INDEX IF NOT EXISTS events_time ON events (at, account);
CREATE INDEX IF NOT EXISTS events_record ON events (account, record);
"""
# `section` is the group that the name tells: GROUP is a word of SQL. AUTOINCREMENT, so that a cursor that was given out
# never comes to stand behind an event that is kept later, not even after a sweep of all there was.

INSERT = (
    "INSERT INTO events (account, at, name, section, record, digest, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (account, digest) DO NOTHING RETURNING seq"
)

LATER = "SELECT 1 FROM events WHERE account = ? AND seq > ? LIMIT 1"

LAST = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'events'"

BEFORE = f"SELECT COALESCE(MIN(seq) - 1, ({LAST})) FROM events WHERE account = ? AND at >= ?"
"""One look at the file: what comes between two would be passed over."""

HIGHEST = 2**63 - 1

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Delivery:
    """What waits to be kept, and what became of it. Its time is when it came, not when there was time for it."""

    raw: bytes
    name: str
    at: float
    done: bool = False
    seq: int | None = None
    failed: str = ""


class SqliteEvents:
    """The `EventStore` of one account. `folder` None keeps it in memory; what is older than `days` is forgotten."""

    def __init__(self, folder: Path | None, account: str, clock: Clock, days: int = DAYS) -> None:
        self._folder = folder
        self._account = account
        self._clock = clock
        self._days, self._swept = days, 0.0
        # TaskIP documents no retries: what was answered 200 must outlive a power cut.
        self._db = state.open_database(folder, FILE, SCHEMA, durable=True)
        self._close_file = weakref.finalize(self, self._db.close)
        self._limiter = anyio.CapacityLimiter(1)  # steps in the order in which they were asked for
        self._steps = threading.Lock()  # a step whose caller was cancelled still runs in its thread
        self._turn = anyio.Lock()
        self._waiting: list[_Delivery] = []
        self._arrived = anyio.Event()

    async def add(self, raw: bytes, name: str) -> int | None:
        """See `EventStore.add`. The same body counts as one for as long as it is kept."""
        delivery = _Delivery(raw, name, self._clock.now())
        self._waiting.append(delivery)
        async with self._turn:
            if not delivery.done:
                await self._keep_waiting()
        if delivery.failed:
            raise StateError(delivery.failed)
        return delivery.seq

    async def after(
        self,
        seq: int,
        *,
        names: Sequence[str] = (),
        groups: Sequence[str] = (),
        records: Sequence[str] = (),
        limit: int = 100,
    ) -> Sequence[Event]:
        """See `EventStore.after`."""
        query = (
            "SELECT seq, at, name, body FROM events WHERE account = ? AND seq > ?"
            f" AND {_among('name', names)} AND {_among('section', groups)} AND {_among('record', records)}"
            " ORDER BY seq LIMIT ?"
        )
        texts = [_whole(text) for text in (*names, *groups, *records)]
        values = (self._account, _cursor(seq), *texts, limit)
        return [
            Event(number, at, name, body_of(body))
            for number, at, name, body in await self._read(query, *values)
        ]

    async def since(self, at: float) -> int:
        """See `EventStore.since`."""
        return (await self._read(BEFORE, self._account, at))[0][0]

    async def last(self) -> int:
        """See `EventStore.last`. It never goes back, although what it stands behind may be forgotten."""
        return (await self._read(LAST))[0][0]

    async def changed(self, seq: int, seconds: float) -> bool:
        """See `EventStore.changed`."""
        until = self._clock.ticks() + seconds
        while True:
            arrived = self._arrived  # taken before the look: what comes in between is not missed
            if await self._read(LATER, self._account, _cursor(seq)):
                return True
            left = until - self._clock.ticks()
            if left <= 0:
                return False
            with self._clock.move_on_after(min(POLL, left)):
                await arrived.wait()

    async def aclose(self) -> None:
        """See `EventStore.aclose`. Who waits meanwhile hears that there is nothing to wait for (`StateError`)."""
        with anyio.CancelScope(shield=True):
            await self._in_order(self._close)
        self._tell()

    # --- in the event loop --------------------------------------------------------------------------------

    async def _keep_waiting(self) -> None:
        """Keep all that waits, for everybody that waits."""
        batch, self._waiting = self._waiting, []
        try:
            kept = await self._in_order(lambda: self._insert(batch))
            for delivery, seq in zip(batch, kept, strict=True):
                delivery.seq = seq
        except StateError as error:
            _fail(batch, str(error))
        except BaseException:
            _fail(batch, "The program was stopped before the delivery was kept.")
            raise
        finally:
            for delivery in batch:
                delivery.done = True
        if any(delivery.seq for delivery in batch):
            self._tell()

    def _tell(self) -> None:
        self._arrived.set()
        self._arrived = anyio.Event()

    async def _in_order(self, step: Callable[[], T]) -> T:
        return await anyio.to_thread.run_sync(step, limiter=self._limiter)

    async def _read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        def step() -> list[tuple[Any, ...]]:
            with self._safely():
                return self._db.execute(query, values).fetchall()

        return await self._in_order(step)

    # --- in a thread --------------------------------------------------------------------------------------

    @contextmanager
    def _safely(self) -> Generator[None]:
        try:
            with self._steps:
                yield
        except sqlite3.Error as error:
            raise StateError(state.words(self._folder, FILE, error)) from None

    def _insert(self, batch: Sequence[_Delivery]) -> list[int | None]:
        rows = [self._row(delivery) for delivery in batch]
        with self._safely(), state.transaction(self._db):
            self._sweep()
            found = [self._db.execute(INSERT, row).fetchone() for row in rows]
        return [row[0] if row else None for row in found]

    def _row(self, delivery: _Delivery) -> tuple[Any, ...]:
        event = Event(0, delivery.at, _whole(delivery.name), body_of(delivery.raw))
        digest = hashlib.sha256(delivery.raw).digest()
        return self._account, event.at, event.name, event.group, event.record, digest, delivery.raw

    def _sweep(self) -> None:
        """Forget what is too old, now and then, within a step that writes."""
        now = self._clock.now()
        if not 0 <= now - self._swept < SWEEP:
            self._swept = now
            self._db.execute("DELETE FROM events WHERE at < ?", (now - self._days * DAY,))

    def _close(self) -> None:
        with self._steps:
            self._close_file()


def opened(client: TaskipClient) -> SqliteEvents:
    """The events of the account that a client is of."""
    settings = client.settings
    return SqliteEvents(settings.state_folder, client.account, client.clock, settings.events_days)


def body_of(raw: bytes) -> dict[str, Any]:
    """The object that a delivery is; empty for anything else. No text of it holds what UTF-8 cannot."""
    try:
        found: Any = json.loads(raw.decode("utf-8-sig"))
        if rb"\ud" in raw.lower():  # one half of a pair, escaped, is JSON and no text
            found = json.loads(_whole(json.dumps(found, ensure_ascii=False)))
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _cursor(seq: int) -> int:
    """A cursor that SQLite can compare: whoever calls may have made one up."""
    return max(0, min(seq, HIGHEST))


def _fail(batch: Sequence[_Delivery], words: str) -> None:
    for delivery in batch:
        delivery.failed = words


def _among(column: str, values: Sequence[str]) -> str:
    """A condition with a place for each value; none means all."""
    return f"{column} IN ({', '.join('?' * len(values))})" if values else "1"
