"""What an argument of a resource address or of a prompt may be, while a person types it.

A record is completed by the start of its name, of a word of it, of its number, email or id. A value shows both, as in
``Elsa Berg (1)``, and is taken wherever a name is (`taskip_mcp.names`): the person who types sees who is meant, and
nobody else is selected by it. Names are text of outsiders at times, shown without characters that nobody sees.

A completion is worth little, so it costs little: at most one request, and of each list at most one a second, for the
person who is still typing. The first page of a list is kept for a minute with the other rows that names are looked up
in; only where it is not the whole list, TaskIP is asked for what begins so. A completion never waits for the rate
limit, leaves the last tenth of it to calls, and without a request it answers from what is kept, or with nothing.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any, Literal, get_args
from weakref import WeakKeyDictionary

import anyio

from taskip_mcp import arguments, errors, events, kinds, names, outside, own, prompts, turn, wire
from taskip_mcp import operation as operations
from taskip_mcp.budget.windows import HOUR, MINUTE
from taskip_mcp.call import Backend
from taskip_mcp.kinds import KINDS, Kind
from taskip_mcp.lookups import Listing
from taskip_mcp.misnamed import WIDE
from taskip_mcp.named import NUMBER, OPAQUE, SHOWN, UUID, Named
from taskip_mcp.operation import Tool
from taskip_mcp.resources import ALL, TEMPLATES, ResourceEntry
from taskip_mcp.wire import JsonObject

logger = logging.getLogger(__name__)

MOST = 100
"""Values of one answer, as the protocol has it."""

PAUSE, REST = 1.0, 10.0
"""Seconds between two requests for one list, and after one that failed."""

SECONDS = 5.0
"""The time of a completion."""

SPARE = 0.1
"""The part of a rate window that is left to calls. It also covers what leaves between a look and the request."""

EVENTS = "taskip://events{"
"""How the address of the events begins: its words are those of the API reference."""

RefKind = Literal["ref/resource", "ref/prompt"]
Scope = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Completion:
    """At most `MOST` values. `total` is None where nobody knows how many there are."""

    values: list[str] = field(default_factory=lambda: list[str]())
    total: int | None = None
    has_more: bool = False


async def complete(
    backend: Backend,
    ref_kind: RefKind,
    ref_name: str,
    argument: str,
    value: str,
    context: Scope | None = None,
) -> Completion:
    """The values that begin so; none where anything fails, or there is no such argument.

    `ref_name` is the template of an address, or the name of a prompt; `context` holds the arguments that are given
    already, among them what tasks and deals are looked for in.
    """
    if len(value) > WIDE or wire.unsendable(value):
        return Completion()
    try:
        with turn.begin(backend.client.clock, SECONDS) as mine:
            mine.meter = Fare(turn=mine)
            if ref_kind == "ref/prompt":
                return await _of_prompt(backend, ref_name, argument, value)
            return await _of_address(backend, ref_name, argument, value, context or {})
    except Exception:
        # Its text may hold anything; nobody asked for more than a hint.
        logger.exception("the completion of %s failed", argument)
        return Completion()


@dataclass
class Fare(turn.Meter):
    """The one request that a completion may cost: with it the turn ends, before another try or another route."""

    turn: turn.Turn | None = None

    def __setattr__(self, name: str, value: Any) -> None:
        """Each request that left is counted here."""
        object.__setattr__(self, name, value)
        if name == "sent" and value and self.turn:
            self.turn.ends = -inf


# --- what an argument is ----------------------------------------------------------------------------------


async def _of_prompt(backend: Backend, prompt: str, argument: str, value: str) -> Completion:
    entry = next((each for each in prompts.offered(backend.offers) if each.name == prompt), None)
    found = next((each.kind for each in entry.arguments if each.name == argument), "") if entry else ""
    return await _of_records(backend, found, value, {}) if found else Completion()


async def _of_address(backend: Backend, uri: str, argument: str, value: str, context: Scope) -> Completion:
    if uri.startswith(EVENTS):
        return _of_words(_of_events(argument), value)
    entry = next((each for each in TEMPLATES if each.uri == uri), None)
    if entry is None or argument not in entry.path_variables + entry.query_variables:
        return Completion()
    found = own.tools()[entry.tool] if entry.tool else operations.find(entry.contract)
    if not backend.offers(found.name):
        return Completion()
    if not (kind := kind_of(found, argument)):
        return _of_words(_words(found, entry, argument), value)
    scope = await _scope(backend, KINDS[kind], context)
    return Completion() if scope is None else await _of_records(backend, kind, value, scope)


def kind_of(found: Tool, argument: str) -> str:
    """The kind of record that an argument names; empty for any other argument."""
    taken = arguments.model_of(found).model_fields.get(argument)
    return next(_marks(taken.metadata, taken.annotation), "") if taken else ""


def _marks(metadata: Sequence[Any], annotation: Any) -> Iterator[str]:
    yield from (each.kind for each in metadata if isinstance(each, Named))
    for part in get_args(annotation):
        yield from _marks((part,), part)


def _words(found: Tool, entry: ResourceEntry, argument: str) -> list[str]:
    """The values that the operation's schema names."""
    schema = arguments.strict_schema_of(found)["properties"].get(argument, {})
    if argument == "page" and entry.has_pages:
        return ["1", ALL]
    numbers = [
        str(schema[bound])
        for bound in ("default", "maximum")
        if schema.get("type") == "integer" and bound in schema
    ]
    return [*map(str, schema.get("enum", [])), *dict.fromkeys(numbers)]


def _of_events(argument: str) -> list[str]:
    if argument == "event":
        return [f"{group}.{what}" for group, happens in events.EVENTS.items() for what in happens]
    return list(events.EVENTS) if argument == "group" else []


def _of_words(words: Sequence[str], value: str) -> Completion:
    start = value.strip().casefold()
    found = [word for word in words if word.startswith(start)]
    return _completion(found, complete=True) if words else Completion()


def _completion(values: Sequence[str], *, complete: bool) -> Completion:
    each = list(dict.fromkeys(values))
    return Completion(each[:MOST], len(each) if complete else None, len(each) > MOST or not complete)


# --- records ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Match:
    """A record that something begins so of: `rank` tells what, as an index of name, word of it, address, id."""

    rank: int
    kind: Kind
    row: JsonObject


async def _of_records(backend: Backend, name: str, value: str, scope: Scope) -> Completion:
    """Whose name begins so comes first, then whose has a word that does, then addresses and ids."""
    kind = KINDS[name]
    rows = await _rows(backend, kind, scope, value)
    if rows is None:
        return Completion()
    known = Counter(each for row in rows.records for each in _called(kind, row))
    matches = [match for row in rows.records if (match := _match(kind, row, kinds.key(value)))]
    matches.sort(key=lambda match: match.rank)
    # A search that shows nothing may look for whole words.
    complete = rows.whole or (rows.searched and bool(matches))
    return _completion([_shown(match, known) for match in matches], complete=complete)


def _called(kind: Kind, row: JsonObject) -> set[str]:
    """All that a record is called by, as it is compared."""
    return {kinds.key(each) for each in (*kinds.names(kind, row), *(row.get(name) for name in kind.emails))}


def _match(kind: Kind, row: JsonObject, start: str) -> Match | None:
    called, ids = [kinds.key(name) for name in kinds.names(kind, row)], kinds.ids(kind, row)
    if any(name.startswith(start) for name in called):
        return Match(0, kind, row)
    word = re.compile(rf"[\W_]{re.escape(start)}")
    if any(map(word.search, called)):
        return Match(1, kind, row)
    if any(kinds.key(row[name]).startswith(start) for name in kind.emails if row.get(name)):
        return Match(2, kind, row)
    number = start.removeprefix("#")
    return Match(3, kind, row) if any(str(row[name]).startswith(number) for name in ids) else None


def _identifier(kind: Kind, row: JsonObject) -> str:
    return str(row[kinds.ids(kind, row)[0]])


def _shown(match: Match, known: Counter[str]) -> str:
    """What selects the record: its name with its id, or either where the other is not to be had or not needed."""
    kind, row = match.kind, match.row
    name = " ".join(outside.clean(next(kinds.names(kind, row), "")).split())
    email = next((str(row[each]).strip() for each in kind.emails if row.get(each)), "")
    # What looks like an address is compared with addresses alone.
    by_email = match.rank == 2 or not name or kinds.is_email(kind, name)
    if by_email and kinds.is_email(kind, email) and known[kinds.key(email)] < 2:
        return email
    if not name or len(name) > WIDE or kinds.is_email(kind, name):
        return _identifier(kind, row)
    number = next((row[each] for each in kinds.ids(kind, row) if str(row[each]).isdecimal()), None)
    certain = known[kinds.key(name)] < 2 and _is_name(kind, name)
    if certain and (kind.unique or number is None):
        return name
    return _identifier(kind, row) if number is None else f"{name} ({number})"


def _is_name(kind: Kind, text: str) -> bool:
    """Whether a text is taken for a name: not for an id, an address, or a name that is shown with its id."""
    if any(form.fullmatch(text) for form in (NUMBER, UUID, SHOWN)) or (kind.hosts and kinds.address(text)):
        return False
    # The numbers of bills look like opaque identifiers, but these records have none.
    return any(map(str.isalnum, text)) and text != "0" and (kind.unique or not OPAQUE.fullmatch(text))


async def _scope(backend: Backend, kind: Kind, context: Scope) -> Scope | None:
    """What the records are looked for in; None where that is not known. It may be named as well."""
    given = context.get(kind.scope, "").strip()
    if not kind.scope:
        return {}
    if not given:
        return None
    if number := NUMBER.fullmatch(given):
        return {kind.scope: number[1]}
    if UUID.fullmatch(given) or OPAQUE.fullmatch(given):
        return {kind.scope: given}
    above, shown = KINDS[kind.scope.removesuffix("_id")], SHOWN.fullmatch(given)
    rows = await _rows(backend, above, {}, shown[1] if shown else given)
    found = kinds.matching(above, rows.records, given) if rows else []
    if rows and shown and not found:
        called = kinds.matching(above, rows.records, shown[1])
        found = [row for row in called if shown[2] in {str(row[each]) for each in kinds.ids(above, row)}]
    return {kind.scope: _identifier(above, found[0])} if len(found) == 1 else None


# --- rows -------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Pace:
    """When a list may be asked for next, and what the keystroke that came last is told by."""

    open_at: float = -inf
    newer: anyio.Event = field(default_factory=anyio.Event)

    def typed(self) -> anyio.Event:
        """A keystroke: whoever waits for the one before need not any more."""
        self.newer.set()
        self.newer = anyio.Event()
        return self.newer


_paces: WeakKeyDictionary[Backend, dict[str, Pace]] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class Rows:
    """Records that are at hand: whether they are the whole list, and all that TaskIP finds."""

    records: list[JsonObject]
    whole: bool
    searched: bool = False


async def _rows(backend: Backend, kind: Kind, scope: Scope, text: str) -> Rows | None:
    """The records among which are those that begin so; None where there is nothing at hand."""
    if not backend.offers(operations.find(kind.contract).name):
        return None
    pace = _paces.setdefault(backend, {}).setdefault(kind.contract, Pace())
    look = _Look(backend, kind, scope, pace, pace.typed())
    if (whole := await look.listing("")) is None:
        return None
    found = None
    if kind.search and not whole.complete and (search := " ".join(text.split())):
        found = await look.listing(search)
    rows = kinds.records(kind, [*whole.rows, *(found.rows if found else [])])
    return Rows(rows, whole.complete, found is not None and found.complete)


@dataclass(frozen=True, slots=True)
class _Look:
    """One keystroke's look at a list."""

    backend: Backend
    kind: Kind
    scope: Scope
    pace: Pace
    newer: anyio.Event

    async def listing(self, search: str) -> Listing | None:
        """The first page, kept or read; None where neither can be."""
        key = "completion", self.kind.contract, *sorted(self.scope.items()), search
        given: JsonObject = {**self.scope, **({"search": search} if search else {})}

        async def read() -> Listing:
            return await self._read(given)

        now = self.backend.client.clock.ticks()
        try:
            found, _ = await self.backend.lookups.rows(key, self.kind.touched_by, -inf, now, read)
        except errors.TaskipError:
            return None
        return found

    async def _read(self, given: JsonObject) -> Listing:
        await self._admitted()
        try:
            # The rows are paid for: they are kept even if the person types on and this keystroke is given up.
            with anyio.CancelScope(shield=True):
                return await names.read_list(self.backend, replace(self.kind, pages=1), given)
        except errors.ApiError as error:
            if not isinstance(error, errors.MissingError):  # what they are looked for in may be misspelt
                self.pace.open_at = self.backend.client.clock.ticks() + REST
            raise
        raise AssertionError("a scope that nobody cancels was left")

    async def _admitted(self) -> None:
        """Wait for the list's turn, unless the person types on; raises `BudgetError` where no request is due."""
        clock, pace = self.backend.client.clock, self.pace
        if turn.current().meter.sent:
            raise errors.BudgetError("This completion has had its request.")
        while (wait := pace.open_at - clock.ticks()) > 0:
            if wait > PAUSE or self.newer.is_set():
                raise errors.BudgetError("This list was asked for just now.")
            with clock.move_on_after(wait):
                await self.newer.wait()
        pace.open_at = clock.ticks() + PAUSE
        if not await _spare(self.backend):
            raise errors.BudgetError("What is left of the rate limit is for calls.")


async def _spare(backend: Backend) -> bool:
    """Whether a request would leave at once, and some are left for calls then."""
    budget = backend.client.budget
    if budget.away >= backend.client.settings.connections:
        return False
    windows = [each for each in await budget.show() if each.window in {MINUTE, HOUR}]
    return all(each.left > each.limit * SPARE for each in windows)
