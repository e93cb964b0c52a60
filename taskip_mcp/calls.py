"""The way of one tool call through the server: arguments, names, gate, function, view."""

from __future__ import annotations

from typing import Any

from taskip_mcp import arguments, confirm, filters, names, own, show, turn
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend
from taskip_mcp.caller import NOBODY, Caller
from taskip_mcp.errors import DeadlineError
from taskip_mcp.operation import OWN_GROUP, Operation, Tool
from taskip_mcp.results import Page
from taskip_mcp.wire import JsonObject

LATE = (
    "The time of this call (TASKIP_DEADLINE) was over before the names were looked up. Nothing was changed. Call again,"
    " with ids."
)


async def perform(
    backend: Backend, name: str, group: str, raw: JsonObject, caller: Caller = NOBODY
) -> show.Answer:
    """Run a tool as its caller asked, and show what came of it.

    Raises `TaskipError`, with the words for the model.
    """
    tool = own.tools()[name] if group == OWN_GROUP else operations.by_name(name, group)
    values = arguments.validate(tool, raw)
    ask = show.Ask.take(tool, values)
    values = await _with_ids(backend, tool, values)
    return show.answer(await run(backend, tool, values, caller), tool, ask)


async def _with_ids(backend: Backend, tool: Tool, values: JsonObject) -> JsonObject:
    """Names looked up, within the time of the call."""
    mine = turn.current()
    with mine.clock.move_on_after(mine.left):
        return await names.resolve(backend, tool, values)
    raise DeadlineError(LATE)


async def run(backend: Backend, tool: Tool, values: JsonObject, caller: Caller = NOBODY) -> Any:
    """Through the gate, and for a list its filters."""
    if not isinstance(tool, Operation):
        return await own.perform(backend, tool, values, caller)
    result = await confirm.perform(backend, tool, values, caller)
    return filters.applied(tool.contract, values, result) if isinstance(result, Page) else result
