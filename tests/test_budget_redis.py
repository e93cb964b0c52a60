"""The rate windows in a real Redis: the same as in SQLite, and shared by replicas."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import anyio
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from taskip_mcp.budget import Budget, account_of, windows_of
from taskip_mcp.budget.redis import MARGIN
from taskip_mcp.budget.sqlite import SqliteStore
from taskip_mcp.budget.windows import (
    HOUR,
    LONGEST_CLOSURE,
    MINUTE,
    SOON,
    Seen,
    Store,
    Taken,
    Window,
    WindowState,
)
from taskip_mcp.clock import Clock
from taskip_mcp.settings import Settings
from tests.redis_server import RedisServer, client_of, redis_server, store_at

SPANS = {MINUTE: 60.0, HOUR: 3600.0, "of our own": 7.25}
ALL = tuple(Window(name, 3, span) for name, span in SPANS.items())
NARROW = (Window(MINUTE, 2, 60.0), Window(HOUR, 5, 3600.0))
WIDE = (Window(MINUTE, 100, 60.0), Window(HOUR, 1000, 3600.0))
SECRET = "hunter2-do-not-tell"


@pytest.fixture(scope="session")
def server() -> Generator[RedisServer]:
    with redis_server() as running:
        yield running


# --- the same as in SQLite --------------------------------------------------------------------------------

Outcome = Taken | list[WindowState] | None


@dataclass
class World:
    """The time, which both stores are told, and the requests that were let go."""

    now: float = 1_790_000_000.123456
    grants: list[str] = field(default_factory=lambda: list[str]())

    def grant(self, index: int) -> str:
        """One of the requests; sometimes one that never was."""
        return self.grants[index % len(self.grants)] if self.grants else "nobody"


Step = Callable[[World, str], Callable[[Store], Any]]
"""What happens, in words that fit any store; it may change the world first."""


def taking(windows: Sequence[Window], hold: float) -> Step:
    def prepare(world: World, account: str) -> Callable[[Store], Any]:
        grant = f"g{len(world.grants)}"
        world.grants.append(grant)
        return lambda store: store.take(account, windows, grant, hold=hold)

    return prepare


def giving_back(index: int) -> Step:
    return lambda world, account: lambda store: store.give_back(account, world.grant(index))


def settling(windows: Sequence[Window], index: int, seen: Seen) -> Step:
    return lambda world, account: lambda store: store.settle(account, windows, world.grant(index), seen)


def waiting(windows: Sequence[Window], ahead: int) -> Step:
    return lambda _, account: lambda store: store.wait(account, windows, ahead)


def showing(windows: Sequence[Window]) -> Step:
    return lambda _, account: lambda store: store.show(account, windows)


def passing(seconds: float) -> Step:
    def prepare(world: World, _account: str) -> Callable[[Store], Any]:
        world.now += seconds
        return lambda _: anyio.lowlevel.checkpoint()

    return prepare


limits = st.integers(1, 5) | st.integers(6, 12)
some_windows = st.dictionaries(st.sampled_from(sorted(SPANS)), limits, min_size=1).map(
    lambda chosen: tuple(Window(name, limit, SPANS[name]) for name, limit in chosen.items())
)
all_windows = st.tuples(*[limits] * len(SPANS)).map(
    lambda chosen: tuple(Window(name, limit, SPANS[name]) for name, limit in zip(SPANS, chosen, strict=True))
)
indexes = st.sampled_from((-1, -1, -2, -3, 0))
short = st.sampled_from((0.05, 1.0, 5.0, 7.25, 20.0, 30.0, 55.0)) | st.floats(0.0, 70.0)
seconds = short | st.sampled_from((60.0, 61.0, 3600.0)) | st.floats(0.0, 4000.0)
odd = st.sampled_from((-1.0, 0.0, 3601.0, LONGEST_CLOSURE + 1))
quiet = st.builds(Seen, late=st.sampled_from([0.0, 0.0, 7.0]))
refusal = st.builds(
    Seen,
    closed=st.sampled_from(sorted(SPANS)),
    closed_for=st.none() | seconds | odd,
    reset_in=st.none() | seconds | odd,
)
numbers = st.none() | st.integers(0, 10)
telling = st.builds(
    Seen,
    limit=numbers,
    remaining=st.integers(0, 10),
    reset_in=st.none() | seconds | odd,
    closed=st.sampled_from(("", "", MINUTE, HOUR)),
)
takes = st.builds(taking, some_windows, hold=st.sampled_from((0.0, 30.0)) | seconds)
settles = st.builds(settling, all_windows | some_windows, indexes, quiet | refusal | telling)
steps = st.one_of(
    takes,
    takes,
    settles,
    settles,
    st.builds(giving_back, indexes),
    st.builds(waiting, some_windows, st.integers(0, 20)),
    st.builds(showing, st.just(ALL) | some_windows),
    st.builds(passing, short | seconds),
    st.builds(passing, st.floats(-90_000.0, -3.0)),  # the clock is set back
)


def near(number: float) -> object:
    return pytest.approx(number, abs=1e-5)


def flat(outcome: Outcome, number: Callable[[float], object] = float) -> list[tuple[object, ...]]:
    """An outcome in pieces, its times as `number` makes them."""
    if isinstance(outcome, Taken):
        return [(outcome.granted, outcome.window, number(outcome.delay))]
    return [
        (each.window, each.limit, each.span, each.used, each.foreign, number(each.opens_in))
        for each in outcome or ()
    ]


async def live_through(url: str, history: Sequence[Step]) -> None:
    world, account = World(), uuid4().hex
    clock = Clock(lambda: world.now, 2.0)  # no scale of 1: Redis is told the time
    async with store_at(url, clock) as tested:
        reference = SqliteStore(None, clock)
        try:
            for step in history:
                action = step(world, account)
                assert flat(await action(tested)) == flat(await action(reference), near)
        finally:
            await reference.aclose()


# What chance seldom finds: others fill more than the minute; a place is forgotten while other windows are looked at.
OTHERS = [settling(NARROW, -1, Seen(remaining=remaining)) for remaining in (5, 0)]
FORGOTTEN = [
    taking(ALL[-1:], 0.0),
    passing(10.0),
    waiting(ALL[:1], 0),
    settling(ALL, -1, Seen()),
    showing(ALL),
]

ROOM = (Window(MINUTE, 8, 60.0),)
# Crashes leave places that are free before and after those of answered requests, and one whose hold is just over.
LEFT = [
    taking(ROOM, 0.0),
    passing(7.0),
    taking(ROOM, 30.0),
    settling(ROOM, -1, Seen()),
    passing(5.0),
    taking(ROOM, 30.0),
    passing(10.0),
    taking(ROOM, 0.0),
    settling(ROOM, 1, Seen(late=7.0)),
    taking(ROOM, 30.0),
    taking(ROOM, 30.0),
    *(waiting(ROOM, ahead) for ahead in range(10)),
    passing(20.0),
    *(waiting(ROOM, ahead) for ahead in range(10)),
    *[taking(ROOM, 30.0)] * 3,
    passing(30.0),
    *[taking(ROOM, 30.0)] * 3,
    *(waiting(ROOM, ahead) for ahead in range(10)),
]


@example(history=OTHERS, watched=True)
@example(history=LEFT, watched=False)
@example(history=FORGOTTEN, watched=False)
@settings(max_examples=200, deadline=None)
@given(history=st.lists(steps, min_size=20, max_size=40), watched=st.booleans())
def test_whatever_happens_redis_says_what_sqlite_says(
    server: RedisServer, history: list[Step], watched: bool
) -> None:
    # Looking tells more, and forgets what is over: a history that nobody watches may go another way.
    looks = [showing(ALL)] if watched else []
    anyio.run(live_through, server.url, [each for step in history for each in (step, *looks)])


# --- what is shared ---------------------------------------------------------------------------------------


@pytest.mark.anyio
@pytest.mark.parametrize(("answered", "most"), [(True, 100), (False, 34)])
async def test_two_replicas_let_exactly_as_many_go_as_there_is_room_for(
    server: RedisServer, answered: bool, most: int
) -> None:
    account, granted = uuid4().hex, list[bool]()

    async def take(store: Store, grant: str) -> None:
        taken = await store.take(account, WIDE, grant, hold=60.0)
        while answered and taken.delay == SOON:  # until others were answered
            taken = await store.take(account, WIDE, grant, hold=60.0)
        granted.append(taken.granted)
        if answered and taken.granted:
            await store.settle(account, WIDE, grant, Seen())

    async with store_at(server.url) as one, store_at(server.url) as two, anyio.create_task_group() as group:
        for number in range(100):
            group.start_soon(take, one, f"one {number}")
            group.start_soon(take, two, f"two {number}")
    assert (granted.count(True), granted.count(False)) == (most, 200 - most)


@pytest.mark.anyio
async def test_what_one_replica_takes_the_other_sees(server: RedisServer) -> None:
    account = uuid4().hex
    async with store_at(server.url) as one, store_at(server.url) as two:
        await one.take(account, WIDE, "first", hold=60.0)
        await one.settle(account, WIDE, "first", Seen(limit=1000, remaining=990, reset_in=600.0))
        minute, hour = await two.show(account, WIDE)
        assert (minute.used, hour.used, hour.foreign) == (1, 10, 9)
        await one.settle(account, WIDE, "first", Seen(closed=MINUTE, closed_for=30.0))
        held = await two.take(account, WIDE, "second", hold=60.0)
        assert (held.granted, held.window) == (False, MINUTE)
        assert 29.0 < held.delay <= 30.0


@pytest.mark.anyio
async def test_redis_tells_the_time_whatever_the_replica_believes(server: RedisServer) -> None:
    account, window = uuid4().hex, [Window(MINUTE, 1, 60.0)]
    async with store_at(server.url) as one, store_at(server.url, Clock(lambda: 0.0)) as astray:
        await one.take(account, window, "first", hold=0.0)
        taken = await astray.take(account, window, "second", hold=0.0)
        assert 59.0 < taken.delay <= 60.0


@pytest.mark.anyio
async def test_a_place_is_free_again_when_its_time_is_over(server: RedisServer) -> None:
    account, window = uuid4().hex, [Window("short", 1, 0.1)]
    async with store_at(server.url) as store:
        assert (await store.take(account, window, "first", hold=5.0)).granted
        await store.settle(account, window, "first", Seen())
        taken = await store.take(account, window, "second", hold=5.0)
        assert not taken.granted
        await anyio.sleep(0.11)
        assert (await store.take(account, window, "third", hold=5.0)).granted


@pytest.mark.anyio
async def test_accounts_share_nothing(server: RedisServer) -> None:
    window = [Window(MINUTE, 1, 60.0)]
    async with store_at(server.url) as store:
        for account in ("a" * 32, "b" * 32):
            assert (await store.take(account, window, "same name", hold=60.0)).granted
        await store.give_back("a" * 32, "same name")
        assert not (await store.take("b" * 32, window, "next", hold=60.0)).granted


@pytest.mark.anyio
@pytest.mark.parametrize(("back", "freed_in"), [(0.4, 60.0), (1000.0, 60.0)])
async def test_a_clock_that_runs_back_a_little_or_a_lot_locks_nothing(
    server: RedisServer, back: float, freed_in: float
) -> None:
    account, window, world = uuid4().hex, [Window(MINUTE, 1, 60.0)], World()
    async with store_at(server.url, Clock(lambda: world.now, 2.0)) as store:
        await store.take(account, window, "first", hold=0.0)
        world.now -= back
        taken = await store.take(account, window, "second", hold=0.0)
        assert (taken.granted, taken.delay) == (False, pytest.approx(freed_in))
        world.now += freed_in + back
        assert (await store.take(account, window, "third", hold=0.0)).granted


# --- what is stored ---------------------------------------------------------------------------------------


async def contents(client: Any, account: str) -> dict[str, object]:
    """Every key of the account with what it holds."""
    keys: list[str] = [key async for key in client.scan_iter(match=f"*{account}*")]
    readers: dict[str, Callable[[str], Any]] = {
        "string": client.get,
        "hash": client.hgetall,
        "zset": lambda key: client.zrange(key, 0, -1, withscores=True),
    }
    return {key: await readers[await client.type(key)](key) for key in keys}


async def fill(store: Store, account: str) -> None:
    """Leave a key of every kind."""
    for grant in ("one", "two"):
        await store.take(account, WIDE, grant, hold=60.0)
    await store.settle(account, WIDE, "one", Seen(1000, 900, 600.0, closed=HOUR, closed_for=50_000.0))


@pytest.mark.anyio
async def test_every_key_goes_away_by_itself_and_not_too_soon(server: RedisServer) -> None:
    account = uuid4().hex
    async with store_at(server.url) as store, client_of(server.url) as client:
        await fill(store, account)
        left = {key.partition("}:")[2]: await client.ttl(key) for key in await contents(client, account)}
    assert set(left) == {
        "",
        "minute:away",
        "minute:settled",
        "hour:away",
        "hour:settled",
        "hour:foreign",
        "hour:closure",
    }
    assert left.pop("hour:closure") > 50_000
    assert left["hour:away"] >= 3600 + 60
    assert left.pop("") > LONGEST_CLOSURE  # the clock: for as long as anything else
    assert all(60 < seconds <= 3660 + MARGIN for seconds in left.values())


@pytest.mark.anyio
async def test_an_account_lies_on_one_node_of_a_cluster(server: RedisServer) -> None:
    account = uuid4().hex
    async with store_at(server.url) as store, client_of(server.url) as client:
        await fill(store, account)
        slots = {key_slot(key.encode()) for key in await contents(client, account)}
    assert slots == {key_slot(account.encode())}


@pytest.mark.anyio
async def test_the_api_key_is_not_stored(server: RedisServer) -> None:
    config = Settings(secret_key=f"key-{uuid4().hex}", base_url="https://taskip.invalid/api")
    async with store_at(server.url) as store, client_of(server.url) as client:
        budget = Budget(store, account_of(config), windows_of(config))
        grant = await budget.acquire()
        await budget.settle(grant, Seen(1000, 900, 600.0, closed=MINUTE))
        stored = repr(await contents(client, account_of(config)))
    assert grant.name in stored
    assert config.secret_key not in stored
    assert "taskip.invalid" not in stored


# --- confirmations ----------------------------------------------------------------------------------------


@pytest.mark.anyio
async def test_a_confirmation_is_good_once_for_all_replicas(server: RedisServer) -> None:
    account, other = uuid4().hex, uuid4().hex
    async with store_at(server.url) as one, store_at(server.url) as two:
        assert await one.once(account, "n1", 600)
        assert not await two.once(account, "n1", 600)
        assert not await one.once(account, "n1", 600)
        assert await two.once(account, "n2", 600)
        assert await two.once(other, "n1", 600), "each key has its own"


@pytest.mark.anyio
async def test_a_used_confirmation_is_forgotten_when_it_is_void_anyway(server: RedisServer) -> None:
    account = uuid4().hex
    async with store_at(server.url) as store, client_of(server.url) as client:
        await store.once(account, "n", 600)
        (key,) = [each async for each in client.scan_iter(match=f"*{account}*nonce*")]
        assert 600 <= await client.ttl(key) <= 660
