"""What answers cost a model: o200k tokens of the text of a result, for the same calls on the same data.

    ours       this server, concise, as it answers unless it is told otherwise
    full       ... with ``detail: "full"``, where the tool has it
    generated  a server that `fastmcp` generates from an OpenAPI document of the operations: TaskIP's JSON as it comes.
               It sends the same once more as structured content, which is not counted here

All talk over stdio to one embedded TaskIP, whose board is filled up to 120 tasks before.

    .venv/bin/python bench/results.py [--without generated]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import httpx
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters
from mcp_types import TextContent

from bench import opponent
from bench.children import KEY, ChildError, Pace, Target, say, server, target
from bench.figures import table
from bench.tokens import count
from taskip_mcp.settings import without_taskip

PLENTY = "100000"
PROJECT = "project-0001-1eef"
BOARD = 120
WORDS = (
    "Draft the", "Review the", "Fix the", "Ship the", "Measure the", "Translate the", "Test the", "Document the",
    "Redesign the", "Approve the", "start page", "price table", "contact form", "cookie notice", "search field",
    "newsletter", "image gallery", "checkout", "site map", "booking page", "press kit", "error page",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """One call."""

    name: str
    tool: str
    arguments: Mapping[str, Any]


CASES = (
    Case("25 invoices", "list_invoices", {"limit": 25}),
    Case("one invoice", "get_invoice", {"invoice_id": "1"}),
    Case("25 contacts", "list_contacts", {"limit": 25}),
    Case("one contact", "get_contact", {"contact_id": "1"}),
    Case("10 companies", "list_companies", {"limit": 10}),
    Case("10 quotations", "list_quotations", {"limit": 10}),
    Case("25 tickets", "list_tickets", {"limit": 25}),
    Case("one ticket", "get_ticket", {"ticket_id": "1"}),
    Case("projects", "list_projects", {"limit": 25}),
    Case(f"board of {BOARD} tasks", "list_tasks", {"project_id": PROJECT}),
    Case("deals", "list_deals", {"pipeline_id": "pipeline-0001-1eef", "limit": 25}),
    Case("conversations", "list_conversations", {"limit": 25}),
    Case("meetings", "list_meetings", {"limit": 25}),
    Case("team members", "list_team_members", {"limit": 25}),
    Case("documents", "list_documents", {"limit": 25}),
)
HEAD = ("result", "ours", "full", "generated", "times")


class CallError(Exception):
    """A call of the benchmark failed."""


async def text_of(client: Client, tool: str, arguments: Mapping[str, Any]) -> str:
    """The text that a model reads."""
    result = await client.call_tool(tool, dict(arguments))
    text = "\n".join(block.text for block in result.content if isinstance(block, TextContent))
    if result.is_error:
        raise CallError(f"{tool}: {text}")
    return text


async def fill(where: Target, ours: Client) -> None:
    """A board of `BOARD` tasks: titles, columns, people and days as they come."""
    headers = {"X-Secret-Key": KEY}
    async with httpx.AsyncClient(base_url=where.base_url, headers=headers, trust_env=False) as http:
        columns = (await http.get(f"/project/{PROJECT}/task")).raise_for_status().json()["data"]
    today = datetime.now(UTC).date()
    present = sum(len(column["items"]) for column in columns)
    for number in range(BOARD - present):
        title = f"{WORDS[number % 10]} {WORDS[10 + number % 12]}, part {number // 60 + 1}"
        await text_of(
            ours,
            "create_task",
            {
                "project_id": PROJECT,
                "title": f"{title} ({number})",
                "description": f"{title}: as agreed with the client in the last call, with the notes of the team.",
                "container_id": str(columns[number % len(columns)]["container_id"]),
                "priority": ("low", "medium", "high")[number % 3],
                "due_date": (today + timedelta(days=number)).isoformat(),
                "assignee_ids": [1 + number % 5],
            },
        )


async def measure(where: Target, folder: Path, *, generated: bool) -> list[list[object]]:
    """The lines of the table."""
    many = {"TASKIP_LIMIT_MINUTE": PLENTY, "TASKIP_LIMIT_HOUR": PLENTY}
    async with AsyncExitStack() as stack:
        ours = await stack.enter_async_context(Client(server(where, folder, Pace(), **many)))
        theirs = None
        if generated:
            command, *rest = opponent.command(folder, where.base_url)
            child = StdioServerParameters(command=command, args=rest, env=without_taskip())
            theirs = await stack.enter_async_context(Client(child))
        schemas = {tool.name: tool.input_schema for tool in (await ours.list_tools()).tools}
        await fill(where, ours)
        return [await row(case, ours, theirs, schemas[case.tool]) for case in CASES]


async def row(case: Case, ours: Client, theirs: Client | None, schema: Mapping[str, Any]) -> list[object]:
    """One line of the table."""
    concise = count(await text_of(ours, case.tool, case.arguments))
    full = raw = None
    if "detail" in schema["properties"]:
        full = count(await text_of(ours, case.tool, {**case.arguments, "detail": "full"}))
    if theirs is not None:
        raw = count(await text_of(theirs, case.tool, case.arguments))
    return [case.name, concise, full, raw, raw / concise if raw else None]


async def main(without: Sequence[str]) -> None:
    """Print the table."""
    with (
        tempfile.TemporaryDirectory(prefix="taskip-bench-") as folder,
        target(Pace(), "--minute", PLENTY, "--hour", PLENTY) as where,
    ):
        rows = await measure(where, Path(folder), generated="generated" not in without)
    say(table(HEAD, rows))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--without", nargs="*", default=[], choices=["generated"], help="leave out")
    try:
        anyio.run(main, parser.parse_args().without)
    except (ChildError, CallError) as error:
        sys.stderr.write(f"results: {error}\n")
        sys.exit(2)
