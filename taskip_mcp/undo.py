"""How a change is taken back, planned from the journal alone: nothing is sent here.

==========================  ============================================================================
what was written            its plan
==========================  ============================================================================
an update                   `steps` that put back what it changed, through the tools themselves
a delete                    `ready` calls that make the records anew; `ask` is what TaskIP never showed
a create                    a `ready` call of the tool that deletes what was made
a message, a booking        `refused`, with the reason
==========================  ============================================================================

`since` tells what was changed after the write, which an undo would overwrite.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from taskip_mcp import compare, errors, look, merge, records
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend, Call
from taskip_mcp.entries import Entry
from taskip_mcp.facts import Inverse
from taskip_mcp.gone import deleter, done_ids
from taskip_mcp.operation import Consequence, Effect, Operation
from taskip_mcp.outside import joined
from taskip_mcp.previews import along
from taskip_mcp.putback import Plan, PutBack, Shown, Step, canonical, required, rows, short
from taskip_mcp.target import state_of
from taskip_mcp.wire import JsonObject, jsonable

__all__ = ["Plan", "Step", "plan", "since"]

MAILED = "What was mailed cannot be called back."
PAID = "A payment that was recorded cannot be removed through TaskIP's API."
DECIDED = "TaskIP refuses to change a quotation that is accepted or rejected."
NO_WAY: Mapping[str, str] = {
    "contact.invite_client": f"{MAILED} update_contact with access_portal false closes the portal.",
    "ticket.assign": "TaskIP does not show to whom a ticket was assigned; assign_ticket assigns it anew.",
    "ticket.upload_attachments": "TaskIP's API cannot remove the files of a ticket.",
    "ticket.bulk_actions": "TaskIP shows neither assignee nor tags of a ticket, so those before are not known.",
    "quotation.update": DECIDED,
    "quotation.status_update": DECIDED,
    "quotation.bulk_actions": DECIDED,
    "discussion.create": "TaskIP's API cannot delete a message of a discussion.",
    "deal.add_note": "None of the tools deletes the note of a deal.",
    "deal.add_activity": "None of the tools deletes the activity of a deal.",
    "project_attribute.bulk_update_tags": "TaskIP does not say which tags the call changed.",
    "inbox.assign_tags": "TaskIP cannot take a tag off one conversation.",
    "meeting.book": f"TaskIP's API cannot cancel a booking. {MAILED}",
}
"""Why there is no way back, by contract id: of the whole operation, or for the arguments that have no inverse."""

FEW = 3
"""Records of which the same is said one by one."""


def plan(entry: Entry, chunks: Sequence[Entry] = ()) -> Plan:
    """How to take back a write or, with its `chunks`, a bulk job. Pure.

    Whether a process still has it in hand is for the caller to ask.
    """
    operation = operations.find(entry.operation)
    parts = _done(operation, entry, chunks)
    if isinstance(parts, str):
        return Plan(refused=parts)
    inverse = operation.inverse(entry.arguments)
    made = Plan()
    if operation.effect is Effect.CREATE:
        _delete(made, entry, operation)
    elif inverse is None:
        made.refused = _no_way(operation, entry.arguments)
    else:
        for part, ids in parts:
            PutBack(made, operation, inverse, part, ids).plan()
            made.lose(*_gone(part.before))
        made.steps = _merged(made.steps)
        _finish(made, operation, inverse, entry)
    return made


def _done(
    operation: Operation, entry: Entry, chunks: Sequence[Entry]
) -> list[tuple[Entry, Sequence[Any]]] | str:
    """The writes that were done, each with its ids of a bulk call; or why there is none."""
    if entry.kind == "job":
        parts = [(part, done_ids(part, operation.chunk)) for part in chunks]
        return [each for each in parts if each[1]] or (
            "None of this job's ids is known to be done, so there is nothing to take back. See list_jobs."
        )
    if operation.chunk and (ids := done_ids(entry, operation.chunk)):
        return [(entry, ids)]
    if entry.event == "done":
        return [(entry, ())]
    if entry.event == "not_done":
        return "This was not done, so there is nothing to take back."
    return "It is not known whether this was done. Look at the record first."


def _no_way(operation: Operation, arguments: Mapping[str, Any]) -> str:
    found, words = operation.consequences(arguments), NO_WAY.get(operation.contract, "There is no way back.")
    if operation.undo or operation.contract not in NO_WAY:
        # Of an operation that has a way back for other arguments, it is what these set off.
        words = PAID if Consequence.MONEY in found else MAILED if Consequence.SEND in found else words
    return words


def _delete(made: Plan, entry: Entry, operation: Operation) -> None:
    """Offer the call that deletes what was made; its id is what the journal noted."""
    tool = deleter(operation, entry.arguments)
    if operation.contract in NO_WAY or tool is None:
        made.refused = _no_way(operation, entry.arguments)
        return
    known = {n: entry.arguments[n] for n in required(tool) if entry.arguments.get(n) is not None}
    rest = [name for name in required(tool) if name not in known]
    if len(rest) == 1 and entry.detail.get("id") is not None:
        known[rest.pop()] = entry.detail["id"]
    made.offer(tool, known, rest)
    made.lose(MAILED if Consequence.SEND in operation.consequences(entry.arguments) else "", tool.warns)


def _gone(before: JsonObject) -> list[str]:
    """What went with a record, counted and named."""
    children = cast("dict[str, list[JsonObject]]", before.get("children") or {})
    known = along({words: gone for words, gone in children.items() if gone}, before.get("partial") or ())
    return [f"{words}. The journal has them as they were." for words in known]


def _merged(steps: Sequence[Step]) -> list[Step]:
    """Steps of one bulk tool that differ in their ids alone become one."""
    found: dict[str, Step] = {}
    for place, step in enumerate(steps):
        chunk = step.operation.chunk
        rest = {name: value for name, value in step.arguments.items() if name != chunk}
        key = json.dumps([step.operation.contract, rest], sort_keys=True) if chunk else str(place)
        if twin := found.get(key):
            ids = [*twin.arguments[chunk], *step.arguments[chunk]]
            who = f"{step.operation.title} {', '.join(map(str, ids))}: "
            words = joined(who, type(step.words)(step.words.partition(": ")[2]))
            found[key] = replace(twin, arguments={**twin.arguments, chunk: ids}, words=words)
        else:
            found[key] = step
    return list(found.values())


def _finish(made: Plan, operation: Operation, inverse: Inverse, entry: Entry) -> None:
    """What is lost, and why there is nothing to do."""
    if operation.chunk:
        made.lost = _counted(made.lost)
    if made.steps or made.ready:
        mailed = Consequence.SEND in operation.consequences(entry.arguments)
        made.lose(inverse.lost, MAILED if mailed else "")
        return
    reasons = made.lost or ["All was so before."]
    made.refused, made.lost = " ".join(["Nothing can be put back.", *reasons]), []


def _counted(lost: Sequence[str]) -> list[str]:
    """Sentences that are the same for many records, once."""
    alike = Counter(line.partition(": ")[2] for line in lost)
    many = {words: number for words, number in alike.items() if words and number > FEW}
    rest = [line for line in lost if line.partition(": ")[2] not in many]
    return [*rest, *(f"{number} records: {words}" for words, number in many.items())]


# --- changed since ----------------------------------------------------------------------------------------


def left_over(steps: Sequence[Step], undone: Sequence[Entry]) -> list[Step]:
    """Steps that no earlier undo of the same change has carried out: one that stopped half-way is gone on with."""
    done = [
        (each.operation, {name: value for name, value in each.arguments.items() if value is not None})
        for each in undone
    ]
    return [each for each in steps if (each.operation.contract, jsonable(each.arguments)) not in done]


async def since(backend: Backend, entry: Entry, steps: Sequence[Step]) -> list[str]:
    """What differs now from what the change left, of that which its steps would set. Reads only.

    Empty also where TaskIP shows nothing that could be compared.
    """
    operation = operations.find(entry.operation)
    inverse = operation.inverse(entry.arguments)
    if inverse is None or not steps:
        return []
    if inverse.read:
        return await _since_state(Call(backend, operation, entry.arguments), inverse, steps)
    found = await records.at_once(steps, lambda step: _since_step(backend, operation, inverse, step))
    return [line for lines in found for line in lines]


async def _since_step(backend: Backend, operation: Operation, inverse: Inverse, step: Step) -> list[str]:
    """One record that a step would change."""
    name = [name for name, _ in step.operation.reference.placeholders if name in step.arguments][-1]
    who = f"{name.removesuffix('_id').replace('_', ' ')} {step.arguments[name]}"
    reader = operations.reader_of(name)
    try:
        call = Call(backend, step.operation, step.arguments)
        record = await records.find(call, reader, name, step.arguments[name]) if reader else None
    except errors.MissingError:
        return [f"{who} is gone"]
    if record is None:
        return [f"{who} was not found where TaskIP would show it"]
    return _differences(operation, inverse, step, record, who)


async def _since_state(call: Call, inverse: Inverse, steps: Sequence[Step]) -> list[str]:
    """What a list shows that tells the state of all that was changed."""
    state = await state_of(call, inverse.read)
    found: list[str] = []
    for step in steps:
        if not inverse.rows:
            found += _differences(call.operation, inverse, step, state, "the list")
            continue
        inside = rows(state, inverse.rows)
        for each in step.arguments[inverse.each]:
            row = inside.get(str(each))
            found += (
                _differences(call.operation, inverse, step, row, str(each)) if row else [f"{each} is gone"]
            )
    return found


def _differences(
    operation: Operation, inverse: Inverse, step: Step, record: JsonObject, who: str
) -> list[str]:
    found: list[str] = []
    for name, left in step.left.items():
        source = inverse.left.get(name, name)
        told = look.shown(operation, record, source, left)
        told = look.shown(step.operation, record, name, left) if told is None else told
        now = _now(inverse, name, record)
        if told is not False and now is not ... and (isinstance(left, list) or name not in look.SHIFTING):
            told = _alike(left, now)
        if told is False:
            was = short(left)
            words = f"is not {was} any more" if now is ... else f"is {short(now)} now, the change left {was}"
            found.append(f"{who}: {name} {words}")
    return found


def _now(inverse: Inverse, name: str, record: JsonObject) -> Any:
    try:
        return inverse.back[name](Shown(record)) if name in inverse.back else ...
    except merge.UnmappableError:
        return ...


def _alike(left: Any, now: Any) -> bool:
    """Whether what a record shows now may be what was sent; False only where it is something else for certain."""
    if isinstance(left, Mapping) and isinstance(now, Mapping):
        shown = cast("Mapping[str, Any]", now)
        return all(_alike(item, shown.get(key)) for key, item in cast("Mapping[str, Any]", left).items())
    if isinstance(left, list) and isinstance(now, list):
        one, other = cast("list[Any]", left), cast("list[Any]", now)
        if one and isinstance(one[0], Mapping):
            if "order" in one[0]:
                return _sequence(one, one) == _sequence(one, other)
            return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(now, list) and not isinstance(left, list) and left is not None:
        left = [left]
    return canonical(left) == canonical(now) or compare.agrees(left, now) is not False


def _sequence(named: Sequence[JsonObject], places: Sequence[JsonObject]) -> list[Any]:
    """The ids that were named, in the order of their places: the numbers themselves may be TaskIP's."""
    key = next(name for name in named[0] if name != "order")
    ids = {each[key] for each in named}
    return [each[key] for each in sorted(places, key=lambda each: each["order"]) if each[key] in ids]
