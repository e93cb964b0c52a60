"""Names in the place of ids: looked up before anything else sees the arguments.

A name selects a record only if it is exactly that of one: upper and lower case and spaces apart, as a whole, and
with nothing left unread in which a second one could be. Any other name is an error that says which records there are.
What has an ``@`` is compared with addresses alone, since anybody can be called like another's address.

What looks like an opaque identifier is none of it until TaskIP has no such record: see `reconsidered`.

Rows are kept for a minute (`taskip_mcp.lookups`), so that the names of one piece of work cost one reading.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import inf
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from taskip_mcp import errors, kinds, misnamed, records
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend, Call
from taskip_mcp.kinds import KINDS, Kind
from taskip_mcp.lookups import Listing
from taskip_mcp.misnamed import WIDE, Asked, Found, Problem, Unmatched
from taskip_mcp.named import SHOWN, Name, Opaque
from taskip_mcp.operation import Effect, Tool
from taskip_mcp.pages import collect
from taskip_mcp.wire import JsonObject, Page

TOLD = 10
"""Names that could not be used, as an error tells them."""

FIRMS = 2
"""Names without a contact that are looked for among the companies: one request each."""

T = TypeVar("T")

# --- rows that are kept -----------------------------------------------------------------------------------


def kept(backend: Backend, kind: Kind, scope: JsonObject) -> list[tuple[str, Listing]]:
    """What is kept of the list that shows a kind of record, each with what was searched in it, the newest last."""
    return backend.lookups.kept(kinds.place(kind, scope), kind.touched_by, backend.client.clock.ticks())


async def _listing(
    backend: Backend, kind: Kind, scope: JsonObject, search: str, since: float
) -> tuple[Listing, float]:
    async def read() -> Listing:
        return await read_list(backend, kind, scope, search)

    key, now = (kinds.place(kind, scope), search), backend.client.clock.ticks()
    return await backend.lookups.rows(key, kind.touched_by, since, now, read)


async def read_list(backend: Backend, kind: Kind, scope: JsonObject, search: str = "") -> Listing:
    """The rows of the list that shows a kind of record, as many pages as that has; raises `TaskipError`."""
    given: JsonObject = {**scope, **({"search": search} if search else {})}
    found = operations.find(kind.contract)
    takes = operations.parameters(kind.contract)

    async def fetch(number: int) -> Page:
        turn: JsonObject = {"page": number, "limit": kind.size}
        arguments = given | {name: value for name, value in turn.items() if name in takes}
        result = await found.function(Call(backend, found, arguments), **arguments)
        return result if isinstance(result, Page) else Page([cast("JsonObject", result)])

    if "page" not in takes:
        return Listing([kinds.slim(row) for row in (await fetch(1)).items])
    read = await collect(fetch, size=kind.size, most=kind.pages)
    broken = not read.complete and read.pages < kind.pages
    return Listing([kinds.slim(row) for row in read.items], read.complete, read.reason, broken)


# --- from a name to records -------------------------------------------------------------------------------


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
    for search in _searches(kind, text):
        listing, at = await _listing(backend, kind, scope, search, since)
        rows, oldest = kinds.records(kind, listing.rows), min(at, oldest)
        matches = kinds.matching(kind, rows, text)
        if matches or not best.matches:
            looked = rows if len(rows) >= len(best.looked) else best.looked
            reason = listing.reason if listing.broken else ""
            best = Found(kind, matches, looked, listing.complete, reason)
        # A search that is cut as well shows nothing that the list would not.
        if (listing.complete and (matches or not search)) or (search and not listing.complete):
            break
    return best, oldest


def _searches(kind: Kind, text: str) -> list[str]:
    """What is searched for in turn; without a search the list is read."""
    if not kind.search or (kinds.is_email(kind, text) and not kind.finds_emails):
        return [""]
    search = " ".join(text.split())[:WIDE]
    return ["", search] if kind.small else [search, ""]


# --- without a request ------------------------------------------------------------------------------------


def at_hand(backend: Backend, asked: Asked, scope: JsonObject) -> Found | None:
    """What kept rows show of a name, if that is certain: the one with this id, or what the whole list shows.

    A name that cannot be given twice is certain wherever it is seen.
    """
    kind, shown, listings = asked.kind, SHOWN.fullmatch(asked.name), kept(backend, asked.kind, scope)
    seen = [row for _, listing in listings for row in listing.rows]
    if shown:
        return _of_id(asked, _among(kind, seen, shown[1]), shown[2])
    whole = [listing for search, listing in listings if not search and listing.complete]
    if not (whole or kind.unique):
        return None
    found = _among(kind, whole[-1].rows if whole else seen, str(asked.name), complete=bool(whole))
    return found if found.matches else None


def _among(kind: Kind, rows: Sequence[JsonObject], text: str, *, complete: bool = False) -> Found:
    looked = kinds.records(kind, rows)
    return Found(kind, kinds.matching(kind, looked, text), looked, complete)


def within(backend: Backend, kind: Kind, given: Any) -> JsonObject:
    """What the records are looked for in: by its uuid, where that is known or kept rows show it."""
    if not kind.scope:
        return {}
    if known := backend.identifiers.find(kind.scope, given, "uuid"):
        return {kind.scope: known}
    above = KINDS[kind.scope.removesuffix("_id")]
    seen = [row for _, listing in kept(backend, above, {}) for row in listing.rows]
    for row in kinds.records(above, seen):
        shown = [str(row[name]) for name in kinds.ids(above, row)]
        if str(given) in shown:
            _identified(backend, above, row)
            return {kind.scope: shown[0]}
    return {kind.scope: given}


def _identified(backend: Backend, kind: Kind, row: JsonObject) -> None:
    """Keep both identifiers of a record, where both show."""
    if kind.reader and row.get("id") and row.get("uuid"):
        reader = operations.find(kind.reader)
        backend.identified(reader, reader.path[-1], row["id"], row)


# --- the arguments ----------------------------------------------------------------------------------------


async def resolve(backend: Backend, tool: Tool, values: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments with ids in the place of names, at any depth.

    Raises `ArgumentError` that tells of every name which is not that of one record, and what TaskIP's lists raise.
    """
    # What a name is looked for in may be missing as well.
    return await sought(backend, tool, values, partial(_resolved, backend, tool))


async def sought(
    backend: Backend, tool: Tool, values: Mapping[str, Any], look: Callable[[dict[str, Any]], Awaitable[T]]
) -> T:
    """What `look` finds with these arguments; where it misses, with those that are `reconsidered`."""
    try:
        return await look(dict(values))
    except errors.MissingError as missing:
        return await look(await reconsidered(backend, tool, values, missing))


async def _resolved(backend: Backend, tool: Tool, values: Mapping[str, Any]) -> dict[str, Any]:
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
        raise _refusal(problems)
    return made


def _refusal(problems: Sequence[Problem]) -> errors.ArgumentError:
    more = f" And {len(problems) - TOLD} more." if len(problems) > TOLD else ""
    words = " ".join(each.words for each in problems[:TOLD])
    shown, absent = misnamed.shown(problems[:TOLD]), all(each.absent for each in problems)
    return errors.ArgumentError(f"{words}{more} Nothing was changed.", shown, absent=absent)


async def reconsidered(
    backend: Backend, tool: Tool, values: Mapping[str, Any], missing: errors.MissingError
) -> dict[str, Any]:
    """The arguments of a call that came to a 404, where what looked like an identifier is the name of one record.

    That is sure only of names that the workspace gives, and only good enough for a read. Raises `ArgumentError` for
    any other name, and `missing` where there is none.
    """
    asked = {each.key: each for each in _asked(dict(values), Opaque)}
    if not asked or missing.outcome == "unknown":
        raise missing
    try:
        answers = await records.at_once(list(asked.values()), partial(_renamed, backend, tool))
    except errors.TaskipError:
        raise missing from None
    if problems := [each for each in answers if isinstance(each, Problem)]:
        raise _refusal(problems)
    if not any(answers):
        raise missing
    return _with_ids(dict(values), dict(zip(asked, answers, strict=True)), Opaque)


async def _renamed(backend: Backend, tool: Tool, asked: Asked) -> Any:
    """The id, `Problem`, or None for what is no name."""
    found = await _find(backend, asked.kind, str(asked.name), {})
    if not found.matches or any(
        str(asked.name) in map(str, misnamed.ids_of(asked, row)) for row in found.matches
    ):
        return None
    answer = _settled(backend, asked, found)
    sure = tool.effect is Effect.READ and kinds.named_by_us(asked.kind)
    return answer if sure or isinstance(answer, Problem) else misnamed.no_id(asked, found.matches[0])


def spoken(values: Mapping[str, Any]) -> JsonObject | None:
    """The arguments by the names in them, to tell whether two calls were said alike; None for arguments without."""
    said: list[tuple[str, str, str]] = []

    def note(asked: Asked) -> None:
        said.append((asked.where, asked.name.kind, kinds.key(asked.name)))

    rest = _walk(dict(values), "", {}, note)
    return {"names": said, "rest": rest} if said else None


def _asked(values: JsonObject, of: type[Name | Opaque] = Name) -> list[Asked]:
    found: list[Asked] = []

    def note(asked: Asked) -> Any:
        found.append(asked)
        return asked.name

    _walk(values, "", {}, note, of)
    return found


def _with_ids(
    values: JsonObject, answers: Mapping[tuple[str, ...], Any], of: type[Name | Opaque] = Name
) -> JsonObject:
    def put(asked: Asked) -> Any:
        answer = answers.get(asked.key)
        kept = asked.name if of is Name else str(asked.name)
        return kept if answer is None or isinstance(answer, Problem) else answer

    return cast("JsonObject", _walk(values, "", {}, put, of))


def _walk(
    node: Any, where: str, around: JsonObject, put: Callable[[Asked], Any], of: type[Name | Opaque] = Name
) -> Any:
    """A copy with what `put` gives for each name; `around` holds the arguments at and above its place."""
    if isinstance(node, of):
        name = node if isinstance(node, Name) else Name(node, node.kind)
        return put(Asked(name, where, around.get(KINDS[name.kind].scope)))
    if isinstance(node, list):
        items = cast("list[Any]", node)
        made = [_walk(each, f"{where}.{at}", around, put, of) for at, each in enumerate(items)]
        # Two names, or a name and an id, may be one record.
        return list(dict.fromkeys(made)) if any(isinstance(each, of) for each in items) else made
    if isinstance(node, BaseModel):
        fields = {name: getattr(node, name) for name in type(node).model_fields}
        inside = _walk(fields, where, around, put, of)
        return node.model_copy(
            update={name: inside[name] for name in fields if inside[name] is not fields[name]}
        )
    if isinstance(node, dict):
        fields = cast("JsonObject", node)
        near = around | fields
        return {
            name: _walk(each, f"{where}.{name}".lstrip("."), near, put, of) for name, each in fields.items()
        }
    return node


async def _answers(backend: Backend, tool: Tool, asked: Sequence[Asked]) -> list[Any]:
    """For each name the id, or the problem with it."""

    async def one(each: Asked) -> Any:
        """The id, `Problem` or `Unmatched`."""
        if each.kind.scope and each.scope is None:
            return Problem(
                f"{each.where}: a {each.kind.word} is known by name only with {each.kind.scope}. Give that too, or"
                " the id."
            )
        scope = within(backend, each.kind, each.scope)
        if its := at_hand(backend, each, scope):
            return _settled(backend, each, its)
        shown = SHOWN.fullmatch(each.name)
        if shown and (its := _of_id(each, await _find(backend, each.kind, shown[1], scope), shown[2])):
            return _settled(backend, each, its)
        found = await _find(backend, each.kind, str(each.name), scope)
        if not found.matches:
            return Unmatched(each, found)
        if shown is None:
            return _settled(backend, each, found)
        its = _of_id(each, found, shown[2])
        return _settled(backend, each, its) if its else misnamed.other(each, found, shown[2])

    try:
        return await _explained(backend, tool, await records.at_once(asked, one))
    except errors.ApiError as error:
        if tool.effect is not Effect.READ and error.outcome == "read":
            error.outcome = "unchanged"
        raise


def _of_id(asked: Asked, found: Found, identifier: str) -> Found | None:
    """What was found, if it has this id: there can be no second one then."""
    matches = [row for row in found.matches if identifier in map(str, misnamed.ids_of(asked, row))]
    return replace(found, matches=matches, complete=True) if matches else None


def _settled(backend: Backend, asked: Asked, found: Found) -> Any:
    """The id of the one record, if it is certain that there is no other."""
    kind, name = asked.kind, asked.name
    certain = found.complete or kind.unique or kinds.is_email(kind, name)
    row, identifier = found.matches[0], misnamed.identifier(asked, found.matches[0])
    if len(found.matches) > 1 or not certain or not identifier:
        return misnamed.several(asked, found)
    _identified(backend, kind, row)
    return identifier


async def _explained(backend: Backend, tool: Tool, answers: list[Any]) -> list[Any]:
    """Words in the place of what was not found. A contact's name may be that of a company."""
    firms = [
        each
        for each in answers
        if isinstance(each, Unmatched)
        and each.asked.name.kind == "contact"
        and not kinds.is_email(each.asked.kind, each.asked.name)
    ]
    told = {id(each): await _firm(backend, tool, each) for each in firms[:FIRMS]}
    return [
        misnamed.none(each.asked, each.found, told.get(id(each), Problem("")), backend.offers)
        if isinstance(each, Unmatched)
        else each
        for each in answers
    ]


async def _firm(backend: Backend, tool: Tool, missed: Unmatched) -> Problem:
    """That a company is called so, and who belongs to it; nothing where that cannot be read."""
    kind, shown = replace(KINDS["company"], pages=1), SHOWN.fullmatch(missed.asked.name)
    name = shown[1] if shown else str(missed.asked.name)
    try:
        listing = await read_list(backend, kind, {}, _searches(kind, name)[0])
    except errors.TaskipError:
        return Problem("")  # the name is wrong all the same
    rows = kinds.matching(kind, kinds.records(kind, listing.rows), name)
    if len(rows) != 1:
        return Problem("")
    # In a write company_id is a field of the record, and no other way to say whom it is about.
    if tool.effect is not Effect.READ:
        way = ""
    elif "company_id" in inspect.signature(tool.function).parameters:
        way = "give it as company_id"
    else:
        way = "get_client_overview takes company_id" if backend.offers("get_client_overview") else ""
    return misnamed.firm(rows[0], missed, way)
