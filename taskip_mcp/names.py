"""Names in the place of ids: looked up before anything else sees the arguments.

A name selects a record only if it is exactly that of one: upper and lower case and spaces apart, as a whole, and
with nothing left unread in which a second one could be. Any other name is an error that says which records there are.
What has an ``@`` is compared with addresses alone, since anybody can be called like another's address.

Rows are kept for a minute (`taskip_mcp.lookups`), so that the names of one piece of work cost one reading.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any, cast

from pydantic import BaseModel

from taskip_mcp import errors, kinds, outside, records, redact
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend, Call
from taskip_mcp.kinds import FULL, KINDS, PERSON, SIZE, Kind
from taskip_mcp.lookups import Listing
from taskip_mcp.named import Name
from taskip_mcp.operation import Effect, Tool
from taskip_mcp.pages import collect
from taskip_mcp.wire import JsonObject, Page

CLOSE, CANDIDATES, TOLD = 5, 10, 10
"""Close names, records of one name, and names that could not be used, as an error tells them."""

SHOWN = re.compile(r"(.+) \((\d+)\)")
"""A name as results show it, with its id: both have to be those of one record."""

WIDE = 191
"""Signs of a name that are searched for: more than TaskIP's names have."""

# --- rows that are kept -----------------------------------------------------------------------------------


async def _listing(
    backend: Backend, kind: Kind, scope: JsonObject, query: JsonObject, since: float
) -> tuple[Listing, float]:
    key = kind.contract, *sorted((scope | query).items())

    async def read() -> Listing:
        return await _read(backend, kind, scope | query)

    now = backend.client.clock.ticks()
    return await backend.lookups.rows(key, kind.touched_by, since, now, read)


async def _read(backend: Backend, kind: Kind, given: JsonObject) -> Listing:
    found = operations.find(kind.contract)
    takes = operations.parameters(kind.contract)

    async def fetch(number: int) -> Page:
        turn: JsonObject = {"page": number, "limit": SIZE}
        arguments = given | {name: value for name, value in turn.items() if name in takes}
        result = await found.function(Call(backend, found, arguments), **arguments)
        return result if isinstance(result, Page) else Page([cast("JsonObject", result)])

    if "page" not in takes:
        return Listing([kinds.slim(row) for row in (await fetch(1)).items])
    read = await collect(fetch, size=kind.size, most=kind.pages)
    broken = not read.complete and read.pages < kind.pages
    return Listing([kinds.slim(row) for row in read.items], read.complete, read.reason, broken)


# --- from a name to records -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What a look for a name came to: the records that have it, and all that were looked at."""

    kind: Kind
    matches: list[JsonObject]
    looked: list[JsonObject]
    complete: bool
    reason: str = ""


async def _find(backend: Backend, kind: Kind, text: str, scope: JsonObject) -> Found:
    """Kept rows are good for a record that they show; that there is none is said of rows of this moment alone."""
    began = backend.client.clock.ticks()
    found, oldest = await _look(backend, kind, text, scope, -inf)
    if not found.matches and oldest < began:
        found, _ = await _look(backend, kind, text, scope, began)
    return found


async def _look(
    backend: Backend, kind: Kind, text: str, scope: JsonObject, since: float
) -> tuple[Found, float]:
    """By search and then in the whole list: TaskIP may search the parts of a name one by one and not find it."""
    best, oldest = Found(kind, [], [], complete=False), inf
    for query in _queries(kind, text):
        listing, at = await _listing(backend, kind, scope, query, since)
        rows, oldest = kinds.records(kind, listing.rows), min(at, oldest)
        matches = kinds.matching(kind, rows, text)
        if matches or not best.matches:
            looked = rows if len(rows) >= len(best.looked) else best.looked
            reason = listing.reason if listing.broken else ""
            best = Found(kind, matches, looked, listing.complete, reason)
        # A search that is cut as well shows nothing that the list would not.
        if (listing.complete and (matches or not query)) or (query and not listing.complete):
            break
    return best, oldest


def _queries(kind: Kind, text: str) -> list[JsonObject]:
    if not kind.search or (kinds.is_email(kind, text) and not kind.finds_emails):
        return [{}]
    search = {"search": " ".join(text.split())[:WIDE]}
    return [{}, search] if kind.small else [search, {}]


async def candidates(
    backend: Backend, kind: str, prefix: str, scope: Mapping[str, Any] | None = None
) -> list[tuple[Any, str]]:
    """(identifier, name) of the records whose name or a word of it begins so, for completions."""
    what, start = KINDS[kind], kinds.key(prefix)
    listing, _ = await _listing(backend, what, dict(scope or {}), {}, -inf)
    found: list[tuple[Any, str]] = []
    for row in kinds.records(what, listing.rows):
        name = next(kinds.names(what, row), "")
        if kinds.key(name).startswith(start) or f" {start}" in kinds.key(name):
            found.append((row[kinds.ids(what, row)[0]], name))
    return found


# --- the arguments ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A name among the arguments: where it stands, and within what it is looked for."""

    name: Name
    where: str
    scope: Any

    @property
    def kind(self) -> Kind:
        """What it names."""
        return KINDS[self.name.kind]

    @property
    def key(self) -> tuple[str, ...]:
        """The same for all that come to the same record."""
        return self.name.kind, str(self.name), str(self.name.number), str(self.scope)


class Problem(str):
    """Why a name cannot be used."""

    __slots__ = ()


async def resolve(backend: Backend, tool: Tool, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with ids in the place of names, at any depth.

    Raises `ArgumentError` that tells of every name which is not that of one record, and what TaskIP's lists raise.
    """
    made = dict(values)
    problems: list[Problem] = []
    # What is named within a project or pipeline comes second: that may be named as well.
    for scoped in (False, True):
        asked: dict[tuple[str, ...], Asked] = {}
        for each in _asked(made):
            if bool(each.kind.scope) is scoped and not isinstance(each.scope, Name):
                asked.setdefault(each.key, each)
        if asked:
            answers = dict(zip(asked, await _answers(backend, tool, list(asked.values())), strict=True))
            problems += [each for each in answers.values() if isinstance(each, Problem)]
            made = _with_ids(made, answers)
    if problems:
        more = f" And {len(problems) - TOLD} more." if len(problems) > TOLD else ""
        raise errors.ArgumentError(f"{' '.join(problems[:TOLD])}{more} Nothing was changed.")
    return made


def _asked(values: JsonObject) -> list[Asked]:
    found: list[Asked] = []

    def note(asked: Asked) -> Any:
        found.append(asked)
        return asked.name

    _walk(values, "", {}, note)
    return found


def _with_ids(values: JsonObject, answers: Mapping[tuple[str, ...], Any]) -> JsonObject:
    def put(asked: Asked) -> Any:
        answer = answers.get(asked.key)
        return asked.name if answer is None or isinstance(answer, Problem) else answer

    return cast("JsonObject", _walk(values, "", {}, put))


def _walk(node: Any, where: str, around: JsonObject, put: Callable[[Asked], Any]) -> Any:
    """A copy with what `put` gives for each name; `around` holds the arguments at and above its place."""
    if isinstance(node, Name):
        return put(Asked(node, where, around.get(KINDS[node.kind].scope)))
    if isinstance(node, list):
        items = enumerate(cast("list[Any]", node))
        return [_walk(each, f"{where}.{at}", around, put) for at, each in items]
    if isinstance(node, BaseModel):
        fields = {name: getattr(node, name) for name in type(node).model_fields}
        inside = _walk(fields, where, around, put)
        return node.model_copy(
            update={name: inside[name] for name in fields if inside[name] is not fields[name]}
        )
    if isinstance(node, dict):
        fields = cast("JsonObject", node)
        near = around | fields
        return {name: _walk(each, f"{where}.{name}".lstrip("."), near, put) for name, each in fields.items()}
    return node


async def _answers(backend: Backend, tool: Tool, asked: Sequence[Asked]) -> list[Any]:
    """For each name the id, or the problem with it."""

    async def one(each: Asked) -> Any:
        if each.kind.scope and each.scope is None:
            return Problem(
                f"{each.where}: a {each.kind.word} is known by name only with {each.kind.scope}. Give that too, or"
                " the id."
            )
        scope = {each.kind.scope: each.scope} if each.kind.scope else {}
        if shown := SHOWN.fullmatch(each.name):
            found = await _find(backend, each.kind, shown[1], scope)
            if matches := [row for row in found.matches if shown[2] in map(str, _ids(each, row))]:
                return _settled(backend, tool, each, replace(found, matches=matches, complete=True))
        found = await _find(backend, each.kind, str(each.name), scope)
        return _settled(backend, tool, each, found)

    try:
        return await records.at_once(asked, one)
    except errors.ApiError as error:
        if tool.effect is not Effect.READ and error.outcome == "read":
            error.outcome = "unchanged"
        raise


def _settled(backend: Backend, tool: Tool, asked: Asked, found: Found) -> Any:
    """The id of the one record, if it is certain that there is no other; a read may go by what was looked at."""
    kind, name = asked.kind, asked.name
    certain = found.complete or kind.unique or kinds.is_email(kind, name) or tool.effect is Effect.READ
    if not found.matches:
        return _none(asked, found)
    row, identifier = found.matches[0], _identifier(asked, found.matches[0])
    if len(found.matches) > 1 or not certain or not identifier:
        return _several(asked, found)
    if kind.reader and row.get("id") and row.get("uuid"):
        reader = operations.find(kind.reader)
        backend.identified(reader, reader.path[-1], identifier, row)
    return identifier


def _ids(asked: Asked, row: JsonObject) -> list[Any]:
    return [row[name] for name in kinds.ids(asked.kind, row)]


def _identifier(asked: Asked, row: JsonObject) -> int | str | None:
    """What the parameter takes; None where the list shows nothing of the sort."""
    shown = [str(each) for each in _ids(asked, row)]
    if asked.name.number:
        return next((int(each) for each in shown if each.isdecimal()), None)
    return shown[0]


# --- words ------------------------------------------------------------------------------------------------


def _none(asked: Asked, found: Found) -> Problem:
    close = ", ".join(_label(asked, row) for row in _close(asked, found)[:CLOSE])
    return Problem(
        f"{asked.where}: no {asked.kind.word} is called '{_quoted(asked.name)}'."
        + (f" Close: {close}." if close else "")
        + (f" Only {_looked(found)}." if not found.complete else "")
        + f" Take the id from {operations.find(asked.kind.contract).name}."
    )


def _several(asked: Asked, found: Found) -> Problem:
    count, kind = len(found.matches), asked.kind
    called = f"1 {kind.word} is" if count == 1 else f"{count} {kind.words} are"
    listed = ", ".join(_label(asked, row) for row in found.matches[:CANDIDATES])
    return Problem(
        f"{asked.where}: {called} called '{_quoted(asked.name)}': {listed}"
        + (", ..." if count > CANDIDATES else "")
        + (f"; only {_looked(found)}, so that there may be more" if not found.complete else "")
        + ". Give the id."
    )


def _looked(found: Found) -> str:
    why = f" ({_quoted(found.reason, 120)})" if found.reason else ""
    return f"{len(found.looked)} {found.kind.words} were looked at{why}"


def _close(asked: Asked, found: Found) -> list[JsonObject]:
    """Records with a similar name, and with one that has this in it. None is ever selected for that."""
    kind, wanted = asked.kind, kinds.key(asked.name)
    known: dict[str, JsonObject] = {}
    for row in found.looked:
        mail = [str(row[name]) for name in kind.emails if kinds.is_email(kind, asked.name) and row.get(name)]
        for name in mail or kinds.names(kind, row):
            known.setdefault(kinds.key(name), row)
    near = difflib.get_close_matches(wanted[:WIDE], known, n=CLOSE)
    near += [name for name in known if wanted in name]
    return list({id(known[name]): known[name] for name in near}.values())


def _label(asked: Asked, row: JsonObject) -> str:
    """``Jane Doe (12, jane@x.com, Acme)``: a name, what to give instead, and what tells it from others."""
    told = [_identifier(asked, row), *(_told(row.get(name)) for name in asked.kind.shown)]
    name = next(kinds.names(asked.kind, row), "")
    return f"{_quoted(name)} ({', '.join(_quoted(each) for each in told if each)})"


def _told(value: Any) -> Any:
    """A field in a word or two: of a person or firm the name, of several the first."""
    if isinstance(value, list):
        return _told(cast("list[Any]", value)[0]) if value else ""
    if isinstance(value, dict):
        row = cast("JsonObject", value)
        name = next((row[each] for each in FULL if row.get(each)), "")
        return name or " ".join(str(row[part]) for part in PERSON if row.get(part))
    return value


def _quoted(value: Any, most: int = 60) -> str:
    """Others' text on one line: without secrets, characters that nobody sees, or more than a name needs."""
    return errors.legible(redact.clean(" ".join(outside.clean(str(value)).split())), most)
