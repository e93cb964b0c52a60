"""What became of a write whose answer was lost: it is not repeated, TaskIP is looked at.

A create is searched by its natural key, an update or a delete is read back. The finding is ``done``, ``not_done`` or
``unknown``, never a guess: a record that only may be the one leaves it unknown and is named.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from taskip_mcp import compare, errors, records
from taskip_mcp import operation as operations
from taskip_mcp.operation import Consequence, Effect, Operation
from taskip_mcp.results import Page, Record
from taskip_mcp.wire import dig

if TYPE_CHECKING:
    from taskip_mcp.call import Call
from taskip_mcp.facts import Found

logger = logging.getLogger(__name__)

Verdict = Literal["done", "not_done", "unknown"]

SLACK = 60.0
"""Seconds that TaskIP's clock and ours may differ, and by which a relative age is rounded."""

GRAIN = 3.0
"""Seconds by which a clock of whole seconds, the way of an answer and a rounded age may be off together."""

SHIFTING = frozenset({"order"})
"""Arguments that TaskIP renumbers after the change, so that another value proves nothing."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict, what was looked at in words, the record where there is one; for a list of ids, each verdict.

    `failed` says that the look itself failed, so that another one may tell more.
    """

    verdict: Verdict
    looked: str
    record: Record = field(default_factory=lambda: Record())
    items: Mapping[Any, Verdict] = field(default_factory=lambda: dict[Any, Verdict]())
    failed: bool = False

    @property
    def id(self) -> Any:
        """The record's id or uuid."""
        return _id(self.record)


async def look(call: Call, since: float) -> Finding:
    """Find out what a write did that was begun at `since` (seconds since 1970). Reads only."""
    call.seen.clear()  # each look is a new one
    try:
        if call.operation.found:
            return await _search(call, call.operation.found, since)
        if call.operation.effect is Effect.UPDATE:
            return await _compare(call, since)
        if call.operation.effect is Effect.DELETE:
            return await _gone(call)
        if call.operation.chunk:
            return await look_at_each(call, call.arguments[call.operation.chunk])
        return await _target(call)
    except errors.TaskipError as error:
        return Finding("unknown", f"it, but that failed too: {_reason(error)}", failed=True)


def _reason(error: errors.TaskipError) -> str:
    """Why the look failed, without what the error says of changes and repeating: that would be about the look."""
    return error.message if isinstance(error, errors.ApiError) else str(error).partition(". ")[0]


# --- creates and messages ---------------------------------------------------------------------------------


async def _search(call: Call, found: Found, since: float) -> Finding:
    reader = operations.find(found.read)
    rows, whole = await _rows(call, reader, found)
    before = call.backend.log.made(call.operation.contract)
    matched = [(row, _matches(call, found, row)) for row in rows if str(_id(row)) not in before]
    own = [(row, sure is True and _fits(call, found, row)) for row, sure in matched if sure is not False]
    where = f"{reader.name}, by {' and '.join(_words(found))}"
    if not own:
        if whole:
            return Finding("not_done", f"{where}: no such record")
        return Finding("unknown", f"{where}: not among those that it shows, which need not be all")
    return _judge(call, own, found, where, since)


def _judge(call: Call, own: Sequence[tuple[Record, bool]], found: Found, where: str, since: float) -> Finding:
    """Tell the record that was just made from one that had been there; `own` says of each whether all agreed."""
    now, window = _times(call, since)
    aged = [(row, sure, _age(row, found.age, now)) for row, sure in own]
    possible = [(row, sure, age) for row, sure, age in aged if age is None or age[0] <= window + SLACK]
    if not possible:
        return Finding("not_done", f"{where}: only an older record (id {_id(own[-1][0])})", own[-1][0])
    new = [row for row, sure, age in possible if sure and age is not None and _since(age, window)]
    # One that was repeated on purpose has a twin that was made before it, maybe just now as well.
    if len(new) == 1 and (found.unique or not call.again):
        return Finding("done", f"{where}: the record is there, made just now", new[0])
    row, sure, age = possible[-1]
    # Nobody else has this key: it may be older than our clock says, but not by how much nobody knows.
    if found.unique and sure and len(possible) == 1 and (age is not None or not found.age):
        return Finding("done", f"{where}: the record is there", row)
    ids = ", ".join(str(_id(each)) for each, _, _ in possible[:5])
    return Finding("unknown", f"{where}: {len(possible)} that may be it (id {ids})", row)


def _age(row: Record, name: str, now: float) -> tuple[float, float] | None:
    return compare.age(dig(row, name), now) if name else None


def _times(call: Call, since: float) -> tuple[float, float]:
    """Now by TaskIP's clock, and the seconds since the write left."""
    client = call.backend.client
    return client.now(), client.clock.now() - since


def _since(age: tuple[float, float], window: float) -> bool:
    """After the write left for certain, and not in a future that only another zone explains."""
    return age[0] >= -SLACK and age[1] <= window + GRAIN


def _id(row: Record) -> Any:
    """Its id; a column of a board has only another name for it, a pipeline only a uuid."""
    return next((row[name] for name in ("id", "uuid", "container_id") if row.get(name) is not None), None)


def _words(found: Found) -> list[str]:
    return [name.replace("_", " ") for name in found.match]


async def _rows(call: Call, reader: Operation, found: Found) -> tuple[list[Record], bool]:
    """The rows that may be it, and whether these are all."""
    path = {name: call.arguments[name] for name, _ in reader.reference.placeholders}
    asked = {
        name: source[1:] if source.startswith("=") else call.arguments.get(source)
        for name, source in found.query.items()
    }
    query = {name: value for name, value in asked.items() if value is not None}
    result = await call.read(reader.contract, **path, **query)
    if not isinstance(result, Page):
        return _nested([cast("Record", result)], found.rows)
    rows, whole = _nested(result.items, found.rows) if found.rows else (list(result.items), True)
    # Newest first is as good as all of them.
    return rows, whole and (result.next_page is None or query.get("order") == "desc")


def _nested(rows: Sequence[Record], name: str) -> tuple[list[Record], bool]:
    """The rows inside, and whether all have them: the record of an older route shows none (contract ticket.get)."""
    inner = [cast("list[Any]", row[name]) for row in rows if isinstance(row.get(name), list)]
    found = [cast("Record", each) for items in inner for each in items if isinstance(each, dict)]
    return found, len(inner) == len(rows)


def _matches(call: Call, found: Found, row: Record) -> bool | None:
    """Whether the row shows what was sent; None where some of it cannot be compared."""
    verdicts: set[bool | None] = set()
    for argument, name in found.match.items():
        sent: Any = call.arguments.get(argument)
        if isinstance(sent, list):  # of several recipients the first one shows
            sent = cast("list[Any]", sent)[0]
        shown = dig(row, name)
        if sent is not None:
            verdicts.add(None if shown is None else compare.agrees(sent, shown))
    return False if False in verdicts else (None if None in verdicts else True)


def _fits(call: Call, found: Found, row: Record) -> bool:
    """Whether nothing else that was sent is shown otherwise; what the row does not show says nothing."""
    rest = [name for name in call.given if name not in found.match]
    return all(shown(call.operation, row, name, call.given[name]) is not False for name in rest)


# --- updates ----------------------------------------------------------------------------------------------


async def _compare(call: Call, since: float) -> Finding:
    """Read the record back and compare what was to change.

    What it shows may have been so before. It is done for certain where all is as sent, or where the record says itself
    that it was changed just now.
    """
    record, where = await _record(call)
    if record is None:
        return Finding("unknown", where)
    wanted = call.given | dict.fromkeys(cast("list[str]", call.arguments.get("clear") or []))
    told = {name: shown(call.operation, record, name, value) for name, value in wanted.items()}
    wrong, right, hidden = (
        ", ".join(name for name, verdict in told.items() if verdict is kind) for kind in (False, True, None)
    )
    if wrong:
        return Finding("not_done", f"{where}: {wrong} not as sent", record)
    if right and not hidden:
        return Finding("done", f"{where}: it shows {right} as sent", record)
    if not right:
        return Finding("unknown", f"{where}: it does not show what was to change", record)
    now, window = _times(call, since)
    changed = _age(record, "updated_at", now)
    if changed and _since(changed, window):
        return Finding("done", f"{where}: it shows {right} as sent and was changed just now", record)
    return Finding("unknown", f"{where}: it shows {right} as sent, but {hidden} cannot be seen there", record)


def shown(operation: Operation, record: Record, name: str, value: Any) -> bool | None:
    """Whether the record shows the argument; None when it has no field for it."""
    if name in SHIFTING or isinstance(value, Mapping):
        return None
    place = operation.shows.get(name, "")
    if place[:1] in {"+", "-"}:
        rows = dig(record, place[1:])
        if not isinstance(rows, list):
            return None
        there = any(compare.agrees(value, row) for row in cast("list[Any]", rows))
        return there is (place[0] == "+")
    stem = name.removesuffix("_ids").removesuffix("_id")
    for field_ in (place,) if place else (name, stem, stem + "s"):
        found = dig(record, field_)
        if found is not None or (value is None and field_ in record):
            return compare.agrees(value, found)
    return None


# --- deletes ----------------------------------------------------------------------------------------------


async def _gone(call: Call) -> Finding:
    try:
        record, where = await _record(call)
    except errors.MissingError:
        return Finding("done", "the record: it is gone")
    if record is None:
        return Finding("unknown", where)
    return Finding("not_done", f"{where}: the record is still there", record)


# --- lists of ids -----------------------------------------------------------------------------------------


async def look_at_each(call: Call, ids: Sequence[Any]) -> Finding:
    """Read each record of a bulk call; the verdict is ``done`` or ``not_done`` only where it is the same for all."""
    call.seen.clear()  # what was read before shows nothing of what the write did
    found: dict[Any, Verdict] = dict.fromkeys(ids, "unknown")
    failed: list[Any] = []

    async def one(number: Any) -> None:
        try:
            found[number] = await _each(call, number)
        except errors.TaskipError:
            failed.append(number)
        except Exception:  # it would hide what became of the others
            logger.exception("the look at %s %s failed", call.operation.contract, number)
            failed.append(number)

    await records.at_once(ids, one)
    count = {verdict: list(found.values()).count(verdict) for verdict in ("done", "not_done", "unknown")}
    verdicts = set(found.values())
    same = verdicts.pop() if len(verdicts) == 1 else "unknown"
    where = f"each of the {len(ids)} records: {count['done']} done, {count['not_done']} not, {count['unknown']} unknown"
    return Finding(same, where, items=found, failed=bool(failed))


async def _each(call: Call, number: Any) -> Verdict:
    """What became of one record of a bulk call."""
    parameter = call.operation.chunk[:-1]
    reader = operations.reader_of(parameter)
    deletes = Consequence.DELETE in call.operation.consequences(call.arguments)
    try:
        record = await records.find(call, reader, parameter, number) if reader else None
    except errors.MissingError:
        return "done" if deletes else "unknown"
    except (errors.RouteError, errors.ForbiddenError):  # it would be so at any other time
        return "unknown"
    if record is None:
        return "unknown"
    return "not_done" if deletes else _took(call, record)


def _took(call: Call, record: Record) -> Verdict:
    """Whether a record shows what the bulk call was to set."""
    for name, place in call.operation.shows.items():
        where, _, fixed = place.partition("=")
        value = fixed if name == call.arguments.get("action") else call.arguments.get(name)
        if value is None:
            continue
        shown = dig(record, where.lstrip("+"))
        rows = cast("list[Any]", shown if isinstance(shown, list) else [shown])
        verdicts = [compare.agrees(value, row) for row in rows]
        if any(verdicts):
            return "done"
        if rows and None not in verdicts:
            return "not_done"
    return "unknown"


async def _target(call: Call) -> Finding:
    """A message leaves no trace that can be relied on; show at least the state of its record."""
    record, where = await _record(call)
    status = f": status {record['status']}" if record and record.get("status") else ""
    return Finding("unknown", f"{where}{status}, which does not tell", record or Record())


async def _record(call: Call) -> tuple[Record | None, str]:
    """The record that the call is about, by the read or the list that shows it; raises `MissingError`."""
    path = [name for name, _ in call.operation.routes[0].placeholders]
    # What a DELETE names in its body is what goes; the path leads there.
    inner = [name for name in call.given if operations.reader_of(name)]
    named = inner if call.operation.effect is Effect.DELETE and inner else path
    reader = operations.reader_of(named[-1]) if named else None
    if reader is None:
        return None, "TaskIP has no read that would show it"
    value = call.arguments[named[-1]]
    return await records.find(call, reader, named[-1], value), f"{reader.name} {value}"
