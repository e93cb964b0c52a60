"""`taskip-mcp journal`: prints the journal of this machine, or exports it with what was there before each change."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator, Iterable, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any, TextIO

from taskip_mcp import changes
from taskip_mcp.budget import account_of
from taskip_mcp.clock import Clock
from taskip_mcp.entries import Entry
from taskip_mcp.errors import ConfigError, TaskipError
from taskip_mcp.outside import clean
from taskip_mcp.settings import Settings
from taskip_mcp.writelog import WriteLog

NONE = "The embedded TaskIP keeps its journal in memory: ask list_changes of the server that runs it."


def run(
    settings: Settings,
    *,
    since: date | None,
    until: date | None,
    tool: str,
    record: str,
    limit: int,
    export: Path | None,
) -> int:
    """Print what was changed, the newest first; with `export` write all of it as JSON lines, the oldest first."""
    if settings.state_folder is None:
        raise ConfigError(NONE)
    try:
        with closing(
            WriteLog(settings.state_folder, account_of(settings), Clock(), settings.journal_days)
        ) as log:
            found = changes.chosen(log, since=since, until=until, tool=tool, record=record, limit=limit)
            if export:
                with _private(export) as file:
                    count = _export(log, found, file)
                sys.stderr.write(f"taskip-mcp: {count} changes written\n")
            else:
                _print(log, found, sys.stdout)
    except TaskipError as error:
        raise ConfigError(str(error)) from None
    return 0


def _print(log: WriteLog, found: Sequence[Entry], file: TextIO) -> None:
    if not found:
        sys.stderr.write("taskip-mcp: no such changes were made with this key and state directory\n")
    for entry in found:
        told = changes.shown(log, entry)
        given = json.dumps(told.get("arguments", {}), ensure_ascii=False)
        how = f"confirmation: {told['confirmed']}" if told.get("confirmed") else ""
        who = f"through {told['client']}" if told.get("client") else ""
        rest = "; ".join(part for part in (how, who) if part)
        line = f"{told['at']}  {told['id']}  {told['tool']}  {told['outcome']}  {given}  {rest}"
        # What outsiders wrote may be among it; a terminal obeys control characters.
        file.write(clean(line).replace("\n", " ").rstrip() + "\n")


def _export(log: WriteLog, found: Iterable[Entry], file: TextIO) -> int:
    """One JSON object a line: the change, its parts if it is a job, and what was there before."""
    count = 0
    for entry in sorted(found, key=lambda each: each.begun):
        parts = [_whole(log, part) for part in log.of_job(entry.write)] if entry.kind == "job" else []
        whole = _whole(log, entry) | ({"parts": parts} if parts else {})
        file.write(json.dumps(whole, ensure_ascii=False) + "\n")
        count += 1
    return count


def _whole(log: WriteLog, entry: Entry) -> dict[str, Any]:
    told = asdict(entry)
    return {"outcome": changes.outcome(log, entry)} | {
        name: value for name, value in told.items() if name != "owner" and value not in ("", {})
    }


@contextmanager
def _private(path: Path) -> Generator[TextIO]:
    """A new file that its owner alone can read: an export holds what customers wrote."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written ({error.strerror}). Name a file that does not exist."
        ) from None
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        yield file
