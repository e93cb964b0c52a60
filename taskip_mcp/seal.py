"""Sealed confirmations: what a preview hands out, and what only this key's servers can have made.

A code is 44 bytes in URL-safe Base64: nonce, time of expiry, digest of the call, digest of the target's version, and
an HMAC-SHA256 over these. It is bound to account, tool, arguments, target and time. That it is used once is the
journal's part (`WriteLog`): the nonce is consumed where the write is noted as begun.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from taskip_mcp.settings import Settings
from taskip_mcp.wire import jsonable

LIFE = 600.0
"""Seconds for which a code holds."""

NONCE, TIME, DIGEST, MAC = 8, 4, 8, 16


@dataclass(frozen=True, slots=True)
class Seal:
    """A sealed confirmation that was opened: `nonce` is good for one write, until `expires` (seconds since 1970)."""

    nonce: str
    expires: float
    version: bytes


class SealError(Exception):
    """A code that does not count, and why."""


class Sealer:
    """Makes and opens the codes of one account."""

    def __init__(self, settings: Settings, account: str) -> None:
        self._key = derived(settings, "confirmation")
        self._account = account

    def call(self, tool: str, arguments: Mapping[str, Any]) -> bytes:
        """Digest of a call: the tool and the arguments that were given, whatever their order."""
        given = {name: value for name, value in arguments.items() if value is not None}
        text = json.dumps(
            [self._account, tool, jsonable(given)], sort_keys=True, ensure_ascii=True, default=str
        )
        return self._mac(b"call", text.encode())[:DIGEST]

    def version(self, text: str) -> bytes:
        """Digest of a target's version."""
        return self._mac(b"version", text.encode())[:DIGEST]

    def seal(self, use: str, call: bytes, version: bytes, until: float) -> str:
        """A code for this call on this version, good until then (seconds since 1970).

        `use` is how it confirms (``code`` or ``person``): what the model was given is no person's answer.
        """
        head = secrets.token_bytes(NONCE) + int(until).to_bytes(TIME, "big") + call + version
        return _written(head + self._mac(use.encode(), head)[:MAC])

    def open(self, use: str, code: str, call: bytes, now: float) -> Seal:
        """Open a code of this use for this call; raises `SealError` with what is wrong with it."""
        head, mac = self._parts(code)
        if not hmac.compare_digest(mac, self._mac(use.encode(), head)[:MAC]):
            raise SealError(
                "The confirmation is not one of this server: copy the confirm_code as it is in the preview."
            )
        nonce, rest = head[:NONCE].hex(), head[NONCE:]
        expires, rest = int.from_bytes(rest[:TIME], "big"), rest[TIME:]
        if not hmac.compare_digest(rest[:DIGEST], call):
            raise SealError("The confirmation belongs to another call: the tool or its arguments differ.")
        if now >= expires:
            raise SealError("The time of the confirmation is over.")
        return Seal(nonce, float(expires), rest[DIGEST:])

    def _parts(self, code: str) -> tuple[bytes, bytes]:
        try:
            raw = base64.b64decode(code + "=" * (-len(code) % 4), altchars=b"-_", validate=True)
        except ValueError:  # not Base64, or not ASCII
            raw = b""
        # Base64 has several spellings of the same bytes: padding, the other alphabet, bits that stand for nothing.
        if len(raw) != NONCE + TIME + 2 * DIGEST + MAC or _written(raw) != code:
            raise SealError(
                "The confirmation is not complete: copy the confirm_code as it is in the preview."
            )
        return raw[:-MAC], raw[-MAC:]

    def _mac(self, purpose: bytes, content: bytes) -> bytes:
        return hmac.new(self._key, purpose + b"\0" + content, hashlib.sha256).digest()


def _written(raw: bytes) -> str:
    """The one spelling of a code."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def derived(settings: Settings, purpose: str) -> bytes:
    """A key of 32 bytes for one purpose: the same in every server with these settings.

    From `TASKIP_CONFIRM_KEY`, else from the API key, which all servers of an account share. The embedded TaskIP has
    neither: it lives in this process alone, and so does its key.
    """
    secret = settings.confirm_key or settings.secret_key
    if not secret:
        return secrets.token_bytes(32)
    return hmac.new(secret.encode(), f"taskip-mcp {purpose} 1".encode(), hashlib.sha256).digest()
