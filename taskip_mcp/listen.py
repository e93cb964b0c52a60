"""Serve an ASGI application on a loopback port; says on stderr where."""

from __future__ import annotations

import socket
import sys
from collections.abc import Callable
from typing import Any

from taskip_mcp.errors import ConfigError


def bind(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises `ConfigError` when the address cannot be used."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With the protocol named asyncio switches Nagle's algorithm off; else it waits 40 ms for the peer's delayed ACK.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()  # before anybody is told where; uvicorn would only do so later
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror}. Choose another --port."
        ) from None
    return listener


async def serve(
    make: Callable[[int], Any], host: str, port: int, path: str, log_level: str, *, dated: bool = False
) -> None:
    """Serve `make(port)`, the application for the port that was bound, until the process is told to stop.

    `dated` says that the application dates its answers itself.
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
    )
    name = f"[{host}]" if ":" in host else host
    sys.stderr.write(f"taskip-mcp: serving on http://{name}:{actual}{path}\n")
    sys.stderr.flush()
    await uvicorn.Server(config).serve(sockets=[listener])
