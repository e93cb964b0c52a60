"""Names of fields that hold secrets. Pure functions over names, and a value where the name alone does not tell."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from itertools import pairwise
from typing import Any

WORDS = frozenset({
    "password", "passwords", "passwd", "passcode", "passphrase", "pwd", "secret", "secrets", "credential",
    "credentials", "token", "tokens", "otp", "totp", "cvv", "cvc", "jwt", "bearer", "authorization", "cookie",
    "cookies", "passwort", "kennwort", "contraseña", "contrasena", "senha",
})  # fmt: skip
KEYS = frozenset({
    "api", "access", "auth", "consumer", "encryption", "license", "master", "merchant", "private", "secret", "server",
    "service", "signing", "ssh", "stripe", "razor", "razorpay", "paypal", "mollie", "xendit", "fastspring", "webhook",
})  # fmt: skip
"""What makes a key a secret; a public one, or the key of a map, is none."""

WEAK = frozenset({"pass", "pin", "cookie", "cookies"})
"""Words that mean other things as well."""

GLUED = re.compile(
    r"(password|passwd|passphrase|passwort|kennwort|(api|access|auth|private|secret|signing)keys?|"
    r"(access|auth|refresh|session)token|(client|api)secret)\d*$"
)
ABOUT = frozenset({
    "count", "counts", "length", "limit", "limits", "expires", "expiry", "expiration", "at", "date", "days", "policy",
    "strength", "required", "enabled", "set", "changed", "updated", "type", "status", "used", "usage",
})  # fmt: skip
"""Last words of what is said about a secret."""

ASKS = frozenset({"has", "is", "needs", "max", "min", "total"})
"""First words of the same."""

ORDINARY = WORDS | KEYS | {"key", "keys", "pass", "pin", "apikey", "secretkey"}

GATEWAYS = frozenset({
    "stripe", "paypal", "razor", "razorpay", "mollie", "xendit", "fastspring", "gateway", "payment_gateway",
})  # fmt: skip
PAYING = frozenset({"payment", "payments", "gateway", "gateways"})
SETTINGS = frozenset({
    "settings", "setting", "config", "configuration", "infos", "info", "options", "details",
})  # fmt: skip
SHOWN = frozenset({
    "id", "name", "title", "label", "slug", "type", "status", "method", "payment_method", "gateway",
    "payment_gateway", "mode", "currency", "amount", "total", "paid", "enabled", "active", "default", "date",
    "created_at", "updated_at", "paid_at", "paid_by", "transaction_id",
})  # fmt: skip
BESIDE = SHOWN | {"user", "username", "login", "email", "url", "host", "port", "region"}


@lru_cache(maxsize=4096)
def words(name: str) -> tuple[str, ...]:
    """The words of a name: ``clientSecret``, ``client-secret`` and ``Client secret`` have the same."""
    plain = unicodedata.normalize("NFKC", name)
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", plain)
    return tuple(word for word in re.split(r"[\W_]+", parted.casefold()) if word)


def snake(name: str) -> str:
    """A name as TaskIP would write it."""
    return "_".join(words(name))


@lru_cache(maxsize=4096)
def is_secret(name: str) -> bool:
    """Whether a field of this name may hold a secret. Dotted names are paths."""
    found = words(name)
    if not found or found[-1] in ABOUT or found[0] in ASKS:
        return False
    return (
        not WORDS.isdisjoint(found)
        or found[-1] in {"pass", "pin"}
        or any(left in KEYS and right in {"key", "keys"} for left, right in pairwise(found))
        or any(GLUED.search(word) for word in found)
    )


def hides(name: str, value: Any) -> bool:
    """Whether this field is a secret: a flag is none, an empty one tells nothing, and a number of tokens is a count."""
    if value is None or isinstance(value, bool) or value in ("", 0, [], {}):
        return False
    if isinstance(value, int | float) and words(name)[-1:] == ("tokens",):
        return False
    if isinstance(value, str) and " " in name.strip() and not any(sign.isdigit() for sign in value):
        # A label of a form for people: "Ski pass: yes" is no password, "Door pin: 4711" is one.
        return is_secret(" ".join(word for word in words(name) if word not in WEAK))
    return is_secret(name)


def is_ordinary(text: str) -> bool:
    """Whether a value is made of such names alone, as the password ``password``."""
    return ORDINARY.issuperset(words(text))


@lru_cache(maxsize=4096)
def is_payment(name: str) -> bool:
    """Whether an object of this name holds what a payment gateway is set up with (contract invoice.payment_gateway)."""
    found = words(name)
    return snake(name) in GATEWAYS or (not PAYING.isdisjoint(found) and found[-1] in SETTINGS)


def is_settings(name: str, siblings: Collection[str]) -> bool:
    """Whether it is the settings beside the name of a gateway, as older versions of the API had them."""
    return snake(name) in SETTINGS and any(snake(each) in {"gateway", "payment_gateway"} for each in siblings)


def is_shown(name: str) -> bool:
    """Whether a field of payment settings only tells which gateway or payment it is; all others are hidden."""
    return snake(name) in SHOWN


def stands_beside(name: str) -> bool:
    """Whether a field is no secret outside of the object that holds one: an address, a user name."""
    return snake(name) in BESIDE
