"""Secrets inside of texts: known ones in every usual encoding, and what stands behind a secret name."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import quote

from taskip_mcp.redact.names import is_ordinary, is_secret

HIDDEN = "(hidden secret)"

LEAST, STRONG = 4, 8
"""Characters from which on a secret is looked for at all, and everywhere."""

HEAD = 128
"""Characters of a longer secret by which it is known."""


def is_sought(secret: str) -> bool:
    """Whether a secret can be told from other text."""
    return len(secret) >= LEAST and not is_ordinary(secret)


def is_strong(secret: str) -> bool:
    """Whether a secret cannot be anything else, wherever it stands."""
    return len(secret) >= STRONG and not secret.isdigit()


def in_order(secrets: Iterable[str]) -> list[str]:
    """Secrets as they are looked for: the longer first, since one may be a part of another."""
    return sorted(secrets, key=len, reverse=True)


def without(text: str, secrets: Iterable[str]) -> str:
    """A text without these secrets, which are `in_order`."""
    for secret in secrets:
        if secret in text or "%" in text or "\\" in text or "&" in text or ("+" in text and " " in secret):
            text = _pattern(secret).sub(HIDDEN, text)
        for core in _base64(secret):
            text = _without_run(text, core)
    return text


# --- in any encoding --------------------------------------------------------------------------------------

ESCAPED = r"(?<=%[0-9A-Fa-f]{2})|(?<=\\u00[0-9A-Fa-f]{2})|(?<=\\[nrtbf])"
"""Behind an escape a word begins, although a letter or a digit stands before it."""


BACK = r"\\{1,7}"
"""Before an escape; each level of JSON inside of JSON doubles it. Unbound, a hostile text costs minutes."""

JSON = {'"': '"', "'": "'", "/": "/", "\\": r"\\", "\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
HTML = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


@lru_cache(maxsize=256)
def _pattern(secret: str) -> re.Pattern[str]:
    """The secret, each character as it is or escaped in any usual way; a weak one only where it stands alone."""
    found = "".join(_forms(sign) for sign in secret[:HEAD])
    if len(secret) > HEAD:
        found += r"[^\s\"'<>]*"
    if not is_strong(secret):
        found = rf"(?:(?<![\w#/-])(?<!\d[.,:])|{ESCAPED}){found}(?![\w-])(?![.,:/]\w)"
    return re.compile(found)


def _forms(sign: str) -> str:
    """One character: itself, percent-encoded (also twice), an escape of JSON or Python, a reference of HTML."""
    raw = sign.encode("utf-8", "surrogatepass")
    units = sign.encode("utf-16-be", "surrogatepass")
    forms = [
        re.escape(sign),
        "(?i:" + "".join(f"%(?:25){{,3}}{byte:02x}" for byte in raw) + ")",
        "(?i:" + "".join(rf"{BACK}u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)) + ")",
        "(?i:" + "".join(rf"{BACK}x{byte:02x}" for byte in raw) + ")",
        f"(?i:&#0*{ord(sign)};|&#x0*{ord(sign):x};)",
    ]
    forms += [rf"{BACK}{JSON[sign]}"] if sign in JSON else []
    forms += [f"&(?:amp;){{,3}}{HTML[sign]};"] if sign in HTML else []
    forms += [r"\+"] if sign == " " else []
    return f"(?:{'|'.join(forms)})"


@lru_cache(maxsize=256)
def _base64(secret: str) -> tuple[str, ...]:
    """What base64 makes of the secret inside of any text: it depends on where in a group of three it begins."""
    data = secret.encode("utf-8", "surrogatepass")
    cores: set[str] = set()
    for offset in range(3):
        text = base64.b64encode(bytes(offset) + data).decode()
        core = text[-(-offset * 8 // 6) : (offset + len(data)) * 8 // 6]
        safe = core.translate(str.maketrans("+/", "-_"))
        cores |= {core, safe, core.replace("/", r"\/"), quote(core, safe="")}
    return tuple(core for core in cores if len(core) >= LEAST + 2)


PADDING = re.compile(r"\A(?:=|%3[Dd])+")
ALPHABET = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_")


def _without_run(text: str, core: str) -> str:
    """Without each run of base64 that holds this."""
    start = text.find(core)
    while start >= 0:
        end = start + len(core)
        while start > 0 and text[start - 1] in ALPHABET:
            start -= 1
        while end < len(text) and text[end] in ALPHABET:
            end += 1
        text = text[:start] + HIDDEN + PADDING.sub("", text[end:], count=1)
        start = text.find(core, start + len(HIDDEN))
    return text


# --- behind a name ----------------------------------------------------------------------------------------

QUOTED = re.compile(
    r"""(?P<head>b?(?P<mark>\\{,7}["'])(?P<name>[^"'\\]{1,80})(?P=mark)\s*(?::|=>|,(?=\s*b["']))\s*b?)"""
    r"""(?:(?P<open>\\{,7}["'])(?P<value>(?:\\.|.)*?)(?P=open)|(?P<bare>[^\s,"'\]\[{}]+))"""
)
BARE = re.compile(r"""(?P<head>(?<![\w.-])(?P<name>[\w.-]{2,80})=)(?P<value>[^\s&,;"'<>()\]}]+)""")
HEADER = re.compile(
    r"""(?P<head>(?<![\w-])(?P<name>x-[\w-]+|authorization|(?:set-)?cookie):\s*)(?P<value>[^\r\n"']+)""", re.I
)
ADDRESS = re.compile(r"(?P<head>://[^\s/@:\"']*:)(?P<value>[^\s/@\"']+)(?=@)")


def without_assignments(text: str) -> str:
    """Without values behind a secret name, as in ``"password": "x"``, ``token=x`` or ``redis://user:x@host``."""
    for pattern in (QUOTED, BARE, HEADER):
        text = pattern.sub(_assigned, text)
    return ADDRESS.sub(lambda found: found["head"] + HIDDEN, text)


def _assigned(found: re.Match[str]) -> str:
    mark = found.groupdict().get("open") or ""
    if is_secret(found["name"]):
        return f"{found['head']}{mark}{HIDDEN}{mark}"
    # JSON inside of JSON: the next name is in the value.
    return f"{found['head']}{mark}{QUOTED.sub(_assigned, found['value'])}{mark}" if mark else found[0]
