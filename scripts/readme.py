"""Bring the generated parts of README.md up to date: the settings table and the tool reference.

Each part lies between ``<!-- begin: name -->`` and ``<!-- end: name -->``. With ``--check`` nothing is written and
a difference is exit status 1.
"""

from __future__ import annotations

import re
import sys
from functools import partial
from pathlib import Path

from taskip_mcp import resources, schemas, settings

README = Path(__file__).parent.parent / "README.md"


def settings_table() -> str:
    """Every environment variable, once."""
    rows = [f"| `{each.name}` | {each.default} | {each.meaning} |" for each in settings.VARIABLES]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def tool_reference() -> str:
    """Every tool by group: name, endpoint, what the gate asks for, and its description."""
    lines: list[str] = []
    group = ""
    for entry in schemas.load_entries():
        if entry.group != group:
            group = entry.group
            lines += ["", f"### {group.replace('_', ' ').capitalize()}", ""]
            lines += ["| tool | endpoint | confirm | what it does |", "| --- | --- | --- | --- |"]
        gate = ", ".join(entry.consequences)
        description = entry.description.replace("|", "\\|")
        lines.append(f"| `{entry.name}` | `{entry.endpoint}` | {gate} | {description} |")
    return "\n".join(lines).strip()


def resource_reference() -> str:
    """Every resource address."""
    rows = [f"| `{each.uri}` | {each.mime_type} | {each.description} |" for each in resources.TEMPLATES]
    about = "| `taskip://about` | application/json | This server: version, live or sandbox, routes in use. |"
    budget = (
        "| `taskip://budget` | application/json | Requests that the API key has left in each rate window. |"
    )
    return "\n".join(["| address | type | what it shows |", "| --- | --- | --- |", about, budget, *rows])


def counts() -> str:
    """The figures of the first paragraph."""
    entries = schemas.load_entries()
    gated = sum(1 for entry in entries if entry.consequences)
    return (
        f"{len(entries)} tools in {len({entry.group for entry in entries})} groups, {gated} of them behind the gate,"
        f" and {len(resources.TEMPLATES) + 2} resources."
    )


PARTS = {
    "counts": counts,
    "settings": settings_table,
    "tools": tool_reference,
    "resources": resource_reference,
}


def generated(text: str) -> str:
    """`text` with every part replaced; a missing part is an error."""
    for name, make in PARTS.items():
        pattern = re.compile(rf"(<!-- begin: {name} -->\n).*?(\n<!-- end: {name} -->)", re.DOTALL)
        if not pattern.search(text):
            raise SystemExit(f"README.md has no part named {name}")
        # A function as replacement: the text may hold backslashes.
        text = pattern.sub(partial(_between, make()), text)
    return text


def _between(part: str, found: re.Match[str]) -> str:
    return found[1] + part + found[2]


def main() -> int:
    """Write, or compare with ``--check``."""
    before = README.read_text("utf-8")
    after = generated(before)
    if "--check" in sys.argv[1:]:
        return int(before != after)
    README.write_text(after, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
