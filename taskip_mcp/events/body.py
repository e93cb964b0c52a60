"""What a delivery says. It is read twice: for its name when it comes, and in brief whenever it is shown.

Nobody knows how TaskIP writes 18 of its 19 events, so any object of JSON with a text as its ``event`` is one. ``NaN``
is no JSON. A number that Python has no room for is read as the text that it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Mapping
from itertools import islice
from typing import Any, cast

from taskip_mcp.events import Event, group_of

DIGITS = 40
"""Digits of a whole number; a longer one is an amount of nothing and is read as text."""

LONG = 400
"""Characters that are kept of a text when it is read; those who show it show less."""

FIELDS = 16
"""Single values of ``data`` that are kept when it is read, beside those that may be ids."""


def name_of(raw: bytes) -> str:
    """The ``event`` of a delivery; raises `ValueError` unless it is an object with a text there.

    An object that is nested deeper than Python's parser goes (about 900 levels) is none.
    """
    name = _object(raw).get("event")
    if not isinstance(name, str):
        raise ValueError("no name")
    return name


def name_kept(name: str) -> str:
    """The name as it is looked for and shown: what UTF-8 can hold, and not all of one that is absurdly long."""
    return _clipped(name)


def event_of(seq: int, at: float, name: str, raw: bytes) -> Event:
    """A delivery in brief: of its ``data`` the single values, the first ones and those that may be ids, with long texts
    cut. Nothing of what is no delivery. A body of 256 KiB may take megabytes once it is read, and an answer shows a
    hundred events."""
    try:
        data = _object(raw).get("data")
    except ValueError:
        data = None
    fields = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    kept = name_kept(name)
    return Event(seq, at, kept, dict(_fields(fields, group_of(kept))))


def _fields(data: Mapping[str, Any], group: str) -> Generator[tuple[str, Any]]:
    ids = (f"{group}_id", "id", "uuid", "project_id")
    told = ((name, value) for name, value in data.items() if value is not None and _is_single(value))
    yield from ((_clipped(name), _clipped(value)) for name, value in islice(told, FIELDS))
    yield from ((name, _clipped(data[name])) for name in ids if _is_single(data.get(name, {})))
    within = data.get(group)
    if isinstance(within, dict) and _is_single(found := cast("dict[str, Any]", within).get("id")):
        yield _clipped(group), {"id": _clipped(found)}


def _is_single(value: Any) -> bool:
    return not isinstance(value, list | dict)


def _clipped(value: Any) -> Any:
    # One half of a pair, escaped, is JSON and no text that can be sent on.
    return value[:LONG].encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _object(raw: bytes) -> dict[str, Any]:
    try:
        found: Any = json.loads(
            raw.decode("utf-8-sig"), parse_constant=_no_number, parse_float=_float, parse_int=_int
        )
    except RecursionError:
        raise ValueError("too deep") from None
    if not isinstance(found, dict):
        raise ValueError("no object")
    return cast("dict[str, Any]", found)


def _no_number(_text: str) -> float:
    raise ValueError("no number of JSON")


def _float(text: str) -> float | str:
    return value if math.isfinite(value := float(text)) else text


def _int(text: str) -> int | str:
    return int(text) if len(text) <= DIGITS else text
