"""Forms in which values of records are shown: people, money, flags, lines. What does not fit a form stays as it is.

A text that outsiders wrote keeps its mark in every form (`taskip_mcp.outside`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, cast

from taskip_mcp.outside import Foreign, joined

if TYPE_CHECKING:
    from taskip_mcp.wire import JsonObject

LONG = 200
"""Characters of a text in a row of a list; the record has all."""

NAME = 80
"""Characters of a name that something else stands behind, such as its id, which must never be cut off."""

ADDRESS = re.compile(r"https?://\S+")
"""Of no use when it is cut."""

UNTOUCHED = frozenset({"custom_fields"})
"""What a workspace named itself is shown as it is."""


@dataclass(frozen=True, slots=True)
class Part:
    """What stands under one key of a view: made of the fields `takes` of the record.

    `ids` are fields that repeat the id of what is shown; one that differs is shown under its own name.
    """

    takes: tuple[str, ...]
    make: Callable[[JsonObject], Any]
    ids: tuple[str, ...] = ()


Parts = Mapping[str, Part]


# --- values -----------------------------------------------------------------------------------------------


def empty(value: Any) -> bool:
    """What says nothing: null, and lists, objects and texts without content. 0 and false say something."""
    return value is None or value == "" or value == [] or value == {}


def bare(value: Any) -> Any:
    """Without what is empty, at any depth."""
    if isinstance(value, dict):
        items = ((name, _bare_in(name, item)) for name, item in cast("JsonObject", value).items())
        return {name: item for name, item in items if not empty(item)}
    if isinstance(value, list):
        return [bare(item) for item in cast("list[Any]", value)]
    return value


def _bare_in(name: str, value: Any) -> Any:
    return value if name in UNTOUCHED else bare(value)


def marked(source: Any, text: str) -> str:
    """The text, which outsiders wrote if they wrote the source."""
    return Foreign(text) if isinstance(source, Foreign) else text


def shortened(text: str, most: int) -> str:
    """The text with its first characters, and a sign for the rest."""
    return text if len(text) <= most else marked(text, text[: most - 1].rstrip() + "…")


def cut(value: Any) -> Any:
    """A text as rows have it; texts in lists and objects as well."""
    if isinstance(value, str):
        return value if ADDRESS.fullmatch(value) else shortened(value, LONG)
    if isinstance(value, list):
        return [cut(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        return {name: cut(item) for name, item in cast("JsonObject", value).items()}
    return value


def object_of(value: Any) -> JsonObject | None:
    """The value, if it is an object."""
    return cast("JsonObject", value) if isinstance(value, dict) else None


def list_of(value: Any) -> list[Any] | None:
    """The value, if it is a list."""
    return cast("list[Any]", value) if isinstance(value, list) else None


def objects_of(value: Any) -> list[JsonObject]:
    """The objects that the value is or holds."""
    rows = list_of(value)
    found = [object_of(row) for row in ([value] if rows is None else rows)]
    return [each for each in found if each is not None]


def text_of(value: Any) -> str:
    """The value, if it is a text."""
    return value if isinstance(value, str) else ""


def name_of(record: Mapping[str, Any]) -> str:
    """What a record within a record is called: a name, else an email."""
    for field in ("full_name", "name", "title", "file_name"):
        if (found := text_of(record.get(field))).strip():
            return found
    first, last = text_of(record.get("first_name")), text_of(record.get("last_name"))
    return joined(first, " " if first and last else "", last) or text_of(record.get("email"))


def named(value: Any, key: str = "id", word: str = "") -> Any:
    """``Name (id)``, or a list of such; the name or the id alone where the other is missing.

    `word` stands before an id that is not the one which tools take.
    """
    rows = list_of(value)
    if rows is not None:
        return [named(row, key, word) for row in rows]
    record = object_of(value)
    if record is None:
        return value
    name, number = shortened(name_of(record), NAME), record.get(key)
    if not name:
        return bare(record) if number is None else number
    if number is None:
        return name
    return joined(name, f" ({word}", number if isinstance(number, str) else str(number), ")")


USER = "user "


def user_named(value: Any) -> Any:
    """``Name (user 108)``: team members and clients alike have a number as users, which no contact tool takes."""
    return named(value, word=USER)


def amount(value: Any, currency: Any = None) -> Any:
    """``5800.00 EUR``, from a number or the text of one; more than two decimals stay if they are meant."""
    number = _decimal(value)
    if number is None:
        return value
    code = text_of(currency).strip()
    digits = f"{number:.2f}" if number == round(number, 2) else f"{number:f}"
    return joined(marked(value, digits), " ", marked(currency, code)) if code else marked(value, digits)


def number(value: Any) -> Any:
    """The text of a number as the number, and whole where it is whole: ``"1.00"`` is 1."""
    found = _decimal(value) if isinstance(value, str | float) else None
    if found is None:
        return value
    return int(found) if found == found.to_integral_value() else float(found)


def _decimal(value: Any) -> Decimal | None:
    """A number within the size of money; six decimals, as further ones are noise of floating point."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        return None
    if not found.is_finite() or found.adjusted() > 15:
        return None
    return round(found, 6).normalize()


# --- parts ------------------------------------------------------------------------------------------------


def same(names: str) -> dict[str, Part]:
    """Fields under their own names, as they are."""
    return {
        name: Part((name,), lambda record, name=name: _bare_in(name, record.get(name)))
        for name in names.split()
    }


def first(*names: str) -> Part:
    """The first of these fields that says something."""

    def make(record: JsonObject) -> Any:
        return bare(next((value for name in names if not empty(value := record.get(name))), None))

    return Part(names, make)


def either(*parts: Part) -> Part:
    """The first of these parts that says something."""
    takes = tuple(name for part in parts for name in part.takes)
    ids = tuple(name for part in parts for name in part.ids)

    def make(record: JsonObject) -> Any:
        return next((value for part in parts if not empty(value := part.make(record))), None)

    return Part(takes, make, ids)


def person(name: str, *ids: str, key: str = "id") -> Part:
    """A person, firm, file or the like in the record, or a list of such: ``Name (id)``; `key` names the id."""
    return Part((name,), lambda record: named(_with_id(record, name, ids, key), key), ids)


def user(name: str, *ids: str) -> Part:
    """A person who may be a client or of the team, with the number of the user: ``Name (user 108)``."""
    return Part((name,), lambda record: user_named(_with_id(record, name, ids)), ids)


def _with_id(record: JsonObject, name: str, ids: tuple[str, ...], key: str = "id") -> Any:
    """What stands in the record; an object without an id has the one beside it."""
    value = record.get(name)
    found = object_of(value)
    if found is None or not ids or found.get(key) is not None:
        return value
    beside = record.get(ids[0])
    return found | {key: beside} if isinstance(beside, int | str) else value


def own_name() -> Part:
    """The record's own name, which first and last name only repeat."""
    takes = ("full_name", "name", "first_name", "last_name")
    return Part(takes, lambda record: name_of({name: record.get(name) for name in takes}))


def lookup(text: str, number: str) -> Part:
    """A name and the number that stands for it, such as a country: ``Sweden (2)``; both are fields of the record."""
    return Part(
        (text, number), lambda record: named(bare({"name": record.get(text), "id": record.get(number)}))
    )


def money(names: str) -> dict[str, Part]:
    """Amounts in the currency of the record."""
    return {
        name: Part((name,), lambda record, name=name: amount(record.get(name), record.get("currency")))
        for name in names.split()
    }


def flag(name: str) -> Part:
    """A field that is only worth a word when it is set."""
    return Part((name,), lambda record: record.get(name) or None)


def inner(outer: str, name: str) -> Part:
    """One field of an object in the record."""

    def make(record: JsonObject) -> Any:
        found = object_of(record.get(outer))
        return bare(found.get(name)) if found else None

    return Part((outer,), make)


def shaped(name: str, make: Callable[[JsonObject], Any]) -> Part:
    """An object in the record, made anew; anything else as it is."""

    def part(record: JsonObject) -> Any:
        found = object_of(record.get(name))
        return bare(record.get(name) if found is None else make(found))

    return Part((name,), part)


def each(name: str, make: Callable[[JsonObject, JsonObject], Any]) -> Part:
    """A list of objects in the record, each made anew from itself and the record."""

    def rows(record: JsonObject) -> Any:
        found = list_of(record.get(name))
        if found is None:
            return bare(record.get(name))
        made = [make(inside, record) if (inside := object_of(row)) is not None else row for row in found]
        return [row for row in map(bare, made) if not empty(row)]

    return Part((name,), rows)


def picked(name: str, keys: str) -> Part:
    """A list of objects in the record with these fields alone."""
    return each(name, lambda row, _: {key: row.get(key) for key in keys.split()})


def joined_up(parts: Iterable[Any], between: str = " ") -> str:
    """Values that say something, in one text."""
    texts = [part if isinstance(part, str) else str(part) for part in parts if not empty(part)]
    return joined(*[text for part in texts for text in (between, part)][1:])


def discount() -> Part:
    """``10%`` or an amount, as its type says; none where it is 0."""

    def make(record: JsonObject) -> Any:
        value, kind = record.get("discount"), record.get("discount_type")
        found = _decimal(value)
        if found is None or found == 0:
            return value if found is None else None
        return f"{found:f}%" if kind == "percent" else amount(value, record.get("currency"))

    return Part(("discount", "discount_type"), make)


def currency(*money_names: str) -> Part:
    """The currency, where no amount of the record shows it."""

    def make(record: JsonObject) -> Any:
        shown = any(_decimal(record.get(name)) is not None for name in money_names)
        return None if shown else record.get("currency")

    return Part(("currency",), make)


WORDY = re.compile(r"[_\s]+")


def word(value: Any) -> Any:
    """A label of TaskIP in small letters, as the arguments of tools have it."""
    return marked(value, WORDY.sub("_", value.strip().lower())) if isinstance(value, str) else value
