"""A TaskIP made from the contract alone: knows the documented routes, answers in the documented shapes.

It imports nothing of the product, so that one misreading cannot agree with itself. It keeps no state: every
answer holds the same example records. The one exception: a row may be said to appear with the first write.
"""

from __future__ import annotations

import email.parser
import email.policy
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.contract import sample
from tests.contract.contract import Operation, Origin, load

ROOT = "/api/public-v1"
PDF = b"%PDF-1.4\nstand-in\n%%EOF\n"
PAGES = {"current_page": 1, "from": 1, "last_page": 2, "path": "https://x.example", "per_page": 2, "to": 2}

# Answers that the contract describes in a note instead of a schema.
INLINE: Mapping[str, Mapping[str, str]] = {
    "ticket.assign": {
        "ticket_id": "integer",
        "previous_assignee": "string",
        "new_assignee": "string",
        "assigned_at": "string(iso)",
        "reason": "string",
    },
    "ticket.status_update reference": {
        "ticket_id": "integer",
        "old_status": "string",
        "new_status": "string",
        "resolution_notes": "string",
        "actual_resolution_time": "string",
        "updated_at": "string(iso)",
    },
    "ticket.add_reply reference": {
        "reply_id": "integer",
        "ticket_id": "integer",
        "message": "string",
        "author": "string",
        "author_type": "string",
        "is_private": "boolean",
        "created_at": "string(iso)",
    },
    "ticket.analytics": {
        "period": "string",
        "start_date": "string(Y-m-d)",
        "end_date": "string(Y-m-d)",
        "summary": "object{average_resolution_time}",
        "by_status": "object{open}",
    },
    "document.update": {
        "id": "integer",
        "name": "string",
        "description": "string",
        "tags": "array of string",
        "created_at": "string(iso)",
        "updated_at": "string(iso)",
    },
}
SECTIONS: Mapping[str, str] = {
    "contact.create": "_create_only",
    "project.get": "_detail_only",
    "deal.list": "_list_only",
}
"""Operations whose records hold a remark section of their schema."""


@dataclass(frozen=True)
class Seen:
    """One request as it arrived; `operation` is empty where no route of the document matched."""

    operation: str
    method: str
    path: str
    query: Mapping[str, str]
    body: Any
    files: tuple[tuple[str, str], ...] = ()

    @property
    def fields(self) -> dict[str, Any]:
        """What was asked, wherever it travelled."""
        return {**self.query, **(self.body or {})}


@dataclass
class Standin:
    """An httpx handler that serves the routes of one document.

    `appears` names a list whose first row is there only after something was created.
    """

    origin: Origin
    appears: str = ""
    seen: list[Seen] = field(default_factory=lambda: list[Seen]())

    def __call__(self, request: httpx.Request) -> httpx.Response:
        path = request.url.raw_path.decode().partition("?")[0].removeprefix(ROOT)
        operation = match(request.method, path, self.origin)
        body, files = _body(request)
        name = operation.id if operation else ""
        self.seen.append(Seen(name, request.method, path, dict(request.url.params), body, files))
        if operation is None:
            return httpx.Response(404, json={"message": f"The route {ROOT[1:]}{path} could not be found."})
        answer = envelope(operation, self.origin)
        if name == self.appears and not self._created():
            answer["data"] = answer["data"][1:]
        return respond(operation, answer, body)

    def _created(self) -> bool:
        return any(
            load().operations[each.operation].effect == "create" for each in self.seen if each.operation
        )


def match(method: str, path: str, origin: Origin) -> Operation | None:
    """The operation behind a request; a route with literal words goes before one with placeholders."""
    found = [
        each
        for each in load().operations.values()
        if each.method == method and documented(each, origin) and _pattern(each.route(origin)).fullmatch(path)
    ]
    return min(found, key=lambda each: each.route(origin).count("{"), default=None)


def documented(operation: Operation, origin: Origin) -> bool:
    """Whether the document has the operation at all; the guides lack one row of the reference."""
    return origin == "reference" or operation.id != "deal.change_stage"


def _pattern(route: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\{\w+\}", "[^/]+", route))


def _body(request: httpx.Request) -> tuple[Any, tuple[tuple[str, str], ...]]:
    """The JSON body, or the fields and (field, file name) pairs of a form."""
    kind = request.headers.get("content-type", "")
    if not request.content:
        return None, ()
    if kind.startswith("application/json"):
        return json.loads(request.content), ()
    raw = b"Content-Type: " + kind.encode() + b"\r\n\r\n" + request.content
    fields: dict[str, str] = {}
    files: list[tuple[str, str]] = []
    for part in email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(raw).iter_parts():
        name = str(part.get_param("name", header="content-disposition"))
        if part.get_filename():
            files.append((name, str(part.get_filename())))
        else:
            fields[name] = str(part.get_content())
    return fields or None, tuple(files)


# --- answers ----------------------------------------------------------------------------------------------


def answered(operation: Operation, origin: Origin) -> Any:
    """The record or the rows that the operation's answer holds; None when it holds none."""
    described = INLINE.get(f"{operation.id} {origin}", INLINE.get(operation.id))
    if described:
        return {name: sample.value(shape, name) for name, shape in described.items()}
    schema = operation.response.get("record")
    if schema is None or operation.id == "ticket.status_update":
        return None
    section = [SECTIONS[operation.id]] if operation.id in SECTIONS else []
    if operation.is_list:
        return [sample.record(schema, number, *section) for number in (1, 2)]
    return sample.record(schema, 1, *section)


def respond(operation: Operation, answer: Any, body: Any) -> httpx.Response:
    """The answer with its documented status."""
    shape = operation.response
    if shape["shape"] == "binary":
        return httpx.Response(200, content=PDF, headers={"content-type": "application/pdf"})
    if operation.id == "invoice.status_update" and body.get("status") != "paid":
        answer = "The status was changed"  # its variant for every other status
    status = shape.get("http_guide") or shape["http_swagger"] or 200
    if status != 204:
        return httpx.Response(status, json=answer)
    # 204 without a body only where a guide says so; everywhere else the guides show one.
    return httpx.Response(204) if shape["http_guide"] == 204 else httpx.Response(200, json=answer)


def envelope(operation: Operation, origin: Origin) -> Any:
    """The JSON body of an answer."""
    shape = operation.response
    data = answered(operation, origin)
    if shape["shape"] == "array":
        return ["The change was made"]
    body: dict[str, Any] = {
        name: _extra(str(text), name) for name, text in shape.get("extra_keys", {}).items()
    }
    if shape.get("message_key") or shape["shape"] == "unknown":
        body[shape.get("message_key") or "msg"] = "Done"
    key = "data" if f"{operation.id} {origin}" in INLINE else shape.get("data_key")
    if data is not None and key is None:
        return data
    if data is not None:
        _put(body, str(key), data)
    if shape.get("pagination") == "laravel":
        body["links"] = {
            "first": "https://x.example?page=1",
            "next": "https://x.example?page=2",
            "prev": None,
        }
        body["meta"] = {**PAGES, "total": 4}
    if "meta" in shape:
        body["meta"] = {**body.get("meta", {}), "search": None}
    return body


def _put(body: dict[str, Any], dotted: str, data: Any) -> None:
    *parents, last = dotted.split(".")
    for name in parents:
        body = body.setdefault(name, {})
    body[last] = data


def _extra(text: str, name: str) -> Any:
    """``integer 200`` and ``boolean true`` are the value itself; anything else is a shape."""
    kind, _, stated = text.partition(" ")
    if stated:
        return int(stated) if kind == "integer" else stated == "true"
    return sample.value(text, name)
