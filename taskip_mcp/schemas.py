"""What the server offers, generated from the functions: `tool_schemas/` to be reviewed, `compiled.json` to start from.

`tool_schemas/` holds one JSON file a tool, reviewed as a diff. ``taskip_mcp/compiled.json`` holds them all in one file,
with the resource templates as they are listed: the server starts from it, so that no group module, pydantic model or
HTTP library is loaded before the first call. `taskip-mcp schemas` writes both, `--check` compares. The files of
`tool_schemas/` lie beside the package in a checkout; a wheel holds the compiled file alone.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from taskip_mcp.errors import ConfigError

if TYPE_CHECKING:
    from taskip_mcp.operation import Tool
    from taskip_mcp.resources import ResourceEntry

JsonObject = dict[str, Any]

COMPILED = Path(__file__).with_name("compiled.json")
"""What the server starts from."""


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


# --- what the server starts from --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Compiled:
    """The compiled file. `tools` are in the order of the API reference, `templates` as a client sees them."""

    tools: list[ToolEntry]
    templates: list[JsonObject]


def load(file: Path = COMPILED) -> Compiled:
    """Read the compiled file; raises `ConfigError` when it is missing."""
    try:
        text = file.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{file} is missing; run `taskip-mcp schemas`.") from None
    held = cast("dict[str, list[JsonObject]]", json.loads(text))
    return Compiled([ToolEntry(**each) for each in held["tools"]], held["templates"])


def load_entries() -> list[ToolEntry]:
    """All tools in the order of the API reference."""
    return load().tools


# --- made from the functions ------------------------------------------------------------------------------


def entry_of(tool: Tool) -> ToolEntry:
    """The file's content for one tool; those of the server itself have neither contract nor endpoint."""
    from taskip_mcp import arguments
    from taskip_mcp.operation import OWN_GROUP, Operation

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
    from taskip_mcp.operation import Effect, Operation

    return {
        "title": tool.title,
        "readOnlyHint": tool.effect is Effect.READ,
        "destructiveHint": tool.gated,
        "idempotentHint": tool.idempotent,
        # The server's own reads touch nothing but its own state.
        "openWorldHint": isinstance(tool, Operation) or tool.marked or tool.gated,
    }


def template_of(entry: ResourceEntry) -> JsonObject:
    """A resource template as it is listed."""
    return {
        "uriTemplate": entry.uri,
        "name": entry.name,
        "description": entry.description,
        "mimeType": entry.mime_type,
    }


def made() -> Compiled:
    """What the functions produce."""
    from taskip_mcp import own, resources
    from taskip_mcp.operation import GROUPS, OWN_GROUP, load_all

    tools: list[Tool] = [*load_all().values(), *own.tools().values()]
    rank = {group: index for index, group in enumerate((*GROUPS, OWN_GROUP))}
    entries = sorted(map(entry_of, tools), key=lambda entry: (rank[entry.group], entry.name))
    return Compiled(
        entries, [template_of(each) for each in (*resources.TEMPLATES, resources.EVENTS) if each.is_template]
    )


def expected() -> dict[str, str]:
    """File name -> content, generated from the functions."""
    all_of_it = made()
    files = {
        f"{each.name}.json": json.dumps(asdict(each), ensure_ascii=False, indent=2) + "\n"
        for each in all_of_it.tools
    }
    return files | {COMPILED.name: _compiled(all_of_it)}


def _compiled(all_of_it: Compiled) -> str:
    """A line for each row, so that a change shows where it is."""
    lists = {"tools": [asdict(each) for each in all_of_it.tools], "templates": all_of_it.templates}
    texts = {
        name: ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
        for name, rows in lists.items()
    }
    return "{" + ",\n".join(f'"{name}":[\n{text}\n]' for name, text in texts.items()) + "}\n"


# --- keeping the files up to date -------------------------------------------------------------------------


def folder() -> Path:
    """Where the reviewed files are: beside the package, in a checkout."""
    return Path(__file__).parent.parent / "tool_schemas"


def write(target: Path | None = None) -> list[str]:
    """Bring the files up to date; answers with the names of those that changed. In `target`, if given, are all."""
    wanted, places = expected(), _places(target)
    changed = _differences(wanted, places)
    for name in changed:
        file = places.get(name) or (target or folder()) / name
        if name in wanted:
            file.write_text(wanted[name], "utf-8")
        else:
            file.unlink()
    return changed


def differences(target: Path | None = None) -> list[str]:
    """Names of files that differ, are missing or have no function."""
    return _differences(expected(), _places(target))


def _places(target: Path | None) -> dict[str, Path]:
    """Name -> file of all that should be there, and of all that is."""
    if target is None and not folder().is_dir():
        raise ConfigError(f"{folder()} does not exist: the schemas are generated in a checkout.")
    places = {file.name: file for file in (target or folder()).glob("*.json")}
    return places | {COMPILED.name: COMPILED if target is None else target / COMPILED.name}


def _differences(wanted: dict[str, str], places: dict[str, Path]) -> list[str]:
    present = {name: file.read_text("utf-8") for name, file in places.items() if file.exists()}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
