"""The TaskIP protocol without I/O: paths, bodies, answers, errors, pages. Pure functions only.

Facts from the contract: `conventions.success_envelopes`, `message_keys`, `error_envelopes`, `api.pagination`.
"""

from __future__ import annotations

import html
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from enum import Enum
from typing import Any, Literal, cast

from pydantic import BaseModel

from taskip_mcp.errors import ArgumentError
from taskip_mcp.operation import PLACEHOLDER
from taskip_mcp.outside import clean
from taskip_mcp.redact import HIDDEN, hidden_at

JsonObject = dict[str, Any]

MESSAGE_KEYS = ("msg", "message", "success_msg")
RECORD_KEYS = ("data", "task", "document", "reply", "stats")
# Keys that only ever accompany a record or a message; a body with nothing else holds no record.
ENVELOPE_KEYS = frozenset({*MESSAGE_KEYS, "success", "status", "meta", "links", "status_code"})


# --- what leaves ------------------------------------------------------------------------------------------


def build_path(template: str, values: Mapping[str, Any]) -> str:
    """Fill a route template; every value stays one segment of the path.

    Encoding is not enough: HTTP stacks resolve ``.`` and ``..`` before the request leaves, some take ``%2f``, a
    backslash or a full-width solidus for a slash, and a semicolon for the start of parameters. TaskIP's identifiers are
    numbers, UUIDs and such: anything but letters, digits and ``-._~`` of ASCII is refused with `ArgumentError`.
    """
    return PLACEHOLDER.sub(lambda found: _segment(found[1], values[found[1]]), template)


IDENTIFIER = re.compile(r"[A-Za-z0-9._~-]{1,100}")


def _segment(name: str, value: Any) -> str:
    text = str(value)
    if not IDENTIFIER.fullmatch(text) or not text.strip("."):
        shown = ascii(text if len(text) <= 60 else text[:57] + "...")
        raise ArgumentError(
            f"{name}: {shown} is not an identifier. Nothing was sent. Take the id from a list."
        )
    return text


DEEPEST = 50
"""Levels of objects and lists inside of an argument."""

LARGEST = 2**63 - 1
"""The largest whole number that a database column holds."""


def refuse_hidden(body: Any) -> None:
    """Raise `ArgumentError` where a value that was hidden from the caller would be replaced by the word for it."""
    if place := hidden_at(body):
        raise ArgumentError(
            f"{place}: {HIDDEN} stands for a value that is not shown. Nothing was sent. Leave it out, or give the value"
            " itself."
        )


def unsendable(value: Any, depth: int = 0) -> str | None:
    """Why a JSON value cannot be sent, in words; None where it can."""
    if isinstance(value, str) and not value.isascii() and any("\ud800" <= sign <= "\udfff" for sign in value):
        return "it holds half of a character (a lone surrogate), which cannot be sent"
    if isinstance(value, float) and not math.isfinite(value):
        return "give a number; NaN and infinity cannot be sent"
    if isinstance(value, int) and abs(value) > LARGEST:
        return "the number is too large"
    if isinstance(value, Mapping | list) and depth >= DEEPEST:
        return f"it is nested more than {DEEPEST} levels deep"
    children: list[Any] = []
    if isinstance(value, Mapping):
        fields = cast("Mapping[Any, Any]", value)
        children = [*fields, *fields.values()]
    elif isinstance(value, list):
        children = cast("list[Any]", value)
    return next((found for each in children if (found := unsendable(each, depth + 1))), None)


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
    """Rows of a list; `total` and `next_page` are None where TaskIP does not say.

    `note` tells what the model has to know of them, such as rows that were left out.
    """

    items: list[JsonObject]
    total: int | None = None
    next_page: int | None = None
    note: str = ""


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


STATUS_WORDS: Mapping[int, str] = {
    400: "TaskIP could not read the request",
    401: "TaskIP did not accept the API key",
    403: "TaskIP refused",
    404: "TaskIP has no such record",
    409: "TaskIP reports a conflict",
    413: "The file is too large for TaskIP",
    422: "TaskIP did not accept the values",
    429: "TaskIP's rate limit is reached",
}


def status_words(status: int) -> str:
    """What an error status means."""
    if 300 <= status < 400:
        return "TaskIP answered with a redirect, which is not followed; check TASKIP_BASE_URL"
    return STATUS_WORDS.get(status, "TaskIP has a problem" if status >= 500 else "TaskIP refused the request")


@dataclass(frozen=True, slots=True)
class Complaint:
    """What an error body says: a message and, per field, the texts."""

    message: str
    fields: dict[str, list[str]]


Hide = Callable[[str], str]


def complaint(content_type: str, body: bytes, hide: Hide = str) -> Complaint:
    """Any error body -> `Complaint`; HTML and unreadable bodies give an empty message, never their text.

    `hide` takes the secrets out of a text.
    """
    try:
        payload = decode(content_type, body)
    except Malformed:
        return Complaint("", {})
    if not isinstance(payload, dict):
        return Complaint(_line(message_of(payload), hide), {})
    envelope = cast("JsonObject", payload)
    message = message_of(envelope) or str(envelope.get("error") or "")
    errors = envelope.get("errors")
    fields = cast("JsonObject", errors) if isinstance(errors, dict) else {}
    return Complaint(
        _line(message, hide), {_line(name, hide): _lines(value, hide) for name, value in fields.items()}
    )


def _lines(value: Any, hide: Hide) -> list[str]:
    values = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [_line(text if isinstance(text, str) else json.dumps(text), hide) for text in values]


def _line(text: str, hide: Hide) -> str:
    """One short line without markup, secrets and characters that nobody sees.

    Secrets are looked for before anything is taken out or cut, which would leave parts of them, and again afterwards.
    """
    plain = re.sub(r"<[^>]*>", " ", clean(html.unescape(hide(text))))
    return hide(" ".join("".join(sign if sign.isprintable() else " " for sign in plain).split()))[:500]


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
