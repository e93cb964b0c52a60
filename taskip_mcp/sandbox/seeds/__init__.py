"""The invented agency: the same people, names and texts every time, dated around the day of the clock."""

from __future__ import annotations

import importlib

from taskip_mcp.sandbox.store import Store

AREAS = ("people", "billing", "support", "projects", "sales", "meetings")
"""In this order: later areas refer to the ids of earlier ones."""


def fill(store: Store) -> None:
    """Fill an empty store; each area has a ``seed(store)``."""
    for area in AREAS:
        importlib.import_module(f"taskip_mcp.sandbox.seeds.{area}").seed(store)
