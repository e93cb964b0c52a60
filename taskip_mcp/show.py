"""From the result of a tool to what the model reads: view, size, fence, text.

The view of a group (`taskip_mcp.views`) says what of a record is shown; `detail` and `fields` of a call ask for more
or for less. Nothing above `tokens.MOST` leaves: lists end at a record boundary, and say how to go on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from taskip_mcp import cut, outside, views
from taskip_mcp.operation import OWN_GROUP, Effect, Operation, Tool
from taskip_mcp.pages import Collected
from taskip_mcp.results import Page, Saved, Written, minified, shape, tidy
from taskip_mcp.wire import JsonObject

NOTICE_KEY = "_notice"
"""No field of TaskIP is called so; it comes before those of the record, and is part of no fence."""


@dataclass(frozen=True, slots=True)
class Ask:
    """How a caller wants to see a result. `page`, `limit` and `cleared` are arguments of the call; a tool without pages
    has no `page`."""

    detail: views.Detail = "concise"
    fields: tuple[str, ...] = ()
    page: int | None = None
    limit: int | None = None
    cleared: tuple[str, ...] = ()

    @classmethod
    def take(cls, tool: Tool, values: dict[str, Any]) -> Ask:
        """Out of the arguments, where they would be fields to send."""
        page = (values["page"] or 1) if "page" in values else None
        asked = cls(page=page, limit=values.get("limit"), cleared=tuple(values.get("clear") or ()))
        if viewed(tool):
            detail = values.pop("detail", None) or "concise"
            return replace(asked, detail=detail, fields=tuple(values.pop("fields", None) or ()))
        return asked


@dataclass(frozen=True, slots=True)
class Answer:
    """A result as it may be read; `foreign` says whether outsiders wrote any of it."""

    value: JsonObject
    foreign: bool = False
    saved: Saved | None = None

    @property
    def text(self) -> str:
        """Minified JSON, fenced where outsiders wrote any of it."""
        text = minified(self.value)
        return outside.fenced(text) if self.foreign else text

    @property
    def document(self) -> JsonObject:
        """The same as one JSON object, which lines around it would break: the notice is its first key."""
        return {NOTICE_KEY: outside.NOTICE_INSIDE} | self.value if self.foreign else self.value

    @property
    def line(self) -> str:
        """One line for those who read the structured content."""
        told = self.value.get("preview") or self.value.get("done")
        if told:
            return outside.clean(str(told))
        if "items" in self.value:
            counts = {
                name: self.value[name] for name in ("returned", "total", "next_page") if name in self.value
            }
            return ", ".join(f"{name} {count}" for name, count in counts.items()) or "A list."
        return f"Fields: {', '.join(map(str, self.value))}."


def viewed(tool: Tool) -> bool:
    """Whether a tool takes `detail`: a read whose records have more than is shown by default."""
    return isinstance(tool, Operation) and tool.effect is Effect.READ and tool.contract in views.DETAILED


def wide(tool: Tool) -> bool:
    """Whether a tool takes `fields`."""
    return viewed(tool) and cast("Operation", tool).contract in views.WIDE


def answer(result: Any, tool: Tool, ask: Ask = Ask(), *, whole: bool = False) -> Answer:
    """Any result of a tool as the model reads it. `whole` leaves out the limit of size."""
    if isinstance(result, Saved):  # the paths of a saved file are ours, and must be exact
        return Answer(shape(result), saved=result)
    if isinstance(tool, Operation):
        shown = _viewed(result, tool, ask)
    else:
        shown = tidy(result) if tool.marked else outside.readable(shape(result), OWN_GROUP)
    if not whole:
        shown = cut.to_size(shown, page=ask.page, limit=ask.limit)
    return Answer(shown, outside.holds_foreign(shown))


def preview(shown: Mapping[str, Any], group: str) -> str:
    """What is shown with a refusal, such as a preview that has changed."""
    value = cut.to_size(outside.readable(tidy(dict(shown)), group))
    return Answer(value, outside.holds_foreign(value)).text


def row(contract: str, record: JsonObject) -> JsonObject:
    """A record as a row of a list shows it, with the marks of outsiders' text."""
    return _of_record(contract, record, "row", Ask())


# --- views ------------------------------------------------------------------------------------------------


def _viewed(result: Any, operation: Operation, ask: Ask) -> JsonObject:
    if isinstance(result, Page):
        return _page(result, operation, ask)
    if isinstance(result, Collected):
        return result.shape() | {"items": _rows(result.items, operation, ask)}
    if isinstance(result, Written):
        return _written(result, operation, ask)
    if operation.effect is Effect.READ and isinstance(result, Mapping):
        record = cast("JsonObject", result)
        return _noted(_of_record(operation.contract, record, "record", ask), [record], operation, ask)
    return outside.readable(shape(result), operation.group)


def _page(page: Page, operation: Operation, ask: Ask) -> JsonObject:
    rows = _rows(page.items, operation, ask)
    counts = tidy({"returned": len(rows), "total": page.total, "next_page": page.next_page})
    note = {"note": page.note} if page.note else {}
    return _noted({"items": rows} | counts | note, page.items, operation, ask)


def _rows(items: Sequence[JsonObject], operation: Operation, ask: Ask) -> list[JsonObject]:
    return [_of_record(operation.contract, item, "row", ask) for item in items]


def _written(result: Written, operation: Operation, ask: Ask) -> JsonObject:
    """A record that TaskIP answered with or that was looked up is shown as a read shows it; what was sent, as sent."""
    shown = cast("JsonObject", outside.readable(shape(result), operation.group))
    if not result.whole and not {"id", "uuid"} & result.changed.keys():
        return shown
    changed = _of_record(operation.contract, result.changed, "record", Ask())
    emptied = {name: None for name in ask.cleared if not result.changed.get(name)}
    return shown | {"changed": changed | emptied}


def _of_record(contract: str, record: JsonObject, role: views.Role, ask: Ask) -> JsonObject:
    group = contract.partition(".")[0]
    readable = cast("JsonObject", outside.readable(record, group))
    return tidy(views.view(contract, readable, role, detail=ask.detail, fields=ask.fields))


def _noted(shown: JsonObject, records: Sequence[JsonObject], operation: Operation, ask: Ask) -> JsonObject:
    """Fields that were asked for and that no record has."""
    unknown = views.missing(operation.contract, list(records), ask.fields) if ask.fields and records else []
    if not unknown:
        return shown
    words = f"No record here has {', '.join(unknown)}; it may be one of: {', '.join(views.known(operation.contract))}."
    return shown | {"note": " ".join(filter(None, [str(shown.get("note") or ""), words]))}
