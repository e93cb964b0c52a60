"""The messages of a prompt: what was filled in becomes ids, the data is read as its tools show it, the text says the
rest. Whatever fails on the way is told in the text, and the prompt goes on without it."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast
from urllib.parse import quote, urlencode

from taskip_mcp import arguments as tool_arguments
from taskip_mcp import (
    calls,
    errors,
    instructions,
    names,
    outside,
    own,
    records,
    redact,
    resources,
    show,
    turn,
)
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend
from taskip_mcp.operation import OWN_GROUP, Operation, Tool
from taskip_mcp.overview.reading import today, why
from taskip_mcp.prompts import (
    READS,
    Argument,
    Embedded,
    Given,
    JsonObject,
    Message,
    PromptEntry,
    Read,
    offered,
)
from taskip_mcp.results import minified
from taskip_mcp.tokens import estimate

LONG = 2000
"""Characters of what a person may fill in."""

ROOM = 2500
"""Tokens of one embedded resource, by the careful estimate."""

SHORT = 300
"""Characters of a text, where the whole does not fit."""

FEW = 8
"""Entries of a list inside a record, where the whole does not fit."""

FOUND_BY: Mapping[str, tuple[str, str]] = {
    "contact": ("contact.get", "contact_id"),
    "company": ("company.get", "company_id"),
    "member": ("team_member.get", "member_id"),
    "project": ("project.get", "project_id"),
    "pipeline": ("pipeline.get", "pipeline_id"),
    "meeting": ("meeting.get", "meeting_id"),
}
"""Kind of an argument -> the read and the parameter that take its id or name."""

LATE = "The time of this call (TASKIP_DEADLINE) was over."
UNCHANGED = " Nothing was changed."
MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])")


@dataclass
class Progress:
    """What the text is made of: the data with the call that shows it again, and what is missing, in words."""

    given: Given
    data: list[tuple[str, Embedded]] = field(default_factory=lambda: list[tuple[str, Embedded]]())
    missing: list[str] = field(default_factory=lambda: list[str]())
    unusable: list[Argument] = field(default_factory=lambda: list[Argument]())


async def build(backend: Backend, name: str, arguments: Mapping[str, str]) -> list[Message]:
    """See `taskip_mcp.prompts.build`."""
    entry = _entry(backend, name)
    filled = _filled(entry, arguments)
    progress = Progress(Given(today(backend)))
    progress.given = replace(progress.given, values=await _values(backend, entry, filled, progress))
    if all(each.may_be_new for each in progress.unusable):
        await _read(backend, entry.reads(progress.given), progress)
    else:
        # Without the record that was meant, data of all others would only lead astray.
        meant = replace(progress.given, values={**filled, **progress.given.values})
        tools = [tool.name for tool in map(_tool, entry.reads(meant)) if backend.offers(tool.name)]
        progress.missing.append(f"Not called without that: {', '.join(dict.fromkeys(tools)) or 'nothing'}.")
    embedded = [Message(each) for _, each in progress.data]
    return [*embedded, Message(_text(backend, entry, filled, progress))]


def _entry(backend: Backend, name: str) -> PromptEntry:
    known = {entry.name: entry for entry in offered(backend.offers)}
    if found := known.get(name):
        return found
    raise errors.ArgumentError(
        f"There is no prompt {errors.legible(name)}. The prompts are {', '.join(known) or 'none'}."
    )


# --- what was filled in -----------------------------------------------------------------------------------


def _filled(entry: PromptEntry, arguments: Mapping[str, str]) -> dict[str, str]:
    """Argument -> text, without empty ones: forms send what was left blank."""
    known = [argument.name for argument in entry.arguments]
    if unknown := [name for name in arguments if name not in known]:
        raise errors.ArgumentError(
            f"{entry.name} has no argument {errors.legible(unknown[0])}. It takes: {', '.join(known)}."
        )
    filled = {name: outside.clean(str(arguments[name])).strip() for name in known if name in arguments}
    if long := [name for name, text in filled.items() if len(text) > LONG]:
        raise errors.ArgumentError(f"{long[0]} is too long: at most {LONG:,} characters.")
    return {name: text for name, text in filled.items() if text}


async def _values(
    backend: Backend, entry: PromptEntry, filled: Mapping[str, str], progress: Progress
) -> JsonObject:
    """What the reads can use; what nobody can use is noted."""
    values: JsonObject = {}
    for argument in entry.arguments:
        text = filled.get(argument.name, "")
        if argument.name == "month":
            values |= _month(argument, text, progress)
        elif text and argument.kind:
            try:
                values[argument.name] = await _identifier(backend, argument, text)
            except errors.TaskipError as error:
                progress.unusable.append(argument)
                progress.missing.append(_unusable(argument, error))
        elif text:
            values[argument.name] = text
    return values


def _month(argument: Argument, text: str, progress: Progress) -> JsonObject:
    found = MONTH.fullmatch(text or (progress.given.today - timedelta(7)).strftime("%Y-%m"))
    if found is None or found[1] == "0000":
        progress.unusable.append(argument)
        progress.missing.append(f"{argument.name}: give it as YYYY-MM.")
        return {}
    year, month = int(found[1]), int(found[2])
    days = monthrange(year, month)[1]
    return {"from": f"{year:04}-{month:02}-01", "to": f"{year:04}-{month:02}-{days}"}


async def _identifier(backend: Backend, argument: Argument, text: str) -> Any:
    """The id that a name stands for; an id as it is. Raises what `names.resolve` raises."""
    source, parameter = FOUND_BY[argument.kind]
    tool = operations.find(source)
    try:
        value = tool_arguments.validate(tool, {parameter: text})[parameter]
    except errors.ArgumentError as error:
        raise errors.ArgumentError(str(error).replace(parameter, argument.name, 1)) from None
    looked_up = names.resolve(backend, tool, {argument.name: value})
    return (await turn.within(looked_up, lambda: errors.DeadlineError(LATE)))[argument.name]


def _unusable(argument: Argument, error: errors.TaskipError) -> str:
    """The reason in words, with the records that may be meant; those are fenced where outsiders named them."""
    if not isinstance(error, errors.ArgumentError):
        return f"{argument.name}: not looked up. {_plain(why(error))}."
    words = str(error).removesuffix(UNCHANGED)
    if error.shown is None:
        return _plain(words)
    return f"{_plain(words)}\n{show.preview(error.shown, operations.find(FOUND_BY[argument.kind][0]).group)}"


def _plain(words: str) -> str:
    """Words of an error, which may quote TaskIP and with it anybody, on one line."""
    return " ".join(redact.clean(outside.clean(words)).split())


# --- data -------------------------------------------------------------------------------------------------


async def _read(backend: Backend, reads: Sequence[Read], progress: Progress) -> None:
    """Read what the offered tools show, a few at a time, and what follows from it."""
    wanted = [(each, tool) for each in reads if backend.offers((tool := _tool(each)).name)]

    async def one(pair: tuple[Read, Tool]) -> JsonObject | errors.TaskipError:
        read, tool = pair
        try:
            return await _shown(backend, read, tool)
        except errors.TaskipError as error:
            return error

    following: list[Read] = []
    for (read, tool), found in zip(wanted, await records.at_once(wanted, one), strict=True):
        call = _call(tool, read.arguments)
        if isinstance(found, errors.TaskipError):
            progress.missing.append(f"{call}: {_plain(why(found))}.")
            continue
        following += read.then(found) if read.then else []
        if estimate(text := minified(found)) > ROOM:
            progress.missing.append(f"{call}: too much to be shown here.")
        else:
            progress.data.append((call, Embedded(address(read), text)))
    if following:
        await _read(backend, following, progress)


def _tool(read: Read) -> Tool:
    return operations.find(read.source) if "." in read.source else own.tools()[read.source]


async def _shown(backend: Backend, read: Read, tool: Tool) -> JsonObject:
    """What the tool shows, shortened. Its requests are counted by themselves, as the answer tells how many."""
    group = tool.group if isinstance(tool, Operation) else OWN_GROUP
    mine = turn.current()
    with turn.begin(mine.clock, mine.left, mine.tell):
        answer = await calls.perform(backend, tool.name, group, dict(read.arguments))
    return replace(answer, value=shortened(answer.value)).document


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
    # The page that follows begins behind the rows that are left out here.
    rest = {name: each for name, each in made.items() if name not in {"items", "next_page"}}
    for kept in range(len(rows) - 1, 0, -1):
        told = {"returned": kept, "left_out": f"{len(rows) - kept} of {len(rows)} rows, to be short"}
        if _size(cut := {"items": rows[:kept], **rest, **told}) <= ROOM:
            return cut
    return made


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
    """Where the data can be read again, by the nearest address: that of a list may take fewer filters."""
    entry = next(each for each in resources.TEMPLATES if read.source in (each.contract, each.tool))
    uri = entry.uri.partition("{?")[0]
    for name in entry.path_variables:
        uri = uri.replace("{" + name + "}", quote(str(read.arguments[name]), safe=""))
    query = {name: read.arguments[name] for name in entry.query_variables if name in read.arguments}
    return uri + (f"?{urlencode(query)}" if query else "")


def _call(tool: Tool, arguments: JsonObject) -> str:
    """A call as the text tells it."""
    told = ", ".join(f"{name}: {minified(value)}" for name, value in arguments.items())
    return f"{tool.name} {{{told}}}" if told else tool.name


# --- the text ---------------------------------------------------------------------------------------------

NO_WRITES = "None of these tools changes anything: propose what the user can do."


def _text(backend: Backend, entry: PromptEntry, filled: Mapping[str, str], progress: Progress) -> str:
    """What to do, with what, and by which rules."""
    tools = entry.tools_with(backend.offers)
    writes = any(not tool.startswith(READS) for tool in tools)
    parts = [f"{entry.title}. {entry.does} Today is {today(backend)} (UTC)."]
    parts += _section("From the user:", [f"{name}: {minified(text)}" for name, text in filled.items()])
    data = [f"{call}: {each.uri}" for call, each in progress.data]
    parts += _section(
        "Read just now, and embedded before this text; if you do not see it, make the calls:", data
    )
    parts += _section("Missing; say so, and get it with the tools before you rely on it:", progress.missing)
    steps = [f"{number}. {step}" for number, step in enumerate(entry.steps_with(backend.offers), start=1)]
    parts += ["Steps:\n" + "\n".join(steps)]
    parts += [instructions.GATE if writes else NO_WRITES, instructions.OUTSIDERS]
    if backend.client.settings.mode == "search":
        parts.append(instructions.SEARCH)
    return "\n\n".join(parts)


def _section(head: str, lines: Sequence[str]) -> list[str]:
    return ["\n".join([head, *(f"- {line}" for line in lines)])] if lines else []
