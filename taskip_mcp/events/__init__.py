"""What TaskIP tells by webhook: kept as it came, believed only after the record was read.

TaskIP documents 19 events, one of their bodies, no signature and no retries (reference, Webhooks). So a delivery is an
untrusted hint: `receiver` takes it, a store keeps it, `feed` shows it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

    `name` is the ``event`` that was sent, whether or not the reference knows it, and `data` what is of use of its
    ``data`` (`body.event_of`); the file has all that was sent.
    """

    seq: int
    at: float
    name: str
    data: Mapping[str, Any]

    @property
    def group(self) -> str:
        """The group that the name tells."""
        return group_of(self.name)

    @property
    def known(self) -> bool:
        """Whether the reference lists it."""
        return is_documented(self.name)

    @property
    def record(self) -> str:
        """The id of the record it is about, as far as one can tell from ``data``; empty otherwise.

        Documented is ``{"invoice_id": 123, ...}`` for one event; the others are read in the same spirit.
        """
        inside = self.data.get(self.group)
        within = cast("Mapping[str, Any]", inside).get("id") if isinstance(inside, Mapping) else None
        places = (self.data.get(f"{self.group}_id"), self.data.get("id"), self.data.get("uuid"), within)
        return next((text for value in places if (text := _identifier(value))), "")


def is_documented(name: str) -> bool:
    """Whether the reference lists an event of this name."""
    group, _, what = name.partition(".")
    return what in EVENTS.get(group, ())


def group_of(name: str) -> str:
    """The group that the name of an event tells."""
    return name.partition(".")[0]


def _identifier(value: Any) -> str:
    """A number or a text that could be an id; empty for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | str):
        return ""
    text = str(value)
    return text if len(text) <= LONGEST_ID else ""


class Keeper(Protocol):
    """What takes deliveries."""

    async def add(self, raw: bytes, name: str) -> int | None:
        """Keep a delivery; its `seq`, or None if the very same body is there already. Raises `StateError`."""
        ...


class Heard:
    """Keeps deliveries in a store. `arrived` hears the group of each, if TaskIP has such a group; `repeated` hears of
    each that is there already."""

    def __init__(
        self, store: Keeper, arrived: Callable[[str], None], repeated: Callable[[bytes, str], None]
    ) -> None:
        self._store, self._arrived, self._repeated = store, arrived, repeated

    async def add(self, raw: bytes, name: str) -> int | None:
        """See `EventStore.add`."""
        seq = await self._store.add(raw, name)
        if (group := group_of(name)) in EVENTS:
            self._arrived(group)
        if seq is None:
            self._repeated(raw, name)
        return seq


class EventStore(Keeper, Protocol):
    """Where events are kept; SQLite in the state directory, or a stream of a server that many share."""

    async def after(
        self,
        seq: int,
        *,
        names: Sequence[str] = (),
        groups: Sequence[str] = (),
        records: Sequence[str] = (),
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
