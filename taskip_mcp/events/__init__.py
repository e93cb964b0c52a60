"""What TaskIP tells by webhook: kept as it came, believed only after the record was read.

TaskIP documents 19 events, one of their bodies, no signature and no retries (reference, Webhooks). So a delivery is an
untrusted hint: `receiver` takes it, a store keeps it, `feed` shows it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

EVENTS: Mapping[str, tuple[str, ...]] = {
    "contact": ("created", "updated", "deleted"),
    "company": ("created", "updated", "deleted"),
    "invoice": ("created", "sent", "paid"),
    "quotation": ("created", "accepted", "rejected"),
    "ticket": ("created", "assigned", "resolved"),
    "project": ("created", "completed"),
    "task": ("created", "completed"),
}
"""Group -> what happens in it, as the API reference lists it (19 events)."""

LONGEST_ID = 100
"""Characters; what is longer is no id of TaskIP (identifiers in `wire` are as long at most)."""


@dataclass(frozen=True, slots=True)
class Event:
    """One delivery. `seq` grows with each that is kept, and is the cursor; `at` is when it came (seconds since 1970).

    `body` is what was sent. `name` is its ``event``, whether or not the reference knows it.
    """

    seq: int
    at: float
    name: str
    body: Mapping[str, Any]

    @property
    def group(self) -> str:
        """The group that the name tells."""
        return self.name.partition(".")[0]

    @property
    def known(self) -> bool:
        """Whether the reference lists it."""
        group, _, what = self.name.partition(".")
        return what in EVENTS.get(group, ())

    @property
    def record(self) -> str:
        """The id of the record it is about, as far as one can tell from ``data``; empty otherwise.

        Documented is ``{"invoice_id": 123, ...}`` for one event; the others are read in the same spirit.
        """
        data: Any = self.body.get("data")
        if not isinstance(data, Mapping):
            return ""
        fields = cast("Mapping[str, Any]", data)
        found = next((fields[name] for name in (f"{self.group}_id", "id", "uuid") if name in fields), None)
        if isinstance(found, bool) or not isinstance(found, int | str):
            return ""
        text = str(found)
        return text if len(text) <= LONGEST_ID else ""


class EventStore(Protocol):
    """Where events are kept; SQLite in the state directory, or a stream of a server that many share."""

    async def add(self, raw: bytes, name: str) -> int | None:
        """Keep a delivery; its `seq`, or None if the very same body is there already. Raises `StateError`."""
        ...

    async def after(
        self,
        seq: int,
        *,
        names: Sequence[str] = (),
        groups: Sequence[str] = (),
        record: str = "",
        limit: int = 100,
    ) -> Sequence[Event]:
        """Events behind a cursor, oldest first."""
        ...

    async def since(self, at: float) -> int:
        """The cursor before the first event that came at this time or later."""
        ...

    async def last(self) -> int:
        """The cursor behind the last event; 0 if there is none."""
        ...

    async def changed(self, seq: int, seconds: float) -> bool:
        """Wait until there is an event behind a cursor, also one that another process kept; False after `seconds`."""
        ...

    async def aclose(self) -> None:
        """Close it."""
        ...
