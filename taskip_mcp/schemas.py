"""`tool_schemas/`: one JSON file a tool, generated from the functions and reviewed as a diff.

The server starts from these files, so that no group module, pydantic model or HTTP library is loaded before the
first call. `taskip-mcp schemas` writes them, `--check` compares. They lie beside the package in a checkout and
inside it in a wheel.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from taskip_mcp.errors import ConfigError
from taskip_mcp.operation import OWN_GROUP, Effect, Operation, Tool

JsonObject = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolEntry:
    """What the server needs to offer a tool; the fields of its file."""

    name: str
    title: str
    description: str
    group: str
    contract: str
    endpoint: str
    effect: str
    consequences: list[str] = field(default_factory=lambda: list[str]())
    annotations: JsonObject = field(default_factory=lambda: JsonObject())
    inputSchema: JsonObject = field(default_factory=lambda: JsonObject())


def entry_of(tool: Tool) -> ToolEntry:
    """The file's content for one tool; those of the server itself have neither contract nor endpoint."""
    from taskip_mcp import arguments

    operation = tool if isinstance(tool, Operation) else None
    return ToolEntry(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        group=operation.group if operation else OWN_GROUP,
        contract=operation.contract if operation else "",
        endpoint=operation.reference.endpoint if operation else "",
        effect=tool.effect.value,
        consequences=sorted(tool.possible),
        annotations=annotations_of(tool),
        inputSchema=arguments.schema_of(tool),
    )


def annotations_of(tool: Tool) -> JsonObject:
    """The hints of the protocol, from the effect and the consequences."""
    return {
        "title": tool.title,
        "readOnlyHint": tool.effect is Effect.READ,
        "destructiveHint": tool.gated,
        "idempotentHint": tool.idempotent,
        # The server's own reads touch nothing but its own state.
        "openWorldHint": isinstance(tool, Operation) or tool.gated,
    }


def folder() -> Path:
    """Where the files are: in the package (wheel) or beside it (checkout)."""
    package = Path(__file__).parent
    inside = package / "tool_schemas"
    return inside if inside.is_dir() else package.parent / "tool_schemas"


def load_entries() -> list[ToolEntry]:
    """All entries in the order of the API reference; raises `ConfigError` when they are missing."""
    from taskip_mcp.operation import GROUPS

    files = sorted(folder().glob("*.json"))
    if not files:
        raise ConfigError(f"{folder()} holds no tool schemas; run `taskip-mcp schemas`.")
    entries = [ToolEntry(**json.loads(file.read_text("utf-8"))) for file in files]
    rank = {group: index for index, group in enumerate((*GROUPS, OWN_GROUP))}
    return sorted(entries, key=lambda entry: (rank[entry.group], entry.name))


def expected() -> dict[str, str]:
    """File name -> content, generated from the functions."""
    from taskip_mcp import own
    from taskip_mcp.operation import load_all

    tools: list[Tool] = [*load_all().values(), *own.tools().values()]
    return {f"{each.name}.json": _text(entry_of(each)) for each in tools}


def _text(entry: ToolEntry) -> str:
    return json.dumps(asdict(entry), ensure_ascii=False, indent=2) + "\n"


def write(target: Path | None = None) -> list[str]:
    """Bring the folder up to date; answers with the names of the files that changed."""
    target = target or folder()
    changed = differences(target)
    wanted = expected()
    for name in changed:
        if name in wanted:
            (target / name).write_text(wanted[name], "utf-8")
        else:
            (target / name).unlink()
    return changed


def differences(target: Path | None = None) -> list[str]:
    """Names of files that differ, are missing or have no function."""
    target = target or folder()
    wanted = expected()
    present = {file.name: file.read_text("utf-8") for file in target.glob("*.json")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
