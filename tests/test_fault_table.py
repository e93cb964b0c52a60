"""The fault table: every way in which the network breaks, under every effect, through a real client.

In no cell is a write sent twice, in none does a result claim what is not so; and a model that simply repeats the call
still does nothing twice.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from taskip_mcp.clock import Clock, scaled
from tests.fault_cells import CASES, KEY, PACE, READ, Case, Desk, Said, desk, from_then_on, patience
from tests.faulty import Fault, Faulty, Plan, on

pytestmark = pytest.mark.anyio

Outcome = Literal["done", "not_done", "unknown", "refused"]
OPEN = "It is not known whether the change was made"
UNCHANGED = "Nothing was changed"
OTHER = ("get_company", {"company_id": 1})


@dataclass(frozen=True, slots=True)
class Row:
    """One fault, whether the write takes effect all the same, and what the result says of it."""

    fault: Fault
    applied: bool
    said: str

    def __str__(self) -> str:
        return f"{self.fault.name}-{'applied' if self.applied else 'not'}"


LOST = {
    Fault.RESET_AFTER: "The connection to TaskIP broke off",
    Fault.HANG: "TaskIP did not answer within 12 seconds",
    Fault.TRUNCATED: "The connection to TaskIP broke off",
    Fault.EMPTY: "TaskIP answered with an empty body",
    Fault.HTML_502: "TaskIP has a problem (HTTP 502)",
    Fault.STATUS_500: "TaskIP has a problem: Server Error (HTTP 500)",
    Fault.UNAVAILABLE_503: "TaskIP has a problem: Service Unavailable (HTTP 503)",
}
ROWS = [
    Row(Fault.RESET_BEFORE, False, "The connection to TaskIP broke off"),
    *(Row(fault, applied, said) for fault, said in LOST.items() for applied in (True, False)),
    Row(Fault.TOO_MANY_429, False, "TaskIP's rate limit is reached"),
    Row(Fault.TOO_MANY_429_FAR, False, "TaskIP's rate limit is reached"),
]
LIMITED = {Fault.TOO_MANY_429: 60, Fault.TOO_MANY_429_FAR: 3000}
"""Seconds for which TaskIP lets nothing in: a minute window that has to pass, or what Retry-After says."""

TWO_TRIES = frozenset({Fault.STATUS_500, Fault.EMPTY})
RULES: dict[tuple[bool, bool, bool], Outcome] = {
    # Is TaskIP down afterwards? Does a look tell? Was it applied?
    (False, True, True): "done",
    (False, True, False): "not_done",
    (False, False, True): "unknown",
    (False, False, False): "unknown",
    (True, True, True): "unknown",
    (True, True, False): "unknown",
    (True, False, True): "unknown",
    (True, False, False): "unknown",
}


def cells() -> Iterator[Any]:
    for name, case in CASES.items():
        for row in ROWS:
            for down in (False, True):
                if row.fault in LIMITED and down:
                    continue  # nothing is sent any more, so that nothing can be down
                if row.fault is Fault.HANG and down and not row.applied:
                    continue  # each waits for four time-outs; the words are those of the other
                yield pytest.param(case, row, down, id=f"{name}-{row}-{'down' if down else 'once'}")


def expected(case: Case, row: Row, down: bool) -> Outcome:
    return "refused" if row.fault in LIMITED else RULES[down, case.tells, row.applied]


def breaking(case: Case, row: Row, down: bool) -> Any:
    plan = Plan(row.fault, case.request, applied=row.applied)
    return from_then_on(plan, case.request) if down else plan


# --- what holds for every cell ------------------------------------------------------------------------------


def honest(case: Case, at: Desk, before: bytes) -> None:
    """What was said last is true, and nothing was done twice."""
    said, times = at.said[-1], case.count(at.sandbox.store)
    assert len(at.front.writes()) <= 1
    assert times in {0, case.whole}
    if case is not READ and claims(case, said):
        assert times == case.whole
    if UNCHANGED in said.text or "Nothing was sent" in said.text:
        assert OPEN not in said.text
        assert at.sandbox.store.dump() == before
    if said.failed and case is not READ:
        assert UNCHANGED in said.text or OPEN in said.text or "Nothing was sent" in said.text
    clean(said)


def claims(case: Case, said: Said) -> bool:
    """Whether it says that it was done."""
    if said.failed:
        return False
    return "done" in said.data["items"] if case.bulk else "done" in said.data


def clean(said: Said) -> None:
    for leak in (KEY, "Traceback", "<html", "<h1", "nginx", "httpx", "/site-packages/", ".."):
        assert leak not in said.text


def ids(case: Case) -> list[int]:
    return next(value for name, value in case.arguments.items() if name.endswith("_ids"))


# --- the words ----------------------------------------------------------------------------------------------


def single(case: Case, row: Row, outcome: Outcome, down: bool, said: Said) -> None:
    """The words of a call that is no job."""
    assert said.failed == (outcome != "done")
    if outcome == "done":
        note = said.data["note"]
        assert row.said.partition(" (HTTP")[0] in note
        assert f"so it was looked up: the {case.looked}" in note or f"looked up: {case.looked}" in note
        assert note.endswith("It was done, once. Do not repeat it.")
        return
    assert row.said in said.text
    if outcome == "unknown":
        # A record that was read and does not tell need not be read again.
        ask = "ask the user" if case.tool == "send_invoice" and not down else "read the record"
        assert said.text.endswith(f"{OPEN}: {ask} before you try again.")
        assert UNCHANGED not in said.text
        assert ("Looked at it, but that failed too:" if down else f"Looked at {case.looked}") in said.text
    elif outcome == "not_done":
        assert case.looked in said.text.partition("Looked at ")[2]
        asked = row.fault is Fault.UNAVAILABLE_503  # which names the seconds
        again = (
            "TaskIP asks to be left alone for 1 seconds: call again after that"
            if asked
            else "You may call again"
        )
        assert said.text.endswith(f"{UNCHANGED}. {again}.")


def job(case: Case, row: Row, outcome: Outcome, down: bool, said: Said) -> None:
    """The words of a bulk call: what became of each id."""
    items, note = said.data["items"], said.data.get("note", "")
    accepted = case.whole if outcome == "done" else 0
    assert f"{accepted} of {case.whole} accepted" in said.data["done"]
    if outcome == "unknown":
        assert [each["id"] for each in items.pop("unknown")] == ids(case)
        assert items == {}
        assert (
            said.text.count(row.said) == said.text.count(OPEN) == said.text.count(case.looked) == case.whole
        )
        return
    assert items == {"done" if outcome == "done" else "not_tried": ids(case)}
    assert row.said.partition(" (HTTP")[0] in note
    if outcome == "done":
        assert f"so it was looked up: {case.looked}: 2 done" in note
        assert "Do not repeat it." in note
    else:
        assert f"2 ids are not done: {row.said}" in note
        assert UNCHANGED in note
        assert f"Go on with resume_job, job_id {said.data['job']}" in note
    assert (f"Looked at {case.looked}: 0 done, 2 not" in note) == (outcome == "not_done")


def limited(row: Row, said: Said) -> None:
    """A closed rate limit is named with its seconds."""
    assert UNCHANGED in said.text
    seconds = re.search(r"lets requests in again in (\d+) seconds(?:: wait that long|\. Nothing)", said.text)
    assert seconds
    assert LIMITED[row.fault] - 50 < int(seconds[1]) <= LIMITED[row.fault]


# --- the table ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("case", "row", "down"), list(cells()))
async def test_a_write_is_sent_once_and_its_result_is_true_whatever_breaks(
    case: Case, row: Row, down: bool, tmp_path: Path
) -> None:
    outcome = expected(case, row, down)
    async with desk(tmp_path, breaking(case, row, down), timeout=patience(row.fault)) as at:
        before = at.sandbox.store.dump()
        said = await at.call(case.tool, case.arguments)
        assert len(at.front.arrived(case.request)) == 1
        assert len(at.front.writes()) == row.applied
        assert case.count(at.sandbox.store) == case.whole * row.applied
        honest(case, at, before)
        (job if case.bulk else single)(case, row, outcome, down, said)
        if outcome == "refused":
            limited(row, said)
            await nothing_leaves(at)
        else:
            await again(case, at, outcome)


async def nothing_leaves(at: Desk) -> None:
    """Other calls are refused at once as well."""
    arrived = len(at.front.seen)
    said = await at.call(*OTHER)
    assert said.failed
    assert "Nothing was sent" in said.text
    assert len(at.front.seen) == arrived


async def again(case: Case, at: Desk, outcome: Outcome) -> None:
    """TaskIP is well again, and the model repeats the call: what was done is not done twice, what was not may be."""
    at.front.heal()
    before = case.count(at.sandbox.store)
    said = await at.call(case.tool, case.arguments)
    clean(said)
    after = case.count(at.sandbox.store)
    if not case.tells:
        assert after == before
        assert said.failed
        assert "Nothing was sent" in said.text
        assert len(at.front.arrived(case.request)) == 1
    else:
        assert after == case.whole
    if case.guarded:  # not even a request that TaskIP would have refused as a duplicate
        assert len(at.front.writes()) == after // case.whole


# --- nobody listens -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waking(Clock):
    """A clock on which a server that is down comes up as soon as somebody sleeps."""

    down: list[Faulty] = field(default_factory=lambda: list[Faulty]())

    async def sleep(self, seconds: float) -> None:
        """Up with it, then sleep."""
        while self.down:
            await self.down.pop().up()
        await Clock.sleep(self, seconds)


@pytest.mark.parametrize("case", [READ, *CASES.values()], ids=["read", *CASES])
async def test_where_nobody_listens_nothing_is_changed_and_that_is_said(case: Case, tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        left = await at.left()
        await at.front.down()
        before = at.sandbox.store.dump()
        said = await at.call(case.tool, case.arguments)
        honest(case, at, before)
        assert at.front.seen == []
        assert await at.left() == left, "a request that did not leave costs nothing"
    words = said.data["note"] if case.bulk else said.text
    assert said.failed is not case.bulk
    assert "TaskIP could not be reached." in words
    # A job is resumed instead of tried again.
    assert ("Check the network and TASKIP_BASE_URL, then try again." in words) is not case.bulk
    assert (UNCHANGED in words) == (case is not READ)
    if case.bulk:
        assert said.data["items"] == {"not_tried": ids(case)}


@pytest.mark.parametrize("case", [READ, *CASES.values()], ids=["read", *CASES])
async def test_a_refused_connection_is_tried_again_and_the_write_is_done_once(
    case: Case, tmp_path: Path
) -> None:
    clock = Waking(scaled(PACE, time.time()).now, PACE)
    async with desk(tmp_path, clock=clock) as at:
        await at.front.down()
        clock.down.append(at.front)
        before = at.sandbox.store.dump()
        said = await at.call(case.tool, case.arguments)
        honest(case, at, before)
        assert not said.failed
        assert "looked up" not in said.text
        assert len(at.front.arrived(case.request)) == 1
        assert len(at.front.writes()) == (case is not READ)
        assert case.count(at.sandbox.store) == (0 if case is READ else case.whole)


@pytest.mark.parametrize("case", list(CASES.values()), ids=list(CASES))
async def test_a_kept_connection_that_taskip_has_closed_costs_no_write(case: Case, tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        await at.call(*OTHER)
        await at.front.down()
        await at.front.up()
        said = await at.call(case.tool, case.arguments)
        assert not said.failed
        assert "looked up" not in said.text
        assert len(at.front.writes()) == 1
        assert case.count(at.sandbox.store) == case.whole


# --- the read before a write --------------------------------------------------------------------------------

KEPT = {name: case for name, case in CASES.items() if name in {"update", "delete", "bulk (delete)"}}
"""Those that read first what the journal keeps."""

PASSING = [Fault.RESET_BEFORE, *(fault for fault in LOST if fault is not Fault.EMPTY), *LIMITED]
"""An empty answer would be so at any other time: it does not stop the write (see test_journal)."""


@pytest.mark.parametrize("case", list(KEPT.values()), ids=list(KEPT))
@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: fault.name)
async def test_a_write_whose_record_cannot_be_read_first_is_not_sent(
    case: Case, fault: Fault, tmp_path: Path
) -> None:
    plan = Plan(fault, on("GET"), math.inf)
    async with desk(tmp_path, plan, timeout=patience(fault)) as at:
        before = at.sandbox.store.dump()
        said = await at.call(case.tool, case.arguments)
        honest(case, at, before)
        assert at.front.writes() == []
        assert said.failed is not case.bulk
        words = said.data["note"] if case.bulk else said.text
        assert UNCHANGED in words or "Nothing was sent" in words
        if case.bulk:
            assert said.data["items"] == {"not_tried": ids(case)}
        at.front.heal()
        if fault not in LIMITED:
            assert not (await at.call(case.tool, case.arguments)).failed
            assert case.count(at.sandbox.store) == case.whole
            assert len(at.front.writes()) == 1


# --- reads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", [row for row in ROWS if row.applied or row.fault not in LOST], ids=str)
@pytest.mark.parametrize("down", [False, True], ids=["once", "down"])
async def test_a_read_is_tried_again_and_gives_up_with_a_clear_error(
    row: Row, down: bool, tmp_path: Path
) -> None:
    plan = Plan(row.fault, READ.request, math.inf if down else 1)
    async with desk(tmp_path, plan, timeout=patience(row.fault)) as at:
        said = await at.call(READ.tool, READ.arguments)
        clean(said)
        tries = len(at.front.arrived(READ.request))
        if row.fault in LIMITED:
            assert (tries, said.failed) == (1, True)
            assert "lets requests in again in" in said.text
            await nothing_leaves(at)
        elif not down:
            assert (tries, said.failed) == (2, False)
            assert said.data["id"] == 1
        else:
            assert (tries, said.failed) == (2 if row.fault in TWO_TRIES else 3, True)
            assert row.said in said.text
            assert said.text.endswith(("repeated.", "minute.", "a problem.", "after that."))
    if said.failed:
        assert UNCHANGED not in said.text
        assert OPEN not in said.text


# --- Retry-After --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", [READ, *CASES.values()], ids=["read", *CASES])
async def test_a_limit_that_opens_soon_is_waited_for_and_the_write_is_done_once(
    case: Case, tmp_path: Path
) -> None:
    async with desk(tmp_path, Plan(Fault.TOO_MANY_429, case.request, retry_after=2)) as at:
        before, began = at.sandbox.store.dump(), at.clock.now()
        said = await at.call(case.tool, case.arguments)
        honest(case, at, before)
        assert not said.failed
        assert at.clock.now() - began >= 2
        assert len(at.front.arrived(case.request)) == 2
        assert len(at.front.writes()) == (case is not READ)
        assert case.count(at.sandbox.store) == (0 if case is READ else case.whole)


async def test_a_server_that_names_the_seconds_of_its_absence_is_left_alone_for_so_long(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path, Plan(Fault.UNAVAILABLE_503, READ.request, retry_after=3)) as at:
        began = at.clock.now()
        said = await at.call(READ.tool, READ.arguments)
        assert not said.failed
        assert at.clock.now() - began >= 3
        assert len(at.front.arrived(READ.request)) == 2
