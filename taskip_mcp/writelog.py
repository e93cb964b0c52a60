"""The write log: every write, before it leaves and when it is known what came of it. It is the journal, too.

One append-only table. A write is an event ``begun`` and what follows it: ``done``, ``not_done`` or ``unknown``; a
bulk job is ``job``, ``resumed``, ``paused``, ``done``, and its chunks are writes. The last event counts. The first one
holds how the write was confirmed, for which client, and what was there before. The guard against duplicates, the jobs
and the journal are views of it. Beside it the confirmations that were used, and the previews that were shown. Secrets
never come in.
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import weakref
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from taskip_mcp import gone, state
from taskip_mcp.clock import Clock
from taskip_mcp.entries import Confirmation, Duplicate, Entry, Event
from taskip_mcp.errors import RefusedError, StateError
from taskip_mcp.owner import Owner
from taskip_mcp.redact import HIDDEN, is_secret, masked
from taskip_mcp.wire import JsonObject, jsonable

logger = logging.getLogger(__name__)

FILE = "writes.sqlite3"

REPEATED = 120.0
"""Seconds after a write in which an identical one is taken for a repetition."""

DAY = 86_400.0

REMEMBERED = DAY
"""Seconds for which a preview counts as the one that was confirmed."""

UNCLEAR = DAY
"""Seconds for which a write of unknown outcome is looked up before an identical one goes out."""

USED = "The confirmation was used already: one is good for one call."

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
CREATE TABLE IF NOT EXISTS used (nonce TEXT PRIMARY KEY, until REAL NOT NULL);
CREATE TABLE IF NOT EXISTS undone (write TEXT NOT NULL, undo TEXT PRIMARY KEY);
CREATE INDEX IF NOT EXISTS undone_write ON undone (write);
CREATE TABLE IF NOT EXISTS shown (
    call TEXT NOT NULL, client TEXT NOT NULL, version TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (call, client)
);
CREATE VIEW IF NOT EXISTS journal AS
    SELECT first.seq, first.write, first.event AS kind, first.account, first.at AS begun, first.operation,
        first.digest, first.arguments, first.job, first.detail AS opening, last.owner, last.event, last.at AS changed,
        last.detail
    FROM log AS first JOIN log AS last ON last.seq = (SELECT MAX(seq) FROM log WHERE write = first.write)
    WHERE first.event IN ('begun', 'job');
"""
COLUMNS = "write, kind, begun, operation, arguments, job, opening, owner, event, changed, detail"
JSON_COLUMNS = [COLUMNS.split(", ").index(name) for name in ("arguments", "opening", "detail")]

UNFINISHED = 30
"""Days for which what was begun and never ended is kept beyond the journal's."""

SWEEP = """
DELETE FROM log WHERE write IN (
    SELECT write FROM journal
    WHERE ((changed < :before AND event IN ('done', 'not_done', 'unknown')) OR changed < :abandoned)
    AND job NOT IN (
        SELECT write FROM journal WHERE kind = 'job' AND changed >= :abandoned
        AND (changed >= :before OR event IN ('job', 'resumed', 'paused'))
    )
)
"""
"""What is over for so long, and what nobody has ended for longer. The chunks of a job go with the job."""


class WriteLog:
    """The log of one account. `folder` None keeps it in memory; what is over for `days` is forgotten."""

    def __init__(self, folder: Path | None, account: str, clock: Clock, days: int = 90) -> None:
        self._folder = folder
        self._account = account
        self._clock = clock
        # Commits wait for the disk: a write that was forgotten by a power cut could be sent twice.
        self._db = state.open_database(folder, FILE, SCHEMA, durable=True)
        self._close_file = weakref.finalize(self, self._db.close)
        self._in_hand: set[str] = set()
        try:
            self._owner = Owner(folder)
            self._days, self._swept = days, 0.0
            with self._step() as now:
                self._sweep(now)
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

    def begin(
        self,
        operation: str,
        arguments: Mapping[str, Any],
        *,
        guard: bool,
        job: str = "",
        confirmation: Confirmation | None = None,
        before: JsonObject | None = None,
        same: Sequence[Mapping[str, Any]] = (),
    ) -> str:
        """Note a write that is about to leave, with what was there `before`; returns its name.

        `same` are other forms of the arguments that would be the same write. With `guard` an identical write that is
        under way, was done in the last two minutes (unless what it made was deleted since), or came to an unknown end
        raises `Duplicate` instead. The nonce of the confirmation is consumed in the same transaction; one that was
        used raises `RefusedError`, and nothing is noted.
        """
        return self._begin("begun", operation, arguments, guard, confirmation, before, job, same)

    def begin_job(
        self,
        operation: str,
        arguments: Mapping[str, Any],
        *,
        guard: bool,
        confirmation: Confirmation | None = None,
    ) -> str:
        """Note a bulk job before its first chunk; returns its id. `guard` and `confirmation` as for `begin`."""
        return self._begin("job", operation, arguments, guard, confirmation, None, "", ())

    def _begin(
        self,
        event: Event,
        operation: str,
        arguments: Mapping[str, Any],
        guard: bool,
        confirmation: Confirmation | None,
        before: JsonObject | None,
        job: str,
        forms: Sequence[Mapping[str, Any]],
    ) -> str:
        given = kept(arguments)
        same = digest(operation, given)
        confirmation = confirmation or Confirmation()
        opening = kept(confirmation.opening(before or {}))
        with self._step() as now:
            if now - self._swept > DAY:
                self._sweep(now)
            self._use(confirmation)
            others = [digest(operation, kept(each)) for each in forms]
            twin = self._twin(operation, [same, *others], now) if guard else None
            fields: JsonObject = {"operation": operation, "digest": same, "arguments": given, "job": job}
            write = "" if twin else self._add(now, event, **fields, detail=opening)
            if write and confirmation.undoes:
                self._db.execute(
                    "INSERT INTO undone (write, undo) VALUES (?, ?)", (confirmation.undoes, write)
                )
        # Used up also where nothing is sent: what it confirmed was done.
        confirmation.nonce = ""
        if twin:
            raise Duplicate(twin)
        self._in_hand.add(write)
        return write

    def _sweep(self, now: float) -> None:
        """Forget what is older than the journal keeps, within a step."""
        self._swept = now
        old = now - self._days * DAY
        self._db.execute(SWEEP, {"before": old, "abandoned": old - UNFINISHED * DAY})
        self._db.execute("DELETE FROM used WHERE until < ?", (now,))
        self._db.execute("DELETE FROM undone WHERE undo NOT IN (SELECT write FROM log)")

    def _use(self, confirmation: Confirmation) -> None:
        """Consume the nonce, within the transaction that notes the write."""
        if not confirmation.nonce:
            return
        new = self._db.execute(
            "INSERT OR IGNORE INTO used (nonce, until) VALUES (?, ?)",
            (confirmation.nonce, confirmation.expires + DAY),
        )
        if not new.rowcount:
            raise RefusedError(USED)

    def end(self, write: str, event: Event, detail: Mapping[str, Any] | None = None) -> None:
        """Note what came of a write. Where that fails it stays open, so that it is looked at before it is repeated."""
        self._in_hand.discard(write)
        try:
            with self._step() as now:
                self._add(now, event, write=write, detail=kept(detail or {}))
        except StateError as error:
            # What the write did is done all the same, and is what the caller must hear.
            logger.warning("the end (%s) of write %s was not noted: %s", event, write, error)

    def take_up(self, job: str, confirmation: Confirmation | None = None) -> Entry | None:
        """Note that this process goes on with a job; None, and nothing is noted, while another has it in hand."""
        confirmation = confirmation or Confirmation()
        with self._step() as now:
            found = self.entry(job)
            if found is None or (found.open and self.alive(found)):
                return None
            self._use(confirmation)
            self._add(now, "resumed", write=job, detail=kept(confirmation.opening({})))
        confirmation.nonce = ""
        self._in_hand.add(job)
        return found

    def spend(self, confirmation: Confirmation) -> None:
        """Consume a nonce that confirms nothing: the person said no."""
        with self._step():
            self._use(confirmation)
        confirmation.nonce = ""

    def used(self, nonce: str) -> bool:
        """Whether a confirmation was used."""
        return bool(self._read("SELECT 1 FROM used WHERE nonce = ?", nonce))

    def show(self, call: bytes, client: str, version: bytes) -> None:
        """Note that a client was shown a preview of this call, on this version of its target."""
        with self._step() as now:
            self._db.execute("DELETE FROM shown WHERE at < ?", (now - REMEMBERED,))
            self._db.execute(
                "INSERT OR REPLACE INTO shown VALUES (?, ?, ?, ?)", (call.hex(), client, version.hex(), now)
            )

    def shown(self, call: bytes, client: str) -> bytes | None:
        """The version on which the client was last shown a preview of this call, lately."""
        found = self._read(
            "SELECT version FROM shown WHERE call = ? AND client = ? AND at >= ?",
            call.hex(), client, self._clock.now() - REMEMBERED,
        )  # fmt: skip
        return bytes.fromhex(found[0][0]) if found else None

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

    def _twin(self, operation: str, same: Sequence[str], now: float) -> Entry | None:
        found = self._select(
            f"operation = ? AND digest IN ({', '.join('?' * len(same))}) AND ((event = 'done' AND changed > ?)"
            " OR (event IN ('begun', 'unknown', 'job', 'resumed', 'paused') AND begun > ?)) AND job = ''"
            " ORDER BY seq DESC",
            operation, *same, now - REPEATED, now - UNCLEAR,
        )  # fmt: skip
        return next((each for each in found if not gone.is_gone(each, self._after(each))), None)

    def _after(self, entry: Entry) -> Iterator[Entry]:
        """Writes that were begun after one that is done, and may be done themselves; read when asked for."""
        if entry.event == "done":
            yield from self._select(
                "kind = 'begun' AND event IN ('done', 'unknown') AND seq > (SELECT seq FROM journal WHERE write = ?)",
                entry.write,
            )

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

    def since(self, contracts: Collection[str], seconds: float) -> list[Entry]:
        """Writes of these operations that were begun in the last `seconds`, unless they were not done; newest first."""
        places = ", ".join("?" * len(contracts))
        return self._select(
            f"operation IN ({places}) AND kind = 'begun' AND event != 'not_done' AND begun >= ? ORDER BY seq DESC",
            *contracts, self._clock.now() - seconds,
        )  # fmt: skip

    def changes(
        self,
        *,
        since: float = 0.0,
        until: float | None = None,
        operation: str = "",
        before: str = "",
        limit: int = 50,
    ) -> list[Entry]:
        """Writes and jobs (not their chunks) that were begun within these times, newest first; `before` another."""
        return self._select(
            "job = '' AND begun >= ? AND begun < ? AND (? = '' OR operation = ?)"
            " AND (? = '' OR seq < (SELECT seq FROM journal WHERE write = ?)) ORDER BY seq DESC LIMIT ?",
            since, until or float("inf"), operation, operation, before, before, limit,
        )  # fmt: skip

    def undone(self, write: str) -> list[Entry]:
        """The writes and jobs that took it, or a part of it, back, but those that were taken back themselves."""
        found = self._select(
            "write IN (SELECT undo FROM undone WHERE write = ?) AND event = 'done' ORDER BY seq", write
        )
        return [each for each in found if not self.undone(each.write)]

    def ago(self, entry: Entry) -> int:
        """Whole seconds since a write or job was begun."""
        return max(0, round(self._clock.now() - entry.begun))

    def alive(self, entry: Entry) -> bool:
        """Whether the process that has it in hand still runs; of our own, whether we really have it in hand."""
        if entry.owner == self._owner.name:
            return entry.write in self._in_hand
        return self._owner.alive(entry.owner)

    def _select(self, where: str, *values: Any) -> list[Entry]:
        rows = self._read(
            f"SELECT {COLUMNS} FROM journal WHERE account = ? AND {where}", self._account, *values
        )
        return [_entry(row) for row in rows]

    def _read(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise StateError(state.words(self._folder, FILE, error)) from None


def _entry(row: tuple[Any, ...]) -> Entry:
    return Entry(*(json.loads(value) if at in JSON_COLUMNS else value for at, value in enumerate(row)))


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
