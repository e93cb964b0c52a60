"""An OpenAPI document of TaskIP's operations, made from our own tools: what a generator of servers is given.

Names, descriptions and schemas are those that we publish, so that what a generated server makes of them can be compared
with ours. What is ours alone is left out: confirmation, protection from doing something twice, the form of results.
Answers are not described: output schemas would add to the generated tools what ours do not have either.
"""

from __future__ import annotations

from typing import Any

from taskip_mcp import operation
from taskip_mcp.operation import PLACEHOLDER, Operation
from taskip_mcp.schemas import ToolEntry, load_entries

JsonObject = dict[str, Any]

OURS = frozenset({"confirm", "confirm_code", "allow_duplicate", "detail", "fields"})
"""Arguments that this server takes and TaskIP does not."""


def document(base_url: str = "http://127.0.0.1:1") -> JsonObject:
    """The document; `base_url` is where the operations are."""
    declared = operation.load_all()
    paths: dict[str, JsonObject] = {}
    for entry in load_entries():
        if entry.name in declared:
            found = declared[entry.name]
            path = PLACEHOLDER.sub(lambda place: "{" + place[1] + "}", found.reference.path)
            paths.setdefault(path, {})[found.reference.method.lower()] = operation_of(entry, found)
    return {
        "openapi": "3.1.0",
        "info": {"title": "TaskIP", "version": "1"},
        "servers": [{"url": base_url}],
        "paths": paths,
    }


def operation_of(entry: ToolEntry, found: Operation) -> JsonObject:
    """One operation: path and query parameters, or a body."""
    schema = entry.inputSchema
    properties: dict[str, JsonObject] = {
        name: node for name, node in schema["properties"].items() if name not in OURS
    }
    in_path = {name for name, _ in found.reference.placeholders}
    required = [name for name in schema.get("required", ()) if name in properties]
    in_query = set(properties) - in_path if found.reference.method == "GET" else set[str]()
    body = {name: node for name, node in properties.items() if name not in in_path | in_query}
    described: JsonObject = {
        "operationId": entry.name,
        "summary": entry.title,
        "description": entry.description,
        "parameters": [
            _parameter(name, node, "path" if name in in_path else "query", name in required)
            for name, node in properties.items()
            if name in in_path | in_query
        ],
        "responses": {"200": {"description": "TaskIP's answer."}},
    }
    if body:
        named = [name for name in required if name in body]
        held = {"type": "object", "properties": body} | ({"required": named} if named else {})
        described["requestBody"] = {
            "required": bool(named),
            "content": {"application/json": {"schema": held}},
        }
    return described


def _parameter(name: str, node: JsonObject, where: str, required: bool) -> JsonObject:
    schema = {key: value for key, value in node.items() if key != "description"}
    described = {"description": node["description"]} if "description" in node else {}
    return {"name": name, "in": where, "required": where == "path" or required, "schema": schema, **described}
