"""`TASKIP_MODE=search`: three tools instead of all, one that finds tools and two that run what was found.

Reads and writes are run by different tools, so that what a host lets through unasked still means something. The call
of a found tool is the same as without search: its arguments are validated, the gate asks, `confirm` is one of its
arguments. Nothing here knows the SDK.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from taskip_mcp.caller import NOBODY, Caller
from taskip_mcp.errors import ArgumentError, legible
from taskip_mcp.operation import Consequence
from taskip_mcp.schemas import JsonObject, ToolEntry

if TYPE_CHECKING:
    from taskip_mcp.search import Index
    from taskip_mcp.show import Answer

Perform = Callable[[ToolEntry, JsonObject, Caller], Awaitable["Answer"]]

GROUP = "search"
"""The group of the three. None of TaskIP is called so: what a refusal shows is judged by the rules of all groups."""

MOST, USUAL = 10, 5
"""Tools that a search shows: at most, and if the caller does not say."""

RUN: JsonObject = {
    "type": "object",
    "properties": {
        "tool": {"type": "string", "description": "Name from find_tools."},
        # As text: Gemini refuses an object that names no fields. An object is taken as well.
        "arguments": {
            "type": "string",
            "description": "JSON object of its arguments, as find_tools shows them.",
        },
    },
    "required": ["tool"],
}

FIND = ToolEntry(
    name="find_tools",
    title="Find tools",
    description="Search the tools of TaskIP (contacts, companies, invoices, quotations, tickets, documents, projects,"
    " tasks, deals, meetings, inbox) by what the user wants done. Shows name, effect and arguments of each. If none"
    " fits, search again in other words.",
    group=GROUP,
    contract="",
    endpoint="",
    effect="read",
    annotations={
        "title": "Find tools",
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": False,
    },
    inputSchema={
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "Such as: email an invoice to the client."},
            "limit": {"type": "integer", "description": f"{USUAL} by default, {MOST} at most."},
        },
        "required": ["query"],
    },
)

READ = ToolEntry(
    name="read_with",
    title="Read with a found tool",
    description="Run a tool of effect read that find_tools showed. All others run with write_with.",
    group=GROUP,
    contract="",
    endpoint="",
    effect="read",
    annotations={
        "title": "Read with a found tool",
        "readOnlyHint": True,
        "destructiveHint": False,
        "idempotentHint": True,
        "openWorldHint": True,
    },
    inputSchema=RUN,
)

WRITE = ToolEntry(
    name="write_with",
    title="Write with a found tool",
    description="Run any other tool that find_tools showed; it changes TaskIP. What deletes, sends, moves money, gives"
    " access or changes many records answers with a preview first, and nothing is done yet. Show it to the user; only"
    " for what they agree to call again with the same arguments and confirm: true inside arguments (and the"
    " confirm_code, if the preview has one).",
    group=GROUP,
    contract="",
    endpoint="",
    effect="update",
    consequences=sorted(Consequence),
    annotations={
        "title": "Write with a found tool",
        "readOnlyHint": False,
        "destructiveHint": True,
        "idempotentHint": False,
        "openWorldHint": True,
    },
    inputSchema=RUN,
)


class Finder:
    """The three tools over the tools that were selected; `perform` runs one of those."""

    def __init__(self, entries: Sequence[ToolEntry], perform: Perform) -> None:
        self.entries = entries
        self._perform = perform
        self._by_name = {entry.name: entry for entry in entries}

    @property
    def tools(self) -> list[ToolEntry]:
        """What is offered: one that runs nothing is left out."""
        effects = {entry.effect == "read" for entry in self.entries}
        return [FIND, *([READ] if True in effects else []), *([WRITE] if False in effects else [])]

    @cached_property
    def index(self) -> Index:
        """The tables of the search, built for the first one."""
        from taskip_mcp.search import Index

        return Index(self.entries)

    async def perform(self, entry: ToolEntry, raw: JsonObject, caller: Caller = NOBODY) -> Answer:
        """Run one of the three; raises `ArgumentError` for what it does not take."""
        if entry.name == FIND.name:
            return self._find(raw)
        found, arguments = self._wanted(entry, raw)
        return await self._perform(found, arguments, caller)

    def _find(self, raw: JsonObject) -> Answer:
        from taskip_mcp.show import Answer

        _only(FIND, raw)
        query = raw.get("query")
        if not isinstance(query, str) or not query.strip():
            raise ArgumentError("query: say in words what is to be done.")
        items = [_shown(each.entry) for each in self.index.find(query, _limit(raw.get("limit")))]
        note = {} if items else {"note": "No tool has to do with that. Say it in other words."}
        return Answer({"items": items, "returned": len(items)} | note)

    def _wanted(self, entry: ToolEntry, raw: JsonObject) -> tuple[ToolEntry, JsonObject]:
        """The tool to run and its arguments."""
        _only(entry, raw, "; arguments of the tool belong inside arguments")
        name = raw.get("tool")
        found = self._by_name.get(name) if isinstance(name, str) else None
        if found is None:
            raise ArgumentError(self._unknown(name))
        right = READ if found.effect == "read" else WRITE
        if entry.name != right.name:
            kind = "only reads" if right is READ else "changes TaskIP"
            raise ArgumentError(f"{found.name} {kind}: run it with {right.name}. Nothing was sent.")
        return found, _arguments(raw.get("arguments"))

    def _unknown(self, name: Any) -> str:
        if not isinstance(name, str) or not name.strip():
            return "tool: give the name of a tool that find_tools showed. Nothing was sent."
        if name in {each.name for each in (FIND, READ, WRITE)}:
            return f"tool: {name} is not run by another tool; call it itself. Nothing was sent."
        near = difflib.get_close_matches(name[:64], self._by_name, n=3)
        near = near or [each.entry.name for each in self.index.find(name.replace("_", " "), 3)]
        like = f" Like it: {', '.join(near)}." if near else ""
        return f"There is no tool {legible(name)}.{like} find_tools searches for one. Nothing was sent."


def _only(entry: ToolEntry, raw: Mapping[str, Any], more: str = "") -> None:
    accepted = entry.inputSchema["properties"]
    for name in raw:
        if name not in accepted:
            raise ArgumentError(
                f"{legible(name)}: {entry.name} takes {', '.join(accepted)} only{more}. Nothing was sent."
            )


def _limit(given: Any) -> int:
    try:
        limit = USUAL if given is None else int(given)
    except (TypeError, ValueError, OverflowError):
        limit = 0
    if not 1 <= limit <= MOST:
        raise ArgumentError(f"limit: give a whole number from 1 to {MOST}.")
    return limit


def _arguments(given: Any) -> JsonObject:
    """As an object; some hosts send it as JSON text."""
    if given is None or given == "":
        return {}
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            given = None
    if not isinstance(given, dict):
        raise ArgumentError('arguments: give an object, such as {"search": "Acme"}. Nothing was sent.')
    return cast("JsonObject", given)


def _shown(entry: ToolEntry) -> JsonObject:
    """A found tool: what it is called, what it does, what it takes."""
    schema = {
        name: entry.inputSchema[name] for name in ("properties", "required") if entry.inputSchema.get(name)
    }
    return {"name": entry.name, "does": entry.description, "effect": entry.effect, "arguments": schema}
