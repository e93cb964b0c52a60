"""Rules of the function calling of several vendors, over the schemas as they are published.

Each is a refusal by at least one of them. Gemini: its own list of keywords, every node has one type, arrays say what
they hold, `enum` is for text and no value is empty, objects inside have properties (OpenAI's strict mode demands that
too), `format` of text is a date. OpenAI and Anthropic: characters and length of names, and 1,024 characters
of description.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import cast

from tests.interop.plan import JsonObject, Listed

TYPES = {"object", "array", "string", "integer", "number", "boolean"}
KNOWN = {
    "type", "description", "properties", "required", "items", "enum", "format", "default", "pattern",
    "minItems", "maxItems", "minimum", "maximum", "minLength", "maxLength",
}  # fmt: skip
"""Keywords that every vendor takes. Gemini answers 400 to any other, `additionalProperties` and `$ref` among them."""
TEXT_FORMATS = {"date", "date-time", "enum"}
"""Gemini refused `date` in 2025; the schema of its own package (google-genai 3.6) names it now."""
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
LONGEST = 1024


def problems(tool: Listed) -> Generator[str]:
    """What some vendor would refuse or drop."""
    if not NAME.fullmatch(tool.name):
        yield "the name"
    if not 0 < len(tool.description) <= LONGEST:
        yield f"a description of {len(tool.description)} characters"
    if tool.schema.get("type") != "object" or "properties" not in tool.schema:
        yield "the root is no object with properties"
    yield from _of_node(tool.schema, "")


def _of_node(node: JsonObject, where: str) -> Generator[str]:
    for problem in (*_of_type(node, root=not where), *_of_words(node)):
        yield f"{where or 'root'}: {problem}"
    for name, child in cast("dict[str, JsonObject]", node.get("properties") or {}).items():
        if not NAME.fullmatch(name):
            yield f"{where}.{name}: the name"
        yield from _of_node(child, f"{where}.{name}")
    if isinstance(node.get("items"), dict):
        yield from _of_node(node["items"], f"{where}[]")


def _of_type(node: JsonObject, *, root: bool) -> Generator[str]:
    kind = node.get("type")
    if not isinstance(kind, str) or kind not in TYPES:
        yield f"type {kind!r}"
    if (kind == "array") is not isinstance(node.get("items"), dict):
        yield "items and type array go together"
    # A tool without arguments has an empty root by the protocol; frameworks leave it out for Gemini.
    if kind == "object" and not node.get("properties") and not root:
        yield "an object without properties"
    if kind != "object" and node.keys() & {"properties", "required"}:
        yield "properties without type object"


def _of_words(node: JsonObject) -> Generator[str]:
    yield from (f"keyword {key}" for key in sorted(node.keys() - KNOWN))
    values = node.get("enum")
    if values is not None and (
        node.get("type") != "string"
        or not values
        or not all(isinstance(value, str) and value for value in values)
    ):
        yield f"enum {values}"
    if node.get("type") == "string" and node.get("format", "enum") not in TEXT_FORMATS:
        yield f"format {node['format']}"
    required = cast("list[str]", node.get("required") or [])
    if len(set(required)) != len(required) or not set(required) <= set(node.get("properties") or {}):
        yield f"required {required}"
