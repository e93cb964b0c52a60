"""What never comes out: secrets, known by the name of their field or by their value.

By name: in JSON values (`masked`), whatever comes under a name such as ``password``, ``api_key`` or ``clientSecret``,
and the settings of payment gateways. What TaskIP answers is masked before anything else sees it. A count, a date or a
flag about a secret (``token_count``, ``password_changed_at``, ``has_password``) is none, and neither is a text that
speaks of passwords.

By value: the API key and the like (`keep`), and what the arguments of the running call hold under such names (`learn`).
TaskIP may repeat them anywhere, so they are looked for in every text: as they are, percent-encoded, escaped for JSON or
HTML, in any mixture, and in base64. A value that could as well be something else must not spoil other data:

- from 8 characters on, unless all are digits, it is hidden wherever it stands, also inside words and in records;
- shorter ones and those of digits alone only where they stand alone, and only in messages, errors and logs: in a record
  ``123456`` may be an amount, a postal code or the number of another record;
- below 4 characters, and where the secret itself is such a name (``password``), by name only: what is missing from a
  text would tell more than the word.

Texts of TaskIP's errors and lines of the log lose besides what stands behind a secret name in them (`clean`).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import unquote

from taskip_mcp.redact.names import hides, is_payment, is_secret, is_settings, is_shown, stands_beside
from taskip_mcp.redact.text import (
    HIDDEN,
    STRONG,
    in_order,
    is_sought,
    is_strong,
    without,
    without_assignments,
)

if TYPE_CHECKING:
    from taskip_mcp.settings import Settings

__all__ = [
    "HIDDEN", "HidingFormatter", "clean", "hidden_at", "holds_hidden", "is_secret", "keep", "keep_settings", "learn",
    "masked",
]  # fmt: skip

DEEPEST = 100
"""Levels of a JSON value; what lies deeper is hidden."""

_lasting: set[str] = set()
_learnt: ContextVar[frozenset[str]] = ContextVar("learnt", default=frozenset())


# --- what is known ----------------------------------------------------------------------------------------


def keep(*secrets: str) -> None:
    """Secrets of this process, such as the API key: hidden from now on in all that comes out."""
    _lasting.update(secret for secret in secrets if is_sought(secret))


def keep_settings(settings: Settings) -> None:
    """The secrets of the settings; an address that cannot be parsed may hold one all the same."""
    passwords = re.findall(r"://[^:@/]*:(.*)@|[?&]password=([^&]+)", settings.rate_store)
    found = [each for pair in passwords for each in pair]
    keep(settings.secret_key, settings.confirm_key, settings.webhook_secret, *found, *map(unquote, found))


def learn(arguments: Any) -> None:
    """The secrets among the arguments of the running call: hidden in all that the call says."""
    found = frozenset(secret for secret in _secrets_in(arguments) if is_sought(secret))
    if found:
        _learnt.set(_learnt.get() | found)


def _secrets_in(value: Any, depth: int = 0, *, inside: bool = False) -> Iterator[str]:
    """Values under secret names; of an object that is a secret each one that is none by itself."""
    if (
        inside
        and isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and "@" not in str(value)
    ):
        yield str(value)
    if depth > DEEPEST:
        return
    for name, item in _children(_json_in(value) if isinstance(value, str) else value):
        if isinstance(name, int):
            yield from _secrets_in(item, depth + 1, inside=inside)
            continue
        secret = hides(name, item) or (isinstance(item, Mapping | list) and is_payment(name))
        yield from _secrets_in(item, depth + 1, inside=secret or (inside and not stands_beside(name)))


def _children(value: Any) -> Iterable[tuple[str | int, Any]]:
    """(name or place, value) of what an object or a list holds."""
    if isinstance(value, Mapping):
        return [(str(name), item) for name, item in cast("Mapping[Any, Any]", value).items()]
    return enumerate(cast("list[Any]", value)) if isinstance(value, list) else ()


def _json_in(text: str) -> Any:
    """The object or the list that a text is, None for any other text."""
    if text.lstrip()[:1] not in {"[", "{"}:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _known() -> frozenset[str]:
    return _learnt.get() | _lasting


# --- texts ------------------------------------------------------------------------------------------------


def clean(text: str) -> str:
    """A message, an error or a line of the log without secrets."""
    return without_assignments(without(text, in_order(_known())))


class HidingFormatter(logging.Formatter):
    """Formats a record of the log, with its traceback, and hides the secrets in it."""

    def format(self, record: logging.LogRecord) -> str:
        """See `clean`."""
        return clean(super().format(record))


# --- values -----------------------------------------------------------------------------------------------


def masked(value: Any) -> Any:
    """JSON values with every secret replaced, at any depth; empty ones stay, as they tell nothing."""
    return _Mask().value(value)


class _Mask:
    """One run over a value, with the secrets that are known by then."""

    def __init__(self) -> None:
        self._secrets = in_order(filter(is_strong, _known()))

    def value(self, value: Any, depth: int = 0, *, payment: bool = False) -> Any:
        """Any value; `payment` says that it is what a payment gateway is set up with."""
        if isinstance(value, Mapping | list | tuple) and depth > DEEPEST:
            return HIDDEN
        if isinstance(value, Mapping):
            fields = {str(name): item for name, item in cast("Mapping[Any, Any]", value).items()}
            return {
                self._text(name): self._field(
                    name, item, depth, payment or is_settings(name, fields), payment
                )
                for name, item in fields.items()
            }
        if isinstance(value, list | tuple):
            return [self._field("", item, depth, payment, payment) for item in cast("list[Any]", value)]
        return self._text(value) if isinstance(value, str) else value

    def _field(self, name: str, value: Any, depth: int, payment: bool, within: bool) -> Any:
        """A field of an object or a value of a list that lies `within` payment settings or holds such itself."""
        if hides(name, value):
            return HIDDEN
        if isinstance(value, Mapping | list | tuple):
            return self.value(value, depth + 1, payment=payment or is_payment(name))
        if within and not is_shown(name) and not isinstance(value, bool) and value not in (None, ""):
            return HIDDEN
        return self._text(value) if isinstance(value, str) else value

    def _text(self, text: str) -> str:
        """A text without strong secrets; JSON inside of it (contract: invoice items) is masked as well."""
        if len(text) < STRONG:
            return text
        parsed = _json_in(text)
        if parsed is not None and (safe := self.value(parsed)) != parsed:
            return json.dumps(safe, ensure_ascii=False)
        return without(text, self._secrets)


def holds_hidden(value: Any) -> bool:
    """Whether a secret was taken out of a value, wherever in it."""
    return HIDDEN in json.dumps(value, ensure_ascii=False, default=str)


def hidden_at(value: Any, where: str = "") -> str | None:
    """The path of a text that holds `HIDDEN`, None if there is none. Sent back, it would replace what it stands for."""
    if isinstance(value, str) and HIDDEN in value:
        return where
    places = ((item, f"{where}.{name}" if where else str(name)) for name, item in _children(value))
    return next((found for item, place in places if (found := hidden_at(item, place))), None)
