"""The windows of every account in Redis (5 or newer, or what speaks as it does), for replicas on several machines.

Each step is one call of one Lua script (redis.lua), which Redis runs alone: replicas cannot see each other's half-done
steps. Only the hash that is the account, window names, random names of requests and times reach Redis.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit
from uuid import uuid4

from taskip_mcp.budget.windows import (
    HIDDEN,
    HOUR,
    LONGEST_CLOSURE,
    MINUTE,
    PROBE,
    QUOTATION_SENDS,
    RECENT,
    SOON,
    UPLOADS,
    Seen,
    StoreError,
    Taken,
    Window,
    WindowState,
)
from taskip_mcp.clock import Clock

if TYPE_CHECKING:
    from redis.asyncio import BlockingConnectionPool, Redis

TIMEOUT = 2.0
"""Seconds for a connection, and for an answer. A step takes Redis less than a millisecond."""

SLACK = 60
"""Seconds for which a used confirmation is kept after its time: clocks differ."""

CONNECTIONS = 8
"""Steps of one process that are under way at once; others wait for a connection."""

MARGIN = 3600
"""Seconds for which a key is kept after all in it is over."""

JITTER = 0.5
"""Seconds by which a step may arrive later than one that was sent after it."""

KINDS = ("away", "settled", "foreign", "closure")
"""The keys of a window: three sorted sets of requests, scored with the time when their place is free, and a hash.

`away` are those whose answer is out, `settled` all others; `foreign` names those of `settled` that other programs sent.
"""

CONSTANTS = f"""
local MINUTE, HOUR, SOON, PROBE, HIDDEN = '{MINUTE}', '{HOUR}', {SOON}, {PROBE}, {HIDDEN}
local LONGEST_CLOSURE, RECENT, MARGIN, JITTER = {LONGEST_CLOSURE}, {RECENT}, {MARGIN}, {JITTER}
"""

Script = Callable[[list[str], list[str]], Awaitable[str]]


class RedisStore:
    """A `Store` in the Redis at `url`. Raises `StoreError` if the address or the installation cannot be used."""

    def __init__(self, url: str, clock: Clock) -> None:
        self._clock = clock
        self._client = _open(url)
        self._failures = _failures()
        self._script = cast("Script", self._client.register_script(_script()))
        # A request is given back without its windows: by the process that took it, which has seen their names.
        self._names: dict[str, None] = dict.fromkeys((MINUTE, HOUR, UPLOADS, QUOTATION_SENDS))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def take(self, account: str, windows: Sequence[Window], grant: str, *, hold: float) -> Taken:
        """See `Store.take`."""
        # If no answer comes, nobody knows whether the places were taken. They then stay taken until the hold is over:
        # less can leave than TaskIP allows, never more.
        return Taken(**await self._step("take", account, windows, grant=grant, hold=hold))

    async def give_back(self, account: str, grant: str) -> None:
        """See `Store.give_back`."""
        await self._step("give_back", account, (), grant=grant)

    async def settle(self, account: str, windows: Sequence[Window], grant: str, seen: Seen) -> None:
        """See `Store.settle`."""
        told = {name: value for name, value in asdict(seen).items() if value is not None}
        await self._step("settle", account, windows, grant=grant, seen=told, nonce=uuid4().hex)

    async def wait(self, account: str, windows: Sequence[Window], ahead: int) -> Taken:
        """See `Store.wait`."""
        return Taken(**await self._step("wait", account, windows, ahead=ahead))

    async def show(self, account: str, windows: Sequence[Window]) -> list[WindowState]:
        """See `Store.show`."""
        states = await self._step("show", account, windows)
        return [
            WindowState(each.name, each.limit, each.span, **state)
            for each, state in zip(windows, states, strict=True)
        ]

    async def once(self, account: str, nonce: str, seconds: float) -> bool:
        """See `Store.once`."""
        try:
            key = f"taskip-mcp:{{{account}}}:nonce:{nonce}"
            return bool(await self._client.set(key, "used", nx=True, ex=ceil(seconds) + SLACK))
        except self._failures as error:
            raise StoreError(_words(self._client, error)) from None

    async def _step(self, name: str, account: str, windows: Sequence[Window], **given: object) -> Any:
        """One call of the script; what it answers."""
        described = [{"name": each.name, "limit": each.limit, "span": each.span} for each in windows]
        step: dict[str, object] = {"name": name, "windows": described, "pace": self._clock.scale, **given}
        if self._clock.scale != 1:
            # Redis' own time is the same for all replicas, but runs no faster for a benchmark.
            step["now"] = self._clock.now()
        try:
            return json.loads(await self._script(self._keys(account, windows), [json.dumps(step)]))
        except self._failures as error:
            raise StoreError(_words(self._client, error)) from None

    def _keys(self, account: str, windows: Sequence[Window]) -> list[str]:
        """All keys of the account; the braces put them on one node of a cluster."""
        names = dict.fromkeys(each.name for each in windows)
        self._names.update(names)
        prefix = f"taskip-mcp:{{{account}}}"
        return [prefix] + [f"{prefix}:{name}:{kind}" for name in names | self._names for kind in KINDS]


def _script() -> str:
    return CONSTANTS + Path(__file__).with_name("redis.lua").read_text(encoding="utf-8")


def _open(url: str) -> Redis:
    """A client that gives up soon and does not repeat a step. Nothing is connected yet."""
    try:
        from redis.asyncio import BlockingConnectionPool, Redis
        from redis.asyncio.retry import Retry
        from redis.backoff import NoBackoff
    except ImportError:
        raise StoreError(
            "TASKIP_RATE_STORE is a Redis address, and the Python package redis is missing. Nothing was sent."
            " Install it: pip install taskip-mcp[redis]"
        ) from None
    try:
        if "@" in url and "@" not in urlsplit(url).netloc:
            raise ValueError("a part of the password stands where the host should")
        pool: BlockingConnectionPool = cast("Any", BlockingConnectionPool).from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=TIMEOUT,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 0),
            # The older protocol is all that is needed, and spares the greetings of the newer one.
            protocol=2,
            decode_responses=True,
        )
        pool.make_connection()  # complains about options that the address misspells
    except (TypeError, ValueError):
        # Their words may quote a part of the password.
        raise StoreError(
            "TASKIP_RATE_STORE is no address that the Redis client understands. Nothing was sent. It looks like"
            " rediss://user:password@host:6379/0; special characters in the password are percent-encoded."
        ) from None
    return Redis.from_pool(pool)


def _failures() -> tuple[type[Exception], ...]:
    from redis.exceptions import RedisError

    return RedisError, OSError


def _words(client: Redis, error: Exception) -> str:
    """What to say when Redis fails: never the password."""
    options = cast("BlockingConnectionPool", client.connection_pool).connection_kwargs
    where = f"{options.get('host', 'localhost')}:{options.get('port', 6379)}/{options.get('db', 0)}"
    what = str(error).rstrip(".") or type(error).__name__
    if password := options.get("password"):
        what = what.replace(str(password), "***")
    return (
        f"The rate store in Redis at {where} cannot be used ({what}). Nothing was sent. Check that it runs and can be"
        " reached from here, and the address in TASKIP_RATE_STORE."
    )
