"""The fifteen ways in which TaskIP writes dates and times -> ISO 8601 (contract enums.date_formats_on_read).

Which field is written how is declared with the views; nothing is guessed where two readings are possible, as with the
``d/m/y`` of deals. Names of months are English, whatever the locale; years of two digits are of this century. Text
that has no known form stays as it is.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Mapping

from taskip_mcp.outside import joined

MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
ABOUT = "~"
"""Before what tells a time only roughly: ages ("2 days ago"), which count from the moment of the read."""

MOMENT = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
DAY = r"(?P<day>\d{1,2})"
NAME = r"(?P<month>[A-Za-z]{3,9})"
YEAR = r"(?P<year>\d{4})"
CLOCK_24 = r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d))?"
CLOCK_12 = r"(?P<hour>\d{1,2}):(?P<minute>\d\d) ?(?P<half>[AaPp][Mm])"

PATTERNS: Mapping[str, re.Pattern[str]] = {
    form: re.compile(pattern, re.ASCII)
    for form, pattern in {
        "Y-m-d": rf"{YEAR}-(?P<number>\d\d)-(?P<day>\d\d)",
        "d, M, Y": rf"{DAY}, {NAME}, {YEAR}",
        "d-M-Y": rf"{DAY}-{NAME}-{YEAR}",
        "d-M-Y H:i:s": rf"{DAY}-{NAME}-{YEAR} {CLOCK_24}",
        "d/M/Y": rf"{DAY}/{NAME}/{YEAR}",
        "d/m/y": r"(?P<day>\d{1,2})/(?P<number>\d{1,2})/(?P<short>\d\d)",
        "d M Y H:i": rf"{DAY} {NAME} {YEAR} {CLOCK_24}",
        "M j, Y, g:i A": rf"{NAME} {DAY}, {YEAR},? {CLOCK_12}",
        "F j, Y": rf"{NAME} {DAY}, {YEAR}",
        "h:iA": CLOCK_12,
        "g:i A": CLOCK_12,
        "H:i": CLOCK_24,
    }.items()
}
AMBIGUOUS = frozenset({"d/m/y", "h:iA", "g:i A", "H:i"})
"""Read only where the field is declared so: a day could be a month, a time of day has no day."""

ROUGH = frozenset({"relative", "D d Y h:iA"})
"""Ages, and the notes of deals, which leave out the month."""

FORMS = frozenset(PATTERNS) | ROUGH | {"iso"}


def iso(text: str, form: str) -> str:
    """A date or time that is written in `form`, in ISO 8601: the day, the moment, or the time of day.

    A moment keeps its seconds and its zone, where it has them, but no fractions. A text in another form is taken as
    well if it can be read in one way alone. Ages and the like are marked with `ABOUT`.
    """
    given = text.strip()
    found = _read(given, form) or _moment(given)
    if found is None:
        found = next(
            (day for each in PATTERNS if each not in AMBIGUOUS and (day := _read(given, each))), None
        )
    if found is None and form in ROUGH and given and not given.startswith(ABOUT):
        return ABOUT + text
    return text if found is None else found


def moment(day: str, time: str) -> str:
    """A day and a time of day, both in ISO, as one; the day alone, or as they stand, where they are not."""
    if PATTERNS["Y-m-d"].fullmatch(day) and PATTERNS["H:i"].fullmatch(time):
        return joined(day, "T", time)
    return joined(day, " " if day and time else "", time)


def _moment(text: str) -> str | None:
    found = MOMENT.fullmatch(text)
    if (
        not found
        or not _is_day(*map(int, found[1].split("-")))
        or not _is_time(*map(int, found[2].split(":")))
    ):
        return None
    return f"{found[1]}T{found[2]}{found[3] or ''}"


def _read(text: str, form: str) -> str | None:
    pattern = PATTERNS.get(form)
    found = pattern.fullmatch(text) if pattern else None
    if found is None:
        return None
    parts = {name: value for name, value in found.groupdict().items() if value is not None}
    day = _day(parts) if "day" in parts else ""
    time = _time(parts) if "hour" in parts else ""
    if day is None or time is None:
        return None
    return f"{day}T{time}" if day and time else day or time


def _day(parts: Mapping[str, str]) -> str | None:
    year = int(parts.get("year") or f"20{parts['short']}")
    month = int(parts["number"]) if "number" in parts else _month(parts["month"])
    day = int(parts["day"])
    return f"{year:04}-{month:02}-{day:02}" if _is_day(year, month, day) else None


def _month(name: str) -> int:
    """The number of a month by its English name, short or long; 0, which is none, for any other word."""
    word = "september" if name.lower() == "sept" else name.lower()
    return next((at for at, month in enumerate(MONTHS, 1) if word in {month, month[:3]}), 0)


def _time(parts: Mapping[str, str]) -> str | None:
    hour, minute, second = int(parts["hour"]), int(parts["minute"]), parts.get("second")
    if half := parts.get("half"):
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "pm" else 0)
    if not _is_time(hour, minute, int(second or 0)):
        return None
    return f"{hour:02}:{minute:02}" + (f":{second}" if second else "")


def _is_day(year: int, month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= monthrange(year, month)[1]


def _is_time(hour: int, minute: int, second: int) -> bool:
    return hour < 24 and minute < 60 and second < 60
