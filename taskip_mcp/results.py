"""What the model reads: five shapes, minified JSON, nothing twice, no nulls.

========  ==============================================================
record    ``{...}``
list      ``{"items": [...], "returned": n, "total": t, "next_page": p}``
write     ``{"done": "...", "id": ..., "changed": {...}, "note": "..."}``
job       ``{"done": "...", "job": id, "changed": {...}, "items": {"done": [ids], ...}, "note": "..."}``
file      ``{"saved": path, "size": bytes, "type": ...}`` and a resource link
========  ==============================================================

``total`` and ``next_page`` are left out where TaskIP does not say, or where there is no further page.

How a result is written down, and what of a record the model gets to see, is in `taskip_mcp.show`: nothing before that
changes what TaskIP said. `parse` reads what was written, with or without a fence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from taskip_mcp import outside
from taskip_mcp.redact import masked
from taskip_mcp.wire import JsonObject, Page

__all__ = [
    "Page", "Record", "Report", "Saved", "Written", "minified", "parse", "shape", "tidy", "written",
]  # fmt: skip

Record = JsonObject


@dataclass(frozen=True, slots=True)
class Written:
    """A write that was carried out: in words, the record's id, what it holds now (or what was sent).

    `note` tells what is unusual: that the answer was lost and what was looked at, or that nothing was sent again.
    `whole` says that `changed` is a record as TaskIP has it.
    """

    done: str
    id: Any
    changed: JsonObject
    note: str = ""
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Report:
    """A bulk job as far as it got: `items` holds the ids by what became of them, with reasons where there are some."""

    done: str
    job: str
    changed: JsonObject
    items: JsonObject
    note: str = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """A file that was saved; `uri` is the resource that holds the same content."""

    path: Path
    size: int
    type: str
    uri: str


def written(done: str, *, id: Any = None, record: Record | None = None, sent: Mapping[str, Any]) -> Written:
    """`Written` from a record where TaskIP returned one, else from the fields that were sent."""
    own = record.get("id", record.get("uuid")) if record else None
    return Written(done, own if id is None else id, record or masked(sent), whole=bool(record))


def shape(result: Any) -> JsonObject:
    """Any result of an operation as the JSON object that the model reads."""
    if isinstance(result, Page):
        counts = {"returned": len(result.items), "total": result.total, "next_page": result.next_page}
        note = {"note": result.note} if result.note else {}
        return {"items": [tidy(item) for item in result.items]} | tidy(counts) | note
    if isinstance(result, Written):
        note = {"note": result.note} if result.note else {}
        return tidy({"done": result.done, "id": result.id}) | {"changed": _kept(result.changed)} | note
    if isinstance(result, Report):
        items = {name: value for name, value in result.items.items() if value}
        told = {"done": result.done, "job": result.job, "changed": tidy(masked(result.changed))}
        return told | {"items": items} | ({"note": result.note} if result.note else {})
    if isinstance(result, Saved):
        return {"saved": str(result.path), "size": result.size, "type": result.type, "resource": result.uri}
    return tidy(cast("JsonObject", result))


def _kept(changed: JsonObject) -> JsonObject:
    """Top-level nulls of a change are news (a field was emptied); deeper ones are noise."""
    return {name: tidy(value) for name, value in changed.items()}


def tidy(value: Any) -> Any:
    """Without nulls, at any depth."""
    if isinstance(value, dict):
        items = cast("JsonObject", value).items()
        return {name: tidy(item) for name, item in items if item is not None}
    if isinstance(value, list):
        return [tidy(item) for item in cast("list[Any]", value)]
    return value


def minified(value: Any) -> str:
    """JSON on one line, without spaces."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def parse(text: str) -> Any:
    """The JSON value of a result, fenced or not; raises ValueError for text that is none, such as an error's."""
    return json.loads(outside.unfenced(text))
