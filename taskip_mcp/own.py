"""Tools of the server itself: the rate budget and the jobs. They are no operations of TaskIP and have no route."""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import Field

from taskip_mcp import confirm as gate
from taskip_mcp import errors, jobs, previews, target, turn
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend, Call
from taskip_mcp.caller import NOBODY, Caller
from taskip_mcp.operation import Consequence, Effect, Function, Tool
from taskip_mcp.results import Record
from taskip_mcp.wire import JsonObject
from taskip_mcp.writelog import Confirmation, Entry

LATE = "The time of this call is over (TASKIP_DEADLINE). list_jobs tells what was done, resume_job goes on."

_registry: dict[str, Tool] = {}


def own_tool(
    effect: Effect,
    *,
    possible: Iterable[Consequence] = (),
    idempotent: bool = True,
    marked: bool = False,
) -> Callable[[Function], Function]:
    """Register a typed function as a tool of the server; its first parameter is the backend. `marked`: see `Tool`."""

    def register(function: Function) -> Function:
        made = Tool(
            function=function,
            effect=effect,
            possible=frozenset(possible),
            idempotent=idempotent,
            marked=marked,
        )
        _registry[made.name] = made
        return function

    return register


def tools() -> dict[str, Tool]:
    """The server's own tools by name."""
    for name in ("changes", "overview", "events.feed"):  # each registers its own
        importlib.import_module(f"taskip_mcp.{name}")
    return dict(_registry)


async def perform(backend: Backend, tool: Tool, arguments: Mapping[str, Any], caller: Caller = NOBODY) -> Any:
    """Run one; what has consequences answers with a proposal, which goes through the gate.

    Raises `DeadlineError` when the time of the call is over.
    """
    values = dict(arguments)
    said = gate.Said.take(values)
    result = await turn.within(tool.function(backend, **values), lambda: errors.DeadlineError(LATE))
    return await gate.decide(backend, result, said, caller) if isinstance(result, gate.Proposal) else result


# --- the rate budget --------------------------------------------------------------------------------------


@own_tool(Effect.READ)
async def get_rate_budget(backend: Backend) -> Record:
    """Show the requests left in each rate window. Look here before long work. Uses none."""
    return await budget(backend)


async def budget(backend: Backend) -> Record:
    """Every window: limit, what is left, when a request may leave; and what this process has under way."""
    shown = await backend.client.budget.show()
    return {
        "windows": [
            {
                "window": each.window,
                "limit": each.limit,
                "window_seconds": round(each.span),
                "used": each.used,
                "used_by_other_programs": each.foreign,
                "left": each.left,
                "opens_in_seconds": round(each.opens_in, 1),
            }
            for each in shown
        ],
        "waiting": backend.client.budget.waiting,
        "under_way": backend.client.budget.away,
    }


# --- jobs -------------------------------------------------------------------------------------------------

JobId = Annotated[str, Field(min_length=1, max_length=40, description="Of list_jobs, or of a job's report.")]


@own_tool(Effect.READ)
async def list_jobs(backend: Backend) -> Record:
    """List bulk jobs with how far they got, and interrupted writes. Uses no request."""
    log = backend.log
    entries = [*log.unfinished(), *log.finished_jobs()]
    return {"items": [_shown(backend, entry) for entry in entries], "returned": len(entries)}


def _shown(backend: Backend, entry: Entry) -> JsonObject:
    running = entry.open and backend.log.alive(entry)
    told: JsonObject = {
        "id": entry.write,
        "tool": operations.find(entry.operation).name,
        "begun": moment(entry.begun),
        "state": "running" if running else "done" if entry.event in {"done", "unknown"} else "unfinished",
    }
    if entry.kind == "begun":
        note = "One write that was interrupted: resume_job looks what became of it and sends nothing."
        return told | {"arguments": entry.arguments, "note": note}
    job = jobs.restore(backend, entry)
    counts = {"done": job.done, "failed": job.failed, "unknown": job.unknown, "not_tried": job.todo}
    return told | {"ids": {name: len(each) for name, each in counts.items() if each}} | _reason(entry)


def _reason(entry: Entry) -> JsonObject:
    reason = entry.detail.get("reason")
    # Its words are of that moment: "in 60 seconds" counts from there.
    return {"stopped": reason, "stopped_at": moment(entry.changed)} if reason else {}


def moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


@own_tool(Effect.BULK, possible=set(Consequence))
async def resume_job(backend: Backend, job_id: JobId) -> Any:
    """Go on with an unfinished job of list_jobs; nothing is done twice. An interrupted single write is only
    looked up."""
    entry = jobs.resumable(backend, job_id)
    if entry.kind == "begun":
        return await jobs.resume(backend, job_id, Confirmation())  # it only looks

    name = operations.find(entry.operation).name
    if not backend.offers(name):
        raise errors.RefusedError(f"The job is one of {name}, which this server is set not to offer.")

    async def look() -> gate.Seen:
        return await _resumed(backend, job_id)

    async def run(confirmation: Confirmation, seen: gate.Seen | None) -> Any:
        return await jobs.resume(backend, job_id, confirmation, seen.sight if seen else None)

    job = jobs.restore(backend, entry)
    return gate.Proposal(
        tool=tools()["resume_job"],
        arguments={"job_id": job_id},
        found=job.operation.consequences(job.values),
        look=look,
        run=run,
        late=lambda: LATE,
    )


async def _resumed(backend: Backend, job_id: str) -> gate.Seen:
    """What is left of a job, as it is now."""
    entry = jobs.resumable(backend, job_id)
    job = jobs.restore(backend, entry)
    values = {**job.values, job.operation.chunk: job.todo}
    call = Call(backend, job.operation, values)
    await gate.check_recipients(call)
    sight = await target.look(call)
    shown = await previews.of_call(call, job.operation.consequences(values), sight)
    shown["preview"] += f" The job goes on with {len(job.todo)} of its {job.total} ids."
    shown["job"] = _shown(backend, entry)
    return gate.Seen(shown, json.dumps([job.todo, sight.version]), call.seen)
