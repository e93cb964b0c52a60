"""What one write changed, put back from the record as it was, or made anew. Pure; see `undo` for the whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import EllipsisType
from typing import Any, cast, get_args

from pydantic import ValidationError

from taskip_mcp import arguments as tools
from taskip_mcp import look, merge
from taskip_mcp import operation as operations
from taskip_mcp.call import fields_of
from taskip_mcp.entries import Entry
from taskip_mcp.facts import Inverse
from taskip_mcp.operation import Operation
from taskip_mcp.outside import Foreign, holds_foreign, joined, readable
from taskip_mcp.redact import holds_hidden
from taskip_mcp.wire import JsonObject

UNREAD = "what was there before was not kept, so it cannot be put back."
UNSHOWN = "TaskIP does not show what it was"
SECRET = "it is secret and was not kept"

PASSING = frozenset({"notify_client", "notify_assignee", "invite_client", "send_email"})
"""Arguments that leave nothing behind but mail."""

EMPTY: tuple[Any, ...] = (None, "", [], {})
LONG = 60


@dataclass(frozen=True, slots=True)
class Step:
    """A call that puts back a part of a change; `left` is what the change left of the arguments that it sets."""

    operation: Operation
    arguments: JsonObject
    words: str
    left: JsonObject


@dataclass
class Plan:
    """How a change is taken back: `steps` that may be carried out, `ready` calls that are only offered
    (``{"tool", "arguments", "ask"}``), sentences on what is `lost`. `refused` is why there is nothing to do.
    """

    steps: list[Step] = field(default_factory=lambda: list[Step]())
    ready: list[JsonObject] = field(default_factory=lambda: list[JsonObject]())
    lost: list[str] = field(default_factory=lambda: list[str]())
    refused: str = ""

    def lose(self, *sentences: str) -> None:
        """Say what does not come back, each once."""
        self.lost += [each for each in dict.fromkeys(sentences) if each and each not in self.lost]

    def offer(self, tool: Operation, arguments: JsonObject, ask: Sequence[str]) -> None:
        """Add a call that is not carried out; `ask` are its arguments that only the user knows."""
        self.ready.append({"tool": tool.name, "arguments": arguments, "ask": list(ask)})


class Shown(dict[str, Any]):
    """A record as it was before: a field that it lacks is not known, which is not the same as empty."""

    def get(self, key: str, default: Any = None, /) -> Any:
        """The field; raises `merge.UnmappableError` where the record has none."""
        if key not in self:
            raise merge.UnmappableError(UNSHOWN)
        return super().get(key, default)


def required(tool: Operation) -> list[str]:
    """The arguments that a tool cannot do without."""
    return cast("list[str]", tools.schema_of(tool).get("required", []))


@dataclass
class PutBack:
    """The way back of one write, added to a plan. `ids` are those of a bulk call that were done."""

    made: Plan
    operation: Operation
    inverse: Inverse
    entry: Entry
    ids: Sequence[Any] = ()

    def __post_init__(self) -> None:
        self.given = self.entry.arguments
        self.tool = operations.find(self.inverse.contract) if self.inverse.contract else self.operation
        self.takes = cast("JsonObject", tools.schema_of(self.tool)["properties"])
        cleared = cast("list[str]", self.given.get("clear") or [])
        self.touched = {*fields_of(self.operation, self.given), *cleared} - {self.operation.chunk}
        """What the write gave or cleared."""

    def plan(self) -> None:
        """Add steps, ready calls and what is lost."""
        if not self.inverse.remake:
            self._say_unknown()
        for number, record in self._before():
            who = f"{number}: " if self.ids or self.inverse.rows else ""
            if record is None:
                self.made.lose(f"{who}{UNREAD}")
            elif self.inverse.remake:
                self._make_anew(Shown(record), who)
            elif self.inverse.back:
                self._set(number, Shown(record), who)
            elif self.inverse.rows:
                self._move(number)
            else:
                self._turn(record)

    def _say_unknown(self) -> None:
        """What was given and stays, as nothing shows what was there before."""
        known = {*self.inverse.back, *self.inverse.keep, *self.inverse.left.values(), "action", *PASSING}
        for name in sorted(self.touched - known):
            why = SECRET if holds_hidden(self.given.get(name)) else UNSHOWN
            self.made.lose(f"{name}: {why}, so it cannot be put back.")
        if self.given.get("extra"):
            self.made.lose(f"extra: {UNSHOWN}, so its fields cannot be put back.")

    def _before(self) -> Iterable[tuple[Any, JsonObject | None]]:
        """(id, record) of everything that may have to be put back."""
        inverse, ids = self.inverse, self.ids
        kept = cast("dict[str, JsonObject]", self.entry.before.get("records") or {})
        whole = cast("JsonObject | None", self.entry.before.get("state"))
        if not inverse.read and not ids:
            path = self.operation.path
            whole = kept.get(str(self.given[path[-1]])) if path else None
        if inverse.remake and not inverse.back and whole is None:
            whole = {}  # the arguments tell everything
        if inverse.rows and whole is not None:
            kept = rows(whole, inverse.rows)
            ids = ids or [row["id"] for row in kept.values()]
        return [(each, kept.get(str(each))) for each in ids] if ids else [(None, whole)]

    # --- the three ways -----------------------------------------------------------------------------------

    def _turn(self, record: JsonObject) -> None:
        """The opposite with the same arguments, unless it had been so before: a label that was there already."""
        keep = self.inverse.keep
        told = [look.shown(self.operation, record, name, self.given[name]) for name in keep]
        if None in told:
            self.made.lose(f"{', '.join(keep)}: {UNSHOWN}, so it cannot be put back.")
        elif False in told:
            self._call(self._known(None), keep, self._left(keep), "")

    def _move(self, number: Any) -> None:
        """Back to where the record was: that it was there is all that has to be known."""
        self._call(self._known(number), self.inverse.keep, self._left(self.inverse.keep), f"{number}: ")

    def _set(self, number: Any, record: Shown, who: str) -> None:
        """The values before, of what the write changed."""
        before, whole = self._values(record, who), self.inverse.whole
        left = self._left(before)
        changed = [name for name in left if canonical(left[name]) != canonical(before[name])]
        missing = [name for name in self._wanted() if name not in before and name in required(self.tool)]
        if not (changed or missing):
            return
        names = [name for name in before if whole or name in changed or name not in left]
        full = {name: before[name] for name in names if before[name] not in (None, "")}
        bare = [name for name in names if name not in full and name in self._clearable()]
        for name in changed:
            if name not in full and name not in bare and not whole:
                self.made.lose(f"{who}{name}: it was empty, and {self.tool.name} cannot empty it.")
        if full or bare:
            call = self._known(number) | self._filled(record) | full | ({"clear": bare} if bare else {})
            self._call(call, [*full, *bare], {name: left[name] for name in left if name in names}, who)

    def _make_anew(self, record: Shown, who: str) -> None:
        """The call that creates it again, without what its record did not show."""
        values = {name: self._value(name, record, who) for name in self.inverse.back}
        call = {name: value for name, value in values.items() if value is not ... and value not in EMPTY}
        call = self._known(None) | call
        self.made.offer(self.tool, call, self._fit(call, who))

    def _call(self, call: JsonObject, names: Sequence[str], left: JsonObject, who: str) -> None:
        """A step; or an offer, where the tool wants something that only the user knows."""
        ask = self._fit(call, who)
        set_ = [name for name in names if name in call or name in call.get("clear", [])]
        if ask:
            self.made.offer(self.tool, call, ask)
        elif set_:
            self.made.steps.append(Step(self.tool, call, self._words(call, set_), left))

    def _words(self, call: JsonObject, names: Sequence[str]) -> str:
        """What is put back, with its value; what outsiders wrote is marked there as it is elsewhere."""
        parts = [f"{self.tool.title} {self._about(call)}: "]
        for name in names:
            comma = ", " if len(parts) > 1 else ""
            parts += [
                f"{comma}{name} ",
                marked(self.tool.group, name, call[name], 40) if name in call else "emptied",
            ]
        return joined(*parts)

    # --- values -------------------------------------------------------------------------------------------

    def _wanted(self) -> list[str]:
        """Arguments that are put back."""
        wanted = self.touched | {name for name in self.inverse.left.values() if name[:1] == "="}
        return [name for name in self.inverse.back if self.inverse.whole or self._source(name) in wanted]

    def _values(self, record: Shown, who: str) -> JsonObject:
        found = {name: self._value(name, record, who) for name in self._wanted()}
        return {name: value for name, value in found.items() if value is not ...}

    def _value(self, name: str, record: Shown, who: str) -> Any | EllipsisType:
        """The value before; ``...`` where it is not known, which is said."""
        try:
            value = self.inverse.back[name](record)
        except (merge.UnmappableError, TypeError, AttributeError, KeyError, ValueError) as error:
            self.made.lose(f"{who}{name}: {error}.")
            return ...
        if holds_hidden(value):
            self.made.lose(f"{who}{name}: {SECRET}.")
            return ...
        return value

    def _filled(self, record: Shown) -> JsonObject:
        """Required arguments that the write did not change."""
        quiet = PutBack(Plan(), self.operation, self.inverse, self.entry)
        names = [name for name in required(self.tool) if name in self.inverse.back]
        found = {name: quiet._value(name, record, "") for name in names}
        return {name: value for name, value in found.items() if value is not ... and value not in EMPTY}

    def _known(self, number: Any) -> JsonObject:
        """Identifiers and what is taken over as it was."""
        each, path = self.inverse.each, [name for name, _ in self.tool.reference.placeholders]
        names = [name for name in (*path, *self.inverse.keep) if name in self.takes and name != each]
        found = {name: self.given[name] for name in names if self.given.get(name) is not None}
        return found | ({each: [number] if each == self.tool.chunk else number} if each else {})

    def _clearable(self) -> list[str]:
        """The names that `clear` takes: the schema says no more than that they are texts."""
        field = tools.model_of(self.tool).model_fields.get("clear")
        names = get_args(field.annotation)[0] if field else None  # of `list[Literal[...]] | None`
        return list(get_args(get_args(names)[0])) if names else []

    def _source(self, name: str) -> str:
        return self.inverse.left.get(name, name)

    def _left(self, names: Iterable[str]) -> JsonObject:
        """What the write left of these arguments of the inverse, where one knows it."""
        sources = {name: self._source(name) for name in names}
        fixed = {name: source[1:] for name, source in sources.items() if source[:1] == "=" and source != "="}
        given = {name: self.given.get(source) for name, source in sources.items() if source in self.touched}
        return fixed | given

    def _about(self, call: JsonObject) -> str:
        path = [name for name, _ in self.tool.reference.placeholders if name in call]
        named = call[self.inverse.each or path[-1]]
        return ", ".join(map(str, cast("list[Any]", named) if isinstance(named, list) else [named]))

    def _fit(self, call: JsonObject, who: str) -> list[str]:
        """Take out what the tool does not accept, say so, and name the required arguments that are missing."""
        try:
            tools.model_of(self.tool).model_validate(call)
        except ValidationError as error:
            wrong = {str(problem["loc"][0]) for problem in error.errors(include_url=False)}
            for name in sorted(wrong & call.keys()):
                self.made.lose(f"{who}{name}: {self.tool.name} does not take {short(call.pop(name))}.")
        return [name for name in required(self.tool) if name not in call]


def rows(whole: JsonObject, name: str) -> dict[str, JsonObject]:
    """The records inside a record, or inside the rows of a list, by id."""
    holders = cast("list[JsonObject]", [whole] if name in whole else whole.get("items") or [])
    found = [row for each in holders for row in cast("list[JsonObject]", each.get(name) or [])]
    return {str(row["id"]): row for row in found}


def canonical(value: Any) -> Any:
    """A value without what is empty inside, and numbers of one kind: 1 and 1.0 are the same."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, Any]", value).items()
        return {name: canonical(item) for name, item in items if item not in EMPTY} or None
    if isinstance(value, list):
        return [canonical(item) for item in cast("list[Any]", value)] or None
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return None if value == "" else value


def short(value: Any, most: int = LONG) -> str:
    """A value as a sentence shows it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= most else text[: most - 3] + "..."


def marked(group: str, name: str, value: Any, most: int = LONG) -> str:
    """The same of a field of a group, marked where outsiders fill it."""
    shown = readable({name: value}, group)[name]
    text = short(shown, most)
    return Foreign(text) if holds_foreign(shown) else text
