"""What the journal knows to be deleted: which call deletes what a create made, and whether it was made since. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, cast

from taskip_mcp import operation as operations
from taskip_mcp.entries import Entry
from taskip_mcp.facts import Arguments
from taskip_mcp.operation import Consequence, Effect, Operation


def done_ids(part: Entry, chunk: str) -> Sequence[Any]:
    """Ids of a bulk call that are known to be done."""
    ids = cast("Sequence[Any]", part.arguments[chunk])
    items = cast("dict[str, str]", part.detail.get("items") or {})
    return ids if part.event == "done" else [each for each in ids if items.get(str(each)) == "done"]


def deleter(made: Operation, arguments: Arguments) -> Operation | None:
    """The operation that deletes what a create made; None where TaskIP has none."""
    inverse = made.inverse(arguments)
    try:
        return operations.find(inverse.contract if inverse else f"{made.group}.delete")
    except LookupError:
        return None


def is_gone(made: Entry, later: Iterable[Entry]) -> bool:
    """Whether one of the `later` writes deleted the record that a create made."""
    operation, number = operations.find(made.operation), made.detail.get("id")
    if operation.effect is not Effect.CREATE or number is None:
        return False
    tool = deleter(operation, made.arguments)
    # What a note of a deal made is no deal: a create in a record is not undone by the delete of that record.
    names = (
        [name for name in operations.parameters(tool.contract) if name not in operation.path] if tool else []
    )
    name = next((each for each in names if each.endswith("_id")), "")
    if tool is None or not name:
        return False
    return any(str(number) in _deleted(each, tool, name) for each in later)


def _deleted(entry: Entry, tool: Operation, name: str) -> set[str]:
    """Identifiers of what a write deleted, of the records that `tool` deletes by its parameter `name`."""
    operation = operations.find(entry.operation)
    if operation.group != tool.group or Consequence.DELETE not in operation.consequences(entry.arguments):
        return set()
    ids: Sequence[Any] = []
    if operation is tool and entry.event == "done":
        ids = [entry.arguments[name]]
    elif operation.chunk == f"{name}s":
        ids = done_ids(entry, operation.chunk)
    records = cast("dict[str, dict[str, Any]]", entry.before.get("records") or {})
    found = [(records.get(str(each)) or {}).get(kind) for each in ids for kind in ("id", "uuid")]
    return {str(each) for each in [*ids, *found] if each is not None}
