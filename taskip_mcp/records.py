"""Finding one record where TaskIP has a read for it, or at least a list that shows it; and reading several at once."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio

from taskip_mcp import errors
from taskip_mcp.operation import Operation
from taskip_mcp.pages import AT_ONCE
from taskip_mcp.results import Page
from taskip_mcp.wire import JsonObject

if TYPE_CHECKING:
    from taskip_mcp.call import Call

PAGES = 5
"""Pages of a list that are looked at for one record that has no read of its own."""

PARTIAL = frozenset({"tag_id"})
"""Parameters whose list shows a record only where it is in use, so that a miss proves nothing."""

T = TypeVar("T")
R = TypeVar("R")


async def at_once(
    items: Sequence[T], work: Callable[[T], Awaitable[R]], over: Callable[[], bool] = bool
) -> list[R]:
    """The results for each of several items, in their order, a few at a time.

    When it is `over` no further one is begun, so that the last may be missing, but never all. The first `TaskipError`
    ends it and is raised as it is, not in a group.
    """
    found: dict[int, R] = {}
    failed: list[errors.TaskipError] = []
    limit = anyio.CapacityLimiter(AT_ONCE)

    async def one(place: int, item: T) -> None:
        async with limit:
            if failed or (found and over()):
                return
            try:
                found[place] = await work(item)
            except errors.TaskipError as error:
                failed.append(error)

    async with anyio.create_task_group() as group:
        for place, item in enumerate(items):
            group.start_soon(one, place, item)
    if failed:
        raise failed[0]
    return [found[place] for place in sorted(found)]


async def find(call: Call, reader: Operation, parameter: str, value: Any) -> JsonObject | None:
    """The record that `parameter` names, by its own read or from its list, page by page.

    None when only some pages were looked at, or when the list need not show it; raises `MissingError` when it is not
    there.
    """
    path = [name for name, _ in reader.reference.placeholders]
    wanted = {name: call.arguments[name] for name in path if name != parameter}
    if parameter in path:
        return cast("JsonObject", await call.read(reader.contract, **wanted, **{parameter: value}))
    turn: dict[str, int] = {}
    for _ in range(PAGES):
        page: Page = await call.read(reader.contract, **wanted, **turn)
        row = next((each for row in page.items for each in _inside(row) if _is(each, parameter, value)), None)
        if row or (page.next_page is None and parameter not in PARTIAL):
            break
        if page.next_page is None:
            return None
        turn = {"page": page.next_page}
    else:
        return None
    if row is None:
        raise errors.MissingError(
            f"TaskIP does not list {parameter} {errors.legible(str(value))}", status=404, outcome="unchanged"
        )
    return row


def _inside(row: JsonObject) -> list[JsonObject]:
    """A row, and the records that it wraps: the file of a task, the tags of a conversation."""
    wrapped = [row.get("media"), *cast("list[Any]", row.get("tags") or [])]
    return [row, *(cast("JsonObject", each) for each in wrapped if isinstance(each, dict))]


def _is(row: JsonObject, parameter: str, value: Any) -> bool:
    # A board column has a prefixed `id` of its own beside the container_id (contract quirk 19), and the row of a
    # conversation is not the tag that it has.
    own = row.get(parameter, row.get("id") if "uuid" not in row else row.get("uuid"))
    return str(own) == str(value)
