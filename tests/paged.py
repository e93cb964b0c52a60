"""A list behind pages, which lies about its length, changes and fails as a test says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Literal

import anyio.lowlevel

from taskip_mcp.pages import Collected, collect
from taskip_mcp.wire import JsonObject, Page, page_of

Counters = Literal["none", "laravel", "total", "constant", "rows of the page"]
Rows = list[JsonObject]
Change = Callable[[Rows, int], None]
"""Rows, and an id that is new to them."""


def records(count: int) -> Rows:
    return [{"id": number} for number in range(1, count + 1)]


def ids(found: Collected) -> list[Any]:
    return [row["id"] for row in found.items]


@dataclass
class Server:
    """A list behind pages of `real` rows, of which `size` were asked; `changes` strike before the n-th answer.

    The answers go through `page_of`, so that its guesses are part of what is tested.
    """

    rows: Rows
    real: int
    size: int | None = None
    counters: Counters = "none"
    constant: int = 0
    changes: Mapping[int, Change] = field(default_factory=lambda: dict[int, Change]())
    delays: Sequence[int] = (0,)
    failures: Mapping[int, Exception] = field(default_factory=lambda: dict[int, Exception]())
    turns_pages: bool = True
    asked: list[int] = field(default_factory=lambda: list[int]())
    answered: int = 0
    flying: int = 0
    most_flying: int = 0

    async def fetch(self, number: int) -> Page:
        self.asked.append(number)
        self.flying += 1
        self.most_flying = max(self.flying, self.most_flying)
        for _ in range(self.delays[len(self.asked) % len(self.delays)]):
            await anyio.lowlevel.checkpoint()
        self.flying -= 1
        if number in self.failures:
            raise self.failures[number]
        self.answered += 1
        if change := self.changes.get(self.answered):
            change(self.rows, -self.answered)
        return self._page(number)

    def _page(self, number: int) -> Page:
        start = (number - 1) * self.real if self.turns_pages else 0
        part = self.rows[start : start + self.real]
        meta: dict[Counters, JsonObject] = {
            "none": {},
            "laravel": {
                "total": len(self.rows),
                "last_page": max(1, ceil(len(self.rows) / self.real)),
                "current_page": number,
            },
            "total": {"total": len(self.rows)},
            "constant": {"total": self.constant, "last_page": ceil(self.constant / self.real)},
            "rows of the page": {"total": len(part)},
        }
        payload = {"data": list(part), "meta": meta[self.counters]}
        return page_of(payload, asked=number, limit=self.size)

    async def all(self, **more: Any) -> Collected:
        return await collect(self.fetch, size=self.size, **more)


def added(place: int) -> Change:
    return lambda rows, new: rows.insert(place % (len(rows) + 1), {"id": new})


def removed(place: int, count: int = 1) -> Change:
    def change(rows: Rows, _: int) -> None:
        start = place % (len(rows) or 1)
        del rows[start : start + count]

    return change
