"""The messages of a prompt: the data is read as its tools show it, the text says the rest. Whatever fails on the way is
told in the text, and the prompt goes on without it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, cast
from urllib.parse import quote, urlencode

from taskip_mcp import calls, cut, errors, instructions, outside, own, records, resources, show, turn
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend
from taskip_mcp.operation import OWN_GROUP, Operation, Tool
from taskip_mcp.overview.reading import today, why
from taskip_mcp.prompts import (
    Embedded,
    Finding,
    Given,
    JsonObject,
    Message,
    PromptEntry,
    Read,
    filled,
    offered,
    writes,
)
from taskip_mcp.prompts.filled import Filled
from taskip_mcp.results import minified
from taskip_mcp.tokens import estimate

ROOM = 2500
"""Tokens of one embedded resource, by the careful estimate."""

SHORT = 300
"""Characters of a text, where the whole does not fit."""

FEW = 8
"""Entries of a list inside a record, where the whole does not fit."""

PARTIAL = frozenset({"next_page", "left_out"})
"""What an answer has that does not show all rows."""


@dataclass
class Progress:
    """What was read, with the call that shows it again, and in words what it comes to, what is still to be read and
    what is missing."""

    data: list[tuple[str, Embedded]] = field(default_factory=lambda: list[tuple[str, Embedded]]())
    found: list[str] = field(default_factory=lambda: list[str]())
    unread: list[str] = field(default_factory=lambda: list[str]())
    missing: list[str] = field(default_factory=lambda: list[str]())


async def build(backend: Backend, name: str, arguments: Mapping[str, str]) -> list[Message]:
    """See `taskip_mcp.prompts.build`."""
    entry, day = _entry(backend, name), today(backend)
    taken = await filled.take(backend, entry, arguments, day)
    progress = Progress(missing=list(taken.missing))
    reads, others = _usable(entry, day, taken)
    if tools := [tool.name for tool in map(_tool, others) if backend.offers(tool.name)]:
        progress.missing.append(f"Not called without that: {', '.join(dict.fromkeys(tools))}.")
    await _read(backend, reads, progress)
    embedded = [Message(each) for _, each in progress.data]
    return [*embedded, Message(_text(backend, entry, taken, progress))]


def _entry(backend: Backend, name: str) -> PromptEntry:
    known = {entry.name: entry for entry in offered(backend.offers)}
    if found := known.get(name):
        return found
    raise errors.ArgumentError(
        f"There is no prompt {errors.legible(name)}. The prompts are {', '.join(known) or 'none'}."
    )


# --- data -------------------------------------------------------------------------------------------------


def _usable(entry: PromptEntry, day: date, taken: Filled) -> tuple[list[Read], list[Read]]:
    """The reads that are the same without what nobody can use, and the others: without the record that was meant, data
    of all others would only lead astray."""
    without = [(each.source, each.arguments) for each in entry.reads(Given(day, taken.values))]
    meant = entry.reads(Given(day, taken.values | taken.unusable))
    others = [each for each in meant if (each.source, each.arguments) not in without]
    return [each for each in meant if each not in others], others


async def _read(backend: Backend, reads: Sequence[Read], progress: Progress) -> None:
    """Read what the offered tools show, a few at a time, and what follows from it."""
    wanted = [(each, tool) for each in reads if backend.offers((tool := _tool(each)).name)]

    async def one(pair: tuple[Read, Tool]) -> show.Answer | errors.TaskipError:
        read, tool = pair
        try:
            return await _shown(backend, read, tool)
        except errors.TaskipError as error:
            return error

    following: list[Read] = []
    for (read, tool), found in zip(wanted, await records.at_once(wanted, one), strict=True):
        call = _call(tool, read.arguments)
        if isinstance(found, errors.TaskipError):
            progress.missing.append(f"{call}: {why(found)}.")
            continue
        after: Sequence[Read | str] = read.then(found.value) if read.then else ()
        following += [each for each in after if isinstance(each, Read)]
        progress.found += [each for each in after if isinstance(each, Finding)]
        progress.unread += [each for each in after if not isinstance(each, Read | Finding)]
        note(read, call, found, progress)
    if following:
        await _read(backend, following, progress)


def note(read: Read, call: str, found: show.Answer, progress: Progress) -> None:
    """What was read, in short where that is all there is room for."""
    value = found.value if read.whole else shortened(found.value)
    text = minified(replace(found, value=value).document)
    fits = estimate(text) <= ROOM
    if read.whole and not (fits and PARTIAL.isdisjoint(value)):
        progress.unread.append(f"{call}: too much to be shown here; read every page.")
    elif not fits:
        progress.unread.append(f"{call}: too much to be shown here.")
    else:
        progress.data.append((call, Embedded(address(read), text)))
        progress.unread += [f"{call}: {lack}." for lack in [_lack(found.value, value), *_gaps(value)] if lack]


def _gaps(shown: JsonObject) -> list[str]:
    """What an answer across groups says that it lacks."""
    gaps = (shown.get(name, {}) for name in ("not_read", "incomplete"))
    return [f"{part}: {reason}" for told in gaps for part, reason in told.items()]


def _lack(whole: JsonObject, shown: JsonObject) -> str:
    """What an embedded answer does not show, in words; empty where it shows all that there is."""
    more = not PARTIAL.isdisjoint(whole)
    if "items" in whole:
        here, read, total = len(shown["items"]), len(whole["items"]), whole.get("total") or 0
        every = f"more than {read}" if more and total <= read else max(read, total)
        if here != every:
            return f"{here} of {every} rows are here"
    return "not all of it is here" if more or shown is not whole else ""


def _tool(read: Read) -> Tool:
    return operations.find(read.source) if "." in read.source else own.tools()[read.source]


async def _shown(backend: Backend, read: Read, tool: Tool) -> show.Answer:
    """What the tool shows. Its requests are counted by themselves, as the answer tells how many."""
    group = tool.group if isinstance(tool, Operation) else OWN_GROUP
    mine = turn.current()
    with turn.begin(mine.clock, mine.left, mine.tell):
        return await calls.perform(backend, tool.name, group, dict(read.arguments))


def shortened(value: JsonObject) -> JsonObject:
    """The value itself where it fits; else with the beginnings of its texts and inner lists, and the rows that fit."""
    if _size(value) <= ROOM:
        return value
    made: JsonObject = {
        name: [_begun(row) for row in each] if name == "items" else _begun(each)
        for name, each in value.items()
    }
    rows = cast("list[Any] | None", made.get("items"))
    if rows is None or _size(made) <= ROOM:
        return made
    kept = cut.rows_in(ROOM - _size(_first(made, rows, 0)), rows)
    return _first(made, rows, kept) if kept else made


def _first(made: JsonObject, rows: Sequence[Any], kept: int) -> JsonObject:
    """The first rows alone. The page that follows begins behind those that are left out here."""
    rest = {name: each for name, each in made.items() if name not in {"items", "next_page"}}
    told = {"returned": kept, "left_out": f"{len(rows) - kept} of {len(rows)} rows, to be short"}
    return {"items": rows[:kept], **rest, **told}


def _begun(value: Any) -> Any:
    """A copy in which texts and lists are short, each with a sign that there is more."""
    if isinstance(value, dict):
        return {name: _begun(each) for name, each in cast("JsonObject", value).items()}
    if isinstance(value, list):
        items = cast("list[Any]", value)
        more = [f"… {len(items) - FEW} more"] if len(items) > FEW else []
        return [_begun(each) for each in items[:FEW]] + more
    if isinstance(value, str) and len(value) > SHORT:
        # A part of a marked text is marked as well.
        return outside.joined(type(value)(value[:SHORT]), "…")
    return value


def _size(value: JsonObject) -> int:
    # The notice comes on top.
    return estimate(minified({show.NOTICE_KEY: outside.NOTICE_INSIDE} | value))


def address(read: Read) -> str:
    """Where exactly this data can be read again."""
    entry = next(each for each in resources.TEMPLATES if read.source in (each.contract, each.tool))
    uri = entry.uri.partition("{?")[0]
    for name in entry.path_variables:
        uri = uri.replace("{" + name + "}", quote(str(read.arguments[name]), safe=""))
    rest = {name: value for name, value in read.arguments.items() if name not in entry.path_variables}
    query = urlencode({name: _in_query(value) for name, value in rest.items()}, safe=",", quote_via=quote)
    return f"{uri}?{query}" if query else uri


def _in_query(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(cast("list[str]", value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _call(tool: Tool, arguments: JsonObject) -> str:
    """A call as the text tells it."""
    told = ", ".join(f"{name}: {minified(value)}" for name, value in arguments.items())
    return f"{tool.name} {{{told}}}" if told else tool.name


# --- the text ---------------------------------------------------------------------------------------------

NO_WRITES = "None of these tools changes anything: propose what the user can do."


def _text(backend: Backend, entry: PromptEntry, taken: Filled, progress: Progress) -> str:
    """What to do, with what, and by which rules."""
    now = datetime.fromtimestamp(backend.client.now(), UTC)
    steps = [f"{number}. {step}" for number, step in enumerate(entry.steps_with(backend.offers), start=1)]
    changes = writes(entry.tools_with(backend.offers))
    parts = [f"{entry.title}. {entry.does_with(backend.offers)} It is {now:%Y-%m-%d %H:%M} UTC."]
    parts += _section("From the user:", [f"{name}: {minified(text)}" for name, text in taken.texts.items()])
    parts += _section("Taken as:", taken.taken)
    parts += _section("Not there yet:", taken.new)
    parts += _sections(progress)
    parts += ["Steps:\n" + "\n".join(steps)]
    parts += [instructions.GATE if changes else NO_WRITES, instructions.OUTSIDERS]
    if backend.client.settings.mode == "search":
        parts.append(instructions.SEARCH)
    return "\n\n".join(parts)


def _sections(progress: Progress) -> list[str]:
    data = [f"{call}: {each.uri}" for call, each in progress.data]
    return [
        *_section(
            "Read just now, and embedded before this text; if you do not see it, make the calls:", data
        ),
        *_section("What that comes to:", progress.found),
        *_section("Not read yet; do it before you rely on it:", progress.unread),
        *_section("Missing; say so, and get it with the tools before you rely on it:", progress.missing),
    ]


def _section(head: str, lines: Sequence[str]) -> list[str]:
    return ["\n".join([head, *(f"- {line}" for line in lines)])] if lines else []
