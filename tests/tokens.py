"""Tokens as models count them, and what the tools cost with several settings.

``.venv/bin/python -m tests.tokens`` writes the figures that `tests/test_context.py` holds the tools to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.tokens import count, minified
from taskip_mcp import server, toolsets
from taskip_mcp.schemas import ToolEntry
from taskip_mcp.settings import load

__all__ = ["SETTINGS", "count", "entries", "figures", "of_entry"]

COMMITTED = Path(__file__).parent / "data" / "context.json"

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "all": {},
    **{name: {"TASKIP_TOOLSETS": name} for name in toolsets.PROFILES},
    "read only": {"TASKIP_READ_ONLY": "1"},
    "search": {"TASKIP_MODE": "search"},
}


def of_entry(entry: ToolEntry) -> int:
    """Tokens of what a model reads of a tool: name, description, input schema."""
    return count(entry.name) + count(entry.description) + count(minified(entry.inputSchema))


def entries(name: str) -> Sequence[ToolEntry]:
    """The tools that a client is offered with one of `SETTINGS`."""
    return server.offered(load({"TASKIP_SECRET_KEY": "of-the-tests", **SETTINGS[name]}))


def figures() -> dict[str, int]:
    """What each costs, and the largest tool."""
    costs = {name: sum(map(of_entry, entries(name))) for name in SETTINGS}
    return costs | {"largest tool": max(map(of_entry, entries("all")))}


if __name__ == "__main__":
    COMMITTED.write_text(json.dumps(figures(), indent=2) + "\n", "utf-8")
