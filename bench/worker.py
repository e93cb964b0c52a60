"""Our MCP server over stdio, as ``python -m taskip_mcp`` runs it, but on a clock of any pace."""

from __future__ import annotations

import argparse
import logging
import sys

import anyio

from taskip_mcp import settings as settings_module
from taskip_mcp.clock import Clock, scaled
from taskip_mcp.server import App, build_server
from taskip_mcp.settings import Settings


async def serve(settings: Settings, clock: Clock) -> None:
    """Until the client goes."""
    app = App(settings, clock=clock)
    try:
        await build_server(app).run_stdio_async()
    finally:
        await app.aclose()


def main() -> None:
    """Arguments and environment -> server."""
    parser = argparse.ArgumentParser(description="The MCP server for a benchmark.")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--origin", type=float, default=0.0)
    options = parser.parse_args()
    settings = settings_module.from_process()
    logging.basicConfig(level=settings.log_level, stream=sys.stderr)
    anyio.run(serve, settings, scaled(options.scale, options.origin))


if __name__ == "__main__":
    main()
