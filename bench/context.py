"""What the tools cost a model before it calls any: o200k tokens of name, description and input schema.

Every list is what a client gets from a server over stdio: this one with several settings, and a server that `fastmcp`
generates from an OpenAPI document of the same operations with our words and schemas, as far as they are TaskIP's. Hosts
differ in what else they show; the last column counts all fields of the list, with titles, annotations and the like.

    .venv/bin/python bench/context.py [--without generated]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import opponent
from bench.children import KEY, ChildError, say
from bench.figures import table
from bench.startup import Server
from bench.tokens import count, minified, of_tool
from taskip_mcp import server
from taskip_mcp.settings import Settings
from taskip_mcp.toolsets import PROFILES

CHOICES: Mapping[str, Mapping[str, str]] = {
    "all": {},
    **{name: {"TASKIP_TOOLSETS": name} for name in PROFILES},
    "read only": {"TASKIP_READ_ONLY": "1"},
    "confirm=strict": {"TASKIP_CONFIRM": "strict"},
    "search mode": {"TASKIP_MODE": "search"},
}
"""Settings of this server that change the list."""

HEAD = ("list", "tools", "tokens", "a tool", "most", "of", "all fields")


def row(name: str, tools: Sequence[Mapping[str, Any]]) -> list[object]:
    """One line of the table."""
    costs = {tool["name"]: of_tool(tool) for tool in tools}
    most = max(costs, key=lambda each: costs[each])
    total = sum(costs.values())
    return [name, len(tools), total, round(total / len(tools)), costs[most], most, count(minified(tools))]


def main(without: Sequence[str]) -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory(prefix="taskip-bench-") as folder:
        base = {"TASKIP_SECRET_KEY": KEY, "TASKIP_STATE_DIR": folder}
        command = [sys.executable, "-m", "taskip_mcp"]
        rows = [
            row(name, Server(name, command, "", {**base, **given}).tools()) for name, given in CHOICES.items()
        ]
        if "generated" not in without:
            rows.append(row("generated", Server("generated", opponent.command(Path(folder))).tools()))
    say(table(HEAD, rows))
    settings = Settings()
    text = server.told(server.selected(settings), settings)
    say(f"instructions of this server: {count(text)} tokens, {len(text)} characters")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--without", nargs="*", default=[], choices=["generated"], help="leave out")
    try:
        main(parser.parse_args().without)
    except ChildError as error:
        sys.stderr.write(f"context: {error}\n")
        sys.exit(2)
