"""Cold start: from the start of the process to the answer of tools/list over stdio, and the most memory until then.

    sdk        the SDK of our venv with one tool that does nothing (`noop.py`)
    ours       this server with all its tools
    sdk*       the same as sdk, with the SDK of the venv that holds `fastmcp`
    generated  a server that `fastmcp` generates from an OpenAPI document of our operations

They are started in turn, each turn beginning with another one, so that a busy moment of the machine meets all alike;
before that each once, so that all find their compiled modules. The interpreter is the same and has the same settings
for all. A ratio is the median over the turns: ours to sdk, generated to sdk*.

    .venv/bin/python bench/startup.py [--turns 15]

Ends with 1 if what must hold does not: ours at most 1.15 times the time of sdk and 1.2 times its memory.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from bench import opponent
from bench.children import HERE, KEY, ChildError, say
from bench.figures import table
from taskip_mcp.settings import without_taskip

SLOWER, BIGGER = 1.15, 1.2
"""Times as long and as big as the SDK alone that a start may be."""

ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "bench", "version": "1"},
}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "bench", "version": "1"}}
ERAS: Mapping[str, Sequence[dict[str, Any]]] = {
    "2025-11-25": (
        {"id": 0, "method": "initialize", "params": HELLO},
        {"method": "notifications/initialized"},
        {"id": 1, "method": "tools/list"},
    ),
    "2026-07-28": ({"id": 1, "method": "tools/list", "params": {"_meta": ENVELOPE}},),
}
"""What a client sends until it has the tools."""


class Start(NamedTuple):
    """One start; `megabytes` is None where the system does not tell."""

    milliseconds: float
    megabytes: float | None
    tools: list[dict[str, Any]]


@dataclass(slots=True)
class Server:
    """One of those compared; `base` names what its figures are set against."""

    name: str
    command: Sequence[str]
    base: str = ""
    variables: Mapping[str, str] = field(default_factory=lambda: dict[str, str]())

    def start(self, era: str) -> Start:
        """Start it, ask for its tools, end it."""
        began = time.perf_counter()
        with subprocess.Popen(
            list(self.command),
            env={**settings(), **self.variables},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                answer = _exchange(process, ERAS[era])
                taken = time.perf_counter() - began
                return Start(taken * 1000, peak(process.pid), answer["result"]["tools"])
            finally:
                process.kill()

    def tools(self) -> list[dict[str, Any]]:
        """Its tools as a client gets them."""
        return self.start("2026-07-28").tools


def settings() -> dict[str, str]:
    """The environment of all: none of our variables, and compiled modules are kept, as after an installation."""
    return {name: value for name, value in without_taskip().items() if name != "PYTHONDONTWRITEBYTECODE"}


def _exchange(process: subprocess.Popen[bytes], messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Send the messages, waiting for the answer to each request; the last answer."""
    assert process.stdin
    assert process.stdout
    answer: dict[str, Any] = {}
    for message in messages:
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
        process.stdin.flush()
        if "id" in message:
            line = process.stdout.readline()
            if not line:
                raise ChildError(f"{process.args!r} ended without an answer")
            answer = json.loads(line)
    return answer


def peak(pid: int) -> float | None:
    """The most memory that a process had so far, in megabytes (VmHWM); None where there is no /proc."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except FileNotFoundError:
        return None
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def servers(folder: Path, *, without: Sequence[str] = ()) -> list[Server]:
    """All that are compared, but for those left out."""
    noop = str(HERE / "noop.py")
    ours = {"TASKIP_SECRET_KEY": KEY, "TASKIP_STATE_DIR": str(folder)}
    all_of_them = [
        Server("sdk", [sys.executable, noop]),
        Server("ours", [sys.executable, "-m", "taskip_mcp"], "sdk", ours),
    ]
    if "generated" not in without:
        all_of_them += [
            Server("sdk*", [str(opponent.python()), noop]),
            Server("generated", opponent.command(folder), "sdk*"),
        ]
    return all_of_them


Runs = dict[str, list[Start]]


def compare(chosen: Sequence[Server], era: str, turns: int) -> Runs:
    """So many starts of each, in turn."""
    runs: Runs = {each.name: [] for each in chosen}
    for turn in range(-1, turns):
        first = turn % len(chosen)
        for each in (*chosen[first:], *chosen[:first]):
            start = each.start(era)
            if turn >= 0:
                runs[each.name].append(start)
    return runs


def ratio(runs: Runs, server: Server) -> tuple[float, float | None] | None:
    """Time (median over the turns) and memory (of the medians) as multiples of what it is set against."""
    if not server.base:
        return None
    pairs = zip(runs[server.name], runs[server.base], strict=True)
    slower = statistics.median(each.milliseconds / base.milliseconds for each, base in pairs)
    mine, its = memory(runs[server.name]), memory(runs[server.base])
    return slower, mine / its if mine and its else None


def memory(starts: Sequence[Start]) -> float | None:
    """Median of the megabytes."""
    known = [each.megabytes for each in starts if each.megabytes is not None]
    return statistics.median(known) if known else None


HEAD = ("start", "tools", "ms median", "ms least", "times", "MB peak", "times")


def row(name: str, runs: Runs, server: Server) -> list[object]:
    """One line of the table."""
    starts, times = runs[server.name], ratio(runs, server) or (None, None)
    taken = [each.milliseconds for each in starts]
    median, least = round(statistics.median(taken)), round(min(taken))
    return [name, len(starts[0].tools), median, least, times[0], memory(starts), times[1]]


def broken(era: str, times: tuple[float, float | None] | None) -> list[str]:
    """What must hold and does not."""
    slower, bigger = times or (0.0, None)
    claims = {
        f"{era}: {slower:.2f} times the start of the SDK alone": slower <= SLOWER,
        f"{era}: {bigger or 0:.2f} times the memory of the SDK alone": (bigger or 0) <= BIGGER,
    }
    return [words for words, holds in claims.items() if not holds]


def main(turns: int, without: Sequence[str]) -> int:
    """Measure; the exit status."""
    rows: list[list[object]] = []
    faults: list[str] = []
    with tempfile.TemporaryDirectory(prefix="taskip-bench-") as folder:
        chosen = servers(Path(folder), without=without)
        for era in ERAS:
            runs = compare(chosen, era, turns)
            rows += [row(f"{each.name} {era}", runs, each) for each in chosen]
            faults += broken(era, ratio(runs, chosen[1]))
    say(f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, {turns} turns")
    say(table(HEAD, rows))
    say(faults or [f"holds: at most {SLOWER} times the time and {BIGGER} times the memory of the SDK alone"])
    return 1 if faults else 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=15, help="starts of each in either era; default: 15")
    parser.add_argument("--without", nargs="*", default=[], choices=["generated"], help="leave out")
    given = parser.parse_args()
    try:
        sys.exit(main(given.turns, given.without))
    except ChildError as error:
        sys.stderr.write(f"startup: {error}\n")
        sys.exit(2)
