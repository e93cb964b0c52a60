"""Carry out one write: noted before it leaves, closed when it is known what came of it, never done twice by us."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn

import anyio

from taskip_mcp import errors
from taskip_mcp.call import Call
from taskip_mcp.client import Passage
from taskip_mcp.look import Finding, look
from taskip_mcp.results import Written
from taskip_mcp.turn import current
from taskip_mcp.writelog import Duplicate, Entry, Event, without_secrets

SETTLES = 1.0
"""Seconds after a time-out until the second look: what TaskIP still worked on may be there then."""

POLL = 0.1
"""Seconds between two looks at an identical write that is under way."""

SINCE = (
    "If its record was changed or deleted since, or to do it a second time on purpose, call again with"
    " allow_duplicate: true."
)
AGAIN = "To do it a second time on purpose, call again with allow_duplicate: true."


async def carry_out(call: Call, values: Mapping[str, Any]) -> Any:
    """Run the operation's function; the result of a write, or the error that says what was changed.

    A client that goes away does not interrupt a write that has left: it is waited for, noted, and then nothing more is
    done.
    """
    with anyio.CancelScope() as scope:
        call.passage = Passage(scope)
        try:
            return await _until_known(call, values)
        except BaseException as error:
            # Cancelled, out of time, or broken: the log tells what is certain.
            call.close(_certain(call), {"error": type(error).__name__})
            raise
    raise AssertionError("a scope that nobody cancels was left")


async def _until_known(call: Call, values: Mapping[str, Any]) -> Any:
    """Once, or not at all where an identical write came before; a second round where that one did nothing."""
    while True:
        try:
            result = await call.operation.function(call, **values)
        except Duplicate as twin:
            if (known := await _repeated(call, twin.entry)) is not None:
                return known
        except errors.ApiError as error:
            if error.outcome != "unknown":
                call.close("not_done", _reason(call, error))
                raise
            return await _find_out(call, error)
        else:
            call.close("done", {"done": result.done, "id": result.id} if isinstance(result, Written) else {})
            return result


def judged(error: errors.ApiError) -> bool:
    """Whether TaskIP refused this very write; anything else would have met every other write as well."""
    general = errors.AuthError | errors.RateLimitError | errors.ServerError
    return isinstance(error, errors.StatusError | errors.UnreadableError) and not isinstance(error, general)


def _reason(call: Call, error: errors.ApiError) -> dict[str, Any]:
    """Why a write was not done, for the log: ``refused`` if another try would come to the same."""
    return {"refused" if judged(error) else "error": without_secrets(str(error), call.arguments)}


def _certain(call: Call) -> Event:
    """What is certain of a write that came to no end."""
    if call.state == "accepted":
        return "done"
    return "unknown" if call.state == "unclear" or (call.passage and call.passage.away) else "not_done"


# --- a lost answer ----------------------------------------------------------------------------------------


async def _find_out(call: Call, error: errors.ApiError) -> Any:
    """Look what a write did whose answer was lost; a result if it was done, else the error with what is true."""
    write = call.close("unknown", {"error": without_secrets(error.message, call.arguments)})
    finding = await _look(call, call.left_at, working=True)
    # TaskIP may still be at it: one that looks the same has to look again before it is sent.
    late = finding.verdict == "not_done"
    words = call.words or f"{call.operation.title}: done"
    call.backend.log.end(
        write, "unknown" if late else finding.verdict, {"done": words} | _seen(call, finding)
    )
    if finding.verdict == "done":
        note = f"{error.message}, so it was looked up: {finding.looked}. It was done, once. Do not repeat it."
        return Written(words, finding.id, finding.record or call.partial(), note)
    error.looked, error.finding = finding.looked, finding
    error.outcome = "unchanged" if finding.verdict == "not_done" else "unknown"
    raise error


def _seen(call: Call, finding: Finding) -> dict[str, Any]:
    """A finding, for the log."""
    items = {str(each): verdict for each, verdict in finding.items.items()}
    seen = {"looked": without_secrets(finding.looked, call.arguments), "id": finding.id}
    # Verdicts that rest on a failed look are not kept: a job that is resumed looks again.
    return seen | ({"items": items} if items and not finding.failed else {})


async def _look(call: Call, since: float, *, working: bool) -> Finding:
    """Look; and where TaskIP may still be at it, look again before saying that nothing was done."""
    finding = await look(call, since)
    if working and finding.verdict == "not_done":
        await current().clock.sleep(SETTLES)
        finding = await look(call, since)
    return finding


# --- the same again ---------------------------------------------------------------------------------------


async def _repeated(call: Call, twin: Entry) -> Written | None:
    """The result of an identical write that came before; None when that one did nothing, so that this one may go."""
    log = call.backend.log
    while twin.event == "begun" and log.alive(twin):
        if current().left < 2 * POLL:
            _refuse(call, twin, "is still under way")
        await current().clock.sleep(POLL)
        twin = log.entry(twin.write) or twin
    if twin.event == "not_done":
        return None
    if twin.event == "done":
        done, number = twin.detail.get("done") or call.operation.title, twin.detail.get("id")
        return Written(_before(call, twin, f"did this already: {done}"), number, {}, SINCE)
    return await _unclear(call, twin)


async def _unclear(call: Call, twin: Entry) -> Written | None:
    """An identical write whose end nobody knows: it is looked up before this one may go."""
    finding = await settle(call, twin)
    if finding.verdict == "unknown":
        _refuse(call, twin, f"came to an unknown end; looked at {finding.looked}")
    if finding.verdict == "not_done":
        return None
    words = _before(call, twin, f"did this already: {call.operation.title}")
    note = f"It was interrupted, but it was done ({finding.looked}). {SINCE}"
    return Written(words, finding.id, finding.record, note)


async def settle(call: Call, twin: Entry) -> Finding:
    """Look what became of a write that nobody closed, and close it."""
    client = call.backend.client
    young = client.clock.now() - twin.begun < client.settings.timeout
    finding = await _look(call, twin.begun, working=young)
    if not finding.failed:
        call.backend.log.end(twin.write, finding.verdict, _seen(call, finding))
    return finding


def _before(call: Call, twin: Entry, what: str) -> str:
    """It must not read like the success of this call: the first words are what did not happen."""
    return f"Nothing was sent: an identical call {call.backend.log.ago(twin)} seconds ago {what}"


def _refuse(call: Call, twin: Entry, what: str) -> NoReturn:
    seconds = call.backend.log.ago(twin)
    raise errors.RepeatedError(
        f"An identical call {seconds} seconds ago {what}. Nothing was sent this time. Ask the user first. {AGAIN}"
    )
