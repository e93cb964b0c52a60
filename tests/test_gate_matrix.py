"""Every tool with consequences, under every policy, with every kind of client, in both eras of the protocol.

What is sent to TaskIP is counted at its door: exactly the allowed cells write, and they write once.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Literal

import pytest
from mcp_types import ElicitResult

from taskip_mcp import arguments, confirm, operation, results, schemas, turn
from taskip_mcp.call import Call
from tests.gatehouse import ERAS, Gatehouse, gatehouse, words
from tests.sandbox_calls import CONSEQUENT, arguments_for

pytestmark = pytest.mark.anyio

Mode = Literal["flag", "strict", "human", "off"]
Person = Literal["accept", "untick", "decline", "cancel", "nobody"]

TOOLS = [entry.name for entry in schemas.load_entries() if entry.consequences]
MODES: list[Mode] = ["flag", "strict", "human", "off"]
PERSONS: list[Person] = ["accept", "untick", "decline", "cancel", "nobody"]


def answering(person: Person) -> Callable[[str], Awaitable[ElicitResult]] | None:
    """Who always answers the same; None where nobody can be asked."""
    if person == "nobody":
        return None

    async def answers(_: str) -> ElicitResult:
        if person in {"accept", "untick"}:
            return ElicitResult(action="accept", content={"confirm": person == "accept"})
        return ElicitResult(action="decline" if person == "decline" else "cancel")

    return answers


# --- the calls --------------------------------------------------------------------------------------------


async def given(at: Gatehouse, tool: str) -> dict[str, Any]:
    """Arguments with which the tool has something to do, on a sandbox that is as new."""
    at.door.sandbox.reset()
    if tool in SPECIAL:
        return await SPECIAL[tool](at)
    return arguments_for(tool, at.door.sandbox) | CONSEQUENT.get(tool, {})


WRITES = {"undo_change": 2}
"""Requests of the calls that make more than one: two deals go back, each by its own."""


async def _unfinished(at: Gatehouse) -> dict[str, Any]:
    log = at.backend.log
    job = log.begin_job("contact.bulk_delete", {"contact_ids": [1, 2]}, guard=False)
    log.end(job, "paused", {"reason": "a test"})
    return {"job_id": job}


async def _changed(at: Gatehouse) -> dict[str, Any]:
    """Two deals were moved: taking that back is a change of several records."""
    found = operation.load_all()["bulk_update_deals"]
    usual = arguments_for("bulk_update_deals", at.door.sandbox)
    values = arguments.validate(found, usual)
    for control in ("confirm", "confirm_code"):
        values.pop(control)
    with turn.begin(at.app.clock, 60):
        await confirm.carry_out(Call(at.backend, found, values), values, None)
    at.door.passed.clear()
    return {"change_id": at.backend.log.changes(limit=1)[0].write}


SPECIAL: dict[str, Callable[[Gatehouse], Awaitable[dict[str, Any]]]] = {
    "resume_job": _unfinished,
    "undo_change": _changed,
}


# --- the cells --------------------------------------------------------------------------------------------


def cells() -> Iterator[Any]:
    for era in ERAS:
        for mode in MODES:
            for person in PERSONS:
                yield pytest.param(mode, person, era, id=f"{mode}-{person}-{era}")


def allowed(mode: Mode, person: Person) -> bool:
    """Whether the model can bring a call to its end."""
    if mode == "off":
        return True
    if person == "nobody":
        return mode != "human"
    return person == "accept"


@pytest.mark.parametrize(("mode", "person", "era"), list(cells()))
async def test_exactly_the_allowed_calls_write_and_they_write_once(
    mode: Mode, person: Person, era: str
) -> None:
    wrong: dict[str, str] = {}
    async with gatehouse(mode, person=answering(person), era=era) as at:
        for tool in TOOLS:
            usual = await given(at, tool)
            at.door.passed.clear()
            at.questions.clear()
            if problem := await _try(at, tool, usual, mode, person):
                wrong[tool] = problem
    assert wrong == {}


async def _try(at: Gatehouse, tool: str, usual: dict[str, Any], mode: Mode, person: Person) -> str:
    """What is wrong with one cell; empty if all is right. The model does what it can: everything a preview asks for."""
    once = WRITES.get(tool, 1)
    image = at.door.sandbox.store.dump()
    first = await at.call(tool, **usual)
    said = words(first)
    expected = int(mode == "off" or (person == "accept" and allowed(mode, person)))
    if len(at.door.writes) != expected * once:
        return f"the first call wrote {at.door.writes}: {said}"
    if not expected and at.door.sandbox.store.dump() != image:
        return "what must not write changed something"
    if mode != "off" and person != "nobody" and len(at.questions) != 1:
        return f"{len(at.questions)} questions"
    if expected:
        return "" if not first.is_error else said
    confirmed = usual | {"confirm": True}
    if mode == "strict" and person == "nobody":
        bare = await at.call(tool, **confirmed)
        if at.door.writes or not words(bare).endswith("Nothing was changed."):
            return f"confirm without its code: {words(bare)}"
        confirmed["confirm_code"] = results.parse(said)["confirm_code"]
    second = await at.call(tool, **confirmed)
    if len(at.door.writes) != int(allowed(mode, person)) * once:
        return f"the second call wrote {at.door.writes}: {words(second)}"
    if allowed(mode, person):
        return "" if not second.is_error else words(second)
    if not (first.is_error or results.parse(said)["done"] == "Nothing was changed."):
        return said
    return "" if second.is_error and words(second).endswith("Nothing was changed.") else words(second)


def test_the_matrix_has_all_tools_with_consequences() -> None:
    gated = {name for name, found in operation.load_all().items() if found.gated}
    assert set(TOOLS) == gated | {"resume_job", "undo_change"}
    assert len(gated) >= 40
