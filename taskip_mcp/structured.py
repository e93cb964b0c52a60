"""`TASKIP_STRUCTURED`: results as structured content for programs, with an output schema for each tool.

The schemas tell the shapes of `taskip_mcp.results`. A call with consequences may also answer with its preview, so
that a tool that writes requires nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from taskip_mcp.schemas import ToolEntry

TEXT: dict[str, Any] = {"type": "string"}
NUMBER: dict[str, Any] = {"type": "integer"}
OBJECT: dict[str, Any] = {"type": "object"}
ROWS: dict[str, Any] = {"type": "array", "items": OBJECT}

LIST = {"items": ROWS, "returned": NUMBER, "total": NUMBER, "next_page": NUMBER, "note": TEXT}
FILE = {"saved": TEXT, "size": NUMBER, "type": TEXT, "resource": TEXT}
WRITE = {"done": TEXT, "changed": OBJECT, "note": TEXT, "preview": TEXT, "next": TEXT, "job": TEXT}


def output_schema(entry: ToolEntry) -> dict[str, Any]:
    """The shape of what a tool answers with."""
    verb = entry.name.partition("_")[0]
    if entry.effect != "read":
        return {"type": "object", "properties": WRITE}
    if verb == "download":
        return {"type": "object", "properties": FILE, "required": list(FILE)}
    if verb == "list" and entry.endpoint:
        return {"type": "object", "properties": LIST, "required": ["items", "returned"]}
    return OBJECT
