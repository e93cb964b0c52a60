"""Deliveries in SQLite: in the state directory, or in memory for the embedded TaskIP, which lives and dies there too.

What waits to be kept is kept together, in one transaction that waits for the disk: a burst costs a few commits, not
thousands. Work on the file is done in threads, so that other calls are answered, and reads have a connection of their
own, so that none waits behind a delivery that waits for another process.

What is too old is not shown, and is deleted when the file is opened and now and then when something comes. A clock that
was wrong once must not cost everything: where nothing at all would be left, that is noted in the file, and done only if
it is found to be so an hour later as well, by whichever process.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from taskip_mcp import state
from taskip_mcp.clock import Clock
from taskip_mcp.errors import StateError
from taskip_mcp.events import Event
from taskip_mcp.events.body import event_of, name_kept
from taskip_mcp.events.line import Line

if TYPE_CHECKING:
    from taskip_mcp.client import TaskipClient

POLL = 0.5
"""Seconds after which is looked for what another process kept."""

DAYS = 30
"""Days for which a delivery is kept, unless the settings say otherwise."""

DAY, MINUTE = 86_400.0, 60.0

SWEEP = 3600.0
"""Seconds between two looks for what is too old."""

INSERT = (
    "INSERT INTO events (account, at, name, section, record, digest, body) VALUES (?, ?, ?, ?, ?, ?, ?)"
    " ON CONFLICT (account, digest) DO NOTHING RETURNING seq"
)

FORGET = "DELETE FROM events WHERE account = ? AND digest = ? AND at < ?"

SHOWN = "seq > ? AND +at >= ?"
"""Behind a cursor, and not too old. A sign before a name keeps its index out of it: rows are wanted in their order, and
most are of one account."""

LATER = f"SELECT 1 FROM events WHERE {SHOWN} AND +account = ? LIMIT 1"

BODY = "SELECT body FROM events WHERE seq = ?"

LAST = "SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = 'events'"

BEFORE = f"SELECT COALESCE(MIN(seq) - 1, ({LAST})) FROM events WHERE +account = ? AND at >= ?"
"""One look at the file: what comes between two would be passed over."""

OLD, NEW = "SELECT 1 FROM events WHERE at < ? LIMIT 1", "SELECT 1 FROM events WHERE at >= ? LIMIT 1"

HIGHEST = 2**63 - 1


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
        self._account = account
        self._clock = clock
        self._days, self._swept, self._highest = days, 0.0, 0
        self._writes = Line(folder, self._opened)
        self._reads = Line(folder, self._opened) if folder else self._writes
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
            f"SELECT seq, at, name FROM events WHERE {SHOWN} AND {'' if records else '+'}account = ?"
            f" AND {_among('name', names)} AND {_among('section', groups)} AND {_among('record', records)}"
            " ORDER BY seq LIMIT ?"
        )
        texts = [name_kept(text) for text in (*names, *groups, *records)]
        values = (_cursor(seq), self._oldest, self._account, *texts, limit)
        return await self._reads.do(lambda database: _events(database, query, values))

    async def since(self, at: float) -> int:
        """See `EventStore.since`."""
        return (await self._read(BEFORE, self._account, max(at, self._oldest)))[0][0]

    async def last(self) -> int:
        """See `EventStore.last`. It never goes back, although what it stands behind may be forgotten."""
        last: int = (await self._read(LAST))[0][0]
        self._highest = max(self._highest, last)
        return self._highest

    async def changed(self, seq: int, seconds: float) -> bool:
        """See `EventStore.changed`."""
        until = self._clock.ticks() + seconds
        while True:
            arrived = self._arrived  # taken before the look: what comes in between is not missed
            if await self._read(LATER, _cursor(seq), self._oldest, self._account):
                return True
            left = until - self._clock.ticks()
            if left <= 0:
                return False
            with self._clock.move_on_after(min(POLL, left)):
                await arrived.wait()

    async def aclose(self) -> None:
        """See `EventStore.aclose`. Who waits meanwhile hears that there is nothing to wait for (`StateError`)."""
        with anyio.CancelScope(shield=True):
            await self._reads.aclose()
            await self._writes.aclose()
        self._tell()

    # --- in the event loop --------------------------------------------------------------------------------

    async def _keep_waiting(self) -> None:
        """Keep all that waits, for everybody that waits."""
        batch, self._waiting = self._waiting, []
        try:
            kept = await self._writes.do(lambda database: self._insert(database, batch))
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

    async def _read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return await self._reads.do(lambda database: database.execute(query, values).fetchall())

    @property
    def _oldest(self) -> float:
        """What came before is too old."""
        return self._clock.now() - self._days * DAY

    # --- in a thread --------------------------------------------------------------------------------------

    def _insert(self, database: sqlite3.Connection, batch: Sequence[_Delivery]) -> list[int | None]:
        rows = [self._row(delivery) for delivery in batch]
        with state.transaction(database):
            self._sweep(database)
            found = [self._insert_one(database, row) for row in rows]
        kept = [row[0] if row else None for row in found]
        self._highest = max(self._highest, *(seq or 0 for seq in kept))
        return kept

    def _insert_one(self, database: sqlite3.Connection, row: tuple[Any, ...]) -> tuple[int] | None:
        # What is not shown any more, and not yet deleted, is no reason to leave out the same body.
        account, digest = row[0], row[5]
        database.execute(FORGET, (account, digest, self._oldest))
        return database.execute(INSERT, row).fetchone()

    def _row(self, delivery: _Delivery) -> tuple[Any, ...]:
        event = event_of(0, delivery.at, delivery.name, delivery.raw)
        digest = hashlib.sha256(delivery.raw).digest()
        return self._account, event.at, event.name, event.group, event.record, digest, delivery.raw

    def _opened(self, database: sqlite3.Connection) -> None:
        """Before a file is used, which may be another than the one that the cursors are of which were given out."""
        if database.execute(LAST).fetchone()[0] < self._highest:
            with state.transaction(database):
                database.execute("DELETE FROM sqlite_sequence WHERE name = 'events'")
                database.execute("INSERT INTO sqlite_sequence VALUES ('events', ?)", (self._highest,))
        if database.execute(OLD, (self._oldest,)).fetchone():
            # Where another process writes just now there is time for it later: nothing too old is shown.
            with suppress(sqlite3.OperationalError), _at_once(database), state.transaction(database):
                self._sweep(database)

    def _sweep(self, database: sqlite3.Connection) -> None:
        """Forget what is too old, now and then, within a step that writes."""
        now = self._clock.now()
        if not 0 <= now - self._swept < SWEEP:
            self._swept = now
            if _is_sure(database, now, self._oldest):
                database.execute("DELETE FROM events WHERE at < ?", (self._oldest,))


@contextmanager
def _at_once(database: sqlite3.Connection) -> Generator[None]:
    """Wait for no other process."""
    database.execute("PRAGMA busy_timeout = 0")
    try:
        yield
    finally:
        database.execute(f"PRAGMA busy_timeout = {int(state.BUSY * 1000)}")


def _is_sure(database: sqlite3.Connection, now: float, oldest: float) -> bool:
    """Whether something is new enough to stay, or it was noted an hour ago that nothing is."""
    if database.execute(NEW, (oldest,)).fetchone() or not database.execute(OLD, (oldest,)).fetchone():
        database.execute("PRAGMA user_version = 0")
        return True
    noted: int = database.execute("PRAGMA user_version").fetchone()[0]
    if noted and now - noted * MINUTE >= SWEEP:
        return True
    if not 0 <= now - noted * MINUTE < SWEEP:
        database.execute(f"PRAGMA user_version = {int(now / MINUTE)}")
    return False


def _events(database: sqlite3.Connection, query: str, values: Sequence[Any]) -> list[Event]:
    """The events that a query finds; one body is in memory at a time."""
    return [
        event_of(seq, at, name, body)
        for seq, at, name in database.execute(query, values).fetchall()
        for (body,) in database.execute(BODY, (seq,))
    ]


def opened(client: TaskipClient) -> SqliteEvents:
    """The events of the account that a client is of."""
    settings = client.settings
    return SqliteEvents(settings.state_folder, client.account, client.clock, settings.events_days)


def _cursor(seq: int) -> int:
    """A cursor that SQLite can compare: whoever calls may have made one up."""
    return max(0, min(seq, HIGHEST))


def _fail(batch: Sequence[_Delivery], words: str) -> None:
    for delivery in batch:
        delivery.failed = words


def _among(column: str, values: Sequence[str]) -> str:
    """A condition with a place for each value; none means all."""
    return f"{column} IN ({', '.join('?' * len(values))})" if values else "1"
