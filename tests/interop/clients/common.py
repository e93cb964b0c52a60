"""What the Python clients share. They run in environments of their own, so only the standard library is used here."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

JsonObject = dict[str, Any]
Call = Callable[[str, JsonObject], Awaitable[tuple[bool, str]]]
"""Calls a tool; answers whether it failed, and with what text."""

CODE = re.compile(r'"confirm_code":"([^"]+)"')


class Report:
    """What `judge.py` reads."""

    def __init__(self, *packages: str) -> None:
        self.client = ", ".join(f"{name} {version(name)}" for name in packages)
        self.schemas: dict[str, dict[str, JsonObject]] = {}
        self.refused: dict[str, dict[str, str]] = {}
        self.calls: dict[str, list[JsonObject]] = {}

    def convert(self, kind: str, name: str, conversion: Callable[[], JsonObject]) -> None:
        """Note a schema after a conversion, or why it was refused."""
        try:
            self.schemas.setdefault(kind, {})[name] = conversion()
        except Exception as error:  # whatever a framework raises is what we want to know
            self.refused.setdefault(kind, {})[name] = f"{type(error).__name__}: {error}"

    async def walk(self, transport: str, steps: Sequence[JsonObject], call: Call) -> None:
        """Carry out the steps and note the answers."""
        noted = self.calls.setdefault(transport, [])
        for step in steps:
            error, text = await call(step["tool"], step["arguments"])
            if step["confirm"] and not error:
                error, text = await call(step["tool"], agreed(step["arguments"], text))
            noted.append({"tool": step["tool"], "error": error, "text": text})


def agreed(arguments: JsonObject, preview: str) -> JsonObject:
    """The arguments with the confirmation that a preview asks for."""
    code = CODE.search(preview)
    return arguments | {"confirm": True} | ({"confirm_code": code[1]} if code else {})


def run(report: Report, work: Callable[[JsonObject, Report], Coroutine[Any, Any, None]]) -> None:
    """Read the plan that the first argument names, do the work, write the report to the second."""
    import asyncio

    plan = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    asyncio.run(work(plan, report))
    made = {
        "client": report.client,
        "schemas": report.schemas,
        "refused": report.refused,
        "calls": report.calls,
    }
    Path(sys.argv[2]).write_text(json.dumps(made), "utf-8")
