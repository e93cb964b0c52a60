"""`make interop`: every client lists all tools and calls each; what came out is compared with what was published.

    python -m tests.interop.run [CLIENT ...]

Exit status 1 if anything was lost on the way, if a call went wrong, or if a schema breaks a rule of some vendor.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from tests.interop import judge, plan, portable, servers, workshop
from tests.interop.plan import Listed

HERE = Path(__file__).parent
PYTHON = ("langchain", "openai", "pydantic")
TYPESCRIPT = {
    "typescript-1": ["sdk"],
    "typescript-2": ["client", "legacy"],
    "typescript-2-modern": ["client", "modern"],
}
INSPECTOR = "inspector"
CLIENTS = (*TYPESCRIPT, *PYTHON, INSPECTOR)
SECONDS = 120
"""That a client may take for all calls."""
SHOWN = 40
WARNED = re.compile(r"[1-9]\d* warning")


async def published(parameters: dict[str, Any]) -> list[Listed]:
    """What the server lists to the project's own client."""
    async with Client(StdioServerParameters(**parameters)) as client:
        return await plan.listed(client)


def command_of(name: str, given: Path, made: Path) -> list[str]:
    """How a client is run."""
    if name in PYTHON:
        interpreter = workshop.python(name, HERE / "requirements" / f"{name}.txt")
        return [str(interpreter), str(HERE / "clients" / f"{name}_client.py"), str(given), str(made)]
    script = HERE / "clients" / "typescript.mjs"
    folder = workshop.npm("typescript", HERE / "package.json")
    shutil.copy(script, folder)  # packages are looked for beside the script
    return [str(workshop.node()), str(folder / script.name), str(given), str(made), *TYPESCRIPT[name]]


def of_client(name: str, tools: Sequence[Listed]) -> tuple[str, list[str]]:
    """Run a client against servers of its own; its name in full, and what went wrong."""
    with tempfile.TemporaryDirectory() as place, servers.over_http() as url:
        folder = Path(place)
        given, made = folder / "plan.json", folder / "report.json"
        command = command_of(name, given, made)
        steps = {"stdio": plan.every_tool(tools), "http": plan.few(tools)}
        with servers.over_stdio(folder) as stdio:
            exported = {kind: plan.exported(each) for kind, each in steps.items()}
            given.write_text(json.dumps({"stdio": stdio, "http": url, "steps": exported}), "utf-8")
            done = _run(command)
        if not made.exists():
            return name, [f"it ended with {done.returncode}: {_end(done)}"]
        report = json.loads(made.read_text("utf-8"))
        return report["client"], judge.failures(report, tools, steps)


def of_inspector() -> tuple[str, list[str]]:
    """The Inspector's lint of what the server lists; it ends with 6 on errors, and says how many warnings there are."""
    folder = workshop.npm("typescript", HERE / "package.json")
    command = [
        str(workshop.node()), str(folder / "node_modules/.bin/mcp-inspector"), "--cli", "-e", "TASKIP_SANDBOX=1",
        sys.executable, "-m", "taskip_mcp", "--method", "tools/list", "--strict",
    ]  # fmt: skip
    done = _run(command)
    pins = json.loads((HERE / "package.json").read_text("utf-8"))["dependencies"]
    client = f"Inspector {pins['@modelcontextprotocol/inspector']}, --strict"
    clean = done.returncode == 0 and not WARNED.search(done.stderr)
    return client, [] if clean else [f"it ended with {done.returncode}: {done.stderr[-3000:]}"]


def main(wanted: Sequence[str]) -> int:
    """Run the named clients, or all."""
    if unknown := set(wanted) - set(CLIENTS):
        sys.stderr.write(f"no such client: {', '.join(sorted(unknown))}; there are {', '.join(CLIENTS)}\n")
        return 2
    with tempfile.TemporaryDirectory() as place, servers.over_stdio(Path(place)) as stdio:
        tools = anyio.run(published, stdio)
    rules = [f"{tool.name}: {problem}" for tool in tools for problem in portable.problems(tool)]
    good = _tell("rules of the vendors", rules, 0.0, f"{len(tools)} tools")
    for name in wanted or CLIENTS:
        start = time.monotonic()
        client, problems = of_inspector() if name == INSPECTOR else of_client(name, tools)
        good = _tell(client, problems, time.monotonic() - start) and good
    return 0 if good else 1


def _tell(what: str, problems: Sequence[str], seconds: float, more: str = "") -> bool:
    taken = f"{seconds:.0f} s" if seconds else more
    sys.stdout.write(f"{'FAILED' if problems else 'ok':7}{what} ({taken})\n")
    for problem in problems[:SHOWN]:
        sys.stdout.write(f"    {problem}\n")
    if len(problems) > SHOWN:
        sys.stdout.write(f"    and {len(problems) - SHOWN} more\n")
    sys.stdout.flush()
    return not problems


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, cwd=workshop.ROOT, env=workshop.environment(), capture_output=True, text=True,
            check=False, timeout=SECONDS,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(command, -1, "", f"more than {SECONDS} s; {late.stderr or ''}")


def _end(done: subprocess.CompletedProcess[str]) -> str:
    return f"{done.stdout[-1000:]}\n{done.stderr[-3000:]}".strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
