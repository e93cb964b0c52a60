"""What a call is about: the records that it names, read for the preview, for the version and for the journal."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from taskip_mcp import errors, records
from taskip_mcp import operation as operations
from taskip_mcp.call import Call
from taskip_mcp.facts import Child
from taskip_mcp.operation import Effect
from taskip_mcp.pages import collect
from taskip_mcp.results import Page
from taskip_mcp.views import forms
from taskip_mcp.wire import JsonObject, jsonable

SHOWN = 10
"""Records that a preview reads and names; the count is always given."""

PAGES = 5
"""Pages of a list that are read for what goes with a target."""

# What changes without anybody changing the record: how long ago something was, how much of something there is, who has
# seen it (contract `conventions.dates`, schemas ticket, pipeline, project, inbox_conversation, meeting).
RELATIVE = re.compile(r"^\s*(an?|\d+)\s+\w+\s+(ago|from now)\s*$|^\s*just now\s*$", re.IGNORECASE)
RESTLESS = re.compile(
    r"(^|_)(count|counts)$|^(total|completed)_tasks$|^completion_percentage$|^stats$|^(is_)?(read|unread|seen|online)$"
    r"|^(read|seen|viewed|last_seen|last_viewed|last_login|last_active)_at$|^views?$|^activities$",
    re.IGNORECASE,
)

SIGNED = re.compile(r"^(https?://[^\s?]+)\?\S+$", re.IGNORECASE)
"""The query of an address that is the whole value: file stores sign it anew for each answer."""


@dataclass
class Target:
    """One record that a call names: as it was read, or a note why it was not."""

    parameter: str
    value: Any
    record: JsonObject | None = None
    note: str = ""

    @property
    def shown(self) -> JsonObject:
        """In brief, for the preview."""
        return brief(self.record, self.value) if self.record else {"id": self.value, "note": self.note}


@dataclass
class Sight:
    """What a call is about, at one moment. `count` is all that it names, `targets` what was read of that."""

    targets: list[Target] = field(default_factory=lambda: list[Target]())
    count: int = 0
    children: dict[str, list[JsonObject]] = field(default_factory=lambda: dict[str, list[JsonObject]]())
    partial: set[str] = field(default_factory=lambda: set[str]())
    state: Any = None
    reads: int = 0

    @property
    def version(self) -> str:
        """A digest of all that was seen, without what changes by itself."""
        seen = {
            "targets": [[each.parameter, each.value, each.record or each.note] for each in self.targets],
            "children": {
                words: sorted(str(_name(row)) for row in rows) for words, rows in self.children.items()
            },
            "state": self.state,
        }
        text = json.dumps(normal(jsonable(seen)), sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def blind(self) -> bool:
        """Whether nothing at all could be read, so that a change would not be noticed."""
        return self.state is None and not any(each.record for each in self.targets)

    def before(self) -> JsonObject:
        """What the journal keeps: see `facts.Inverse`."""
        kept: JsonObject = {}
        for each in self.targets:
            if each.record:
                # A file and its task may have the same number.
                name = str(each.value)
                kept[f"{each.parameter}:{name}" if name in kept else name] = each.record
        found: JsonObject = {"records": kept, "children": self.children, "state": self.state}
        found |= {"partial": sorted(self.partial & self.children.keys())}
        return {name: value for name, value in found.items() if value}


def normal(value: Any) -> Any:
    """A record without what changes by itself: relative ages, counters, read-state, history."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {
            name: normal(item)
            for name, item in items
            if not RESTLESS.search(name) and not (isinstance(item, str) and RELATIVE.match(item))
        }
    if isinstance(value, str):
        return SIGNED.sub(r"\1", value)
    return [normal(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


# --- reading ----------------------------------------------------------------------------------------------


async def look(call: Call) -> Sight:
    """Everything that the preview shows: the first records, and what goes with them.

    Reads only. A target that does not exist is an error, unless it is one of many.
    """
    call.seen.clear()  # a second look must not see the first one
    before = call.reads
    parameter, ids = many(call)
    if parameter:
        targets = await _all(call, parameter, ids[:SHOWN])
        sight = Sight(targets, len(ids))
    else:
        targets = [await _read(call, name, value) for name, value in _named(call)]
        sight = Sight(targets, len(targets))
    await _with_rest(call, sight, ids)
    sight.reads = call.reads - before
    return sight


async def before(call: Call) -> JsonObject:
    """What the journal keeps of a write that can be taken back; empty for one that cannot."""
    inverse = call.operation.inverse(call.arguments)
    if inverse is None:
        return {}
    if inverse.read:
        sight = Sight()
    else:
        path = call.operation.path
        # A record that is not there is for TaskIP to say.
        named = [(path[-1], call.arguments[path[-1]])] if path else []
        sight = Sight([await _read(call, *each, one_of_many=True) for each in named])
    await _with_rest(call, sight, ())
    return sight.before()


async def before_of_many(call: Call, seconds: float) -> tuple[list[Any], JsonObject]:
    """The same for a bulk call: the ids that could be read in about so many seconds, at least one, and their records.

    All ids, and nothing else, where the call cannot be taken back.
    """
    parameter, ids = many(call)
    inverse = call.operation.inverse(call.arguments)
    if inverse is None or not parameter:
        return list(call.arguments[call.operation.chunk]), {}
    sight = Sight(await _all(call, parameter, ids, seconds), len(ids))
    await _with_rest(call, sight, ())
    return [each.value for each in sight.targets], sight.before()


def many(call: Call) -> tuple[str, list[Any]]:
    """The parameter for one of the records that a bulk call names, and their ids; empty for a single call."""
    name = call.operation.chunk
    if not name or not operations.reader_of(name[:-1]):
        return "", []
    return name[:-1], list(dict.fromkeys(cast("list[Any]", call.arguments[name])))


def _named(call: Call) -> list[tuple[str, Any]]:
    """(parameter, value) of the record that is acted on, and of those that the body names for it."""
    path = call.operation.path
    # The last identifier of a path is the record; those before it are its parents.
    found = [(path[-1], call.arguments[path[-1]])] if path else []
    if call.operation.effect is Effect.DELETE:
        found += [(name, value) for name, value in call.given.items() if operations.reader_of(name)]
    for name, value in call.given.items():
        if name.startswith("target_"):
            found.append((name.removeprefix("target_"), value))
    return found


async def _all(call: Call, parameter: str, ids: Sequence[Any], seconds: float = math.inf) -> list[Target]:
    """Each of many, those that there is time for. A failure that is not about one record is raised."""
    clock = call.backend.client.clock
    ends = clock.ticks() + seconds

    async def one(value: Any) -> Target:
        return await _read(call, parameter, value, one_of_many=True)

    return await records.at_once(ids, one, lambda: clock.ticks() >= ends)


async def _read(call: Call, parameter: str, value: Any, *, one_of_many: bool = False) -> Target:
    """One target. What cannot be read for a reason that stays is said in its note; any other failure is raised."""
    reader = operations.reader_of(parameter)
    if reader is None:
        return Target(parameter, value, note="TaskIP has no read for this record, so it is not shown")
    try:
        record = await records.find(call, reader, parameter, value)
    except errors.MissingError:
        if not one_of_many:
            raise
        return Target(parameter, value, note="does not exist")
    except (errors.RouteError, errors.ForbiddenError, errors.UnreadableError) as error:
        return Target(parameter, value, note=f"could not be read: {error.message}")
    if record:
        call.backend.identified(reader, parameter, value, record)
    return Target(parameter, value, record, "" if record else "not found in the rows that were looked at")


async def _with_rest(call: Call, sight: Sight, ids: Sequence[Any]) -> None:
    """Children and state, where the operation declares them."""
    inverse = call.operation.inverse(call.arguments)
    if inverse and inverse.read:
        with suppress(*GONE):
            sight.state = await state_of(call, inverse.read)
    if not call.operation.children or not _deletes(call):
        return
    unread = [{"id": each} for each in ids[len(sight.targets) :]]
    targets = [each.record or {"id": each.value} for each in sight.targets] + unread
    for child in call.operation.children:
        await _children(call, child, targets, sight)


ODD = (TypeError, AttributeError, KeyError, ValueError)
"""What comes of a record in a shape that no document has."""

GONE = (errors.RouteError, errors.ForbiddenError, errors.UnreadableError, errors.MissingError)
"""Why a read beside the target shows nothing, now or at any other time: that does not stop the call."""


async def state_of(call: Call, contract: str) -> JsonObject:
    """What another read shows of the state: a record, or the rows of a list as ``items``, a few pages of them."""
    path = _arguments(call, contract)
    if "page" in operations.parameters(contract):
        found = await collect(
            lambda page: call.read(contract, **path, page=page, limit=100), size=100, most=PAGES
        )
        return {"items": found.items}
    shown = await call.read(contract, **path)
    return {"items": shown.items} if isinstance(shown, Page) else shown


def _deletes(call: Call) -> bool:
    return operations.Consequence.DELETE in call.operation.consequences(call.arguments)


def _arguments(call: Call, contract: str) -> JsonObject:
    """The path of another read, by the same names."""
    return {name: call.arguments[name] for name, _ in operations.find(contract).reference.placeholders}


async def _children(call: Call, child: Child, targets: Sequence[JsonObject], sight: Sight) -> None:
    """The records that go along, as far as a few pages show them."""
    query = {
        name: source[1:] if source.startswith("=") else call.arguments[source]
        for name, source in child.query.items()
    }
    paged = any(name == "page" for name in operations.parameters(child.read))
    try:
        found = await collect(
            lambda page: call.read(child.read, **query, **({"page": page, "limit": 100} if paged else {})),
            size=100 if paged else None,
            most=PAGES if paged else 1,
            at_once=1,
        )
    except GONE:
        sight.partial.add(child.words)
        return
    rows = found.items
    try:
        if child.rows:
            rows = [each for row in rows for each in cast("list[JsonObject]", row.get(child.rows) or [])]
        if child.belongs:
            rows = [row for row in rows if child.belongs(row, targets, sight.children)]
    except ODD:  # also where it goes by children before it, which could not be read
        sight.partial.add(child.words)
        return
    sight.children[child.words] = rows
    # What goes with children of which some are not known is not known in full either.
    if (paged and not found.complete) or (child.belongs and sight.partial):
        sight.partial.add(child.words)


# --- in brief ---------------------------------------------------------------------------------------------

# What tells records apart for a person, in this order.
NAMING = (
    "name", "full_name", "title", "subject", "deal_name", "label", "email", "invoice_no", "quotation_no",
    "from_email", "status", "total", "due_amount", "deal_amount", "currency", "total_tasks", "deals_count",
)  # fmt: skip

AMOUNTS = ("total", "due_amount", "deal_amount")
# As results have it: ``1140.00 EUR``, and the currency by itself only where no amount shows it.
MONEY = forms.money(" ".join(AMOUNTS)) | {"currency": forms.currency(*AMOUNTS)}


def brief(record: JsonObject, value: Any) -> JsonObject:
    """Id and names of a record, small enough to show ten."""
    named = {key: record[key] for key in NAMING if isinstance(record.get(key), str | int | float)}
    written = ((key, MONEY[key].make(named) if key in MONEY else value) for key, value in named.items())
    found = {key: value for key, value in written if value is not None}
    for person in ("contacts", "contact", "company"):
        if isinstance(record.get(person), dict):
            found[person] = _person(cast("JsonObject", record[person]))
    return cast("JsonObject", jsonable({"id": record.get("id", value), **found}))


def _person(record: JsonObject) -> str:
    name = record.get("name") or " ".join(str(record.get(part) or "") for part in ("first_name", "last_name"))
    email = record.get("email")
    return f"{str(name).strip()} <{email}>" if email else str(name).strip()


def _name(row: JsonObject) -> Any:
    return row.get("id", row.get("uuid"))


def named(rows: Sequence[JsonObject]) -> str:
    """The names of the first records in brackets; empty where they have none."""
    names = [name for name in map(_called, rows) if name]
    return f" ({', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''})" if names else ""


def _called(row: JsonObject) -> str:
    """The name of a record; empty where it has none."""
    names = (row.get(key) for key in NAMING[:8])
    return str(next((name for name in names if name not in (None, "")), ""))
