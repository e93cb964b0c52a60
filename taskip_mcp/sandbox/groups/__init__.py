"""The endpoints, one module per section of the API reference."""

from __future__ import annotations

import importlib

MODULES = (
    "contacts",
    "companies",
    "team_members",
    "invoices",
    "quotations",
    "tickets",
    "documents",
    "projects",
    "tasks",
    "containers",
    "attributes",
    "pipelines",
    "deals",
    "meetings",
    "inbox",
)


def load() -> None:
    """Import every module; their endpoints register themselves."""
    for name in MODULES:
        importlib.import_module(f"taskip_mcp.sandbox.groups.{name}")
