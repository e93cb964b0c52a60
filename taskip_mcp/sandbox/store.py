"""The sandbox's store: JSON records in SQLite, in memory or in a file."""

from __future__ import annotations

import json
import re
import sqlite3
import weakref
from collections.abc import Callable, Generator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Row = dict[str, Any]
"""A record: its fields plus ``id``, ``uuid``, ``parent``, ``created_at`` and ``updated_at`` (ISO)."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    kind TEXT NOT NULL, id INTEGER NOT NULL, uuid TEXT NOT NULL, parent INTEGER, data TEXT NOT NULL,
    PRIMARY KEY (kind, id)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_uuid ON records (kind, uuid);
CREATE INDEX IF NOT EXISTS records_parent ON records (kind, parent);
CREATE TABLE IF NOT EXISTS sequences (kind TEXT PRIMARY KEY, last INTEGER NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class Change:
    """A record before and after it was written; None where there is none."""

    kind: str
    before: Row | None
    after: Row | None


class Store:
    """Records by kind. Ids count up per kind and are never used again, as in TaskIP's database."""

    def __init__(self, path: str | None, clock: Callable[[], datetime]) -> None:
        """`path` None keeps everything in memory; `clock` gives aware UTC times."""
        self._clock = clock
        self._db = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False)
        # A sandbox has no moment of its own to say goodbye; the database closes with its store.
        self.close = weakref.finalize(self, self._db.close)
        self._db.executescript(SCHEMA)
        self._changes: list[Change] = []

    @property
    def now(self) -> datetime:
        """The clock's present."""
        return self._clock()

    @property
    def empty(self) -> bool:
        """Whether nothing was stored yet."""
        return self._db.execute("SELECT 1 FROM sequences LIMIT 1").fetchone() is None

    @contextmanager
    def transaction(self) -> Generator[list[Change]]:
        """All or nothing: an exception undoes every change since the start. Yields the changes as they come."""
        self._db.execute("BEGIN")
        self._changes = changes = []
        try:
            yield changes
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def insert(self, kind: str, data: Mapping[str, Any], *, parent: int | None = None) -> Row:
        """Store a new record and return it; `created_at` in `data` overrides the clock (for seeds)."""
        self._db.execute(
            "INSERT INTO sequences VALUES (?, 1) ON CONFLICT (kind) DO UPDATE SET last = last + 1", (kind,)
        )
        (number,) = self._db.execute("SELECT last FROM sequences WHERE kind = ?", (kind,)).fetchone()
        stamp = self.now.isoformat()
        uuid = str(data.get("uuid") or f"{kind.replace('_', '-')}-{number:04d}-{number * 7919 % 65536:04x}")
        row: Row = {
            "created_at": stamp,
            "updated_at": stamp,
            **data,
            "id": number,
            "uuid": uuid,
            "parent": parent,
        }
        row["updated_at"] = data.get("updated_at") or row["created_at"]
        self._db.execute(
            "INSERT INTO records VALUES (?, ?, ?, ?, ?)", (kind, number, uuid, parent, json.dumps(row))
        )
        self._note(kind, None, row)
        return row

    def get(self, kind: str, key: Any) -> Row | None:
        """A record by integer id or uuid."""
        # More digits than the database's integers hold, or other digits than ours, are nobody's id.
        column = "id" if re.fullmatch("[0-9]{1,18}", str(key)) else "uuid"
        found = self._db.execute(
            f"SELECT data FROM records WHERE kind = ? AND {column} = ?", (kind, str(key))
        ).fetchone()
        return json.loads(found[0]) if found else None

    def rows(self, kind: str, *, parent: int | None = None, **equal: Any) -> list[Row]:
        """Records of a kind in order of id, of one parent if given, whose fields equal `equal`."""
        query, values = "SELECT data FROM records WHERE kind = ?", [kind]
        if parent is not None:
            query, values = query + " AND parent = ?", [kind, parent]
        found = [json.loads(data) for (data,) in self._db.execute(query + " ORDER BY id", values)]
        return [row for row in found if all(row.get(name) == value for name, value in equal.items())]

    def update(self, kind: str, number: int, changes: Mapping[str, Any]) -> Row:
        """Change fields of a record and return it."""
        row = self.get(kind, number)
        assert row is not None, f"{kind} {number}"
        before = dict(row)
        row |= {"updated_at": self.now.isoformat(), **changes}
        self._db.execute(
            "UPDATE records SET data = ?, parent = ? WHERE kind = ? AND id = ?",
            (json.dumps(row), row["parent"], kind, number),
        )
        self._note(kind, before, row)
        return row

    def delete(self, kind: str, number: int) -> None:
        """Remove a record; cascades are the caller's business."""
        if (before := self.get(kind, number)) is not None:
            self._note(kind, before, None)
        self._db.execute("DELETE FROM records WHERE kind = ? AND id = ?", (kind, number))

    def _note(self, kind: str, before: Row | None, after: Row | None) -> None:
        if self._db.in_transaction:
            self._changes.append(Change(kind, before, after))

    def dump(self) -> bytes:
        """The whole database."""
        return self._db.serialize()

    def restore(self, image: bytes) -> None:
        """Become what `dump` returned."""
        with closing(sqlite3.connect(":memory:")) as source:
            source.deserialize(image)
            source.backup(self._db)
