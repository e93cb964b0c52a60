"""When the rate store in Redis fails: what is said, and never with the password."""

from __future__ import annotations

import socket
import sys
from collections.abc import Generator
from contextlib import closing
from uuid import uuid4

import anyio
import pytest

from taskip_mcp.budget.redis import RedisStore
from taskip_mcp.budget.windows import HOUR, MINUTE, Seen, StoreError, Window
from taskip_mcp.clock import Clock
from tests.redis_server import HOST, RedisServer, client_of, redis_server, store_at

WIDE = (Window(MINUTE, 100, 60.0), Window(HOUR, 1000, 3600.0))
SECRET = "hunter2-do-not-tell"


@pytest.fixture(scope="session")
def server() -> Generator[RedisServer]:
    with redis_server() as running:
        yield running


async def failure(url: str) -> str:
    async with store_at(url) as store:
        with pytest.raises(StoreError) as caught:
            await store.take("account", WIDE, "grant", hold=60.0)
    assert caught.value.__cause__ is None
    return str(caught.value)


def assert_helpful(words: str, where: str) -> None:
    assert where in words
    assert "Nothing was sent." in words
    assert "TASKIP_RATE_STORE" in words
    assert SECRET not in words


@pytest.mark.anyio
async def test_a_dead_server_is_named_without_the_password() -> None:
    with closing(socket.socket()) as bound:
        bound.bind((HOST, 0))  # and does not listen
        where = f"{HOST}:{bound.getsockname()[1]}/3"
        assert_helpful(await failure(f"redis://user:{SECRET}@{where}"), where)


@pytest.mark.anyio
async def test_a_server_that_never_answers_is_given_up() -> None:
    with closing(socket.socket()) as silent:
        silent.bind((HOST, 0))
        silent.listen()
        where = f"{HOST}:{silent.getsockname()[1]}/0"
        with anyio.fail_after(5):
            assert_helpful(await failure(f"redis://:{SECRET}@{where}?socket_timeout=0.1"), where)


@pytest.mark.anyio
async def test_a_refused_password_is_not_repeated(server: RedisServer) -> None:
    where = f"{HOST}:{server.port}/0"
    assert_helpful(await failure(f"redis://user:{SECRET}@{where}"), where)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://user:{SECRET}/x@host:6379/0",
        f"redis://user:1/{SECRET}@host:6379/0",
        f"redis://user:{SECRET}@host:port/0",
        f"redis://user:{SECRET}@host:6379/0?misspelt=1",
        f"redis://user:{SECRET}@host:6379/0?socket_timeout=soon",
    ],
)
def test_an_unusable_address_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(StoreError) as caught:
        RedisStore(url, Clock())
    assert_helpful(str(caught.value), "TASKIP_RATE_STORE")


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis.asyncio", None)
    with pytest.raises(StoreError, match=r"pip install taskip-mcp\[redis\]"):
        RedisStore("redis://127.0.0.1/0", Clock())


@pytest.mark.anyio
async def test_a_server_that_comes_back_is_used_again() -> None:
    with redis_server() as own:
        async with store_at(own.url) as store:
            assert (await store.take("account", WIDE, "first", hold=60.0)).granted
            own.stop()
            with pytest.raises(StoreError):
                await store.show("account", WIDE)
            assert own.start()
            assert (await store.take("account", WIDE, "second", hold=60.0)).granted


@pytest.mark.anyio
async def test_a_connection_that_was_cut_while_idle_is_replaced(server: RedisServer) -> None:
    account = uuid4().hex
    async with store_at(server.url) as store, client_of(server.url) as client:
        await store.take(account, WIDE, "first", hold=60.0)
        await client.client_kill_filter(_type="normal", skipme=True)
        await anyio.sleep(0.05)
        await store.settle(account, WIDE, "first", Seen())
        assert [each.used for each in await store.show(account, WIDE)] == [1, 1]
