"""The write log: every write, before it leaves and when it is known what came of it.

One append-only table. A write is an event ``begun`` and what follows it: ``done``, ``not_done`` or ``unknown``; a
bulk job is ``job``, ``resumed``, ``paused``, ``done``, and its chunks are writes. The last event counts. The guard
against duplicates and the jobs are views of it. Secrets never come in.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import time
import weakref
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from uuid import uuid4

from filelock import FileLock, Timeout

from taskip_mcp import state
from taskip_mcp.clock import Clock
from taskip_mcp.errors import StateError
from taskip_mcp.redact import HIDDEN, is_secret, masked
from taskip_mcp.wire import JsonObject, jsonable

logger = logging.getLogger(__name__)

FILE = "writes.sqlite3"

REPEATED = 120.0
"""Seconds after a write in which an identical one is taken for a repetition."""

SWEPT = 3600.0
"""Seconds after which the file of a process that was killed is removed."""

UNCLEAR = 86_400.0
"""Seconds for which a write of unknown outcome is looked up before an identical one goes out."""

Event = Literal["begun", "done", "not_done", "unknown", "job", "resumed", "paused"]

OPEN = frozenset({"begun", "job", "resumed"})
"""Events after which a process has the write or the job in hand."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS log (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, write TEXT NOT NULL, account TEXT NOT NULL, at REAL NOT NULL,
    event TEXT NOT NULL, operation TEXT NOT NULL DEFAULT '', digest TEXT NOT NULL DEFAULT '',
    arguments TEXT NOT NULL DEFAULT '{}', job TEXT NOT NULL DEFAULT '', owner TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX IF NOT EXISTS log_write ON log (write, seq);
CREATE INDEX IF NOT EXISTS log_same ON log (account, operation, digest);
CREATE INDEX IF NOT EXISTS log_job ON log (account, job);
CREATE TRIGGER IF NOT EXISTS log_is_append_only BEFORE UPDATE ON log
    BEGIN SELECT RAISE(ABORT, 'the write log is append-only'); END;
CREATE VIEW IF NOT EXISTS writes AS
    SELECT first.seq, first.write, first.event AS kind, first.account, first.at AS begun, first.operation,
        first.digest, first.arguments, first.job, last.owner, last.event, last.at AS changed, last.detail
    FROM log AS first JOIN log AS last ON last.seq = (SELECT MAX(seq) FROM log WHERE write = first.write)
    WHERE first.event IN ('begun', 'job');
"""
COLUMNS = "write, kind, begun, operation, arguments, job, owner, event, changed, detail"


@dataclass(frozen=True, slots=True)
class Entry:
    """One write (or job) as the log has it.

    `kind` is the first event, ``begun`` or ``job``; `event` the last one, at `changed`, noted by the process `owner`.
    Times are seconds since 1970.
    """

    write: str
    kind: str
    begun: float
    operation: str
    arguments: JsonObject
    job: str
    owner: str
    event: str
    changed: float
    detail: JsonObject

    @property
    def open(self) -> bool:
        """Whether a process is at it, if it still runs."""
        return self.event in OPEN


class Duplicate(Exception):
    """The same write was begun before; `entry` is that one."""

    def __init__(self, entry: Entry) -> None:
        super().__init__(entry.write)
        self.entry = entry


class WriteLog:
    """The log of one account. `folder` None keeps it in memory."""

    def __init__(self, folder: Path | None, account: str, clock: Clock) -> None:
        self._folder = folder
        self._account = account
        self._clock = clock
        # Commits wait for the disk: a write that was forgotten by a power cut could be sent twice.
        self._db = state.open_database(folder, FILE, SCHEMA, durable=True)
        self._close_file = weakref.finalize(self, self._db.close)
        self._in_hand: set[str] = set()
        try:
            self._owner = Owner(folder)
        except StateError:
            self._close_file()
            raise

    def close(self) -> None:
        """Close the file."""
        self._close_file()
        self._owner.release()

    @contextmanager
    def _step(self) -> Generator[float]:
        try:
            with state.transaction(self._db):
                yield self._clock.now()
        except sqlite3.Error as error:
            raise StateError(state.words(self._folder, FILE, error)) from None

    # --- writing ------------------------------------------------------------------------------------------

    def begin(self, operation: str, arguments: Mapping[str, Any], *, guard: bool, job: str = "") -> str:
        """Note a write that is about to leave; returns its name.

        With `guard` an identical write that is under way, was done in the last two minutes, or came to an unknown end
        raises `Duplicate` instead.
        """
        return self._begin("begun", operation, arguments, guard=guard, job=job)

    def begin_job(self, operation: str, arguments: Mapping[str, Any], *, guard: bool) -> str:
        """Note a bulk job before its first chunk; returns its id. `guard` as for `begin`."""
        return self._begin("job", operation, arguments, guard=guard)

    def _begin(
        self, event: Event, operation: str, arguments: Mapping[str, Any], *, guard: bool, job: str = ""
    ) -> str:
        given = kept(arguments)
        same = digest(operation, given)
        with self._step() as now:
            if guard and (twin := self._twin(operation, same, now)):
                raise Duplicate(twin)
            write = self._add(now, event, operation=operation, digest=same, arguments=given, job=job)
        self._in_hand.add(write)
        return write

    def end(self, write: str, event: Event, detail: Mapping[str, Any] | None = None) -> None:
        """Note what came of a write. Where that fails it stays open, so that it is looked at before it is repeated."""
        self._in_hand.discard(write)
        try:
            with self._step() as now:
                self._add(now, event, write=write, detail=kept(detail or {}))
        except StateError as error:
            # What the write did is done all the same, and is what the caller must hear.
            logger.warning("the end (%s) of write %s was not noted: %s", event, write, error)

    def take_up(self, job: str) -> Entry | None:
        """Note that this process goes on with a job; None, and nothing is noted, while another has it in hand."""
        with self._step() as now:
            found = self.entry(job)
            if found is None or (found.open and self.alive(found)):
                return None
            self._add(now, "resumed", write=job)
        self._in_hand.add(job)
        return found

    def _add(self, now: float, event: str, **values: Any) -> str:
        write: str = values.pop("write", "") or uuid4().hex[:12]
        row = {"write": write, "account": self._account, "at": now, "event": event, "owner": self._owner.name}
        row |= {
            name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value
            for name, value in values.items()
        }
        places = ", ".join("?" * len(row))
        self._db.execute(f"INSERT INTO log ({', '.join(row)}) VALUES ({places})", tuple(row.values()))
        return write

    # --- reading ------------------------------------------------------------------------------------------

    def _twin(self, operation: str, same: str, now: float) -> Entry | None:
        found = self._select(
            "operation = ? AND digest = ? AND ((event = 'done' AND changed > ?)"
            " OR (event IN ('begun', 'unknown', 'job', 'resumed', 'paused') AND begun > ?)) AND job = ''"
            " ORDER BY seq DESC LIMIT 1",
            operation, same, now - REPEATED, now - UNCLEAR,
        )  # fmt: skip
        return found[0] if found else None

    def entry(self, write: str) -> Entry | None:
        """One write or job of this account."""
        found = self._select("write = ?", write)
        return found[0] if found else None

    def of_job(self, job: str) -> list[Entry]:
        """The chunks of a job, in order."""
        return self._select("job = ? ORDER BY seq", job)

    def made(self, operation: str) -> set[str]:
        """Ids of what earlier writes of this operation are known to have made, lately."""
        done = self._select(
            "operation = ? AND event = 'done' AND changed > ?", operation, self._clock.now() - UNCLEAR
        )
        return {str(each.detail["id"]) for each in done if each.detail.get("id") is not None}

    def unfinished(self, limit: int = 50) -> list[Entry]:
        """Jobs that are not done, and single writes whose process died on them; newest first."""
        rows = self._select(
            "job = '' AND event IN ('begun', 'job', 'resumed', 'paused') ORDER BY seq DESC LIMIT ?", limit
        )
        return [row for row in rows if row.kind == "job" or not (row.open and self.alive(row))]

    def finished_jobs(self, limit: int = 10) -> list[Entry]:
        """The last jobs that were done, newest first."""
        return self._select("kind = 'job' AND event IN ('done', 'unknown') ORDER BY seq DESC LIMIT ?", limit)

    def ago(self, entry: Entry) -> int:
        """Whole seconds since a write or job was begun."""
        return max(0, round(self._clock.now() - entry.begun))

    def alive(self, entry: Entry) -> bool:
        """Whether the process that has it in hand still runs; of our own, whether we really have it in hand."""
        if entry.owner == self._owner.name:
            return entry.write in self._in_hand
        return self._owner.alive(entry.owner)

    def _select(self, where: str, *values: Any) -> list[Entry]:
        query = f"SELECT {COLUMNS} FROM writes WHERE account = ? AND {where}"
        try:
            rows = self._db.execute(query, (self._account, *values)).fetchall()
        except sqlite3.Error as error:
            raise StateError(state.words(self._folder, FILE, error)) from None
        return [_entry(row) for row in rows]


def _entry(row: tuple[Any, ...]) -> Entry:
    write, kind, begun, operation, arguments, job, owner, event, changed, detail = row
    return Entry(
        write, kind, begun, operation, json.loads(arguments), job, owner, event, changed, json.loads(detail)
    )


def kept(values: Mapping[str, Any]) -> JsonObject:
    """JSON values without secrets."""
    return cast("JsonObject", masked(jsonable(values)))


def without_secrets(text: str, arguments: Any) -> str:
    """A text of TaskIP, which may repeat what was sent, without the secrets among the arguments."""
    if isinstance(arguments, list):
        for each in cast("list[Any]", arguments):
            text = without_secrets(text, each)
    if isinstance(arguments, Mapping):
        for name, value in cast("Mapping[str, Any]", arguments).items():
            secret = is_secret(name) and isinstance(value, str) and value
            text = text.replace(value, HIDDEN) if secret else without_secrets(text, value)
    return text


def digest(operation: str, arguments: JsonObject) -> str:
    """What makes two writes the same: the operation and its arguments, without those that were left out."""
    given = {name: value for name, value in arguments.items() if value is not None}
    text = json.dumps([operation, given], sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


class Owner:
    """This process, as others can see it: the lock on its file goes with it, however it ends."""

    def __init__(self, folder: Path | None) -> None:
        self.name = uuid4().hex
        self._folder = folder / "owners" if folder else None
        self._lock: FileLock | None = None
        if self._folder:
            try:
                self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._sweep()
                self._lock = FileLock(self._folder / self.name, mode=0o600)
                self._lock.acquire()
            except OSError as error:
                raise StateError(state.words(folder, "owners", error)) from None

    def _sweep(self) -> None:
        """Remove what killed processes left. A young file may belong to one that is just about to lock it."""
        for file in self._folder.iterdir() if self._folder else ():
            try:
                old = time.time() - file.stat().st_mtime > SWEPT
            except FileNotFoundError:  # another process was faster
                continue
            if old:
                self.alive(file.name)

    def alive(self, name: str) -> bool:
        """Whether the process of that name still runs."""
        if name == self.name:
            return True
        if self._folder is None or not (self._folder / name).exists():
            return False
        try:
            with FileLock(self._folder / name, mode=0o600, timeout=0):
                (self._folder / name).unlink(missing_ok=True)
        except Timeout:
            return True
        return False

    def release(self) -> None:
        """The process is about to end in order."""
        if self._lock and self._folder:
            self._lock.release()
            (self._folder / self.name).unlink(missing_ok=True)
