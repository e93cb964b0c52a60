"""What an argument of a resource address or of a prompt may be, while a person types it.

A record is completed by the start of its name, of a word of it, of its number, email, domain or id. A value shows name
and id, as in ``Elsa Berg (1)``, and is taken wherever a name is (`taskip_mcp.names`): the person who types sees who is
meant, and nobody else is selected by it. Names are text of outsiders at times, shown without characters that nobody
sees.

A completion is worth little, so it costs little: at most one request, and that only when the person pauses
(`taskip_mcp.keystrokes`). The first page of a list comes first; only where it is not the whole list, TaskIP is asked
for what begins so. A completion never waits for the rate limit, leaves the last tenth of it to calls, and without a
request it answers from what is kept, or with nothing.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from taskip_mcp import (
    arguments,
    dates,
    events,
    keystrokes,
    kinds,
    misnamed,
    names,
    outside,
    own,
    prompts,
    turn,
    wire,
)
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend
from taskip_mcp.keystrokes import Look
from taskip_mcp.kinds import KINDS, By, Kind
from taskip_mcp.misnamed import WIDE, Asked
from taskip_mcp.named import NUMBER, OPAQUE, SHOWN, UUID, Name, Named
from taskip_mcp.operation import Tool
from taskip_mcp.overview.reading import today
from taskip_mcp.prompts.filled import month_of
from taskip_mcp.resources import ALL, EVENTS, TEMPLATES, ResourceEntry
from taskip_mcp.wire import JsonObject

logger = logging.getLogger(__name__)

MOST = 100
"""Values of one answer, as the protocol has it."""

SECONDS = 5.0
"""The time of a completion."""

MONTHS = 12
"""Months that are offered."""

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
        with (
            turn.begin(backend.client.clock, SECONDS, most=1),
            keystrokes.typed(backend, (ref_name, argument), value) as look,
        ):
            if ref_kind == "ref/prompt":
                return await _of_prompt(look, ref_name, argument, value)
            return await _of_address(look, ref_name, argument, value, context or {})
    except Exception:
        # Its text may hold anything; nobody asked for more than a hint.
        logger.exception("the completion of %s failed", argument)
        return Completion()


# --- what an argument is ----------------------------------------------------------------------------------


async def _of_prompt(look: Look, prompt: str, argument: str, value: str) -> Completion:
    known = {each.name: each.arguments for each in prompts.offered(look.backend.offers)}
    found = next((each for each in known.get(prompt, ()) if each.name == argument), None)
    if found and found.kind:
        return await _of_records(look, found.kind, value, {})
    return _of_months(look.backend, value) if found and found.name == "month" else Completion()


def _of_months(backend: Backend, value: str) -> Completion:
    """This month and those before it, by what they are called or however they are written."""
    day, text = today(backend), value.strip().lower()
    this, meant = day.year * 12 + day.month - 1, month_of(text, day)
    months = [(each // 12, each % 12 + 1) for each in range(this, this - MONTHS, -1)]
    found = [each for each in months if each == meant or _begins(each, re.sub("[/.]", "-", text))]
    return _completion([f"{year:04}-{month:02}" for year, month in found], complete=True)


def _begins(month: tuple[int, int], start: str) -> bool:
    year, number = month
    written = (f"{year:04}-{number:02}", f"{number:02}-{year:04}", f"{number}-{year:04}")
    return any(each.startswith(start) for each in (*written, f"{dates.MONTHS[number - 1]} {year:04}"))


async def _of_address(look: Look, uri: str, argument: str, value: str, context: Scope) -> Completion:
    if uri == EVENTS.uri:
        return _of_words(_of_events(argument), value)
    entry = next((each for each in TEMPLATES if each.uri == uri), None)
    if entry is None or argument not in entry.path_variables + entry.query_variables:
        return Completion()
    found = own.tools()[entry.tool] if entry.tool else operations.find(entry.contract)
    if not look.backend.offers(found.name):
        return Completion()
    if not (kind := kind_of(found, argument)):
        return _of_words(_words(found, entry, argument), value)
    scope = await _scope(look, KINDS[kind], context)
    return Completion() if scope is None else await _of_records(look, kind, value, scope)


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


async def _of_records(look: Look, name: str, value: str, scope: JsonObject) -> Completion:
    """What begins so, the best first: see `kinds.By`."""
    kind, start = KINDS[name], kinds.plain(value)
    rows = await look.rows(kind, scope, value)
    if rows is None:
        return Completion()
    known = Counter(each for row in rows.records for each in _called(kind, row))
    found = [(by, row) for row in rows.records if (by := kinds.begins(kind, row, start)) is not None]
    found.sort(key=lambda each: each[0])
    return _completion([_shown(kind, row, by, known) for by, row in found], complete=rows.complete)


def _called(kind: Kind, row: JsonObject) -> set[str]:
    """All that a record is called by, as it is compared."""
    return {kinds.key(each) for each in (*kinds.names(kind, row), *(row.get(name) for name in kind.emails))}


def _identifier(kind: Kind, row: JsonObject) -> str:
    return str(row[kinds.ids(kind, row)[0]])


def _shown(kind: Kind, row: JsonObject, by: By, known: Counter[str]) -> str:
    """What selects the record: its name with its id, or either where the other is not to be had or not needed."""
    name = " ".join(outside.clean(next(kinds.names(kind, row), "")).split())
    email = next((str(row[each]).strip() for each in kind.emails if row.get(each)), "")
    # What looks like an address is compared with addresses alone.
    by_email = by is By.EMAIL or not name or kinds.is_email(kind, name)
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


async def _scope(look: Look, kind: Kind, context: Scope) -> JsonObject | None:
    """What the records are looked for in; None where that is not known. It may be named as well."""
    given = context.get(kind.scope, "").strip()
    if not (kind.scope and given):
        return None if kind.scope else {}
    if number := NUMBER.fullmatch(given):
        return names.within(look.backend, kind, number[1])
    if UUID.fullmatch(given) or OPAQUE.fullmatch(given):
        return names.within(look.backend, kind, given)
    chosen = await _chosen(look, Asked(Name(given, kind.scope.removesuffix("_id")), kind.scope, None))
    return None if chosen is None else names.within(look.backend, kind, chosen)


async def _chosen(look: Look, asked: Asked) -> int | str | None:
    """The one record that is named so."""
    found = names.at_hand(look.backend, asked, {})
    if not found:
        shown = SHOWN.fullmatch(asked.name)
        await look.rows(asked.kind, {}, shown[1] if shown else asked.name)
        found = names.at_hand(look.backend, asked, {})
    if found is None or len(found.matches) != 1:
        return None
    return misnamed.identifier(asked, found.matches[0])
