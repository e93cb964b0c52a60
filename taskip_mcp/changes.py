"""Tools of the journal: what was changed through this server, by whom it was confirmed, and how it is taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, cast

from pydantic import Field

from taskip_mcp import arguments as tools
from taskip_mcp import confirm as gate
from taskip_mcp import errors, own, previews, target, undo
from taskip_mcp import operation as operations
from taskip_mcp.budget.windows import HOUR, MINUTE
from taskip_mcp.call import Backend, Call
from taskip_mcp.gone import done_ids
from taskip_mcp.operation import Consequence, Effect
from taskip_mcp.own import own_tool
from taskip_mcp.params import Day, RowCount
from taskip_mcp.results import Record, Written
from taskip_mcp.wire import JsonObject
from taskip_mcp.writelog import DAY, Confirmation, Entry, WriteLog

SEARCHED = 2_000
"""Entries that are looked through for one record."""

REQUESTS = 3
"""Requests of one step of an undo: what differs is looked up, the record read for the journal, then comes the write."""

OFFERED = 25
"""Calls that an answer holds; the journal has the rest."""

NAMES = 8
"""How many of `target.NAMING` are names."""

LONG = 200
"""Characters of one argument in a list of changes."""

HOW: Mapping[str, str] = {
    "flag": "confirm: true",
    "code": "confirm_code",
    "person": "a person who was asked",
    "off": "none was asked for (TASKIP_CONFIRM)",
    "": "none needed",
}

REST = f"The first {OFFERED} are shown; taskip-mcp journal --export FILE has all records as they were."

ChangeId = Annotated[str, Field(min_length=1, max_length=40, description="Of list_changes.")]


@own_tool(Effect.READ)
async def list_changes(
    backend: Backend,
    since: Annotated[Day | None, Field(description="From this day on (UTC).")] = None,
    until: Annotated[Day | None, Field(description="Up to this day (UTC).")] = None,
    tool: Annotated[str | None, Field(description="Such as update_contact.")] = None,
    record: Annotated[str | None, Field(description="Id or uuid of a record.")] = None,
    before: Annotated[str | None, Field(description="Older than this change.")] = None,
    limit: Annotated[RowCount | None, Field(description="Default 25.")] = None,
) -> Record:
    """List changes made through this server, newest first, not those made on the website. To take one back
    use undo_change. Uses no request."""
    most = limit or 25
    if before and backend.log.entry(before) is None:
        raise errors.ArgumentError(
            f"There is no change {errors.legible(before)}. Take the id from list_changes."
        )
    found = chosen(
        backend.log,
        since=since,
        until=until,
        tool=tool or "",
        record=record or "",
        before=before or "",
        limit=most + 1,
    )
    rows = [_row(backend.log, entry) for entry in found[:most]]
    more = f"There are more: call again with before={rows[-1]['id']}." if len(found) > most else None
    return {"items": rows, "returned": len(rows), "note": more}


def chosen(
    log: WriteLog,
    *,
    since: date | None,
    until: date | None,
    tool: str,
    record: str,
    limit: int,
    before: str = "",
) -> list[Entry]:
    """The changes that a filter lets through, newest first. Days are those of UTC."""
    found = log.changes(
        since=_midnight(since) if since else 0.0,
        until=_midnight(until) + DAY if until else None,
        operation=_contract(tool) if tool else "",
        before=before,
        limit=SEARCHED if record else limit,
    )
    return [entry for entry in found if names(entry, record)][:limit] if record else found


def _midnight(day: date) -> float:
    return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _contract(tool: str) -> str:
    known = operations.load_all()
    if tool not in known:
        raise errors.ArgumentError(
            f"There is no tool {errors.legible(tool)} that changes TaskIP. Leave tool out for all changes."
        )
    return known[tool].contract


def names(entry: Entry, record: str) -> bool:
    """Whether a change is about a record: its id is among the arguments, or is that of what was made."""
    ids = [value for name, value in entry.arguments.items() if name.endswith(("_id", "_ids"))]
    flat = [
        str(each)
        for value in ids
        for each in (cast("list[Any]", value) if isinstance(value, list) else [value])
    ]
    read: Mapping[str, JsonObject] = entry.before.get("records") or {}
    shown = [str(row.get(name)) for row in read.values() for name in ("id", "uuid")]
    return record in {*flat, *shown, *read, str(entry.detail.get("id"))}


def _row(log: WriteLog, entry: Entry) -> JsonObject:
    """One change for the model: with the name of its record and whether it can be taken back, without what is usual."""
    told = shown(log, entry)
    usual = {"client", *(() if entry.opening.get("how") else ("confirmed",))}
    more = {"name": _name(entry), "undo": _way_back(log, entry)}
    return {
        name: value for name, value in (told | more).items() if name not in usual and value not in (None, "")
    }


def _name(entry: Entry) -> Any:
    """The name that the record had; what was made or is new is told by the arguments."""
    records: Mapping[str, JsonObject] = entry.before.get("records") or {}
    (only,) = records.values() if len(records) == 1 else ({},)
    return next((only[key] for key in target.NAMING[:NAMES] if only.get(key)), None)


def _way_back(log: WriteLog, entry: Entry) -> str | None:
    """``yes``; ``call`` where undo_change offers a call; ``no``. None where a journal of another version puzzles us."""
    if entry.open:
        return "no"
    try:
        plan = undo.plan(entry, log.of_job(entry.write))
    except target.ODD:
        return None
    if undo.left_over(plan.steps, log.undone(entry.write)):
        return "yes"
    return "call" if plan.ready and not plan.steps else "no"


def shown(log: WriteLog, entry: Entry) -> JsonObject:
    """One change in brief, for a person."""
    told: JsonObject = {
        "id": entry.write,
        "at": own.moment(entry.begun),
        "tool": operations.find(entry.operation).name,
        "arguments": {name: _short(value) for name, value in entry.arguments.items() if value is not None},
        "outcome": outcome(log, entry),
        "record": _record(entry),
        "confirmed": HOW.get(str(entry.opening.get("how", "")), ""),
        "client": entry.opening.get("client"),
        "undo_of": entry.opening.get("undoes"),
        "undone_by": ", ".join(each.write for each in log.undone(entry.write)),
    }
    return {name: value for name, value in told.items() if value not in (None, "", {})}


def _record(entry: Entry) -> Any:
    """The record that was made or changed; of a message the one that it belongs to."""
    operation, number = operations.find(entry.operation), entry.detail.get("id")
    own = entry.arguments.get(operation.path[-1]) if operation.path else None
    return own if own is not None and (number is None or operation.effect is Effect.SEND) else number


def _short(value: Any) -> Any:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return value if len(text) <= LONG else f"{text[:LONG]}... ({len(text) - LONG} more characters)"


def outcome(log: WriteLog, entry: Entry) -> str:
    """What came of a change, in words."""
    if entry.open and log.alive(entry):
        return "under way"
    if entry.kind == "job" and entry.event in {"done", "unknown"}:
        chunk = operations.find(entry.operation).chunk
        done = sum(len(done_ids(part, chunk)) for part in log.of_job(entry.write))
        total = len(set(entry.arguments[chunk]))
        if done < total:
            return f"done for {done} of {total} ids" if done else "not done"
    words = {"done": "done", "not_done": "not done", "unknown": "not known"}
    return words.get(entry.event, "begun and not finished: see list_jobs")


# --- taking back ------------------------------------------------------------------------------------------


@own_tool(Effect.UPDATE, possible=set(Consequence))
async def undo_change(backend: Backend, change_id: ChangeId) -> Any:
    """Take back one change of list_changes. For a delete it gives the call that creates the record anew. Mail
    cannot be taken back."""
    entry = _entry(backend, change_id)
    plan = undo.plan(entry, backend.log.of_job(change_id))
    if plan.refused:
        raise errors.RefusedError(f"This cannot be taken back. {plan.refused}")
    _refuse_left_out(backend, plan)
    if not plan.steps:
        return _offered(entry, plan)
    taken = backend.log.undone(change_id)
    plan.steps = undo.left_over(plan.steps, taken)
    if not plan.steps:
        by = ", ".join(each.write for each in taken)
        raise errors.RefusedError(f"{change_id} was taken back already, by {by}. Undo that to have it again.")
    _refuse_too_much(backend, plan)

    async def look() -> gate.Seen:
        await _unchanged_since(backend, entry, plan)
        return await _seen(backend, entry, plan)

    async def run(confirmation: Confirmation, seen: gate.Seen | None) -> Any:
        if seen is None:
            await _unchanged_since(backend, entry, plan)
        confirmation.undoes = entry.write
        ready = seen.sight if seen else _calls(backend, plan)
        return await _take_back(entry, plan, ready, confirmation)

    return gate.Proposal(
        tool=own.tools()["undo_change"],
        arguments={"change_id": change_id},
        found=_consequences(plan),
        look=look,
        run=run,
        late=lambda: f"{own.LATE} list_changes tells what was taken back.",
    )


def _refuse_left_out(backend: Backend, plan: undo.Plan) -> None:
    """A tool that is not offered is not run for an undo either, nor named for one."""
    needed = {step.operation.name for step in plan.steps}
    if left_out := sorted(name for name in needed if not backend.offers(name)):
        raise errors.RefusedError(
            f"It would take {', '.join(left_out)}, which this server is set not to offer."
        )
    for name in dict.fromkeys(str(each["tool"]) for each in plan.ready):
        if not backend.offers(name):
            plan.ready = [each for each in plan.ready if each["tool"] != name]
            plan.lose(f"It would take {name}, which this server is set not to offer.")


def _refuse_too_much(backend: Backend, plan: undo.Plan) -> None:
    """Nothing is begun that the rate limit could not let end: each step reads its record twice, and writes."""
    most = min(each.limit for each in backend.client.budget.windows if each.name in {MINUTE, HOUR})
    if REQUESTS * len(plan.steps) > most:
        raise errors.RefusedError(
            f"Taking it back needs {len(plan.steps)} calls with {REQUESTS * len(plan.steps)} requests, and the rate"
            f" limit allows {most} at a time. The journal has the previous values (taskip-mcp journal --export FILE):"
            " set them in portions with the tool itself."
        )


def _entry(backend: Backend, change_id: str) -> Entry:
    entry = backend.log.entry(change_id)
    if entry is None:
        raise errors.ArgumentError(
            f"There is no change {errors.legible(change_id)}. Nothing was sent. Take the id from list_changes."
        )
    if entry.job:
        raise errors.ArgumentError(f"{change_id} is a part of the job {entry.job}: take that back instead.")
    if entry.open and backend.log.alive(entry):
        raise errors.ArgumentError(
            f"{change_id} is still under way. Nothing was sent. See list_changes in a moment."
        )
    return entry


def _consequences(plan: undo.Plan) -> frozenset[Consequence]:
    """What taking it back sets off; several calls are a bulk change, whatever each is."""
    found = {each for step in plan.steps for each in step.operation.consequences(step.arguments)}
    return frozenset(found | ({Consequence.BULK} if len(plan.steps) > 1 else set()))


def _offered(entry: Entry, plan: undo.Plan) -> Record:
    """Calls that only the user can decide on."""
    return {
        "undo_of": entry.write,
        "done": "Nothing was changed.",
        "ready": plan.ready[:OFFERED],
        "count": len(plan.ready),
        "note": REST if len(plan.ready) > OFFERED else None,
        "cannot_be_undone": plan.lost,
        "next": "Show this to the user; if they want it, make these calls (ask the user for what is named under ask).",
    }


async def _unchanged_since(backend: Backend, entry: Entry, plan: undo.Plan) -> None:
    """Refuse where somebody changed it again: the undo would overwrite that."""
    since = await undo.since(backend, entry, plan.steps)
    if since:
        raise errors.RefusedError(
            f"It was changed again since, which the undo would overwrite: {'; '.join(since)}. Read the record, and set"
            " what the user wants with its own tool."
        )


def _written(step: undo.Step) -> str:
    """A call on one line, for a person."""
    given = ", ".join(
        f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in step.arguments.items()
    )
    return f"{step.operation.name}({given})"


@dataclass
class _Ready:
    """One step that may be carried out, with what was read for it."""

    step: undo.Step
    call: Call
    values: dict[str, Any]
    sight: target.Sight | None = None


def _calls(backend: Backend, plan: undo.Plan) -> list[_Ready]:
    made: list[_Ready] = []
    for step in plan.steps:
        values = tools.validate(step.operation, step.arguments)
        for control in ("confirm", "confirm_code", "allow_duplicate"):
            values.pop(control, None)
        # The value that it had before may have been sent a moment ago: setting it again is meant.
        made.append(_Ready(step, Call(backend, step.operation, values, again=True), values))
    return made


async def _seen(backend: Backend, entry: Entry, plan: undo.Plan) -> gate.Seen:
    """The records that would be changed, and the calls that would do it."""
    ready = _calls(backend, plan)
    for each in ready[: target.SHOWN]:
        await gate.check_recipients(each.call)
        each.sight = await target.look(each.call)
    seen = [each.sight for each in ready if each.sight]
    found = _consequences(plan)
    calls = [{"tool": step.operation.name, "arguments": step.arguments} for step in plan.steps]
    shown = previews.shape(
        f"Undo of {operations.find(entry.operation).title.lower()} ({entry.write})."
        + (f" It {previews.effects(found)}" if found else ""),
        found,
        records=[each.shown for sight in seen for each in sight.targets],
        count=sum(sight.count for sight in seen) + len(ready) - len(seen),
        sent={"calls": [_written(step) for step in plan.steps[:OFFERED]]},
        follows=[step.words for step in plan.steps[: target.SHOWN]],
        lost=plan.lost,
        cost=await previews.cost(backend, REQUESTS * len(ready)),
    )
    shown |= {"ready": plan.ready} if plan.ready else {}
    version = json.dumps([calls, [sight.version for sight in seen]], sort_keys=True, default=str)
    return gate.Seen(shown, version, ready)


async def _take_back(
    entry: Entry, plan: undo.Plan, ready: list[_Ready], confirmation: Confirmation
) -> Written:
    """Step after step; what was done is told even where a later one fails."""
    done: list[str] = []

    def told() -> JsonObject:
        return {"steps": done} | ({"ready": plan.ready} if plan.ready else {})

    for each in ready:
        each.call.confirmation = confirmation
        seen = gate.Seen({}, "", each.sight) if each.sight else None
        try:
            await gate.carry_out(each.call, each.values, seen)
        except errors.TaskipError as error:
            if not done:
                raise
            rest = f"{len(done)} of {len(ready)} steps were taken back, then: {error}"
            return Written(f"Undo of {entry.write}: not complete", None, told(), rest)
        done.append(each.step.words)
    lost = f"Does not come back: {' '.join(plan.lost)}" if plan.lost else ""
    return Written(f"Change {entry.write} taken back", None, told(), lost)
