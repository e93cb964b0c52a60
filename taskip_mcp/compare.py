"""Does a record show what was sent? Pure functions over TaskIP's many forms of the same value.

The answer is yes, no, or None where the two forms cannot be compared: a wrong "no" would say that nothing was done.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from types import EllipsisType
from typing import Any, cast

from taskip_mcp.redact import HIDDEN

DAYS = ("%d-%b-%Y", "%d/%b/%Y", "%d/%m/%y", "%Y-%m-%d", "%d, %b, %Y", "%b %d, %Y", "%d-%m-%Y")
"""The day formats of the contract (conventions.date_formats); month names are English."""

MINUTES = ("%b %d, %Y, %I:%M %p", "%d-%b-%Y %H:%M:%S")
CLOCKS = ("%H:%M", "%I:%M %p", "%I:%M%p")
UNITS = {
    "second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "year": 31_536_000,
}  # fmt: skip
ENDED = frozenset({"resolved", "closed", "close"})
"""Words that TaskIP stores as one: it has a single number for a ticket that ended (contract enums.ticket_status)."""

BECOMES = {"sent": frozenset({"overdue", "expired"})}
"""What TaskIP makes of a status by itself, at once where the day is past already."""

TRUE, FALSE = frozenset({"true", "1"}), frozenset({"false", "0"})
LABELS = ("name", "label", "title", "email")
LONG = 120
HEAD = 12
"""Letters and digits at the start of a text by which one knows it, however it was cleaned or cut."""

CODE = re.compile(r"[a-z_]+|[A-Z]{3}|#\w+|\S+@\S+|\w+://\S+")
"""What is no text for people: a word of an enumeration, a currency, a colour, an address."""

PHONE = re.compile(r"(\+|0\d|\(|\d+[ /-])[\d ()/-]*")
ZONES = 14 * 3600
"""Seconds: a day without a zone may be anybody's day."""


def agrees(sent: Any, shown: Any) -> bool | None:
    """Whether `shown` is how TaskIP shows `sent`."""
    if any(isinstance(each, str) and HIDDEN in each for each in (sent, shown)):
        return None  # a secret, which neither the log nor a record shows
    if sent in (None, "", []):
        return shown in (None, "", [], 0)
    if shown is None:
        return False
    if isinstance(sent, date):
        sent = sent.isoformat()
    if isinstance(sent, bool) or isinstance(shown, bool):
        return _truth(sent, shown)
    if isinstance(shown, Mapping):
        return _same_id(sent, cast("Mapping[str, Any]", shown))
    if isinstance(sent, list):
        return _list(cast("list[Any]", sent), shown)
    if isinstance(sent, Mapping) or isinstance(shown, list):
        return None
    return _plain(str(sent), str(shown))


def _truth(sent: Any, shown: Any) -> bool | None:
    one, other = str(sent).lower(), str(shown).lower()
    if not {one, other} <= TRUE | FALSE:
        return None
    return (one in TRUE) is (other in TRUE)


def _same_id(sent: Any, shown: Mapping[str, Any]) -> bool | None:
    """Whether it is the record that was named: by its id, its uuid, or by a word for it."""
    if isinstance(sent, list | Mapping):
        return None
    text = str(sent)
    if any(shown.get(name) is not None and str(shown[name]) == text for name in ("id", "uuid")):
        return True
    if text.isdigit():
        return None if shown.get("id") is None else False
    if any(shown.get(name) and _word(str(shown[name])) == _word(text) for name in LABELS):
        return True
    # A word that is no identifier may be what TaskIP shows under another word.
    return False if re.search(r"\d.*-|-.*\d", text) and shown.get("uuid") is not None else None


def _list(sent: list[Any], shown: Any) -> bool | None:
    """Whether both hold the same; an order is not looked at."""
    if not isinstance(shown, list) or any(isinstance(each, Mapping) for each in sent):
        return None
    rows = cast("list[Any]", shown)
    verdicts = {_among(each, rows) for each in sent}
    if None in verdicts:
        return None
    return False not in verdicts and len(set(map(str, sent))) == len(rows)


def _among(value: Any, rows: list[Any]) -> bool | None:
    verdicts = [agrees(value, row) for row in rows]
    return True if any(verdicts) else (None if None in verdicts else False)


def _plain(sent: str, shown: str) -> bool | None:
    sent, shown = sent.strip(), html.unescape(shown).strip()
    one, other = _word(sent), _word(shown)
    if html.unescape(sent) == shown or {one, other} <= ENDED:
        return True
    if one == other:
        # Of a text for people the case or a hyphen may be just what was to change.
        return True if CODE.fullmatch(sent) else None
    if other in BECOMES.get(one, frozenset()):
        return None
    for same in (_days, _clocks, _phones, _numbers):
        if (verdict := same(sent, shown)) is not ...:
            return verdict
    return _text(sent, shown)


def _word(text: str) -> str:
    """A text without what TaskIP writes one way or the other."""
    return re.sub(r"[\s_-]+", " ", text).strip().rstrip("/").casefold()


def _numbers(sent: str, shown: str) -> bool | EllipsisType | None:
    left, right = _number(sent), _number(shown)
    if left is None or right is None:
        return ... if left is right else None
    # A difference below a cent may be how TaskIP rounds.
    return True if left == right else (None if abs(left - right) < 0.01 else False)


def _days(sent: str, shown: str) -> bool | EllipsisType | None:
    left, right = day(sent), day(shown)
    if left is None or right is None:
        return ... if left is right else None
    if left == right:
        return True
    # A moment may be another day where TaskIP is, and 01/02/26 may be read from either end.
    near = abs((left - right).days) <= 1 and (_moment(sent) or _moment(shown))
    return None if near or _swapped(left, shown) == right or _swapped(right, sent) == left else False


def _swapped(found: date, text: str) -> date | None:
    """The other reading of a day whose form is ambiguous."""
    if not re.fullmatch(r"\d\d?[/-]\d\d?[/-](\d\d){1,2}", text.strip()) or found.day > 12:
        return None
    return found.replace(day=found.month, month=found.day)


def _clocks(sent: str, shown: str) -> bool | EllipsisType | None:
    left, right = _clock(sent), _clock(shown)
    if left is None or right is None:
        return ... if left is right else None
    return left == right


def _phones(sent: str, shown: str) -> bool | EllipsisType | None:
    """A number that may have got a country code, or lost its spaces."""
    if not (PHONE.fullmatch(sent) and re.fullmatch(r"[+\d ()/-]+", shown)):
        return ...
    left, right = (re.sub(r"\D", "", text).lstrip("0") for text in (sent, shown))
    if left == right:
        return True
    return (
        None if min(len(left), len(right)) >= 4 and (left.endswith(right) or right.endswith(left)) else False
    )


def _text(sent: str, shown: str) -> bool | None:
    """Texts, of which TaskIP may clean or cut the longer ones."""
    cut = shown.rstrip().endswith(("...", "…"))
    # The cut may go through a tag.
    one, other = _letters(sent), _letters(re.sub(r"<[^<>]*$", "", shown) if cut else shown)
    marked = any("<" in text or "&" in text or "\n" in text or len(text) > LONG for text in (sent, shown))
    if marked and one == other:
        # Only one of them has markup: that is TaskIP's doing. Both: it may be just the markup that was to change.
        return True if one and ("<" in sent) is not ("<" in shown) else None
    if not (marked or cut):
        return False
    # Cleaned or cut it still begins alike, or is found inside.
    return None if one[:HEAD] == other[:HEAD] or one in other or other in one else False


def _letters(text: str) -> str:
    """Letters and digits alone: neither markup, nor signs, nor space."""
    bare = re.sub(r"<(script|style)\b.*?</\1\s*>|<[^>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE)
    return re.sub(r"[\W_]+", "", html.unescape(bare)).casefold()


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def day(text: str) -> date | None:
    """The day that a text shows, in any documented form."""
    for pattern in DAYS:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    moment = _moment(text)
    return moment.date() if moment else None


def _clock(text: str) -> str | None:
    for pattern in CLOCKS:
        try:
            return datetime.strptime(text, pattern).replace(tzinfo=UTC).strftime("%H:%M")
        except ValueError:
            continue
    return None


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if "T" in text or ":" in text else None


def age(text: Any, now: float) -> tuple[float, float] | None:
    """How old a record is, in seconds: at least and at most. None when its form tells nothing.

    TaskIP shows a moment, a minute, a day, or a relative age such as ``2 minutes ago``.
    """
    shown = str(text or "").strip()
    if found := re.fullmatch(r"(\d+) (second|minute|hour|day|week|month|year)s? ago", shown):
        unit = UNITS[found[2]]
        return int(found[1]) * unit, (int(found[1]) + 1) * unit
    if moment := _moment(shown):
        if moment.tzinfo is None:
            return _span(moment.replace(tzinfo=UTC), timedelta(0), now)
        exact = now - moment.timestamp()
        return exact, exact
    for pattern in MINUTES:
        try:
            start = datetime.strptime(shown, pattern).replace(tzinfo=UTC)
        except ValueError:
            continue
        return _span(start, timedelta(minutes=1), now)
    whole = day(shown)
    return (
        _span(datetime(whole.year, whole.month, whole.day, tzinfo=UTC), timedelta(days=1), now)
        if whole
        else None
    )


def _span(start: datetime, length: timedelta, now: float) -> tuple[float, float]:
    """A form without a zone, widened by every zone there is."""
    return now - (start + length).timestamp() - ZONES, now - start.timestamp() + ZONES
