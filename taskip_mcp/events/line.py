"""A connection to the file of the events: its steps are done in threads, one after the other.

Somebody may delete the file under a server that runs, and what is written then goes nowhere. So after each step is
looked whether the path still leads to what is open; where it does not, the file is opened anew and the step done again.
"""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from taskip_mcp import state
from taskip_mcp.errors import StateError

FILE = "events.sqlite3"

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

T = TypeVar("T")
Step = Callable[[sqlite3.Connection], T]


class Line:
    """`opened` is done with each connection before all else. Whatever fails raises `StateError`."""

    def __init__(self, folder: Path | None, opened: Callable[[sqlite3.Connection], None]) -> None:
        self._folder, self._opened = folder, opened
        self._paths = [folder / f"{FILE}{end}" for end in ("", "-wal", "-shm")] if folder else []
        self._limiter = anyio.CapacityLimiter(1)  # steps in the order in which they were asked for
        self._steps = threading.Lock()  # a step whose caller was cancelled still runs in its thread
        self._open()

    async def do(self, step: Step[T]) -> T:
        """Do a step; it may be done twice, and counts once."""
        return await anyio.to_thread.run_sync(self._do, step, limiter=self._limiter)

    async def aclose(self) -> None:
        """Close the file once the steps before are done; any other step fails."""
        await anyio.to_thread.run_sync(self._close, limiter=self._limiter)

    # --- in a thread --------------------------------------------------------------------------------------

    def _do(self, step: Step[T]) -> T:
        with self._steps, self._in_words():
            done = step(self._database)
            if not self._paths or self._files[0] == _mark(self._paths[0]):
                return done
            self._open_anew()
            return step(self._database)

    @contextmanager
    def _in_words(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StateError(state.words(self._folder, FILE, error, "")) from None

    def _open(self) -> None:
        # TaskIP documents no retries: what was answered 200 must outlive a power cut.
        database = state.open_database(self._folder, FILE, SCHEMA, durable=True, done="")
        try:
            with self._in_words():
                self._opened(database)
        except BaseException:
            database.close()
            raise
        self._database, self._files = database, self._there()
        self._close_file = weakref.finalize(self, database.close)

    def _open_anew(self) -> None:
        beside = zip(self._paths, self._files, self._there(), strict=True)
        for path, before, now in list(beside)[1:]:
            if before == now:  # what is left of the old file: SQLite would take it for the new one's
                path.unlink(missing_ok=True)
        close = self._close_file
        self._open()
        close()

    def _there(self) -> list[tuple[int, int] | None]:
        """What the paths lead to: the file, and those that SQLite has beside it for as long as it is open."""
        return [_mark(path) for path in self._paths]

    def _close(self) -> None:
        with self._steps:
            self._close_file()


def _mark(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
