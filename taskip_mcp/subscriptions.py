"""How clients hear that a resource is stale: `subscriptions/listen` since 2026-07-28, `resources/subscribe` before.

Knows the SDK; which addresses an event concerns is told by `taskip_mcp.events.addresses`.
"""

from __future__ import annotations

import logging
from typing import Any

import anyio
from anyio.abc import TaskGroup
from mcp import MCPError
from mcp.server.connection import Connection
from mcp.server.session import ServerSession
from mcp.server.subscriptions import InMemorySubscriptionBus, ListenHandler, ResourceUpdated
from mcp_types import (
    INVALID_PARAMS,
    EmptyResult,
    SubscribeRequestParams,
    SubscriptionsListenRequestParams,
    SubscriptionsListenResult,
    UnsubscribeRequestParams,
)

from taskip_mcp.events.updates import Watched

logger = logging.getLogger(__name__)

MOST = 1_000
"""Addresses that one client may watch."""


class _Reader:
    """A client of before 2026-07-28: what it watches, and of what it has not been told yet.

    What waits is told once, however often it became stale meanwhile: a client that does not read for a while costs
    little, keeps nobody waiting, and misses nothing.
    """

    def __init__(self, session: ServerSession) -> None:
        self.uris: set[str] = set()
        self._session = session
        self._waiting: dict[str, None] = {}
        self._scope: anyio.CancelScope | None = None
        self._busy = False

    def put(self, uri: str, group: TaskGroup) -> None:
        """It became stale; the group sends."""
        self._waiting[uri] = None
        if not self._busy:
            self._busy = True
            group.start_soon(self._send)

    def forget(self, uri: str) -> None:
        """It is not watched any more."""
        self.uris.discard(uri)
        self._waiting.pop(uri, None)

    def close(self) -> None:
        """The connection ended."""
        self._waiting.clear()
        if self._scope:
            self._scope.cancel()

    async def _send(self) -> None:
        with anyio.CancelScope() as self._scope:
            while self._waiting:
                del self._waiting[uri := next(iter(self._waiting))]
                try:
                    await self._session.send_resource_updated(uri)
                except Exception:  # what runs beside it is the server
                    logger.debug("a client was not told of one", exc_info=True)
        self._busy = False


class Subscriptions:
    """Who watches which address, in both eras."""

    def __init__(self, watched: Watched) -> None:
        self.group: TaskGroup | None = None
        """What sends runs there."""
        self._watched = watched
        self._bus = InMemorySubscriptionBus()
        self._serve = ListenHandler(self._bus)
        self._readers: dict[Connection, _Reader] = {}

    async def publish(self, uri: str) -> None:
        """Tell all that watch it."""
        await self._bus.publish(ResourceUpdated(uri=uri))
        for reader in self._readers.values():
            if uri in reader.uris and self.group:
                reader.put(uri, self.group)

    async def listen(
        self, context: Any, parameters: SubscriptionsListenRequestParams
    ) -> SubscriptionsListenResult:
        """The stream of one client, which lasts as long as it listens."""
        uris = parameters.notifications.resource_subscriptions or []
        _bounded(len(uris))
        with self._watched.during(uris):
            return await self._serve(context, parameters)

    async def subscribe(self, context: Any, parameters: SubscribeRequestParams) -> EmptyResult:
        """One address, until it is given up or the connection ends."""
        connection = _connection(context.session)
        if connection not in self._readers:
            self._readers[connection] = _Reader(context.session)
            connection.exit_stack.callback(self._gone, connection)
        uris, uri = self._readers[connection].uris, str(parameters.uri)
        if uri not in uris:
            _bounded(len(uris) + 1)
            uris.add(uri)
            self._watched.add(uri)
        return EmptyResult()

    async def unsubscribe(self, context: Any, parameters: UnsubscribeRequestParams) -> EmptyResult:
        """No more of it."""
        reader = self._readers.get(_connection(context.session))
        if reader and (uri := str(parameters.uri)) in reader.uris:
            reader.forget(uri)
            self._watched.remove(uri)
        return EmptyResult()

    def close(self) -> None:
        """End the streams of those that listen, each with its result."""
        self._serve.close()

    def _gone(self, connection: Connection) -> None:
        reader = self._readers.pop(connection)
        reader.close()
        for uri in reader.uris:
            self._watched.remove(uri)


def _connection(session: ServerSession) -> Connection:
    # A session is made for each request; nothing public leads to what lasts, and tells when it ends.
    return session._connection  # pyright: ignore[reportPrivateUsage]


def _bounded(count: int) -> None:
    if count > MOST:
        raise MCPError(INVALID_PARAMS, f"No more than {MOST} resources can be watched by one client.")
