"""The gate: what stands between the model and a consequence.

An operation with consequences sends no write before it is confirmed, in the way that `TASKIP_CONFIRM` demands of its
classes:

======  ====================================================================================================
flag    ``confirm: true``; the call without it is the preview
strict  ``confirm: true`` and the ``confirm_code`` of a preview of exactly this call
human   a person who was asked by the client, and agreed
off     nothing
======  ====================================================================================================

Under ``flag`` and ``strict`` a client that can ask the person is made to, and only that answer counts. The target is
read for the preview and again before the write; if it changed in between, the confirmation is void. A code or an
answer is good once. Whatever is refused ends with: nothing was changed.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, NoReturn

from taskip_mcp import errors, jobs, lockdown, previews, target, turn, writes
from taskip_mcp.call import Backend, Call
from taskip_mcp.caller import NOBODY, Caller, Reply
from taskip_mcp.operation import Consequence, Effect, Operation, Tool
from taskip_mcp.policy import Mode
from taskip_mcp.seal import LIFE, SealError
from taskip_mcp.wire import JsonObject
from taskip_mcp.writelog import USED, Confirmation

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a proposal would do, at one moment: the preview, the version of its target, and what was read for it."""

    preview: JsonObject
    version: str
    sight: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A call that wants to pass the gate. `arguments` are what a confirmation is bound to.

    `look` reads what the call is about, `run` carries it out with the last look, if there was one. `late` says what is
    true when the time of the call is over. `spoken` is the digest of a call that names records, as it was said.
    """

    tool: Tool
    arguments: Mapping[str, Any]
    found: frozenset[Consequence]
    look: Callable[[], Awaitable[Seen]]
    run: Callable[[Confirmation, Seen | None], Awaitable[Any]]
    late: Callable[[], str]
    spoken: bytes | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """What the model said of confirmation."""

    confirm: bool = False
    code: str = ""

    @classmethod
    def take(cls, values: dict[str, Any]) -> Said:
        """Out of the arguments, where they would be fields."""
        return cls(values.pop("confirm", False), values.pop("confirm_code", None) or "")


async def perform(
    backend: Backend,
    operation: Operation,
    arguments: Mapping[str, Any],
    caller: Caller = NOBODY,
    spoken: bytes | None = None,
) -> Any:
    """Run one operation with validated arguments, or preview it, or ask; the gate is here and nowhere else.

    `spoken` is for a call that names records: see `Proposal`.

    Raises `DeadlineError` when the time of the call is over, with what is certain by then, and `caller.AskError` where
    the question has to travel with the result.
    """
    values = dict(arguments)
    said = Said.take(values)
    bound = dict(values)
    again = values.pop("allow_duplicate", False)
    call = Call(backend, operation, values, again=again)
    check(call)

    async def look() -> Seen:
        await check_recipients(call)
        sight = await target.look(call)
        return Seen(await previews.of_call(call, found, sight), sight.version, sight)

    async def run(confirmation: Confirmation, seen: Seen | None) -> Any:
        call.confirmation = confirmation
        return await carry_out(call, values, seen)

    found = operation.consequences(values)
    proposal = Proposal(
        tool=operation,
        arguments=bound,
        found=found,
        look=look,
        run=run,
        late=lambda: _overdue(call),
        spoken=spoken,
    )
    return await decide(backend, proposal, said, caller)


def check(call: Call) -> None:
    """What the arguments alone tell: nobody is shown, or asked to confirm, what would be refused right after it."""
    operation, cleared = call.operation, list[str](call.arguments.get("clear") or [])
    if operation.effect is Effect.UPDATE and not call.given and not cleared:
        raise errors.ArgumentError(f"{operation.name}: give at least one field to change. Nothing was sent.")
    if twice := [name for name in cleared if name in call.given]:
        raise errors.ArgumentError(
            f"{twice[0]} is both given and in clear. Nothing was sent. Keep one of the two."
        )
    if operation.check:
        operation.check(call.arguments)


async def check_recipients(call: Call) -> None:
    """Under `TASKIP_LOCKDOWN`: raise `RefusedError` if it would mail anybody that the workspace did not know."""
    if call.backend.client.settings.lockdown:
        await lockdown.check_recipients(call)


async def carry_out(call: Call, values: Mapping[str, Any], seen: Seen | None) -> Any:
    """What passed the gate; what was there before is read for the journal, unless that was just done."""
    operation = call.operation
    if operation.effect is Effect.READ:
        return await operation.function(call, **values)
    if operation.chunk:
        return previews.of_job(call, await jobs.carry_out(call))
    call.before = seen.sight.before() if seen else await target.before(call)
    return previews.of_result(call, await writes.carry_out(call, values), known=seen is not None)


# --- the gate ---------------------------------------------------------------------------------------------


async def decide(backend: Backend, proposal: Proposal, said: Said, caller: Caller) -> Any:
    """Let a proposal pass, show it, or refuse it."""
    policy = backend.client.settings.policy
    mode = policy.mode(proposal.found)
    if mode is Mode.OFF:
        how = "off" if proposal.found else ""
        return await _within(proposal, proposal.run(Confirmation(how, caller.name), None))
    if caller.ask and (policy.ask or mode is Mode.HUMAN):
        return await _asked(backend, proposal, caller)
    if mode is Mode.HUMAN:
        raise errors.RefusedError(NO_PERSON + LOCKED * backend.client.settings.lockdown)
    if not said.confirm:
        return await _shown(backend, proposal, mode, caller.name)
    if mode is Mode.STRICT or said.code:
        if not said.code:
            raise errors.RefusedError(NO_CODE)
        return await _confirmed(backend, proposal, said.code, Confirmation("code", caller.name))
    return await _flagged(backend, proposal, caller)


NO_PERSON = (
    "This needs the person's answer to a question, and this client cannot ask one. Use a client that supports MCP"
    " elicitation, or let the person do it on the TaskIP website."
)
LOCKED = " TASKIP_LOCKDOWN demands it for everything with consequences; without it TASKIP_CONFIRM decides."
NO_CODE = (
    "confirm: true counts only with the confirm_code of a preview of this call (TASKIP_CONFIRM=strict). Call without"
    " confirm for the preview, show it to the user, then call with its code."
)
NOT_AGREED = (
    "The person said no, or your client did not show them the question. Do not try again by yourself."
)
GRACE = 2.0
"""Seconds for which an answer of the last moment may be on its way."""

AGAIN = {
    "code": "Call without confirm and confirm_code for a new preview.",
    "person": "Call again: the person is then asked anew.",
}
REMEDY = "ask=never in TASKIP_CONFIRM leaves it out, and confirm: true counts again"
HUMAN_REMEDY = "use another client: TASKIP_CONFIRM or TASKIP_LOCKDOWN demands a person's answer"
CHANGED = (
    "What this is about has changed since it was shown, so the confirmation is void. This is how it is now:"
)


async def _within(proposal: Proposal, work: Awaitable[Any]) -> Any:
    """Within the time of the call; the time of a question does not count."""
    return await turn.within(work, lambda: errors.DeadlineError(proposal.late()))


def _digest(backend: Backend, proposal: Proposal) -> bytes:
    return backend.sealer.call(proposal.tool.name, proposal.arguments)


async def _shown(backend: Backend, proposal: Proposal, mode: Mode, client: str) -> JsonObject:
    """The preview, which is remembered; under ``strict`` with the code that confirms it."""
    seen: Seen = await _within(proposal, proposal.look())
    return seen.preview | _offer(backend, proposal, seen, mode, client)


def _offer(backend: Backend, proposal: Proposal, seen: Seen, mode: Mode, client: str) -> JsonObject:
    """How a preview can be confirmed."""
    call, version = _digest(backend, proposal), backend.sealer.version(seen.version)
    backend.log.show(call, client, version)
    if proposal.spoken:  # which records the names stood for
        backend.log.show(proposal.spoken, client, call)
    if mode is Mode.STRICT:
        code = backend.sealer.seal("code", call, version, backend.client.clock.now() + LIFE)
        return {"confirm_code": code, "next": previews.NEXT_WITH_CODE}
    return {"next": previews.NEXT}


async def _flagged(backend: Backend, proposal: Proposal, caller: Caller) -> Any:
    """``confirm: true``: on the target as it was shown, if it was. A name that was shown as that of one record may be
    that of another by now."""
    confirmation, call = Confirmation("flag", caller.name), _digest(backend, proposal)
    shown = backend.log.shown(call, caller.name)
    named = backend.log.shown(proposal.spoken, caller.name) if proposal.spoken else None
    if shown is None and named is None:
        return await _within(proposal, proposal.run(confirmation, None))
    seen: Seen = await _within(proposal, proposal.look())
    if named not in (None, call) or backend.sealer.version(seen.version) != shown:
        _void(backend, proposal, seen, Mode.FLAG, caller.name)
    return await _within(proposal, proposal.run(confirmation, seen))


async def _confirmed(backend: Backend, proposal: Proposal, code: str, confirmation: Confirmation) -> Any:
    """With a code, of the model or of an answered question: opened, compared with the target, used up."""
    now, again = backend.client.clock.now(), AGAIN[confirmation.how]
    try:
        opened = backend.sealer.open(confirmation.how, code, _digest(backend, proposal), now)
    except SealError as error:
        raise errors.RefusedError(f"{error} {again}") from None
    if backend.log.used(opened.nonce):
        raise errors.RefusedError(f"{USED} {again}")
    seen: Seen = await _within(proposal, proposal.look())
    if backend.sealer.version(seen.version) != opened.version:
        mode = Mode.STRICT if confirmation.how == "code" else Mode.HUMAN
        _void(backend, proposal, seen, mode, confirmation.client)
    confirmation.nonce, confirmation.expires = opened.nonce, opened.expires
    # The journal consumes the nonce with the write, for all servers of this machine; this is for those of others.
    if not await backend.client.budget.once(opened.nonce, opened.expires - now):
        raise errors.RefusedError(f"{USED} {again}")
    try:
        return await _within(proposal, proposal.run(confirmation, seen))
    except errors.ApiError as error:
        if not confirmation.nonce:
            error.again = f"This confirmation is used up. {again}"
        raise


def _void(backend: Backend, proposal: Proposal, seen: Seen, mode: Mode, client: str) -> NoReturn:
    offer = {"next": AGAIN["person"]}
    if mode is not Mode.HUMAN:
        offer = _offer(backend, proposal, seen, mode, client)
    raise errors.RefusedError(CHANGED, seen.preview | offer)


async def _asked(backend: Backend, proposal: Proposal, caller: Caller) -> Any:
    """The person's answer, and nothing else, decides."""
    if caller.reply and caller.state:
        return await _answered(backend, proposal, caller, caller.reply, caller.state)
    assert caller.ask
    seen: Seen = await _within(proposal, proposal.look())
    call, version = _digest(backend, proposal), backend.sealer.version(seen.version)
    patience = backend.client.settings.ask_timeout + GRACE
    state = backend.sealer.seal("person", call, version, backend.client.clock.now() + patience)
    with turn.current().paused():
        reply = await caller.ask(previews.question(seen.preview), state)
    return await _answered(backend, proposal, caller, reply, state)


async def _answered(backend: Backend, proposal: Proposal, caller: Caller, reply: Reply, state: str) -> Any:
    settings = backend.client.settings
    if reply.action == "silent":
        raise errors.RefusedError(
            f"The person did not answer within {settings.ask_timeout:g} seconds (TASKIP_ASK_TIMEOUT). Ask them, then"
            " call again."
        )
    if not reply.agreed:
        _spend(backend, proposal, state)
        human = settings.policy.mode(proposal.found) is Mode.HUMAN
        tell_operator(HUMAN_REMEDY if human else REMEDY)
        raise errors.RefusedError(NOT_AGREED)
    return await _confirmed(backend, proposal, state, Confirmation("person", caller.name))


@cache
def tell_operator(remedy: str) -> None:
    """On stderr, once per process: what helps where no question is seen is for who set this up, never for a model."""
    logger.warning(
        "a question to the person was answered with no; if your client shows no questions, %s", remedy
    )


def _spend(backend: Backend, proposal: Proposal, state: str) -> None:
    """A no is an answer: the same question cannot be answered with a yes after it."""
    try:
        opened = backend.sealer.open("person", state, _digest(backend, proposal), backend.client.clock.now())
    except SealError:
        return
    with suppress(errors.RefusedError):
        backend.log.spend(Confirmation("person", nonce=opened.nonce, expires=opened.expires))


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
