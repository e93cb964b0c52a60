"""Which events a call asks for: filters as the store takes them, and the cursor from which on.

A filter that can never find anything is refused, not answered with nothing: nothing would read as "it did not happen".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

from taskip_mcp import arguments, errors, names
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend
from taskip_mcp.events import EVENTS, EventStore, group_of, is_documented
from taskip_mcp.events.updates import cursor_at
from taskip_mcp.named import NUMBER
from taskip_mcp.wire import JsonObject

CURSOR = re.compile(r"c([0-9]{1,18})")

EITHER = frozenset({"project", "ticket"})
"""Groups whose records go by number or by uuid (contract, path parameters of their reads)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter. `records` are all ids by which a delivery may call the one record; `told` is how the caller does."""

    names: Sequence[str]
    groups: Sequence[str]
    records: Sequence[str]
    told: str = ""

    @property
    def words(self) -> str:
        """What is waited for."""
        what = ", ".join((*self.names, *self.groups)) or "any event"
        return f"{what} of {self.told}" if self.told else what


async def wanted(backend: Backend, event: str | None, group: str | None, record: str | None) -> Wanted:
    """Refuses what TaskIP does not report, unless it came all the same."""
    event, group = _as_documented(event), _as_documented(group)
    if event and group and group_of(event) != group:
        raise errors.ArgumentError(f"group: {errors.legible(event)} is none of {errors.legible(group)}.")
    made = Wanted([event] if event else [], [group] if group and not event else [], [], record or "")
    documented = is_documented(event) if event else not group or group in EVENTS
    if not documented and not await backend.events.after(0, names=made.names, groups=made.groups, limit=1):
        raise errors.ArgumentError(_unheard(event, group))
    if not record:
        return made
    ids = await _ids(backend, group_of(event or group or ""), record)
    return Wanted(made.names, made.groups, ids, record)


def _as_documented(name: str | None) -> str | None:
    """The name as the reference writes it, whatever its case."""
    low = (name or "").lower()
    return low if low in EVENTS or is_documented(low) else name


def _unheard(event: str | None, group: str | None) -> str:
    asked = group_of(event or group or "")
    there = [f"{name}.{what}" for name in EVENTS if name == asked for what in EVENTS[name]]
    which = f"the events are {', '.join(there)}" if there else f"the groups are {', '.join(EVENTS)}"
    return f"{errors.legible(event or group or '')}: TaskIP reports no such thing, and none came; {which}."


# --- of which record --------------------------------------------------------------------------------------


async def _ids(backend: Backend, group: str, record: str) -> Sequence[str]:
    """The ids of a record, which may be named."""
    if not group:
        raise errors.ArgumentError(
            "record: records of several groups have the same id. Give group or event as well."
        )
    if group not in EVENTS:
        return [record]
    if group == "task":
        if not (number := NUMBER.fullmatch(record.strip())):
            raise errors.ArgumentError("record: give the id of a task; list_tasks shows it.")
        return [number[1]]
    tool = operations.find(f"{group}.get")
    called = arguments.reference(tool, f"{group}_id", record, "record")
    given = await names.resolve(backend, tool, {"record": called})
    if group not in EITHER:
        return [str(given["record"])]
    try:
        return await names.sought(backend, tool, given, partial(_both, backend, group))
    except errors.MissingError:  # what is gone may still have been reported
        return [str(given["record"])]


async def _both(backend: Backend, group: str, given: JsonObject) -> Sequence[str]:
    """The number and the uuid of a record; raises `MissingError` where there is none."""
    identifier = str(given["record"])
    kind = "uuid" if identifier.isdigit() else "id"
    try:
        return [identifier, str(await backend.identifier(group, f"{group}_id", identifier, [kind]))]
    except (errors.UnsupportedError, errors.RouteError):  # TaskIP does not show it
        return [identifier]


# --- from when on -----------------------------------------------------------------------------------------


async def behind(store: EventStore, since: str) -> int:
    """The cursor that is meant: one that was answered, or the one before a moment."""
    text = since.strip()
    if found := CURSOR.fullmatch(text):
        if int(found[1]) > await store.last():
            raise errors.ArgumentError(
                f"since: {errors.legible(text)} is no cursor of this store; the server may have been set up anew. Give"
                " a time."
            )
        return int(found[1])
    try:
        moment = datetime.fromisoformat(text)
        at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        raise errors.ArgumentError(
            f"since: give a day (YYYY-MM-DD), a time (ISO 8601) or the cursor of an answer (got"
            f" {errors.legible(repr(since))})."
        ) from None
    return await cursor_at(store, at)
