"""Reading a list to its end, several pages at once. Nothing here knows HTTP: a page comes from a function.

TaskIP gives a total for some lists, none for many, and one that its own samples contradict (contract
`api.pagination`). So a list ends where the rows end, and a total only tells how many pages may be asked at once.

What a list that changes meanwhile can do, and what is done about it:

=======================================  =================================================================
rows were added, all others move back    a row comes twice; it is kept once, by its id
rows were removed, all others move up    a row slips to a page that was read before. A total that falls gives it
                                         away: the pages from there on are read again
rows were added or removed between two   a row passes from one page to the other. Totals that differ give it away:
requests in flight                       these pages are read again
rows were removed, or added between two  cannot be seen; a row may be missing
requests in flight, and there is no
total
=======================================  =================================================================
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil

import anyio

from taskip_mcp.errors import TaskipError
from taskip_mcp.wire import JsonObject, Page

Fetch = Callable[[int], Awaitable[Page]]

MOST = 100
"""Pages that one reading asks for: with TaskIP's 100 rows a page 10,000 rows, and a key's whole minute."""

AT_ONCE = 4
"""Requests in flight; the connection pool has eight places, and other calls want some."""

REREADS = 3
"""Times that a shrinking list is read again; after that it is told that rows may be missing."""

USUAL_SIZES = frozenset({10, 15, 20, 25, 30, 50})
"""Default page sizes. So many rows for 100 asked may be a short list, or a TaskIP that ignores the limit."""

CHANGED = (
    "The list changed again and again while it was read, so that rows may be missing; read it again later."
)
REPEATS = "TaskIP shows the same rows on every page, so that there may be more which cannot be read."


@dataclass(frozen=True, slots=True)
class Collected:
    """The rows of a list, each once, in the order of the pages.

    `complete` is False where rows may be missing; `reason` then says why, and `next_page` where to go on (None
    where going on is no help). `found` is the row that `until` accepted; rows after it on its page are kept.
    """

    items: list[JsonObject]
    pages: int
    complete: bool = True
    next_page: int | None = None
    reason: str = ""
    found: JsonObject | None = None
    note: str = ""

    def shape(self) -> JsonObject:
        """``{"items", "returned", "pages", "complete"}``, and ``next_page`` and ``note`` if it is not complete."""
        counts = {"returned": len(self.items), "pages": self.pages, "complete": self.complete}
        shown = {"items": self.items} | counts | ({} if self.complete else self._rest())
        notes = " ".join(filter(None, [str(shown.get("note") or ""), self.note]))
        return shown | ({"note": notes} if notes else {})

    def _rest(self) -> JsonObject:
        if self.next_page is None:
            return {"note": self.reason}
        read = f"Read up to page {self.next_page - 1}; go on with page={self.next_page}."
        return {"next_page": self.next_page, "note": f"{read} {self.reason}".strip()}


async def collect(
    fetch: Fetch,
    *,
    size: int | None = None,
    first: int = 1,
    most: int = MOST,
    at_once: int = AT_ONCE,
    until: Callable[[JsonObject], bool] | None = None,
) -> Collected:
    """All rows from page `first` on; `fetch` gives the page of a number.

    `size` is the page size that `fetch` asks for. Without it the first page counts as full, and one more page is
    asked to be sure. `most` bounds the requests, `at_once` those in flight. `until` ends the reading with the page
    that has a row it accepts.

    Raises what `fetch` raises for the first page. A `TaskipError` of a later page makes the result incomplete, up
    to that page; any other error is raised as it is, never in an exception group.
    """
    reading = _Reading(first, size, most, max(1, at_once), until)
    reading.take(first, await fetch(first))
    while numbers := reading.plan():
        pages = await _all(fetch, numbers)
        if reading.moved(numbers[0], pages):
            continue
        for number, outcome in ((number, pages[number]) for number in numbers):
            if isinstance(outcome, TaskipError):
                reading.stop(str(outcome), number)
            elif reading.take(number, outcome):
                continue
            break
    return reading.result()


async def _all(fetch: Fetch, numbers: Sequence[int]) -> dict[int, Page | TaskipError]:
    """The pages in the order in which they came, or what went wrong with each.

    A failure does not cancel the others, which are paid for.
    """
    pages: dict[int, Page | TaskipError] = {}
    bugs: list[Exception] = []

    async def one(number: int) -> None:
        try:
            pages[number] = await fetch(number)
        except TaskipError as error:
            pages[number] = error
        except Exception as error:  # out of the task group it would come wrapped in an exception group
            bugs.append(error)

    async with anyio.create_task_group() as group:
        for number in numbers:
            group.start_soon(one, number)
    if bugs:
        raise bugs[0]
    return pages


@dataclass
class _Reading:
    """How far a reading is. `full` is the rows of a full page, `total` what the page before said, if it can be."""

    first: int
    size: int | None
    most: int
    at_once: int
    until: Callable[[JsonObject], bool] | None
    rows: list[JsonObject] = field(default_factory=lambda: list[JsonObject]())
    known: set[tuple[str, str]] = field(default_factory=lambda: set[tuple[str, str]]())
    full: int = 0
    total: int | None = None
    latest: int | None = None
    """The total that came last."""
    next: int | None = None
    """The page to ask for; None when the reading is over."""
    last: int = 0
    """The highest page whose rows are here."""
    asked: int = 1
    pace: int = 1
    rereads: int = 0
    reason: str = ""
    resume: int | None = None
    found: JsonObject | None = None

    # --- what to ask for ----------------------------------------------------------------------------------

    def plan(self) -> list[int]:
        """The pages to ask for together; none when the reading is over."""
        if self.next is None:
            return []
        wide = min(self._width(self.next), self.at_once, self.most - self.asked)
        if wide <= 0:
            self.stop(f"One reading asks for at most {self.most} pages.", self.next)
            return []
        self.asked += wide
        return list(range(self.next, self.next + wide))

    def _width(self, number: int) -> int:
        """As many as the total promises; without a promise 1, then 2, 4: a guess may be wasted."""
        promised = 0 if self.total is None else max(0, ceil(self.total / self.full) - number + 1)
        if promised:
            return promised
        pace, self.pace = self.pace, self.pace * 2
        return pace

    # --- what came ----------------------------------------------------------------------------------------

    def take(self, number: int, page: Page) -> bool:
        """Add a page; False when the pages that were asked together with it and come after are of no use."""
        self.full = self.full or self._first_size(page)
        self.total = self._credible(number, page)
        self.latest = self.latest if number > self.first else self.total
        more, repeated = self._more(number, page), not self._add(page.items) and number > self.last
        self.last = max(self.last, number)
        self.next = number + 1 if more and not (repeated or self.found) else None
        if self.found:
            self.resume = number + 1 if more else None
        elif more and repeated:
            self._repeated(page)
        return self.next is not None

    def _first_size(self, page: Page) -> int:
        """Rows of a full page, as far as the first one tells: what was asked for, or a size of TaskIP's own."""
        rows = len(page.items)
        size = self.size or rows
        own = rows > size or (page.total is None and rows in USUAL_SIZES)
        return max(1, rows if own else size)

    def _credible(self, number: int, page: Page) -> int | None:
        """The page's total, unless it is below the rows that are known to be there."""
        if page.total is None or page.total < (self._before(number) + len(page.items) if page.items else 1):
            return None
        return page.total

    def _before(self, number: int) -> int:
        return (number - 1) * self.full

    def moved(self, number: int, pages: Mapping[int, Page | TaskipError]) -> bool:
        """Whether rows may have moved between pages while these came; then they are read again, from there on.

        A total that falls tells of rows that went, wherever they were. Totals that differ among pages which were asked
        together tell of any change: the answers need not come in order, so a row may have passed between two of them.
        """
        gone, totals = 0, list[int]()
        for (
            each,
            page,
        ) in pages.items():  # in the order in which they came: else what was added hides what went
            total = self._credible(each, page) if isinstance(page, Page) else None
            if total is not None:
                gone += max(0, (self.latest or 0) - total)
                totals.append(total)
            self.latest = total
        if not gone and len(set(totals)) < 2:
            return False
        if self.rereads == REREADS:
            self.reason = CHANGED
            return False
        self.next, self.total = max(self.first, number - ceil(gone / self.full)), self.latest
        self.rereads += 1
        return True

    def _more(self, number: int, page: Page) -> bool:
        """Whether a page may come after this one: counters say so, or it is full."""
        rows = len(page.items)
        if not rows:
            return False
        if page.next_page is None and (self.total or 0) <= self._before(number) + rows:
            return rows >= self.full
        self.full = min(self.full, rows)  # TaskIP may have a page size of its own, below the asked one
        return True

    def _add(self, items: Sequence[JsonObject]) -> bool:
        """Keep the rows that no page had before; whether there are any. Rows without an identifier are all kept."""
        fresh = [row for row in items if _key(row) not in self.known]
        self.known.update(key for row in items if (key := _key(row)))
        self.rows += fresh
        if self.until is not None:
            self.found = next(filter(self.until, fresh), None)
        return bool(fresh)

    def _repeated(self, page: Page) -> None:
        """TaskIP does not turn pages. Without a total, a page of the size that was asked for may have been cut."""
        promised = (self.total or 0) > self._before(self.first) + len(self.rows)
        if promised or len(page.items) == self.size:
            self.reason = REPEATS

    # --- the end ------------------------------------------------------------------------------------------

    def stop(self, reason: str, number: int) -> None:
        """End before page `number`."""
        self.next, self.reason, self.resume = None, reason, number

    def result(self) -> Collected:
        """What was read."""
        complete = not self.reason and self.resume is None
        pages = self.last - self.first + 1
        return Collected(self.rows, pages, complete, self.resume, self.reason, self.found)


def _key(row: JsonObject) -> tuple[str, str] | None:
    for name in ("id", "uuid"):
        value = row.get(name)
        if isinstance(value, int | str) and value != "":
            return name, str(value)
    return None
