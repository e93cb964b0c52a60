"""Updates that replace: keep what the caller did not mention.

TaskIP's PUT on projects, tasks, invoices and others takes the whole record and may clear what is left out
(contract quirks 3, 18). So the record is read, mapped back to the names and types of the body, and merged with
what the caller gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from taskip_mcp.errors import ArgumentError
from taskip_mcp.redact import holds_hidden
from taskip_mcp.wire import JsonObject

Extractor = Callable[[JsonObject], Any]
Readback = Mapping[str, Extractor]
"""Body field -> how the record shows its value. The extractor raises `UnmappableError` when it cannot tell."""


class UnmappableError(Exception):
    """The record shows this field in a way that cannot be sent back."""


def merged(record: JsonObject, given: JsonObject, back: Readback, clear: Sequence[str] = ()) -> JsonObject:
    """The full body: `given` over the record's values; fields in `clear` are emptied.

    A field whose value cannot be mapped back is refused by name with `ArgumentError`, unless it is given or
    cleared: sending the update without it might lose it.
    """
    twice = [name for name in clear if name in given]
    if twice:
        raise ArgumentError(f"{twice[0]} is both given and in clear. Nothing was sent. Keep one of the two.")
    body: JsonObject = {}
    for name, extract in back.items():
        if name in given or name in clear:
            continue
        try:
            value = extract(record)
        except UnmappableError as error:
            raise ArgumentError(
                f"{name} cannot be kept: {error}. Nothing was sent. Pass {name} as it is to be after the update"
                " (or name it in clear, where the tool has that)."
            ) from None
        if holds_hidden(value):
            raise ArgumentError(
                f"{name} cannot be kept: it holds a secret, which is not shown here. Nothing was sent. Pass {name} as"
                " it is to be after the update (or name it in clear, where the tool has that)."
            )
        if value is not None:
            body[name] = value
    return body | given | {name: [] if _is_list(name, record, back) else None for name in clear}


def _is_list(name: str, record: JsonObject, back: Readback) -> bool:
    extract = back.get(name)
    if extract is None:
        return False
    try:
        return isinstance(extract(record), list)
    except UnmappableError:
        return True


def same(name: str) -> Extractor:
    """The record has the field under this name, ready to send."""
    return lambda record: record.get(name)


def ids(name: str) -> Extractor:
    """The record has a list of objects with ids; the body wants the ids."""

    def extract(record: JsonObject) -> list[int] | None:
        rows = record.get(name)
        if rows is None:
            return None
        if not isinstance(rows, list):
            raise UnmappableError(f"TaskIP shows {name} as something other than a list")
        return [_id(name, row) for row in cast("list[Any]", rows)]

    return extract


def _id(name: str, row: Any) -> int:
    value = cast("JsonObject", row).get("id") if isinstance(row, dict) else row
    if not isinstance(value, int):
        raise UnmappableError(f"TaskIP shows an entry of {name} without its id")
    return value


def one_id(name: str) -> Extractor:
    """The record has an object with an id; the body wants the id."""

    def extract(record: JsonObject) -> int | None:
        value = record.get(name)
        return None if value is None else _id(name, value)

    return extract


def day(name: str, *patterns: str) -> Extractor:
    """The record shows a day in one of `patterns` (strptime); the body wants YYYY-MM-DD.

    Month names are English. Text in any other form cannot be mapped back, and guessing could move the date.
    """

    def extract(record: JsonObject) -> str | None:
        text = record.get(name)
        if text in (None, ""):
            return None
        for pattern in patterns:
            try:
                return datetime.strptime(str(text), pattern).date().isoformat()  # noqa: DTZ007 - a day has no zone
            except ValueError:
                continue
        raise UnmappableError(f"TaskIP shows {name} as {text!r}, which is no date in its documented form")

    return extract


def amount(name: str) -> Extractor:
    """The record shows a number, maybe as text; the body wants a number."""

    def extract(record: JsonObject) -> float | None:
        value = record.get(name)
        if value in (None, ""):
            return None
        try:
            return float(value)
        except (TypeError, ValueError):
            raise UnmappableError(f"TaskIP shows {name} as {value!r}, which is no number") from None

    return extract


def word(name: str, words: Mapping[Any, Any]) -> Extractor:
    """The record shows one of the keys of `words`; the argument wants the word behind it."""

    def extract(record: JsonObject) -> Any:
        value = record.get(name)
        if value is None:
            return None
        if value not in words:
            raise UnmappableError(f"TaskIP shows {name} as {value!r}, which no word stands for")
        return words[value]

    return extract


def inside(name: str, extract: Extractor) -> Extractor:
    """The record has an object, and the value is in there."""

    def find(record: JsonObject) -> Any:
        value = record.get(name)
        return extract(cast("JsonObject", value)) if isinstance(value, dict) else None

    return find


TRUTH: Mapping[Any, bool] = {0: False, 1: True, "0": False, "1": True}
"""How records show what is sent as true or false; to Python the numbers are the truth values as well."""


def places(parameter: str, field: str, named: Callable[[], Iterable[Any]]) -> Extractor:
    """A list shows rows with ``order`` and their id in `field`; the argument wants the places of the `named` ids."""

    def extract(state: JsonObject) -> list[JsonObject]:
        rows = {row.get(field): row.get("order") for row in cast("list[JsonObject]", state.get("items"))}
        found = {each: rows.get(each) for each in named()}
        if not all(isinstance(order, int) for order in found.values()):
            raise UnmappableError("TaskIP did not show the place of each")
        return [{parameter: each, "order": order} for each, order in found.items()]

    return extract
