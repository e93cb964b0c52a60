"""Addresses that events make stale, one event and one address at a time."""

from __future__ import annotations

import re
from urllib.parse import quote

from taskip_mcp.events import Event, addresses

PLACEHOLDER = re.compile(r"\{(\w+)\}")


def concerns(event: Event, uri: str) -> bool:
    return addresses.path_of(uri) in addresses.Stale([event])


def uris(event: Event) -> list[str]:
    """The addresses, as far as the event tells their ids."""
    values = addresses.values_of(event)
    return [
        PLACEHOLDER.sub(lambda found: quote(values[found[1]], safe=""), template)
        for template in addresses.templates(event)
        if all(values.get(name) for name in PLACEHOLDER.findall(template))
    ]
