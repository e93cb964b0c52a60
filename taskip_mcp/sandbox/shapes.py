"""The forms in which TaskIP shows things: fifteen date formats, pages, references. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

Row = dict[str, Any]


def moment(value: str | datetime) -> datetime:
    """An ISO text (date or time) as a datetime."""
    return value if isinstance(value, datetime) else datetime.fromisoformat(value)


def php(value: str | datetime | None, pattern: str) -> str | None:
    """A date in one of the contract's PHP patterns (``d-M-Y``, ``h:iA`` ...); None stays None.

    Known letters: d j m M F n Y y D H h g G i s A. Everything else is copied.
    """
    if value is None:
        return None
    when = moment(value)
    letters = {
        "d": "%d", "m": "%m", "M": "%b", "F": "%B", "Y": "%Y", "y": "%y", "D": "%a", "H": "%H", "h": "%I",
        "i": "%M", "s": "%S", "A": "%p",
    }  # fmt: skip
    plain = {
        "j": str(when.day),
        "n": str(when.month),
        "g": str((when.hour - 1) % 12 + 1),
        "G": str(when.hour),
    }
    return "".join(plain.get(letter) or when.strftime(letters.get(letter, letter)) for letter in pattern)


def iso(value: str | datetime | None) -> str | None:
    """``2026-01-31T10:20:30.000000Z``, as Laravel serialises times."""
    return None if value is None else moment(value).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def relative(value: str | datetime, now: datetime) -> str:
    """``2 days ago``, as Laravel's diffForHumans words it."""
    when = moment(value)
    seconds = int((now - when.replace(tzinfo=when.tzinfo or now.tzinfo)).total_seconds())
    ending = "ago" if seconds >= 0 else "from now"
    seconds = abs(seconds)
    units = (
        ("year", 31536000),
        ("month", 2592000),
        ("week", 604800),
        ("day", 86400),
        ("hour", 3600),
        ("minute", 60),
    )
    for name, size in units:
        if seconds >= size:
            count = seconds // size
            return f"{count} {name}{'s' if count > 1 else ''} {ending}"
    return f"{seconds} second{'s' if seconds != 1 else ''} {ending}"


def user_ref(member: Row | None) -> Row | None:
    """``{id, name, email}`` of a team member or contact."""
    if member is None:
        return None
    return {"id": member["id"], "name": full_name(member), "email": member["email"]}


def full_name(person: Row) -> str:
    """First and last name."""
    return " ".join(part for part in (person.get("first_name"), person.get("last_name")) if part)


def numbers(row: Row, name: str) -> list[int]:
    """A list of ids, empty where the field is."""
    return cast("list[int]", row.get(name) or [])


def rows(row: Row, name: str) -> list[Row]:
    """A list of nested records, empty where the field is."""
    return cast("list[Row]", row.get(name) or [])


def select(row: Row, *names: str, **renamed: str) -> Row:
    """Fields of a row: `names` under their names, `renamed` as new=old."""
    return {name: row.get(name) for name in names} | {new: row.get(old) for new, old in renamed.items()}


def matching(
    rows: Sequence[Row],
    query: Mapping[str, str],
    *,
    search: Sequence[str] = (),
    equal: Mapping[str, str] | None = None,
    sort: Mapping[str, str] | None = None,
    dated: str = "created_at",
) -> list[Row]:
    """Rows that the query's filters let through, in the order it asks for.

    `search` are fields that the search text may occur in, `equal` maps filter -> field, `sort` maps sort key -> field,
    `dated` is the field that date_from and date_to compare.
    """
    found = list(rows)
    if text := query.get("search", "").lower():
        found = [row for row in found if any(text in str(row.get(name) or "").lower() for name in search)]
    for name, column in (equal or {}).items():
        if query.get(name):
            found = [row for row in found if str(row.get(column)) == query[name]]
    if since := query.get("date_from"):
        found = [row for row in found if str(row.get(dated) or "")[:10] >= since]
    if until := query.get("date_to"):
        found = [row for row in found if str(row.get(dated) or "9")[:10] <= until]
    if on := query.get("created_at"):
        found = [row for row in found if str(row.get("created_at") or "")[:10] == on]
    column = (sort or {}).get(
        query.get("sort", ""), query.get("sort") if query.get("sort") == "created_at" else None
    )
    if column:
        found.sort(key=lambda row: _sortable(row.get(column)))
    if query.get("order") == "desc" and column:
        found.reverse()
    return found


def _sortable(value: Any) -> tuple[int, float, str]:
    if isinstance(value, int | float):
        return (1, float(value), "")
    return (0, 0.0, "") if value is None else (2, 0.0, str(value).lower())


def window(rows: Sequence[Row], query: Mapping[str, Any], default: int = 50) -> tuple[list[Row], int, int]:
    """The asked page of rows, its number and its size (at most 100)."""
    page = max(1, _number(query.get("page"), 1))
    size = min(100, max(1, _number(query.get("limit"), default)))
    return list(rows[(page - 1) * size : page * size]), page, size


def _number(value: Any, default: int) -> int:
    return int(value) if re.fullmatch("[0-9]{1,18}", str(value)) else default


def laravel_page(
    rows: Sequence[Row],
    query: Mapping[str, Any],
    present: Callable[[Row], Row],
    *,
    url: str,
    default: int = 50,
    meta: Mapping[str, Any] | None = None,
) -> Row:
    """``data``, ``links`` and ``meta`` as Laravel's resource collections have them; `meta` adds keys."""
    part, page, size = window(rows, query, default)
    last = max(1, -(-len(rows) // size))
    start = (page - 1) * size
    return {
        "data": [present(row) for row in part],
        "links": {
            "first": f"{url}?page=1",
            "last": f"{url}?page={last}",
            "prev": f"{url}?page={page - 1}" if page > 1 else None,
            "next": f"{url}?page={page + 1}" if page < last else None,
        },
        "meta": {
            "current_page": page,
            "from": start + 1 if part else None,
            "last_page": last,
            "path": url,
            "per_page": size,
            "to": start + len(part) if part else None,
            "total": len(rows),
            **(meta or {}),
        },
    }
