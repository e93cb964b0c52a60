"""The state directory: what must outlive the process. Readable by its owner alone."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from taskip_mcp.errors import StateError

BUSY = 2.0
"""Seconds to wait for another process of this machine; its steps take milliseconds. Everything else waits with it."""

NOTHING_SENT = "Nothing was sent."


def open_database(
    folder: Path | None, name: str, schema: str, *, durable: bool, done: str = NOTHING_SENT
) -> sqlite3.Connection:
    """A SQLite database of the state directory, with its tables; `folder` None keeps it in memory.

    `durable` waits for the disk at each commit, so that not even a power cut loses it; without, only a power cut can.
    Raises `StateError` when the directory or the file cannot be used; see `words` for `done`.
    """
    try:
        path = _private(folder, name) if folder else ":memory:"
        database = sqlite3.connect(path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            _prepare(database, schema, durable=durable)
        except BaseException:
            database.close()
            raise
    except (OSError, sqlite3.Error) as error:
        raise StateError(words(folder, name, error, done)) from None
    return database


def _prepare(database: sqlite3.Connection, schema: str, *, durable: bool) -> None:
    until = time.monotonic() + BUSY
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            database.executescript(schema)
        except sqlite3.OperationalError as error:
            # Two processes that both make the file: the change to WAL fails at once instead of waiting.
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)
        else:
            return


@contextmanager
def transaction(database: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """One atomic step that writes: waits for other processes first, undoes everything on an exception."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield database
        database.execute("COMMIT")
    except BaseException:
        # A full disk may have undone it already; what is left open would fail every later step.
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def words(folder: Path | None, name: str, error: BaseException, done: str = NOTHING_SENT) -> str:
    """What to say when the state directory fails; `done` says what that means for the call."""
    where = f"{folder / name}" if folder else name
    what, help_ = _advice(error)
    return " ".join(part for part in (f"The state file {where} {what}.", done, help_) if part)


def _advice(error: BaseException) -> tuple[str, str]:
    """What is wrong with the file, and what helps."""
    text = str(error)
    if "locked" in text:
        return (
            "is held by another program",
            "Try again in a moment; if it stays so, look for what has the file open.",
        )
    if "malformed" in text or "not a database" in text:
        help_ = "Stop the servers that use it and move it away, with those beside it whose names begin alike;"
        return f"is damaged ({text})", f"{help_} a new one is made."
    return f"cannot be used ({text})", "Make the folder writable, or name another one in TASKIP_STATE_DIR."


def private_folder(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for their owner alone, whatever the umask."""
    # `mkdir(parents=True)` gives its mode to the last one only; who may write above it could replace it.
    for each in (*reversed(folder.parents), folder):
        each.mkdir(exist_ok=True, mode=0o700)


def _private(folder: Path, name: str) -> str:
    private_folder(folder)
    path = folder / name
    # SQLite gives its side files the mode of the database: it must be right before the first of them. A file that is
    # there must not be opened: closing it would drop all locks that SQLite holds on it in this process (POSIX), and
    # another process that ends would take what is written for nobody's.
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    path.chmod(0o600)
    return str(path)
