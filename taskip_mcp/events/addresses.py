"""Which resources events make stale: addresses, told by what a delivery names.

It does no harm to tell too often: where an event does not tell an id, it may be about any. Left out is what shows no
more of a record than its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import unquote

from taskip_mcp.events import Event

FEED = "taskip://events"

ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "contact": ("taskip://contacts/{record}", "taskip://contacts"),
    "company": ("taskip://companies/{record}", "taskip://companies"),
    "invoice": (
        "taskip://invoices/{record}", "taskip://invoices/{record}/pdf", "taskip://invoices",
    ),
    "quotation": ("taskip://quotations/{record}", "taskip://quotations"),
    "ticket": (
        "taskip://tickets/{record}", "taskip://tickets/{record}/attachments", "taskip://tickets",
        "taskip://ticket-analytics",
    ),
    "project": (
        "taskip://projects/{record}", "taskip://projects/{record}/activity", "taskip://projects", "taskip://activity",
    ),
    "task": (
        "taskip://projects/{project}/tasks/{record}", "taskip://projects/{project}/board",
        "taskip://projects/{project}", "taskip://projects/{project}/activity", "taskip://projects", "taskip://tasks",
        "taskip://activity",
    ),
}  # fmt: skip
"""Group of an event -> the record, its list, and what else of `resources.TEMPLATES` sums it up, without queries."""

CASCADES: Mapping[str, tuple[str, ...]] = {
    # A deleted company takes its contacts and projects with it (contract company.delete).
    "company.deleted": (
        "taskip://contacts", "taskip://contacts/{contact}", "taskip://projects", "taskip://projects/{project}",
        "taskip://projects/{project}/board", "taskip://projects/{project}/activity",
        "taskip://projects/{project}/tasks/{task}", "taskip://tasks", "taskip://activity",
    ),
}  # fmt: skip

CLIENTS = "taskip://client-overview"
OVERVIEWS: Mapping[str, tuple[str, ...]] = {
    "invoice": (CLIENTS, "taskip://overdue-invoices"),
    **dict.fromkeys(("contact", "company", "quotation", "ticket", "project", "task"), (CLIENTS,)),
}
"""Answers across groups that may read differently then."""

IDENTIFIER = re.compile(r"[\w.-]{1,64}", re.ASCII)

Path = tuple[str, ...]
"""The parts of an address, without its query."""


def project_of(event: Event) -> str:
    """The project that an event names beside its record; empty where it names none, or nothing that can be an id."""
    found = event.data.get("project_id")
    return _identifier(str(found)) if isinstance(found, int | str) and not isinstance(found, bool) else ""


def _identifier(text: str) -> str:
    return text if IDENTIFIER.fullmatch(text) else ""


def templates(event: Event) -> tuple[str, ...]:
    """The addresses that may read differently after an event, with places for ids."""
    own = *ADDRESSES.get(event.group, ()), *CASCADES.get(event.name, ())
    return (*own, *OVERVIEWS.get(event.group, ()), FEED)


def values_of(event: Event) -> dict[str, str]:
    """What stands for the placeholders; empty what the event does not tell."""
    return {"record": _identifier(event.record), "project": project_of(event)}


def path_of(uri: str) -> Path:
    """The parts of an address, as they are compared. Queries do not matter: any page may have changed."""
    parts = uri.partition("?")[0].partition("#")[0].rstrip("/").split("/")
    return tuple(map(unquote, parts))


@cache
def _pattern(template: str) -> Path:
    return tuple(template.split("/"))


@dataclass
class _Told:
    """What events tell of one place in an address."""

    ids: set[str] = field(default_factory=lambda: set[str]())
    forms: set[bool] = field(default_factory=lambda: set[bool]())
    anything: bool = False

    def add(self, told: str) -> None:
        """One that an event tells; empty where it tells none, and it may be any."""
        self.anything |= not told
        self.ids.add(told)
        self.forms.add(told.isdecimal())

    def fits(self, asked: str) -> bool:
        """Whether it may be one of them: projects and tickets have a number and a uuid, and either is used."""
        return self.anything or asked in self.ids or (not asked.isdecimal()) in self.forms


class Stale:
    """What a batch of events makes stale. To look an address up costs the same, however many events there are."""

    def __init__(self, events: Iterable[Event]) -> None:
        self._patterns: dict[tuple[int, str], dict[Path, dict[str, _Told]]] = {}
        for event in events:
            values = values_of(event)
            for template in templates(event):
                self._add(_pattern(template), values)

    def _add(self, pattern: Path, values: Mapping[str, str]) -> None:
        alike = self._patterns.setdefault(_shape(pattern), {})
        told = alike.setdefault(pattern, {part: _Told() for part in pattern if part.startswith("{")})
        for part, place in told.items():
            place.add(values.get(part[1:-1], ""))

    def __contains__(self, path: Path) -> bool:
        """Whether a resource may read differently now."""
        return any(
            all(
                told[part].fits(asked) if part in told else part == asked
                for part, asked in zip(pattern, path, strict=True)
            )
            for pattern, told in self._patterns.get(_shape(path), {}).items()
        )


def _shape(path: Path) -> tuple[int, str]:
    """What addresses must have in common to be compared: the number of their parts, and the first one after ``//``."""
    return len(path), path[2] if len(path) > 2 else ""
