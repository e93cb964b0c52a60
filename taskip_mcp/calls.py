"""The way of one tool call through the server: arguments, names, gate, function, view."""

from __future__ import annotations

from typing import Any

from taskip_mcp import arguments, confirm, filters, names, own, show, turn
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend
from taskip_mcp.caller import NOBODY, Caller
from taskip_mcp.errors import DeadlineError, MissingError
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
    spoken = _spoken(backend, tool, values) if tool.gated else None
    values = await turn.within(names.resolve(backend, tool, values), lambda: DeadlineError(LATE))
    return show.answer(await run(backend, tool, values, caller, spoken), tool, ask)


def _spoken(backend: Backend, tool: Tool, values: JsonObject) -> bytes | None:
    """Digest of a call as it was said, without what confirms it; None where it names no record."""
    said = names.spoken(
        {name: value for name, value in values.items() if name not in {"confirm", "confirm_code"}}
    )
    return backend.sealer.call(f"{tool.name}, as it was said", said) if said else None


async def run(
    backend: Backend, tool: Tool, values: JsonObject, caller: Caller = NOBODY, spoken: bytes | None = None
) -> Any:
    """Through the gate, and for a list its filters. `spoken`: see `confirm.Proposal`.

    A 404 may mean that what looked like an identifier is a name: a read is then made once more.
    """
    try:
        return await _run(backend, tool, values, caller, spoken)
    except MissingError as missing:
        values = await _reconsidered(backend, tool, values, missing)
        return await _run(backend, tool, values, caller, spoken)


async def _reconsidered(
    backend: Backend, tool: Tool, values: JsonObject, missing: MissingError
) -> JsonObject:
    """The arguments with names for identifiers that are none; raises `missing` where that does not help in time."""
    return await turn.within(names.reconsidered(backend, tool, values, missing), lambda: missing)


async def _run(backend: Backend, tool: Tool, values: JsonObject, caller: Caller, spoken: bytes | None) -> Any:
    if not isinstance(tool, Operation):
        return await own.perform(backend, tool, values, caller)
    result = await confirm.perform(backend, tool, values, caller, spoken)
    return (
        filters.applied(tool.contract, values, result, backend.offers) if isinstance(result, Page) else result
    )
