"""The gate: what stands between the model and a consequence.

Without ``confirm: true`` an operation with consequences sends no write. It reads the target where it can and
answers with what would happen, to which records, and that nothing was done. Added to every such operation by
`perform`; no group module takes part in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from taskip_mcp import errors, jobs, records, redact, turn, writes
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend, Call
from taskip_mcp.operation import Consequence, Effect, Operation
from taskip_mcp.wire import JsonObject, jsonable

SHOWN = 10
"""Records that a preview names; the count is always given."""

NEXT = "Show this to the user; if they agree, call again with the same arguments and confirm: true."

WORDS: Mapping[Consequence, str] = {
    Consequence.DELETE: "deletes for good",
    Consequence.BULK: "changes many records at once",
    Consequence.SEND: "sends a message to people outside",
    Consequence.MONEY: "records or requests money",
    Consequence.ACCESS: "gives somebody access to the workspace",
}

# What tells records apart for a person, in this order.
NAMING = (
    "name", "full_name", "title", "subject", "deal_name", "label", "email", "invoice_no", "quotation_no",
    "from_email", "status", "total", "due_amount", "deal_amount", "currency", "total_tasks", "deals_count",
)  # fmt: skip


async def perform(backend: Backend, operation: Operation, arguments: Mapping[str, Any]) -> Any:
    """Run one operation with validated arguments, or preview it; the gate is here and nowhere else.

    Raises `DeadlineError` when the time of the call is over, with what is certain by then.
    """
    values = dict(arguments)
    confirmed, again = values.pop("confirm", False), values.pop("allow_duplicate", False)
    call = Call(backend, operation, values, again=again)
    mine = turn.current()
    with mine.clock.move_on_after(mine.left):
        return await _perform(call, values, confirmed=confirmed)
    raise errors.DeadlineError(_overdue(call))


async def _perform(call: Call, values: Mapping[str, Any], *, confirmed: bool) -> Any:
    operation = call.operation
    found = operation.consequences(values)
    if operation.effect is Effect.UPDATE and not call.given and not values.get("clear"):
        raise errors.ArgumentError(f"{operation.name}: give at least one field to change. Nothing was sent.")
    if found and not confirmed:
        return await preview(call, found)
    if operation.effect is Effect.READ:
        return await operation.function(call, **values)
    if operation.chunk:
        return await jobs.carry_out(call)
    return await writes.carry_out(call, values)


def _overdue(call: Call) -> str:
    """What to say of a call that ran out of time."""
    words = "The time of this call is over (TASKIP_DEADLINE)."
    if call.job:
        return f"{words} list_jobs tells how far the job got, resume_job goes on."
    if call.operation.effect is Effect.READ:
        return f"{words} Call again, or ask for less."
    if call.closed == "unknown":
        return f"{words} {errors.OUTCOME_WORDS['unknown']}"
    if call.state == "accepted":
        return f"{words} TaskIP has accepted the write, only its result could not be looked up. Do not repeat it."
    if call.passage and call.passage.away:
        return f"{words} {errors.OUTCOME_WORDS['unknown']}"
    return f"{words} Nothing was changed. Call again."


async def preview(call: Call, found: frozenset[Consequence]) -> JsonObject:
    """What would happen. Reads only; a target that does not exist is an error here already."""
    records, count = await _targets(call)
    operation = call.operation
    shown: JsonObject = {
        "preview": f"{operation.title}: this {_listed([WORDS[each] for each in sorted(found)])}.",
        "consequences": sorted(found),
        "records": records,
        "count": count,
        "with": redact.masked({name: value for name, value in call.given.items() if name != operation.chunk}),
        "cost": await cost(call.backend, jobs.requests(operation, call.arguments))
        if Consequence.BULK in found
        else None,
        "note": operation.warns or None,
        "done": "Nothing was changed.",
        "next": NEXT,
    }
    return {name: value for name, value in shown.items() if value not in (None, [], {}, "")}


async def cost(backend: Backend, requests: int) -> JsonObject:
    """Requests that a job takes, and the minutes until the last of them may leave."""
    return {"requests": requests, "minutes": round(await backend.client.budget.cost(requests), 1)}


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + " and " + words[-1] if len(words) > 1 else words[0]


async def _targets(call: Call) -> tuple[list[JsonObject], int | None]:
    """The records that the arguments name, read where TaskIP has a read for them, and how many there are."""
    for name, value in call.arguments.items():
        if name.endswith("_ids") and isinstance(value, list) and operations.reader_of(name[:-1]):
            ids = list(dict.fromkeys(cast("list[Any]", value)))
            return [await _read(call, name[:-1], each, one_of_many=True) for each in ids[:SHOWN]], len(ids)
    named = _named(call)
    return [await _read(call, parameter, value) for parameter, value in named], len(named) or None


def _named(call: Call) -> list[tuple[str, Any]]:
    """(parameter, value) of the record that is acted on, and of those that the body names for it."""
    path = [name for route in call.operation.routes for name, _ in route.placeholders]
    # The last identifier of a path is the record; those before it are its parents.
    found = [(path[-1], call.arguments[path[-1]])] if path else []
    if call.operation.effect is Effect.DELETE:
        found += [(name, value) for name, value in call.given.items() if operations.reader_of(name)]
    for name, value in call.given.items():
        if name.startswith("target_"):
            found.append((name.removeprefix("target_"), value))
    return found


async def _read(call: Call, parameter: str, value: Any, *, one_of_many: bool = False) -> JsonObject:
    """One target in brief.

    A missing target is an error, unless it is one of many; what cannot be read for another reason is said.
    """
    reader = operations.reader_of(parameter)
    if reader is None:
        return {"id": value, "note": "TaskIP has no read for this record, so it is not shown"}
    try:
        record = await records.find(call, reader, parameter, value)
    except errors.MissingError:
        if not one_of_many:
            raise
        return {"id": value, "note": "does not exist"}
    except (errors.RouteError, errors.ForbiddenError, errors.UnreadableError, errors.ServerError) as error:
        return {"id": value, "note": f"could not be read: {error.message}"}
    return (
        brief(record, value) if record else {"id": value, "note": "not found in the rows that were looked at"}
    )


def brief(record: JsonObject, value: Any) -> JsonObject:
    """Id and names of a record, small enough to show ten."""
    found = {key: record[key] for key in NAMING if isinstance(record.get(key), str | int | float)}
    for person in ("contacts", "contact", "company"):
        if isinstance(record.get(person), dict):
            found[person] = _person(cast("JsonObject", record[person]))
    return cast("JsonObject", jsonable({"id": record.get("id", value), **found}))


def _person(record: JsonObject) -> str:
    name = record.get("name") or " ".join(str(record.get(part) or "") for part in ("first_name", "last_name"))
    email = record.get("email")
    return f"{str(name).strip()} <{email}>" if email else str(name).strip()
