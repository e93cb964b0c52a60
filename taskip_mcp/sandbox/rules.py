"""Validation in Laravel's manner: a line of rules a field, messages worded as Laravel words them.

``{"name": "required|string|max:191", "ids": "required|array", "ids.*": "integer|exists:contact"}``. Rules: required,
string, integer, numeric, boolean, array, object, email, date, time, in:a,b, min:n, max:n (lengths of text, sizes of
numbers), exists:kind, unique:kind (by the field's own name; answered with 409), required_if:field,value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, cast

from taskip_mcp.sandbox.store import Store

Fields = dict[str, Any]


class Problem(Exception):
    """An error answer: status, its JSON body, headers of its own."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(str(body))
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def refusal(status: int, error: str, message: str) -> Problem:
    """``success, error, message, status_code``, the form of most documented errors."""
    return Problem(status, {"success": False, "error": error, "message": message, "status_code": status})


def conflict(message: str) -> Problem:
    """409."""
    return refusal(409, "Conflict", message)


def forbidden(message: str) -> Problem:
    """403."""
    return refusal(403, "Forbidden", message)


def invalid(errors: Mapping[str, list[str]]) -> Problem:
    """422 with field errors."""
    return Problem(
        422,
        {
            "success": False,
            "error": "Validation Error",
            "message": "The given data was invalid.",
            "errors": dict(errors),
            "status_code": 422,
        },
    )


def missing(model: str, key: Any) -> Problem:
    """404 about a record; `model` is the backend's class name."""
    return Problem(404, {"message": f"No query results for model [App\\Models\\{model}] {key}"})


def validate(fields: Fields, rules: Mapping[str, str], store: Store, *, itself: int | None = None) -> Fields:
    """The declared fields that were given; raises `Problem` 422 (or 409 for a duplicate).

    Undeclared fields are dropped, as Laravel's `validated()` does; numbers sent as text come back as numbers, as its
    database columns would make them. `itself` is the id of a record that may keep its
    own unique value.
    """
    errors: dict[str, list[str]] = {}
    for name, line in rules.items():
        for where, value in _values(fields, name):
            problem = _check(where, value, line.split("|"), fields, store)
            if problem:
                errors.setdefault(where, []).append(problem)
    if errors:
        raise invalid(errors)
    for name, line in rules.items():
        if "unique:" in line and fields.get(name) is not None:
            _refuse_duplicate(name, fields[name], line, store, itself)
    return {name: _typed(fields[name], name, rules) for name in rules if "." not in name and name in fields}


def _typed(value: Any, name: str, rules: Mapping[str, str]) -> Any:
    if isinstance(value, list) and f"{name}.*" in rules:
        return [_typed(item, f"{name}.*", rules) for item in cast("list[Any]", value)]
    if isinstance(value, str) and value and "integer" in rules[name].split("|"):
        return int(value)
    return cast("Any", value)


def _values(fields: Fields, name: str) -> list[tuple[str, Any]]:
    """(place, value) of a rule; ``items.*.name`` gives one for each item."""
    head, star, rest = name.partition(".*")
    if not star:
        return [(name, fields.get(name))]
    rows = cast("list[Any]", fields.get(head)) if isinstance(fields.get(head), list) else []
    places: list[tuple[str, Any]] = []
    for index, row in enumerate(rows):
        item = (
            cast("Fields", row).get(rest[1:]) if rest and isinstance(row, dict) else (None if rest else row)
        )
        places.append((f"{head}.{index}{rest}", item))
    return places


def _check(name: str, value: Any, line: list[str], fields: Fields, store: Store) -> str | None:
    label = name.replace("_", " ")
    if value is None or value in ("", []):
        if _required(line, fields):
            return f"The {label} field is required."
        if value != []:  # an empty list is a value, if not one that satisfies `required`
            return None
    for rule in line:
        kind, _, argument = rule.partition(":")
        if kind in TYPES and not TYPES[kind](value):
            return f"The {label} {WORDS[kind]}"
        if kind == "in" and str(value) not in argument.split(","):
            return f"The selected {label} is invalid."
        if kind == "exists" and store.get(argument, value) is None:
            return f"The selected {label} is invalid."
        if kind in {"min", "max"} and not _within(kind, value, float(argument)):
            return _bound(label, kind, value, argument)
    return None


def _bound(label: str, kind: str, value: Any, limit: str) -> str:
    if isinstance(value, list | dict):
        return f"The {label} must {'have at least' if kind == 'min' else 'not have more than'} {limit} items."
    unit = " characters" if isinstance(value, str) else ""
    return f"The {label} must {'be at least' if kind == 'min' else 'not be greater than'} {limit}{unit}."


def _required(line: list[str], fields: Fields) -> bool:
    for rule in line:
        kind, _, argument = rule.partition(":")
        if kind == "required":
            return True
        if kind == "required_if":
            other, _, wanted = argument.partition(",")
            if str(fields.get(other)) == wanted:
                return True
    return False


def _within(kind: str, value: Any, bound: float) -> bool:
    size = float(value) if isinstance(value, int | float) else float(len(value))
    return size >= bound if kind == "min" else size <= bound


def _integer(value: Any) -> bool:
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and re.fullmatch("-?[0-9]{1,18}", value) is not None
    )


def _numeric(value: Any) -> bool:
    return _integer(value) or isinstance(value, float) or bool(re.fullmatch(r"-?\d+(\.\d+)?", str(value)))


def _date(value: Any) -> bool:
    try:
        return bool(date.fromisoformat(value)) and len(value) == 10
    except (TypeError, ValueError):
        return False


TYPES: Mapping[str, Callable[[Any], bool]] = {
    "string": lambda value: isinstance(value, str),
    "integer": _integer,
    "numeric": _numeric,
    "boolean": lambda value: value in (True, False, 0, 1, "0", "1"),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
    "email": lambda value: bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", str(value))),
    "date": _date,
    "time": lambda value: bool(re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", str(value))),
}
WORDS: Mapping[str, str] = {
    "string": "must be a string.",
    "integer": "must be an integer.",
    "numeric": "must be a number.",
    "boolean": "field must be true or false.",
    "array": "must be an array.",
    "object": "must be an array.",
    "email": "must be a valid email address.",
    "date": "does not match the format Y-m-d.",
    "time": "does not match the format H:i.",
}


def _refuse_duplicate(name: str, value: Any, line: str, store: Store, itself: int | None) -> None:
    found = re.search(r"unique:(\w+)", line)
    kind = found[1] if found else ""
    for row in store.rows(kind):
        if row["id"] != itself and str(row.get(name)).lower() == str(value).lower():
            raise conflict(f"The {name.replace('_', ' ')} has already been taken.")
