"""What a person filled in: names become ids, ids are looked at, a month becomes its days. What cannot be used is told
in words."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from taskip_mcp import arguments as tool_arguments
from taskip_mcp import errors, names, outside, show, turn
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend
from taskip_mcp.dates import MONTHS
from taskip_mcp.kinds import KINDS
from taskip_mcp.named import Name
from taskip_mcp.operation import Operation
from taskip_mcp.overview.reading import Reading, why
from taskip_mcp.prompts import Argument, JsonObject, PromptEntry
from taskip_mcp.prompts.table import MONTH_TURNS
from taskip_mcp.results import minified
from taskip_mcp.wire import dig

LONG = 2000
"""Characters of what a person may fill in."""

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


@dataclass
class Filled:
    """What was filled in: the `texts`, the `values` that reads can use and those that are `unusable`, and in words how
    something was `taken`, what is `new`, and what is `missing`."""

    texts: Mapping[str, str]
    values: JsonObject = field(default_factory=lambda: JsonObject())
    taken: list[str] = field(default_factory=lambda: list[str]())
    new: list[str] = field(default_factory=lambda: list[str]())
    missing: list[str] = field(default_factory=lambda: list[str]())
    unusable: JsonObject = field(default_factory=lambda: JsonObject())

    def refuse(self, given: JsonObject, words: str) -> None:
        """Note what nobody can use, under the names by which reads take it."""
        self.values = {name: value for name, value in self.values.items() if name not in given}
        self.unusable |= given
        self.missing.append(words)


async def take(backend: Backend, entry: PromptEntry, given: Mapping[str, str], today: date) -> Filled:
    """Raises `ArgumentError` for an argument that there is not, and for a text that is far too long."""
    filled = Filled(_texts(entry, given))
    for argument in entry.arguments:
        text = filled.texts.get(argument.name, "")
        if argument.name == "month":
            _take_month(argument, text, today, filled)
        elif text and argument.kind:
            await _take_record(backend, entry, argument, filled)
        elif text:
            filled.values[argument.name] = text
    await _compare(backend, entry, filled)
    return filled


def _texts(entry: PromptEntry, given: Mapping[str, str]) -> dict[str, str]:
    """Argument -> text, without empty ones: forms send what was left blank."""
    known = [argument.name for argument in entry.arguments]
    if unknown := [name for name in given if name not in known]:
        raise errors.ArgumentError(
            f"{entry.name} has no argument {errors.legible(unknown[0])}. It takes: {', '.join(known)}."
        )
    texts = {name: outside.clean(str(given[name])).strip() for name in known if name in given}
    if long := [name for name, text in texts.items() if len(text) > LONG]:
        raise errors.ArgumentError(f"{long[0]} is too long: at most {LONG:,} characters.")
    return {name: text for name, text in texts.items() if text}


# --- records ----------------------------------------------------------------------------------------------


async def _take_record(backend: Backend, entry: PromptEntry, argument: Argument, filled: Filled) -> None:
    text = filled.texts[argument.name]
    try:
        filled.values[argument.name] = await identifier(backend, argument, text)
    except errors.TaskipError as error:
        absent = isinstance(error, errors.ArgumentError) and error.absent
        if absent and await _is_company(backend, entry, argument, filled):
            return
        if absent and argument.may_be_new:
            filled.new.append(_new(backend, argument, error))
        else:
            filled.refuse({argument.name: text}, _unusable(argument, error))


async def identifier(backend: Backend, argument: Argument, text: str) -> Any:
    """The id that a name stands for, or an id of which there is a record.

    Raises `ArgumentError` where there is none, and what the reads raise.
    """
    source, parameter = FOUND_BY[argument.kind]
    tool = operations.find(source)
    value = tool_arguments.reference(tool, parameter, text, argument.name)
    found = _found(backend, tool, argument, value)
    return await turn.within(found, lambda: errors.DeadlineError(LATE))


async def _found(backend: Backend, tool: Operation, argument: Argument, value: Any) -> Any:
    given = {argument.name: value}
    if isinstance(value, Name):
        return (await names.resolve(backend, tool, given))[argument.name]

    async def look(values: JsonObject) -> Any:
        await _record(backend, argument.kind, values[argument.name])
        return values[argument.name]

    try:
        return await names.sought(backend, tool, given, look)
    except errors.MissingError:
        raise errors.ArgumentError(_none(backend, argument, value)) from None


async def _record(backend: Backend, kind: str, identifier: Any) -> JsonObject:
    source, parameter = FOUND_BY[kind]
    return await Reading(backend).record(source, **{parameter: identifier})


async def _is_company(backend: Backend, entry: PromptEntry, argument: Argument, filled: Filled) -> bool:
    """Whether it is a company that was given as a client; where nothing else was, it is taken as that."""
    firm = next((each for each in entry.arguments if each.kind == "company"), None)
    if argument.kind != "contact" or firm is None:
        return False
    text = filled.texts[argument.name]
    try:
        number = await identifier(backend, firm, text)
    except errors.TaskipError:
        return False
    if firm.name in filled.texts:
        words = f"no contact is called so, but company {number} is. Give it as {firm.name}, and a contact as"
        filled.refuse({argument.name: text}, f"{argument.name}: {words} {argument.name}.")
    else:
        filled.values[firm.name] = number
        filled.taken.append(f"{argument.name}: {firm.name} {number}; no contact is called so")
    return True


async def _compare(backend: Backend, entry: PromptEntry, filled: Filled) -> None:
    """A client and a company that were both given have to belong together."""
    client, firm = filled.values.get("client"), filled.values.get("company")
    if client is None or firm is None:
        return
    argument = next(each for each in entry.arguments if each.name == "client")
    try:
        record = await _record(backend, "contact", client)
    except errors.TaskipError as error:
        filled.refuse({"client": client}, _unusable(argument, error))
        return
    own = dig(record, "company.id") or record.get("company_id")
    if str(own) != str(firm):
        where = f"company {own}" if own else "no company"
        words = f"contact {client} belongs to {where}, not to company {firm}. Ask which one is meant."
        filled.refuse({"client": client}, f"client: {words}")


# --- words ------------------------------------------------------------------------------------------------


def _unusable(argument: Argument, error: errors.TaskipError) -> str:
    """The reason in words, with the records that may be meant; those are fenced where outsiders named them."""
    if not isinstance(error, errors.ArgumentError):
        return f"{argument.name}: not looked up. {why(error)}."
    return "\n".join([str(error).removesuffix(UNCHANGED), *_candidates(argument, error)])


def _none(backend: Backend, argument: Argument, value: Any) -> str:
    """That there is no record of this id."""
    kind = KINDS[argument.kind]
    lister = operations.find(kind.contract).name
    words = f"{argument.name}: there is no {kind.word} {errors.legible(str(value))}."
    return words + (f" Take the id from {lister}." if backend.offers(lister) else "")


def _new(backend: Backend, argument: Argument, error: errors.TaskipError) -> str:
    """That there is none yet, and which tool makes it; there may be one of a similar name."""
    close, maker = _candidates(argument, error), f"create_{argument.kind}"
    words = f"{argument.name}: {maker} makes it" if backend.offers(maker) else f"{argument.name}: none"
    return "\n".join([words + (", unless one of these is meant:" if close else "."), *close])


def _candidates(argument: Argument, error: errors.TaskipError) -> list[str]:
    shown = error.shown if isinstance(error, errors.ArgumentError) else None
    return [show.preview(shown, operations.find(FOUND_BY[argument.kind][0]).group)] if shown else []


# --- months -----------------------------------------------------------------------------------------------

FORMS = (
    re.compile(r"(?P<year>[0-9]{4})[-/.](?P<month>[0-9]{1,2})"),
    re.compile(r"(?P<month>[0-9]{1,2})[-/.](?P<year>[0-9]{4})"),
    re.compile(r"(?P<word>[a-z]{3,9})\.?(?:,? *(?P<year>[0-9]{4}))?"),
)
"""How people write a month."""


def _take_month(argument: Argument, text: str, today: date, filled: Filled) -> None:
    usual = usual_month(today)
    found = month_of(text, today) if text else usual
    if found is None:
        words = (
            f"{minified(text)} is not understood. Give it as YYYY-MM, such as {usual[0]:04}-{usual[1]:02}."
        )
        filled.refuse({"from": text, "to": text}, f"{argument.name}: {words}")
        return
    month, days = f"{found[0]:04}-{found[1]:02}", monthrange(*found)[1]
    filled.values |= {"from": f"{month}-01", "to": f"{month}-{days}"}
    ahead = ", which is in the future; ask whether it is meant" if found > (today.year, today.month) else ""
    filled.taken.append(f"{argument.name}: {month}-01 to {month}-{days}{ahead if text else ', by default'}")


def usual_month(today: date) -> tuple[int, int]:
    """What is billed on a day where nobody says which month: near its end the month itself, until then the last."""
    if today.day >= MONTH_TURNS:
        return today.year, today.month
    return (today.year, today.month - 1) if today.month > 1 else (today.year - 1, 12)


def month_of(text: str, today: date) -> tuple[int, int] | None:
    """Year and month. A name alone is that of the last twelve months."""
    found = next((found for form in FORMS if (found := form.fullmatch(text.lower()))), None)
    if found is None:
        return None
    parts = found.groupdict()
    month = _month_called(parts["word"]) if "word" in parts else int(parts["month"])
    year = int(parts["year"]) if parts["year"] else today.year - (month > today.month)
    return (year, month) if year and 1 <= month <= 12 else None


def _month_called(word: str) -> int:
    """Its number, 0 where no month is called so."""
    return next((number for number, name in enumerate(MONTHS, start=1) if name.startswith(word)), 0)
