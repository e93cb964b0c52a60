"""Does a record show what was sent? Pure functions over TaskIP's many forms of the same value.

The answer is yes, no, or None where the two forms cannot be compared: a wrong "no" would say that nothing was done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast

DAYS = ("%d-%b-%Y", "%d/%b/%Y", "%d/%m/%y", "%Y-%m-%d", "%d, %b, %Y", "%b %d, %Y", "%d-%m-%Y")
"""The day formats of the contract (conventions.date_formats); month names are English."""

MINUTES = ("%b %d, %Y, %I:%M %p", "%d-%b-%Y %H:%M:%S")
CLOCKS = ("%H:%M", "%I:%M %p", "%I:%M%p")
UNITS = {
    "second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "month": 2_592_000, "year": 31_536_000,
}  # fmt: skip
SYNONYMS = {frozenset({"resolved", "closed"})}
"""Words that TaskIP stores as one: it has a single number for a ticket that ended (contract enums.ticket_status)."""

LONG = 120
ZONES = 14 * 3600
"""Seconds: a day without a zone may be anybody's day."""


def dig(record: Any, dotted: str) -> Any:
    """A field of a record, also inside another; None when it is not there."""
    for part in dotted.split("."):
        if not isinstance(record, Mapping):
            return None
        record = cast("Mapping[str, Any]", record).get(part)
    return record


def agrees(sent: Any, shown: Any) -> bool | None:
    """Whether `shown` is how TaskIP shows `sent`."""
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
    if str(shown).lower() not in {"true", "false", "0", "1"} or str(sent).lower() not in {
        "true",
        "false",
        "0",
        "1",
    }:
        return None
    return (str(sent).lower() in {"true", "1"}) is (str(shown).lower() in {"true", "1"})


def _same_id(sent: Any, shown: Mapping[str, Any]) -> bool | None:
    known = [shown[name] for name in ("id", "uuid") if shown.get(name) is not None]
    return str(sent) in {str(each) for each in known} if known and not isinstance(sent, list) else None


def _list(sent: list[Any], shown: Any) -> bool | None:
    if not isinstance(shown, list) or any(isinstance(each, Mapping) for each in sent):
        return None
    keys = [_key(each) for each in cast("list[Any]", shown)]
    return None if None in keys else {str(each) for each in sent} == set(keys)


def _key(row: Any) -> str | None:
    value = cast("Mapping[str, Any]", row).get("id") if isinstance(row, Mapping) else row
    return None if value is None else str(value)


def _plain(sent: str, shown: str) -> bool | None:
    one, other = sent.strip().casefold(), shown.strip().casefold()
    if one == other or frozenset({one, other}) in SYNONYMS:
        return True
    for read in (_number, day, _clock):
        left, right = read(sent), read(shown)
        if left is not None or right is not None:
            return None if left is None or right is None else left == right
    # TaskIP may clean or cut longer text.
    return None if any("<" in text or "\n" in text or len(text) > LONG for text in (sent, shown)) else False


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
    if "T" not in text and ":" not in text:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def age(text: Any, now: float) -> tuple[float, float] | None:
    """How old a record is, in seconds: at least and at most. None when its form tells nothing.

    TaskIP shows a moment, a minute, a day, or a relative age such as ``2 minutes ago``.
    """
    shown = str(text or "").strip()
    if found := re.fullmatch(r"(\d+) (second|minute|hour|day|week|month|year)s? ago", shown):
        unit = UNITS[found[2]]
        return int(found[1]) * unit, (int(found[1]) + 1) * unit
    if moment := _moment(shown):
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
