"""Bulk calls: a list of ids in chunks, each a write of its own, with an outcome for every id.

TaskIP's one-call bulk endpoints are used. They do not say what became of each id; what they accepted counts as done,
and the report says so. A job that runs out of time or budget, or whose process dies, is resumed from the write log:
what was done is not done again, what may have been done is looked at first.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from taskip_mcp import errors, target, turn, writes
from taskip_mcp import operation as operations
from taskip_mcp.budget.windows import HOUR, MINUTE
from taskip_mcp.call import Backend, Call, fields_of
from taskip_mcp.client import LEAST_WRITE, LOOK
from taskip_mcp.look import Finding, look_at_each
from taskip_mcp.operation import Consequence, Operation
from taskip_mcp.results import Report, Written
from taskip_mcp.writelog import REPEATED, Confirmation, Duplicate, Entry

CHUNK = 25
"""Ids in one request. A lost answer costs a read for each of them, out of 100 requests a minute."""

LONG = 15.0
"""Seconds that are kept for a chunk at most: twice what the slowest so far took."""

UNSAID = (
    "TaskIP does not say what became of each id: done means that it accepted the request. List them to check."
)


@dataclass
class Job:
    """A bulk call under way: what became of each id so far."""

    id: str
    operation: Operation
    values: dict[str, Any]
    todo: list[Any]
    done: list[Any] = field(default_factory=lambda: list[Any]())
    failed: dict[Any, str] = field(default_factory=lambda: dict[Any, str]())
    unknown: dict[Any, str] = field(default_factory=lambda: dict[Any, str]())
    notes: list[str] = field(default_factory=lambda: list[str]())
    confirmation: Confirmation = field(default_factory=Confirmation)
    seen: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())
    """What the gate has just read, so that it is not read twice."""
    stopped: str = ""
    slowest: float = 0.0
    unclear: bool = False
    """Whether some of `unknown` could not even be looked at, so that resuming the job may tell."""

    @property
    def total(self) -> int:
        """All ids of the job."""
        return len(self.todo) + len(self.done) + len(self.failed) + len(self.unknown)

    def take(self, items: Mapping[Any, str], why: str) -> list[Any]:
        """Sort ids by verdicts; returns those for which nothing was done."""
        self.done += [each for each, verdict in items.items() if verdict == "done"]
        self.unknown |= {each: why for each, verdict in items.items() if verdict == "unknown"}
        return [each for each, verdict in items.items() if verdict == "not_done"]


def requests(operation: Operation, arguments: Mapping[str, Any]) -> int:
    """Requests that a bulk call takes."""
    return math.ceil(len(set(arguments[operation.chunk])) / CHUNK) if operation.chunk else 1


async def carry_out(call: Call) -> Report:
    """Run a bulk call from its start."""
    operation, log = call.operation, call.backend.log
    ids = list(dict.fromkeys(call.arguments[operation.chunk]))
    try:
        name = log.begin_job(
            operation.contract,
            call.arguments,
            guard=operation.guards(call.arguments) and not call.again,
            confirmation=call.confirmation,
        )
    except Duplicate as twin:
        raise errors.RepeatedError(_same(call.backend, twin.entry)) from None
    call.job = name
    job = Job(name, operation, dict(call.arguments), ids, confirmation=call.confirmation, seen=call.seen)
    return await _run(call.backend, job)


def _same(backend: Backend, twin: Entry) -> str:
    seconds = backend.log.ago(twin)
    states = {"done": "is done", "unknown": "is done, but for some ids nobody knows what became of them"}
    state = states.get(twin.event, "is not finished")
    return (
        f"An identical job ({twin.write}) was begun {seconds} seconds ago and {state}. Nothing was sent. See list_jobs;"
        f" go on with an unfinished one by resume_job. {writes.AGAIN}"
    )


# --- running ----------------------------------------------------------------------------------------------


async def _run(backend: Backend, job: Job) -> Report:
    """Chunk after chunk, until all is done or something speaks against going on."""
    mine = turn.current()
    try:
        with turn.background():
            while job.todo and not job.stopped:
                await _chunk(backend, job, job.todo[: await _size(backend, job)])
                await mine.say(_progress(job), job.total - len(job.todo), job.total)
    except BaseException as error:
        # Arguments that no chunk can use make no job that could be resumed.
        event = "not_done" if isinstance(error, errors.TaskipError) and not job.done else "paused"
        backend.log.end(job.id, event, {"reason": f"interrupted ({type(error).__name__})"})
        raise
    # What may have been done must not be done again by a call that looks the same.
    event = "paused" if job.todo or job.unclear else "unknown" if job.unknown else "done"
    backend.log.end(job.id, event, {"reason": job.stopped})
    return _report(job)


async def _chunk(backend: Backend, job: Job, ids: list[Any]) -> None:
    """One request for some ids of `todo`; moves each to where it belongs."""
    mine = turn.current()
    before = mine.left
    if before < LOOK + max(LEAST_WRITE, min(2 * job.slowest, LONG)):
        # Cut off it would be of unknown outcome, which for messages nobody could clear up.
        job.stopped = "the time of this call is over."
        return
    try:
        reading = _call(backend, job, ids)
        ids, kept = await target.before_of_many(reading, (before - LOOK - LEAST_WRITE) / 2)
        call = _call(backend, job, ids)
        call.before = kept
        result = await writes.carry_out(call, {**job.values, job.operation.chunk: ids})
    except (errors.BudgetError, errors.StateError) as error:
        job.stopped = _why(error)
    except errors.ApiError as error:
        await _failed(backend, job, ids, error)
    else:
        _drop(job, ids)
        job.done += ids
        job.slowest = max(job.slowest, before - mine.left)
        job.notes += [result.note] if isinstance(result, Written) and result.note else []


def _call(backend: Backend, job: Job, ids: list[Any]) -> Call:
    values = {**job.values, job.operation.chunk: ids}
    call = Call(backend, job.operation, values, job=job.id, confirmation=job.confirmation)
    call.seen = job.seen
    return call


async def _size(backend: Backend, job: Job) -> int:
    """Ids of the next request: the reads before it and itself must fit into a rate window, or it would never leave."""
    if job.operation.undo is None:
        return CHUNK
    limits = [each.limit for each in await backend.client.budget.show() if each.window in {MINUTE, HOUR}]
    return max(1, min(CHUNK, *(limit - 1 for limit in limits)))


def _why(error: errors.TaskipError) -> str:
    """Why a job stops, without the advice to repeat the call: it is to be resumed."""
    if isinstance(error, errors.BudgetError | errors.ApiError) and error.seconds:
        what = (
            error.message
            if isinstance(error, errors.ApiError)
            else "The rate limit of the API key is used up"
        )
        return f"{what}; it lets requests in again in {error.seconds} seconds. Nothing was changed for these."
    if isinstance(error, errors.AuthError):
        return str(error)  # what to mend before the job can go on
    return error.facts if isinstance(error, errors.ApiError) else str(error).partition(". ")[0] + "."


def _drop(job: Job, ids: Sequence[Any]) -> None:
    gone = set(ids)
    job.todo = [each for each in job.todo if each not in gone]


async def _failed(backend: Backend, job: Job, ids: list[Any], error: errors.ApiError) -> None:
    if isinstance(error.finding, Finding):
        # The answer was lost and each record was looked at. Something is wrong with TaskIP: stop here.
        left = job.take(error.finding.items, error.facts)
        _drop(job, [each for each in ids if each not in left])
        job.stopped = error.facts
        job.unclear = job.unclear or error.finding.failed
    elif not writes.judged(error):
        job.stopped = _why(error)
    elif len(ids) > 1 and _may_split(job):
        # One id can spoil the request of all: the halves tell which.
        for half in (ids[: len(ids) // 2], ids[len(ids) // 2 :]):
            if not job.stopped:
                await _chunk(backend, job, half)
    else:
        _drop(job, ids)
        job.failed |= dict.fromkeys(ids, error.facts)


def _may_split(job: Job) -> bool:
    """A refused request should have done nothing; where that could mail or bill twice it is not relied on."""
    return not {Consequence.SEND, Consequence.MONEY} & job.operation.consequences(job.values)


# --- going on ---------------------------------------------------------------------------------------------


async def resume(
    backend: Backend, name: str, confirmation: Confirmation, seen: dict[str, Any] | None = None
) -> Report | Written:
    """Go on with an unfinished job, or look what became of a write whose process died.

    `seen` is what the gate has just read for it.
    """
    found = resumable(backend, name)
    if not backend.log.take_up(name, confirmation):
        raise _running(name)
    if found.kind == "begun":
        return await _look_up(backend, found)
    try:
        job = restore(backend, found)
        job.confirmation, job.seen = confirmation, dict(seen or {})
        for chunk in _open_chunks(backend, job):
            if not job.stopped:
                await _clear_up(backend, job, chunk)
    except BaseException:
        backend.log.end(name, "paused", {"reason": "interrupted while it was resumed"})
        raise
    return await _run(backend, job)


def resumable(backend: Backend, name: str) -> Entry:
    """The unfinished job or write of that id that nobody has in hand; raises `ArgumentError` for any other."""
    found = backend.log.entry(name)
    if found is None or found.job:
        raise errors.ArgumentError(
            f"There is no job {errors.legible(name)}. Nothing was sent. Take the id from list_jobs."
        )
    if found.event in {"done", "not_done", "unknown"}:
        raise errors.ArgumentError(f"{name} is finished ({found.event}). Nothing was sent. See list_jobs.")
    if found.open and backend.log.alive(found):
        raise _running(name)
    return found


def _running(name: str) -> errors.ArgumentError:
    return errors.ArgumentError(f"{name} is still running. Nothing was sent. See list_jobs in a moment.")


def restore(backend: Backend, found: Entry) -> Job:
    """A job as the log knows it; ids of a chunk that was begun and never closed are still in `todo`."""
    operation = operations.find(found.operation)
    ids = list(dict.fromkeys(found.arguments[operation.chunk]))
    job = Job(found.write, operation, dict(found.arguments), ids)
    for chunk in backend.log.of_job(found.write):
        _settle(job, chunk)
    return job


def _settle(job: Job, chunk: Entry) -> None:
    """Sort the ids of one chunk by what the log says of it."""
    ids: list[Any] = chunk.arguments[job.operation.chunk]
    items: dict[str, str] = chunk.detail.get("items") or {}
    if chunk.event == "done":
        job.done += [each for each in ids if each in job.todo]
    elif items:
        why = str(chunk.detail.get("looked") or "its answer was lost")
        left = job.take({each: items.get(str(each), "unknown") for each in ids}, why)
        ids = [each for each in ids if each not in left]
    elif chunk.detail.get("refused") and (len(ids) == 1 or not _may_split(job)):
        job.failed |= dict.fromkeys(ids, str(chunk.detail["refused"]))
    else:
        return
    _drop(job, ids)


def _open_chunks(backend: Backend, job: Job) -> Iterator[Entry]:
    """Chunks of which nobody knows what they did, or which TaskIP may have carried out after they were looked at."""
    for chunk in backend.log.of_job(job.id):
        items: dict[str, str] = chunk.detail.get("items") or {}
        late = chunk.event == "unknown" and (not items or "not_done" in items.values())
        if chunk.event == "begun" or late:
            yield chunk


async def _clear_up(backend: Backend, job: Job, chunk: Entry) -> None:
    """Look at each record of a chunk that was interrupted, and close it."""
    ids = [each for each in chunk.arguments[job.operation.chunk] if each in job.todo]
    call = Call(backend, job.operation, dict(chunk.arguments), job=job.id)
    finding = await look_at_each(call, ids)
    if finding.failed:
        job.stopped = f"an interrupted request could not be looked at: {finding.looked}."
        return
    items = dict(finding.items)
    if not _may_split(job) and backend.client.clock.now() - chunk.begun < REPEATED:
        # TaskIP may still be at it: what would mail or bill twice is not tried again so soon.
        items = {each: "unknown" if verdict == "not_done" else verdict for each, verdict in items.items()}
    kept: dict[str, str] = dict(chunk.detail.get("items") or {})
    kept |= {str(each): verdict for each, verdict in items.items()}
    backend.log.end(chunk.write, finding.verdict, {"looked": finding.looked, "items": kept})
    left = job.take(items, f"it was interrupted; looked at {finding.looked}")
    _drop(job, [each for each in ids if each not in left])


async def _look_up(backend: Backend, found: Entry) -> Written:
    """A single write whose process died: looked up and closed, never sent again."""
    call = Call(backend, operations.find(found.operation), found.arguments)
    try:
        finding = await writes.settle(call, found)
    except BaseException:
        backend.log.end(found.write, "paused", {"reason": "interrupted while it was looked up"})
        raise
    if finding.failed:
        backend.log.end(found.write, "paused", {"reason": "it could not be looked up"})
    words = {"done": "it was done", "not_done": "it was not done; call the tool again if it still should be"}
    note = f"{words.get(finding.verdict, errors.OUTCOME_WORDS['unknown'])}. Looked at {finding.looked}."
    return Written(f"{call.operation.title}: looked up", finding.id, finding.record, note)


# --- words ------------------------------------------------------------------------------------------------


def _progress(job: Job) -> str:
    return f"{len(job.done)} of {job.total} accepted" + (f", {len(job.failed)} failed" if job.failed else "")


def _report(job: Job) -> Report:
    """What the model reads of a job."""
    given = fields_of(job.operation, job.values)
    del given[job.operation.chunk]  # told in `items`
    rest = f"{len(job.todo)} ids are not done: {job.stopped}" if job.todo else ""
    unclear = "What became of the unknown ids could not be looked at." if job.unclear else ""
    resume = f"Go on with resume_job, job_id {job.id}." if job.todo or job.unclear else ""
    return Report(
        done=f"{job.operation.title}: {_progress(job)}",
        job=job.id,
        changed=given,
        items={
            "done": job.done,
            "failed": [{"id": each, "reason": why} for each, why in job.failed.items()],
            "unknown": [{"id": each, "reason": why} for each, why in job.unknown.items()],
            "not_tried": job.todo,
        },
        note=" ".join(
            part for part in (UNSAID if job.done else "", *job.notes, rest, unclear, resume) if part
        ),
    )
