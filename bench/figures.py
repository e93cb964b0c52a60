"""What the benchmarks make of what they measured. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

MINUTE = 60.0
TOLD = re.compile(r"a request could leave in (\d+) seconds\. Nothing was sent\.")


def shares(total: int, parts: int) -> list[int]:
    """`total` in so many parts that differ by one at most."""
    least, more = divmod(total, parts)
    return [least + (part < more) for part in range(parts)]


def in_first_minute(times: Sequence[float]) -> int:
    """How many of `times` lie in the minute that starts with the first of them."""
    return sum(1 for time in times if time < min(times) + MINUTE)


def told_seconds(text: str) -> int | None:
    """The seconds that a refusal of the rate budget names; None if `text` is none or names none."""
    found = TOLD.search(text)
    return int(found[1]) if found else None


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns under their heads: the first to the left, figures to the right."""
    lines = [list(head), *([figure(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join("  ".join(_cells(line, widths)).rstrip() for line in lines)


def _cells(line: Sequence[str], widths: Sequence[int]) -> list[str]:
    first, *rest = zip(line, widths, strict=True)
    return [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]


def figure(value: object) -> str:
    """A number as it is printed; a dash for what was not measured."""
    if value is None:
        return "-"
    return f"{value:.2f}" if isinstance(value, float) else str(value)
