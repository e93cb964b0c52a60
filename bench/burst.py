"""150 calls at once against an embedded TaskIP that allows 100 requests a minute.

Every server is a process of its own that a real MCP client talks to over stdio; the embedded TaskIP listens on a real
port and notes each answer. By default time runs 10 times as fast for TaskIP and servers alike, while the network does
not: its delays count 10 times as long. ``--real`` takes the real time and the plain server command.

    .venv/bin/python bench/burst.py
    .venv/bin/python bench/burst.py --real --only one,four,redis,spread-one

one, four, redis    one server; four that share a state directory; four that share a Redis
spread-*            meanwhile another program spends 30 requests of the same key: one for each of our first 30
spike-*             ... all of them at once, near the beginning
late-*              ... one for each second of ours, so that they come until the minute is full
refuse              the default patience of 20 seconds: who would wait longer is told so at once

Ends with 1 if what must hold does not; see `broken` and `broken_refusals`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from itertools import cycle
from pathlib import Path
from typing import Literal

import anyio
from mcp.client import Client
from mcp_types import TextContent

from bench.children import ChildError, Noted, Pace, Target, other, redis, say, server, target
from bench.figures import MINUTE, in_first_minute, shares, table, told_seconds

CALLS, LIMIT = 150, 100
CONTACTS = 20
"""Contacts of the embedded TaskIP that are read in turn."""

PATIENCE = 90
"""Seconds that a call may wait for the rate limit (TASKIP_MAX_WAIT)."""

SLOWER = 5.0
"""Pace of `refuse` at most: 20 seconds of patience must be long enough for 100 answers."""

LEAST, REJECTIONS, AT_ONCE = LIMIT - 2, 8, 2.0
"""Requests in the first minute at least, 429s at most, and seconds (of the clock) of a call that does not wait."""

Other = Literal["", "spread", "spike", "late"]
OTHERS: dict[Other, tuple[str, ...]] = {
    "spread": ("--every", "1"),
    "spike": ("--every", "2", "--together"),
    "late": ("--every", "2"),
}
"""When another program spends its requests."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One run: how many servers share which store, and what another program does meanwhile."""

    name: str
    servers: int = 1
    store: Literal["sqlite", "redis"] = "sqlite"
    other: Other = ""
    calls: int = CALLS
    patience: int | None = PATIENCE

    @property
    def rejections(self) -> int:
        """How many 429s there may be. Who takes the last places unseen makes TaskIP reject what is on its way."""
        return REJECTIONS if self.other else 0


SHAPES = (Scenario("one"), Scenario("four", servers=4), Scenario("redis", servers=4, store="redis"))
SCENARIOS: dict[str, Scenario] = {
    each.name: each
    for each in (
        *SHAPES,
        *(replace(shape, name=f"{other}-{shape.name}", other=other) for other in OTHERS for shape in SHAPES),
        Scenario("refuse", patience=None),
    )
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call; `at` is when it ended and `seconds` how long it took, both by the clock of the run."""

    ok: bool
    text: str
    at: float
    seconds: float


@dataclass(slots=True)
class Run:
    """What one scenario came to. `again` are the refused calls, repeated after the time that they were told."""

    scenario: Scenario
    pace: Pace
    outcomes: list[Outcome] = field(default_factory=lambda: list[Outcome]())
    again: list[Outcome] = field(default_factory=lambda: list[Outcome]())
    noted: list[Noted] = field(default_factory=lambda: list[Noted]())
    wall: float = 0.0

    def answered(self, status: int, *, ours: bool) -> int:
        """How many requests had this status."""
        return sum(1 for each in self.noted if (each.status, each.ours) == (status, ours))

    @property
    def failed(self) -> list[Outcome]:
        """Calls of the burst that did not succeed."""
        return [each for each in self.outcomes if not each.ok]

    @property
    def first_minute(self) -> int:
        """Requests with the key that TaskIP accepted in the minute of the first one."""
        return in_first_minute([each.at for each in self.noted if each.status == 200])

    @property
    def row(self) -> list[object]:
        """One line of the table."""
        beside = bool(self.scenario.other)
        return [
            self.scenario.name,
            len(self.outcomes),
            len(self.outcomes) - len(self.failed),
            len(self.failed),
            self.answered(429, ours=True),
            self.answered(200, ours=False) if beside else None,
            self.answered(429, ours=False) if beside else None,
            self.first_minute,
            max(each.seconds for each in self.outcomes),
            self.wall,
        ]


HEAD = (
    "scenario", "calls", "ok", "failed", "429", "other ok", "other 429", "first minute", "longest s", "wall s",
)  # fmt: skip


# --- what must hold ---------------------------------------------------------------------------------------


def broken(run: Run) -> list[str]:
    """What must hold for a burst and does not."""
    if run.scenario.patience is None:
        return broken_refusals(run)
    rejections = run.answered(429, ours=True)
    allowed = run.scenario.rejections
    asked = sum(1 for each in run.noted if each.ours)
    claims = {
        f"{len(run.failed)} calls failed, the first with: {_first(run.failed)}": not run.failed,
        f"{rejections} requests were rejected, more than {allowed}": rejections <= allowed,
        f"{asked} requests for {len(run.outcomes)} calls": asked == len(run.outcomes) + rejections,
        f"only {run.first_minute} requests were accepted in the first minute": _used(run),
    }
    return _untrue(claims)


def broken_refusals(run: Run) -> list[str]:
    """What must hold where the excess is refused, and does not."""
    told = [told_seconds(each.text) for each in run.failed]
    slow = max((each.seconds / run.pace.scale for each in run.failed), default=0.0)
    succeeded = len(run.outcomes) - len(run.failed)
    excess = max(0, len(run.outcomes) - LIMIT)
    claims = {
        f"{len(run.failed)} calls were refused, not {excess}": len(run.failed) == excess,
        f"a refusal without the seconds: {_first(run.failed)}": None not in told,
        f"a refusal took {slow:.2f} real seconds": slow <= AT_ONCE,
        "a refusal tells wrong seconds": all(_exact(run, each) for each in run.failed),
        f"{run.answered(429, ours=True)} requests were rejected": not run.answered(429, ours=True),
        f"{run.first_minute} requests accepted, {succeeded} calls succeeded": run.first_minute == succeeded,
        "a call failed after the time that it was told": all(each.ok for each in run.again),
        "the first call after that time waited": not run.again or run.again[0].seconds <= AT_ONCE,
    }
    return _untrue(claims)


def _untrue(claims: dict[str, bool]) -> list[str]:
    return [words for words, holds in claims.items() if not holds]


def _used(run: Run) -> bool:
    return run.first_minute >= min(LEAST, len(run.outcomes))


def _first(failed: Sequence[Outcome]) -> str:
    return failed[0].text if failed else ""


def _exact(run: Run, refused: Outcome) -> bool:
    """Whether the told seconds end when TaskIP has a place again, a minute after its first request, and not before.

    They were reckoned while the call was under way, rounded up to a whole second, and count from an answer, not from a
    request's arrival.
    """
    opens = min(each.at for each in run.noted) + MINUTE
    late = refused.at + (told_seconds(refused.text) or 0) - opens
    return 0 <= late <= refused.seconds + 1 + AT_ONCE


# --- a run ------------------------------------------------------------------------------------------------


async def ask(client: Client, contact: int, pace: Pace) -> Outcome:
    """One call."""
    began = time.perf_counter()
    result = await client.call_tool("get_contact", {"contact_id": contact})
    seconds = (time.perf_counter() - began) * pace.scale
    block = result.content[0]
    text = block.text if isinstance(block, TextContent) else ""
    return Outcome(not result.is_error, text, pace.now(), seconds)


async def ask_all(clients: Sequence[Client], calls: int, pace: Pace, into: list[Outcome]) -> None:
    """So many calls at once, each client its share."""
    contacts = cycle(range(1, CONTACTS + 1))

    async def one(client: Client, contact: int) -> None:
        into.append(await ask(client, contact, pace))

    async with anyio.create_task_group() as group:
        for client, share in zip(clients, shares(calls, len(clients)), strict=True):
            for _ in range(share):
                group.start_soon(one, client, next(contacts))


@asynccontextmanager
async def started(scenario: Scenario, pace: Pace, where: Target, state: Path) -> AsyncGenerator[list[Client]]:
    """The servers of a scenario, each with its client."""
    variables = {"TASKIP_MAX_WAIT": str(scenario.patience)} if scenario.patience else {}
    with ExitStack() as stack:
        if scenario.store == "redis":
            variables["TASKIP_RATE_STORE"] = stack.enter_context(redis())
        async with anyio.create_task_group() as group:
            clients: list[Client] = []
            leave = anyio.Event()
            ready = [anyio.Event() for _ in range(scenario.servers)]

            async def hold(number: int) -> None:
                async with Client(server(where, state, pace, **variables)) as client:
                    clients.append(client)
                    ready[number].set()
                    await leave.wait()

            for number in range(scenario.servers):
                group.start_soon(hold, number)
            for each in ready:
                await each.wait()
            yield clients
            leave.set()


async def play(scenario: Scenario, scale: float) -> Run:
    """One scenario from start to end."""
    pace = Pace(scale, time.time())
    run = Run(scenario, pace)
    with tempfile.TemporaryDirectory(prefix="taskip-bench-") as state, target(pace) as where:
        async with started(scenario, pace, where, Path(state)) as clients:
            if scenario.patience is None:
                # Its start would count as waiting: the first call is made before the others.
                await ask_all(clients, 1, pace, run.outcomes)
            with other(where, *OTHERS[scenario.other]) if scenario.other else nullcontext():
                began = time.perf_counter()
                await ask_all(clients, scenario.calls - len(run.outcomes), pace, run.outcomes)
                run.wall = time.perf_counter() - began
            run.noted = where.noted()
            await repeat(run, clients)
    return run


async def repeat(run: Run, clients: Sequence[Client]) -> None:
    """Where calls are to be refused: wait as long as they were told, then call again, once and then all at once."""
    told = [each.at + seconds for each in run.failed if (seconds := told_seconds(each.text))]
    if run.scenario.patience is not None or not told:
        return
    await anyio.sleep((max(told) - run.pace.now()) / run.pace.scale)
    await ask_all(clients, 1, run.pace, run.again)
    await ask_all(clients, len(told) - 1, run.pace, run.again)


def scale_of(scenario: Scenario, scale: float) -> float:
    """The pace of a scenario."""
    return scale if scenario.patience else min(scale, SLOWER)


async def main(names: Sequence[str], scale: float) -> int:
    """Run scenarios; the exit status."""
    runs: list[Run] = []
    for name in names:
        scenario = SCENARIOS[name]
        with anyio.fail_after(60 + 300 / scale_of(scenario, scale)):
            runs.append(await play(scenario, scale_of(scenario, scale)))
        say(f"{name}: {'; '.join(broken(runs[-1])) or 'holds'}")
    say(["", table(HEAD, [run.row for run in runs])])
    for run in runs:
        if run.again:
            say(
                f"{run.scenario.name}: {len(run.failed)} refused in {_slowest(run):.2f} real seconds at most, told"
                f" {_first(run.failed)!r}; after that time {sum(each.ok for each in run.again)} of {len(run.again)}"
                f" succeeded, the first of them in {run.again[0].seconds:.2f} s"
            )
    return 1 if any(broken(run) for run in runs) else 0


def _slowest(run: Run) -> float:
    return max(each.seconds / run.pace.scale for each in run.failed)


def options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scale", type=float, default=10.0, help="how much faster time runs; default: 10")
    parser.add_argument(
        "--real", action="store_true", help="real time and the plain command; same as --scale 1"
    )
    parser.add_argument(
        "--only", default=",".join(SCENARIOS), help=f"scenarios; default: {','.join(SCENARIOS)}"
    )
    given = parser.parse_args(arguments)
    given.only = given.only.split(",")
    given.scale = 1.0 if given.real else given.scale
    if unknown := [name for name in given.only if name not in SCENARIOS]:
        parser.error(f"no such scenario: {', '.join(unknown)}")
    return given


if __name__ == "__main__":
    chosen = options()
    try:
        sys.exit(anyio.run(main, chosen.only, chosen.scale))
    except ChildError as error:
        sys.stderr.write(f"burst: {error}\n")
        sys.exit(2)
