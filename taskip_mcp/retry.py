"""When a failed request is tried again. Pure: no waiting, no I/O.

Reads: connection errors, timeouts, 429, 502, 503, 504 up to `TRIES` in all, 500 and an unreadable answer once more,
other errors never. Writes: only when it is certain that nothing was done, which is so for an error that says
"unchanged" without an answer (the request never left) and for a 429.
"""

from __future__ import annotations

import email.utils
import random
from collections.abc import Mapping

from taskip_mcp import errors

TRIES = 3
FIRST, LONGEST = 0.5, 8.0
"""Seconds: the upper bound of the first pause, doubled with each try, and where doubling ends."""

AGAIN = frozenset({500, 502, 503, 504})


def pause(error: errors.ApiError, tries: int, *, writes: bool) -> float | None:
    """Seconds to wait before the next try; None to give up. `tries` were made.

    After a 429 it is 0: the budget holds the request until the window opens.
    """
    if tries >= (2 if error.status == 500 or isinstance(error, errors.UnreadableError) else TRIES):
        return None
    if isinstance(error, errors.RateLimitError):
        return 0.0
    if isinstance(error, errors.ConnectError) or (not writes and _worth(error)):
        # Full jitter: clients that failed together do not come back together.
        least = error.retry_after or 0.0
        return least + random.uniform(0, min(LONGEST, FIRST * 2 ** (tries - 1)))
    return None


def _worth(error: errors.ApiError) -> bool:
    return isinstance(error, errors.LostError | errors.UnreadableError) or error.status in AGAIN


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds of a Retry-After, which may be a number or a date; None when there is none, or none to use.

    `now` is ours; where the answer has a date of its own, that one counts: clocks differ.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        when = _date(text)
        seconds = when - (_date(headers.get("date", "")) or now) if when else 0.0
    return seconds if 0 < seconds < float("inf") else None


def reset_in(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until ``X-RateLimit-Reset``, which is a time in seconds since 1970."""
    try:
        reset = float(headers.get("x-ratelimit-reset", ""))
    except ValueError:
        return None
    return reset - (_date(headers.get("date", "")) or now)


def skew(headers: Mapping[str, str], now: float) -> float:
    """Seconds by which the clock of the answer is ahead of ours; 0 when it does not tell."""
    date = _date(headers.get("date", ""))
    return 0.0 if date is None else date - now


def _date(text: str) -> float | None:
    try:
        return email.utils.parsedate_to_datetime(text).timestamp()
    except (TypeError, ValueError):
        return None
