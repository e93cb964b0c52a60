"""The size of a result: what is above the limit ends at a record boundary, and says how to get the rest."""

from __future__ import annotations

import json
from typing import Any, cast

from taskip_mcp.outside import Foreign, joined
from taskip_mcp.tokens import LIMIT, MOST, estimate
from taskip_mcp.wire import JsonObject

ROOM = 300
"""Tokens that are kept for the words on what was left out, and the fence."""

WHY = f"to stay below {MOST:,} tokens"
SHORT = 400
"""Characters that a text keeps at least."""


def to_size(value: JsonObject, *, page: int | None = None, limit: int | None = None) -> JsonObject:
    """The value itself where it fits, else without its last rows or the ends of its longest lists and texts.

    With `page` and `limit` of the call, rows are left out so that whole pages remain and nothing is skipped later.
    """
    if _size(value) <= LIMIT:
        return value
    if isinstance(value.get("items"), list) and limit:
        return _fewer_rows(value, page or 1, limit)
    return _shorter(value)


def _size(value: Any) -> int:
    text = _text(value)
    return len(text) if len(text) > LIMIT * 30 else estimate(text)  # no need to count what is far above


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _fewer_rows(value: JsonObject, page: int, limit: int) -> JsonObject:
    rows = cast("list[Any]", value["items"])
    room = LIMIT - ROOM - _size(value | {"items": []})
    fitting = 0
    for row in rows:
        room -= _size(row) + 1
        if room < 0:
            break
        fitting += 1
    if fitting == 0:
        return _shorter(value)
    kept = max(size for size in range(1, fitting + 1) if limit % size == 0)
    following = (page - 1) * limit // kept + 2
    told = f"{len(rows) - kept} of {len(rows)} rows {WHY}. Go on with limit={kept}, page={following}."
    rest = {name: item for name, item in value.items() if name != "next_page"}
    return rest | {"items": rows[:kept], "returned": kept, "left_out": told}


# --- what has no pages ------------------------------------------------------------------------------------

Place = tuple[str | int, ...]


def _shorter(value: JsonObject) -> JsonObject:
    """Again and again the longest list loses its second half, or the longest text its end, until all fits."""
    made = cast("JsonObject", _copied(value))
    lists: dict[Place, int] = {}
    texts: dict[Place, int] = {}
    while (size := _size(made)) > LIMIT - ROOM:
        place, found = _longest(made)
        if found is None:
            break
        if isinstance(found, list):
            lists.setdefault(place, len(found))
            _put(made, place, found[: len(found) // 2])
        else:
            texts.setdefault(place, len(found))
            keep = max(SHORT, int(len(found) * (LIMIT - ROOM) / size * 0.9))
            _put(made, place, _ended(found, keep))
    return made | {"left_out": _told(made, lists, texts)}


def _told(made: JsonObject, lists: dict[Place, int], texts: dict[Place, int]) -> str:
    left = {place: count - len(_at(made, place) or ()) for place, count in lists.items()}
    cuts = [joined(f"{left[place]} of {count} in ", _name(place)) for place, count in lists.items()]
    cuts += [
        joined("the end of ", _name(place), f" ({count:,} characters)") for place, count in texts.items()
    ]
    told = [part for cut in cuts[:20] for part in ("; ", cut)][1:]
    return joined(*told, f": {WHY}. Narrow the call, or read the records one by one.")


def _name(place: Place) -> str:
    return joined(
        *[part for name in place for part in (".", name if isinstance(name, str) else str(name))][1:]
    )


def _copied(value: Any) -> Any:
    """A copy in which the marks of outsiders' text stay."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in cast("JsonObject", value).items()}
    return [_copied(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value


def _ended(text: str, keep: int) -> str:
    ended = text[:keep] + "…"
    return Foreign(ended) if isinstance(text, Foreign) else ended


def _longest(value: Any, place: Place = ()) -> tuple[Place, list[Any] | str | None]:
    """The list with several entries or the text that takes most room; of lists inside lists the inner one, if it is
    the greater part."""
    best: tuple[Place, list[Any] | str | None] = ((), None)
    most = 0
    for where, found in _parts(value, place):
        size = len(_text(found))
        if size > most:
            best, most = (where, found), size
    return best


def _parts(value: Any, place: Place) -> list[tuple[Place, list[Any] | str]]:
    """Lists and texts that can be shortened; not a list that owes more than half of its size to one part of it."""
    if isinstance(value, str):
        return [(place, value)] if len(value) > SHORT + 1 else []
    children: list[tuple[Place, Any]] = []
    if isinstance(value, dict):
        children = [((*place, name), item) for name, item in cast("JsonObject", value).items()]
    elif isinstance(value, list):
        children = [((*place, at), item) for at, item in enumerate(cast("list[Any]", value))]
    found = [part for where, child in children for part in _parts(child, where)]
    if not isinstance(value, list) or len(cast("list[Any]", value)) < 2:
        return found
    items = cast("list[Any]", value)
    inner = max((len(_text(part)) for _, part in found), default=0)
    return found if inner * 2 > len(_text(items)) else [*found, (place, items)]


def _at(value: Any, place: Place) -> Any:
    """What stands at a place; None where a list that held it was cut before it."""
    for part in place:
        if isinstance(part, int) and part >= len(value):
            return None
        value = value[part]
    return value


def _put(value: Any, place: Place, new: Any) -> None:
    _at(value, place[:-1])[place[-1]] = new
