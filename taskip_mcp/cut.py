"""The size of a result: what is above the limit ends at a record boundary, and says how to get the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, cast

from taskip_mcp.outside import Foreign, joined
from taskip_mcp.results import minified
from taskip_mcp.tokens import LIMIT, MOST, estimate
from taskip_mcp.wire import JsonObject

ROOM = 600
"""Tokens that are kept for the words on what was left out, and the fence."""

WHY = f"to stay below {MOST:,} tokens"
SHORT = 400
"""Characters that a text keeps at least."""

MANY = 20
"""Fields from which on an object is one that a form fills, and can lose some."""

KNOWN_BY = ("id", "uuid", "container_id", "file_id")

NEXT_ROW = ',{"'
"""What follows a row: its last signs cost more with these than alone."""

NAMED = 25
"""Ids of rows that were left out, as they are told."""


def to_size(value: JsonObject, *, page: int | None = None, limit: int | None = None) -> JsonObject:
    """The value itself where it fits, else without its last rows or the ends of its longest lists and texts.

    `page` is that of the call for a list with pages, `limit` the rows that were asked for: rows are left out so that
    a call with a smaller limit goes on where this ends.
    """
    if _size(value) <= LIMIT:
        return value
    if isinstance(value.get("items"), list) and limit:
        return _fewer_rows(value, page, limit)
    return _shorter(value)


def _size(value: Any) -> int:
    return _tokens(minified(value))


def _tokens(text: str) -> int:
    return len(text) if len(text) > LIMIT * 30 else estimate(text)  # no need to count what is far above


# --- rows of a list ---------------------------------------------------------------------------------------


def rows_in(room: int, rows: Sequence[Any]) -> int:
    """How many of the first rows have room. Each is measured once, with the signs that stand before the next one."""
    for place, row in enumerate(rows):
        room -= _tokens(minified(row) + NEXT_ROW)
        if room < 0:
            return place
    return len(rows)


def _fewer_rows(value: JsonObject, page: int | None, limit: int) -> JsonObject:
    rows = cast("list[Any]", value["items"])
    fitting = rows_in(LIMIT - ROOM - _size(value | {"items": []}), rows)
    if fitting == 0:
        return _shorter(value)
    # TaskIP may have its own idea of a page (contract conventions.pagination): then no smaller one begins here.
    # A page that no other follows may be short.
    whole = page is not None and (len(rows) == limit or not {"next_page", "note"} & value.keys())
    kept = max(size for size in range(1, fitting + 1) if limit % size == 0) if whole else fitting
    if page is None:
        advice = f"Ask with limit={kept}, or narrow the call."
    elif whole:
        advice = f"Go on with limit={kept}, page={(page - 1) * limit // kept + 2}."
    else:
        advice = _one_by_one(rows[kept:])
    told = joined(f"{len(rows) - kept} of {len(rows)} rows {WHY}. ", advice)
    # What pages follow is told in the advice; a note was about all rows.
    rest = {name: item for name, item in value.items() if name not in {"next_page", "note"}}
    more = (
        {"next_page": value["next_page"]} if page is not None and not whole and "next_page" in value else {}
    )
    return rest | {"items": rows[:kept], "returned": kept, "left_out": told} | more


def _one_by_one(rows: list[Any]) -> str:
    ids = [
        str(found) for row in rows if isinstance(row, dict) and (found := _identity(cast("JsonObject", row)))
    ]
    more = ", ..." if len(ids) > NAMED else ""
    return (
        joined("Read these by their ids: ", ", ".join(ids[:NAMED]), more, ".") if ids else "Narrow the call."
    )


def _identity(row: JsonObject) -> Any:
    return next((row[name] for name in KNOWN_BY if row.get(name)), None)


# --- what has no pages ------------------------------------------------------------------------------------

Place = tuple[str | int, ...]
Cuttable = list[Any] | dict[str, Any] | str


def _shorter(value: JsonObject) -> JsonObject:
    """Again and again the longest list or form loses its second half, or the longest text its end, until all fits."""
    made = cast("JsonObject", _copied(value))
    counts: dict[Place, int] = {}
    while (size := _size(made)) > LIMIT - ROOM:
        place, found = _longest(made)
        if found is None:
            break
        counts.setdefault(place, len(found))
        _put(made, place, _halved(found, size))
    rows = made.get("items")
    if ("items",) in counts and isinstance(rows, list):
        made = {name: item for name, item in made.items() if name not in {"next_page", "note"}}
        made |= {"returned": len(cast("list[Any]", rows))} if "returned" in made else {}
    return made | {"left_out": _told(made, counts)}


def _halved(found: Cuttable, size: int) -> Cuttable:
    if isinstance(found, list):
        return found[: len(found) // 2]
    if isinstance(found, dict):
        kept = list(found)[: len(found) // 2]
        return {name: item for name, item in found.items() if name in kept or name in KNOWN_BY}
    keep = max(SHORT, int(len(found) * (LIMIT - ROOM) / size * 0.9))
    ended = found[:keep] + "…"
    return Foreign(ended) if isinstance(found, Foreign) else ended


def _told(made: JsonObject, counts: dict[Place, int]) -> str:
    cuts: list[str] = []
    for place, count in counts.items():
        left = _at(made, place)
        words = joined("the end of ", _name(place), f" ({count:,} characters)")
        if not isinstance(left, str):
            words = joined(f"{count - len(left or ())} of {count} in ", _name(place))
        cuts.append(words)
    told = [part for cut in cuts[:NAMED] for part in ("; ", cut)][1:]
    return joined(*told, f": {WHY}. Narrow the call, or read the records one by one.")


def _name(place: Place) -> str:
    if not place:
        return "the record"
    return joined(
        *[part for name in place for part in (".", name if isinstance(name, str) else str(name))][1:]
    )


def _copied(value: Any) -> Any:
    """A copy in which the marks of outsiders' text stay."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in cast("JsonObject", value).items()}
    return [_copied(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _longest(value: Any) -> tuple[Place, Cuttable | None]:
    """What can be shortened and takes most room."""
    parts = list(_parts(value, ()))
    return max(parts, key=lambda part: len(minified(part[1]))) if parts else ((), None)


def _parts(value: Any, place: Place) -> Iterator[tuple[Place, Cuttable]]:
    """Lists, forms and texts that can be shortened; not what owes more than half of its size to one part of it."""
    if isinstance(value, str):
        if len(value) > SHORT + 1:
            yield place, value
        return
    inside: list[tuple[Place, Cuttable]] = []
    for name, child in _children(value):
        inside += _parts(child, (*place, name))
    yield from inside
    if isinstance(value, list | dict) and len(cast("list[Any]", value)) >= (
        MANY if isinstance(value, dict) else 2
    ):
        found = cast("list[Any] | dict[str, Any]", value)
        if max((len(minified(part)) for _, part in inside), default=0) * 2 <= len(minified(found)):
            yield place, found


def _children(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, dict):
        yield from cast("JsonObject", value).items()
    elif isinstance(value, list):
        yield from enumerate(cast("list[Any]", value))


def _at(value: Any, place: Place) -> Any:
    """What stands at a place; None where a list or form that held it was cut before it."""
    for part in place:
        inside = cast("list[Any] | dict[Any, Any]", value)
        if (part >= len(inside)) if isinstance(part, int) else (part not in inside):
            return None
        value = cast("Any", inside)[part]
    return value


def _put(made: JsonObject, place: Place, new: Cuttable) -> None:
    if place:
        _at(made, place[:-1])[place[-1]] = new
    elif isinstance(new, dict):  # the record itself
        for name in [name for name in made if name not in new]:
            del made[name]
