"""Example values, made from the contract's schemas alone and the same on every run.

The first record of a schema has a value in every field; later ones have null wherever the schema allows it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from typing import Any, cast

from tests.contract.contract import load

FORMATS: Mapping[str, str] = {
    "iso": "2026-01-05T09:30:00Z",
    "iso, microseconds": "2026-01-05T09:30:00.000000Z",
    "Y-m-d": "2026-01-05",
    "d-M-Y": "05-Jan-2026",
    "d-M-Y H:i:s": "05-Jan-2026 09:30:00",
    "d/M/Y": "05/Jan/2026",
    "d/m/y": "05/01/26",
    "d, M, Y": "05, Jan, 2026",
    "d M Y H:i": "05 Jan 2026 09:30",
    "M j, Y, g:i A": "Jan 5, 2026, 9:30 AM",
    "F j, Y": "January 5, 2026",
    "D d Y h:iA": "Mon 05 2026 09:30AM",
    "h:iA": "09:30AM",
    "g:i A": "9:30 AM",
    "H:i": "09:30",
    "relative": "2 days ago",
    "hex": "#1E90FF",
    "url": "https://files.example/a.png",
    "IANA": "Europe/Berlin",
    "ISO 4217": "USD",
    "number": "12.50",
    "slug": "developer",
    "lowercase weekday": "monday",
    "weekday name": "Monday",
    "Owner, View seen": "Owner",
}

WORDS: Mapping[str, Any] = {
    "invoice.status": "draft",
    "invoice.discount_type": "percent",
    "invoice.recurring_payment.recurring_until": "2026-12-31",
    "quotation_list_item.status": "draft",
    "quotation_list_item.discount_type": "percent",
    "quotation_list_item.up_payment_type": "fixed",
    "quotation_detail.status": "draft",
    "quotation_detail.up_payment_type": "fixed",
    "quotation_detail.currency": "EUR",
    "quotation_detail.tax": "19",
    "project.status": "active",
    "task.priority": "high",
    "task_detail.priority": "high",
    "attribute.type": "tag",
    "pipeline.status": "active",
    "pipeline_detail.status": "active",
    "deal.status": "active",
    "booking.status": "confirmed",
}
"""Fields with a vocabulary that the schemas do not repeat; the words are those of the contract's enums."""

SHAPE = re.compile(r"(list:ref:|ref:)?([\w]+)(?:\(([^)]*)\))?")
ONLY = ("_create_only", "_detail_only", "_list_only")


def record(schema: str, number: int = 1, *extras: str) -> dict[str, Any]:
    """Example `number` of a schema; `extras` are its remark sections that apply, such as ``_list_only``."""
    shape = cast("dict[str, Any]", load().schemas[schema])
    more = {key: value for name in extras for key, value in shape.get(name, {}).items()}
    return _object(shape | more, schema, number)


def value(shape: Any, name: str = "", schema: str = "", number: int = 1) -> Any:
    """An example of one field."""
    if isinstance(shape, dict):
        return _object(cast("dict[str, Any]", shape), f"{schema}.{name}", number)
    if isinstance(shape, list):
        return [value(each, name, schema, number) for each in cast("list[Any]", shape)]
    text = str(shape)
    if "|null" in text and number > 1:
        return None
    if f"{schema}.{name}" in WORDS:
        return WORDS[f"{schema}.{name}"]
    return _scalar(text, name, schema, number)


def _object(shape: Mapping[str, Any], schema: str, number: int) -> dict[str, Any]:
    return {
        name: value(field, name, schema, number) for name, field in shape.items() if not name.startswith("_")
    }


def _scalar(text: str, name: str, schema: str, number: int) -> Any:
    found = SHAPE.match(text)
    assert found, f"{schema}.{name}: {text}"
    reference, base, format = found.groups()
    if reference:
        return [record(base)] if reference.startswith("list") else record(base)
    match base:
        case "integer":
            return _integer(name, schema, number)
        case "number":
            return 12.5
        case "boolean":
            return True
        case "object":
            return _inline(text)
        case "array":
            return [value(text.removeprefix("array of "), name)] if text.startswith("array of") else []
        case "string":
            return _uuid(schema, number) if "uuid" in {name, format} else _string(format or "", name, number)
        case _:
            return None


def _integer(name: str, schema: str, number: int) -> int:
    """Identifiers differ from schema to schema, so that a mix-up shows; an object and its `*_id` agree."""
    outer = schema.rpartition(".")[2] if "." in schema else ""
    if name == "id" and not outer:
        return 100 * _rank(schema) + number
    if name == "id" or name.endswith("_id"):
        referred = outer.rstrip("s") if name == "id" else name.removesuffix("_id")
        return 10_000 + zlib.crc32(referred.encode()) % 10_000
    return 1 if name in {"privacy", "access_portal", "up_payment_status"} else 3


def _uuid(schema: str, number: int) -> str:
    return f"{_rank(schema):08d}-aaaa-4bbb-8ccc-{number:012d}"


def _rank(schema: str) -> int:
    return [*load().schemas, ""].index(schema.partition(".")[0]) + 1


def _string(format: str, name: str, number: int) -> str:
    if format in FORMATS:
        return FORMATS[format]
    return f"{name}{number}@x.example" if name.endswith("email") else f"{name} {number}"


def _inline(text: str) -> dict[str, Any]:
    """``object{id, name}``; formats in parentheses after a name count."""
    inside = re.search(r"\{(.*?)\}", text)
    names = re.findall(r"(\w+)(?:\(([^)]*)\))?", inside[1]) if inside else []
    return {name: 7 if name == "id" else _string(format, name, 1) for name, format in names}
