"""What every client is asked to do: the calls of all tools, in an order in which none spoils another, as plain JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

from mcp.client import Client

from taskip_mcp.sandbox import Sandbox
from tests.sandbox_calls import CALLS, CONSEQUENT, filled

JsonObject = dict[str, Any]
Expected = Literal["answer", "preview", "refusal"]
"""What must come: a result; a preview that changes nothing; an error in words."""

OWN_CALLS: dict[str, JsonObject] = {
    "resume_job": {"job_id": "unknown"},
    "undo_change": {"change_id": "unknown"},
    "find_tools": {"query": "overdue invoices"},
    "search_everything": {"query": "berg"},
    "get_client_overview": {"contact_id": "1"},
    "get_my_day": {"member_id": "3"},
}
"""Arguments of the server's own tools, where any are required."""

REFUSED = {"resume_job", "undo_change"}
"""Tools that need what no earlier call has made; their refusal shows that errors come through."""

READ, GATED = "list_invoices", "delete_contact"
"""The one read and the one gated write for every transport."""


@dataclass(frozen=True)
class Listed:
    """A tool as the server lists it."""

    name: str
    description: str
    schema: JsonObject
    reads: bool
    gated: bool


@dataclass(frozen=True)
class Step:
    """One call; `confirm` has the client call again with ``confirm`` and the code of the preview, if it has one."""

    tool: str
    arguments: JsonObject
    expected: Expected
    confirm: bool = False


async def listed(client: Client) -> list[Listed]:
    """All tools of a server, in its order."""
    return [
        Listed(
            tool.name,
            tool.description or "",
            dict(tool.input_schema),
            bool(tool.annotations and tool.annotations.read_only_hint),
            bool(tool.annotations and tool.annotations.destructive_hint),
        )
        for tool in (await client.list_tools()).tools
    ]


def every_tool(tools: Sequence[Listed]) -> list[Step]:
    """One call of every tool: reads, then what changes nothing, then writes; at the end one that is confirmed."""
    ranked = [(0 if each.reads else 1 if each.gated else 2, _step(each)) for each in tools]
    return [*(step for _, step in sorted(ranked, key=lambda pair: pair[0])), few(tools)[-1]]


def few(tools: Sequence[Listed]) -> list[Step]:
    """One read, and one gated write: its preview, then carried out after a preview of its own."""
    named = {tool.name: tool for tool in tools}
    gated = _published({"contact_id": 3}, named[GATED])
    return [
        Step(READ, _published({"limit": 2}, named[READ]), "answer"),
        Step(GATED, gated, "preview"),
        Step(GATED, gated, "answer", confirm=True),
    ]


def as_published(value: Any, schema: JsonObject) -> Any:
    """A value as a model writes it that knows only the published schema: ids may be text there, objects JSON text."""
    kind = schema.get("type")
    if kind == "string" and not isinstance(value, str):
        return json.dumps(value)
    if kind == "array" and isinstance(value, list):
        return [as_published(each, schema.get("items") or {}) for each in cast("list[Any]", value)]
    if kind == "object" and isinstance(value, dict):
        inside = cast("dict[str, JsonObject]", schema.get("properties") or {})
        fields = cast("JsonObject", value).items()
        return {name: as_published(each, inside.get(name) or {}) for name, each in fields}
    return value


def exported(steps: Iterable[Step]) -> list[JsonObject]:
    """The steps as JSON values."""
    return [asdict(step) for step in steps]


def _step(tool: Listed) -> Step:
    arguments = _arguments(tool)
    if tool.name in REFUSED:
        return Step(tool.name, arguments, "refusal")
    return Step(tool.name, arguments, "preview" if tool.gated else "answer")


def _arguments(tool: Listed) -> JsonObject:
    if tool.name in CALLS:
        return _published(filled(CALLS[tool.name], Sandbox()) | CONSEQUENT.get(tool.name, {}), tool)
    given = OWN_CALLS.get(tool.name, {})
    missing = set(tool.schema.get("required", ())) - given.keys()
    assert not missing, f"{tool.name}: say in OWN_CALLS what to give for {', '.join(sorted(missing))}"
    return given


def _published(arguments: JsonObject, tool: Listed) -> JsonObject:
    return {name: as_published(value, tool.schema["properties"][name]) for name, value in arguments.items()}
