"""Places in the rate windows, one step at a time: what is counted, what an answer teaches, when all is free again."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from stat import S_IMODE

import pytest

from taskip_mcp import state
from taskip_mcp.budget.sqlite import FILE, SqliteStore
from taskip_mcp.budget.windows import (
    HOUR,
    LATE,
    MINUTE,
    SOON,
    UNANSWERED,
    UPLOADS,
    Seen,
    StoreError,
    Taken,
    Window,
)
from taskip_mcp.clock import Clock
from taskip_mcp.errors import StateError
from tests.budgets import ALL, HOLD, KEY, PLAIN, Table, refused, table

pytestmark = pytest.mark.anyio

# --- places -----------------------------------------------------------------------------------------------


async def test_a_request_is_counted_in_all_its_windows_or_in_none() -> None:
    async with table() as at:
        for _ in range(2):
            assert (await at.take(ALL)).granted
            await at.answer()
        assert await at.take(ALL) == Taken(granted=False, delay=3600.0, window=UPLOADS)
        assert [each.used for each in await at.store.show(KEY, ALL)] == [2, 2, 2]


async def test_a_place_is_free_one_window_after_the_answer_and_no_sooner() -> None:
    async with table() as at:
        await at.take()
        at.time.at += 10
        await at.answer()
        await at.use(4)
        at.time.at += 59.5
        assert await at.take() == Taken(granted=False, delay=0.5, window=MINUTE)
        at.time.at += 0.5
        assert (await at.take()).granted


async def test_a_request_that_was_given_up_may_have_been_counted_later_and_is_kept_for_longer() -> None:
    async with table() as at:
        await at.use(5, UNANSWERED)
        at.time.at += 60 + LATE - 0.5
        assert await at.take() == Taken(granted=False, delay=0.5, window=MINUTE)


async def test_a_place_that_is_given_back_is_free_at_once() -> None:
    async with table() as at:
        await at.use(4)
        assert (await at.take()).granted
        given = at.names[-1]
        assert not (await at.take()).granted
        await at.store.give_back(KEY, given)
        assert (await at.take()).granted


async def test_what_a_crashed_process_had_on_its_way_is_free_after_the_hold_and_one_window() -> None:
    async with table() as at:
        await at.use(4)
        await at.take()
        at.time.at += HOLD + 60 - 0.25
        await at.use(4)
        assert await at.take() == Taken(granted=False, delay=0.25, window=MINUTE)
        assert await at.store.wait(KEY, PLAIN, 0) == Taken(granted=False, delay=0.25, window=MINUTE)
        assert (await at.store.wait(KEY, PLAIN, 1)).delay == 60.0
        at.time.at += 0.25
        assert (await at.take()).granted


async def test_two_accounts_share_neither_places_nor_closures_nor_what_was_learned() -> None:
    async with table() as at:
        other = Table(at.store, at.time, "another key")
        await at.use(4)
        await at.take()
        await at.answer(Seen(remaining=0, closed=MINUTE, closed_for=30.0))
        assert [(each.used, each.opens_in) for each in await at.store.show("another key", ALL)] == [
            (0, 0.0)
        ] * 3
        await other.use(5)


async def test_the_wait_of_a_request_counts_those_ahead_of_it() -> None:
    async with table() as at:
        for _ in range(5):
            await at.use(1)
            at.time.at += 8
        assert await at.store.wait(KEY, PLAIN, 0) == Taken(granted=False, delay=20.0, window=MINUTE)
        assert (await at.store.wait(KEY, PLAIN, 2)).delay == 36.0
        assert (await at.store.wait(KEY, PLAIN, 5)).delay == 80.0


async def test_a_lower_limit_than_that_of_other_processes_waits_for_all_places_that_are_too_many() -> None:
    async with table() as at:
        for _ in range(5):
            await at.use(1)
            at.time.at += 8
        lower = (Window(MINUTE, 2, 60.0),)
        assert await at.take(lower) == Taken(granted=False, delay=44.0, window=MINUTE)
        assert (await at.store.wait(KEY, lower, 1)).delay == 52.0
        at.time.at += 44
        assert (await at.take(lower)).granted


# --- what an answer teaches -------------------------------------------------------------------------------


async def test_what_others_used_before_the_first_answer_counts_in_the_hour_alone() -> None:
    async with table() as at:
        await at.use(1, Seen(limit=20, remaining=12))
        assert await at.foreign() == (0, 7)
        assert (await at.window(HOUR)).left == 12


@pytest.mark.parametrize(("pause", "minute"), [(60.0, 3), (60.5, 0)])
async def test_what_others_used_since_counts_in_the_minute_if_it_is_no_older(
    pause: float, minute: int
) -> None:
    async with table() as at:
        await at.use(1, Seen(remaining=19))
        at.time.at += pause
        await at.use(1, Seen(remaining=15))
        assert await at.foreign() == (minute, 3)


async def test_what_others_used_in_the_minute_never_exceeds_it() -> None:
    async with table() as at:
        await at.use(1, Seen(remaining=19))
        await at.use(1, Seen(remaining=2))
        assert await at.foreign() == (3, 16)
        assert (await at.take()).window == MINUTE


async def test_an_answer_never_makes_more_room_than_was_counted() -> None:
    async with table() as at:
        await at.use(4, Seen(remaining=10))
        before = await at.window(HOUR)
        await at.use(1, Seen(remaining=19))
        assert (await at.window(HOUR)).used == before.used + 1


@pytest.mark.parametrize(
    ("limit", "remaining", "left"),
    [
        (None, 12, 12),
        (20, 12, 12),
        (5000, 4988, 8),  # a larger limit: what is used counts
        (10, 4, 4),  # a smaller one: what is left counts
        (20, 0, 0),
        (20, -3, 0),
        (20, 500, 19),  # more than there is
    ],
)
async def test_a_limit_that_differs_from_ours_is_read_so_that_less_is_used(
    limit: int | None, remaining: int, left: int
) -> None:
    async with table() as at:
        await at.use(1, Seen(limit=limit, remaining=remaining))
        assert (await at.window(HOUR)).left == left


@pytest.mark.parametrize(
    ("reset", "until"), [(600.0, 600.0), (None, 3600.0), (-5.0, 3600.0), (90_000.0, 3600.0)]
)
async def test_what_others_used_is_free_when_the_hour_is_reset(reset: float | None, until: float) -> None:
    async with table() as at:
        await at.use(1, Seen(remaining=0, reset_in=reset))
        at.time.at += until - 0.25
        assert (await at.window(HOUR)).foreign == 19
        at.time.at += 0.25
        assert (await at.window(HOUR)).foreign == 0


async def test_old_use_that_is_counted_anew_after_the_reset_does_not_fill_the_minute() -> None:
    # A sliding hour is "reset" when its oldest request leaves: the other ones are still used.
    async with table() as at:
        await at.use(1, Seen(remaining=8, reset_in=30.0))
        at.time.at += 29
        await at.use(1, Seen(remaining=7, reset_in=1.0))
        at.time.at += 2
        await at.use(1, Seen(remaining=7, reset_in=2.0))
        minute, hour = await at.foreign()
        assert hour == 10
        assert minute == 0


# --- what is on its way -----------------------------------------------------------------------------------

HELD = Taken(granted=False, delay=SOON, window=MINUTE)
"""What only an answer can help."""


async def test_a_request_on_its_way_hides_one_that_was_sent_before_and_one_that_was_sent_since() -> None:
    async with table() as at:
        await at.use(1, Seen(remaining=19))
        # Another program sends its first request.
        assert (await at.take()).granted
        assert (await at.take()).granted
        first, second = at.names[-2:]
        await at.answer(Seen(remaining=17), first)  # without the second of ours: as many as we know of
        assert await at.foreign() == (0, 0)
        # The other program sends one more: with the second of ours the minute is full.
        assert await at.take() == HELD
        await at.answer(Seen(remaining=15), second)
        assert await at.foreign() == (2, 2)
        assert await at.take() == Taken(granted=False, delay=60.0, window=MINUTE)


@pytest.mark.parametrize(("limit", "at_once"), [(1, 1), (2, 1), (3, 1), (4, 2), (10, 4), (100, 34)])
async def test_as_many_leave_at_once_as_there_is_room_for_with_what_each_may_hide(
    limit: int, at_once: int
) -> None:
    async with table(windows=(Window(MINUTE, limit, 60.0),)) as at:
        for _ in range(at_once):
            assert (await at.take()).granted
        held = await at.take()
        assert held == (HELD if limit > 1 else Taken(granted=False, delay=60.0, window=MINUTE))


@pytest.mark.parametrize("limit", [1, 2, 3, 10])
async def test_when_nothing_is_on_its_way_a_request_leaves_until_the_window_is_full(limit: int) -> None:
    async with table(windows=(Window(MINUTE, limit, 60.0),)) as at:
        await at.use(limit)
        assert await at.take() == Taken(granted=False, delay=60.0, window=MINUTE)


async def test_what_only_waits_for_answers_is_not_told_to_wait_for_a_window() -> None:
    async with table() as at:
        await at.use(3)
        assert (await at.take()).granted
        assert await at.take() == HELD
        assert await at.store.wait(KEY, PLAIN, 0) == Taken(granted=True)


async def test_no_room_is_kept_for_a_request_whose_hold_is_over() -> None:
    async with table() as at:
        assert (await at.take()).granted
        assert (await at.take()).granted
        at.time.at += HOLD - 0.25
        assert await at.take() == HELD
        at.time.at += 0.25
        await at.use(2)
        assert (await at.take()).granted  # they still have their places
        assert await at.take() == Taken(granted=False, delay=60.0, window=MINUTE)


# --- the system clock -------------------------------------------------------------------------------------


async def test_a_clock_that_is_set_back_does_not_lock_a_full_window() -> None:
    async with table() as at:
        await at.use(5)
        at.time.at -= 12 * 3600
        assert await at.take() == Taken(granted=False, delay=60.0, window=MINUTE)
        at.time.at += 60
        assert (await at.take()).granted


async def test_a_clock_that_is_set_back_does_not_prolong_a_closure() -> None:
    async with table() as at:
        await refused(at, seconds=30.0)
        at.time.at -= 3600
        assert (await at.take()).delay == 30.0
        assert (await at.window(MINUTE)).opens_in == 30.0
        at.time.at += 30
        assert (await at.take()).granted


async def test_a_clock_that_is_set_back_does_not_lock_what_a_crash_left() -> None:
    async with table() as at:
        for _ in range(5):
            await at.take()
        at.time.at -= 12 * 3600
        assert not (await at.take()).granted
        at.time.at += HOLD + 60
        assert (await at.take()).granted


async def test_a_clock_that_is_set_back_frees_nothing_too_soon() -> None:
    async with table() as at:
        await at.use(5)
        for _ in range(10):
            at.time.at -= 5
            assert not (await at.take()).granted
        at.time.at += 59.75
        assert not (await at.take()).granted


# --- the file ---------------------------------------------------------------------------------------------


async def test_two_processes_share_the_windows_through_the_file(tmp_path: Path) -> None:
    async with table(tmp_path) as one, table(tmp_path, one.time) as two:
        await one.use(3)
        await two.use(2)
        assert not (await one.take()).granted
        await two.store.give_back(KEY, two.names[-1])
        assert (await one.take()).granted


async def test_the_windows_outlive_the_process(tmp_path: Path) -> None:
    async with table(tmp_path) as before:
        await before.use(5)
    async with table(tmp_path, before.time) as after:
        assert not (await after.take()).granted


async def test_in_memory_nothing_is_shared() -> None:
    async with table() as one, table() as two:
        await one.use(5)
        await two.use(5)


async def test_only_its_owner_can_read_the_folder_and_its_files(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "state"
    async with table(folder) as at:
        await at.use(1)
        modes = {path.name: S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
        assert modes == {FILE: 0o600, f"{FILE}-wal": 0o600, f"{FILE}-shm": 0o600}
        assert S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_folder_that_cannot_be_used_is_named_with_what_to_do(tmp_path: Path) -> None:
    # A file in its place: root, who may run the tests, writes into every folder.
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match=r"file.*cannot be used .*Nothing was sent.*TASKIP_STATE_DIR"):
        SqliteStore(tmp_path / "file", Clock())


async def test_a_file_that_is_no_database_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"something else " * 100)
    with pytest.raises(StateError, match=r"is damaged .*not a database.*Nothing was sent.*move it away"):
        SqliteStore(tmp_path, Clock())


async def test_a_file_that_another_process_does_not_let_go_of_is_an_error_and_works_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "BUSY", 0.05)
    async with table(tmp_path) as at:
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match=r"held by another program.*Nothing was sent"):
                await at.take()
            other.execute("ROLLBACK")
        await at.use(5)


async def test_a_step_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    async with table(tmp_path) as at:
        with closing(sqlite3.connect(tmp_path / FILE, isolation_level=None)) as other:
            other.execute(
                f"CREATE TRIGGER broken BEFORE INSERT ON places WHEN NEW.name = '{HOUR}'"
                " BEGIN SELECT RAISE(ABORT, 'disk on fire'); END"
            )
            with pytest.raises(StoreError, match="disk on fire"):
                await at.take()
            other.execute("DROP TRIGGER broken")
        assert [each.used for each in await at.store.show(KEY, ALL)] == [0, 0, 0]
        await at.use(5)
