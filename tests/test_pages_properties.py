"""No row is lost and none comes twice, whatever the counters say and whatever happens to the list meanwhile."""

from __future__ import annotations

from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskip_mcp import pages
from taskip_mcp.pages import Collected, collect
from taskip_mcp.wire import Page
from tests.paged import Change, Counters, Rows, Server, added, ids, records, removed

pytestmark = pytest.mark.anyio

COUNTS = st.integers(0, 90)
AT_ONCE = st.integers(1, 5)
DELAYS = st.lists(st.integers(0, 4), min_size=1, max_size=6)


@st.composite
def quiet_servers(draw: st.DrawFn) -> Server:
    """Lists that nobody changes, with every kind of counters and of page sizes that can be read in full."""
    counters: Counters = draw(st.sampled_from(["none", "laravel", "total", "constant", "rows of the page"]))
    real = draw(st.integers(1, 30))
    sizes = [st.just(real), st.none(), st.integers(1, real)]
    if counters in {"laravel", "total"}:  # with these a page that is cut short can be told from the last one
        sizes.append(st.integers(real, 100))
    return Server(
        records(draw(COUNTS)),
        real,
        draw(st.one_of(sizes)),
        counters,
        draw(st.integers(0, 200)),
        delays=draw(DELAYS),
    )


@settings(deadline=None, max_examples=400)
@given(server=quiet_servers(), at_once=AT_ONCE)
async def test_a_quiet_list_is_read_in_full_and_in_order(server: Server, at_once: int) -> None:
    found = await server.all(at_once=at_once, most=1000)
    assert ids(found) == [row["id"] for row in server.rows]
    assert (found.complete, found.next_page) == (True, None)
    assert server.most_flying <= at_once
    # The pages, one to see that there is none, and what was asked together with the last ones.
    assert len(server.asked) <= ceil(len(server.rows) / server.real) + 1 + at_once


@settings(deadline=None, max_examples=200)
@given(count=COUNTS, real=st.integers(1, 30), size=st.integers(1, 100), at_once=AT_ONCE)
async def test_right_counters_cost_at_most_one_request_more_than_there_are_pages(
    count: int, real: int, size: int, at_once: int
) -> None:
    server = Server(records(count), real, size, "laravel")
    await server.all(at_once=at_once, most=1000)
    assert len(server.asked) <= max(1, ceil(count / real)) + 1
    assert sorted(set(server.asked)) == sorted(server.asked)


IN_FRONT = st.just(added(0))
ANYWHERE = st.integers(0, 200).map(added)
REMOVED = st.integers(0, 200).map(removed)


def moments(change: st.SearchStrategy[Change], most: int) -> st.SearchStrategy[dict[int, Change]]:
    return st.dictionaries(st.integers(2, 15), change, max_size=most)


def check_nothing_is_lost(before: Rows, server: Server, found: Collected) -> None:
    throughout = {row["id"] for row in before} & {row["id"] for row in server.rows}
    assert len(ids(found)) == len(set(ids(found)))
    assert throughout <= set(ids(found))


@settings(deadline=None, max_examples=500)
@given(
    count=COUNTS,
    real=st.integers(5, 20),
    counters=st.sampled_from(["laravel", "total"]),
    changes=moments(st.one_of(IN_FRONT, REMOVED), pages.REREADS),
    at_once=AT_ONCE,
    delays=DELAYS,
)
async def test_with_totals_no_row_is_lost_while_others_come_in_front_or_go(
    count: int, real: int, counters: Counters, changes: dict[int, Change], at_once: int, delays: list[int]
) -> None:
    server = Server(records(count), real, real, counters, changes=changes, delays=delays)
    found = await server.all(at_once=at_once, most=1000)
    check_nothing_is_lost(records(count), server, found)
    assert found.complete
    assert len(server.asked) <= (1 + len(changes)) * (ceil((count + len(changes)) / real) + 1 + at_once)


@settings(deadline=None, max_examples=300)
@given(count=COUNTS, real=st.integers(5, 20), changes=moments(ANYWHERE, 8))
async def test_without_counters_no_row_is_lost_while_others_are_added(
    count: int, real: int, changes: dict[int, Change]
) -> None:
    server = Server(records(count), real, real, changes=changes)
    check_nothing_is_lost(records(count), server, await server.all(at_once=1, most=1000))


@settings(deadline=None, max_examples=300)
@given(
    count=COUNTS,
    real=st.integers(1, 20),
    counters=st.sampled_from(["none", "laravel", "total", "rows of the page"]),
    changes=moments(st.one_of(IN_FRONT, ANYWHERE, REMOVED), 15),
    at_once=AT_ONCE,
    delays=DELAYS,
)
async def test_no_row_comes_twice_and_the_reading_ends_whatever_happens(
    count: int, real: int, counters: Counters, changes: dict[int, Change], at_once: int, delays: list[int]
) -> None:
    server = Server(records(count), real, real, counters, changes=changes, delays=delays)
    found = await server.all(at_once=at_once, most=60)
    assert len(ids(found)) == len(set(ids(found)))
    assert len(server.asked) <= 60
    assert found.complete == (not found.reason)


@settings(deadline=None, max_examples=200)
@given(
    count=COUNTS,
    totals=st.lists(st.none() | st.integers(0, 300), min_size=1),
    at_once=AT_ONCE,
)
async def test_totals_at_random_lose_no_row_of_a_quiet_list(
    count: int, totals: list[int | None], at_once: int
) -> None:
    rows = records(count)

    async def fetch(number: int) -> Page:
        return Page(rows[(number - 1) * 10 : number * 10], totals[number % len(totals)])

    found = await collect(fetch, size=10, at_once=at_once, most=1000)
    assert ids(found) == [row["id"] for row in rows]
