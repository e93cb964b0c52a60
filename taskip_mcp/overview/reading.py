"""Several reads for one answer: counted, a few at a time, and what fails does not take the rest with it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any, cast

import anyio

from taskip_mcp import errors, outside, turn
from taskip_mcp import operation as operations
from taskip_mcp.call import Backend, Call
from taskip_mcp.operation import Effect
from taskip_mcp.pages import AT_ONCE, collect
from taskip_mcp.results import Page
from taskip_mcp.wire import JsonObject

SIZE = 100
"""Rows of a page, TaskIP's most."""

PAGES = 2
"""Pages that are read of one list, unless a tool needs more; what is behind them is said to be missing."""

BOARDS = 5
"""Pipelines and meeting pages that are looked into: each costs requests of its own."""

Work = Callable[[], Awaitable[Any]]


def today(backend: Backend) -> date:
    """The day in UTC by TaskIP's clock, which is known once it has answered."""
    return datetime.fromtimestamp(backend.client.now(), UTC).date()


class Reading:
    """The reads of one answer. What they cost is counted where the requests leave: names that were looked up before,
    further tries and routes that TaskIP turns out not to have cost as well."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.not_read: dict[str, str] = {}
        self.incomplete: dict[str, str] = {}
        self._places = anyio.Semaphore(AT_ONCE)
        self._failed: list[errors.TaskipError] = []

    async def read(self, contract: str, **arguments: Any) -> Any:
        """The result of one read, as its operation gives it."""
        operation = operations.find(contract)
        if operation.effect is not Effect.READ:
            raise ValueError(f"{contract} is not a read")
        async with self._places:
            return await operation.function(Call(self.backend, operation, arguments), **arguments)

    async def record(self, contract: str, **arguments: Any) -> JsonObject:
        """One record, with the text of outsiders marked."""
        return _readable(await self.read(contract, **arguments), contract)

    async def page(self, contract: str, **arguments: Any) -> Page:
        """The first page of a list, with the text of outsiders marked."""
        page: Page = await self.read(contract, page=1, limit=SIZE, **arguments)
        return Page([_readable(row, contract) for row in page.items], page.total, page.next_page)

    async def rows(
        self, part: str, contract: str, *, most: int = PAGES, **arguments: Any
    ) -> list[JsonObject]:
        """The rows of up to `most` pages; under `part` it is noted when there may be more."""
        found = await collect(
            lambda page: self.read(contract, page=page, limit=SIZE, **arguments),
            size=SIZE,
            most=most,
            at_once=2,
        )
        if not found.complete:
            cut = found.pages >= most
            self.incomplete[part] = (
                f"only the first {len(found.items)} rows were read" if cut else found.reason
            )
        return [_readable(row, contract) for row in found.items]

    async def rows_unpaged(self, contract: str, **arguments: Any) -> list[JsonObject]:
        """All rows of a list that has no pages."""
        page: Page = await self.read(contract, **arguments)
        return [_readable(row, contract) for row in page.items]

    async def parts(self, works: Mapping[str, Work]) -> dict[str, Any]:
        """The results by part, without those that failed, which are told in `not_read`.

        Raises the first error when no part at all could be read.
        """
        found: dict[str, Any] = {}

        async def one(name: str, work: Work) -> None:
            try:
                found[name] = await work()
            except errors.TaskipError as error:
                self._failed.append(error)
                self.not_read[name] = why(error)

        async with anyio.create_task_group() as group:
            for name, work in works.items():
                group.start_soon(one, name, work)
        if works and not found:
            raise self._failed[0]
        return {name: found[name] for name in works if name in found}

    def gap(self, part: str, words: str) -> None:
        """Note what a part lacks, beside what is noted already."""
        known = self.incomplete.get(part)
        self.incomplete[part] = f"{known}; {words}" if known else words

    def today(self) -> date:
        """See `today`."""
        return today(self.backend)

    def told(self, answer: JsonObject) -> JsonObject:
        """The answer with what was not read, and what it cost."""
        gaps = {"not_read": self.not_read, "incomplete": self.incomplete}
        sent = turn.current().meter.sent
        return answer | {name: gap for name, gap in gaps.items() if gap} | {"requests": sent}


def _readable(record: Any, contract: str) -> JsonObject:
    return cast("JsonObject", outside.readable(record, contract.partition(".")[0]))


def why(error: errors.TaskipError) -> str:
    """Why a part is missing, in short: what to do next is the caller's to decide."""
    if isinstance(error, errors.ApiError):
        return error.facts.rstrip(".")
    return str(error).partition(". ")[0].rstrip(".")
