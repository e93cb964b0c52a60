"""A plain HTTP client of a sandbox, without any product code."""

from __future__ import annotations

import httpx

from taskip_mcp.sandbox import Sandbox


def client(sandbox: Sandbox, key: str | None = "any-key") -> httpx.AsyncClient:
    """Requests go straight into the application."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app=sandbox.app),
        base_url="http://sandbox/api/public-v1",
        headers={"X-Secret-Key": key} if key else {},
    )


def mails(sandbox: Sandbox) -> list[str]:
    """The addresses that something was mailed to, in order."""
    return [str(row["to"]) for row in sandbox.store.rows("mail")]
