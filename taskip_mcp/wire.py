"""The TaskIP protocol without I/O: paths, bodies, answers, errors, pages. Pure functions only.

Facts from the contract: `conventions.success_envelopes`, `message_keys`, `error_envelopes`, `api.pagination`.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Literal, cast
from urllib.parse import quote

from pydantic import BaseModel

from taskip_mcp.errors import ArgumentError
from taskip_mcp.operation import PLACEHOLDER

JsonObject = dict[str, Any]

MESSAGE_KEYS = ("msg", "message", "success_msg")
RECORD_KEYS = ("data", "task", "document", "reply", "stats")
# Keys that only ever accompany a record or a message; a body with nothing else holds no record.
ENVELOPE_KEYS = frozenset({*MESSAGE_KEYS, "success", "status", "meta", "links", "status_code"})


# --- what leaves ------------------------------------------------------------------------------------------


def build_path(template: str, values: Mapping[str, Any]) -> str:
    """Fill a route template; every value stays one segment of the path.

    Encoding is not enough: HTTP stacks resolve ``.`` and ``..`` before the request leaves, so those, empty
    values, slashes, backslashes and control characters are refused with `ArgumentError`.
    """
    return PLACEHOLDER.sub(lambda found: _segment(found[1], values[found[1]]), template)


def _segment(name: str, value: Any) -> str:
    text = str(value)
    if text.strip(". ") == "" or any(sign in text for sign in "/\\?#%") or not text.isprintable():
        raise ArgumentError(
            f"{name}: {text!r} is not an identifier. Nothing was sent. Take the id from a list."
        )
    return quote(text, safe="")


def jsonable(value: Any) -> Any:
    """Models, dates, enums -> what JSON has; unset model fields are left out."""
    if isinstance(value, BaseModel):
        return {
            key: jsonable(item) for key, item in value.model_dump(exclude_none=True, by_alias=True).items()
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in cast("Mapping[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in cast("list[Any]", value)]
    return value


def query_text(values: Mapping[str, Any]) -> dict[str, str]:
    """Query parameters as text; Laravel's `boolean` rule knows 1 and 0, not true and false."""
    return {
        key: str(int(value)) if isinstance(value, bool) else str(value)
        for key, value in values.items()
        if value is not None
    }


# --- what comes back --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """A successful answer: status, content type, and the decoded JSON (or the bytes of a file)."""

    status: int
    content_type: str
    payload: Any

    @property
    def message(self) -> str:
        """TaskIP's own words; they lie at times (contract quirk 26), so they are shown, never acted on."""
        return message_of(self.payload)

    def get(self, key: str) -> Any:
        """A key beside the record, None if there is none."""
        return _object(self.payload).get(key)


class Malformed(ValueError):
    """A body that cannot be read as what it claims to be."""


def decode(content_type: str, body: bytes) -> Any:
    """Bytes -> JSON value, or the bytes themselves for a file. None for an empty body.

    JSON is recognised by content, not only by its type: the vendor's own client guards against wrong types.
    Raises `Malformed` with a short reason for HTML, truncated JSON and anything else unreadable.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not body.strip():
        return None
    if body.startswith(b"%PDF") or kind in {"application/pdf", "application/octet-stream"}:
        return body
    text = body.decode("utf-8", errors="replace").lstrip("\ufeff")
    if text.lstrip()[:1] == "<" or "html" in kind:
        raise Malformed("an HTML page instead of JSON")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise Malformed("a body that is not complete JSON") from None


def unwrap(payload: Any, key: str = "data") -> Any:
    """The record or the rows inside any documented envelope; None when there is none.

    `key` is where the contract puts it (dotted for nested ones); other documented places are looked at too.
    """
    if isinstance(payload, list):
        rows = cast("list[Any]", payload)
        return rows if not rows or isinstance(rows[0], dict) else None
    if not isinstance(payload, dict):
        return None
    body = cast("JsonObject", payload)
    found = dig(body, key)
    if found is not None:
        return found
    if set(body) <= ENVELOPE_KEYS | set(RECORD_KEYS):
        return next((body[name] for name in RECORD_KEYS if body.get(name) is not None), None)
    return body


def record_of(payload: Any, key: str = "data") -> JsonObject | None:
    """The one record inside any documented envelope; None when there is none."""
    found = unwrap(payload, key)
    return cast("JsonObject", found) if isinstance(found, dict) else None


def dig(value: Any, dotted: str) -> Any:
    """A field of an object, also inside another; None when it is not there."""
    for part in dotted.split("."):
        if not isinstance(value, dict):
            return None
        value = cast("JsonObject", value).get(part)
    return value


def message_of(payload: Any) -> str:
    """The message under any of its three keys, a bare string, or an array with one string; else empty."""
    if isinstance(payload, str):
        return payload
    if isinstance(payload, list):
        rows = cast("list[Any]", payload)
        return rows[0] if len(rows) == 1 and isinstance(rows[0], str) else ""
    if isinstance(payload, dict):
        body = cast("JsonObject", payload)
        return next((str(body[key]) for key in MESSAGE_KEYS if isinstance(body.get(key), str)), "")
    return ""


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of a list; `total` and `next_page` are None where TaskIP does not say."""

    items: list[JsonObject]
    total: int | None = None
    next_page: int | None = None


def page_of(payload: Any, key: str = "data", *, asked: int | None = None, limit: int | None = None) -> Page:
    """Any paging style -> one `Page`.

    `asked` and `limit` are the page and size that were requested; `asked` is None for lists without pages.
    Where TaskIP gives no counters, a full page means that there may be another.
    """
    rows = unwrap(payload, key)
    if isinstance(rows, dict) and rows is not payload:  # a Laravel paginator nested under the key
        return page_of(cast("JsonObject", rows), "data", asked=asked, limit=limit)
    items = [cast("JsonObject", row) for row in cast("list[Any]", rows or []) if isinstance(row, dict)]
    meta = _meta(payload)
    total = whole(meta.get("total"))
    if asked is None:
        return Page(items, total)
    last = whole(meta.get("last_page")) or whole(meta.get("total_pages"))
    current = whole(meta.get("current_page")) or asked
    more = current < last if last is not None else bool(items) and len(items) >= (limit or 50)
    return Page(items, total, current + 1 if more and items else None)


def holds_rows(payload: Any, key: str = "data") -> bool:
    """Whether an answer has a place for rows, be it empty. An answer without one is no empty list."""
    if payload is None or isinstance(payload, list):
        return True
    found = unwrap(payload, key)
    if isinstance(found, dict) and found is not payload:
        found = cast("JsonObject", found).get("data", ())
    return isinstance(found, list) or (found is None and key in _object(payload))


def _meta(payload: Any) -> JsonObject:
    body = _object(payload)
    return _object(body.get("meta")) or body


def _object(value: Any) -> JsonObject:
    return cast("JsonObject", value) if isinstance(value, dict) else {}


def whole(value: Any) -> int | None:
    """A whole number, also as text; None for anything else."""
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


# --- errors -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says: a message and, per field, the texts."""

    message: str
    fields: dict[str, list[str]]


def complaint(content_type: str, body: bytes) -> Complaint:
    """Any error body -> `Complaint`; HTML and unreadable bodies give an empty message, never their text."""
    try:
        payload = decode(content_type, body)
    except Malformed:
        return Complaint("", {})
    if not isinstance(payload, dict):
        return Complaint(_clean(message_of(payload)), {})
    envelope = cast("JsonObject", payload)
    message = message_of(envelope) or str(envelope.get("error") or "")
    errors = envelope.get("errors")
    fields = cast("JsonObject", errors) if isinstance(errors, dict) else {}
    return Complaint(_clean(message), {_clean(name): _texts(value) for name, value in fields.items()})


def _texts(value: Any) -> list[str]:
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [_clean(str(text)) for text in values]


def _clean(text: str) -> str:
    """One short line without markup or control characters."""
    plain = re.sub(r"<[^>]*>", " ", html.unescape(text))
    return " ".join("".join(sign if sign.isprintable() else " " for sign in plain).split())[:500]


Absence = Literal["route", "record", "open"]

NO_ROUTE = re.compile(
    r"\broute\b.*\b(could not be found|not found|not defined|does not exist)", re.IGNORECASE
)
NO_METHOD = re.compile(r"method is not supported|method not allowed", re.IGNORECASE)
NO_RECORD = re.compile(
    r"no query results|\b(?!(?:page|route|url|endpoint|resource|error|http)\b)[a-z_]{3,}"
    r" (?:was |is |could )?not (?:be )?found"
    r"|does ?n.t exist|no such",
    re.IGNORECASE,
)


def absence(status: int, content_type: str, body: bytes) -> Absence | None:
    """What a 404 or 405 is about: a missing route, a missing record, or open; None for other statuses.

    Laravel words a missing route "The route x could not be found." (older releases: an empty message) and a
    missing record "No query results for model [App\\\\Models\\\\X] 5"; 405 is always about the route.
    """
    if status == 405:
        return "route"
    if status != 404:
        return None
    message = complaint(content_type, body).message
    if NO_ROUTE.search(message) or NO_METHOD.search(message):
        return "route"
    return "record" if NO_RECORD.search(message) else "open"
