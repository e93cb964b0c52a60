"""Serve an ASGI application on a loopback port; says on stderr where."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable
from typing import Any

from taskip_mcp.errors import ConfigError

GRACE = 5
"""Seconds in which calls may come to their end once the process is told to stop."""


class TakenError(ConfigError):
    """Another program listens there."""


def bind(host: str, port: int, options: str = "--") -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `TakenError` when somebody has the port, and `ConfigError`
    when the address cannot be used; `options` is how the options begin that chose it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio switches Nagle's algorithm off; else it waits 40 ms for the peer's delayed ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # before anybody is told where; uvicorn would only do so later
    except OSError as error:
        listener.close()
        taken = error.errno == errno.EADDRINUSE
        why = f"cannot listen on {host}:{port}: {error.strerror}."
        if taken:
            raise TakenError(f"{why} Choose another {options}port.") from None
        raise ConfigError(f"{why} Check {options}host and {options}port.") from None
    return listener


async def serve(
    make: Callable[[int], Any],
    host: str,
    port: int,
    path: str,
    log_level: str,
    *,
    dated: bool = False,
    stopping: Callable[[], None] = lambda: None,
) -> None:
    """Serve `make(port)`, the application for the port that was bound, until the process is told to stop.

    `dated` says that the application dates its answers itself; `stopping` ends what would never end by itself.
    """
    import uvicorn

    listener = bind(host, port)
    actual: int = listener.getsockname()[1]
    config = uvicorn.Config(
        make(actual),
        log_config=None,
        log_level=log_level.lower(),
        access_log=False,  # a line would hold the path, and that a secret
        date_header=not dated,
        timeout_graceful_shutdown=GRACE,
    )

    class Server(uvicorn.Server):
        async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
            stopping()
            await super().shutdown(sockets)

    name = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"taskip-mcp: serving on http://{name}:{actual}{path}\n")
    sys.stderr.flush()
    await Server(config).serve(sockets=[listener])
