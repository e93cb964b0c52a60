"""How clients hear that a resource is stale: `subscriptions/listen` since 2026-07-28, `resources/subscribe` before.

Knows the SDK; which addresses an event concerns is told by `taskip_mcp.events.updates`.
"""

from __future__ import annotations

from typing import Any

import anyio
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

MOST = 1_000
"""Addresses that one client may watch."""

PATIENCE = 1.0
"""Seconds in which a notice must be taken: one client that does not read must not keep the others waiting."""


REST = 30.0
"""Seconds for which such a client is left alone."""


class Subscriptions:
    """Who watches which address, in both eras."""

    def __init__(self, watched: Watched) -> None:
        self._watched = watched
        self._bus = InMemorySubscriptionBus()
        self._serve = ListenHandler(self._bus)
        self._stuck: dict[Connection, float] = {}
        self._sessions: dict[Connection, tuple[ServerSession, set[str]]] = {}

    async def publish(self, uri: str) -> None:
        """Tell all that watch it. A client that does not take a notice gets no other for a while."""
        await self._bus.publish(ResourceUpdated(uri=uri))
        for connection, (session, uris) in list(self._sessions.items()):
            if uri not in uris or self._stuck.get(connection, -REST) + REST > anyio.current_time():
                continue
            with anyio.move_on_after(PATIENCE) as scope:
                await session.send_resource_updated(uri)
            if scope.cancelled_caught:
                self._stuck[connection] = anyio.current_time()

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
        if connection not in self._sessions:
            self._sessions[connection] = context.session, set()
            connection.exit_stack.callback(self._gone, connection)
        uris, uri = self._sessions[connection][1], str(parameters.uri)
        if uri not in uris:
            _bounded(len(uris) + 1)
            uris.add(uri)
            self._watched.add(uri)
        return EmptyResult()

    async def unsubscribe(self, context: Any, parameters: UnsubscribeRequestParams) -> EmptyResult:
        """No more of it."""
        _, uris = self._sessions.get(_connection(context.session), (None, set[str]()))
        if (uri := str(parameters.uri)) in uris:
            uris.remove(uri)
            self._watched.remove(uri)
        return EmptyResult()

    def close(self) -> None:
        """End the streams of those that listen, each with its result."""
        self._serve.close()

    def _gone(self, connection: Connection) -> None:
        self._stuck.pop(connection, None)
        for uri in self._sessions.pop(connection)[1]:
            self._watched.remove(uri)


def _connection(session: ServerSession) -> Connection:
    # A session is made for each request; nothing public leads to what lasts, and tells when it ends.
    return session._connection  # pyright: ignore[reportPrivateUsage]


def _bounded(count: int) -> None:
    if count > MOST:
        raise MCPError(INVALID_PARAMS, f"No more than {MOST} resources can be watched by one client.")
