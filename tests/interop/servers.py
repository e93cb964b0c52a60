"""Servers for one client: a sandbox without limits for the child over stdio, and a server over streamable HTTP."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.interop.workshop import ROOT, environment

SERVING = re.compile(r"serving on (http://127\.0\.0\.1:\d+\S*)")
STRICT = {"TASKIP_CONFIRM": "strict"}
"""A preview's code has to come back as well: the longest way through the gate."""
PLENTY = {f"TASKIP_LIMIT_{window}": "100000" for window in ("MINUTE", "HOUR", "UPLOADS", "QUOTATION_SENDS")}


class StartError(Exception):
    """A process ended before it served; holds what it said."""


@contextmanager
def process(*arguments: str, variables: Mapping[str, str]) -> Generator[str]:
    """``python -m taskip_mcp`` with these arguments; yields the address that it serves on."""
    command = [sys.executable, "-m", "taskip_mcp", *arguments, "--port", "0"]
    with (
        subprocess.Popen(
            command, cwd=ROOT, env=environment() | dict(variables), stderr=subprocess.PIPE, text=True
        ) as child,
        _ended(child),
    ):
        yield _address(child)


@contextmanager
def over_http(variables: Mapping[str, str] = STRICT) -> Generator[str]:
    """A server over streamable HTTP on the embedded TaskIP."""
    with process("--transport", "http", variables={"TASKIP_SANDBOX": "1", **variables}) as address:
        yield address


@contextmanager
def over_stdio(folder: Path) -> Generator[dict[str, Any]]:
    """How a client starts a server whose TaskIP is a sandbox of its own without limits: one call of every tool is
    more than a minute allows."""
    (folder / "note.txt").write_text("a note", "utf-8")
    with process("sandbox", "--no-limits", variables={}) as address:
        variables = (
            STRICT
            | PLENTY
            | {
                "TASKIP_SECRET_KEY": "interop",
                "TASKIP_BASE_URL": address,
                "TASKIP_STATE_DIR": str(folder / "state"),
                "TASKIP_FILES_DIR": str(folder),
            }
        )
        yield {
            "command": sys.executable,
            "args": ["-m", "taskip_mcp"],
            "env": environment() | variables,
            "cwd": str(ROOT),
        }


@contextmanager
def _ended(child: subprocess.Popen[str]) -> Generator[None]:
    try:
        yield
    finally:
        child.terminate()
        child.communicate(timeout=30)


def _address(child: subprocess.Popen[str]) -> str:
    assert child.stderr is not None
    said: list[str] = []
    for line in child.stderr:
        if found := SERVING.search(line):
            return found[1]
        said.append(line)
    raise StartError("".join(said[-20:]))
