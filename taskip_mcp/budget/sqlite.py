"""The windows of every account in SQLite: in the state directory for all processes of a machine, or in memory.

Each step is one transaction of well under a millisecond and is not handed to a thread: a step that nothing can
interrupt needs no care when its caller is cancelled.
"""

from __future__ import annotations

import sqlite3
import weakref
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from taskip_mcp import state
from taskip_mcp.budget.windows import (
    HIDDEN,
    HOUR,
    LONGEST_CLOSURE,
    MINUTE,
    PROBE,
    RECENT,
    SOON,
    Seen,
    StoreError,
    Taken,
    Window,
    WindowState,
    opening,
)
from taskip_mcp.clock import Clock

FILE = "budget.sqlite3"

SCHEMA = """
CREATE TABLE IF NOT EXISTS places (
    account TEXT NOT NULL, name TEXT NOT NULL, until REAL NOT NULL, away INTEGER NOT NULL, ours INTEGER NOT NULL,
    request TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS places_window ON places (account, name, until, away, ours);
CREATE INDEX IF NOT EXISTS places_request ON places (request);
CREATE TABLE IF NOT EXISTS closures (
    account TEXT NOT NULL, name TEXT NOT NULL, until REAL NOT NULL, probe TEXT, probe_until REAL NOT NULL DEFAULT 0,
    PRIMARY KEY (account, name)
);
CREATE TABLE IF NOT EXISTS observations (account TEXT PRIMARY KEY, at REAL NOT NULL, used INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS latest (id INTEGER PRIMARY KEY CHECK (id = 1), at REAL NOT NULL);
"""
# A place is one request in one window: `away` while its answer is out, `ours` unless another program used it.
# An observation is what the last answer told of the hour. `latest` is the time of a recent step.

BACK = (
    "UPDATE places SET until = until - :by",
    "UPDATE closures SET until = until - :by, probe_until = probe_until - :by",
    "UPDATE observations SET at = at - :by",
)


class SqliteStore:
    """A `Store` in one SQLite file; `folder` None keeps it in memory, for this process alone."""

    def __init__(self, folder: Path | None, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._db = state.open_database(folder, FILE, SCHEMA, durable=False)
        self._close_file = weakref.finalize(self, self._db.close)

    async def aclose(self) -> None:
        """Close the file."""
        self._close_file()

    @contextmanager
    def _step(self) -> Generator[float]:
        """One transaction; yields its time."""
        try:
            with state.transaction(self._db):
                yield self._time()
        except sqlite3.Error as error:
            raise StoreError(state.words(self._folder, FILE, error)) from None

    def _time(self) -> float:
        """Now. A clock that was set back takes all times along: else nothing were free before it has caught up.

        One that was set forward cannot be told from time that passed; TaskIP's own refusals then close the windows.
        """
        now = self._clock.now()
        found = self._db.execute("SELECT at FROM latest").fetchone()
        if found and now < found[0]:
            for change in BACK:
                self._db.execute(change, {"by": found[0] - now})
        if not found or not 0 <= now - found[0] < 1:  # to the second, so that most steps write nothing for it
            self._db.execute("INSERT OR REPLACE INTO latest VALUES (1, ?)", (now,))
        return now

    async def take(self, account: str, windows: Sequence[Window], grant: str, *, hold: float) -> Taken:
        """See `Store.take`."""
        with self._step() as now:
            self._forget(account, now)
            for window in windows:
                held = self._closed(account, window, now) or self._full(account, window, now)
                if held:
                    return held
            for window in windows:
                self._db.execute(
                    "UPDATE closures SET probe = ?, probe_until = ? WHERE account = ? AND name = ?",
                    (grant, now + PROBE, account, window.name),
                )
                self._db.execute(
                    "INSERT INTO places VALUES (?, ?, ?, 1, 1, ?)",
                    (account, window.name, now + (hold + window.span), grant),
                )
        return Taken(granted=True)

    async def give_back(self, account: str, grant: str) -> None:
        """See `Store.give_back`."""
        with self._step():
            self._db.execute("DELETE FROM places WHERE account = ? AND request = ?", (account, grant))
            self._db.execute(
                "UPDATE closures SET probe = NULL WHERE account = ? AND probe = ?", (account, grant)
            )

    async def settle(self, account: str, windows: Sequence[Window], grant: str, seen: Seen) -> None:
        """See `Store.settle`."""
        with self._step() as now:
            for window in windows:
                self._db.execute(
                    "UPDATE places SET until = ?, away = 0 WHERE account = ? AND name = ? AND request = ?",
                    (now + window.span + seen.late, account, window.name, grant),
                )
            self._forget(account, now)
            for window in windows:
                if window.name == seen.closed:
                    self._close(account, window, now, grant, seen.closed_for or _reset(window, seen))
            # An answer that is no refusal: what this request was sent ahead for is open again.
            self._db.execute("DELETE FROM closures WHERE account = ? AND probe = ?", (account, grant))
            if seen.remaining is not None:
                self._learn(account, windows, now, seen, seen.remaining)

    async def wait(self, account: str, windows: Sequence[Window], ahead: int) -> Taken:
        """See `Store.wait`."""
        with self._step() as now:
            self._forget(account, now)
            longest = Taken(granted=True)
            for window in windows:
                opens = opening(self._frees(account, window, now), window, now, ahead)
                until = self._closure(account, window)
                delay = max(opens, until) - now
                if delay > longest.delay:
                    longest = Taken(granted=False, delay=delay, window=window.name)
        return longest

    async def show(self, account: str, windows: Sequence[Window]) -> list[WindowState]:
        """See `Store.show`."""
        with self._step() as now:
            self._forget(account, now)
            return [self._state(account, window, now) for window in windows]

    async def once(self, account: str, nonce: str, seconds: float) -> bool:
        """See `Store.once`. What shares this file shares the journal, which consumes the nonce with the write."""
        return True

    # --- inside a step ------------------------------------------------------------------------------------

    def _forget(self, account: str, now: float) -> None:
        self._db.execute("DELETE FROM places WHERE account = ? AND until <= ?", (account, now))

    def _counts(self, account: str, window: Window, now: float) -> tuple[int, int, int]:
        """Places that are taken, those of requests whose answer may still come, those of other programs.

        A request on its way has a place for its hold and one window: without the hold, it is what a crash left.
        """
        query = (
            "SELECT COUNT(*), TOTAL(away AND until > ?), COUNT(*) - TOTAL(ours) FROM places"
            " WHERE account = ? AND name = ?"
        )
        found = self._db.execute(query, (now + window.span, account, window.name)).fetchone()
        taken, away, foreign = map(int, found)
        return taken, away, foreign

    def _frees(self, account: str, window: Window, now: float) -> list[float]:
        """When each taken place becomes free, sorted; for a request on its way: if it were answered now."""
        query = "SELECT until, away FROM places WHERE account = ? AND name = ?"
        rows = self._db.execute(query, (account, window.name)).fetchall()
        return sorted(min(until, now + window.span) if away else until for until, away in rows)

    def _full(self, account: str, window: Window, now: float) -> Taken | None:
        taken, away, _ = self._counts(account, window, now)
        # Others may have used more than is known: room is kept for what the answers that are out may tell.
        if taken + HIDDEN * away < window.limit:
            return None
        if taken < window.limit:
            return Taken(granted=False, delay=SOON, window=window.name)
        opens = opening(self._frees(account, window, now), window, now, 0)
        return Taken(granted=False, delay=max(SOON, opens - now), window=window.name)

    def _closure(self, account: str, window: Window) -> float:
        """Until when a refusal closed the window; 0 when it is open."""
        query = "SELECT until FROM closures WHERE account = ? AND name = ?"
        found = self._db.execute(query, (account, window.name)).fetchone()
        return found[0] if found else 0.0

    def _closed(self, account: str, window: Window, now: float) -> Taken | None:
        """Whether a refusal holds the request back: the closed time, or the one that was sent ahead after it."""
        query = "SELECT until, probe, probe_until FROM closures WHERE account = ? AND name = ?"
        found = self._db.execute(query, (account, window.name)).fetchone()
        if not found:
            return None
        until, probe, probe_until = found
        if now < until:
            return Taken(granted=False, delay=until - now, window=window.name)
        if probe and now < probe_until:
            return Taken(granted=False, delay=SOON, window=window.name)
        return None

    def _close(self, account: str, window: Window, now: float, grant: str, seconds: float | None) -> None:
        if seconds is None or seconds <= 0:
            # Nobody says when: when the oldest of ours is out, else after a whole window.
            query = (
                "SELECT MIN(until) FROM places WHERE account = ? AND name = ? AND away = 0 AND request <> ?"
            )
            (oldest,) = self._db.execute(query, (account, window.name, grant)).fetchone()
            seconds = float(min(oldest - now, window.span) if oldest else window.span)
        until = now + min(max(seconds, SOON), LONGEST_CLOSURE)
        self._db.execute(
            "INSERT INTO closures (account, name, until) VALUES (?, ?, ?) ON CONFLICT (account, name) DO UPDATE"
            " SET until = MAX(until, excluded.until), probe = NULL",
            (account, window.name, until),
        )

    def _learn(self, account: str, windows: Sequence[Window], now: float, seen: Seen, remaining: int) -> None:
        """Requests that TaskIP counts and we do not are another program's."""
        for window in windows:
            if window.name == HOUR:
                # With a lower limit than we were told, what is left counts; with a higher one, what is used.
                used = max(seen.limit or 0, window.limit) - remaining
                grown = self._observe(account, now, used)
                extra = min(used, window.limit) - self._counts(account, window, now)[0]
                self._add_foreign(account, HOUR, now + (_reset(window, seen) or window.span), extra)
                self._foreign_minute(account, windows, now, min(extra, grown))

    def _observe(self, account: str, now: float, used: int) -> int:
        """How many requests TaskIP counts more than at the last answer; 0 if that one is too old for the minute.

        Not all that we miss is new: in an hour that slides, other programs' old requests are found again after a reset.
        """
        query = "SELECT at, used FROM observations WHERE account = ?"
        found = self._db.execute(query, (account,)).fetchone()
        self._db.execute("INSERT OR REPLACE INTO observations VALUES (?, ?, ?)", (account, now, used))
        return used - found[1] if found and now - found[0] <= RECENT else 0

    def _foreign_minute(self, account: str, windows: Sequence[Window], now: float, extra: int) -> None:
        # They came after the last answer, so within the last minute; when exactly, nobody knows.
        for window in windows:
            if window.name == MINUTE:
                room = window.limit - self._counts(account, window, now)[0]
                self._add_foreign(account, MINUTE, now + window.span, min(extra, room))

    def _add_foreign(self, account: str, name: str, until: float, count: int) -> None:
        rows = [(account, name, until, uuid4().hex) for _ in range(count)]
        self._db.executemany("INSERT INTO places VALUES (?, ?, ?, 0, 0, ?)", rows)

    def _state(self, account: str, window: Window, now: float) -> WindowState:
        taken, _, foreign = self._counts(account, window, now)
        opens = opening(self._frees(account, window, now), window, now, 0)
        delay = max(opens, self._closure(account, window)) - now
        return WindowState(window.name, window.limit, window.span, taken, foreign, max(0.0, delay))


def _reset(window: Window, seen: Seen) -> float | None:
    """Seconds until the window's own reset, if the answer tells: it does for the hour, not always sensibly."""
    if window.name != HOUR or seen.reset_in is None:
        return None
    return seen.reset_in if 0 < seen.reset_in <= window.span else None
