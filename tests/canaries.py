"""Secrets that must not come out, a TaskIP that repeats all that it is told, and a search for them in any encoding."""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, unquote_plus

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

# Each has a start and an end that occur nowhere else, and between them what encodings change.
KEY = 'cnryK3y/5f1c+2d9e="%41"&<y>/ky3ynrc'
PASSWORD = "cnryP4ss 9c/1+ü<b>&\"'\\7 ss4pynrc"
FIELD = "cnryF13ld-77a0/+=dl31fynrc"
NESTED = "cnryN3st3d_0b3f&d3ts3nynrc"
EXTRA = "cnry3xtr4.e1c2/4rtx3ynrc"
GATEWAY = "cnryG4t3w4y-live-51H/y4w3t4gynrc"
STORE = "cnryR3d1s@1/2:s1d3rynrc"

SECRETS = {
    "KEY": KEY, "PASSWORD": PASSWORD, "FIELD": FIELD, "NESTED": NESTED, "EXTRA": EXTRA, "GATEWAY": GATEWAY,
    "STORE": STORE,
}  # fmt: skip
EDGE = 8
"""Characters at either end by which a part of a secret is known."""


# --- looking for them -------------------------------------------------------------------------------------


def leaks(content: bytes | str, secrets: Iterable[str] = SECRETS.values()) -> list[str]:
    """What is found of the secrets, whole or in part, with what stands around it; empty if nothing is."""
    text = content if isinstance(content, str) else content.decode("utf-8", "replace")
    readings = set(_readings(text))
    return [
        f"{secret}: ...{_around(reading, trace)}..."
        for secret in secrets
        for trace in _traces(secret)
        for reading in readings
        if trace in reading
    ][:5]


def _readings(text: str) -> Iterator[str]:
    """The text as it is, and as one reads it who undoes the usual encodings, also several times."""
    for _ in range(3):
        yield text
        yield unquote(text)
        yield unquote(unquote(text))
        yield unquote_plus(text)
        yield html.unescape(text)
        text = _unescaped(text)
    yield html.unescape(unquote(text))


def _unescaped(text: str) -> str:
    """Without the escapes of JSON, or those of Python for bytes."""
    text = re.sub(r"(\\x[0-9A-Fa-f]{2})+", lambda found: _bytes(found[0]), text)
    plain = re.sub(r"\\u([0-9A-Fa-f]{4})", lambda found: chr(int(found[1], 16)), text)
    return re.sub(r"\\(.)", r"\1", plain)


def _bytes(text: str) -> str:
    return bytes.fromhex(text.replace("\\x", "")).decode("utf-8", "replace")


def _traces(secret: str) -> set[str]:
    """The ends of a secret, and those of its base64 at each of the three places where it can begin."""
    found = {secret[:EDGE], secret[-EDGE:]}
    data = secret.encode()
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + data).decode()
        core = text[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        safe = core.translate(str.maketrans("+/", "-_"))
        found |= {core[:EDGE], core[-EDGE:], safe[:EDGE], safe[-EDGE:]}
    return found


def _around(text: str, trace: str) -> str:
    at = text.index(trace)
    return text[max(0, at - 60) : at + len(trace) + 30]


def contents(*folders: Path) -> dict[str, bytes]:
    """The bytes of every file in these folders, by name."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.name: path.read_bytes() for path in files}


# --- a TaskIP that repeats them ---------------------------------------------------------------------------


def forms(secret: str) -> str:
    """A sentence with the secret in every form."""
    encoded = base64.b64encode(f"ada:{secret}".encode()).decode()
    ways = [
        secret, quote(secret, safe=""), quote(quote(secret, safe=""), safe=""), json.dumps(secret),
        json.dumps(json.dumps(secret)), html.escape(secret), base64.b64encode(secret.encode()).decode(), encoded,
        base64.urlsafe_b64encode(f"x:{secret}:y".encode()).decode(), quote(encoded, safe=""),
    ]  # fmt: skip
    return " | ".join(ways)


@dataclass
class Parrot:
    """A fault of the sandbox that repeats all that a call has told it.

    `mode` is the status of the error in which it does; ``record``: in a record, ``html``: in a page, ``redirect``.
    """

    mode: str = "record"
    _looks: str = ""
    told: set[str] = field(default_factory=lambda: set[str]())
    heard: set[str] = field(default_factory=lambda: set[str]())

    def begin(self, mode: str, looks: str = "") -> None:
        """Before each call: what another call told is not repeated, as nobody could know it for a secret.

        `looks` is the mode after the first write.
        """
        self.mode, self._looks, self.told = mode, looks, set()

    async def __call__(self, request: Request) -> Response:
        """Answer a request."""
        body = (await request.body()).decode()
        self.told |= {KEY, *strings(json.loads(body) if body.startswith("{") else None)} & set(
            SECRETS.values()
        )
        self.heard |= self.told
        loud = " ".join(forms(each) for each in sorted(self.told))
        if self._looks and request.method != "GET":
            self.mode = self._looks
        listed = request.method == "GET" and not re.search(r"/(\d+|[a-z]+-[\w-]+)$", request.url.path)
        return self._answer(loud, listed=listed)

    def _answer(self, loud: str, *, listed: bool) -> Response:
        if self.mode == "html":
            return Response(f"<html><pre>{loud}</pre></html>", 403, media_type="text/html")
        if self.mode == "redirect":
            return RedirectResponse(f"http://127.0.0.1/{quote(loud, safe='')}", 302, {"X-Echo": quote(loud)})
        if self.mode == "record":
            row = record(loud)
            return JSONResponse({"message": loud, loud: loud, "data": [row] if listed else row}, 200)
        fields = {"password": [f"{loud} is too common"], loud: [loud, {"deep": [loud]}]}
        return JSONResponse({"message": loud, "error": loud, "errors": fields}, int(self.mode))


def record(loud: str) -> dict[str, Any]:
    """A record of whatever kind, with secrets under their names, and this text as value and as name."""
    return {
        "id": 1, "uuid": "u-1", "email": "ada@x.example", "password": PASSWORD, "note": loud, loud: loud,
        "custom_fields": {"API Key": FIELD, "list": [{"clientSecret": NESTED}]}, "payment_gateway": "stripe",
        "payment_infos": [{"id": 5, "amount": 10.5, "reference": GATEWAY}], "stripe": {"account": [GATEWAY]},
        "payment_gateway_settings": {"live": {"publishable": GATEWAY}}, "text": json.dumps({"token": EXTRA}),
    }  # fmt: skip


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value, also those of JSON inside of a text."""
    if isinstance(value, str):
        yield value
        if value.startswith(("{", "[")):
            yield from strings(json.loads(value))
    for child in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():  # pyright: ignore
        yield from strings(child)
