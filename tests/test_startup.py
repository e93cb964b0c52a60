"""What is loaded and made until the tools are listed: a start that does more than it needs is seen here, untimed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from taskip_mcp import cli, schemas
from taskip_mcp.settings import without_taskip

PROGRAM = """
import atexit, gc, json, sys

def tell():
    from pydantic import BaseModel

    def below(model):
        return [each for kind in model.__subclasses__() for each in (kind, *below(kind))]

    models = [f"{each.__module__}.{each.__name__}" for each in below(BaseModel)]
    json.dump({"modules": sorted(sys.modules), "models": models, "gc": gc.isenabled(),
               "frozen": gc.get_freeze_count()}, sys.stderr)

atexit.register(tell)
sys.argv = ["taskip-mcp"]
from taskip_mcp.__main__ import main
main()
"""
META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "raw", "version": "1"},
}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "raw", "version": "1"}}
OPENINGS: dict[str, list[dict[str, Any]]] = {
    "2025-11-25": [
        {"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": HELLO},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list"},
        {"jsonrpc": "2.0", "id": 2, "method": "resources/templates/list"},
    ],
    "2026-07-28": [
        {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": META}},
        {"jsonrpc": "2.0", "id": 2, "method": "resources/templates/list", "params": {"_meta": META}},
    ],
}
NEEDED = {
    "asking", "caller", "caps", "cli", "clock", "errors", "events", "events.addresses", "events.updates", "facts",
    "instructions", "operation", "outside", "policy", "prompts", "prompts.reads", "prompts.table", "protocol", "redact",
    "redact.names", "redact.text", "register", "resources", "schemas", "seal", "server", "settings",
    "structured", "subscriptions", "turn", "variables", "wire",
}  # fmt: skip
"""Modules of ours that a start may load. Each costs about a millisecond; a new one needs a reason."""

NOT_NEEDED = {"argparse", "difflib", "filelock", "httpx", "nh3", "redis", "sqlite3"}


def started(era: str, folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The answers of a server that is asked for its lists, and what it had loaded when it ended."""
    variables = {"TASKIP_SECRET_KEY": "of-the-tests", "TASKIP_STATE_DIR": str(folder)}
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        env=without_taskip() | variables,
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        answers: list[dict[str, Any]] = []
        for message in OPENINGS[era]:
            process.stdin.write(json.dumps(message) + "\n")
            process.stdin.flush()
            if "id" in message:
                answers.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        return answers, json.loads(process.stderr.read())


@pytest.mark.parametrize("era", OPENINGS)
def test_listing_tools_and_templates_loads_and_makes_nothing_that_only_calls_need(
    era: str, tmp_path: Path
) -> None:
    answers, loaded = started(era, tmp_path)
    by_id = {answer["id"]: answer["result"] for answer in answers}
    assert [tool["name"] for tool in by_id[1]["tools"]] == [entry.name for entry in schemas.load_entries()]
    assert by_id[2]["resourceTemplates"] == schemas.load().templates
    modules = set(loaded["modules"])
    package = {name.removeprefix("taskip_mcp.") for name in modules if name.startswith("taskip_mcp.")}
    assert package - {"__main__"} <= NEEDED
    assert not modules & NOT_NEEDED
    assert [name for name in loaded["models"] if name.startswith("taskip_mcp.")] == [
        "taskip_mcp.register.RawArguments"
    ]
    # The SDK would make one for the parameters of each template.
    assert not [name for name in loaded["models"] if name.endswith("Arguments")][1:]
    assert list(tmp_path.iterdir()) == []


def test_a_serving_process_collects_garbage_but_not_among_what_was_loaded(tmp_path: Path) -> None:
    _, loaded = started("2026-07-28", tmp_path)
    assert loaded["gc"]
    assert loaded["frozen"] > 100_000


def test_a_program_that_imports_the_server_keeps_its_garbage_collection() -> None:
    program = "import gc, taskip_mcp.server, taskip_mcp.cli; print(gc.isenabled(), gc.get_freeze_count())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "0"]


@pytest.mark.parametrize(("command", "times"), [(["sandbox"], 1), (["--transport", "http"], 0)])
def test_other_commands_collect_garbage_from_their_beginning_and_a_server_when_it_is_built(
    command: list[str], times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    called: list[None] = []
    assert cli.run([*command, "--host", "192.0.2.1"], lambda: called.append(None)) == cli.CONFIG_EXIT
    assert "192.0.2.1" in capsys.readouterr().err
    assert len(called) == times
