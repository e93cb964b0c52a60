"""A list is read to its end: where it ends, what is asked at once, what becomes of failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import anyio
import pytest

from taskip_mcp import pages
from taskip_mcp.errors import BudgetError, DeadlineError, ServerError
from taskip_mcp.pages import Collected, collect
from taskip_mcp.wire import JsonObject, Page
from tests.paged import Change, Counters, Rows, Server, added, ids, records, removed

pytestmark = pytest.mark.anyio


# --- where a list ends ------------------------------------------------------------------------------------


async def test_an_empty_list_costs_one_request() -> None:
    server = Server([], 100, 100)
    assert await server.all() == Collected([], 1)
    assert server.asked == [1]


async def test_a_short_page_without_counters_ends_the_list() -> None:
    server = Server(records(37), 100, 100)
    assert ids(await server.all()) == list(range(1, 38))
    assert server.asked == [1]


async def test_a_total_that_is_met_by_a_short_page_ends_the_list() -> None:
    server = Server(records(15), 100, 100, "laravel")
    assert (await server.all()).complete
    assert server.asked == [1]


async def test_a_total_that_is_too_small_does_not_end_the_list() -> None:
    server = Server(records(45), 10, 10, "constant", constant=20)
    found = await server.all()
    assert (len(found.items), found.pages, found.complete) == (45, 5, True)


async def test_a_total_that_is_too_large_ends_at_the_empty_page() -> None:
    server = Server(records(25), 10, 10, "constant", constant=1000)
    found = await server.all()
    assert (len(found.items), found.complete) == (25, True)
    assert len(server.asked) <= 3 + 1 + pages.AT_ONCE


async def test_a_page_size_below_the_asked_one_is_taken_from_the_answer() -> None:
    server = Server(records(40), 15, 20, "laravel")
    assert len((await server.all()).items) == 40
    assert server.asked == [1, 2, 3]


async def test_a_total_alone_tells_of_a_page_size_below_the_asked_one() -> None:
    server = Server(records(40), 15, 20, "total")
    assert len((await server.all()).items) == 40


async def test_as_many_rows_as_a_usual_page_has_are_not_trusted_without_counters() -> None:
    server = Server(records(40), 15, 100)
    assert len((await server.all()).items) == 40


async def test_without_a_size_the_first_page_counts_as_full() -> None:
    server = Server(records(20), 15)
    assert len((await server.all()).items) == 20
    assert server.asked == [1, 2]


async def test_the_reading_may_begin_later() -> None:
    server = Server(records(35), 10, 10, "laravel")
    found = await server.all(first=3)
    assert ids(found) == list(range(21, 36))
    assert (found.pages, found.complete, server.asked) == (2, True, [3, 4])


@pytest.mark.parametrize(("counters", "count", "real"), [("laravel", 100, 15), ("none", 100, 20)])
async def test_a_server_that_ignores_the_page_is_noticed_and_told(
    counters: Counters, count: int, real: int
) -> None:
    server = Server(records(count), real, 20, counters, turns_pages=False)
    found = await server.all()
    assert ids(found) == list(range(1, real + 1))
    assert (found.complete, found.next_page, found.reason) == (False, None, pages.REPEATS)
    assert len(server.asked) <= 1 + pages.AT_ONCE
    assert found.shape()["note"] == pages.REPEATS


async def test_a_list_without_pages_is_complete_when_it_repeats() -> None:
    server = Server(records(237), 1000, 100, turns_pages=False)
    found = await server.all()
    assert (len(found.items), found.complete, server.asked) == (237, True, [1, 2])


# --- rows -------------------------------------------------------------------------------------------------


async def answers(*parts: Rows, size: int = 2, **more: Any) -> Collected:
    async def fetch(number: int) -> Page:
        return Page(parts[number - 1] if number <= len(parts) else [])

    return await collect(fetch, size=size, **more)


async def test_rows_are_told_apart_by_id_and_else_by_uuid() -> None:
    found = await answers([{"id": 1}, {"uuid": "a"}], [{"id": "1"}, {"uuid": "b"}], [{"uuid": "a"}])
    assert found.items == [{"id": 1}, {"uuid": "a"}, {"uuid": "b"}]


async def test_rows_without_an_identifier_are_all_kept() -> None:
    row = {"id": None, "content": "same"}
    assert (await answers([row, row], [row, row], [row])).items == [row] * 5


async def test_equal_ids_on_one_page_are_no_shift() -> None:
    rows = [{"id": 1, "kind": "call"}, {"id": 1, "kind": "mail"}]
    assert (await answers(rows)).items == rows


async def test_a_row_that_slipped_to_a_page_before_is_fetched() -> None:
    server = Server(records(30), 10, 10, "laravel", changes={2: removed(0)})
    found = await server.all(at_once=1)
    assert ids(found)[10:] == list(range(11, 31))
    assert server.asked == [1, 2, 1, 2, 3]
    assert (found.pages, found.complete) == (3, True)


async def test_many_removed_rows_send_the_reading_back_by_as_many_pages() -> None:
    server = Server(records(60), 10, 10, "laravel", changes={5: removed(0, 25)})
    found = await server.all(at_once=1)
    assert set(ids(found)) == set(range(1, 61))
    assert server.asked == [1, 2, 3, 4, 5, 2, 3, 4]


async def test_a_list_that_never_rests_is_told_to_be_incomplete() -> None:
    server = Server(records(95), 10, 10, "laravel", changes={number: removed(0) for number in range(2, 40)})
    found = await server.all()
    assert (found.complete, found.next_page, found.reason) == (False, None, pages.CHANGED)
    assert found.shape()["note"] == pages.CHANGED


# --- how many at once -------------------------------------------------------------------------------------


async def test_promised_pages_are_asked_for_together() -> None:
    server = Server(records(95), 10, 10, "laravel", delays=[3])
    await server.all(at_once=4)
    assert server.most_flying == 4
    assert server.asked == list(range(1, 11))


async def test_pages_come_in_order_whichever_answer_is_first() -> None:
    server = Server(records(60), 10, 10, "laravel", delays=[4, 0, 3, 1])
    assert ids(await server.all()) == list(range(1, 61))


async def test_without_counters_the_guesses_grow_one_two_four() -> None:
    flying: list[int] = []
    server = Server(records(85), 10, 10, delays=[2])

    async def fetch(number: int) -> Page:
        flying.append(server.flying)
        return await server.fetch(number)

    await collect(fetch, size=10)
    assert flying == [0, 0, 0, 1, 0, 1, 2, 3, 0, 1, 2, 3]


async def test_the_number_of_requests_is_bounded() -> None:
    server = Server(records(100), 10, 10, "laravel")
    found = await server.all(most=6)
    assert (server.asked, len(found.items), found.next_page) == ([1, 2, 3, 4, 5, 6], 60, 7)
    assert (
        found.shape()["note"] == "Read up to page 6; go on with page=7. One reading asks for at most 6 pages."
    )


async def test_one_page_may_be_the_bound() -> None:
    server = Server(records(30), 10, 10)
    assert (await server.all(most=1)).next_page == 2


# --- a row that is looked for -----------------------------------------------------------------------------


def is_record(number: int) -> Callable[[JsonObject], bool]:
    return lambda row: row["id"] == number


async def test_the_reading_ends_with_the_page_of_a_row_that_is_looked_for() -> None:
    server = Server(records(50), 10, 10, "laravel")
    found = await server.all(at_once=1, until=is_record(14))
    assert found.found == {"id": 14}
    assert (server.asked, len(found.items), found.complete, found.next_page) == ([1, 2], 20, False, 3)


async def test_a_row_on_the_last_page_leaves_nothing_out() -> None:
    found = await Server(records(14), 10, 10, "laravel").all(until=is_record(14))
    assert (found.found, found.complete) == ({"id": 14}, True)


async def test_a_row_that_is_not_there_is_not_found() -> None:
    found = await Server(records(50), 10, 10).all(until=is_record(99))
    assert (found.found, found.complete, len(found.items)) == (None, True, 50)


# --- failures ---------------------------------------------------------------------------------------------

OVER = BudgetError("The minute is used up.")


@pytest.mark.parametrize("error", [OVER, ServerError("TaskIP has a problem", status=500), KeyError("x")])
async def test_an_error_of_the_first_page_is_raised_as_it_is(error: Exception) -> None:
    with pytest.raises(type(error)) as raised:
        await Server(records(50), 10, 10, failures={1: error}).all()
    assert raised.value is error


@pytest.mark.parametrize("error", [OVER, DeadlineError("The time is over."), ServerError("Down", status=503)])
@pytest.mark.parametrize("counters", ["none", "laravel"])
async def test_an_error_on_the_way_leaves_what_was_read_and_where_to_go_on(
    error: Exception, counters: Counters
) -> None:
    found = await Server(records(90), 10, 10, counters, failures={5: error}).all()
    assert ids(found) == list(range(1, 41))
    assert (found.pages, found.complete, found.next_page, found.reason) == (4, False, 5, str(error))


async def test_pages_after_one_that_failed_are_dropped_though_they_came() -> None:
    server = Server(records(50), 10, 10, "laravel", failures={3: OVER}, delays=[2, 0])
    found = await server.all()
    assert server.asked == [1, 2, 3, 4, 5]
    assert server.answered == 4  # a failure cancels no request that is on its way
    assert (ids(found), found.next_page) == (list(range(1, 21)), 3)


async def test_an_incomplete_reading_goes_on_where_it_says() -> None:
    server = Server(records(50), 10, 10, "laravel", failures={3: OVER})
    begun = await server.all()
    server.failures = {}
    rest = await server.all(first=begun.next_page)
    assert ids(begun) + ids(rest) == list(range(1, 51))


async def test_an_error_behind_the_end_does_not_matter() -> None:
    server = Server(records(55), 10, 10, failures={7: OVER})  # pages 4 to 7 are asked for together
    found = await server.all()
    assert 7 in server.asked
    assert (len(found.items), found.complete) == (55, True)


async def test_an_error_while_a_page_is_read_again_leads_back_to_that_page() -> None:
    server = Server(records(50), 10, 10, "laravel", changes={3: removed(0)})

    async def fetch(number: int) -> Page:
        if 3 in server.asked:
            raise OVER
        return await server.fetch(number)

    found = await collect(fetch, size=10, at_once=1)
    assert (ids(found), found.pages) == (list(range(1, 21)), 2)
    assert (found.complete, found.next_page) == (False, 2)


async def test_a_mistake_in_the_code_is_raised_plain() -> None:
    mistake = KeyError("items")
    with pytest.raises(KeyError) as raised:
        await Server(records(50), 10, 10, "laravel", failures={3: mistake, 2: OVER}).all()
    assert raised.value is mistake


async def test_a_cancellation_ends_the_requests_and_goes_on_outwards() -> None:
    ended: list[int] = []

    async def fetch(number: int) -> Page:
        if number == 1:
            return Page(records(10), 50, 2)
        try:
            await anyio.sleep_forever()
        finally:
            ended.append(number)
        raise AssertionError

    with anyio.move_on_after(0.01) as scope:
        await collect(fetch, size=10)
    assert scope.cancelled_caught
    assert sorted(ended) == [2, 3, 4, 5]


# --- the shape --------------------------------------------------------------------------------------------


def test_a_complete_list_says_so_and_nothing_more() -> None:
    assert Collected([{"id": 1}], 1).shape() == {
        "items": [{"id": 1}],
        "returned": 1,
        "pages": 1,
        "complete": True,
    }


def test_an_incomplete_list_says_how_far_it_got_and_where_to_go_on() -> None:
    shown = Collected([{"id": 1}], 6, complete=False, next_page=7, reason="The minute is used up.").shape()
    assert (shown["complete"], shown["next_page"]) == (False, 7)
    assert shown["note"] == "Read up to page 6; go on with page=7. The minute is used up."


@pytest.mark.parametrize(
    ("count", "changes"),
    [(21, {4: added(0), 5: removed(16)}), (16, {4: added(0)}), (11, {3: added(0)})],
    ids=["an added row hides a removed one", "a row is added", "a row is added early"],
)
@pytest.mark.parametrize("delays", [[0, 0, 0, 1], [0, 1, 0], [1, 0, 0]])
async def test_no_row_passes_between_two_answers_that_come_in_another_order(
    count: int, changes: dict[int, Change], delays: list[int]
) -> None:
    server = Server(records(count), 5, 5, "laravel", changes=changes, delays=delays)
    found = await server.all(at_once=4)
    assert {row["id"] for row in server.rows if row["id"] > 0} <= set(ids(found))
    assert found.complete
