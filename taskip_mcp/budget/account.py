"""What the settings say of the budget: whose it is, which windows it has, where they are counted."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from taskip_mcp.budget.windows import HOUR, MINUTE, QUOTATION_SENDS, UPLOADS, Store, StoreError, Window
from taskip_mcp.clock import Clock
from taskip_mcp.errors import StateError

if TYPE_CHECKING:
    from taskip_mcp.settings import Settings


def windows_of(settings: Settings) -> tuple[Window, ...]:
    """All windows of a key, with the limits of its account."""
    return (
        Window(MINUTE, settings.limit_minute, 60.0),
        Window(HOUR, settings.limit_hour, 3600.0),
        Window(UPLOADS, settings.limit_uploads, 3600.0),
        Window(QUOTATION_SENDS, settings.limit_quotation_sends, 60.0),
    )


def account_of(settings: Settings) -> str:
    """The name under which a key is counted: a hash, since the key itself must not lie on a disk."""
    text = f"{settings.base_url}\n{settings.secret_key}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def open_store(settings: Settings, clock: Clock) -> Store:
    """The store that the settings name."""
    if settings.rate_store.startswith(("redis://", "rediss://")):
        from taskip_mcp.budget.redis import RedisStore

        try:
            return RedisStore(settings.rate_store, clock)
        except StoreError as error:
            raise StateError(str(error)) from None
    from taskip_mcp.budget.sqlite import SqliteStore

    return SqliteStore(None if settings.rate_store == "memory" else settings.state_folder, clock)
